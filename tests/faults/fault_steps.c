/* SPDX-License-Identifier: MIT */
/* The scripted history: commands as poold runs them, operations on files as its FUSE side does. */
#include "fault_steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../fs/removal_impl.h"
#include "../../fs/spa_vdev_impl.h"
#include "fault_alloc.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/fs/zpl.h"

enum { FILE_BYTES = 300000, READ_PIECE = 64 << 10 };

/* --- commands --------------------------------------------------------------------------------- */

/* Arguments: "name=tank/a" a string, "flag" a flag, "@name=a" one of an array, "%size=5" a number, ":p=v" a prop. */
static struct nvlist *
arguments(const char *const *a)
{
	struct nvlist *nv = nv_new(), *props = nv_new();
	const char *names[4];
	size_t n = 0;
	char key[64];

	for (; *a != NULL; a++) {
		const char *eq = strchr(*a, '='), *word = *a + (strchr("@%:", **a) != NULL);

		(void)snprintf(key, sizeof(key), "%.*s", (int)(eq != NULL ? eq - word : 60), word);
		if (eq == NULL)
			(void)nv_add_boolean(nv, key);
		else if (**a == '@')
			names[n++] = eq + 1;
		else if (**a == '%')
			(void)nv_add_u64(nv, key, strtoull(eq + 1, NULL, 10));
		else
			(void)nv_add_str(**a == ':' ? props : nv, key, eq + 1);
	}
	if (n > 0)
		(void)nv_add_str_array(nv, "names", names, n);
	if (nv_next(props, NULL) != NULL)
		(void)nv_add_nvlist(nv, "props", props);
	(void)nv_add_str(nv, "history", "a command");
	nv_free(props);
	return (nv);
}

static int
command(struct world *w, struct err *e, const char *op, const char *const *args,
    struct poolops_io *io)
{
	struct nvlist *in, *out;
	int rc;

	fault_alloc_pause();
	in = arguments(args);
	out = nv_new();
	fault_alloc_go_on();
	rc = io != NULL ? poolops_stream(w->session, op, in, out, io, e) : poolops_call(w->session, op, in, out, e);
	fault_alloc_pause();
	nv_free(in);
	nv_free(out);
	fault_alloc_go_on();
	return (rc);
}

#define COMMAND(function_, op_, ...)                                                               \
	static int function_(struct world *w, struct err *e)                                       \
	{                                                                                          \
		static const char *const args[] = {__VA_ARGS__, NULL};                             \
		return (command(w, e, op_, args, NULL));                                                \
	}

COMMAND(create_fs, "fs.create", "name=t/a", "nomount", ":compression=lz4", ":org:note=hello")
COMMAND(create_child, "fs.create", "name=t/a/b/c", "nomount", "parents")
COMMAND(create_volume, "fs.create", "name=t/v", "%volsize=1048576", ":volblocksize=8K")
COMMAND(snapshot_all, "fs.snapshot", "@n=t@one", "recursive")
COMMAND(snapshot_two, "fs.snapshot", "@n=t/a@two", "@n=t/v@two", ":org:why=test")
COMMAND(clone_fs, "fs.clone", "origin=t/a@one", "name=t/clone", "nomount")
COMMAND(set_props, "fs.set", "name=t/a", ":compression=gzip-6", ":quota=50M", ":org:note=new")
COMMAND(inherit_prop, "fs.inherit", "name=t/a", "prop=compression")
COMMAND(resize_volume, "fs.set", "name=t/v", ":volsize=2M")
COMMAND(rename_fs, "fs.rename", "from=t/a/b", "to=t/moved")
COMMAND(rename_snap, "fs.rename", "from=t/a@two", "to=t/a@deux")
COMMAND(rollback_fs, "fs.rollback", "name=t/a@deux")
COMMAND(destroy_snap, "fs.destroy_snaps", "name=t/v", "snaps=two")
COMMAND(destroy_clone, "fs.destroy", "name=t/clone")
COMMAND(destroy_tree, "fs.destroy", "name=t/moved", "recursive")
COMMAND(list_all, "fs.list", "@n=t")
COMMAND(pool_comment, "pool.set", "prop=comment", "value=a pool")

