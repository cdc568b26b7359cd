/* SPDX-License-Identifier: MIT */
/*
 * Programs that must not notice that the server of their filesystem is killed.
 *
 *	takeover_load ROLE FOLDER SEED STOP
 *
 * Works in FOLDER until the file STOP is there, and knows at any time what must be in FOLDER.  Any
 * error of a call, and anything that is not as it must be, ends it with status 1 and one line.  At the end
 * everything is compared once more.
 *
 *	files	contents, sizes, modes, names, attributes of some files; some are fsynced
 *	names	directories made, filled, listed in pieces while they change, emptied, removed
 *	open	files without names: unlinked ones and those of O_TMPFILE, some of which get a name
 *	map	a shared mapping against read() and O_DIRECT
 *	append	numbers appended to a file by two descriptors, one with O_DSYNC; none lost, none twice
 *	locks	a lock that is held stays held
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *role, *stop;
static uint64_t rng, steps;

#define MUST(call)                                                                                    \
	({                                                                                            \
		long long rc_ = (long long)(call);                                                    \
		if (rc_ < 0)                                                                          \
			die(__LINE__, #call, strerror(errno));                                        \
		rc_;                                                                                  \
	})
#define WANT(claim)                                                                                   \
	do {                                                                                          \
		if (!(claim))                                                                         \
			die(__LINE__, #claim, "is not so");                                           \
	} while (0)

static void
die(int line, const char *what, const char *why)
{
	printf("%s, step %llu, line %d: %s: %s\n", role, (unsigned long long)steps, line, what, why);
	(void)fflush(stdout);
	_exit(1);
}

static uint64_t
rnd(uint64_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng % n);
}

static bool
go_on(void)
{
	steps++;
	return (access(stop, F_OK) != 0);
}

static void
fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(rnd(4) == 0 ? rnd(256) : i);
}

/* --- files -------------------------------------------------------------------------------------- */

enum { FILES = 24, SIZE_MAX_ = 300000 };
static struct file {
	bool there;
	int name, fd, attr; /* attr: length of user.a, -1: none */
	unsigned mode;
	size_t size;
	uint8_t *data;
	char value[6000];
	ino_t ino;
	struct timespec mtime; /* as the server said it after the last change, or 0 */
} file[FILES];
static int next_name;

static const char *
path_of(const struct file *f)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "f%d", f->name);
	return (path);
}

/* From the server, not from the kernel's memory. */
static struct stat
ask(int fd)
{
	struct statx sx;
	struct stat st = {.st_size = 0};

	MUST(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &sx));
	st.st_size = (off_t)sx.stx_size;
	st.st_mode = sx.stx_mode;
	st.st_nlink = sx.stx_nlink;
	st.st_ino = sx.stx_ino;
	st.st_mtim.tv_sec = sx.stx_mtime.tv_sec;
	st.st_mtim.tv_nsec = sx.stx_mtime.tv_nsec;
	return (st);
}

static void
file_check(struct file *f)
{
	static uint8_t buf[SIZE_MAX_ + 4096] __attribute__((aligned(4096)));
	struct stat st = ask(f->fd);
	char value[6000];

	WANT((size_t)st.st_size == f->size);
	WANT((st.st_mode & 07777) == f->mode);
	WANT(st.st_nlink == 1);
	WANT(st.st_ino == f->ino);
	WANT(f->mtime.tv_sec == 0 || (f->mtime.tv_sec == st.st_mtim.tv_sec &&
	    f->mtime.tv_nsec == st.st_mtim.tv_nsec));
	if (rnd(2) == 0) {
		int fd = (int)MUST(open(path_of(f), O_RDONLY | O_DIRECT));

		WANT((size_t)MUST(read(fd, buf, sizeof(buf))) == f->size);
		MUST(close(fd));
	} else {
		WANT((size_t)MUST(pread(f->fd, buf, sizeof(buf), 0)) == f->size);
	}
	WANT(memcmp(buf, f->data, f->size) == 0);
	if (f->attr >= 0) {
		WANT(MUST(fgetxattr(f->fd, "user.a", value, sizeof(value))) == f->attr);
		WANT(memcmp(value, f->value, (size_t)f->attr) == 0);
	}
}

