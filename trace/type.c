/* SPDX-License-Identifier: MIT */
/* Types: the intrinsic ones, those of the program, those of the kernel; see type.h. */
#include "type.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "btf.h"

static const char btf_path[] = "/sys/kernel/btf/vmlinux";

/* Typedefs that a D program may use on a kernel without type information. */
static const struct {
	const char *name;
	uint8_t size;
	bool is_signed;
} known_ints[] = {
    {"int8_t", 1, true}, {"int16_t", 2, true}, {"int32_t", 4, true}, {"int64_t", 8, true},
    {"intptr_t", 8, true}, {"uint8_t", 1, false}, {"uint16_t", 2, false}, {"uint32_t", 4, false},
    {"uint64_t", 8, false}, {"uintptr_t", 8, false}, {"uchar_t", 1, false},
    {"ushort_t", 2, false}, {"uint_t", 4, false}, {"ulong_t", 8, false},
    {"u_longlong_t", 8, false}, {"longlong_t", 8, true}, {"size_t", 8, false},
    {"ssize_t", 8, true}, {"ptrdiff_t", 8, true}, {"pid_t", 4, true}, {"id_t", 4, true},
    {"uid_t", 4, false}, {"gid_t", 4, false}, {"zoneid_t", 4, true}, {"projid_t", 4, true},
    {"taskid_t", 4, true}, {"processorid_t", 4, true}, {"psetid_t", 4, true},
    {"chipid_t", 4, true}, {"lgrp_id_t", 4, true}, {"dev_t", 4, false}, {"major_t", 4, false},
    {"minor_t", 4, false}, {"off_t", 8, true}, {"offset_t", 8, true}, {"hrtime_t", 8, true},
    {"time_t", 8, true}, {"ino_t", 8, false}, {"mode_t", 4, false}, {"caddr_t", 8, false},
    {"poolid_t", 4, true}, {"ipaddr_t", 4, false}, {"in_addr_t", 4, false},
    {"u8", 1, false}, {"u16", 2, false}, {"u32", 4, false}, {"u64", 8, false},
    {"s8", 1, true}, {"s16", 2, true}, {"s32", 4, true}, {"s64", 8, true},
    {"__u8", 1, false}, {"__u16", 2, false}, {"__u32", 4, false}, {"__u64", 8, false},
};

struct type *
type_new(struct types *ts, enum tykind kind, const char *name)
{
	struct type *t = arena_alloc(ts->c, sizeof(*t));

	t->kind = kind;
	t->name = name;
	return (t);
}

static struct type *
integer(struct types *ts, const char *name, uint64_t size, bool is_signed)
{
	struct type *t = type_new(ts, TY_INT, name);

	t->size = size;
	t->is_signed = is_signed;
	return (t);
}

static struct type *
sized(struct types *ts, enum tykind kind, const char *name, uint64_t size)
{
	struct type *t = type_new(ts, kind, name);

	t->size = size;
	return (t);
}

void
types_init(struct types *ts, struct comp *c, uint64_t strsize)
{
	memset(ts, 0, sizeof(*ts));
	ts->c = c;
	ts->strsize = strsize;
	ts->t_void = type_new(ts, TY_VOID, "void");
	ts->t_char = integer(ts, "char", 1, true);
	ts->t_schar = integer(ts, "signed char", 1, true);
	ts->t_uchar = integer(ts, "unsigned char", 1, false);
	ts->t_char->is_char = ts->t_schar->is_char = ts->t_uchar->is_char = true;
	ts->t_short = integer(ts, "short", 2, true);
	ts->t_ushort = integer(ts, "unsigned short", 2, false);
	ts->t_int = integer(ts, "int", 4, true);
	ts->t_uint = integer(ts, "unsigned int", 4, false);
	ts->t_long = integer(ts, "long", 8, true);
	ts->t_ulong = integer(ts, "unsigned long", 8, false);
	ts->t_llong = integer(ts, "long long", 8, true);
	ts->t_ullong = integer(ts, "unsigned long long", 8, false);
	ts->t_bool = integer(ts, "_Bool", 1, false);
	ts->t_bool->is_bool = true;
	ts->t_float = sized(ts, TY_FLOAT, "float", 4);
	ts->t_double = sized(ts, TY_FLOAT, "double", 8);
	ts->t_ldouble = sized(ts, TY_FLOAT, "long double", 16);
	ts->t_string = sized(ts, TY_STRING, "string", strsize);
	ts->t_dyn = sized(ts, TY_DYN, "<DYN>", 0);
	ts->t_stack = sized(ts, TY_STACK, "stack", 0);
	ts->t_ustack = sized(ts, TY_USTACK, "ustack", 0);
	ts->t_sym = sized(ts, TY_SYMADDR, "_symaddr", 8);
	ts->t_usym = sized(ts, TY_USYMADDR, "_usymaddr", 16);
	ts->t_int64 = type_typedef_known(ts, "int64_t");
	ts->t_uint64 = type_typedef_known(ts, "uint64_t");
	ts->t_charp = type_ptr(ts, ts->t_char);
	ts->t_voidp = type_ptr(ts, ts->t_void);
}

