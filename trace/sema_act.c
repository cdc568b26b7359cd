/* SPDX-License-Identifier: MIT */
/*
 * The checker: actions and aggregations.  An action gets a place in the clause's record for each value that
 * the consumer will need.
 */
#include <string.h>

#include "sema.h"

static struct act *
add_act(struct sema *s, struct node *n, enum fn fn)
{
	struct act *a = arena_alloc(s->c, sizeof(*a));

	a->fn = fn;
	a->line = n->line;
	a->guard = s->guard;
	a->segment = s->segment;
	a->name = n->name;
	n->act = a;
	*VEC_ADD(s->c, s->u->acts, s->u->nacts) = a;
	if (s->u->commits && fn != F_COMMIT && fn != F_DISCARD)
		comp_error(s->c, n->line, "D_DREC_COMM",
		    "data-recording actions may not follow commit( )");
	s->u->datarec = true;
	return (a);
}

static uint32_t
record_size(struct sema *s, const struct node *n, struct type *t)
{
	switch (type_resolve(t)->kind) {
	case TY_STRING:
		return (n->strmax);
	case TY_STACK: case TY_USTACK:
		return (n->aux);
	case TY_ARRAY:
		return ((uint32_t)type_size(t));
	default:
		break;
	}
	if (type_size(t) > 8192)
		comp_error(s->c, n->line, "D_TRACE_DYN", "%s is too large to record",
		    type_name(s->c->types, t));
	return ((uint32_t)type_size(t));
}

static struct act_arg *
add_arg_sized(struct sema *s, struct act *a, struct node *e, struct type *t, uint32_t size)
{
	struct act_arg *arg = VEC_ADD(s->c, a->args, a->nargs);

	arg->expr = e;
	arg->type = t;
	arg->size = size;
	arg->off = (s->u->rec_size + 7) & ~7u;
	s->u->rec_size = arg->off + size;
	if (s->u->rec_size > 16384)
		comp_error(s->c, e != NULL ? e->line : 0, "D_UNKNOWN",
		    "clause records more than 16384 bytes");
	return (arg);
}

static struct act_arg *
add_arg(struct sema *s, struct act *a, struct node *e)
{
	return (add_arg_sized(s, a, e, e->type, record_size(s, e, e->type)));
}

static void
check_traceable(struct sema *s, const struct node *n, const struct node *e)
{
	struct type *t = type_resolve(e->type);

	if (t->kind == TY_VOID)
		comp_error(s->c, n->line, "D_TRACE_VOID",
		    "%s( ) may not be applied to a void expression", n->name);
	if (t->kind == TY_DYN || t->kind == TY_FUNC || e->kind == N_XLATE)
		comp_error(s->c, n->line, "D_TRACE_DYN",
		    "%s( ) may not be applied to a dynamic expression", n->name);
}

static void
need_count(struct sema *s, const struct node *n, unsigned min, unsigned max)
{
	unsigned have = list_length(n->args);

	if (have < min || have > max)
		comp_error(s->c, n->line, strcmp(n->name, "trace") == 0 ? "D_PROTO_LEN" :
		    "D_PROTO_LEN", "%s( ) prototype mismatch: %u arg%s passed, %s%u expected",
		    n->name, have, have == 1 ? "" : "s",
		    min == max ? "" : have < min ? "at least " : "at most ",
		    have < min ? min : max);
}

static void
act_trace(struct sema *s, struct node *n)
{
	need_count(s, n, 1, 1);
	if (n->args->kind == N_AGG)
		comp_error(s->c, n->line, "D_TRACE_AGG",
		    "trace( ) may not be applied to an aggregation");
	cook(s, n->args);
	check_traceable(s, n, n->args);
	(void)add_arg(s, add_act(s, n, F_TRACE), n->args);
}

