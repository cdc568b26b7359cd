/* SPDX-License-Identifier: MIT */
/*
 * What the operations on datasets mean for the volumes that are served.
 *
 * A device that cannot be made is no failure of the operation that made its dataset: out["no_device"] says
 * why, and the tool says both.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "poolops_impl.h"
#include "smartbox/fs/zvol_server.h"

int
volumes_release(struct pool_session *s, const char *root, bool force, struct err *e)
{
	return (s->zvols == NULL ? 0 : zvol_server_release(s->zvols, root, force, e));
}

static void
update(struct pool_session *s, const char *root, struct nvlist *out)
{
	struct err e = ERR_INIT;

	if (zvol_server_update(s->zvols, root, &e) != 0)
		(void)nv_add_str(out, "no_device", e.msg);
}

static bool
changes_exports(const struct nvlist *in)
{
	static const char *const names[] = {"volmode", "snapdev"};
	const char *prop = nv_str_or(in, "prop", "");
	struct nvlist *props = NULL;

	(void)nv_get_nvlist(in, "props", &props);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(prop, names[i]) == 0 || (props != NULL && nv_has(props, names[i])))
			return (true);
	return (false);
}

static void
after_create(struct pool_session *s, const struct nvlist *in, struct nvlist *out)
{
	if (nv_has(in, "volsize"))
		update(s, nv_str_or(in, "name", ""), out);
}

static void
after_clone(struct pool_session *s, const struct nvlist *in, struct nvlist *out)
{
	update(s, nv_str_or(in, "name", ""), out);
}

static void
after_set(struct pool_session *s, const struct nvlist *in, struct nvlist *out)
{
	if (changes_exports(in))
		update(s, nv_str_or(in, "name", ""), out);
	else
		zvol_server_refresh(s->zvols, nv_str_or(in, "name", ""));
}

/* The dataset of a snapshot. */
static void
dataset_of(const char *snapshot, char buf[DSL_NAME_MAX])
{
	(void)snprintf(buf, DSL_NAME_MAX, "%.*s", (int)strcspn(snapshot, "@"), snapshot);
}

static void
after_rename(struct pool_session *s, const struct nvlist *in, struct nvlist *out)
{
	const char *from = nv_str_or(in, "from", "");
	char root[DSL_NAME_MAX];

	(void)out;
	if (strchr(from, '@') == NULL) {
		zvol_server_renamed(s->zvols, from, nv_str_or(in, "to", ""));
		return;
	}
	dataset_of(from, root);
	zvol_server_snapshotted(s->zvols, root);
}

static void
after_snapshot(struct pool_session *s, const struct nvlist *in, struct nvlist *out)
{
	const char *const *names = NULL;
	char root[DSL_NAME_MAX];
	size_t n = 0;

	(void)out;
	(void)nv_get_str_array(in, "names", &names, &n);
	for (size_t i = 0; i < n; i++) {
		dataset_of(names[i], root);
		zvol_server_snapshotted(s->zvols, root);
	}
}

static void
after_rollback(struct pool_session *s, const struct nvlist *in, struct nvlist *out)
{
	char root[DSL_NAME_MAX];

	(void)out;
	dataset_of(nv_str_or(in, "name", ""), root);
	zvol_server_rolled_back(s->zvols, root);
}

static const struct {
	const char *op;
	void (*fn)(struct pool_session *s, const struct nvlist *in, struct nvlist *out);
} after[] = {
	{"fs.create", after_create},
	{"fs.clone", after_clone},
	{"fs.promote", after_clone},
	{"fs.receive", after_clone},
	{"fs.set", after_set},
	{"fs.inherit", after_set},
	{"fs.rename", after_rename},
	{"fs.snapshot", after_snapshot},
	{"fs.rollback", after_rollback},
};

void
volumes_follow(struct pool_session *s, const char *op, const struct nvlist *in, struct nvlist *out,
    int rc)
{
	if (s->zvols == NULL)
		return;
	if (rc != 0) {
		/* A destroy that failed half way had taken devices away. */
		if (strncmp(op, "fs.destroy", 10) == 0)
			update(s, nv_str_or(in, "name", NULL), out);
		return;
	}
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
		if (strcmp(op, after[i].op) == 0)
			after[i].fn(s, in, out);
}

/* in: name, flag readonly.  out: descriptor, which the server passes on */
int
op_fs_vhost_user(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	const char *name;
	int rc, fd;

	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	if (s->zvols == NULL)
		return (err_set(e, ENOTSUP, "this pool is open without devices"));
	if ((rc = zvol_server_vhost(s->zvols, name, arg_flag(in, "readonly"), &fd, e)) != 0)
		return (rc);
	return (err_rc(e, nv_add_u64(out, "descriptor", (uint64_t)fd), "answer"));
}