void
types_fini(struct types *ts)
{
	btf_close(ts->btf);
	ts->btf = NULL;
}

struct btf *
types_btf(struct types *ts)
{
	if (!ts->btf_tried) {
		ts->btf_tried = true;
		ts->btf_error = btf_open(btf_path, &ts->btf, NULL);
		if (ts->btf != NULL)
			ts->by_id = arena_alloc(ts->c,
			    (btf_count(ts->btf) + 1) * sizeof(*ts->by_id));
	}
	return (ts->btf);
}

/* --- making ------------------------------------------------------------------------------------ */

struct type *
type_ptr(struct types *ts, struct type *t)
{
	if (t->ptr_to == NULL) {
		t->ptr_to = sized(ts, TY_PTR, NULL, 8);
		t->ptr_to->ref = t;
	}
	return (t->ptr_to);
}

struct type *
type_array(struct types *ts, struct type *elem, uint32_t n)
{
	struct type *t = type_new(ts, TY_ARRAY, NULL);

	t->ref = elem;
	t->count = n;
	return (t);
}

struct type *
type_resolve(struct type *t)
{
	while (t->kind == TY_TYPEDEF)
		t = t->ref;
	return (t);
}

static enum tykind
tag_kind(enum btf_kind k)
{
	return (k == BTF_STRUCT ? TY_STRUCT : k == BTF_UNION ? TY_UNION : TY_ENUM);
}

static struct type *
import_int(struct types *ts, uint32_t id)
{
	unsigned bits;
	bool is_signed, is_bool;
	struct type *t;

	(void)btf_int(ts->btf, id, &bits, &is_signed, &is_bool);
	t = integer(ts, btf_name(ts->btf, id), btf_size(ts->btf, id), is_signed);
	t->is_bool = is_bool;
	t->is_char = strstr(t->name, "char") != NULL;
	if (t->is_char && strcmp(t->name, "char") == 0)
		t->is_signed = true;
	return (t);
}

static struct type *
import(struct types *ts, uint32_t id, unsigned depth)
{
	enum btf_kind k = btf_kind(ts->btf, id);
	const char *name = btf_name(ts->btf, id);
	uint32_t elem = 0, n = 0;
	struct type *t;

	if (id == 0 || depth > 64)
		return (ts->t_void);
	if (id > btf_count(ts->btf))
		return (ts->t_void);
	if (ts->by_id[id] != NULL)
		return (ts->by_id[id]);
	switch (k) {
	case BTF_INT:
		t = import_int(ts, id);
		break;
	case BTF_FLOAT:
		t = sized(ts, TY_FLOAT, name, btf_size(ts->btf, id));
		break;
	case BTF_PTR:
		t = type_ptr(ts, import(ts, btf_ref(ts->btf, id), depth + 1));
		break;
	case BTF_ARRAY:
		(void)btf_array(ts->btf, id, &elem, &n);
		t = type_array(ts, import(ts, elem, depth + 1), n);
		break;
	case BTF_STRUCT:
	case BTF_UNION:
	case BTF_ENUM:
	case BTF_ENUM64:
		t = sized(ts, tag_kind(k), name[0] != '\0' ? name : NULL, btf_size(ts->btf, id));
		t->is_signed = k == BTF_ENUM || k == BTF_ENUM64;
		break;
	case BTF_FWD:
		t = type_new(ts, TY_STRUCT, name);
		t->incomplete = true;
		break;
	case BTF_TYPEDEF:
		t = type_new(ts, TY_TYPEDEF, name);
		ts->by_id[id] = t;
		t->ref = import(ts, btf_ref(ts->btf, id), depth + 1);
		break;
	case BTF_FUNC_PROTO:
		t = type_new(ts, TY_FUNC, NULL);
		t->ref = import(ts, btf_ref(ts->btf, id), depth + 1);
		break;
	default: /* const, volatile, restrict, tags, FUNC, VAR */
		t = import(ts, btf_ref(ts->btf, id), depth + 1);
		break;
	}
	if (t->btf_id == 0 && t->kind != TY_PTR)
		t->btf_id = id;
	ts->by_id[id] = t;
	return (t);
}

