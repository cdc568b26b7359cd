/* SPDX-License-Identifier: MIT */
/*
 * The tar reader.
 *
 * Format facts: POSIX pax (IEEE Std 1003.1, "pax Interchange Format"), GNU tar manual "Basic Tar
 * Format", and experiments with GNU tar 1.34 and libarchive.
 *
 *	offset size  header field        offset size  header field
 *	     0  100  name                   157  100  link name
 *	   100    8  mode                   257    6  magic "ustar\0", GNU "ustar "
 *	   108    8  uid                    265   64  user and group name (ignored: ids decide)
 *	   116    8  gid                    329    8  device major
 *	   124   12  size                   337    8  device minor
 *	   136   12  mtime                  345  155  prefix (POSIX magic only)
 *	   148    8  checksum
 *	   156    1  type
 *
 * A member is any number of describing headers (x: pax records, L and K: GNU long name and link)
 * followed by the header they describe and its content, padded to 512 bytes.  Numbers are octal
 * text, or base 256 when the first bit is set.
 *
 * Invariants:
 *  1. `left` + `pad` bytes lie between the read position and the next header.
 *  2. Nothing of a describing header survives the member it describes.
 *  3. A size is at most INT64_MAX, so sums with the padding cannot overflow.
 *
 * Refused, by name: sparse files (their content is not where it seems), multi-volume parts, and an
 * archive without its end mark, which is one that was cut.
 */
