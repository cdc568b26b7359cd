/* SPDX-License-Identifier: MIT */
/*
 * BTF reader: one pass at opening finds where each type begins and checks that it fits.
 *
 * Names are searched without an index: the string section holds each name once, so one memmem gives its
 * offset and one walk over the ids compares integers.  That is well under a millisecond for a whole
 * kernel, and a D program names few types.
 */
#include "btf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/file.h"

enum { BTF_MAGIC = 0xeb9f, HEADER_BYTES = 24, BTF_MAX = 64 << 20 };

struct btf {
	char *data;
	const char *strs;
	uint32_t str_len;
	const char *types;
	uint32_t type_len;
	uint32_t *off; /* by id; [0] unused */
	uint32_t n;
	size_t mapped; /* data is this much of the kernel's own copy, not ours */
};

struct raw_type {
	uint32_t name_off, info, size_or_type;
};

static uint32_t
u32_at(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (v);
}

static uint32_t
trailing_bytes(uint32_t info)
{
	static const uint8_t fixed[BTF_KINDS] = {[BTF_INT] = 4, [BTF_ARRAY] = 12, [BTF_VAR] = 4,
	    [BTF_DECL_TAG] = 4};
	static const uint8_t each[BTF_KINDS] = {[BTF_STRUCT] = 12, [BTF_UNION] = 12,
	    [BTF_ENUM] = 8, [BTF_FUNC_PROTO] = 8, [BTF_DATASEC] = 12, [BTF_ENUM64] = 12};
	uint32_t kind = info >> 24 & 0x1f;

	return (fixed[kind] + each[kind] * (info & 0xffff));
}

/* Fill off[] (when it is there) and count the types; false: damaged. */
static bool
walk(struct btf *b)
{
	uint32_t pos = 0, n = 0;

	while (pos < b->type_len) {
		uint32_t info;

		if (b->type_len - pos < sizeof(struct raw_type))
			return (false);
		info = u32_at(b->types + pos + 4);
		if ((info >> 24 & 0x1f) >= BTF_KINDS)
			return (false);
		n++;
		if (b->off != NULL)
			b->off[n] = pos;
		pos += (uint32_t)sizeof(struct raw_type);
		if (trailing_bytes(info) > b->type_len - pos)
			return (false);
		pos += trailing_bytes(info);
	}
	b->n = n;
	return (true);
}

static bool
read_header(struct btf *b, size_t len)
{
	uint32_t hdr, toff, soff;

	if (len < HEADER_BYTES || (u32_at(b->data) & 0xffff) != BTF_MAGIC)
		return (false);
	hdr = u32_at(b->data + 4);
	toff = u32_at(b->data + 8);
	b->type_len = u32_at(b->data + 12);
	soff = u32_at(b->data + 16);
	b->str_len = u32_at(b->data + 20);
	if (hdr < HEADER_BYTES || hdr > len || toff > len - hdr ||
	    b->type_len > len - hdr - toff || soff > len - hdr ||
	    b->str_len > len - hdr - soff || b->str_len == 0)
		return (false);
	b->types = b->data + hdr + toff;
	b->strs = b->data + hdr + soff;
	return (b->strs[b->str_len - 1] == '\0');
}

static void
release(const struct btf *b)
{
	if (b->mapped != 0)
		(void)munmap(b->data, b->mapped);
	else
		free(b->data);
}

static int
parse(void *data, size_t len, size_t mapped, struct btf **out, struct err *e)
{
	struct btf none = {.data = data, .mapped = mapped}, *b = calloc(1, sizeof(*b));

	if (b == NULL) {
		release(&none);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	*b = none;
	if (!read_header(b, len) || !walk(b)) {
		btf_close(b);
		return (err_set(e, EINVAL, "damaged type information"));
	}
	b->off = calloc(b->n + 1, sizeof(*b->off));
	if (b->off == NULL || !walk(b)) {
		btf_close(b);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	*out = b;
	return (0);
}

int
btf_parse(void *data, size_t len, struct btf **out, struct err *e)
{
	return (parse(data, len, 0, out, e));
}

/* Kernels from 6.16 on let their copy be mapped. */
static void *
map_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= BTF_MAX) {
		*len = (size_t)st.st_size;
		p = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0)
		(void)close(fd);
	return (p != MAP_FAILED ? p : NULL);
}

int
btf_open(const char *path, struct btf **out, struct err *e)
{
	char *data;
	size_t len;
	int rc;

	if ((data = map_file(path, &len)) != NULL) {
		rc = parse(data, len, len, out, e);
		return (rc != 0 ? err_wrap(e, "%s", path) : 0);
	}
	if ((rc = file_read(path, BTF_MAX, &data, &len, e)) != 0)
		return (rc);
	rc = btf_parse(data, len, out, e);
	return (rc != 0 ? err_wrap(e, "%s", path) : 0);
}

void
btf_close(struct btf *b)
{
	if (b == NULL)
		return;
	release(b);
	free(b->off);
	free(b);
}

uint32_t
btf_count(const struct btf *b)
{
	return (b->n);
}

static const char *
raw(const struct btf *b, uint32_t id)
{
	return (id >= 1 && id <= b->n ? b->types + b->off[id] : NULL);
}

static const char *
string(const struct btf *b, uint32_t off)
{
	return (off < b->str_len ? b->strs + off : "");
}

enum btf_kind
btf_kind(const struct btf *b, uint32_t id)
{
	const char *p = raw(b, id);

	return (p != NULL ? (enum btf_kind)(u32_at(p + 4) >> 24 & 0x1f) : BTF_VOID);
}

