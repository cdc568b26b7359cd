/* SPDX-License-Identifier: MIT */
/*
 * Files that vmadm keeps in a machine's dataset: config/ (ours) and a few below root/ (the guest's).
 *
 * The root belongs to the guest's root user, who may put a symbolic link wherever we write.  So a path
 * below root/ is opened with openat2(RESOLVE_IN_ROOT): links resolve as the guest would see them and
 * never lead out.  A file is replaced by writing a new one beside it and renaming, within directories
 * opened that way.
 *
 * The dataset shows the guest's ids shifted to the zone's range (property smartbox:idmap), where the
 * host's root owns nothing and may create nothing.  Files are therefore created with the file system
 * ids of the directory's owner.  Without a shift that is root, and nothing changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "vm_impl.h"

/* --- as somebody else ------------------------------------------------------------------------- */

static void
act_as(uid_t uid, gid_t gid)
{
	(void)setfsgid(gid);
	(void)setfsuid(uid);
}

static void
act_as_owner_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0)
		act_as(st.st_uid, st.st_gid);
}

static void
act_as_self(void)
{
	act_as(geteuid(), getegid());
}

/* --- below a directory ------------------------------------------------------------------------ */

static int
open_in_root(int root, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return (fd >= 0 ? fd : -errno);
}

static int
write_beside(int dir, const char *name, const char *text, size_t len, mode_t mode)
{
	char tmp[NAME_MAX];
	int fd, rc;

	(void)snprintf(tmp, sizeof(tmp), ".%s.smartbox", name);
	(void)unlinkat(dir, tmp, 0);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return (-errno);
	rc = io_write_full(fd, text, len);
	if (rc == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
		rc = -errno;
	(void)close(fd);
	if (rc == 0 && renameat(dir, tmp, dir, name) != 0)
		rc = -errno;
	if (rc == 0 && fsync(dir) != 0 && errno != EINVAL)
		rc = -errno;
	if (rc != 0)
		(void)unlinkat(dir, tmp, 0);
	return (rc);
}

/* Replace DIR/NAME as DIR's owner; dir is a readable directory descriptor. */
static int
replace_as_owner(int dir, const char *name, const char *text, size_t len, mode_t mode)
{
	int rc;

	act_as_owner_of(dir);
	rc = write_beside(dir, name, text, len, mode);
	act_as_self();
	return (rc);
}

static int
open_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return (fd >= 0 ? fd : err_sys(e, errno, "%s", path));
}

/* --- config/ ---------------------------------------------------------------------------------- */

json_t *
vm_file_load(const char *zonepath, const char *name)
{
	char path[PATH_MAX];
	json_t *j = NULL;

	(void)snprintf(path, sizeof(path), "%s/config/%s", zonepath, name);
	if (json_parse_file(path, &j, NULL) == 0 && json_is_object(j))
		return (j);
	json_decref(j);
	return (json_object());
}

int
vm_file_save(const char *zonepath, const char *name, const json_t *j, struct err *e)
{
	char path[PATH_MAX];
	char *text = json_dumps(j, JSON_INDENT(2));
	int dir, rc;

	if (text == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	(void)snprintf(path, sizeof(path), "%s/config", zonepath);
	if ((dir = open_dir(path, e)) < 0) {
		free(text);
		return (dir);
	}
	rc = replace_as_owner(dir, name, text, strlen(text), 0600);
	(void)close(dir);
	free(text);
	return (rc != 0 ? err_rc(e, rc, "%s/%s", path, name) : 0);
}

/* metadata.json holds two properties, the other files one each. */
int
vm_files_store(const char *zonepath, const json_t *vm, struct err *e)
{
	json_t *none = json_object();
	const json_t *customer = json_object_get(vm, "customer_metadata");
	const json_t *internal = json_object_get(vm, "internal_metadata");
	const json_t *tags = json_object_get(vm, "tags"), *routes = json_object_get(vm, "routes");
	json_t *metadata = json_pack("{s:O, s:O}", "customer_metadata",
	    customer != NULL ? customer : none, "internal_metadata", internal != NULL ? internal : none);
	int rc = vm_file_save(zonepath, "metadata.json", metadata, e);

	if (rc == 0)
		rc = vm_file_save(zonepath, "tags.json", tags != NULL ? tags : none, e);
	if (rc == 0)
		rc = vm_file_save(zonepath, "routes.json", routes != NULL ? routes : none, e);
	json_decref(metadata);
	json_decref(none);
	return (rc);
}

static void
take_object(json_t *vm, const char *key, json_t *v)
{
	(void)json_object_set_new(vm, key, json_is_object(v) ? json_incref(v) : json_object());
}

void
vm_files_load(const char *zonepath, json_t *vm)
{
	json_t *metadata = vm_file_load(zonepath, "metadata.json");

	take_object(vm, "customer_metadata", json_object_get(metadata, "customer_metadata"));
	take_object(vm, "internal_metadata", json_object_get(metadata, "internal_metadata"));
	(void)json_object_set_new(vm, "tags", vm_file_load(zonepath, "tags.json"));
	(void)json_object_set_new(vm, "routes", vm_file_load(zonepath, "routes.json"));
	json_decref(metadata);
}

/* What an image carried in config/ is not ours; rm -r by hand, one level, is all that it can hold. */
static int
make_config_dir(int zp)
{
	if (mkdirat(zp, "config", 0700) == 0)
		return (0);
	if (errno != EEXIST)
		return (-errno);
	for (const char *const *name = (const char *const[]){"metadata.json", "tags.json", "routes.json",
	         NULL}; *name != NULL; name++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "config/%s", *name);
		(void)unlinkat(zp, path, 0);
	}
	return (0);
}