#include "smartbox/machine/tar.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char chksum[8];
	char type;
	char linkname[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char pad[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a tar header is one block");

enum { /* fields that describing headers have set */
	SET_NAME = 1,
	SET_LINK = 2,
	SET_SIZE = 4,
	SET_UID = 8,
	SET_GID = 16,
	SET_MTIME = 32,
};

struct tar {
	tar_read_fn *read;
	void *arg;
	uint64_t left; /* content not yet read */
	uint32_t pad;
	unsigned set;
	struct tar_entry ent;
	char name[PATH_MAX];
	char link[PATH_MAX];
	char *pax; /* holds what xattrs point into */
	struct tar_xattr xattrs[TAR_MAX_XATTRS];
};

int
tar_new(tar_read_fn *read, void *arg, struct tar **out, struct err *e)
{
	struct tar *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	t->read = read;
	t->arg = arg;
	*out = t;
	return (0);
}

void
tar_free(struct tar *t)
{
	if (t == NULL)
		return;
	free(t->pax);
	free(t);
}

/* Exactly len bytes, or fewer only at the end of input; the count or -errno. */
static ssize_t
read_up_to(struct tar *t, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = t->read(t->arg, (char *)buf + done, len - done);

		if (n < 0)
			return (n);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return ((ssize_t)done);
}

static int
read_exactly(struct tar *t, void *buf, size_t len, struct err *e)
{
	ssize_t n = read_up_to(t, buf, len);

	if (n < 0)
		return (err_rc(e, (int)n, "cannot read the archive"));
	if ((size_t)n < len)
		return (err_set(e, ENODATA, "the archive is cut short"));
	return (0);
}

static int
skip(struct tar *t, uint64_t len, struct err *e)
{
	char buf[8192];
	int rc = 0;

	while (len > 0 && rc == 0) {
		size_t n = len < sizeof(buf) ? (size_t)len : sizeof(buf);

		rc = read_exactly(t, buf, n, e);
		len -= n;
	}
	return (rc);
}

static int
bad_number(const char *what, struct err *e)
{
	return (err_set(e, EILSEQ, "tar header: bad %s", what));
}

/* Base 256, big endian; the first bit marks the form, the second is the sign. */
static int
parse_base256(const unsigned char *s, size_t len, const char *what, int64_t *out, struct err *e)
{
	int64_t v = s[0] & 0x7f;

	if (s[0] & 0x40)
		v -= 0x80;
	for (size_t i = 1; i < len; i++) {
		if (v > (INT64_MAX >> 8) || v < (INT64_MIN >> 8))
			return (bad_number(what, e));
		v = (int64_t)((uint64_t)v << 8 | s[i]);
	}
	*out = v;
	return (0);
}

static int
parse_number(const char *field, size_t len, const char *what, int64_t *out, struct err *e)
{
	const unsigned char *s = (const unsigned char *)field;
	size_t i = 0;
	int64_t v = 0;

	if (s[0] & 0x80)
		return (parse_base256(s, len, what, out, e));
	while (i < len && s[i] == ' ')
		i++;
	for (; i < len && s[i] >= '0' && s[i] <= '7'; i++) {
		if (v > INT64_MAX >> 3)
			return (bad_number(what, e));
		v = v << 3 | (s[i] - '0');
	}
	for (; i < len; i++)
		if (s[i] != ' ' && s[i] != '\0')
			return (bad_number(what, e));
	*out = v;
	return (0);
}

#define NUMBER(h_, field_, out_, e_)                                                               \
	parse_number((h_)->field_, sizeof((h_)->field_), #field_, out_, e_)

static int
parse_u32(const char *field, size_t len, const char *what, uint32_t *out, struct err *e)
{
	int64_t v;
	int rc = parse_number(field, len, what, &v, e);

	if (rc != 0)
		return (rc);
	if (v < 0 || v > UINT32_MAX)
		return (err_set(e, ERANGE, "tar header: %s out of range", what));
	*out = (uint32_t)v;
	return (0);
}

/* The sum of all bytes with the checksum field taken as blanks; old tars summed signed chars. */
static bool
checksum_ok(const struct header *h)
{
	const unsigned char *s = (const unsigned char *)h;
	int64_t want, unsigned_sum = 0, signed_sum = 0;

	if (NUMBER(h, chksum, &want, NULL) != 0)
		return (false);
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		const bool inside = i >= offsetof(struct header, chksum) &&
		    i < offsetof(struct header, chksum) + sizeof(h->chksum);
		unsigned char c = inside ? ' ' : s[i];

		unsigned_sum += c;
		signed_sum += (signed char)c;
	}
	return (want == unsigned_sum || want == signed_sum);
}

static bool
is_zero(const struct header *h)
{
	static const char zero[TAR_BLOCK];

	return (memcmp(h, zero, TAR_BLOCK) == 0);
}

/* Copy a field of a header or a pax value into a name buffer of ours. */
static int
set_name(char out[PATH_MAX], const char *s, size_t len, struct err *e)
{
	len = strnlen(s, len);
	if (len >= PATH_MAX)
		return (err_set(e, ENAMETOOLONG, "a name in the archive exceeds %d bytes",
		    PATH_MAX - 1));
	memcpy(out, s, len);
	out[len] = '\0';
	return (0);
}

/* --- describing headers ----------------------------------------------------------------------- */

static int
read_payload(struct tar *t, uint64_t size, char **out, struct err *e)
{
	char *buf;
	int rc;

	if (size > TAR_MAX_PAX)
		return (err_set(e, EFBIG, "an extended header of %llu bytes exceeds %u",
		    (unsigned long long)size, TAR_MAX_PAX));
	if ((buf = malloc((size_t)size + 1)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	rc = read_exactly(t, buf, (size_t)size, e);
	if (rc == 0)
		rc = skip(t, -size % TAR_BLOCK, e);
	if (rc != 0) {
		free(buf);
		return (rc);
	}
	buf[size] = '\0';
	*out = buf;
	return (0);
}

static int
read_gnu_long(struct tar *t, uint64_t size, char out[PATH_MAX], unsigned bit, struct err *e)
{
	char *buf = NULL;
	int rc = read_payload(t, size, &buf, e);

	if (rc == 0)
		rc = set_name(out, buf, (size_t)size, e);
	free(buf);
	t->set |= bit;
	return (rc);
}

/* A decimal number that must fill the value. */
static int
pax_number(const char *v, const char *key, uint64_t max, uint64_t *out, struct err *e)
{
	uint64_t n = 0;

	if (*v == '\0')
		return (bad_number(key, e));
	for (; *v != '\0'; v++) {
		if (*v < '0' || *v > '9' || n > (max - (uint64_t)(*v - '0')) / 10)
			return (bad_number(key, e));
		n = n * 10 + (uint64_t)(*v - '0');
	}
	*out = n;
	return (0);
}

/* "[-]SECONDS[.FRACTION]" */
static int
pax_time(const char *v, struct timespec *out, struct err *e)
{
	bool negative = *v == '-';
	uint64_t sec = 0;
	long nsec = 0, unit = 100000000;

	v += negative;
	for (; *v >= '0' && *v <= '9' && sec < (1ull << 50); v++)
		sec = sec * 10 + (uint64_t)(*v - '0');
	if (*v == '.')
		for (v++; *v >= '0' && *v <= '9'; v++, unit /= 10)
			nsec += unit * (*v - '0');
	if (*v != '\0')
		return (bad_number("mtime", e));
	out->tv_sec = negative ? -(time_t)sec : (time_t)sec;
	out->tv_nsec = nsec;
	if (negative && nsec > 0) {
		out->tv_sec--;
		out->tv_nsec = 1000000000 - nsec;
	}
	return (0);
}

static int
pax_id(struct tar *t, unsigned bit, const char *key, const char *v, uint32_t *out, struct err *e)
{
	uint64_t n = 0;
	int rc = pax_number(v, key, UINT32_MAX, &n, e);

	if (rc == 0) {
		*out = (uint32_t)n;
		t->set |= bit;
	}
	return (rc);
}

static int
pax_xattr(struct tar *t, const char *name, const char *value, size_t len, struct err *e)
{
	if (t->ent.nxattrs == TAR_MAX_XATTRS)
		return (err_set(e, ERANGE, "a member has more than %u extended attributes",
		    TAR_MAX_XATTRS));
	t->xattrs[t->ent.nxattrs++] = (struct tar_xattr){name, value, len};
	return (0);
}

/* One record; key and value are terminated inside the pax buffer, the value may hold NULs. */
static int
pax_record(struct tar *t, const char *key, const char *v, size_t len, struct err *e)
{
	uint64_t n = 0;
	int rc;

	if (strcmp(key, "path") == 0) {
		t->set |= SET_NAME;
		return (set_name(t->name, v, len, e));
	}
	if (strcmp(key, "linkpath") == 0) {
		t->set |= SET_LINK;
		return (set_name(t->link, v, len, e));
	}
	if (strcmp(key, "size") == 0) {
		if ((rc = pax_number(v, key, INT64_MAX, &n, e)) != 0)
			return (rc);
		t->ent.size = n;
		t->set |= SET_SIZE;
		return (0);
	}
	if (strcmp(key, "mtime") == 0) {
		t->set |= SET_MTIME;
		return (pax_time(v, &t->ent.mtime, e));
	}
	if (strcmp(key, "uid") == 0)
		return (pax_id(t, SET_UID, key, v, &t->ent.uid, e));
	if (strcmp(key, "gid") == 0)
		return (pax_id(t, SET_GID, key, v, &t->ent.gid, e));
	if (strncmp(key, "SCHILY.xattr.", 13) == 0 && key[13] != '\0')
		return (pax_xattr(t, key + 13, v, len, e));
	if (strncmp(key, "GNU.sparse.", 11) == 0)
		return (err_set(e, ENOTSUP, "the archive holds sparse files; make it without them"));
	return (0); /* atime, ctime, uname, comment, ...: nothing of ours */
}

/* "LEN KEY=VALUE\n" again and again; LEN counts itself. */
static int
parse_pax(struct tar *t, char *buf, size_t size, struct err *e)
{
	size_t pos = 0;
	int rc;

	while (pos < size) {
		char *rec = buf + pos, *end, *key, *eq;
		unsigned long len = strtoul(rec, &end, 10);

		if (end == rec || *end != ' ' || len > size - pos || len < 5 ||
		    rec[len - 1] != '\n')
			return (err_set(e, EILSEQ, "damaged pax header"));
		key = end + 1;
		eq = memchr(key, '=', (size_t)(rec + len - key));
		if (eq == NULL || eq == key)
			return (err_set(e, EILSEQ, "damaged pax header"));
		*eq = '\0';
		rec[len - 1] = '\0';
		rc = pax_record(t, key, eq + 1, (size_t)(rec + len - 1 - (eq + 1)), e);
		if (rc != 0)
			return (rc);
		pos += len;
	}
	return (0);
}

static int
read_pax(struct tar *t, uint64_t size, struct err *e)
{
	int rc;

	free(t->pax);
	t->pax = NULL;
	t->ent.nxattrs = 0;
	if ((rc = read_payload(t, size, &t->pax, e)) != 0)
		return (rc);
	return (parse_pax(t, t->pax, (size_t)size, e));
}

/* --- members ---------------------------------------------------------------------------------- */

static int
entry_name(struct tar *t, const struct header *h, struct err *e)
{
	char joined[sizeof(h->prefix) + 1 + sizeof(h->name)];
	size_t n = 0;

	if (t->set & SET_NAME)
		return (0);
	if (memcmp(h->magic, "ustar", 6) == 0 && h->prefix[0] != '\0') {
		n = strnlen(h->prefix, sizeof(h->prefix));
		memcpy(joined, h->prefix, n);
		joined[n++] = '/';
	}
	memcpy(joined + n, h->name, sizeof(h->name));
	return (set_name(t->name, joined, n + sizeof(h->name), e));
}

static int
entry_type(struct tar *t, char type, struct err *e)
{
	static const struct {
		char letter;
		enum tar_type type;
	} map[] = {{'0', TAR_FILE}, {'\0', TAR_FILE}, {'7', TAR_FILE}, {'1', TAR_HARDLINK},
	    {'2', TAR_SYMLINK}, {'3', TAR_CHAR}, {'4', TAR_BLOCKDEV}, {'5', TAR_DIR},
	    {'6', TAR_FIFO}};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].letter == type) {
			t->ent.type = map[i].type;
			return (0);
		}
	if (type == 'S')
		return (err_set(e, ENOTSUP, "the archive holds sparse files; make it without them"));
	return (err_set(e, ENOTSUP, "'%s': member type '%c' is not supported", t->name,
	    type >= ' ' && type <= '~' ? type : '?'));
}

static int
entry_numbers(struct tar *t, const struct header *h, struct err *e)
{
	struct tar_entry *ent = &t->ent;
	int64_t mtime;
	int rc;

	if ((rc = parse_u32(h->mode, sizeof(h->mode), "mode", &ent->mode, e)) != 0)
		return (rc);
	ent->mode &= 07777;
	if (!(t->set & SET_UID) &&
	    (rc = parse_u32(h->uid, sizeof(h->uid), "uid", &ent->uid, e)) != 0)
		return (rc);
	if (!(t->set & SET_GID) &&
	    (rc = parse_u32(h->gid, sizeof(h->gid), "gid", &ent->gid, e)) != 0)
		return (rc);
	if (!(t->set & SET_MTIME)) {
		if ((rc = NUMBER(h, mtime, &mtime, e)) != 0)
			return (rc);
		ent->mtime = (struct timespec){mtime, 0};
	}
	if (ent->type != TAR_CHAR && ent->type != TAR_BLOCKDEV)
		return (0);
	if ((rc = parse_u32(h->major, sizeof(h->major), "major", &ent->dev_major, e)) != 0)
		return (rc);
	return (parse_u32(h->minor, sizeof(h->minor), "minor", &ent->dev_minor, e));
}

/* Content follows regular files only, whatever the size field of the others says. */
static void
entry_content(struct tar *t, uint64_t header_size)
{
	struct tar_entry *ent = &t->ent;

	if (!(t->set & SET_SIZE))
		ent->size = header_size;
	if (ent->type != TAR_FILE)
		ent->size = 0;
	t->left = ent->size;
	t->pad = (uint32_t)(-ent->size % TAR_BLOCK);
}

static int
finish_entry(struct tar *t, const struct header *h, uint64_t size, struct err *e)
{
	int rc;

	if ((rc = entry_name(t, h, e)) != 0 || (rc = entry_type(t, h->type, e)) != 0)
		return (rc);
	if (t->name[0] == '\0')
		return (err_set(e, EILSEQ, "a member of the archive has no name"));
	if (!(t->set & SET_LINK) && (rc = set_name(t->link, h->linkname, sizeof(h->linkname), e)))
		return (rc);
	/* Before POSIX a directory was a file whose name ends in a slash. */
	if (t->ent.type == TAR_FILE && h->type != '7' && t->name[strlen(t->name) - 1] == '/')
		t->ent.type = TAR_DIR;
	if ((rc = entry_numbers(t, h, e)) != 0)
		return (err_wrap(e, "'%s'", t->name));
	entry_content(t, size);
	t->ent.name = t->name;
	t->ent.link = t->link;
	t->ent.xattrs = t->xattrs;
	return (1);
}

static int
read_header(struct tar *t, struct header *h, struct err *e)
{
	ssize_t n = read_up_to(t, h, TAR_BLOCK);

	if (n < 0)
		return (err_rc(e, (int)n, "cannot read the archive"));
	if (n == 0)
		return (err_set(e, ENODATA, "the archive has no end mark: it is cut short"));
	if (n < (ssize_t)TAR_BLOCK)
		return (err_set(e, ENODATA, "the archive is cut short"));
	if (is_zero(h))
		return (0);
	if (!checksum_ok(h))
		return (err_set(e, EILSEQ, "not a tar archive, or a damaged one (header checksum)"));
	return (1);
}

/* A describing header: 1 it was one and is read, 0 it is a member's header, -errno. */
static int
describing_header(struct tar *t, char type, uint64_t size, struct err *e)
{
	int rc;

	switch (type) {
	case 'x':
		rc = read_pax(t, size, e);
		break;
	case 'g': /* defaults for the whole archive: only comments are in use */
		rc = skip(t, size + -size % TAR_BLOCK, e);
		break;
	case 'L':
		rc = read_gnu_long(t, size, t->name, SET_NAME, e);
		break;
	case 'K':
		rc = read_gnu_long(t, size, t->link, SET_LINK, e);
		break;
	default:
		return (0);
	}
	return (rc < 0 ? rc : 1);
}

int
tar_next(struct tar *t, const struct tar_entry **ent, struct err *e)
{
	struct header h;
	int64_t size;
	int rc;

	if ((rc = skip(t, t->left, e)) != 0 || (rc = skip(t, t->pad, e)) != 0)
		return (rc);
	t->left = t->pad = 0;
	memset(&t->ent, 0, sizeof(t->ent));
	t->set = 0;
	do {
		if ((rc = read_header(t, &h, e)) <= 0)
			return (rc);
		if ((rc = NUMBER(&h, size, &size, e)) != 0)
			return (rc);
		if (size < 0)
			return (bad_number("size", e));
		if ((rc = describing_header(t, h.type, (uint64_t)size, e)) < 0)
			return (rc);
	} while (rc == 1);
	if ((rc = finish_entry(t, &h, (uint64_t)size, e)) == 1)
		*ent = &t->ent;
	return (rc);
}

ssize_t
tar_data(struct tar *t, void *buf, size_t len, struct err *e)
{
	size_t n = t->left < len ? (size_t)t->left : len;
	int rc;

	if (n == 0)
		return (0);
	if ((rc = read_exactly(t, buf, n, e)) != 0)
		return (rc);
	t->left -= n;
	return ((ssize_t)n);
}