const char *
btf_name(const struct btf *b, uint32_t id)
{
	const char *p = raw(b, id);

	return (p != NULL ? string(b, u32_at(p)) : "");
}

uint32_t
btf_ref(const struct btf *b, uint32_t id)
{
	const char *p = raw(b, id);

	return (p != NULL ? u32_at(p + 8) : 0);
}

uint32_t
btf_size(const struct btf *b, uint32_t id)
{
	return (btf_ref(b, id));
}

uint32_t
btf_vlen(const struct btf *b, uint32_t id)
{
	const char *p = raw(b, id);

	return (p != NULL ? u32_at(p + 4) & 0xffff : 0);
}

bool
btf_member(const struct btf *b, uint32_t id, uint32_t i, struct btf_member *m)
{
	enum btf_kind k = btf_kind(b, id);
	const char *p = raw(b, id);
	bool flagged;
	uint32_t off;

	if ((k != BTF_STRUCT && k != BTF_UNION) || i >= btf_vlen(b, id))
		return (false);
	flagged = (u32_at(p + 4) >> 31) != 0;
	p += sizeof(struct raw_type) + (size_t)i * 12;
	off = u32_at(p + 8);
	m->name = string(b, u32_at(p));
	m->type = u32_at(p + 4);
	m->bit_off = flagged ? off & 0xffffff : off;
	m->bit_size = flagged ? off >> 24 : 0;
	return (true);
}

bool
btf_param(const struct btf *b, uint32_t id, uint32_t i, const char **name, uint32_t *type)
{
	const char *p = raw(b, id);

	if (btf_kind(b, id) != BTF_FUNC_PROTO || i >= btf_vlen(b, id))
		return (false);
	p += sizeof(struct raw_type) + (size_t)i * 8;
	*name = string(b, u32_at(p));
	*type = u32_at(p + 4);
	return (true);
}

bool
btf_enumerator(const struct btf *b, uint32_t id, uint32_t i, const char **name, int64_t *v)
{
	enum btf_kind k = btf_kind(b, id);
	const char *p = raw(b, id);

	if ((k != BTF_ENUM && k != BTF_ENUM64) || i >= btf_vlen(b, id))
		return (false);
	p += sizeof(struct raw_type) + (size_t)i * (k == BTF_ENUM ? 8 : 12);
	*name = string(b, u32_at(p));
	*v = (int32_t)u32_at(p + 4);
	if (k == BTF_ENUM64)
		*v = (int64_t)((uint64_t)u32_at(p + 8) << 32 | u32_at(p + 4));
	return (true);
}

bool
btf_array(const struct btf *b, uint32_t id, uint32_t *elem, uint32_t *n)
{
	const char *p = raw(b, id);

	if (btf_kind(b, id) != BTF_ARRAY)
		return (false);
	*elem = u32_at(p + sizeof(struct raw_type));
	*n = u32_at(p + sizeof(struct raw_type) + 8);
	return (true);
}

bool
btf_int(const struct btf *b, uint32_t id, unsigned *bits, bool *is_signed, bool *is_bool)
{
	const char *p = raw(b, id);
	uint32_t v;

	if (btf_kind(b, id) != BTF_INT)
		return (false);
	v = u32_at(p + sizeof(struct raw_type));
	*bits = v & 0xff;
	*is_signed = (v >> 24 & 1) != 0;
	*is_bool = (v >> 24 & 4) != 0;
	return (true);
}

/* The offset of a whole name in the string section; 0 when it is not there. */
static uint32_t
name_offset(const struct btf *b, const char *name)
{
	size_t n = strlen(name) + 1;
	const char *p = b->strs, *end = b->strs + b->str_len;

	if (n == 1)
		return (0);
	while ((size_t)(end - p) > n && (p = memmem(p, (size_t)(end - p), name, n)) != NULL) {
		if (p > b->strs && p[-1] == '\0')
			return ((uint32_t)(p - b->strs));
		p++;
	}
	return (0);
}

uint32_t
btf_find(const struct btf *b, const char *name, unsigned kinds)
{
	uint32_t off = name_offset(b, name);

	if (off == 0)
		return (0);
	for (uint32_t id = 1; id <= b->n; id++) {
		const char *p = b->types + b->off[id];

		if (u32_at(p) == off && (kinds >> (u32_at(p + 4) >> 24 & 0x1f) & 1) != 0)
			return (id);
	}
	return (0);
}

static bool
in_enum(const struct btf *b, uint32_t id, uint32_t off, int64_t *value)
{
	enum btf_kind k = btf_kind(b, id);
	const char *p = raw(b, id) + sizeof(struct raw_type), *name;
	uint32_t step = k == BTF_ENUM ? 8 : 12;

	for (uint32_t i = 0; i < btf_vlen(b, id); i++)
		if (u32_at(p + (size_t)i * step) == off)
			return (btf_enumerator(b, id, i, &name, value));
	return (false);
}

bool
btf_find_enumerator(const struct btf *b, const char *name, uint32_t *id, int64_t *value)
{
	uint32_t off = name_offset(b, name);

	for (*id = 1; off != 0 && *id <= b->n; (*id)++) {
		enum btf_kind k = btf_kind(b, *id);

		if ((k == BTF_ENUM || k == BTF_ENUM64) && in_enum(b, *id, off, value))
			return (true);
	}
	return (false);
}