struct type *
types_from_btf(struct types *ts, uint32_t id)
{
	return (types_btf(ts) != NULL ? import(ts, id, 0) : NULL);
}

static void
load_members(struct types *ts, struct type *t)
{
	uint32_t n = btf_vlen(ts->btf, t->btf_id);

	t->members = arena_alloc(ts->c, (n + 1) * sizeof(*t->members));
	for (t->nmembers = 0; t->nmembers < n; t->nmembers++) {
		struct member *m = &t->members[t->nmembers];
		struct btf_member raw;

		if (!btf_member(ts->btf, t->btf_id, t->nmembers, &raw))
			return;
		m->name = raw.name;
		m->type = import(ts, raw.type, 0);
		m->bit_off = raw.bit_off;
		m->bit_size = raw.bit_size;
	}
}

static void
load_enums(struct types *ts, struct type *t)
{
	uint32_t n = btf_vlen(ts->btf, t->btf_id);

	t->enums = arena_alloc(ts->c, (n + 1) * sizeof(*t->enums));
	for (t->nenums = 0; t->nenums < n; t->nenums++)
		if (!btf_enumerator(ts->btf, t->btf_id, t->nenums, &t->enums[t->nenums].name,
		    &t->enums[t->nenums].value))
			return;
}

void
type_load(struct types *ts, struct type *t)
{
	if (t->loaded || t->btf_id == 0 || t->incomplete)
		return;
	t->loaded = true;
	if (t->kind == TY_STRUCT || t->kind == TY_UNION)
		load_members(ts, t);
	else if (t->kind == TY_ENUM)
		load_enums(ts, t);
}

/* --- looking up -------------------------------------------------------------------------------- */

static struct type *
find(const struct named_type *v, unsigned n, const char *name)
{
	for (unsigned i = n; i-- > 0;)
		if (strcmp(v[i].name, name) == 0)
			return (v[i].type);
	return (NULL);
}

void
type_add_typedef(struct types *ts, const char *name, struct type *t)
{
	struct type *alias = type_new(ts, TY_TYPEDEF, name);

	alias->ref = t;
	*VEC_ADD(ts->c, ts->typedefs, ts->ntypedefs) = (struct named_type){name, alias};
}

struct type *
type_typedef_known(struct types *ts, const char *name)
{
	struct type *t = find(ts->typedefs, ts->ntypedefs, name);

	for (size_t i = 0; t == NULL && i < sizeof(known_ints) / sizeof(known_ints[0]); i++) {
		if (strcmp(known_ints[i].name, name) != 0)
			continue;
		t = integer(ts, known_ints[i].name, known_ints[i].size, known_ints[i].is_signed);
		if (strcmp(name, "caddr_t") == 0)
			t = type_ptr(ts, ts->t_char);
		*VEC_ADD(ts->c, ts->typedefs, ts->ntypedefs) =
		    (struct named_type){known_ints[i].name, t};
	}
	return (t);
}

struct type *
type_typedef(struct types *ts, const char *name)
{
	struct type *t = type_typedef_known(ts, name);
	uint32_t id;

	if (t != NULL || types_btf(ts) == NULL)
		return (t);
	id = btf_find(ts->btf, name, 1u << BTF_TYPEDEF);
	return (id != 0 ? import(ts, id, 0) : NULL);
}

struct type *
type_tag_known(struct types *ts, enum tykind kind, const char *name)
{
	for (unsigned i = ts->ntags; i-- > 0;)
		if (ts->tags[i].type->kind == kind && strcmp(ts->tags[i].name, name) == 0)
			return (ts->tags[i].type);
	return (NULL);
}

