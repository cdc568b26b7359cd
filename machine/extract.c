/* SPDX-License-Identifier: MIT */
/*
 * Creating the members of an archive below one directory.
 *
 * Invariants, each kept by the kernel and not by our reading of a name:
 *  1. A member's directory is opened with openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
 *     RESOLVE_NO_XDEV) relative to the target; its last component is only ever used with calls that
 *     do not follow a link.  So nothing is created, changed or linked outside, and a symbolic link in
 *     the archive is never walked through, whatever it points to.
 *  2. A file is created with O_EXCL: what is written to was made by us.
 *  3. Owner first, then mode, then file capabilities: chown clears the latter two.
 *
 * Names that are absolute, contain "..", or go through a symbolic link are refused, not repaired: an
 * image that has them was not made by packing a root file system.  Links' own targets are free; they
 * are resolved inside the zone, under its root.
 *
 * Times of directories are set at the end, because creating members changes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/machine/tar.h"
#include "unpack_impl.h"

#define SNIFF 16u

struct dir_time {
	char *path;
	struct timespec mtime;
};

struct extract {
	int root;
	struct tar *tar;
	struct unpack_stats *st;
	char dir[PATH_MAX]; /* of which dirfd is open; valid while dirfd >= 0 */
	int dirfd;
	struct dir_time *times;
	size_t ntimes;
	size_t cap_times;
	char *data;
};

/* Archive bytes with the sniffed head put back in front, and the decompressor on top. */
struct input {
	decomp_read_fn *read;
	void *arg;
	unsigned char head[SNIFF];
	size_t head_len;
	size_t head_pos;
	struct decomp *d;
	struct err err; /* the decompressor's own sentence */
};

/* --- names ------------------------------------------------------------------------------------ */

/* Into "a/b/c" form; "" is the target itself. */
static int
clean_name(const char *in, char out[PATH_MAX], struct err *e)
{
	const char *whole = in;
	size_t n = 0;

	if (in[0] == '/')
		return (err_set(e, EPERM, "'%s': absolute name", whole));
	while (*in != '\0') {
		size_t len = strcspn(in, "/");

		if (len == 2 && memcmp(in, "..", 2) == 0)
			return (err_set(e, EPERM, "'%s': name with '..'", whole));
		if (len > 0 && !(len == 1 && in[0] == '.')) {
			if (n + (n > 0) + len >= PATH_MAX)
				return (err_set(e, ENAMETOOLONG, "name too long"));
			if (n > 0)
				out[n++] = '/';
			memcpy(out + n, in, len);
			n += len;
		}
		in += len;
		in += *in == '/';
	}
	out[n] = '\0';
	return (0);
}

/* Cut "a/b/c" into "a/b" and "c"; returns c. */
static char *
split_name(char *path, const char **dir)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL) {
		*dir = "";
		return (path);
	}
	*slash = '\0';
	*dir = path;
	return (slash + 1);
}

static int
open_beneath(int root, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
	int fd = (int)syscall(SYS_openat2, root, path[0] != '\0' ? path : ".", &how, sizeof(how));

	return (fd >= 0 ? fd : -errno);
}

