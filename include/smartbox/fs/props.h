/* SPDX-License-Identifier: MIT */
/*
 * The native properties of datasets: one table, used by the engine and by the tools.
 *
 * A property is a number (with a unit), a choice (a word that stands for a number on disk) or a
 * string.  What its value is for a dataset is dsl_prop_text's business (fs/dsl.h); here is what can
 * be known without a pool.  Facts: zfsprops(7) and docs/zfs-format.md, "Properties".
 */
#ifndef SMARTBOX_FS_PROPS_H
#define SMARTBOX_FS_PROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

enum prop_kind { PROP_NUMBER, PROP_CHOICE, PROP_STRING };
enum prop_attr {
	PROP_READONLY = 1,  /* a statistic */
	PROP_INHERIT = 2,   /* children take the value of their parent */
	PROP_SETONCE = 4,   /* only when the dataset is made */
	PROP_HIDDEN = 8,    /* not in "get all" */
	PROP_SIZE = 16,	    /* bytes: 128K */
	PROP_ZERO_NONE = 32, /* number 0 is written "none" */
};

struct prop_choice {
	const char *word;
	uint64_t value;
};

struct fs_prop {
	const char *name, *alias, *heading; /* heading: of the column in zfs list */
	enum prop_kind kind;
	unsigned attr, types; /* types: DSL_FILESYSTEM | ... that have it */
	uint64_t def;
	const char *def_text;		   /* strings; NULL: none */
	const struct prop_choice *choices; /* ends with a NULL word; the first of a value is printed */
	const char *values;		   /* for help texts: "on | off" */
};

/* By name or alias, any of the table; NULL when there is none. */
const struct fs_prop *fs_prop_find(const char *name);
/* All, in the order of "zfs get all"; NULL behind the last. */
const struct fs_prop *fs_prop_at(size_t i);
/* A user property: has a colon, legal characters, under 256 bytes. */
bool fs_prop_is_user(const char *name);
/* Headings of numbers are aligned right. */
bool fs_prop_is_right(const struct fs_prop *p);

/* Text to the number on disk (numbers and choices), checked; strings are checked only. */
int fs_prop_parse(const struct fs_prop *p, const char *text, uint64_t *value, struct err *e);
/* The number as text; raw: exact. */
void fs_prop_format(const struct fs_prop *p, uint64_t value, bool raw, char *buf, size_t size);

#endif