/* The typed dump of what a pointer points to. */
static void
act_print(struct sema *s, struct node *n)
{
	struct act *a;
	struct type *t;

	need_count(s, n, 1, 1);
	cook(s, n->args);
	check_traceable(s, n, n->args);
	a = add_act(s, n, F_PRINT);
	t = type_resolve(n->args->type);
	if (t->kind == TY_PTR && type_resolve(t->ref)->kind != TY_VOID &&
	    type_size(t->ref) > 0 && type_size(t->ref) <= 8192) {
		(void)add_arg(s, a, n->args);
		(void)add_arg_sized(s, a, n->args, t->ref, (uint32_t)type_size(t->ref));
		return;
	}
	(void)add_arg(s, a, n->args);
}

static void
act_tracemem(struct sema *s, struct node *n)
{
	struct act *a;
	int64_t size;

	need_count(s, n, 2, 3);
	for (struct node *e = n->args; e != NULL; e = e->next)
		cook(s, e);
	if (!type_is_ptr(n->args->type) && !type_is_int(n->args->type) &&
	    !type_is_string(n->args->type))
		comp_error(s->c, n->line, "D_TRACEMEM_ADDR",
		    "tracemem( ) argument #1 is incompatible with prototype:\n"
		    "\tprototype: pointer or integer\n\t argument: %s",
		    type_name(s->c->types, n->args->type));
	if (!node_constant(s->c, n->args->next, &size))
		comp_error(s->c, n->line, "D_TRACEMEM_SIZE",
		    "tracemem( ) argument #2 must be a non-zero positive integral constant "
		    "expression");
	if (size <= 0 || size > 8192)
		comp_error(s->c, n->line, "D_TRACEMEM_SIZE",
		    "tracemem( ) argument #2 must be a non-zero positive integral constant "
		    "expression");
	if (n->args->next->next != NULL && !type_is_int(n->args->next->next->type))
		comp_error(s->c, n->line, "D_TRACEMEM_DYNSIZE",
		    "tracemem( ) argument #3 is incompatible with prototype:\n"
		    "\tprototype: integral\n\t argument: %s",
		    type_name(s->c->types, n->args->next->next->type));
	a = add_act(s, n, F_TRACEMEM);
	if (n->args->next->next != NULL)
		(void)add_arg(s, a, n->args->next->next);
	else
		(void)add_arg_sized(s, a, NULL, s->c->types->t_int, 0);
	(void)add_arg_sized(s, a, n->args, s->c->types->t_void, (uint32_t)size);
}

/* --- printf and its kin ------------------------------------------------------------------------ */

static _Noreturn void
bad_conversion(struct sema *s, const struct node *n, const struct conv *v, unsigned i,
    const struct node *e, unsigned argno)
{
	comp_error(s->c, n->line, "D_PRINTF_ARG_TYPE",
	    "%s( ) argument #%u is incompatible with conversion #%u prototype:\n"
	    "\tconversion: %%%s\n\t prototype: %s\n\t  argument: %s", n->name, argno, i, v->spec,
	    fmt_prototype(v), type_name(s->c->types, e->type));
}

/* A * in the format takes an int of its own. */
static struct node *
dynamic_width(struct sema *s, struct act *a, const struct node *n, struct node *e, unsigned i,
    const char *what)
{
	if (e == NULL)
		comp_error(s->c, n->line, "D_PRINTF_DYN_PROTO",
		    "%s( ) prototype mismatch: conversion #%u is missing a corresponding \"%s\" "
		    "argument", n->name, i, what);
	if (!type_is_int(e->type) || type_size(e->type) > 4)
		comp_error(s->c, n->line, "D_PRINTF_DYN_TYPE",
		    "%s( ) argument is incompatible with conversion #%u prototype:\n"
		    "\tconversion: %s\n\t prototype: int\n\t  argument: %s", n->name, i, what,
		    type_name(s->c->types, e->type));
	(void)add_arg(s, a, e);
	return (e->next);
}

