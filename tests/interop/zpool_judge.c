/* SPDX-License-Identifier: MIT */
/*
 * OpenZFS's own pool code as a judge, in user space: zpool_judge [-rw] [-d N] [-s LIST] POOL FILE...
 *
 * Imports the pool POOL from copies of its vdevs, with -r first lets devices get what they lack,
 * scrubs it, with -w also makes, writes, reads back, snapshots and destroys a dataset, with -d
 * destroys every Nth of its datasets and snapshots (1: all but the root), with -s sends and receives what
 * LIST says, and exports it. It WRITES
 * to the files. Prints one line per vdev: guid, state, read, write and checksum errors; exit status
 * 0 only when all is healthy and without errors.
 *
 * Linked to Debian's libzpool.so.5 and libnvpair.so.3 (OpenZFS 2.1). The package's headers do not
 * compile outside of its tree, so the few prototypes that are needed are written down here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- what we use of OpenZFS ------------------------------------------------------------------- */

typedef struct nvlist nvlist_t;
typedef struct spa spa_t;
typedef struct objset objset_t;
typedef struct dmu_tx dmu_tx_t;
typedef struct dsl_pool dsl_pool_t;

int nvlist_alloc(nvlist_t **, unsigned, int);
void nvlist_free(nvlist_t *);
int nvlist_dup(nvlist_t *, nvlist_t **, int);
int nvlist_unpack(char *, size_t, nvlist_t **, int);
int nvlist_add_uint64(nvlist_t *, const char *, uint64_t);
int nvlist_add_string(nvlist_t *, const char *, const char *);
int nvlist_add_nvlist(nvlist_t *, const char *, nvlist_t *);
int nvlist_add_nvlist_array(nvlist_t *, const char *, nvlist_t **, unsigned);
int nvlist_lookup_uint64(nvlist_t *, const char *, uint64_t *);
int nvlist_lookup_nvlist(nvlist_t *, const char *, nvlist_t **);
int nvlist_lookup_nvlist_array(nvlist_t *, const char *, nvlist_t ***, unsigned *);
int nvlist_lookup_uint64_array(nvlist_t *, const char *, uint64_t **, unsigned *);
int nvlist_lookup_string(nvlist_t *, const char *, char **);

extern char *spa_config_path;
void kernel_init(int mode);
void kernel_fini(void);
int spa_import(char *, nvlist_t *, nvlist_t *, uint64_t);
int spa_open(const char *, spa_t **, void *);
void spa_close(spa_t *, void *);
int spa_export(const char *, nvlist_t **, int force, int hard);
int spa_scan(spa_t *, int func);
int spa_get_stats(const char *, nvlist_t **, char *, size_t);
uint64_t spa_get_errlog_size(spa_t *);
dsl_pool_t *spa_get_dsl(spa_t *);
int dsl_scan_scrubbing(const dsl_pool_t *);
int dsl_scan_resilvering(dsl_pool_t *);
void txg_wait_synced(dsl_pool_t *, uint64_t);

int dmu_objset_create(const char *, int type, uint64_t flags, void *, void *, void *);
int dmu_objset_own(const char *, int type, int readonly, int decrypt, void *tag, objset_t **);
void dmu_objset_disown(objset_t *, int decrypt, void *tag);
int dmu_objset_snapshot_one(const char *fs, const char *snap);
int dsl_destroy_snapshot(const char *, int defer);
int dsl_destroy_head(const char *);
int dmu_objset_find(const char *, int (*)(const char *, void *), void *, int flags);
uint64_t dmu_object_alloc(objset_t *, int type, int blocksize, int bonustype, int bonuslen, dmu_tx_t *);
int dmu_free_long_range(objset_t *, uint64_t object, uint64_t offset, uint64_t length);
dmu_tx_t *dmu_tx_create(objset_t *);
void dmu_tx_hold_write(dmu_tx_t *, uint64_t object, uint64_t offset, int length);
int dmu_tx_assign(dmu_tx_t *, uint64_t how);
void dmu_tx_commit(dmu_tx_t *);
void dmu_write(objset_t *, uint64_t object, uint64_t offset, uint64_t size, const void *, dmu_tx_t *);
int dmu_read(objset_t *, uint64_t object, uint64_t offset, uint64_t size, void *, uint32_t flags);

