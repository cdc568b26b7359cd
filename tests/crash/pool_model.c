/* SPDX-License-Identifier: MIT */
/* What a pool should hold, in plain memory: the oracle of the crash tests. */
#include "pool_rig.h"
#include "pool_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "smartbox/fs/dsl.h"
#include "smartbox/fs/zpl.h"
#include "smartbox/fs/zvol.h"

enum { PLACE_BYTES = 64 << 10, VOLUME_BYTES = MODEL_FILES * PLACE_BYTES, VOLUME_BLOCK = 8192 };

/* --- the model --- */

static bool
snap_has_clone(const struct model *m, unsigned s)
{
	for (int i = 0; i < MODEL_FS; i++) {
		if (m->fs[i].used && m->fs[i].origin == (int)s)
			return (true);
	}
	return (false);
}

static int
newest_snap(const struct model *m, unsigned fs)
{
	int best = -1;

	for (int s = 0; s < MODEL_SNAPS; s++) {
		if (m->snap[s].used && m->snap[s].fs == fs &&
		    (best < 0 || m->snap[s].id > m->snap[best].id))
			best = s;
	}
	return (best);
}

static int
free_fs(const struct model *m)
{
	for (int i = 0; i < MODEL_FS; i++) {
		if (!m->fs[i].used)
			return (i);
	}
	return (-1);
}

static int
free_snap(const struct model *m)
{
	for (int i = 0; i < MODEL_SNAPS; i++) {
		if (!m->snap[i].used)
			return (i);
	}
	return (-1);
}

static unsigned
count_free_snaps(const struct model *m)
{
	unsigned n = 0;

	for (int i = 0; i < MODEL_SNAPS; i++)
		n += !m->snap[i].used;
	return (n);
}

static unsigned
count_fs(const struct model *m)
{
	unsigned n = 0;

	for (int i = 0; i < MODEL_FS; i++)
		n += m->fs[i].used;
	return (n);
}

static bool
is_possible(const struct model *m, struct op *op)
{
	const struct model_fs *fs = &m->fs[op->fs];
	const struct model_snap *snap = &m->snap[op->slot % MODEL_SNAPS];

	switch (op->kind) {
	case OP_WRITE:
		return (fs->used);
	case OP_UNLINK:
		return (fs->used && fs->file[op->slot].used);
	case OP_CREATE:
	case OP_CREATE_VOLUME:
		return (!fs->used);
	case OP_SNAPSHOT_ALL:
		return (count_fs(m) > 1 && count_fs(m) <= count_free_snaps(m));
	case OP_DESTROY:
		return (fs->used && newest_snap(m, op->fs) < 0);
	case OP_SNAPSHOT:
		return (fs->used && !snap->used);
	case OP_DESTROY_SNAP:
		return (snap->used && !snap_has_clone(m, op->slot));
	case OP_CLONE:
		return (snap->used && !fs->used);
	case OP_ROLLBACK:
		return (fs->used && newest_snap(m, op->fs) == (int)op->slot);
	case OP_SET:
	case OP_RENAME:
		return (fs->used);
	default:
		return (false);
	}
}

struct op
model_choose(const struct model *m, uint64_t *rnd)
{
	/* Writes are what a pool does most; structure is made while there is room for it. */
	static const enum op_kind often[] = {OP_WRITE, OP_WRITE, OP_WRITE, OP_UNLINK, OP_CREATE,
	    OP_SNAPSHOT, OP_SNAPSHOT, OP_CLONE, OP_DESTROY_SNAP, OP_DESTROY, OP_ROLLBACK, OP_SET,
	    OP_CREATE_VOLUME, OP_SNAPSHOT_ALL, OP_RENAME};
	struct op op;

	do {
		op.kind = often[crash_random(rnd) % (sizeof(often) / sizeof(often[0]))];
		op.fs = (unsigned)(crash_random(rnd) % MODEL_FS);
		op.slot = (unsigned)(crash_random(rnd) % MODEL_FILES);
		op.seed = (uint32_t)crash_random(rnd);
		op.size = (uint32_t)(crash_random(rnd) % (crash_random(rnd) % 3 == 0 ? 400000 : 5000));
		op.id = m->next_id;
		if (m->fs[op.fs].is_volume && op.size > PLACE_BYTES)
			op.size = PLACE_BYTES;
		if ((op.kind == OP_CREATE || op.kind == OP_CREATE_VOLUME) && free_fs(m) >= 0)
			op.fs = (unsigned)free_fs(m);
		if (op.kind == OP_SNAPSHOT && free_snap(m) >= 0)
			op.slot = (unsigned)free_snap(m);
	} while (!is_possible(m, &op));
	return (op);
}

