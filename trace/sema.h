/* SPDX-License-Identifier: MIT */
/*
 * The checker: names to objects, types to every expression, statements to actions with places in the
 * clause's record.
 *
 * Its product is a `unit`: a clause as it is compiled for one kind of probe.  A clause that uses args[]
 * is checked once for every kind of probe that it matches, any other once.
 */
#ifndef TRACE_SEMA_H
#define TRACE_SEMA_H

#include "ast.h"
#include "fmt.h"

/* A value in a record. */
struct act_arg {
	struct node *expr; /* NULL: none to evaluate (stack) */
	struct type *type;
	uint32_t off, size;
};

/* What the consumer does with a record, and what the program puts there. */
struct act {
	enum fn fn;
	int line;
	struct act_arg *args;
	unsigned nargs;
	struct fmt *fmt;
	struct ident **aggs; /* printa, clear ... */
	unsigned naggs;
	int32_t guard;	  /* offset of a u32 in the record, not 0 when the act was reached; -1 always */
	unsigned segment; /* acts of different segments print on different lines */
	uint64_t frames;
	bool has_count;
	const char *name; /* as called */
};

struct unit {
	const struct clause *cl;
	unsigned id;
	struct node *pred, *stmts;
	struct act **acts;
	unsigned nacts, nsegments;
	uint32_t rec_size;
	bool datarec;	/* makes a record */
	bool speculates, commits, exits, aggregates, destructive;
	uint32_t arg_mask; /* arg0.. that are read */
	bool uses_time, default_action;
	bool uses_ustack;
	uint32_t tmp_size; /* scratch for strings */
};

/* Typed arguments of a probe, args[i]: the raw argument `src` as `type`, translated to `xlate`. */
struct probe_arg {
	const char *type, *xlate;
	int src;
};

struct sema {
	struct comp *c;
	struct unit *u;
	const struct probe_arg *args;
	int nargs; /* -1: unknown */
	const char *pdesc;
	uint32_t tmp;
	int32_t guard;
	unsigned segment, nxlate;
	bool destructive_ok;
	unsigned ustackframes, stackframes, maxframes;
	struct type *(*symbol)(struct sema *s, const char *name, uint64_t *addr);
	void *arg;
};

struct unit *sema_unit(struct sema *s, const struct clause *cl, unsigned id);
/* Offsets of variables and keys, when all units are there. */
void sema_layout(struct comp *c, uint32_t *globals, uint32_t *locals);

/* Between the files of the checker. */
void cook(struct sema *s, struct node *n);	  /* an expression, to its value */
void cook_scalar(struct sema *s, struct node *n, const char *what);
void cook_name(struct sema *s, struct node *n);
void cook_call(struct sema *s, struct node *n);	  /* a subroutine */
void cook_assign_agg(struct sema *s, struct node *n);
bool cook_action(struct sema *s, struct node *n); /* a statement that calls an action */
struct node *make_node(struct sema *s, enum nkind kind, const struct node *at);
struct node *make_cast(struct sema *s, struct node *n, struct type *t);
void cook_keys(struct sema *s, struct node *args, struct ident *id, int line);
uint32_t sema_tmp(struct sema *s, uint32_t bytes);
void check_args(struct sema *s, struct node *n, const struct func_def *f);
bool arg_fits(struct sema *s, struct node *arg, const char *proto);
unsigned list_length(const struct node *n);
const char *op_name(int op);
bool lib_load(struct comp *c, const char *name); /* the D library that defines name */

#endif
