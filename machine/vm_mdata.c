/* SPDX-License-Identifier: MIT */
/*
 * Metadata of a running virtual machine: what its guest reads and writes on its second serial port.
 *
 *	guest -- ttyS1 -- monitor (jailed) -- socket -- this process -- the machine's configuration
 *
 *	sdc:NAME		of the machine itself; read only
 *	NAMESPACE:NAME		of a namespace that is the operator's: internal_metadata; read only
 *	NAME_pw			internal_metadata
 *	anything else		customer_metadata
 *
 * One process a machine, started with the monitor and gone with it (machine/broker.h).  It is outside
 * the walls and the guest talks to it: what it takes is lines of machine/mdata.c, judged there, and what
 * it does is what `vmadm update` would, on this machine alone.  What a guest can store is bounded.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/machine/broker.h"
#include "smartbox/machine/jsonpath.h"
#include "smartbox/machine/mdata.h"
#include "vm_impl.h"

enum { KEY_MAX = 256, STORE_MAX = 1 << 20 };

struct server {
	struct machine m;
	char uuid[64];
};

static bool
begins(const char *s, const char *with)
{
	return (strncmp(s, with, strlen(with)) == 0);
}

static bool
is_password(const char *key)
{
	size_t n = strlen(key);

	return (n > 3 && strcmp(key + n - 3, "_pw") == 0);
}

/* "NS:..." with NS one of the operator's. */
static bool
is_protected(const json_t *vm, const char *key)
{
	json_t *list = json_object_get(vm, "internal_metadata_namespaces"), *ns;
	size_t n = strcspn(key, ":"), i;

	if (key[n] != ':')
		return (false);
	json_array_foreach(list, i, ns)
		if (json_string_length(ns) == n && strncmp(json_string_value(ns), key, n) == 0)
			return (true);
	return (false);
}

/* --- reading ------------------------------------------------------------------------------------ */

/* Strings, numbers and booleans; of the rest `structured` says whether it may be JSON text. */
static int
add_value(struct buf *out, const json_t *v, bool structured)
{
	char *text;

	if (v == NULL || json_is_null(v))
		return (-ENOENT);
	if (!structured && (json_is_object(v) || json_is_array(v)))
		return (-EINVAL);
	if ((text = jsonpath_text(v)) == NULL)
		return (-ENOMEM);
	buf_str(out, text);
	free(text);
	return (0);
}

static json_t *
routes_of(const json_t *vm)
{
	json_t *list = json_array(), *gw;
	const char *dst;

	json_object_foreach(json_object_get(vm, "routes"), dst, gw)
		(void)json_array_append_new(list,
		    json_pack("{s:b, s:s, s:O}", "linklocal", 0, "dst", dst, "gateway", gw));
	return (list);
}

static int
get_own(json_t *vm, const char *name, struct buf *out)
{
	static const char *const whole[] = {"nics", "resolvers", "tmpfs"};
	json_t *internal = json_object_get(vm, "internal_metadata"), *routes;
	int rc;

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (strcmp(name, whole[i]) == 0)
			return (add_value(out, json_object_get(vm, name), true));
	if (strcmp(name, "routes") == 0) {
		routes = routes_of(vm);
		rc = add_value(out, routes, true);
		json_decref(routes);
		return (rc);
	}
	if (strcmp(name, "operator-script") == 0)
		return (add_value(out, json_object_get(internal, name), true));
	if (strcmp(name, "volumes") == 0)
		return (add_value(out, json_object_get(internal, "sdc:volumes"), true));
	return (add_value(out, jsonpath_get(vm, name, '.'), false));
}

static int
get(void *arg, const char *key, struct buf *value)
{
	struct server *s = arg;
	const char *place = "customer_metadata";
	json_t *vm;
	int rc;

	if (vm_load(&s->m, s->uuid, VM_ALL, &vm, NULL) != 0)
		return (-EIO);
	if (is_password(key) || is_protected(vm, key))
		place = "internal_metadata";
	if (begins(key, "sdc:"))
		rc = get_own(vm, key + 4, value);
	else
		rc = add_value(value, json_object_get(json_object_get(vm, place), key), true);
	json_decref(vm);
	return (rc);
}

