/* SPDX-License-Identifier: MIT */
/*
 * Types of D: C's, plus `string` and the few that actions return.
 *
 * A type is made once and compared by structure (type_same), since C's own rules are structural for all
 * but tagged types.  Kernel types come from BTF when a program names them; a struct's members are read
 * when the first one is asked for.  const and volatile are parsed and forgotten.
 */
#ifndef TRACE_TYPE_H
#define TRACE_TYPE_H

#include "comp.h"

enum tykind {
	TY_VOID, TY_INT, TY_FLOAT, TY_PTR, TY_ARRAY, TY_STRUCT, TY_UNION, TY_ENUM, TY_FUNC,
	TY_TYPEDEF, TY_STRING,
	TY_DYN,	   /* `<DYN>`: translator output, unbound args */
	TY_STACK, TY_USTACK, TY_SYMADDR, TY_USYMADDR,
};

struct type;

struct member {
	const char *name; /* "" anonymous */
	struct type *type;
	uint32_t bit_off;
	uint32_t bit_size; /* 0: not a bit-field */
};

struct type {
	enum tykind kind;
	const char *name;  /* tag, typedef name or "int"; NULL anonymous */
	struct type *ref;  /* pointed to, element, aliased, returned */
	uint64_t size;	   /* bytes */
	uint32_t count;	   /* of an array */
	uint32_t align;
	bool is_signed, is_bool, is_char;
	bool incomplete, user; /* user: a pointer into user memory */
	bool loaded;	   /* members are there */
	uint32_t btf_id;   /* 0: declared in D */
	struct member *members;
	unsigned nmembers;
	struct type *ptr_to; /* the pointer to this one, once made */
	struct enumerator *enums;
	unsigned nenums;
	struct type **params;
	unsigned nparams;
};

struct enumerator {
	const char *name;
	int64_t value;
};

struct btf;
struct named_type {
	const char *name;
	struct type *type;
};

struct types {
	struct comp *c;
	struct btf *btf;
	bool btf_tried;
	int btf_error;
	struct type **by_id; /* BTF types met so far */
	struct named_type *typedefs, *tags;
	unsigned ntypedefs, ntags;
	struct named_type *enumerators; /* D's own: type is the enum */
	unsigned nenumerators;
	uint64_t strsize;
	struct type *t_void, *t_char, *t_schar, *t_uchar, *t_short, *t_ushort, *t_int, *t_uint,
	    *t_long, *t_ulong, *t_llong, *t_ullong, *t_float, *t_double, *t_ldouble, *t_bool,
	    *t_string, *t_dyn, *t_stack, *t_ustack, *t_sym, *t_usym, *t_int64, *t_uint64,
	    *t_charp, *t_voidp;
};

void types_init(struct types *ts, struct comp *c, uint64_t strsize);
void types_fini(struct types *ts);
/* The kernel's types, read at the first call; NULL when it has none. */
struct btf *types_btf(struct types *ts);
struct type *types_from_btf(struct types *ts, uint32_t id);

struct type *type_resolve(struct type *t); /* behind typedefs */
struct type *type_ptr(struct types *ts, struct type *t);
struct type *type_array(struct types *ts, struct type *elem, uint32_t n);
struct type *type_new(struct types *ts, enum tykind kind, const char *name);
/* A typedef name, D's or the kernel's (also "int32_t" ...), or NULL. */
struct type *type_typedef(struct types *ts, const char *name);
/* Only what needs no kernel information. */
struct type *type_typedef_known(struct types *ts, const char *name);
void type_add_typedef(struct types *ts, const char *name, struct type *t);
/* `struct name`, kind TY_STRUCT, TY_UNION or TY_ENUM; NULL unknown. */
struct type *type_tag(struct types *ts, enum tykind kind, const char *name);
struct type *type_tag_known(struct types *ts, enum tykind kind, const char *name);
void type_add_tag(struct types *ts, struct type *t);
bool type_enumerator(struct types *ts, const char *name, struct type **t, int64_t *value);
/* By its C spelling: "struct task_struct", "uint64_t", "char *", "pid_t". NULL unknown. */
struct type *type_by_name(struct types *ts, const char *spelling);

bool type_is_scalar(struct type *t); /* integer, enum or pointer */
bool type_is_int(struct type *t);    /* integer or enum */
bool type_is_ptr(struct type *t);    /* pointer or array */
bool type_is_string(struct type *t); /* D string */
bool type_is_strlike(struct type *t); /* string, char *, char [] */
bool type_is_agg(struct type *t);    /* struct or union */
bool type_by_ref(struct type *t);    /* its value is the address of its bytes */
bool type_same(struct type *a, struct type *b);
uint64_t type_size(struct type *t);
bool type_signed(struct type *t);
uint32_t type_align(struct type *t);
/* Load and search members, into anonymous ones too. bit_off is from the start of t. */
bool type_member(struct types *ts, struct type *t, const char *name, struct member *out);
void type_load(struct types *ts, struct type *t);
/* As C writes it, arena allocated: "struct foo *". */
const char *type_name(struct types *ts, struct type *t);
/* The enumerator of that value, or NULL. */
const char *type_enum_name(struct types *ts, struct type *t, int64_t v);

#endif