static uint64_t
quota_of(const struct op *op)
{
	return (op->seed % 3 == 0 ? 0 : (uint64_t)(100 + op->seed % 50) << 20);
}

static void
picture(struct model *m, unsigned s, unsigned fs, unsigned id)
{
	m->snap[s] = (struct model_snap){.used = true, .is_volume = m->fs[fs].is_volume, .id = id, .fs = fs};
	memcpy(m->snap[s].file, m->fs[fs].file, sizeof(m->snap[s].file));
}

static void
picture_all(struct model *m, unsigned id)
{
	for (unsigned i = 0; i < MODEL_FS; i++)
		if (m->fs[i].used)
			picture(m, (unsigned)free_snap(m), i, id);
}

void
model_apply(struct model *m, const struct op *op)
{
	struct model_fs *fs = &m->fs[op->fs];
	struct model_snap *snap = &m->snap[op->slot % MODEL_SNAPS];

	switch (op->kind) {
	case OP_WRITE:
		fs->file[op->slot] = (struct model_file){true, op->seed, op->size};
		break;
	case OP_UNLINK:
		fs->file[op->slot].used = false;
		break;
	case OP_CREATE:
		*fs = (struct model_fs){.used = true, .id = op->id, .origin = -1};
		break;
	case OP_DESTROY:
		fs->used = false;
		break;
	case OP_SNAPSHOT:
		picture(m, op->slot, op->fs, op->id);
		break;
	case OP_SNAPSHOT_ALL:
		picture_all(m, op->id);
		break;
	case OP_CREATE_VOLUME:
		*fs = (struct model_fs){.used = true, .is_volume = true, .id = op->id, .origin = -1};
		break;
	case OP_RENAME:
		fs->id = op->id;
		break;
	case OP_SET:
		fs->quota = fs->is_volume ? 0 : quota_of(op);
		break;
	case OP_DESTROY_SNAP:
		snap->used = false;
		break;
	case OP_CLONE:
		*fs = (struct model_fs){.used = true, .is_volume = snap->is_volume, .id = op->id,
		    .origin = (int)op->slot};
		memcpy(fs->file, snap->file, sizeof(fs->file));
		break;
	case OP_ROLLBACK:
		memcpy(fs->file, snap->file, sizeof(fs->file));
		break;
	default:
		break;
	}
	m->next_id++;
}

void
op_describe(const struct op *op, char *buf, size_t size)
{
	static const char *const name[] = {"write", "unlink", "create", "destroy", "snapshot",
	    "destroy snapshot", "clone", "rollback", "set", "create volume", "snapshot all", "rename"};

	(void)snprintf(buf, size, "%s fs %u slot %u size %u id %u", name[op->kind], op->fs, op->slot,
	    op->size, op->id);
}

/* --- the pool --- */

static void
fs_name(const struct model *m, unsigned fs, char *buf, size_t size)
{
	(void)snprintf(buf, size, "t/f%u", m->fs[fs].id);
}

static void
snap_name(const struct model *m, unsigned s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "t/f%u@s%u", m->fs[m->snap[s].fs].id, m->snap[s].id);
}

/* Half of it compresses: every kind of block occurs. */
static void
fill(uint8_t *p, uint32_t seed, uint32_t size)
{
	uint64_t rnd = seed;

	for (uint32_t i = 0; i < size; i++)
		p[i] = (uint8_t)(i % 8192 < 3000 ? crash_random(&rnd) : seed >> (i % 4));
}

