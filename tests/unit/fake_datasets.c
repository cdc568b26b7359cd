/* SPDX-License-Identifier: MIT */
/* Datasets in memory; see the header. */
#include "fake_datasets.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/core/spawn.h"
#include "test.h"

static int
step(struct fake *f, struct err *e)
{
	f->ops++;
	if (f->ops == f->fail_at || (f->dead_from != 0 && f->ops >= f->dead_from))
		return (err_set(e, EIO, "injected failure of operation %u", f->ops));
	return (0);
}

static void
path_of(const struct fake *f, const char *name, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/%s", f->dir, name);
}

static void
run(const char *a, const char *b, const char *c, const char *d)
{
	const char *argv[] = {a, b, c, d, NULL};

	(void)spawn_run(argv, NULL, NULL);
}

static json_t *
props_of(const struct nvlist *nv)
{
	json_t *o = json_object();

	for (struct nvpair *p = nv != NULL ? nv_next(nv, NULL) : NULL; p != NULL; p = nv_next(nv, p)) {
		const char *s;

		if (nvpair_str(p, &s) == 0)
			(void)json_object_set_new(o, nvpair_name(p), json_string(s));
	}
	return (o);
}

static int
fake_create(void *ctx, const char *name, const struct nvlist *props, struct err *e)
{
	struct fake *f = ctx;
	char path[512];
	int rc = step(f, e);

	if (rc != 0)
		return (rc);
	if (fake_has(f, name))
		return (err_set(e, EEXIST, "cannot create '%s': dataset already exists", name));
	path_of(f, name, path, sizeof(path));
	CHECK_EQ(file_mkdirs(path, 0755, NULL), 0);
	return (json_object_set_new(f->props, name, props_of(props)));
}

/* A volume is a directory as well: what matters is that it is there. */
static int
fake_create_volume(void *ctx, const char *name, uint64_t bytes, bool sparse, const struct nvlist *props,
    struct err *e)
{
	struct fake *f = ctx;
	char text[32];
	int rc = fake_create(ctx, name, props, e);

	(void)sparse;
	if (rc != 0)
		return (rc);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	return (json_object_set_new(json_object_get(f->props, name), "volsize", json_string(text)));
}

static bool
is_below(const char *name, const char *root)
{
	size_t n = strlen(root);

	return (strncmp(name, root, n) == 0 && (name[n] == '/' || name[n] == '@'));
}

static int
fake_destroy(void *ctx, const char *name, struct err *e)
{
	struct fake *f = ctx;
	char path[512];
	const char *key;
	json_t *v;
	void *tmp;
	int rc = step(f, e);

	if (rc != 0)
		return (rc);
	if (!fake_has(f, name))
		return (err_set(e, ENOENT, "'%s': dataset does not exist", name));
	json_object_foreach_safe(f->props, tmp, key, v)
		if (is_below(key, name))
			(void)json_object_del(f->props, key);
	path_of(f, name, path, sizeof(path));
	run("/bin/rm", "-rf", path, NULL);
	return (json_object_del(f->props, name));
}

static int
fake_snapshot(void *ctx, const char *name, struct err *e)
{
	struct fake *f = ctx;
	char path[512], snap[512], dataset[256];
	int rc = step(f, e);

	if (rc != 0)
		return (rc);
	if (fake_has(f, name))
		return (err_set(e, EEXIST, "'%s': dataset already exists", name));
	(void)snprintf(dataset, sizeof(dataset), "%.*s", (int)strcspn(name, "@"), name);
	if (!fake_has(f, dataset))
		return (err_set(e, ENOENT, "'%s': dataset does not exist", dataset));
	path_of(f, dataset, path, sizeof(path));
	path_of(f, name, snap, sizeof(snap));
	run("/bin/cp", "-a", path, snap);
	return (json_object_set_new(f->props, name, json_object()));
}

static int
fake_clone(void *ctx, const char *snap, const char *name, const struct nvlist *props, struct err *e)
{
	struct fake *f = ctx;
	char from[512], to[512];
	json_t *o;
	int rc = step(f, e);

	if (rc != 0)
		return (rc);
	if (!fake_has(f, snap))
		return (err_set(e, ENOENT, "'%s': dataset does not exist", snap));
	if (fake_has(f, name))
		return (err_set(e, EEXIST, "'%s': dataset already exists", name));
	path_of(f, snap, from, sizeof(from));
	path_of(f, name, to, sizeof(to));
	run("/bin/cp", "-a", from, to);
	o = props_of(props);
	(void)json_object_set_new(o, "origin", json_string(snap));
	return (json_object_set_new(f->props, name, o));
}

