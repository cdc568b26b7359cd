/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own description of its types (BPF Type Format), read only.
 *
 * The kernel's text is input: the file is checked once at opening, every id and offset that is in a
 * `struct btf` afterwards is in bounds, and a reader gets 0 or NULL for what does not exist.
 * Format: Documentation/bpf/btf.rst of Linux; split BTF of modules continues ids and strings.
 */
#ifndef TRACE_BTF_H
#define TRACE_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

enum btf_kind {
	BTF_VOID, BTF_INT, BTF_PTR, BTF_ARRAY, BTF_STRUCT, BTF_UNION, BTF_ENUM, BTF_FWD, BTF_TYPEDEF,
	BTF_VOLATILE, BTF_CONST, BTF_RESTRICT, BTF_FUNC, BTF_FUNC_PROTO, BTF_VAR, BTF_DATASEC,
	BTF_FLOAT, BTF_DECL_TAG, BTF_TYPE_TAG, BTF_ENUM64, BTF_KINDS,
};

struct btf;

/* -ENOENT: the kernel was built without. */
int btf_open(const char *path, struct btf **out, struct err *e);
/* The same from memory, which becomes the btf's. */
int btf_parse(void *data, size_t len, struct btf **out, struct err *e);
void btf_close(struct btf *b);

uint32_t btf_count(const struct btf *b); /* ids are 1..count */
/* The first type of that name whose kind is in the mask (1 << kind); 0 none. */
uint32_t btf_find(const struct btf *b, const char *name, unsigned kinds);
enum btf_kind btf_kind(const struct btf *b, uint32_t id);
const char *btf_name(const struct btf *b, uint32_t id);
uint32_t btf_ref(const struct btf *b, uint32_t id);  /* what it points to, names or returns */
uint32_t btf_size(const struct btf *b, uint32_t id); /* bytes, of sized kinds */
/* Number of members, enumerators or parameters. */
uint32_t btf_vlen(const struct btf *b, uint32_t id);

struct btf_member {
	const char *name;
	uint32_t type;
	uint32_t bit_off;
	uint32_t bit_size; /* 0: not a bit-field */
};
bool btf_member(const struct btf *b, uint32_t id, uint32_t i, struct btf_member *m);
bool btf_param(const struct btf *b, uint32_t id, uint32_t i, const char **name, uint32_t *type);
bool btf_enumerator(const struct btf *b, uint32_t id, uint32_t i, const char **name, int64_t *v);
bool btf_array(const struct btf *b, uint32_t id, uint32_t *elem, uint32_t *n);
/* Of an INT: bits, and whether it is signed. */
bool btf_int(const struct btf *b, uint32_t id, unsigned *bits, bool *is_signed, bool *is_bool);

/* Search all enumerations for a name; false when no kernel enumeration has it. */
bool btf_find_enumerator(const struct btf *b, const char *name, uint32_t *id, int64_t *value);

#endif
