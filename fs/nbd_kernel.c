/* SPDX-License-Identifier: MIT */
/*
 * The kernel's nbd driver, by generic netlink (linux/nbd-netlink.h, Linux 4.11 and later).
 *
 * What happens when the server's end of a device goes away (poold was killed, or upgraded):
 *
 *	connections die -> new requests wait up to DEAD_SECONDS -> the next poold finds the device by its
 *	backend string (/sys/block/nbdN/backend), gives it new sockets -> they go on there
 *
 * A request that the dead server had read is sent again when its own time is up (REQUEST_SECONDS);
 * executing it twice is no harm.  A server that never comes back fails them: nothing waits for ever.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nbd.h"
#include "smartbox/core/file.h"
#include "smartbox/core/netlink.h"

enum {
	BLOCK_BYTES = 512,
	REQUEST_SECONDS = 15,
	DEAD_SECONDS = 60,
	BACKEND_MAX = 256,
};
#ifndef NBD_FLAG_SEND_WRITE_ZEROES
#define NBD_FLAG_SEND_WRITE_ZEROES (1 << 6) /* by the protocol; older kernels ignore it */
#endif

struct nbd_kernel {
	struct nl_sock *nl;
	uint16_t family;
};

static void
begin(struct nlmsg_buf *m, int family, int command)
{
	struct genlmsghdr g = {.cmd = (uint8_t)command, .version = 1};

	nl_begin(m, family, 0, &g, sizeof(g));
}

static void
attr_u64(struct nlmsg_buf *m, int type, uint64_t v)
{
	nl_attr(m, type, &v, sizeof(v));
}

static const struct rtattr *
answer_attr(const struct nlmsghdr *h, int type, size_t size)
{
	const struct rtattr *tb[64];
	size_t skip = NLMSG_LENGTH(GENL_HDRLEN);

	if (h->nlmsg_len < skip)
		return (NULL);
	nl_parse(tb, 64, (const struct rtattr *)(const void *)((const char *)h + skip),
	    h->nlmsg_len - skip);
	return (tb[type] != NULL && RTA_PAYLOAD(tb[type]) >= size ? tb[type] : NULL);
}

static int
note_family(const struct nlmsghdr *h, void *arg)
{
	const struct rtattr *a = answer_attr(h, CTRL_ATTR_FAMILY_ID, sizeof(uint16_t));

	if (a != NULL)
		memcpy(arg, RTA_DATA(a), sizeof(uint16_t));
	return (0);
}

int
nbd_kernel_open(struct nbd_kernel **out, struct err *e)
{
	struct nbd_kernel *k = calloc(1, sizeof(*k));
	struct nlmsg_buf m;
	int rc;

	if (k == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = nl_open(NETLINK_GENERIC, &k->nl, e)) != 0) {
		free(k);
		return (rc);
	}
	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	nl_attr_str(&m, CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME);
	rc = nl_call(k->nl, &m, note_family, &k->family, e);
	if (rc != 0 || k->family == 0) {
		nbd_kernel_close(k);
		return (err_set(e, ENOTSUP, "this kernel has no nbd driver"));
	}
	*out = k;
	return (0);
}

void
nbd_kernel_close(struct nbd_kernel *k)
{
	if (k == NULL)
		return;
	nl_close(k->nl);
	free(k);
}

static void
add_sockets(struct nlmsg_buf *m, const int *fds, int n)
{
	size_t list = nl_nest(m, NBD_ATTR_SOCKETS);

	for (int i = 0; i < n; i++) {
		size_t item = nl_nest(m, NBD_SOCK_ITEM);

		nl_attr_u32(m, NBD_SOCK_FD, (uint32_t)fds[i]);
		nl_nest_end(m, item);
	}
	nl_nest_end(m, list);
}

static int
note_index(const struct nlmsghdr *h, void *arg)
{
	const struct rtattr *a = answer_attr(h, NBD_ATTR_INDEX, sizeof(uint32_t));

	if (a != NULL)
		memcpy(arg, RTA_DATA(a), sizeof(uint32_t));
	return (0);
}