static void
printf_args(struct sema *s, struct node *n, struct act *a, struct node *e)
{
	unsigned argno = 2;

	for (struct node *x = e; x != NULL; x = x->next)
		if (x->kind == N_AGG)
			comp_error(s->c, n->line, "D_PRINTF_ARG_TYPE",
			    "%s( ) may not be applied to an aggregation: use printa( )", n->name);
		else
			cook(s, x);
	for (unsigned i = 0; i < a->fmt->nconvs; i++) {
		const struct conv *v = &a->fmt->convs[i];

		if (v->conv == 0 || v->conv == '%')
			continue;
		if (v->flags & FMT_AGG)
			comp_error(s->c, n->line, "D_PRINTF_AGG_CONV",
			    "%%@ conversion requires an aggregation and is not for use with %s( )",
			    n->name);
		if (v->width == FMT_DYNAMIC)
			e = dynamic_width(s, a, n, e, i + 1, "*");
		if (v->prec == FMT_DYNAMIC)
			e = dynamic_width(s, a, n, e, i + 1, "*");
		if (e == NULL)
			comp_error(s->c, n->line, "D_PRINTF_ARG_PROTO",
			    "%s( ) prototype mismatch: conversion #%u (%%%s) is missing a "
			    "corresponding value argument", n->name, i + 1, v->spec);
		if (!fmt_accepts(v, e->type))
			bad_conversion(s, n, v, i + 1, e, argno);
		(void)add_arg(s, a, e);
		e = e->next;
		argno++;
	}
	if (e != NULL)
		comp_error(s->c, n->line, "D_PRINTF_ARG_EXTRA",
		    "%s( ) prototype mismatch: only %u argument%s required by this format string",
		    n->name, a->fmt->nargs, a->fmt->nargs == 1 ? "" : "s");
}

static void
act_printf(struct sema *s, struct node *n, const struct func_def *f)
{
	struct act *a;

	if (n->args == NULL)
		comp_error(s->c, n->line, "D_PROTO_LEN",
		    "%s( ) prototype mismatch: 0 args passed, at least 1 expected", n->name);
	if (n->args->kind != N_STR)
		comp_error(s->c, n->line, "D_PRINTF_ARG_FMT",
		    "%s( ) argument #1 is incompatible with prototype:\n\tprototype: string "
		    "constant\n\t argument: %s", n->name, "non-constant");
	a = add_act(s, n, f->id);
	if (f->id == F_FREOPEN && n->args->len == 0) {
		a->fmt = NULL; /* back to the standard output */
		return;
	}
	a->fmt = fmt_parse(s->c, n->name, n->args->str);
	printf_args(s, n, a, n->args->next);
}

/* --- printa, clear, trunc, normalize ----------------------------------------------------------- */

static struct ident *
agg_arg(struct sema *s, const struct node *n, const struct node *e, const char *tag, unsigned i)
{
	struct ident *id;

	if (e == NULL || e->kind != N_AGG)
		comp_error(s->c, n->line, tag, "%s( ) argument #%u is incompatible with prototype:\n"
		    "\tprototype: aggregation\n\t argument: %s", n->name, i,
		    e != NULL && e->type != NULL ? type_name(s->c->types, e->type) :
		    "non-aggregation");
	if (e->args != NULL)
		comp_error(s->c, n->line, tag,
		    "%s( ) argument #%u: aggregation @%s may not be indexed here", n->name, i,
		    e->name);
	id = ident_agg(s->c->ids, e->name, false);
	if (id == NULL || !id->agg.defined)
		comp_error(s->c, n->line, "D_AGG_UNDEF", "undefined aggregation: @%s", e->name);
	return (id);
}

static void
check_same_keys(struct sema *s, const struct node *n, const struct ident *a, const struct ident *b)
{
	if (a->nkeys != b->nkeys)
		comp_error(s->c, n->line, "D_PRINTA_AGGKEY",
		    "%s( ) aggregations @%s and @%s have a different number of keys", n->name,
		    a->name, b->name);
	for (unsigned i = 0; i < a->nkeys; i++)
		if (!type_same(a->keys[i].type, b->keys[i].type))
			comp_error(s->c, n->line, "D_PRINTA_AGGPROTO",
			    "%s( ) aggregations @%s and @%s have different types of key #%u",
			    n->name, a->name, b->name, i + 1);
}