static int
write_file(struct spa *spa, struct zpl *z, const struct op *op)
{
	struct zpl_new n = {.mode = S_IFREG | 0644};
	struct zpl_attr a = {.size = 0};
	char name[16];
	uint8_t *data;
	uint64_t obj;
	int rc;

	(void)snprintf(name, sizeof(name), "file%u", op->slot);
	rc = zpl_lookup(z, zpl_root(z), name, &obj);
	if (rc == -ENOENT)
		rc = zpl_create(z, zpl_root(z), name, &n, &obj);
	else if (rc == 0)
		rc = zpl_setattr(z, obj, ZA_SIZE, &a);
	if (rc != 0)
		return (rc);
	if ((data = malloc(op->size + 1)) == NULL)
		return (-ENOMEM);
	/* Half of the files have another content first, some blocks of which reach the disk. */
	if (op->seed % 2 == 0) {
		fill(data, op->seed + 1, op->size);
		rc = zpl_write(z, obj, 0, op->size, data, false);
		while (rc == 0 && write_behind(spa, op->seed % 7 * 16384))
			;
	}
	fill(data, op->seed, op->size);
	if (rc == 0)
		rc = zpl_write(z, obj, 0, op->size, data, false);
	if (rc == 0 && op->seed % 3 == 0)
		(void)write_behind(spa, 0);
	free(data);
	return (rc);
}

static int
unlink_file(struct zpl *z, const struct op *op)
{
	char name[16];
	uint64_t obj;
	bool last;
	int rc;

	(void)snprintf(name, sizeof(name), "file%u", op->slot);
	rc = zpl_unlink(z, zpl_root(z), name, &obj, &last);
	return (rc == 0 && last ? zpl_free_unlinked(z, obj) : rc);
}

/* The place of a volume is discarded, then written. */
static int
volume_op(struct spa *spa, struct dsl_dataset *ds, const struct op *op)
{
	uint64_t at = (uint64_t)op->slot * PLACE_BYTES;
	struct objset *os;
	uint8_t *data;
	int rc;

	if ((rc = dsl_objset(ds, &os)) != 0 || (rc = dmu_free_range(os, 1, at, PLACE_BYTES)) != 0 ||
	    op->kind == OP_UNLINK || op->size == 0)
		return (rc);
	if ((data = malloc(op->size)) == NULL)
		return (-ENOMEM);
	fill(data, op->seed, op->size);
	rc = dmu_write(os, 1, at, op->size, data);
	if (rc == 0 && op->seed % 3 == 0)
		(void)write_behind(spa, 0);
	free(data);
	return (rc);
}

static int
file_op(struct spa *spa, const struct model *m, const struct op *op, struct err *e)
{
	struct dsl_dataset *ds;
	struct zpl *z = NULL;
	char name[64];
	int rc;

	fs_name(m, op->fs, name, sizeof(name));
	if ((rc = dsl_hold(spa, name, &ds, e)) != 0)
		return (rc);
	if (m->fs[op->fs].is_volume)
		rc = volume_op(spa, ds, op);
	else if ((rc = zpl_open(ds, false, &z, e)) == 0)
		rc = op->kind == OP_WRITE ? write_file(spa, z, op) : unlink_file(z, op);
	if (rc == 0)
		rc = spa_sync(spa, e);
	zpl_close(z);
	dsl_rele(ds);
	return (rc);
}

static int
create_fs(struct spa *spa, const char *name, struct err *e)
{
	struct zpl_init init = {.mode = 0755};
	struct dsl_create c = {.name = name, .type = 2, .init = zpl_init_objset, .arg = &init};

	return (dsl_create(spa, &c, e));
}

static int
create_volume(struct spa *spa, const char *name, struct err *e)
{
	struct zvol_init init = {.size = VOLUME_BYTES, .block_size = VOLUME_BLOCK};
	struct dsl_create c = {.name = name, .type = 3, .init = zvol_init_objset, .arg = &init};

	return (dsl_create(spa, &c, e));
}

static int
set_prop(struct spa *spa, const char *name, const struct op *op, bool is_volume, struct err *e)
{
	static const char *const value[] = {"lz4", "off", "zle", "gzip-1"};
	struct nvlist *props = nv_new();
	char quota[24];
	int rc;

	(void)nv_add_str(props, "compression", value[op->seed % 4]);
	(void)snprintf(quota, sizeof(quota), "%llu", (unsigned long long)quota_of(op));
	if (!is_volume)
		(void)nv_add_str(props, "quota", quota_of(op) == 0 ? "none" : quota);
	rc = dsl_prop_set(spa, name, props, e);
	nv_free(props);
	return (rc);
}