/* --- files ------------------------------------------------------------------------------------ */

struct open_fs {
	struct dsl_dataset *ds;
	struct zpl *z;
};

static int
fs_open(struct spa *spa, const char *name, struct open_fs *f, struct err *e)
{
	int rc;

	if ((rc = dsl_hold(spa, name, &f->ds, e)) != 0)
		return (rc);
	if ((rc = zpl_open(f->ds, false, &f->z, e)) != 0)
		dsl_rele(f->ds);
	return (rc);
}

static void
fs_close(struct open_fs *f)
{
	zpl_close(f->z);
	dsl_rele(f->ds);
}

typedef int file_fn(struct zpl *z);

static int
on_files(struct world *w, struct err *e, const char *fs, file_fn *fn)
{
	struct open_fs f;
	int rc;

	spa_enter(w->spa);
	if ((rc = fs_open(w->spa, fs, &f, e)) == 0) {
		rc = err_rc(e, fn(f.z), "files");
		fs_close(&f);
	}
	spa_exit(w->spa);
	return (rc);
}

static int
write_pattern(struct zpl *z, uint64_t obj, uint64_t off, size_t len, unsigned seed)
{
	unsigned char *buf;
	int rc;

	fault_alloc_pause();
	if ((buf = malloc(len)) == NULL)
		abort();
	for (size_t i = 0; i < len; i++)
		buf[i] = (unsigned char)(i % 7 == 0 ? (i * seed) >> 5 : 'x');
	fault_alloc_go_on();
	rc = zpl_write(z, obj, off, len, buf, false);
	free(buf);
	return (rc);
}

static int
do_make_file(struct zpl *z)
{
	struct zpl_new n = {.mode = S_IFREG | 0644};
	uint64_t obj;
	int rc = zpl_create(z, zpl_root(z), "file", &n, &obj);

	return (rc != 0 ? rc : write_pattern(z, obj, 0, FILE_BYTES, 3));
}

static int
do_overwrite(struct zpl *z)
{
	uint64_t obj;
	int rc = zpl_lookup(z, zpl_root(z), "file", &obj);

	return (rc != 0 ? rc : write_pattern(z, obj, 100000, 50000, 11));
}

static int
do_truncate(struct zpl *z)
{
	struct zpl_attr a = {.size = 5000};
	uint64_t obj;
	int rc = zpl_lookup(z, zpl_root(z), "file", &obj);

	return (rc != 0 ? rc : zpl_setattr(z, obj, ZA_SIZE, &a));
}

static int
do_xattr(struct zpl *z)
{
	char value[600];
	uint64_t obj;
	int rc = zpl_lookup(z, zpl_root(z), "file", &obj);

	memset(value, 'v', sizeof(value));
	return (rc != 0 ? rc : zpl_xattr_set(z, obj, "user.large", value, sizeof(value), 0));
}

static int
do_mkdir(struct zpl *z)
{
	struct zpl_new n = {.mode = S_IFDIR | 0755};
	uint64_t obj;

	return (zpl_create(z, zpl_root(z), "dir", &n, &obj));
}

static int
do_rename(struct zpl *z)
{
	uint64_t dir, replaced;
	bool last;
	int rc = zpl_lookup(z, zpl_root(z), "dir", &dir);

	return (rc != 0 ? rc : zpl_rename(z, zpl_root(z), "file", dir, "renamed", 0, &replaced, &last));
}

static int
do_unlink(struct zpl *z)
{
	uint64_t dir, obj;
	bool last;
	int rc;

	if ((rc = zpl_lookup(z, zpl_root(z), "dir", &dir)) != 0 ||
	    (rc = zpl_unlink(z, dir, "renamed", &obj, &last)) != 0)
		return (rc);
	return (zpl_free_unlinked(z, obj));
}

#define FILES(function_, fs_, fn_)                                                                 \
	static int function_(struct world *w, struct err *e)                                       \
	{                                                                                          \
		return (on_files(w, e, fs_, fn_));                                                 \
	}