/* The conversions of a printa format against the keys. */
static void
printa_format(struct sema *s, const struct node *n, const struct act *a)
{
	const struct ident *id = a->aggs[0];
	unsigned key = 0;

	for (unsigned i = 0; i < a->fmt->nconvs; i++) {
		const struct conv *v = &a->fmt->convs[i];
		struct node e = {.kind = N_INT};

		if (v->conv == 0 || v->conv == '%' || (v->flags & FMT_AGG) != 0)
			continue;
		if (v->width == FMT_DYNAMIC || v->prec == FMT_DYNAMIC)
			comp_error(s->c, n->line, "D_PRINTF_DYN_PROTO",
			    "%s( ) format conversion #%u: dynamic width is not permitted", n->name,
			    i + 1);
		if (key >= id->nkeys)
			comp_error(s->c, n->line, "D_PRINTF_ARG_PROTO",
			    "%s( ) prototype mismatch: conversion #%u (%%%s) is missing a "
			    "corresponding value argument", n->name, i + 1, v->spec);
		e.type = id->keys[key++].type;
		if (!fmt_accepts(v, e.type) && !(v->conv == 's' && type_is_strlike(e.type)))
			bad_conversion(s, n, v, i + 1, &e, key + 1);
	}
}

static void
act_printa(struct sema *s, struct node *n)
{
	struct node *e = n->args;
	struct act *a;
	unsigned i = 1;

	if (e == NULL)
		comp_error(s->c, n->line, "D_PROTO_LEN",
		    "printa( ) prototype mismatch: 0 args passed, at least 1 expected");
	a = add_act(s, n, F_PRINTA);
	if (e->kind != N_AGG) {
		if (e->kind != N_STR)
			comp_error(s->c, n->line, "D_PRINTA_PROTO",
			    "printa( ) argument #1 is incompatible with prototype:\n\tprototype: "
			    "format string or aggregation\n\t argument: %s", "expression");
		a->fmt = fmt_parse(s->c, n->name, e->str);
		e = e->next;
		i++;
	}
	if (e == NULL)
		comp_error(s->c, n->line, "D_PRINTA_AGGARG",
		    "printa( ) prototype mismatch: an aggregation is expected");
	for (; e != NULL; e = e->next, i++) {
		struct ident *id = agg_arg(s, n, e, "D_PRINTA_AGGARG", i);

		if (a->naggs > 0)
			check_same_keys(s, n, a->aggs[0], id);
		*VEC_ADD(s->c, a->aggs, a->naggs) = id;
	}
	if (a->fmt != NULL)
		printa_format(s, n, a);
}

static void
agg_action(struct sema *s, struct node *n, enum fn fn, unsigned min, unsigned max,
    const char *agg_tag, const char *scalar_tag)
{
	struct act *a;

	need_count(s, n, min, max);
	a = add_act(s, n, fn);
	*VEC_ADD(s->c, a->aggs, a->naggs) = agg_arg(s, n, n->args, agg_tag, 1);
	if (n->args->next == NULL)
		return;
	cook(s, n->args->next);
	if (!type_is_int(n->args->next->type))
		comp_error(s->c, n->line, scalar_tag, "%s( ) argument #2 must be of scalar type",
		    n->name);
	a->has_count = true;
	(void)add_arg(s, a, n->args->next);
}

/* --- the others -------------------------------------------------------------------------------- */

static void
act_simple(struct sema *s, struct node *n, const struct func_def *f)
{
	struct act *a;

	check_args(s, n, f);
	a = add_act(s, n, f->id);
	for (struct node *e = n->args; e != NULL; e = e->next)
		(void)add_arg(s, a, e);
}

static void
act_value(struct sema *s, struct node *n, const struct func_def *f)
{
	struct act *a;

	cook_call(s, n);
	a = add_act(s, n, f->id);
	a->frames = n->val;
	(void)add_arg(s, a, n);
}