/* Every missing directory on the way, owned by root as mkdir -p would make it. */
static int
make_parents(int root, const char *path)
{
	char part[PATH_MAX];
	int rc = 0;

	for (const char *s = path; rc == 0 && s != NULL; s = strchr(s + 1, '/')) {
		size_t len = s == path ? strcspn(path, "/") : (size_t)(s - path) + 1 + strcspn(s + 1, "/");
		const char *dir;
		char *base;
		int fd;

		memcpy(part, path, len);
		part[len] = '\0';
		base = split_name(part, &dir);
		if ((fd = open_beneath(root, dir)) < 0)
			return (fd);
		if (mkdirat(fd, base, 0755) == 0)
			rc = fchownat(fd, base, 0, 0, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
		else if (errno != EEXIST)
			rc = -errno;
		(void)close(fd);
	}
	return (rc);
}

static int
dir_error(const char *dir, int rc, struct err *e)
{
	if (rc == -ELOOP)
		return (err_set(e, ELOOP, "'%s' is or goes through a symbolic link", dir));
	return (err_rc(e, rc, "cannot open directory '%s'", dir));
}

/* The directory of a member; kept open, because the next member is most often its neighbour. */
static int
enter_dir(struct extract *x, const char *dir, struct err *e)
{
	int fd;

	if (x->dirfd >= 0 && strcmp(x->dir, dir) == 0)
		return (0);
	fd = open_beneath(x->root, dir);
	if (fd == -ENOENT) {
		int rc = make_parents(x->root, dir);

		fd = rc != 0 ? rc : open_beneath(x->root, dir);
	}
	if (fd < 0)
		return (dir_error(dir, fd, e));
	if (x->dirfd >= 0)
		(void)close(x->dirfd);
	x->dirfd = fd;
	(void)memccpy(x->dir, dir, '\0', sizeof(x->dir));
	return (0);
}

/* --- attributes ------------------------------------------------------------------------------- */

/* Of the root's namespaces only what a zone's root may have set itself. */
static bool
xattr_is_wanted(const char *name)
{
	return (strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0 ||
	    strcmp(name, "system.posix_acl_access") == 0 ||
	    strcmp(name, "system.posix_acl_default") == 0);
}

static int
set_xattrs(struct extract *x, int fd, const struct tar_entry *ent, struct err *e)
{
	for (size_t i = 0; i < ent->nxattrs; i++) {
		const struct tar_xattr *xa = &ent->xattrs[i];

		if (!xattr_is_wanted(xa->name)) {
			x->st->xattrs++;
			continue;
		}
		if (fsetxattr(fd, xa->name, xa->value, xa->len, 0) != 0)
			return (err_sys(e, errno, "cannot set attribute '%s'", xa->name));
	}
	return (0);
}

/* Owner, mode, attributes of an open file or directory (invariant 3). */
static int
set_meta(struct extract *x, int fd, const struct tar_entry *ent, struct err *e)
{
	if (fchown(fd, ent->uid, ent->gid) != 0)
		return (err_sys(e, errno, "cannot set the owner"));
	if (fchmod(fd, ent->mode) != 0)
		return (err_sys(e, errno, "cannot set the mode"));
	return (set_xattrs(x, fd, ent, e));
}

static void
times_of(const struct tar_entry *ent, struct timespec ts[2])
{
	ts[0] = ts[1] = ent->mtime;
}

/* --- members ---------------------------------------------------------------------------------- */

/* Whatever has the name now gives way; a directory only when it is empty. */
static int
make_room(struct extract *x, const char *base, struct err *e)
{
	if (unlinkat(x->dirfd, base, 0) == 0 || errno == ENOENT)
		return (0);
	if ((errno == EISDIR || errno == EPERM) && unlinkat(x->dirfd, base, AT_REMOVEDIR) == 0)
		return (0);
	return (err_sys(e, errno, "cannot replace what is there"));
}

static int
write_content(struct extract *x, int fd, struct err *e)
{
	const size_t size = 65536;
	ssize_t n;

	while ((n = tar_data(x->tar, x->data, size, e)) > 0) {
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = write(fd, x->data + done, (size_t)(n - done))) < 0)
				return (err_sys(e, errno, "cannot write"));
		x->st->bytes += (uint64_t)n;
	}
	return ((int)n);
}

static int
make_file(struct extract *x, const char *base, const struct tar_entry *ent, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	struct timespec ts[2];
	int fd, rc;

	fd = openat(x->dirfd, base, flags, 0600);
	if (fd < 0 && errno == EEXIST) {
		if ((rc = make_room(x, base, e)) != 0)
			return (rc);
		fd = openat(x->dirfd, base, flags, 0600);
	}
	if (fd < 0)
		return (err_sys(e, errno, "cannot create the file"));
	times_of(ent, ts);
	if ((rc = write_content(x, fd, e)) == 0 && (rc = set_meta(x, fd, ent, e)) == 0 &&
	    futimens(fd, ts) != 0)
		rc = err_sys(e, errno, "cannot set the time");
	(void)close(fd);
	return (rc);
}

static int
remember_time(struct extract *x, const char *path, const struct timespec *mtime)
{
	if (x->ntimes == x->cap_times) {
		size_t cap = x->cap_times > 0 ? 2 * x->cap_times : 256;
		struct dir_time *t = realloc(x->times, cap * sizeof(*t));

		if (t == NULL)
			return (-ENOMEM);
		x->times = t;
		x->cap_times = cap;
	}
	x->times[x->ntimes].mtime = *mtime;
	if ((x->times[x->ntimes].path = strdup(path)) == NULL)
		return (-ENOMEM);
	x->ntimes++;
	return (0);
}

/* A directory that is there already keeps its members and takes the new attributes. */
static int
make_dir(struct extract *x, const char *path, const char *base, const struct tar_entry *ent,
    struct err *e)
{
	int fd, rc;