int
vm_zonepath_prepare(const char *zonepath, struct err *e)
{
	int zp = open_dir(zonepath, e), rc;

	if (zp < 0)
		return (zp);
	act_as_owner_of(zp);
	rc = make_config_dir(zp);
	act_as_self();
	if (rc == 0 && fchmod(zp, 0700) != 0)
		rc = -errno;
	(void)close(zp);
	return (rc != 0 ? err_rc(e, rc, "%s", zonepath) : 0);
}

/* --- the guest's files ------------------------------------------------------------------------ */

static const char *
guest_hostname(const json_t *vm)
{
	return (json_str(vm, "hostname", json_str(vm, "zonename", "localhost")));
}

static void
format_resolv(const json_t *vm, struct buf *b)
{
	json_t *list = json_object_get(vm, "resolvers"), *v;
	const char *domain = json_str(vm, "dns_domain", "");
	size_t i;

	if (domain[0] != '\0' && strcmp(domain, "local") != 0)
		buf_printf(b, "search %s\n", domain);
	json_array_foreach(list, i, v)
		buf_printf(b, "nameserver %s\n", json_string_value(v));
}

static void
format_hosts(const json_t *vm, struct buf *b)
{
	const char *host = guest_hostname(vm);
	json_t *nics = json_object_get(vm, "nics"), *nic;
	size_t i;

	buf_str(b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	json_array_foreach(nics, i, nic) {
		const char *cidr = json_string_value(json_array_get(json_object_get(nic, "ips"), 0));

		if (json_bool(nic, "primary", false) && cidr != NULL && strchr(cidr, '/') != NULL) {
			buf_printf(b, "%.*s\t%s\n", (int)strcspn(cidr, "/"), cidr, host);
			return;
		}
	}
	buf_printf(b, "127.0.1.1\t%s\n", host);
}

static int
write_etc(int root, const char *name, const struct buf *text, struct err *e)
{
	int dir = open_in_root(root, "/etc", O_RDONLY | O_DIRECTORY), rc;

	if (dir == -ENOENT) /* an image of one static binary needs none */
		return (0);
	if (dir < 0)
		return (err_rc(e, dir, "the zone's /etc"));
	rc = replace_as_owner(dir, name, text->data, text->len, 0644);
	(void)close(dir);
	return (rc != 0 ? err_rc(e, rc, "the zone's /etc/%s", name) : 0);
}

static int
write_names(int root, const json_t *vm, struct err *e)
{
	struct buf hosts = BUF_INIT, hostname = BUF_INIT;
	int rc;

	format_hosts(vm, &hosts);
	buf_printf(&hostname, "%s\n", guest_hostname(vm));
	rc = buf_failed(&hosts) || buf_failed(&hostname) ? err_set(e, ENOMEM, "out of memory") : 0;
	if (rc == 0 && (rc = write_etc(root, "hosts", &hosts, e)) == 0)
		rc = write_etc(root, "hostname", &hostname, e);
	buf_free(&hosts);
	buf_free(&hostname);
	return (rc);
}

static int
write_resolvers(int root, const json_t *vm, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = 0;

	if (json_array_size(json_object_get(vm, "resolvers")) == 0)
		return (0);
	format_resolv(vm, &b);
	rc = buf_failed(&b) ? err_set(e, ENOMEM, "out of memory") : write_etc(root, "resolv.conf", &b, e);
	buf_free(&b);
	return (rc);
}

int
vm_guest_write(const char *zonepath, const json_t *vm, bool first, struct err *e)
{
	char path[PATH_MAX];
	int root, rc = 0;

	(void)snprintf(path, sizeof(path), "%s/root", zonepath);
	if ((root = open_dir(path, e)) < 0)
		return (root);
	if (first)
		rc = write_names(root, vm, e);
	if (rc == 0 && (first || json_bool(vm, "maintain_resolvers", false)))
		rc = write_resolvers(root, vm, e);
	(void)close(root);
	return (rc);
}
