/* SPDX-License-Identifier: MIT */
/* The checker: what a name stands for.  Variables, built-ins, inlines, enumerators, kernel symbols. */
#include <string.h>

#include "sema.h"

static enum scope
scope_of(const struct node *n)
{
	return (n->op == 0 ? SCOPE_GLOBAL : n->op - 1 == K_SELF ? SCOPE_SELF : SCOPE_THIS);
}

static const char *
scope_prefix(const struct node *n)
{
	return (n->op == 0 ? "" : n->op - 1 == K_SELF ? "self->" : "this->");
}

/* --- keys -------------------------------------------------------------------------------------- */

static bool
key_fits(struct type *want, struct type *have)
{
	if (type_is_string(want))
		return (type_is_strlike(have));
	if (type_is_scalar(want))
		return (type_is_scalar(have));
	return (type_same(want, have));
}

static void
check_key_type(struct sema *s, const struct node *k, unsigned i)
{
	struct type *t = type_resolve(k->type);

	if (t->kind == TY_VOID || t->kind == TY_FUNC || t->kind == TY_FLOAT)
		comp_error(s->c, k->line, "D_KEY_TYPE", "%s expression may not be used as key #%u",
		    t->kind == TY_VOID ? "void" : "function", i);
	if (t->kind == TY_DYN)
		comp_error(s->c, k->line, "D_KEY_TYPE",
		    "expression of dynamic type may not be used as key #%u", i);
}

static uint32_t
stack_key_size(const struct node *k)
{
	return (k->aux);
}

static void
widen_key(struct key_part *p, const struct node *k)
{
	uint32_t n;

	if (type_is_string(p->type))
		n = k->strmax;
	else if (k->kind == N_CALL && (type_resolve(k->type)->kind == TY_STACK ||
	    type_resolve(k->type)->kind == TY_USTACK))
		n = stack_key_size(k);
	else
		n = (uint32_t)type_size(p->type);
	if (n > p->size)
		p->size = n;
}

/* The type under which a key's part is kept. */
static struct type *
kept_type(struct sema *s, const struct node *k)
{
	if (type_resolve(k->type)->kind == TY_ARRAY)
		return (type_is_strlike(k->type) ? s->c->types->t_string : k->type);
	if (type_resolve(k->type)->kind == TY_PTR && type_is_strlike(k->type) && false)
		return (s->c->types->t_string);
	return (k->type);
}

static void
learn_keys(struct sema *s, struct node *args, struct ident *id)
{
	for (struct node *k = args; k != NULL; k = k->next) {
		struct key_part *p = VEC_ADD(s->c, id->keys, id->nkeys);

		p->type = kept_type(s, k);
		p->fn = k->kind == N_CALL && k->id != NULL && k->id->func != NULL ?
		    (int)k->id->func->id : 0;
	}
	id->keys_known = true;
}

void
cook_keys(struct sema *s, struct node *args, struct ident *id, int line)
{
	unsigned i = 0, n = list_length(args);
	const char *at = id->kind == ID_AGG ? "@" : "";

	for (struct node *k = args; k != NULL; k = k->next) {
		cook(s, k);
		check_key_type(s, k, ++i);
	}
	if (!id->keys_known)
		learn_keys(s, args, id);
	if (n != id->nkeys)
		comp_error(s->c, line, id->kind == ID_AGG ? "D_KEY_TYPE" : "D_PROTO_LEN",
		    "%s%s[ ] prototype mismatch: %u arg%s passed, %u expected", at, id->name, n,
		    n == 1 ? "" : "s", id->nkeys);
	i = 0;
	for (struct node *k = args; k != NULL; k = k->next, i++) {
		if (!key_fits(id->keys[i].type, k->type))
			comp_error(s->c, line, "D_PROTO_ARG",
			    "%s%s[ ] key #%u is incompatible with prototype:\n\tprototype: %s\n"
			    "\t argument: %s", at, id->name, i + 1,
			    type_name(s->c->types, id->keys[i].type),
			    type_name(s->c->types, k->type));
		widen_key(&id->keys[i], k);
	}
}

/* --- variables --------------------------------------------------------------------------------- */

static _Noreturn void
undefined(struct sema *s, const struct node *n)
{
	const char *tick = strchr(n->name, '`');

	if (n->op != 0)
		comp_error(s->c, n->line, "D_VAR_UNDEF", "%s%s has not yet been declared or assigned",
		    scope_prefix(n), n->name);
	comp_error(s->c, n->line, tick != NULL ? "D_SYM_UNDEF" : "D_IDENT_UNDEF",
	    "failed to resolve %s: Unknown %s name", n->name, tick != NULL ? "symbol" : "variable");
}