FILES(make_file, "t/a", do_make_file)
FILES(overwrite, "t/a", do_overwrite)
FILES(truncate_file, "t/clone", do_truncate)
FILES(set_xattr, "t/a", do_xattr)
FILES(make_dir, "t/a", do_mkdir)
FILES(rename_file, "t/a", do_rename)
FILES(unlink_file, "t/a", do_unlink)

static int
write_volume(struct world *w, struct err *e)
{
	static const char data[40000] = "volume";
	struct dsl_dataset *ds;
	struct objset *os;
	int rc;

	spa_enter(w->spa);
	if ((rc = dsl_hold(w->spa, "t/v", &ds, e)) == 0) {
		if ((rc = dsl_objset(ds, &os)) == 0 && (rc = dmu_write(os, 1, 5000, sizeof(data), data)) == 0)
			rc = dmu_free_range(os, 1, 16384, 8192);
		rc = err_rc(e, rc, "volume");
		dsl_rele(ds);
	}
	spa_exit(w->spa);
	return (rc);
}

/* --- streams ---------------------------------------------------------------------------------- */

static int
pass_stream(struct world *w, struct err *e, const char *const *send, const char *const *receive)
{
	struct poolops_io io = {.fd = memfd_create("stream", MFD_CLOEXEC)};
	int rc;

	if (io.fd < 0)
		abort();
	rc = command(w, e, "fs.send", send, &io);
	(void)lseek(io.fd, 0, SEEK_SET);
	if (rc == 0)
		rc = command(w, e, "fs.receive", receive, &io);
	(void)close(io.fd);
	return (rc);
}

static int
receive_packed(struct world *w, struct err *e)
{
	static const char *const send[] = {"name=t/a@one", "compress", "embed", "large", NULL};
	static const char *const receive[] = {"name=t/got", "nomount", NULL};

	return (pass_stream(w, e, send, receive));
}

static int
receive_plain(struct world *w, struct err *e)
{
	static const char *const send[] = {"name=t/v@one", NULL};
	static const char *const receive[] = {"name=t/gotv", "nomount", NULL};

	return (pass_stream(w, e, send, receive));
}

static int
receive_increment(struct world *w, struct err *e)
{
	static const char *const send[] = {"name=t/a@two", "from=t/a@one", NULL};
	static const char *const receive[] = {"name=t/got", "nomount", NULL};

	return (pass_stream(w, e, send, receive));
}

/* --- devices and the past --------------------------------------------------------------------- */

COMMAND(make_checkpoint, "pool.checkpoint", "")
COMMAND(drop_checkpoint, "pool.checkpoint", "discard")
COMMAND(new_guid, "pool.reguid", "")
COMMAND(cancel_removal, "pool.remove", "cancel")

/* Both commands, and some of the work between them. */
static int
initialize(struct world *w, struct err *e)
{
	int rc;

	spa_enter(w->spa);
	rc = spa_work(w->spa, SPA_INITIALIZE, NULL, INIT_START, 0, e);
	for (int i = 0; rc == 0 && i < 2; i++)
		(void)spa_initialize_step(w->spa);
	if (rc == 0)
		rc = spa_work(w->spa, SPA_INITIALIZE, NULL, INIT_CANCEL, 0, e);
	spa_exit(w->spa);
	return (rc);
}

/* most: chunks. What cannot be copied ends a removal, and no memory stops it for a while. */
static int
move(struct world *w, const char *device, unsigned most, struct err *e)
{
	int rc = 0;

	spa_enter(w->spa);
	if (!removal_is_active(w->spa))
		rc = spa_vdev_remove(w->spa, device, e);
	for (unsigned i = 0; rc == 0 && i < most && removal_is_active(w->spa); i++) {
		w->spa->removal->most = 8192;
		(void)removal_step(w->spa, 0);
	}
	spa_exit(w->spa);
	return (rc);
}

static int
begin_removal(struct world *w, struct err *e)
{
	return (move(w, "/crash/1", 4, e));
}

static int
finish_removal(struct world *w, struct err *e)
{
	return (move(w, "/crash/1", 1000, e));
}

static int
remove_another(struct world *w, struct err *e)
{
	return (move(w, "/crash/0", 1000, e));
}