	if (base[0] != '\0' && mkdirat(x->dirfd, base, 0700) != 0 && errno != EEXIST)
		return (err_sys(e, errno, "cannot create the directory"));
	fd = openat(x->dirfd, base[0] != '\0' ? base : ".",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return (err_sys(e, errno, "cannot open the directory"));
	if ((rc = set_meta(x, fd, ent, e)) == 0 && (rc = remember_time(x, path, &ent->mtime)) != 0)
		rc = err_set(e, -rc, "out of memory");
	(void)close(fd);
	return (rc);
}

static int
own_link(struct extract *x, const char *base, const struct tar_entry *ent, struct err *e)
{
	struct timespec ts[2];

	times_of(ent, ts);
	if (fchownat(x->dirfd, base, ent->uid, ent->gid, AT_SYMLINK_NOFOLLOW) != 0)
		return (err_sys(e, errno, "cannot set the owner"));
	if (utimensat(x->dirfd, base, ts, AT_SYMLINK_NOFOLLOW) != 0)
		return (err_sys(e, errno, "cannot set the time"));
	return (0);
}

static int
make_symlink(struct extract *x, const char *base, const struct tar_entry *ent, struct err *e)
{
	int rc;

	if (ent->link[0] == '\0')
		return (err_set(e, EILSEQ, "symbolic link to nothing"));
	if ((rc = make_room(x, base, e)) != 0)
		return (rc);
	if (symlinkat(ent->link, x->dirfd, base) != 0)
		return (err_sys(e, errno, "cannot create the symbolic link"));
	return (own_link(x, base, ent, e));
}

static int
make_fifo(struct extract *x, const char *base, const struct tar_entry *ent, struct err *e)
{
	int rc;

	if ((rc = make_room(x, base, e)) != 0)
		return (rc);
	if (mknodat(x->dirfd, base, S_IFIFO | 0600, 0) != 0)
		return (err_sys(e, errno, "cannot create the fifo"));
	if ((rc = own_link(x, base, ent, e)) != 0)
		return (rc);
	/* Ours since a moment, in a jail of one process: it cannot have become a link. */
	if (fchmodat(x->dirfd, base, ent->mode, 0) != 0)
		return (err_sys(e, errno, "cannot set the mode"));
	return (0);
}

/* The target of a hard link is a name in the archive, and judged like one. */
static int
make_hardlink(struct extract *x, const char *path, const char *base, const struct tar_entry *ent,
    struct err *e)
{
	char target[PATH_MAX], whole[PATH_MAX];
	const char *dir;
	char *tbase;
	int fd, rc;