static void
file_make(struct file *f)
{
	f->name = next_name++;
	f->mode = 0600 | (unsigned)rnd(0100);
	f->fd = (int)MUST(open(path_of(f), O_RDWR | O_CREAT | O_EXCL, f->mode));
	f->ino = ask(f->fd).st_ino;
	f->there = true;
	f->size = 0;
	f->attr = -1;
	f->mtime.tv_sec = 0;
	if (f->data == NULL)
		WANT((f->data = malloc(SIZE_MAX_)) != NULL);
}

static void
file_write(struct file *f)
{
	static uint8_t buf[SIZE_MAX_];
	size_t off = rnd(4) == 0 ? f->size : rnd(SIZE_MAX_ - 1), n = 1 + rnd(rnd(3) == 0 ? 140000 : 6000);

	if (off >= SIZE_MAX_)
		off = SIZE_MAX_ - 1;
	if (n > SIZE_MAX_ - off)
		n = SIZE_MAX_ - off;
	fill(buf, n);
	WANT((size_t)MUST(pwrite(f->fd, buf, n, (off_t)off)) == n);
	if (off > f->size)
		memset(f->data + f->size, 0, off - f->size);
	memcpy(f->data + off, buf, n);
	f->size = off + n > f->size ? off + n : f->size;
	f->mtime = ask(f->fd).st_mtim;
}

static void
file_resize(struct file *f)
{
	size_t n = rnd(SIZE_MAX_);

	MUST(ftruncate(f->fd, (off_t)n));
	if (n > f->size)
		memset(f->data + f->size, 0, n - f->size);
	f->size = n;
	f->mtime = ask(f->fd).st_mtim;
}

static void
file_punch(struct file *f)
{
	size_t off = f->size > 1 ? rnd(f->size) : 0, n = 1 + rnd(100000);

	if (f->size == 0)
		return;
	MUST(fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)n));
	memset(f->data + off, 0, off + n > f->size ? f->size - off : n);
	f->mtime = ask(f->fd).st_mtim;
}

static void
file_attr(struct file *f)
{
	f->attr = (int)rnd(rnd(4) == 0 ? sizeof(f->value) : 100);
	for (int i = 0; i < f->attr; i++)
		f->value[i] = (char)('a' + rnd(26));
	MUST(fsetxattr(f->fd, "user.a", f->value, (size_t)f->attr, 0));
}

static void
file_rename(struct file *f)
{
	char old[64];

	(void)snprintf(old, sizeof(old), "%s", path_of(f));
	f->name = next_name++;
	MUST(renameat2(AT_FDCWD, old, AT_FDCWD, path_of(f), RENAME_NOREPLACE));
	WANT(access(old, F_OK) != 0 && errno == ENOENT);
}

/* Over another one, whose descriptor stays open for a moment. */
static void
file_replace(struct file *f, struct file *g)
{
	char old[64];

	if (f == g || !g->there)
		return;
	(void)snprintf(old, sizeof(old), "%s", path_of(f));
	MUST(rename(old, path_of(g)));
	f->name = g->name;
	WANT(ask(g->fd).st_nlink == 0);
	WANT((size_t)ask(g->fd).st_size == g->size);
	MUST(close(g->fd));
	g->there = false;
}

static void
file_remove(struct file *f)
{
	MUST(unlink(path_of(f)));
	MUST(close(f->fd));
	f->there = false;
}

static void
file_step(struct file *f)
{
	if (!f->there) {
		file_make(f);
		return;
	}
	switch (rnd(16)) {
	case 0: case 1: case 2: case 3: file_write(f); break;
	case 4: file_resize(f); break;
	case 5: file_punch(f); break;
	case 6: file_attr(f); break;
	case 7: file_rename(f); break;
	case 8: file_replace(f, &file[rnd(FILES)]); break;
	case 9: file_remove(f); break;
	case 10: MUST(fsync(f->fd)); break;
	case 11: MUST(fchmod(f->fd, f->mode = (unsigned)rnd(01000) | 0600)); break;
	case 12:
		MUST(close(f->fd));
		f->fd = (int)MUST(open(path_of(f), O_RDWR));
		break;
	default: file_check(f);
	}
}

static void
do_files(void)
{
	while (go_on())
		file_step(&file[rnd(FILES)]);
	for (int i = 0; i < FILES; i++)
		if (file[i].there)
			file_check(&file[i]);
}

/* --- names -------------------------------------------------------------------------------------- */

enum { STABLE = 700, COMING = 200 };
static bool is_coming[COMING];