static int
fake_rollback(void *ctx, const char *snap, struct err *e)
{
	struct fake *f = ctx;
	char from[512], to[512], dataset[256];
	int rc = step(f, e);

	if (rc != 0)
		return (rc);
	(void)snprintf(dataset, sizeof(dataset), "%.*s", (int)strcspn(snap, "@"), snap);
	path_of(f, snap, from, sizeof(from));
	path_of(f, dataset, to, sizeof(to));
	run("/bin/rm", "-rf", to, NULL);
	run("/bin/cp", "-a", from, to);
	return (0);
}

static int
fake_exists(void *ctx, const char *name, bool *exists, struct err *e)
{
	(void)e;
	*exists = fake_has(ctx, name);
	return (0);
}

static int
fake_get(void *ctx, const char *name, const char *prop, char *buf, size_t size, struct err *e)
{
	struct fake *f = ctx;
	const json_t *o = json_object_get(f->props, name);

	if (o == NULL)
		return (err_set(e, ENOENT, "'%s': dataset does not exist", name));
	if (strcmp(prop, "mountpoint") == 0)
		path_of(f, name, buf, size);
	else
		(void)snprintf(buf, size, "%s", json_str(o, prop, "-"));
	return (0);
}

static int
fake_set(void *ctx, const char *name, const char *prop, const char *value, struct err *e)
{
	struct fake *f = ctx;
	json_t *o = json_object_get(f->props, name);
	int rc = step(f, e);

	if (rc != 0)
		return (rc);
	if (o == NULL)
		return (err_set(e, ENOENT, "'%s': dataset does not exist", name));
	return (json_object_set_new(o, prop, json_string(value)));
}

static int
fake_list(void *ctx, const char *root, dataset_fn *fn, void *arg, struct err *e)
{
	struct fake *f = ctx;
	const char *name;
	json_t *o;
	void *tmp;

	(void)e;
	json_object_foreach_safe(f->props, tmp, name, o) {
		struct dataset_row row = {name, strchr(name, '@') != NULL ? "snapshot" : "filesystem",
		    json_str(o, "origin", ""), 4096, 1000000000};
		int rc;

		if ((strcmp(name, root) == 0 || is_below(name, root)) && (rc = fn(&row, arg)) != 0)
			return (rc);
	}
	return (0);
}

static int
fake_mount(void *ctx, const char *name, struct err *e)
{
	(void)ctx;
	(void)name;
	(void)e;
	return (0);
}

static bool
fake_pool_is_imported(void *ctx, const char *pool)
{
	return (fake_has(ctx, pool));
}

const struct datasets fake_datasets = {
    .create = fake_create,
    .create_volume = fake_create_volume,
    .destroy = fake_destroy,
    .snapshot = fake_snapshot,
    .clone = fake_clone,
    .rollback = fake_rollback,
    .exists = fake_exists,
    .get = fake_get,
    .set = fake_set,
    .list = fake_list,
    .mount = fake_mount,
    .pool_is_imported = fake_pool_is_imported,
};

bool
fake_has(const struct fake *f, const char *dataset)
{
	return (json_object_get(f->props, dataset) != NULL);
}

void
fake_machine(struct machine *m, struct fake *f)
{
	memset(m, 0, sizeof(*m));
	memset(f, 0, sizeof(*f));
	(void)snprintf(f->dir, sizeof(f->dir), "%s/mnt", test_dir());
	f->props = json_object();
	(void)snprintf(m->zenv.etc, sizeof(m->zenv.etc), "%s/etc", test_dir());
	(void)snprintf(m->zenv.run, sizeof(m->zenv.run), "%s/run", test_dir());
	(void)snprintf(m->var, sizeof(m->var), "%s/var", test_dir());
	(void)snprintf(m->usbkey, sizeof(m->usbkey), "%s/usbkey", test_dir());
	(void)snprintf(m->pool, sizeof(m->pool), "zones");
	m->ds = &fake_datasets;
	m->ds_ctx = f;
	CHECK_EQ(fake_create(f, "zones", NULL, NULL), 0);
	f->ops = 0;
}

void
fake_free(struct fake *f)
{
	json_decref(f->props);
}