static void
act_setopt(struct sema *s, struct node *n, const struct func_def *f)
{
	check_args(s, n, f);
	for (struct node *e = n->args; e != NULL; e = e->next)
		if (!type_is_string(e->type))
			comp_error(s->c, n->line, "D_PROTO_ARG", "setopt( ) needs strings");
	act_simple(s, n, f);
}

static void
act_speculation(struct sema *s, struct node *n, const struct func_def *f)
{
	struct unit *u = s->u;

	if (f->id == F_SPECULATE) {
		if (u->speculates)
			comp_error(s->c, n->line, "D_SPEC_SPEC",
			    "speculate( ) may not follow speculate( )");
		if (u->commits)
			comp_error(s->c, n->line, "D_SPEC_COMM",
			    "speculate( ) may not follow commit( )");
		if (u->datarec || u->aggregates)
			comp_error(s->c, n->line, "D_SPEC_DREC",
			    "speculate( ) may not follow data-recording actions");
	} else if (u->speculates) {
		comp_error(s->c, n->line, "D_ACT_SPEC", "%s( ) may not follow speculate( )", n->name);
	} else if (u->datarec && !u->commits && f->id == F_COMMIT) {
		comp_error(s->c, n->line, "D_COMM_DREC",
		    "commit( ) may not follow data-recording actions");
	} else if (f->id == F_COMMIT && u->commits) {
		comp_error(s->c, n->line, "D_COMM_COMM", "commit( ) may not follow commit( )");
	}
	check_args(s, n, f);
	if (f->id == F_SPECULATE) {
		u->speculates = true;
		n->id = arena_alloc(s->c, sizeof(*n->id));
		n->id->func = f;
		n->id->kind = ID_FUNC;
		n->type = s->c->types->t_void;
		return;
	}
	(void)add_arg(s, add_act(s, n, f->id), n->args);
	if (f->id == F_COMMIT)
		u->commits = true;
}

static void
act_destructive(struct sema *s, struct node *n, const struct func_def *f)
{
	if (f->refused)
		comp_error(s->c, n->line, "D_FUNC_UNDEF", "%s( ) is not available on this system",
		    n->name);
	check_args(s, n, f);
	n->type = s->c->types->t_void;
	n->id = arena_alloc(s->c, sizeof(*n->id));
	n->id->kind = ID_FUNC;
	n->id->func = f;
}

/* Only recording actions of data are allowed behind speculate(). */
static void
check_speculating(struct sema *s, const struct node *n, const struct func_def *f)
{
	if (!s->u->speculates)
		return;
	if (f->id == F_EXIT)
		comp_error(s->c, n->line, "D_EXIT_SPEC", "%s( ) may not follow speculate( )", n->name);
	if (f->destructive || f->id == F_PRINTA || f->id == F_CLEAR || f->id == F_TRUNC ||
	    f->id == F_NORMALIZE || f->id == F_DENORMALIZE || f->id == F_FTRUNCATE)
		comp_error(s->c, n->line, "D_ACT_SPEC", "%s( ) may not follow speculate( )", n->name);
}