static void
make_empty(const char *path)
{
	MUST(close((int)MUST(open(path, O_WRONLY | O_CREAT | O_EXCL, 0644))));
}

/* What is there all the time is listed once, whatever comes and goes. */
static void
list_in_pieces(const char *dir)
{
	uint8_t seen[STABLE] = {0};
	DIR *d = opendir(dir);
	struct dirent *de;
	unsigned n = 0;

	WANT(d != NULL);
	for (;;) {
		errno = 0;
		if ((de = readdir(d)) == NULL)
			break;
		if (de->d_name[0] == 's')
			seen[atoi(de->d_name + 1)]++;
		if (++n % 64 == 0)
			(void)usleep((unsigned)rnd(3000));
		if (n % 97 == 0)
			seekdir(d, telldir(d));
	}
	WANT(errno == 0);
	MUST(closedir(d));
	for (int i = 0; i < STABLE; i++)
		WANT(seen[i] == 1);
}

static void
coming_step(const char *dir)
{
	int i = (int)rnd(COMING);
	char path[64], to[64];

	(void)snprintf(path, sizeof(path), "%s/c%d", dir, i);
	(void)snprintf(to, sizeof(to), "%s/r%d", dir, i);
	if (is_coming[i]) {
		MUST(rename(path, to));
		MUST(unlink(to));
	} else if (rnd(3) == 0) {
		MUST(symlink("nowhere", path));
	} else {
		make_empty(path);
	}
	is_coming[i] = !is_coming[i];
}

static void
tree_step(uint64_t n)
{
	char a[64], b[64], c[64];

	(void)snprintf(a, sizeof(a), "t%llu", (unsigned long long)n);
	(void)snprintf(b, sizeof(b), "t%llu/in", (unsigned long long)n);
	(void)snprintf(c, sizeof(c), "u%llu", (unsigned long long)n);
	MUST(mkdir(a, 0755));
	MUST(mkdir(b, 0700));
	WANT(mkdir(b, 0700) != 0 && errno == EEXIST);
	WANT(rmdir(a) != 0 && errno == ENOTEMPTY);
	MUST(rename(b, c));
	MUST(rmdir(a));
	MUST(rmdir(c));
}

static void
do_names(void)
{
	const char *dir = "dir";
	char path[64];
	int fd;

	MUST(mkdir(dir, 0755));
	for (int i = 0; i < STABLE; i++) {
		(void)snprintf(path, sizeof(path), "%s/s%d", dir, i);
		make_empty(path);
	}
	for (uint64_t n = 0; go_on(); n++) {
		for (int i = 0; i < 8; i++)
			coming_step(dir);
		tree_step(n);
		if (n % 16 == 0)
			list_in_pieces(dir);
		if (n % 8 == 0) {
			fd = (int)MUST(open(dir, O_RDONLY | O_DIRECTORY));
			MUST(fsync(fd));
			MUST(close(fd));
		}
	}
	list_in_pieces(dir);
	for (int i = 0; i < COMING; i++) {
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/c%d", dir, i);
		WANT((lstat(path, &st) == 0) == is_coming[i]);
	}
}

/* --- open files without names ------------------------------------------------------------------- */

enum { HELD = 16, HELD_BYTES = 50000 };
static struct held {
	int fd;
	uint8_t data[HELD_BYTES];
} held[HELD];

static void
held_new(struct held *h, uint64_t n)
{
	char path[64], proc[64];

	(void)snprintf(path, sizeof(path), "h%llu", (unsigned long long)n);
	if (rnd(2) == 0) {
		h->fd = (int)MUST(open(".", O_TMPFILE | O_RDWR, 0600));
	} else {
		h->fd = (int)MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
		MUST(unlink(path));
	}
	fill(h->data, HELD_BYTES);
	WANT(MUST(write(h->fd, h->data, HELD_BYTES)) == HELD_BYTES);
	if (rnd(3) != 0 || ask(h->fd).st_nlink != 0)
		return;
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", h->fd);
	if (linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0) {
		WANT(ask(h->fd).st_nlink == 1);
		MUST(unlink(path));
	} else {
		WANT(errno == ENOENT); /* it had a name once */
	}
}

static void
held_check(const struct held *h)
{
	uint8_t buf[HELD_BYTES];
	struct stat st = ask(h->fd);

	WANT(st.st_nlink == 0 && st.st_size == HELD_BYTES);
	MUST(posix_fadvise(h->fd, 0, 0, POSIX_FADV_DONTNEED));
	WANT(MUST(pread(h->fd, buf, HELD_BYTES, 0)) == HELD_BYTES);
	WANT(memcmp(buf, h->data, HELD_BYTES) == 0);
}