struct dmu_send_outparams {
	int (*outfunc)(objset_t *, void *buf, int len, void *arg);
	void *arg;
	int dryrun;
};
typedef struct zfs_file zfs_file_t;
int zfs_file_open(const char *path, int flags, int mode, zfs_file_t **);
int zfs_file_read(zfs_file_t *, void *buf, size_t len, ssize_t *left);
void zfs_file_close(zfs_file_t *);
int dmu_send(const char *to, const char *from, int embed, int large, int compress, int raw, int saved,
    uint64_t object, uint64_t offset, const char *redact, int fd, long long *off,
    struct dmu_send_outparams *);
int dmu_recv_begin(char *fs, char *snap, void *begin, int force, int resumable, nvlist_t *props,
    nvlist_t *hidden, char *origin, void *cookie, zfs_file_t *, long long *off);
int dmu_recv_stream(void *cookie, long long *off);
int dmu_recv_end(void *cookie, void *owner);

enum { MODE_READ_WRITE = 3, POOL_SCAN_SCRUB = 1, NV_UNIQUE_NAME = 1 };
enum { DS_FIND_SNAPSHOTS = 1, DS_FIND_CHILDREN = 2 };
enum { DMU_OST_OTHER = 4, DMU_OT_PLAIN_FILE_CONTENTS = 19, DMU_NEW_OBJECT = -1, TXG_WAIT = 1 };
enum { VDEV_STATE_HEALTHY = 7, VS_STATE = 1, VS_READ_ERRORS = 20, VS_NITEMS = 23 };

/* --- from labels to a pool's configuration ---------------------------------------------------- */

enum { LABEL_NVLIST_OFFSET = 16384, LABEL_NVLIST_SIZE = 112 * 1024, TOPS_MAX = 256, FILES_MAX = 256 };

static struct source {
	const char *path;
	uint64_t guid, txg;
	nvlist_t *label;
} sources[FILES_MAX];
static int nsources;
static char tag[] = "zpool_judge";

static _Noreturn void
die(const char *what, int error)
{
	fprintf(stderr, "zpool_judge: %s: %s\n", what, strerror(error));
	exit(1);
}

static void
must(int error, const char *what)
{
	if (error != 0)
		die(what, error);
}

/* false: none, as on a device that left the pool. */
static bool
read_label(struct source *s, const char *path)
{
	static char bytes[LABEL_NVLIST_SIZE];
	int fd;

	s->path = path;
	if ((fd = open(path, O_RDONLY)) < 0 ||
	    pread(fd, bytes, sizeof(bytes), LABEL_NVLIST_OFFSET) != (ssize_t)sizeof(bytes))
		die(path, errno);
	(void)close(fd);
	if (nvlist_unpack(bytes, sizeof(bytes), &s->label, 0) != 0)
		return (false);
	must(nvlist_lookup_uint64(s->label, "guid", &s->guid), "guid");
	if (nvlist_lookup_uint64(s->label, "txg", &s->txg) != 0)
		s->txg = 0;
	return (true);
}

/* Tell every leaf of a tree where its file is now. */
static void
set_paths(nvlist_t *vdev)
{
	nvlist_t **children;
	uint64_t guid;
	unsigned n;

	if (nvlist_lookup_nvlist_array(vdev, "children", &children, &n) == 0) {
		for (unsigned i = 0; i < n; i++)
			set_paths(children[i]);
		return;
	}
	must(nvlist_lookup_uint64(vdev, "guid", &guid), "leaf guid");
	for (int i = 0; i < nsources; i++)
		if (sources[i].guid == guid)
			must(nvlist_add_string(vdev, "path", sources[i].path), "path");
}

/* One that no device belongs to: the pool's own configuration knows what it was. */
static nvlist_t *
missing_top(uint64_t id)
{
	nvlist_t *tree;

	must(nvlist_alloc(&tree, NV_UNIQUE_NAME, 0), "missing top-level");
	must(nvlist_add_string(tree, "type", "missing"), "missing top-level");
	must(nvlist_add_uint64(tree, "id", id), "missing top-level");
	must(nvlist_add_uint64(tree, "guid", 0), "missing top-level");
	return (tree);
}