int
nbd_kernel_connect(struct nbd_kernel *k, const struct nbd_spec *spec, const int *fds, int n,
    int *index, struct err *e)
{
	uint64_t flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA |
	    NBD_FLAG_SEND_TRIM | NBD_FLAG_CAN_MULTI_CONN | NBD_FLAG_SEND_WRITE_ZEROES;
	struct nlmsg_buf m;
	int rc;

	if (spec->readonly)
		flags |= NBD_FLAG_READ_ONLY;
	begin(&m, k->family, NBD_CMD_CONNECT);
	attr_u64(&m, NBD_ATTR_SIZE_BYTES, spec->size);
	attr_u64(&m, NBD_ATTR_BLOCK_SIZE_BYTES, BLOCK_BYTES);
	attr_u64(&m, NBD_ATTR_TIMEOUT, REQUEST_SECONDS);
	attr_u64(&m, NBD_ATTR_DEAD_CONN_TIMEOUT, DEAD_SECONDS);
	attr_u64(&m, NBD_ATTR_SERVER_FLAGS, flags);
	nl_attr_str(&m, NBD_ATTR_BACKEND_IDENTIFIER, spec->backend);
	add_sockets(&m, fds, n);
	*index = -1;
	if ((rc = nl_call(k->nl, &m, note_index, index, e)) != 0)
		return (err_wrap(e, "nbd"));
	return (*index >= 0 ? 0 : err_set(e, EPROTO, "nbd: the kernel did not name the device"));
}

int
nbd_kernel_reconnect(struct nbd_kernel *k, int index, const char *backend, const int *fds, int n,
    struct err *e)
{
	struct nlmsg_buf m;

	begin(&m, k->family, NBD_CMD_RECONFIGURE);
	nl_attr_u32(&m, NBD_ATTR_INDEX, (uint32_t)index);
	nl_attr_str(&m, NBD_ATTR_BACKEND_IDENTIFIER, backend);
	add_sockets(&m, fds, n);
	return (nl_call(k->nl, &m, NULL, NULL, e) == 0 ? 0 : err_wrap(e, "nbd%d", index));
}

int
nbd_kernel_resize(struct nbd_kernel *k, int index, const char *backend, uint64_t size,
    struct err *e)
{
	struct nlmsg_buf m;

	begin(&m, k->family, NBD_CMD_RECONFIGURE);
	nl_attr_u32(&m, NBD_ATTR_INDEX, (uint32_t)index);
	nl_attr_str(&m, NBD_ATTR_BACKEND_IDENTIFIER, backend);
	attr_u64(&m, NBD_ATTR_SIZE_BYTES, size);
	return (nl_call(k->nl, &m, NULL, NULL, e) == 0 ? 0 : err_wrap(e, "nbd%d", index));
}

int
nbd_kernel_disconnect(struct nbd_kernel *k, int index, struct err *e)
{
	struct nlmsg_buf m;

	begin(&m, k->family, NBD_CMD_DISCONNECT);
	nl_attr_u32(&m, NBD_ATTR_INDEX, (uint32_t)index);
	return (nl_call(k->nl, &m, NULL, NULL, e) == 0 ? 0 : err_wrap(e, "nbd%d", index));
}

static int
visit(const char *name, const char *prefix, int (*fn)(int, const char *, void *), void *arg)
{
	char path[320], *backend;
	int index, end = 0, rc = 0;

	if (sscanf(name, "nbd%d%n", &index, &end) != 1 || name[end] != '\0')
		return (0);
	(void)snprintf(path, sizeof(path), "/sys/block/%s/backend", name);
	if (file_read(path, BACKEND_MAX, &backend, NULL, NULL) != 0)
		return (0);
	backend[strcspn(backend, "\n")] = '\0';
	if (strncmp(backend, prefix, strlen(prefix)) == 0)
		rc = fn(index, backend, arg);
	free(backend);
	return (rc);
}

int
nbd_kernel_walk(const char *prefix, int (*fn)(int index, const char *backend, void *arg), void *arg)
{
	DIR *d = opendir("/sys/block");
	struct dirent *de;
	int rc = 0;

	if (d == NULL)
		return (0);
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (strncmp(de->d_name, "nbd", 3) == 0)
			rc = visit(de->d_name, prefix, fn, arg);
	(void)closedir(d);
	return (rc);
}