static void
do_open(void)
{
	for (int i = 0; i < HELD; i++)
		held[i].fd = -1;
	for (uint64_t n = 0; go_on(); n++) {
		struct held *h = &held[rnd(HELD)];

		if (h->fd < 0) {
			held_new(h, n);
		} else if (rnd(4) == 0) {
			MUST(close(h->fd));
			h->fd = -1;
		} else {
			held_check(h);
		}
	}
	for (int i = 0; i < HELD; i++)
		if (held[i].fd >= 0)
			held_check(&held[i]);
}

/* --- the others --------------------------------------------------------------------------------- */

static void
do_map(void)
{
	enum { BYTES = 1 << 20 };
	static uint8_t model[BYTES], buf[BYTES] __attribute__((aligned(4096)));
	int fd = (int)MUST(open("map", O_RDWR | O_CREAT | O_EXCL, 0600)), direct;
	uint8_t *p;

	MUST(ftruncate(fd, BYTES));
	direct = (int)MUST(open("map", O_RDONLY | O_DIRECT));
	p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	WANT(p != MAP_FAILED);
	for (uint64_t n = 0; go_on() || n < 10; n++) {
		for (int i = 0; i < 50; i++) {
			size_t at = rnd(BYTES);

			p[at] = model[at] = (uint8_t)rnd(256);
		}
		if (n % 5 == 0) {
			MUST(msync(p, BYTES, MS_SYNC));
			WANT(MUST(pread(direct, buf, BYTES, 0)) == BYTES);
			WANT(memcmp(buf, model, BYTES) == 0);
		}
		if (n % 11 == 0) {
			MUST(msync(p, BYTES, MS_SYNC));
			MUST(madvise(p, BYTES, MADV_DONTNEED));
			MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
		}
		WANT(memcmp(p, model, BYTES) == 0);
		(void)usleep(2000);
	}
}

static void
check_numbers(int fd, uint64_t n)
{
	uint64_t v;

	WANT((uint64_t)ask(fd).st_size == n * sizeof(v));
	for (uint64_t i = n > 5000 ? n - 5000 : 0; i < n; i++) {
		WANT(MUST(pread(fd, &v, sizeof(v), (off_t)(i * sizeof(v)))) == sizeof(v));
		WANT(v == i);
	}
}

static void
do_append(void)
{
	int fd = (int)MUST(open("log", O_RDWR | O_APPEND | O_CREAT | O_EXCL, 0600));
	int sync = (int)MUST(open("log", O_WRONLY | O_APPEND | O_DSYNC));
	uint64_t n = 0;

	for (; go_on(); n++) {
		WANT(MUST(write(n % 16 == 0 ? sync : fd, &n, sizeof(n))) == sizeof(n));
		if (n % 2000 == 0) {
			MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
			check_numbers(fd, n + 1);
		}
	}
	check_numbers(fd, n);
}

static void
do_locks(void)
{
	int a = (int)MUST(open("lock", O_RDWR | O_CREAT | O_EXCL, 0600)), b = (int)MUST(open("lock", O_RDWR));

	for (uint64_t n = 0; go_on(); n++) {
		if (n % 100 == 0)
			MUST(flock(a, LOCK_EX));
		WANT(flock(b, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK);
		if (n % 100 == 99) {
			MUST(flock(a, LOCK_UN));
			MUST(flock(b, LOCK_EX | LOCK_NB));
			MUST(flock(b, LOCK_UN));
		}
		(void)ask(a);
		(void)usleep(1000);
	}
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} roles[] = {{"files", do_files}, {"names", do_names}, {"open", do_open}, {"map", do_map},
	    {"append", do_append}, {"locks", do_locks}};

	if (argc != 5)
		return (2);
	role = argv[1];
	rng = strtoull(argv[3], NULL, 10) * 0x9E3779B97F4A7C15ULL | 1;
	stop = argv[4];
	(void)umask(0);
	MUST(mkdir(argv[2], 0755));
	MUST(chdir(argv[2]));
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(role, roles[i].name) == 0) {
			roles[i].run();
			printf("%s: %llu steps\n", role, (unsigned long long)steps);
			return (0);
		}
	return (2);
}