static void
use_variable(struct sema *s, struct node *n, struct node *name, struct ident *id)
{
	name->id = id;
	name->type = id->type;
	name->lval = true;
	if (id->assoc) {
		if (n->kind != N_INDEX)
			comp_error(s->c, n->line, "D_IDENT_BADREF",
			    "associative array '%s' may not be referenced as scalar", id->name);
		n->id = id;
		cook_keys(s, n->args, id, n->line);
		n->type = id->type;
		n->lval = true;
	}
	if (type_is_string(id->type) && n->kind == N_IDENT)
		n->strmax = (uint32_t)s->c->types->strsize;
}

/* --- built-in variables ------------------------------------------------------------------------ */

static void
arg_of_probe(struct sema *s, struct node *n, int64_t i)
{
	const struct probe_arg *pa;
	struct node *arg, *cast;
	struct type *t;
	struct node *next = n->next;

	if (s->nargs >= 0 && (i < 0 || i >= s->nargs))
		comp_error(s->c, n->line, "D_ARGS_IDX", "index %lld is out of range for %s args[ ]",
		    (long long)i, s->pdesc);
	if (s->nargs < 0)
		comp_error(s->c, n->line, "D_ARGS_NONE",
		    "args[ ] may not be referenced because probe description %s matches an "
		    "unstable set of probes", s->pdesc);
	pa = &s->args[i];
	if ((t = type_by_name(s->c->types, pa->type)) == NULL)
		comp_error(s->c, n->line, "D_ARGS_TYPE",
		    "failed to resolve native type of args[%lld]: %s", (long long)i, pa->type);
	arg = make_node(s, N_IDENT, n);
	arg->name = arena_printf(s->c, "arg%d", pa->src);
	cast = make_cast(s, arg, t);
	cast->type = NULL;
	if (pa->xlate != NULL) {
		struct node *x = make_node(s, N_XLATE, n);

		if ((x->tref = type_by_name(s->c->types, pa->xlate)) == NULL &&
		    (!lib_load(s->c, pa->xlate) ||
		    (x->tref = type_by_name(s->c->types, pa->xlate)) == NULL))
			comp_error(s->c, n->line, "D_ARGS_XLATOR",
			    "translator for args[%lld] from type \"%s\" to type \"%s\" is not found",
			    (long long)i, pa->type, pa->xlate);
		x->a = cast;
		cast = x;
	}
	*n = *cast;
	n->next = next;
	cook(s, n);
}

static void
cook_args(struct sema *s, struct node *n)
{
	int64_t i;

	if (n->kind != N_INDEX)
		comp_error(s->c, n->line, "D_IDENT_BADREF",
		    "array 'args' may not be referenced as scalar");
	if (list_length(n->args) != 1)
		comp_error(s->c, n->line, "D_ARGS_TYPE",
		    "args[ ] prototype mismatch: %u args passed, 1 expected", list_length(n->args));
	cook(s, n->args);
	if (!node_constant(s->c, n->args, &i))
		comp_error(s->c, n->line, "D_ARGS_TYPE", "args[ ] must be indexed by an integer "
		    "constant");
	arg_of_probe(s, n, i);
}

static uint32_t
builtin_strmax(enum builtin b)
{
	return (b == B_EXECNAME ? 16 : 0);
}

/* execname is 16 bytes wherever it goes; strings of a probe are known when it is matched. */
static void
cook_builtin(struct sema *s, struct node *n, const struct builtin_def *b)
{
	struct ident *id;

	if (b->id == B_ARGS) {
		cook_args(s, n);
		return;
	}
	id = arena_alloc(s->c, sizeof(*id));
	id->kind = ID_BUILTIN;
	id->name = b->name;
	id->builtin = (int)b->id;
	n->id = id;
	if (b->array) {
		if (n->kind != N_INDEX)
			comp_error(s->c, n->line, "D_IDENT_BADREF",
			    "array '%s' may not be referenced as scalar", b->name);
		cook(s, n->args);
		n->b = n->args;
		n->args = NULL;
	}
	if (b->id <= B_ARG9)
		s->u->arg_mask |= 1u << b->id;
	if (b->id == B_ERRNO) /* it is made from what came back */
		s->u->arg_mask |= 1;
	if (b->id == B_TIMESTAMP || b->id == B_WALLTIMESTAMP || b->id == B_VTIMESTAMP)
		s->u->uses_time = true;
	n->type = type_by_name(s->c->types, b->type);
	if (n->type == NULL && lib_load(s->c, b->type))
		n->type = type_by_name(s->c->types, b->type);
	if (n->type == NULL)
		comp_error(s->c, n->line, "D_IDENT_UNDEF",
		    "failed to resolve type of %s: this kernel has no type information "
		    "(CONFIG_DEBUG_INFO_BTF)", b->name);
	n->strmax = builtin_strmax(b->id);
	if (b->id == B_CURCPU)
		n->tmp = sema_tmp(s, 16);
	if (type_is_string(n->type))
		n->tmp = sema_tmp(s, 264 + (uint32_t)s->c->types->strsize);
}

