/* SPDX-License-Identifier: MIT */
/* The inside of a zone configuration, shared by kern/zonecfg*.c. */
#ifndef KERN_ZONECFG_IMPL_H
#define KERN_ZONECFG_IMPL_H

#include "smartbox/kern/zonecfg.h"

enum { RES_PROPS = 8, CFG_GLOBALS = 16 };

/* Check a value and write its canonical form (malloc'ed). */
typedef int norm_fn(const char *in, char **out, struct err *e);

enum prop_shape { P_SIMPLE, P_LIST, P_PAIRS };

struct prop_def {
	const char *name;
	const char *xml; /* attribute; NULL: stored in another way (zonecfg_xml.c) */
	norm_fn *norm;
	enum prop_shape shape;
	bool required;
};

struct res_def {
	const char *type;
	const char *xml;   /* element; NULL: stored as rctls or in several elements */
	const char *child; /* element of one list entry or pair; NULL: none */
	const char *key;   /* this property's value is unique among resources of the type */
	bool single;	   /* at most one of them */
	struct prop_def props[RES_PROPS]; /* ends with a NULL name */
};

struct global_def {
	const char *name, *xml;
	norm_fn *norm;
	bool quiet; /* identity: `info` shows it only when asked, `export` never */
};

/* A property that is a view of an rctl. */
struct alias_def {
	const char *name, *rctl, *action;
	bool is_size;
};

struct pair {
	char *name, *value;
};

struct zonecfg_res {
	const struct res_def *def;
	struct zonecfg *cfg; /* NULL while being edited outside of one */
	struct zonecfg_res *next;
	char *val[RES_PROPS];
	struct pair *items; /* list entries (name NULL) or pairs, in order */
	size_t nitems;
};

struct zonecfg {
	char *global[CFG_GLOBALS]; /* by index in zonecfg_globals */
	struct zonecfg_res *first;
	char saved_name[ZONE_NAME_MAX + 1]; /* the name on disk; "" when never saved */
};

extern const struct global_def zonecfg_globals[]; /* end with a NULL name */
extern const struct res_def zonecfg_res_defs[];	  /* end with a NULL type */
extern const struct alias_def zonecfg_aliases[];  /* end with a NULL name */
extern const struct res_def zonecfg_legacy;	  /* elements kept, not understood */

const struct res_def *zonecfg_res_def(const char *type);
const struct prop_def *zonecfg_prop_def(const struct res_def *d, const char *prop);
const struct alias_def *zonecfg_alias(const char *name);
/* The shape that is no P_SIMPLE, or NULL. */
const struct prop_def *zonecfg_list_def(const struct res_def *d);

/*
 * Outside any configuration; check() says whether it may stand in c (in the place of `except`);
 * attach() owns it from then on, in the place of `instead_of` (freed) or at the end.
 */
int zonecfg_res_new(const char *type, struct zonecfg_res **out, struct err *e);
void zonecfg_res_free(struct zonecfg_res *r);
int zonecfg_res_copy(const struct zonecfg_res *r, struct zonecfg_res **out, struct err *e);
int zonecfg_res_check(const struct zonecfg *c, const struct zonecfg_res *r,
    const struct zonecfg_res *except, struct err *e);
void zonecfg_res_attach(struct zonecfg *c, struct zonecfg_res *r, struct zonecfg_res *instead_of);
int zonecfg_res_clear(struct zonecfg_res *r, const char *prop, struct err *e);
int zonecfg_res_unlist(struct zonecfg_res *r, const char *value, struct err *e);

/* Split "(priv=privileged,limit=N,action=deny)". */
struct rctl_value {
	char priv[24], action[24];
	uint64_t limit;
};
int rctl_value_parse(const char *s, struct rctl_value *out, struct err *e);
/* The rctl's limit when it has exactly one value with the alias's action. */
bool zonecfg_rctl_simple(const struct zonecfg_res *r, const char *action, uint64_t *limit);

int norm_bool(const char *in, char **out, struct err *e);
int norm_abspath(const char *in, char **out, struct err *e);
int norm_size(const char *in, char **out, struct err *e);

#endif