struct type *
type_tag(struct types *ts, enum tykind kind, const char *name)
{
	struct type *t = type_tag_known(ts, kind, name);
	unsigned kinds = kind == TY_STRUCT ? 1u << BTF_STRUCT : kind == TY_UNION ? 1u << BTF_UNION :
	    1u << BTF_ENUM | 1u << BTF_ENUM64;
	uint32_t id;

	if (t != NULL || types_btf(ts) == NULL)
		return (t);
	id = btf_find(ts->btf, name, kinds);
	return (id != 0 ? import(ts, id, 0) : NULL);
}

void
type_add_tag(struct types *ts, struct type *t)
{
	*VEC_ADD(ts->c, ts->tags, ts->ntags) = (struct named_type){t->name, t};
}

bool
type_enumerator(struct types *ts, const char *name, struct type **t, int64_t *value)
{
	uint32_t id;

	if ((*t = find(ts->enumerators, ts->nenumerators, name)) != NULL) {
		for (unsigned i = 0; i < (*t)->nenums; i++)
			if (strcmp((*t)->enums[i].name, name) == 0)
				*value = (*t)->enums[i].value;
		return (true);
	}
	if (types_btf(ts) == NULL || !btf_find_enumerator(ts->btf, name, &id, value))
		return (false);
	*t = import(ts, id, 0);
	return (true);
}

static struct type *
base_by_name(struct types *ts, const char *s)
{
	struct type *const basic[] = {ts->t_void, ts->t_char, ts->t_schar, ts->t_uchar, ts->t_short,
	    ts->t_ushort, ts->t_int, ts->t_uint, ts->t_long, ts->t_ulong, ts->t_llong,
	    ts->t_ullong, ts->t_float, ts->t_double, ts->t_bool, ts->t_string, ts->t_stack,
	    ts->t_sym, ts->t_usym};

	for (size_t i = 0; i < sizeof(basic) / sizeof(basic[0]); i++)
		if (strcmp(basic[i]->name, s) == 0)
			return (basic[i]);
	if (strncmp(s, "struct ", 7) == 0)
		return (type_tag(ts, TY_STRUCT, s + 7));
	if (strncmp(s, "union ", 6) == 0)
		return (type_tag(ts, TY_UNION, s + 6));
	if (strncmp(s, "enum ", 5) == 0)
		return (type_tag(ts, TY_ENUM, s + 5));
	return (type_typedef(ts, s));
}

struct type *
type_by_name(struct types *ts, const char *spelling)
{
	char base[128];
	size_t n = strcspn(spelling, "*");
	const char *stars = spelling + n;
	struct type *t;

	while (n > 0 && spelling[n - 1] == ' ')
		n--;
	if (n >= sizeof(base))
		return (NULL);
	memcpy(base, spelling, n);
	base[n] = '\0';
	t = base_by_name(ts, base);
	for (; t != NULL && *stars == '*'; stars++)
		t = type_ptr(ts, t);
	return (t);
}

static bool
member_in(struct types *ts, struct type *t, const char *name, uint32_t base, unsigned depth,
    struct member *out)
{
	t = type_resolve(t);
	if ((t->kind != TY_STRUCT && t->kind != TY_UNION) || depth > 16)
		return (false);
	type_load(ts, t);
	for (unsigned i = 0; i < t->nmembers; i++) {
		const struct member *m = &t->members[i];

		if (strcmp(m->name, name) == 0) {
			*out = *m;
			out->bit_off += base;
			return (true);
		}
		if (m->name[0] == '\0' &&
		    member_in(ts, m->type, name, base + m->bit_off, depth + 1, out))
			return (true);
	}
	return (false);
}

bool
type_member(struct types *ts, struct type *t, const char *name, struct member *out)
{
	return (name[0] != '\0' && member_in(ts, t, name, 0, 0, out));
}

/* --- asking ------------------------------------------------------------------------------------ */

bool
type_is_int(struct type *t)
{
	t = type_resolve(t);
	return (t->kind == TY_INT || t->kind == TY_ENUM);
}

bool
type_is_ptr(struct type *t)
{
	t = type_resolve(t);
	return (t->kind == TY_PTR || t->kind == TY_ARRAY);
}