bool
cook_action(struct sema *s, struct node *n)
{
	const struct func_def *f = func_find(n->name);

	if (f == NULL || f->id > F_LAST_ACTION)
		return (false);
	check_speculating(s, n, f);
	s->u->destructive |= f->destructive;
	switch (f->id) {
	case F_TRACE: act_trace(s, n); break;
	case F_PRINT: act_print(s, n); break;
	case F_TRACEMEM: act_tracemem(s, n); break;
	case F_PRINTF: case F_SYSTEM: case F_FREOPEN: act_printf(s, n, f); break;
	case F_PRINTA: act_printa(s, n); break;
	case F_STACK: case F_USTACK: case F_JSTACK: case F_SYM: case F_FUNC: case F_MOD: case F_USYM:
	case F_UFUNC: case F_UMOD: case F_UADDR: act_value(s, n, f); break;
	case F_EXIT: act_simple(s, n, f); s->u->exits = true; break;
	case F_SETOPT: act_setopt(s, n, f); break;
	case F_FTRUNCATE: act_simple(s, n, f); break;
	case F_NORMALIZE: agg_action(s, n, f->id, 2, 2, "D_NORMALIZE_AGGARG",
	    "D_NORMALIZE_SCALAR"); break;
	case F_DENORMALIZE: agg_action(s, n, f->id, 1, 1, "D_NORMALIZE_AGGARG", ""); break;
	case F_CLEAR: agg_action(s, n, f->id, 1, 1, "D_CLEAR_AGGARG", ""); break;
	case F_TRUNC: agg_action(s, n, f->id, 1, 2, "D_TRUNC_AGGARG", "D_TRUNC_SCALAR"); break;
	case F_SPECULATE: case F_COMMIT: case F_DISCARD: act_speculation(s, n, f); break;
	default: act_destructive(s, n, f); break;
	}
	return (true);
}

/* --- aggregations ------------------------------------------------------------------------------ */

static int64_t
constant_arg(struct sema *s, const struct node *call, const struct node *a, unsigned i,
    const char *tag, const char *what)
{
	int64_t v;

	if (!node_constant(s->c, a, &v))
		comp_error(s->c, call->line, tag, "%s( ) argument #%u (%s) must be an integer "
		    "constant", call->name, i, what);
	return (v);
}

static void
lquantize_params(struct sema *s, const struct node *call, struct agg_info *g)
{
	const struct node *a = call->args->next;

	g->base = constant_arg(s, call, a, 2, "D_LQUANT_BASETYPE", "base value");
	a = a->next;
	g->limit = constant_arg(s, call, a, 3, "D_LQUANT_LIMTYPE", "limit value");
	g->step = a->next != NULL ?
	    constant_arg(s, call, a->next, 4, "D_LQUANT_STEPTYPE", "step value") : 1;
	if (g->base < INT32_MIN || g->base > INT32_MAX)
		comp_error(s->c, call->line, "D_LQUANT_BASEVAL",
		    "lquantize( ) argument #2 must be a 32-bit quantity");
	if (g->limit < INT32_MIN || g->limit > INT32_MAX)
		comp_error(s->c, call->line, "D_LQUANT_LIMVAL",
		    "lquantize( ) argument #3 must be a 32-bit quantity");
	if (g->limit < g->base)
		comp_error(s->c, call->line, "D_LQUANT_MISMATCH",
		    "lquantize( ) base (argument #2) must be less than limit (argument #3)");
	if (g->step < 0)
		comp_error(s->c, call->line, "D_LQUANT_STEPVAL",
		    "lquantize( ) argument #4 must be a non-zero positive integer constant");
	if (g->step == 0 || g->step > 65535)
		comp_error(s->c, call->line, g->step == 0 ? "D_LQUANT_STEPVAL" :
		    "D_LQUANT_STEPLARGE", "lquantize( ) argument #4 must be a non-zero 16-bit "
		    "quantity");
	if ((g->limit - g->base) / g->step > 65535)
		comp_error(s->c, call->line, "D_LQUANT_STEPLARGE",
		    "lquantize( ) step (argument #4) too small: number of quantization levels must "
		    "be a 16-bit quantity");
	if ((g->limit - g->base) / g->step == 0)
		comp_error(s->c, call->line, "D_LQUANT_STEPSMALL",
		    "lquantize( ) step (argument #4) too large: must have at least one quantization "
		    "level");
	g->nvals = (uint32_t)((g->limit - g->base) / g->step) + 2 + 1;
}

static uint64_t
power(uint64_t f, uint64_t n, bool *overflow)
{
	uint64_t v = 1;

	*overflow = false;
	while (n-- > 0)
		*overflow |= __builtin_mul_overflow(v, f, &v);
	return (v);
}