	if ((rc = clean_name(ent->link, target, e)) != 0)
		return (err_wrap(e, "hard link to outside"));
	if (strcmp(target, path) == 0)
		return (0);
	memcpy(whole, target, sizeof(whole));
	tbase = split_name(target, &dir);
	if ((fd = open_beneath(x->root, dir)) < 0)
		return (dir_error(dir, fd, e));
	if ((rc = make_room(x, base, e)) == 0 && linkat(fd, tbase, x->dirfd, base, 0) != 0)
		rc = err_sys(e, errno, "cannot link to '%s'", whole);
	(void)close(fd);
	return (rc);
}

static int
check_owner(const struct tar_entry *ent, struct err *e)
{
	if (ent->uid > UNPACK_MAX_ID || ent->gid > UNPACK_MAX_ID)
		return (err_set(e, ERANGE, "owner %u:%u, but a zone has the ids 0 to %u", ent->uid,
		    ent->gid, UNPACK_MAX_ID));
	return (0);
}

static int
make_entry(struct extract *x, const char *path, const char *base, const struct tar_entry *ent,
    struct err *e)
{
	if (base[0] == '\0' && ent->type != TAR_DIR)
		return (err_set(e, EILSEQ, "not a directory, but named as the archive's root"));
	switch (ent->type) {
	case TAR_FILE:
		return (make_file(x, base, ent, e));
	case TAR_DIR:
		return (make_dir(x, path, base, ent, e));
	case TAR_SYMLINK:
		return (make_symlink(x, base, ent, e));
	case TAR_HARDLINK:
		return (make_hardlink(x, path, base, ent, e));
	case TAR_FIFO:
		return (make_fifo(x, base, ent, e));
	default:
		x->st->devices++;
		return (0);
	}
}

static int
extract_entry(struct extract *x, const struct tar_entry *ent, struct err *e)
{
	char path[PATH_MAX], cut[PATH_MAX];
	const char *dir;
	char *base;
	int rc;

	x->st->entries++;
	if ((rc = clean_name(ent->name, path, e)) != 0)
		return (rc);
	memcpy(cut, path, sizeof(cut));
	base = split_name(cut, &dir);
	if ((rc = check_owner(ent, e)) == 0 && (rc = enter_dir(x, dir, e)) == 0)
		rc = make_entry(x, path, base, ent, e);
	return (rc != 0 ? err_wrap(e, "'%s'", ent->name) : 0);
}

/* Last first, so that the times of a directory are not touched through its parent's setting. */
static int
set_dir_times(struct extract *x, struct err *e)
{
	for (size_t i = x->ntimes; i-- > 0;) {
		struct timespec ts[2] = {x->times[i].mtime, x->times[i].mtime};
		char path[PATH_MAX];
		const char *dir;
		char *base;
		int fd, rc;

		(void)memccpy(path, x->times[i].path, '\0', sizeof(path));
		base = split_name(path, &dir);
		if ((fd = open_beneath(x->root, dir)) < 0)
			continue; /* a later member replaced it */
		rc = utimensat(fd, base[0] != '\0' ? base : ".", ts, AT_SYMLINK_NOFOLLOW);
		if (rc != 0 && errno != ENOENT)
			rc = err_sys(e, errno, "'%s': cannot set the time", x->times[i].path);
		else
			rc = 0;
		(void)close(fd);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

/* --- input ------------------------------------------------------------------------------------ */

static ssize_t
input_raw(void *arg, void *buf, size_t len)
{
	struct input *in = arg;
	size_t n = in->head_len - in->head_pos;

	if (n == 0)
		return (in->read(in->arg, buf, len));
	if (n > len)
		n = len;
	memcpy(buf, in->head + in->head_pos, n);
	in->head_pos += n;
	return ((ssize_t)n);
}

static ssize_t
input_plain(void *arg, void *buf, size_t len)
{
	struct input *in = arg;

	return (decomp_read(in->d, buf, len, &in->err));
}

static int
input_open(struct input *in, decomp_read_fn *read, void *arg, struct err *e)
{
	ssize_t n = 1;

	memset(in, 0, sizeof(*in));
	in->read = read;
	in->arg = arg;
	while (in->head_len < SNIFF && n > 0) {
		n = read(arg, in->head + in->head_len, SNIFF - in->head_len);
		if (n < 0)
			return (err_sys(e, (int)-n, "cannot read the archive"));
		in->head_len += (size_t)n;
	}
	return (decomp_new(decomp_sniff(in->head, in->head_len), input_raw, in, &in->d, e));
}

/* What is behind the end mark is read too: the compressor's check sum stands there. */
static int
input_drain(struct input *in, char *buf, size_t size)
{
	ssize_t n;

	do
		n = input_plain(in, buf, size);
	while (n > 0);
	return ((int)n);
}

static int
extract_all(struct extract *x, struct input *in, struct err *e)
{
	const struct tar_entry *ent;
	int rc;

	while ((rc = tar_next(x->tar, &ent, e)) == 1)
		if ((rc = extract_entry(x, ent, e)) != 0)
			break;
	if (rc == 0)
		rc = input_drain(in, x->data, 65536);
	if (in->err.code != 0) /* the cause below what the tar reader said */
		return (err_set(e, in->err.code, "%s", in->err.msg));
	return (rc != 0 ? rc : set_dir_times(x, e));
}

static void
extract_free(struct extract *x)
{
	for (size_t i = 0; i < x->ntimes; i++)
		free(x->times[i].path);
	free(x->times);
	free(x->data);
	tar_free(x->tar);
	if (x->dirfd >= 0)
		(void)close(x->dirfd);
}

int
extract_plain(int out, decomp_read_fn *read, void *arg, struct unpack_stats *st, struct err *e)
{
	static char buf[65536];
	struct input in;
	ssize_t n;
	int rc;

	memset(st, 0, sizeof(*st));
	if ((rc = input_open(&in, read, arg, e)) != 0)
		return (rc);
	while (rc == 0 && (n = input_plain(&in, buf, sizeof(buf))) != 0) {
		if (n < 0)
			rc = err_set(e, in.err.code != 0 ? in.err.code : (int)-n, "%s", in.err.msg);
		else if ((rc = io_write_full(out, buf, (size_t)n)) != 0)
			rc = err_rc(e, rc, "cannot hand the stream on");
		else
			st->bytes += (uint64_t)n;
	}
	decomp_free(in.d);
	return (rc);
}

int
extract_tar(int dirfd, decomp_read_fn *read, void *arg, struct unpack_stats *st, struct err *e)
{
	struct extract x = {.root = dirfd, .dirfd = -1, .st = st};
	struct input in;
	int rc;

	memset(st, 0, sizeof(*st));
	if ((rc = input_open(&in, read, arg, e)) != 0)
		return (rc);
	if ((rc = tar_new(input_plain, &in, &x.tar, e)) == 0) {
		if ((x.data = malloc(65536)) == NULL)
			rc = err_set(e, ENOMEM, "out of memory");
		else
			rc = extract_all(&x, &in, e);
	}
	extract_free(&x);
	decomp_free(in.d);
	return (rc);
}