static void
add_keys(const json_t *vm, const char *place, bool internal, struct buf *list)
{
	const char *key;
	json_t *v;

	json_object_foreach(json_object_get(vm, place), key, v) {
		if ((is_password(key) || is_protected(vm, key)) != internal)
			continue;
		buf_printf(list, "%s%s", list->len > 0 ? "\n" : "", key);
	}
}

static int
keys(void *arg, struct buf *list)
{
	struct server *s = arg;
	json_t *vm;

	if (vm_load(&s->m, s->uuid, VM_ALL, &vm, NULL) != 0)
		return (-EIO);
	add_keys(vm, "customer_metadata", false, list);
	add_keys(vm, "internal_metadata", true, list);
	json_decref(vm);
	return (0);
}

/* --- writing ------------------------------------------------------------------------------------ */

static size_t
size_of(const json_t *v)
{
	char *text = v != NULL ? json_dumps(v, JSON_COMPACT) : NULL;
	size_t n = text != NULL ? strlen(text) : 0;

	free(text);
	return (n);
}

static int
check_put(const json_t *vm, const char *key, const char *value, struct err *e)
{
	int n = (int)strcspn(key, ":");

	if (begins(key, "sdc:") || is_protected(vm, key))
		return (err_set(e, EPERM, "Cannot update the \"%.*s\" Namespace.", n, key));
	if (strlen(key) > KEY_MAX)
		return (err_set(e, EINVAL, "the key is longer than %d bytes", KEY_MAX));
	if (value != NULL && strlen(value) + size_of(json_object_get(vm, "customer_metadata")) +
	        size_of(json_object_get(vm, "internal_metadata")) > STORE_MAX)
		return (err_set(e, ENOSPC, "metadata is full"));
	return (0);
}

/* The update that does it. */
static json_t *
update_of(const char *key, const char *value)
{
	bool internal = is_password(key) || strcmp(key, "operator-script") == 0;

	if (value != NULL)
		return (json_pack("{s:{s:s}}", internal ? "set_internal_metadata" : "set_customer_metadata", key,
		    value));
	return (json_pack("{s:[s]}", internal ? "remove_internal_metadata" : "remove_customer_metadata", key));
}

static int
put(void *arg, const char *key, const char *value, struct err *e)
{
	struct server *s = arg;
	json_t *vm, *update;
	int rc;

	if ((rc = vm_load(&s->m, s->uuid, VM_ALL, &vm, e)) != 0)
		return (rc);
	rc = check_put(vm, key, value, e);
	json_decref(vm);
	if (rc != 0)
		return (rc);
	if ((update = update_of(key, value)) == NULL)
		return (err_set(e, EINVAL, "not UTF-8 text"));
	rc = vm_update(&s->m, s->uuid, update, e);
	json_decref(update);
	return (rc == -ENOENT ? -EIO : rc);
}

/* --- the process -------------------------------------------------------------------------------- */

static void
serve(void *arg, const int *fds, unsigned n)
{
	static const struct mdata_ops ops = {get, keys, put};
	struct server *s = arg;
	struct mdata *m = mdata_new(&ops, s);
	char bytes[4096];
	ssize_t got;

	(void)n;
	machine_init(&s->m);
	while (m != NULL && (got = read(fds[0], bytes, sizeof(bytes))) > 0) {
		struct buf out = BUF_INIT;
		bool fine;

		mdata_input(m, bytes, (size_t)got, &out);
		fine = !buf_failed(&out) && io_send_full(fds[0], out.data, out.len) == 0;
		buf_free(&out);
		if (!fine)
			break;
	}
	mdata_free(m);
}

int
vm_mdata_start(const char *uuid, int *fd, struct err *e)
{
	struct server s = {.uuid = ""};
	int pair[2], rc;

	(void)snprintf(s.uuid, sizeof(s.uuid), "%s", uuid);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return (err_sys(e, errno, "socketpair"));
	rc = broker_start("vmx-metadata", &pair[1], 1, serve, &s, e);
	(void)close(pair[1]);
	if (rc != 0)
		(void)close(pair[0]);
	else
		*fd = pair[0];
	return (rc);
}