static void
llquantize_shape(struct sema *s, const struct node *call, const struct agg_info *g)
{
	uint64_t limit, f = g->factor, n = g->steps;
	bool over;

	if (g->low > g->high)
		comp_error(s->c, call->line, "D_LLQUANT_MAGRANGE",
		    "llquantize( ) high magnitude must be at least the low magnitude");
	if (n < f) {
		if (f % n != 0)
			comp_error(s->c, call->line, "D_LLQUANT_FACTOREVEN",
			    "llquantize( ) factor must be evenly divisible by the number of steps");
		return;
	}
	if (n % f != 0)
		comp_error(s->c, call->line, "D_LLQUANT_FACTORSTEPS",
		    "llquantize( ) number of steps must be a multiple of the factor");
	limit = power(f, g->low == 0 ? 2 : (uint64_t)g->low + 1, &over);
	if (n > f && !over && limit % n != 0)
		comp_error(s->c, call->line, "D_LLQUANT_FACTORSTEPS",
		    "llquantize( ) number of steps must evenly divide the factor's power");
}

static void
llquantize_params(struct sema *s, const struct node *call, struct agg_info *g)
{
	static const struct {
		const char *type_tag, *val_tag, *what;
	} p[4] = {{"D_LLQUANT_FACTORTYPE", "D_LLQUANT_FACTORVAL", "factor"},
	    {"D_LLQUANT_LOWTYPE", "D_LLQUANT_LOWVAL", "low magnitude"},
	    {"D_LLQUANT_HIGHTYPE", "D_LLQUANT_HIGHVAL", "high magnitude"},
	    {"D_LLQUANT_NSTEPTYPE", "D_LLQUANT_NSTEPVAL", "linear steps per magnitude"}};
	const struct node *a = call->args->next;
	uint32_t v[4];
	bool over;

	for (unsigned i = 0; i < 4; i++, a = a->next) {
		int64_t x = constant_arg(s, call, a, i + 2, p[i].type_tag, p[i].what);

		if (x < 0 || x > 65535 || (i == 0 && x < 2) || (i == 3 && x < 1))
			comp_error(s->c, call->line, p[i].val_tag,
			    "llquantize( ) argument #%u (%s) must be an unsigned 16-bit quantity%s",
			    i + 2, p[i].what, i == 0 ? " of at least 2" : "");
		v[i] = (uint32_t)x;
	}
	g->factor = v[0];
	g->low = v[1];
	g->high = v[2];
	g->steps = v[3];
	llquantize_shape(s, call, g);
	(void)power(g->factor, (uint64_t)g->high + 1, &over);
	if (over)
		comp_error(s->c, call->line, "D_LLQUANT_MAGTOOBIG",
		    "llquantize( ) factor (%u) raised to power of high magnitude (%u) overflows 64-bits",
		    g->factor, g->high);
	g->nvals = 2 * (g->high - g->low + 1) * (g->steps - g->steps / g->factor) + 3 + 1;
	if (g->nvals > 4000)
		comp_error(s->c, call->line, "D_LLQUANT_NSTEPVAL",
		    "llquantize( ) has more than 4000 levels");
}

static const char *const agg_names[AGG_FUNCS] = {"count", "sum", "avg", "min", "max", "stddev",
    "quantize", "lquantize", "llquantize"};

static void
describe(struct sema *s, const struct node *call, const struct func_def *f, struct agg_info *g)
{
	static const uint32_t nvals[AGG_FUNCS] = {1, 2, 2, 2, 2, 4, 128, 0, 0};

	g->func = (enum aggfunc)(f->id - F_COUNT);
	g->nvals = nvals[g->func];
	if (g->func == AGG_LQUANTIZE)
		lquantize_params(s, call, g);
	else if (g->func == AGG_LLQUANTIZE)
		llquantize_params(s, call, g);
	if (g->nvals > 4000)
		comp_error(s->c, call->line, "D_LQUANT_STEPLARGE",
		    "%s( ) has more than 4000 levels", call->name);
}