/* All of them in one txg. */
static int
snapshot_all(struct spa *spa, const struct model *m, unsigned id, struct err *e)
{
	char name[MODEL_FS][64];
	const char *list[MODEL_FS];
	size_t n = 0;

	for (unsigned i = 0; i < MODEL_FS; i++) {
		if (!m->fs[i].used)
			continue;
		(void)snprintf(name[n], sizeof(name[n]), "t/f%u@s%u", m->fs[i].id, id);
		list[n] = name[n];
		n++;
	}
	return (dsl_snapshot(spa, list, n, NULL, e));
}

static int
apply_locked(struct spa *spa, const struct model *m, const struct op *op, struct err *e)
{
	char fs[64], made[64], snap[64], made_snap[128];
	const char *one = made_snap, *two = snap;

	fs_name(m, op->fs, fs, sizeof(fs));
	(void)snprintf(made, sizeof(made), "t/f%u", op->id);
	(void)snprintf(made_snap, sizeof(made_snap), "%s@s%u", fs, op->id);
	snap_name(m, op->slot % MODEL_SNAPS, snap, sizeof(snap));
	switch (op->kind) {
	case OP_CREATE:
		return (create_fs(spa, made, e));
	case OP_DESTROY:
		return (dsl_destroy(spa, fs, e));
	case OP_SNAPSHOT:
		return (dsl_snapshot(spa, &one, 1, NULL, e));
	case OP_DESTROY_SNAP:
		return (dsl_destroy_snaps(spa, &two, 1, e));
	case OP_CLONE:
		return (dsl_clone(spa, snap, made, NULL, e));
	case OP_ROLLBACK:
		return (dsl_rollback(spa, fs, snap, e));
	case OP_SET:
		return (set_prop(spa, fs, op, m->fs[op->fs].is_volume, e));
	case OP_CREATE_VOLUME:
		return (create_volume(spa, made, e));
	case OP_SNAPSHOT_ALL:
		return (snapshot_all(spa, m, op->id, e));
	case OP_RENAME:
		return (dsl_rename(spa, fs, made, e));
	default:
		return (file_op(spa, m, op, e));
	}
}

int
pool_apply(struct spa *spa, const struct model *m, const struct op *op, struct err *e)
{
	int rc;

	spa_enter(spa);
	rc = apply_locked(spa, m, op, e);
	spa_exit(spa);
	return (rc);
}

/* --- comparing --- */

static int
count_entry(const char *name, uint64_t obj, unsigned dtype, uint64_t next, void *arg)
{
	unsigned *n = arg;

	(void)obj;
	(void)dtype;
	(void)next;
	*n += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
	return (0);
}

static bool
file_equals(struct zpl *z, unsigned slot, const struct model_file *f, char *why, size_t size)
{
	struct zpl_attr a;
	uint8_t *got, *want;
	char name[16];
	uint64_t obj;
	bool same;
	int rc;

	(void)snprintf(name, sizeof(name), "file%u", slot);
	rc = zpl_lookup(z, zpl_root(z), name, &obj);
	if (!f->used) {
		(void)snprintf(why, size, "%s is there (%d)", name, rc);
		return (rc == -ENOENT);
	}
	if (rc != 0 || (rc = zpl_getattr(z, obj, &a)) != 0 || a.size != f->size) {
		(void)snprintf(why, size, "%s: %d, size %llu not %u", name, rc,
		    rc == 0 ? (unsigned long long)a.size : 0, f->size);
		return (false);
	}
	got = calloc(1, f->size + 1);
	want = malloc(f->size + 1);
	fill(want, f->seed, f->size);
	rc = zpl_read(z, obj, 0, f->size, got);
	same = rc == (int)f->size && memcmp(got, want, f->size) == 0;
	free(got);
	free(want);
	(void)snprintf(why, size, "%s: read %d, content differs", name, rc);
	return (same);
}