/* --- inlines ----------------------------------------------------------------------------------- */

static void
bind_params(struct node *n, const char *param, const struct node *value, struct comp *c)
{
	for (; n != NULL; n = n->next) {
		if (n->kind == N_IDENT && n->op == 0 && strcmp(n->name, param) == 0) {
			struct node *next = n->next;

			*n = *node_copy(c, value);
			n->next = next;
			continue;
		}
		bind_params(n->a, param, value, c);
		bind_params(n->b, param, value, c);
		bind_params(n->c, param, value, c);
		bind_params(n->args, param, value, c);
	}
}

static void
cook_inline(struct sema *s, struct node *n, struct ident *id)
{
	struct node *e, *arg = n->kind == N_INDEX ? n->args : NULL, *next = n->next;
	unsigned i = 0;

	if (id->expanding)
		undefined(s, n);
	if (list_length(arg) != id->nparams)
		comp_error(s->c, n->line, "D_PROTO_LEN",
		    "%s[ ] prototype mismatch: %u args passed, %u expected", id->name,
		    list_length(arg), id->nparams);
	e = node_copy(s->c, id->expr);
	while (arg != NULL) {
		struct node *v = arg;

		arg = arg->next;
		v->next = NULL;
		v = make_cast(s, v, id->params[i].type);
		v->type = NULL;
		bind_params(e, id->params[i++].name, v, s->c);
	}
	id->expanding = true;
	cook(s, e);
	id->expanding = false;
	if (e->kind != N_XLATE && type_is_scalar(id->type) && type_is_scalar(e->type) &&
	    !type_same(id->type, e->type))
		e = make_cast(s, e, id->type);
	*n = *e;
	n->next = next;
	n->lval = false;
}

/* --- kernel names ------------------------------------------------------------------------------ */

static bool
cook_enumerator(struct sema *s, struct node *n)
{
	struct type *t;
	int64_t v;

	if (!type_enumerator(s->c->types, n->name, &t, &v))
		return (false);
	n->kind = N_INT;
	n->val = (uint64_t)v;
	n->type = t;
	return (true);
}

/* `sym and mod`sym: the object at a kernel address. */
static void
cook_symbol(struct sema *s, struct node *n)
{
	uint64_t addr = 0;
	struct type *t = s->symbol != NULL ? s->symbol(s, n->name, &addr) : NULL;
	struct node *at, *cast, *next = n->next;

	if (t == NULL)
		undefined(s, n);
	at = make_node(s, N_INT, n);
	at->val = addr;
	at->type = s->c->types->t_ulong;
	cast = make_cast(s, at, type_ptr(s->c->types, t));
	n->kind = N_UNARY;
	n->op = '*';
	n->a = cast;
	n->type = t;
	n->lval = true;
	n->next = next;
}

/* An N_IDENT, or an N_INDEX of one; n->type stays NULL when it is a plain subscript. */
void
cook_name(struct sema *s, struct node *n)
{
	struct node *name = n->kind == N_INDEX ? n->a : n;
	const struct builtin_def *b;
	struct ident *id;

	if (name->type != NULL)
		return;
	if (strchr(name->name, '`') != NULL) {
		cook_symbol(s, name);
		return;
	}
	id = ident_find(s->c->ids, scope_of(name), name->name);
	if (id == NULL && name->op == 0 && builtin_find(name->name) == NULL &&
	    lib_load(s->c, name->name))
		id = ident_find(s->c->ids, SCOPE_GLOBAL, name->name);
	if (id != NULL && id->kind == ID_INLINE)
		cook_inline(s, id->nparams != 0 ? n : name, id);
	else if (id != NULL && id->type != NULL)
		use_variable(s, n, name, id);
	else if (name->op == 0 && (b = builtin_find(name->name)) != NULL)
		cook_builtin(s, b->array ? n : name, b);
	else if (name->op != 0 || !cook_enumerator(s, name))
		undefined(s, name);
	if (name->type != NULL && type_is_string(name->type) && name->strmax == 0)
		name->strmax = (uint32_t)s->c->types->strsize;
}