const struct step steps[] = {
	{"create a filesystem", create_fs, false, NULL},
	{"create it on a stripe", create_fs, false, "stripe"},
	{"write a file on a stripe", make_file, false, "stripe"},
	{"begin a removal", begin_removal, false, "stripe"},
	{"overwrite in a removal", overwrite, false, "stripe"},
	{"cancel the removal", cancel_removal, false, "stripe"},
	{"begin another", begin_removal, false, "stripe"},
	{"write in the other removal", set_xattr, false, "stripe"},
	{"finish the removal", finish_removal, false, "stripe"},
	{"make a checkpoint of what was moved", make_checkpoint, false, "stripe"},
	{"overwrite what was moved", overwrite, false, "stripe"},
	{"discard that checkpoint", drop_checkpoint, false, "stripe"},
	{"remove another", remove_another, false, "stripe"},
	{"snapshot what was moved", snapshot_all, false, "stripe"},
	{"move a file", make_dir, false, "stripe"},
	{"rename what was moved", rename_file, false, "stripe"},
	{"unlink what was moved", unlink_file, false, "stripe"},
	{"make a checkpoint", make_checkpoint, false, NULL},
	{"initialize", initialize, false, NULL},
	{"write a file", make_file, false, NULL},
	{"create a volume", create_volume, false, NULL},
	{"write the volume", write_volume, false, NULL},
	{"create with parents", create_child, true, NULL},
	{"snapshot all", snapshot_all, false, NULL},
	{"list", list_all, false, NULL},
	{"discard the checkpoint", drop_checkpoint, false, NULL},
	{"change the pool's guid", new_guid, false, NULL},
	{"receive packed blocks", receive_packed, false, NULL},
	{"receive a volume", receive_plain, false, NULL},
	{"overwrite", overwrite, false, NULL},
	{"set an attribute", set_xattr, false, NULL},
	{"clone", clone_fs, false, NULL},
	{"truncate in the clone", truncate_file, false, NULL},
	{"set properties", set_props, false, NULL},
	{"inherit", inherit_prop, false, NULL},
	{"resize the volume", resize_volume, false, NULL},
	{"snapshot two", snapshot_two, false, NULL},
	{"receive an increment", receive_increment, false, NULL},
	{"make a directory", make_dir, false, NULL},
	{"rename a file", rename_file, false, NULL},
	{"unlink", unlink_file, false, NULL},
	{"rename a filesystem", rename_fs, false, NULL},
	{"rename a snapshot", rename_snap, false, NULL},
	{"roll back", rollback_fs, false, NULL},
	{"set the comment", pool_comment, false, NULL},
	{"destroy a snapshot", destroy_snap, false, NULL},
	{"destroy the clone", destroy_clone, false, NULL},
	{"destroy a tree", destroy_tree, true, NULL},
};
const size_t nsteps = sizeof(steps) / sizeof(steps[0]);

/* --- the world -------------------------------------------------------------------------------- */

void
world_open(struct world *w)
{
	struct pool_session_opts o = {.spa = w->spa};

	if (pool_session_new(&o, &w->session, NULL) != 0)
		abort();
}

void
world_close(struct world *w)
{
	pool_session_free(w->session);
	spa_close(w->spa);
}

int
world_step(struct world *w, const struct step *st, struct err *e)
{
	int rc = st->run(w, e);

	if (rc != 0)
		return (rc);
	spa_enter(w->spa);
	if (spa_is_dirty(w->spa))
		rc = spa_sync(w->spa, e);
	spa_exit(w->spa);
	return (rc);
}

/* --- the fingerprint -------------------------------------------------------------------------- */

struct print {
	struct spa *spa;
	uint64_t sum;
	char *buf;
};

static void
mix(struct print *p, const void *data, size_t len)
{
	const unsigned char *c = data;

	for (size_t i = 0; i < len; i++)
		p->sum = (p->sum ^ c[i]) * UINT64_C(0x100000001b3);
}

struct dir_print {
	struct print *p;
	struct zpl *z;
	unsigned depth;
};

static void mix_dir(struct print *p, struct zpl *z, uint64_t dir, unsigned depth);