static nvlist_t *
make_config(void)
{
	nvlist_t *config, *root, *tree, *tops[TOPS_MAX] = {0};
	const struct source *newest = &sources[0];
	uint64_t guid, id, n = 0, txg[TOPS_MAX] = {0};

	for (int i = 0; i < nsources; i++) {
		if (sources[i].txg >= newest->txg)
			newest = &sources[i];
		if (nvlist_lookup_nvlist(sources[i].label, "vdev_tree", &tree) != 0)
			continue; /* a spare or a cache device */
		must(nvlist_lookup_uint64(tree, "id", &id), "id");
		if (id >= TOPS_MAX || (tops[id] != NULL && txg[id] >= sources[i].txg))
			continue;
		must(nvlist_dup(tree, &tops[id], 0), "tree");
		txg[id] = sources[i].txg;
		set_paths(tops[id]);
		n = id + 1 > n ? id + 1 : n;
	}
	must(nvlist_lookup_uint64(newest->label, "pool_guid", &guid), "pool_guid");
	must(nvlist_alloc(&root, NV_UNIQUE_NAME, 0), "root");
	must(nvlist_add_string(root, "type", "root"), "root");
	must(nvlist_add_uint64(root, "id", 0), "root");
	must(nvlist_add_uint64(root, "guid", guid), "root");
	for (id = 0; id < n; id++)
		if (tops[id] == NULL)
			tops[id] = missing_top(id);
	must(nvlist_add_nvlist_array(root, "children", tops, (unsigned)n), "children");
	must(nvlist_dup(newest->label, &config, 0), "config");
	must(nvlist_add_nvlist(config, "vdev_tree", root), "config");
	return (config);
}

/* --- the trial -------------------------------------------------------------------------------- */

/* What a device lacks is noticed some txgs after the import. */
static void
resilver(spa_t *spa)
{
	dsl_pool_t *dp = spa_get_dsl(spa);

	for (int quiet = 0; quiet < 5; quiet = dsl_scan_resilvering(dp) ? 0 : quiet + 1) {
		txg_wait_synced(dp, 0);
		(void)usleep(100000);
	}
}

static void
scrub(spa_t *spa)
{
	dsl_pool_t *dp = spa_get_dsl(spa);

	must(spa_scan(spa, POOL_SCAN_SCRUB), "scrub");
	do
		txg_wait_synced(dp, 0);
	while (dsl_scan_scrubbing(dp));
}

static void
fill(uint8_t *buf, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		buf[i] = (uint8_t)(seed >> 56);
	}
}

/* Make POOL/judge, write, snapshot, overwrite, read back, destroy all: every kind of allocation. */
static void
write_trial(const char *pool)
{
	enum { CHUNK = 128 * 1024, CHUNKS = 32 };
	static uint8_t buf[CHUNK], back[CHUNK];
	char name[300], snap[320];
	uint64_t object = 0;
	objset_t *os;
	dmu_tx_t *tx;

	(void)snprintf(name, sizeof(name), "%s/judge", pool);
	(void)snprintf(snap, sizeof(snap), "%s@trial", name);
	must(dmu_objset_create(name, DMU_OST_OTHER, 0, NULL, NULL, NULL), "create");
	must(dmu_objset_own(name, DMU_OST_OTHER, 0, 0, tag, &os), "own");
	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < CHUNKS; i++) {
			fill(buf, sizeof(buf), i + (uint64_t)round * 1000);
			tx = dmu_tx_create(os);
			dmu_tx_hold_write(tx, object != 0 ? object : (uint64_t)DMU_NEW_OBJECT,
			    i * CHUNK, CHUNK);
			must(dmu_tx_assign(tx, TXG_WAIT), "assign");
			if (object == 0)
				object = dmu_object_alloc(os, DMU_OT_PLAIN_FILE_CONTENTS, 16384, 0, 0, tx);
			dmu_write(os, object, i * CHUNK, CHUNK, buf, tx);
			dmu_tx_commit(tx);
		}
		if (round == 0)
			must(dmu_objset_snapshot_one(name, "trial"), "snapshot");
	}
	for (uint64_t i = 0; i < CHUNKS; i++) {
		fill(buf, sizeof(buf), i + 1000);
		must(dmu_read(os, object, i * CHUNK, CHUNK, back, 0), "read");
		if (memcmp(buf, back, CHUNK) != 0)
			die("read back other bytes", EIO);
	}
	must(dmu_free_long_range(os, object, CHUNK, UINT64_MAX), "free");
	dmu_objset_disown(os, 0, tag);
	must(dsl_destroy_snapshot(snap, 0), "destroy snapshot");
	must(dsl_destroy_head(name), "destroy");
}