bool
type_is_scalar(struct type *t)
{
	t = type_resolve(t);
	return (t->kind == TY_INT || t->kind == TY_ENUM || t->kind == TY_PTR);
}

bool
type_is_string(struct type *t)
{
	return (type_resolve(t)->kind == TY_STRING);
}

bool
type_is_strlike(struct type *t)
{
	t = type_resolve(t);
	if (t->kind == TY_STRING)
		return (true);
	if (t->kind != TY_PTR && t->kind != TY_ARRAY)
		return (false);
	t = type_resolve(t->ref);
	return (t->kind == TY_INT && t->size == 1 && !t->is_bool);
}

bool
type_is_agg(struct type *t)
{
	t = type_resolve(t);
	return (t->kind == TY_STRUCT || t->kind == TY_UNION);
}

bool
type_by_ref(struct type *t)
{
	t = type_resolve(t);
	return (t->kind == TY_STRUCT || t->kind == TY_UNION || t->kind == TY_STRING ||
	    t->kind == TY_ARRAY || t->kind == TY_STACK || t->kind == TY_USTACK ||
	    t->kind == TY_USYMADDR || t->kind == TY_FLOAT);
}

uint64_t
type_size(struct type *t)
{
	uint64_t n;

	t = type_resolve(t);
	if (t->kind != TY_ARRAY)
		return (t->size);
	return (__builtin_mul_overflow(type_size(t->ref), (uint64_t)t->count, &n) ? 0 : n);
}

bool
type_signed(struct type *t)
{
	t = type_resolve(t);
	return ((t->kind == TY_INT || t->kind == TY_ENUM) && t->is_signed);
}

uint32_t
type_align(struct type *t)
{
	uint32_t max = 1;

	t = type_resolve(t);
	if (t->kind == TY_ARRAY)
		return (type_align(t->ref));
	if (t->kind != TY_STRUCT && t->kind != TY_UNION)
		return (t->kind == TY_STRING || t->size == 0 ? 1 :
		    t->size > 8 ? 8 : (uint32_t)t->size);
	if (t->align != 0)
		return (t->align);
	for (unsigned i = 0; i < t->nmembers; i++) {
		uint32_t a = type_align(t->members[i].type);

		max = a > max ? a : max;
	}
	return (max);
}

bool
type_same(struct type *a, struct type *b)
{
	a = type_resolve(a);
	b = type_resolve(b);
	if (a == b)
		return (true);
	if (a->kind != b->kind)
		return (false);
	switch (a->kind) {
	case TY_PTR:
		return (type_same(a->ref, b->ref));
	case TY_ARRAY:
		return (a->count == b->count && type_same(a->ref, b->ref));
	case TY_INT:
		return (a->size == b->size && a->is_signed == b->is_signed);
	case TY_STRUCT:
	case TY_UNION:
	case TY_ENUM:
		return (a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0);
	default:
		return (true);
	}
}

const char *
type_name(struct types *ts, struct type *t)
{
	static const char *const word[] = {[TY_STRUCT] = "struct", [TY_UNION] = "union",
	    [TY_ENUM] = "enum"};

	switch (t->kind) {
	case TY_PTR:
		if (t->ref->kind == TY_FUNC)
			return (arena_printf(ts->c, "%s (*)()", type_name(ts, t->ref->ref)));
		return (arena_printf(ts->c, "%s%s*", type_name(ts, t->ref),
		    t->ref->kind == TY_PTR ? "" : " "));
	case TY_ARRAY:
		return (arena_printf(ts->c, "%s [%u]", type_name(ts, t->ref), t->count));
	case TY_FUNC:
		return (arena_printf(ts->c, "%s ()", type_name(ts, t->ref)));
	case TY_STRUCT:
	case TY_UNION:
	case TY_ENUM:
		return (arena_printf(ts->c, "%s %s", word[t->kind],
		    t->name != NULL ? t->name : "(anon)"));
	default:
		return (t->name);
	}
}

const char *
type_enum_name(struct types *ts, struct type *t, int64_t v)
{
	t = type_resolve(t);
	if (t->kind != TY_ENUM)
		return (NULL);
	type_load(ts, t);
	for (unsigned i = 0; i < t->nenums; i++)
		if (t->enums[i].value == v)
			return (t->enums[i].name);
	return (NULL);
}