static void
mix_file(struct print *p, struct zpl *z, uint64_t obj)
{
	struct zpl_attr a;
	int n;

	if (zpl_getattr(z, obj, &a) != 0) {
		mix(p, "unreadable", 10);
		return;
	}
	mix(p, &a.size, sizeof(a.size));
	for (uint64_t off = 0; off < a.size; off += (uint64_t)n) {
		if ((n = zpl_read(z, obj, off, READ_PIECE, p->buf)) <= 0) {
			mix(p, "hole", 4);
			break;
		}
		mix(p, p->buf, (size_t)n);
	}
	if ((n = zpl_xattr_get(z, obj, "user.large", p->buf, READ_PIECE)) > 0)
		mix(p, p->buf, (size_t)n);
}

static int
mix_entry(const char *name, uint64_t obj, unsigned dtype, uint64_t next, void *arg)
{
	struct dir_print *d = arg;

	(void)next;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return (0);
	mix(d->p, name, strlen(name) + 1);
	if (dtype == S_IFDIR >> 12 && d->depth < 4)
		mix_dir(d->p, d->z, obj, d->depth + 1);
	else
		mix_file(d->p, d->z, obj);
	return (0);
}

static void
mix_dir(struct print *p, struct zpl *z, uint64_t dir, unsigned depth)
{
	struct dir_print d = {p, z, depth};

	if (zpl_readdir(z, dir, 0, mix_entry, &d) != 0)
		mix(p, "bad dir", 7);
}

static void
mix_volume(struct print *p, struct dsl_dataset *ds)
{
	struct objset *os;
	uint64_t size;

	if (dsl_prop_u64(ds, "volsize", &size) != 0 || dsl_objset(ds, &os) != 0)
		return;
	mix(p, &size, sizeof(size));
	for (uint64_t off = 0; off < size; off += READ_PIECE)
		if (dmu_read(os, 1, off, READ_PIECE, p->buf) == 0)
			mix(p, p->buf, READ_PIECE);
}

static int
mix_dataset(struct dsl_dataset *ds, void *arg)
{
	static const char *const props[] = {"compression", "quota", "org:note", "org:why", "refreservation"};
	struct print *p = arg;
	char name[DSL_NAME_MAX], value[256];
	struct zpl *z;

	if (dsl_is_inconsistent(ds))
		return (0); /* what a receive or a destroy has left: an import for writing takes it away */
	dsl_name(ds, name);
	mix(p, name, strlen(name) + 1);
	for (size_t i = 0; i < sizeof(props) / sizeof(props[0]); i++)
		if (dsl_prop_text(ds, props[i], true, value, sizeof(value), NULL, 0) == 0)
			mix(p, value, strlen(value) + 1);
	if (dsl_head_kind(ds) == DSL_VOLUME) {
		mix_volume(p, ds);
	} else if (zpl_open(ds, true, &z, NULL) == 0) {
		mix_dir(p, z, zpl_root(z), 0);
		zpl_close(z);
	}
	return (0);
}

uint64_t
world_fingerprint(struct spa *spa)
{
	struct print p = {.spa = spa, .sum = UINT64_C(0xcbf29ce484222325), .buf = malloc(READ_PIECE)};
	char comment[256] = "";

	if (p.buf == NULL)
		abort();
	spa_enter(spa);
	(void)dsl_walk(spa, NULL, -1, DSL_FILESYSTEM | DSL_VOLUME | DSL_SNAPSHOT, mix_dataset, &p, NULL);
	if (spa_prop_get(spa, "comment", comment, sizeof(comment)) == 0)
		mix(&p, comment, strlen(comment));
	spa_exit(spa);
	free(p.buf);
	return (p.sum);
}

uint64_t
world_after(struct world *w, const struct step *st)
{
	uint64_t *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0), v;
	pid_t pid;

	(void)fflush(NULL);
	if (shared == MAP_FAILED || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		struct err e = ERR_INIT;

		(void)world_step(w, st, &e);
		*shared = world_fingerprint(w->spa);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
	v = *shared;
	(void)munmap(shared, sizeof(*shared));
	return (v);
}