static void
check_redefinition(struct sema *s, const struct node *call, const struct ident *id,
    const struct agg_info *g)
{
	const struct agg_info *old = &id->agg;

	if (old->func != g->func)
		comp_error(s->c, call->line, "D_AGG_REDEF",
		    "aggregation redefined: @%s\n\t current: @%s = %s( )\n\tprevious: @%s = %s( ) : "
		    "line %d", id->name, id->name, agg_names[g->func], id->name,
		    agg_names[old->func], old->line);
	if (old->base != g->base)
		comp_error(s->c, call->line, "D_LQUANT_MATCHBASE",
		    "lquantize( ) base (argument #2) doesn't match previous declaration");
	if (old->limit != g->limit)
		comp_error(s->c, call->line, "D_LQUANT_MATCHLIM",
		    "lquantize( ) limit (argument #3) doesn't match previous declaration");
	if (old->step != g->step)
		comp_error(s->c, call->line, "D_LQUANT_MATCHSTEP",
		    "lquantize( ) step (argument #4) doesn't match previous declaration");
	if (old->factor != g->factor || old->low != g->low || old->high != g->high ||
	    old->steps != g->steps)
		comp_error(s->c, call->line, old->factor != g->factor ? "D_LLQUANT_MATCHFACTOR" :
		    old->low != g->low ? "D_LLQUANT_MATCHLOW" : old->high != g->high ?
		    "D_LLQUANT_MATCHHIGH" : "D_LLQUANT_MATCHNSTEPS",
		    "llquantize( ) parameters don't match previous declaration");
}

static void
check_agg_args(struct sema *s, struct node *call, const struct func_def *f)
{
	unsigned i = 0, max = f->id == F_LQUANTIZE ? 5 : f->id == F_LLQUANTIZE ? 6 : 2;

	check_args(s, call, f);
	if (list_length(call->args) > max)
		comp_error(s->c, call->line, "D_PROTO_LEN",
		    "%s( ) prototype mismatch: %u args passed, at most %u expected", call->name,
		    list_length(call->args), max);
	for (struct node *a = call->args; a != NULL; a = a->next) {
		i++;
		if (a->type == NULL)
			cook(s, a);
		if (!type_is_scalar(a->type))
			comp_error(s->c, call->line, "D_AGG_SCALAR",
			    "%s( ) argument #%u must be of scalar type", call->name, i);
	}
}

void
cook_assign_agg(struct sema *s, struct node *n)
{
	struct node *call = n->b;
	const struct func_def *f = call->kind == N_CALL ? func_find(call->name) : NULL;
	struct agg_info g = {.defined = true, .map = -1};
	struct ident *id;

	if (n->op != '=')
		comp_error(s->c, n->line, "D_OP_LVAL",
		    "operator %s may not be applied to an aggregation", op_name(n->op));
	if (call->kind == N_CALL && f == NULL)
		comp_error(s->c, n->line, "D_FUNC_UNDEF", "undefined function name: %s", call->name);
	if (f == NULL || f->id <= F_LAST_ACTION || f->id > F_LAST_AGG)
		comp_error(s->c, n->line, "D_AGG_FUNC",
		    "@%s must be assigned the result of an aggregating function", n->a->name);
	if (s->u->speculates)
		comp_error(s->c, n->line, "D_AGG_SPEC", "aggregating actions may not follow speculate( )");
	if (s->u->commits)
		comp_error(s->c, n->line, "D_AGG_COMM", "aggregating actions may not follow commit( )");
	check_agg_args(s, call, f);
	describe(s, call, f, &g);
	id = ident_agg(s->c->ids, n->a->name, true);
	if (id->agg.defined) {
		check_redefinition(s, call, id, &g);
	} else {
		g.seq = id->agg.seq;
		g.line = n->line;
		id->agg = g;
	}
	cook_keys(s, n->a->args, id, n->line);
	n->agg = id;
	n->type = s->c->types->t_void;
	s->u->aggregates = true;
}