struct names {
	char **name;
	size_t n;
};

static int
collect(const char *name, void *arg)
{
	struct names *v = arg;

	if ((v->name = realloc(v->name, (v->n + 1) * sizeof(*v->name))) == NULL ||
	    (v->name[v->n++] = strdup(name)) == NULL)
		die("names", ENOMEM);
	return (0);
}

static int
destroy(const char *name)
{
	return (strchr(name, '@') != NULL ? dsl_destroy_snapshot(name, 0) : dsl_destroy_head(name));
}

/* What others hang on refuses at first: go round until nothing more can go. */
static void
destroy_trial(const char *pool, unsigned every)
{
	size_t i, gone = 0, before;

	do {
		struct names v = {NULL, 0};

		before = gone;
		must(dmu_objset_find(pool, collect, &v, DS_FIND_SNAPSHOTS | DS_FIND_CHILDREN), "find");
		for (i = every - 1; i < v.n; i += every) {
			int error = strcmp(v.name[i], pool) == 0 ? EBUSY : destroy(v.name[i]);

			if (error != 0 && error != EBUSY && error != EEXIST)
				die(v.name[i], error);
			gone += error == 0;
		}
		for (i = 0; i < v.n; i++)
			free(v.name[i]);
		free(v.name);
	} while (every == 1 && gone > before);
	printf("destroyed %zu datasets and snapshots\n", gone);
}

/* --- streams ---------------------------------------------------------------------------------- */

static int
put(objset_t *os, void *buf, int len, void *arg)
{
	(void)os;
	return (fwrite(buf, 1, (size_t)len, arg) == (size_t)len ? 0 : EIO);
}

static int
send_one(const char *to, const char *from, const char *flags, const char *path)
{
	struct dmu_send_outparams out = {put, fopen(path, "w"), 0};
	long long off = 0;
	int error;

	if (out.arg == NULL)
		die(path, errno);
	error = dmu_send(to, from, strchr(flags, 'e') != NULL, strchr(flags, 'L') != NULL,
	    strchr(flags, 'c') != NULL, 0, 0, 0, 0, NULL, fileno(out.arg), &off, &out);
	return (fclose(out.arg) != 0 && error == 0 ? EIO : error);
}

static int
receive_one(char *fs, char *origin, const char *flags, const char *path)
{
	enum { RECORD = 312, COOKIE = 64 << 10 };
	static uint64_t cookie[COOKIE / 8], begin[RECORD / 8];
	long long off = RECORD;
	char *snap = strchr(fs, '@');
	zfs_file_t *fp;
	int error, fd = open(path, O_RDONLY);

	if (fd < 0 || snap == NULL || read(fd, begin, RECORD) != RECORD)
		die(path, EINVAL);
	(void)close(fd);
	*snap++ = '\0';
	memset(cookie, 0, sizeof(cookie));
	must(zfs_file_open(path, O_RDONLY, 0, &fp), path);
	must(zfs_file_read(fp, (char[RECORD]){0}, RECORD, NULL), path);
	error = dmu_recv_begin(fs, snap, begin, strchr(flags, 'F') != NULL, strchr(flags, 's') != NULL, NULL,
	    NULL, origin, cookie, fp, &off);
	if (error == 0 && (error = dmu_recv_stream(cookie, &off)) == 0)
		error = dmu_recv_end(cookie, NULL);
	zfs_file_close(fp);
	return (error);
}