static bool
volume_equals(struct dsl_dataset *ds, const struct model_file *file, char *why, size_t size)
{
	uint8_t *got = malloc(PLACE_BYTES), *want = malloc(PLACE_BYTES);
	struct objset *os;
	bool same = true;
	int rc = dsl_objset(ds, &os);

	for (unsigned i = 0; i < MODEL_FILES && rc == 0 && same; i++) {
		memset(want, 0, PLACE_BYTES);
		if (file[i].used)
			fill(want, file[i].seed, file[i].size);
		rc = dmu_read(os, 1, (uint64_t)i * PLACE_BYTES, PLACE_BYTES, got);
		same = rc == 0 && memcmp(got, want, PLACE_BYTES) == 0;
	}
	(void)snprintf(why, size, "volume: %d, content differs", rc);
	free(got);
	free(want);
	return (rc == 0 && same);
}

static bool
files_equal(struct spa *spa, const char *name, bool is_volume, const struct model_file *file, char *why,
    size_t size)
{
	struct dsl_dataset *ds;
	struct err e = ERR_INIT;
	struct zpl *z = NULL;
	unsigned want = 0, found = 0;
	bool ok = true;
	char part[128];

	if (dsl_hold(spa, name, &ds, &e) != 0) {
		(void)snprintf(why, size, "%s: %s", name, e.msg);
		return (false);
	}
	if (is_volume) {
		if (!(ok = volume_equals(ds, file, part, sizeof(part))))
			(void)snprintf(why, size, "%s: %s", name, part);
		dsl_rele(ds);
		return (ok);
	}
	if (zpl_open(ds, true, &z, &e) != 0) {
		(void)snprintf(why, size, "%s: %s", name, e.msg);
		dsl_rele(ds);
		return (false);
	}
	for (unsigned i = 0; ok && i < MODEL_FILES; i++) {
		want += file[i].used;
		ok = file_equals(z, i, &file[i], part, sizeof(part));
	}
	if (!ok)
		(void)snprintf(why, size, "%s: %s", name, part);
	else if (zpl_readdir(z, zpl_root(z), 0, count_entry, &found) != 0 || found != want) {
		(void)snprintf(why, size, "%s: %u entries, not %u", name, found, want);
		ok = false;
	}
	zpl_close(z);
	dsl_rele(ds);
	return (ok);
}

static bool
quota_equals(struct spa *spa, const char *name, uint64_t want, char *why, size_t size)
{
	struct dsl_dataset *ds;
	uint64_t got = UINT64_MAX;

	if (dsl_hold(spa, name, &ds, NULL) == 0) {
		(void)dsl_prop_u64(ds, "quota", &got);
		dsl_rele(ds);
	}
	(void)snprintf(why, size, "%s: quota %llu, not %llu", name, (unsigned long long)got,
	    (unsigned long long)want);
	return (got == want);
}

static int
count_dataset(struct dsl_dataset *ds, void *arg)
{
	(void)ds;
	(*(unsigned *)arg)++;
	return (0);
}

static bool
equals_locked(struct spa *spa, const struct model *m, char *why, size_t size)
{
	unsigned want = 1, found = 0; /* the root */
	char name[64];

	for (unsigned i = 0; i < MODEL_FS; i++) {
		want += m->fs[i].used;
		fs_name(m, i, name, sizeof(name));
		if (m->fs[i].used && (!files_equal(spa, name, m->fs[i].is_volume, m->fs[i].file, why, size) ||
		    (!m->fs[i].is_volume && !quota_equals(spa, name, m->fs[i].quota, why, size))))
			return (false);
	}
	for (unsigned i = 0; i < MODEL_SNAPS; i++) {
		want += m->snap[i].used;
		snap_name(m, i, name, sizeof(name));
		if (m->snap[i].used &&
		    !files_equal(spa, name, m->snap[i].is_volume, m->snap[i].file, why, size))
			return (false);
	}
	if (dsl_walk(spa, NULL, -1, DSL_FILESYSTEM | DSL_SNAPSHOT | DSL_VOLUME, count_dataset, &found,
	    NULL) != 0 || found != want) {
		(void)snprintf(why, size, "%u datasets, not %u", found, want);
		return (false);
	}
	return (true);
}

bool
pool_equals(struct spa *spa, const struct model *m, char *why, size_t size)
{
	bool same;

	spa_enter(spa);
	same = equals_locked(spa, m, why, size);
	spa_exit(spa);
	return (same);
}
