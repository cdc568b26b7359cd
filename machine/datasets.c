/* SPDX-License-Identifier: MIT */
/* The real struct datasets: the pools of this machine, through fs/client.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/client.h"
#include "smartbox/machine/machine.h"

static int
ds_create(void *ctx, const char *name, const struct nvlist *props, struct err *e)
{
	(void)ctx;
	return (fs_create(name, props, false, e));
}

static int
ds_create_volume(void *ctx, const char *name, uint64_t bytes, bool sparse, const struct nvlist *props,
    struct err *e)
{
	(void)ctx;
	return (fs_create_volume(name, bytes, sparse, props, e));
}

static int
ds_snapshots(void *ctx, const char *const *names, size_t n, struct err *e)
{
	(void)ctx;
	return (fs_snapshot(names, n, NULL, e));
}

static int
ds_destroy(void *ctx, const char *name, struct err *e)
{
	(void)ctx;
	return (fs_destroy(name, true, e));
}

static int
ds_snapshot(void *ctx, const char *name, struct err *e)
{
	(void)ctx;
	return (fs_snapshot(&name, 1, NULL, e));
}

static int
ds_clone(void *ctx, const char *snap, const char *name, const struct nvlist *props, struct err *e)
{
	(void)ctx;
	return (fs_clone(snap, name, props, e));
}

static int
ds_rollback(void *ctx, const char *snap, struct err *e)
{
	(void)ctx;
	return (fs_rollback(snap, true, e));
}

static int
ds_exists(void *ctx, const char *name, bool *exists, struct err *e)
{
	(void)ctx;
	return (fs_exists(name, exists, e));
}

static int
ds_get(void *ctx, const char *name, const char *prop, char *buf, size_t size, struct err *e)
{
	(void)ctx;
	return (fs_get(name, prop, buf, size, e));
}

static int
ds_set(void *ctx, const char *name, const char *prop, const char *value, struct err *e)
{
	(void)ctx;
	return (fs_set(name, prop, value, e));
}

static int
ds_mount(void *ctx, const char *name, struct err *e)
{
	(void)ctx;
	return (fs_mount(name, e));
}

static int
ds_receive(void *ctx, const char *snap, const char *origin, const struct nvlist *props, int fd,
    struct err *e)
{
	struct nvlist *in = nv_new(), *out = NULL;
	int rc;

	(void)ctx;
	if (in == NULL || nv_add_str(in, "name", snap) != 0 || nv_add_nvlist(in, "props", props) != 0 ||
	    (origin != NULL && nv_add_str(in, "origin", origin) != 0))
		rc = err_set(e, ENOMEM, "out of memory");
	else
		rc = pool_stream(snap, "fs.receive", in, fd, NULL, NULL, &out, e);
	nv_free(in);
	nv_free(out);
	return (rc);
}

static int
ds_send(void *ctx, const char *snap, const char *from, int fd, struct err *e)
{
	struct nvlist *in = nv_new(), *out = NULL;
	int rc;

	(void)ctx;
	if (in == NULL || nv_add_str(in, "name", snap) != 0 ||
	    (from != NULL && nv_add_str(in, "from", from) != 0))
		rc = err_set(e, ENOMEM, "out of memory");
	else
		rc = pool_stream(snap, "fs.send", in, fd, NULL, NULL, &out, e);
	nv_free(in);
	nv_free(out);
	return (rc);
}

static int
ds_rename(void *ctx, const char *from, const char *to, struct err *e)
{
	(void)ctx;
	return (fs_rename(from, to, e));
}

static bool
ds_pool_is_imported(void *ctx, const char *pool)
{
	(void)ctx;
	return (pool_is_imported(pool));
}

/* --- fs.list ---------------------------------------------------------------------------------- */

enum { COL_NAME, COL_ORIGIN, COL_USED, COL_CREATION, NCOLS };

/* The next NUL-terminated text of the answer's rows; NULL when it does not end inside. */
static const char *
take_text(const char **p, const char *end)
{
	const char *s = *p, *nul = memchr(s, '\0', (size_t)(end - s));

	if (nul == NULL)
		return (NULL);
	*p = nul + 1;
	return (s);
}

static const char *
word_or_empty(const char *s)
{
	return (s[0] == '\1' || strcmp(s, "-") == 0 ? "" : s);
}

static int
walk_rows(const char *p, const char *end, dataset_fn *fn, void *arg)
{
	int rc = 0;

	while (p < end && rc == 0) {
		char letter = *p++;
		const char *cell[NCOLS];
		struct dataset_row row;

		for (int i = 0; i < NCOLS; i++)
			if ((cell[i] = take_text(&p, end)) == NULL)
				return (-EPROTO);
		row.name = cell[COL_NAME];
		row.type = letter == 's' ? "snapshot" : letter == 'v' ? "volume" : "filesystem";
		row.origin = word_or_empty(cell[COL_ORIGIN]);
		row.used = strtoull(cell[COL_USED], NULL, 10);
		row.created = strtoull(cell[COL_CREATION], NULL, 10);
		rc = fn(&row, arg);
	}
	return (rc);
}

static struct nvlist *
list_request(const char *root)
{
	static const char *const cols[NCOLS] = {
	    [COL_NAME] = "name", [COL_ORIGIN] = "origin", [COL_USED] = "used",
	    [COL_CREATION] = "creation"};
	struct nvlist *in = nv_new();

	if (in == NULL || nv_add_str_array(in, "columns", cols, NCOLS) != 0 ||
	    nv_add_str_array(in, "roots", &root, 1) != 0 || nv_add_boolean(in, "raw") != 0) {
		nv_free(in);
		return (NULL);
	}
	return (in);
}

static int
ds_list(void *ctx, const char *root, dataset_fn *fn, void *arg, struct err *e)
{
	struct nvlist *in = list_request(root), *out = NULL;
	const void *rows;
	size_t len;
	int rc;

	(void)ctx;
	if (in == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = pool_call(root, "fs.list", in, &out, e)) != 0)
		goto out;
	if (nv_get_bytes(out, "rows", &rows, &len) != 0) {
		rc = err_set(e, EPROTO, "pool service: listing without rows");
		goto out;
	}
	if ((rc = walk_rows(rows, (const char *)rows + len, fn, arg)) == -EPROTO)
		rc = err_set(e, EPROTO, "pool service: damaged listing");
out:
	nv_free(in);
	nv_free(out);
	return (rc);
}

const struct datasets datasets_pools = {
    .create = ds_create,
    .create_volume = ds_create_volume,
    .destroy = ds_destroy,
    .snapshot = ds_snapshot,
    .snapshots = ds_snapshots,
    .clone = ds_clone,
    .rollback = ds_rollback,
    .exists = ds_exists,
    .get = ds_get,
    .set = ds_set,
    .list = ds_list,
    .mount = ds_mount,
    .receive = ds_receive,
    .send = ds_send,
    .rename = ds_rename,
    .pool_is_imported = ds_pool_is_imported,
};