/* Lines of words: "send TO FROM FLAGS FILE" and "receive FS@SNAP ORIGIN FLAGS FILE"; - is nothing. */
static void
run_list(const char *path)
{
	char line[2000], verb[16], name[300], other[300], flags[16], file[1000];
	FILE *f = fopen(path, "r");

	if (f == NULL)
		die(path, errno);
	while (fgets(line, sizeof(line), f) != NULL) {
		char *o = other;
		int error;

		if (sscanf(line, "%15s %299s %299s %15s %999s", verb, name, other, flags, file) != 5)
			die(line, EINVAL);
		if (strcmp(other, "-") == 0)
			o = NULL;
		error = strcmp(verb, "send") == 0 ? send_one(name, o, flags, file) :
						    receive_one(name, o, flags, file);
		if (error != 0)
			die(line, error);
	}
	(void)fclose(f);
}

/* Print a tree of vdevs; returns whether all are healthy and free of errors. */
static bool
report(nvlist_t *vdev, int depth)
{
	nvlist_t **children;
	uint64_t *vs, guid = 0;
	unsigned n;
	char *type = "?";
	bool good;

	must(nvlist_lookup_uint64_array(vdev, "vdev_stats", &vs, &n), "vdev_stats");
	if (n < VS_NITEMS)
		die("vdev_stats is too short", EINVAL);
	(void)nvlist_lookup_uint64(vdev, "guid", &guid);
	(void)nvlist_lookup_string(vdev, "type", &type);
	good = vs[VS_STATE] == VDEV_STATE_HEALTHY;
	for (int i = 0; i < 3; i++)
		good = good && vs[VS_READ_ERRORS + i] == 0;
	printf("%*s%s %llu state %llu errors %llu %llu %llu\n", depth * 2, "", type,
	    (unsigned long long)guid, (unsigned long long)vs[VS_STATE],
	    (unsigned long long)vs[VS_READ_ERRORS], (unsigned long long)vs[VS_READ_ERRORS + 1],
	    (unsigned long long)vs[VS_READ_ERRORS + 2]);
	if (nvlist_lookup_nvlist_array(vdev, "children", &children, &n) == 0)
		for (unsigned i = 0; i < n; i++)
			good = report(children[i], depth + 1) && good;
	return (good);
}

int
main(int argc, char **argv)
{
	nvlist_t *stats, *tree;
	uint64_t errors;
	const char *list = NULL;
	unsigned every = 0;
	bool write = false, resilvering = false, good;
	spa_t *spa;
	int c;

	while ((c = getopt(argc, argv, "d:rs:w")) != -1) {
		if (c == 's')
			list = optarg;
		else if (c == 'w')
			write = true;
		else if (c == 'r')
			resilvering = true;
		else if (c != 'd' || (every = (unsigned)strtoul(optarg, NULL, 10)) == 0)
			return (2);
	}
	if (argc - optind < 2 || argc - optind > FILES_MAX) {
		fprintf(stderr, "usage: zpool_judge [-rw] [-d N] [-s LIST] POOL FILE...\n");
		return (2);
	}
	for (int i = optind + 1; i < argc; i++)
		nsources += read_label(&sources[nsources], argv[i]);
	spa_config_path = "/dev/null/none";
	kernel_init(MODE_READ_WRITE);
	must(spa_import(argv[optind], make_config(), NULL, 0), "import");
	if (write)
		write_trial(argv[optind]);
	if (every != 0)
		destroy_trial(argv[optind], every);
	if (list != NULL)
		run_list(list);
	must(spa_open(argv[optind], &spa, tag), "open");
	if (resilvering)
		resilver(spa);
	scrub(spa);
	errors = spa_get_errlog_size(spa);
	must(spa_get_stats(argv[optind], &stats, NULL, 0), "stats");
	must(nvlist_lookup_nvlist(stats, "vdev_tree", &tree), "vdev_tree");
	good = report(tree, 0);
	printf("%llu persistent errors\n", (unsigned long long)errors);
	spa_close(spa, tag);
	must(spa_export(argv[optind], NULL, 0, 0), "export");
	kernel_fini();
	return (good && errors == 0 ? 0 : 1);
}
