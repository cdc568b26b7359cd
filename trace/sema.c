/* SPDX-License-Identifier: MIT */
/*
 * The checker: expressions.  Every node gets its type, C's conversions become casts, constants are folded,
 * and what D forbids is refused in DTrace's words.
 */
#include "sema.h"

#include <string.h>

const char *
op_name(int op)
{
	static const char *const multi[] = {"->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=",
	    "&&", "||", "^^", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "<<=", ">>=", "..."};
	static const char single[] = "!\0%\0&\0(\0)\0*\0+\0,\0-\0.\0/\0:\0;\0<\0=\0>\0?\0[\0]\0^\0|\0~";

	if (op >= P_ARROW && op <= P_ELLIPSIS)
		return (multi[op - P_ARROW]);
	for (size_t i = 0; i < sizeof(single); i += 2)
		if (single[i] == op)
			return (&single[i]);
	return ("?");
}

unsigned
list_length(const struct node *n)
{
	unsigned len = 0;

	for (; n != NULL; n = n->next)
		len++;
	return (len);
}

struct node *
make_node(struct sema *s, enum nkind kind, const struct node *at)
{
	struct node *n = arena_alloc(s->c, sizeof(*n));

	n->kind = kind;
	n->line = at->line;
	n->col = at->col;
	return (n);
}

struct node *
make_cast(struct sema *s, struct node *n, struct type *t)
{
	struct node *c = make_node(s, N_CAST, n);

	c->a = n;
	c->next = n->next;
	n->next = NULL;
	c->tref = c->type = t;
	return (c);
}

uint32_t
sema_tmp(struct sema *s, uint32_t bytes)
{
	uint32_t off = s->tmp;

	s->tmp += (bytes + 7) & ~7u;
	if (s->tmp > s->u->tmp_size)
		s->u->tmp_size = s->tmp;
	if (s->tmp > 1u << 20)
		comp_error(s->c, 0, "D_STR_SIZE", "statement needs too much memory for its strings");
	return (off);
}

static const char *
tn(struct sema *s, const struct node *n)
{
	return (type_name(s->c->types, n->type));
}

static _Noreturn void
incompatible(struct sema *s, const struct node *n)
{
	comp_error(s->c, n->line, "D_OP_INCOMPAT", "operands have incompatible types: \"%s\" %s \"%s\"",
	    tn(s, n->a), op_name(n->op), tn(s, n->b));
}

static bool
is_literal_zero(const struct node *n)
{
	return (n->kind == N_INT && n->val == 0);
}

static void
fold_constant(struct sema *s, struct node *n)
{
	int64_t v;

	if (n->kind == N_INT || !type_is_int(n->type) || !node_constant(s->c, n, &v))
		return;
	n->kind = N_INT;
	n->val = (uint64_t)v;
	if (type_size(n->type) == 4)
		n->val = type_signed(n->type) ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
	n->a = n->b = n->c = n->args = NULL;
}

/* --- C's conversions --------------------------------------------------------------------------- */

static struct type *
promoted(struct sema *s, struct type *t)
{
	struct type *r = type_resolve(t);

	if (r->kind == TY_ENUM || r->size < 4)
		return (s->c->types->t_int);
	return (t);
}

/* The type of an arithmetic operation on two integers. */
static struct type *
common(struct sema *s, struct type *a, struct type *b)
{
	a = promoted(s, a);
	b = promoted(s, b);
	if (type_size(a) != type_size(b))
		return (type_size(a) > type_size(b) ? a : b);
	return (type_signed(a) ? b : a);
}

static struct type *
decayed(struct sema *s, struct type *t)
{
	struct type *r = type_resolve(t);

	return (r->kind == TY_ARRAY ? type_ptr(s->c->types, r->ref) : t);
}

/* --- operators --------------------------------------------------------------------------------- */

static void
check_dynamic(struct sema *s, const struct node *n, int op)
{
	if (type_resolve(n->type)->kind == TY_DYN)
		comp_error(s->c, n->line, "D_OP_DYN",
		    "operator %s cannot be applied to operand of dynamic type", op_name(op));
}

static void
need_integers(struct sema *s, const struct node *n)
{
	if (!type_is_int(n->a->type) || !type_is_int(n->b->type))
		comp_error(s->c, n->line, "D_OP_INT", "operator %s requires operands of integral type",
		    op_name(n->op));
}

static void
cook_arith(struct sema *s, struct node *n)
{
	need_integers(s, n);
	if ((n->op == '/' || n->op == '%') && is_literal_zero(n->b))
		comp_error(s->c, n->line, "D_DIV_ZERO", "expression contains division by zero");
	n->type = n->op == P_SHL || n->op == P_SHR ? promoted(s, n->a->type) :
	    common(s, n->a->type, n->b->type);
}

/* The size that pointer arithmetic counts in. */
static uint64_t
step_of(struct sema *s, const struct node *n, struct type *ptr)
{
	struct type *to = type_resolve(ptr)->ref;
	struct type *r = type_resolve(to);

	if (r->kind == TY_VOID || r->kind == TY_FUNC)
		return (1);
	if (r->incomplete || type_size(r) == 0)
		comp_error(s->c, n->line, "D_OP_INCOMPLETE", "operator %s cannot be applied to a "
		    "pointer to incomplete type", op_name(n->op));
	return (type_size(to));
}

static void
cook_add(struct sema *s, struct node *n)
{
	bool pa = type_is_ptr(n->a->type), pb = type_is_ptr(n->b->type);

	if (!pa && !pb) {
		cook_arith(s, n);
		return;
	}
	if (pa && pb && n->op == '-') {
		if (!type_same(decayed(s, n->a->type), decayed(s, n->b->type)))
			incompatible(s, n);
		n->aux = (uint32_t)step_of(s, n, n->a->type);
		n->type = s->c->types->t_long;
		n->post = true; /* a difference */
		return;
	}
	if ((pa && pb) || (pb && n->op == '-') || !type_is_int(pa ? n->b->type : n->a->type))
		incompatible(s, n);
	if (pb) {
		struct node *t = n->a;

		n->a = n->b;
		n->b = t;
	}
	n->aux = (uint32_t)step_of(s, n, n->a->type);
	n->type = decayed(s, n->a->type);
	n->user = n->a->user;
}

static bool
comparable_pointers(struct type *a, struct type *b)
{
	a = type_resolve(a);
	b = type_resolve(b);
	return (type_resolve(a->ref)->kind == TY_VOID || type_resolve(b->ref)->kind == TY_VOID ||
	    type_same(a->ref, b->ref));
}

static void
cook_compare(struct sema *s, struct node *n)
{
	struct type *a = n->a->type, *b = n->b->type;

	n->type = s->c->types->t_int;
	if (type_is_strlike(a) && type_is_strlike(b) &&
	    (type_is_string(a) || type_is_string(b) || type_resolve(a)->kind == TY_ARRAY)) {
		n->tmp = sema_tmp(s, (uint32_t)s->c->types->strsize);
		n->aux = sema_tmp(s, (uint32_t)s->c->types->strsize);
		n->post = true; /* of strings */
		return;
	}
	if (type_is_int(a) && type_is_int(b))
		return;
	if (type_is_ptr(a) && type_is_ptr(b) && comparable_pointers(a, b))
		return;
	if ((type_is_ptr(a) && type_is_int(b)) || (type_is_int(a) && type_is_ptr(b)))
		return;
	incompatible(s, n);
}

static void
need_scalar(struct sema *s, const struct node *n, int op, bool several)
{
	if (type_is_scalar(n->type) || type_is_ptr(n->type) || type_is_string(n->type))
		return;
	if (several)
		comp_error(s->c, n->line, "D_OP_SCALAR",
		    "operator %s requires operands of scalar type", op_name(op));
	comp_error(s->c, n->line, "D_OP_SCALAR", "operator %s requires an operand of scalar type",
	    op_name(op));
}

static void
cook_logical(struct sema *s, struct node *n)
{
	need_scalar(s, n->a, n->op, true);
	need_scalar(s, n->b, n->op, true);
	n->type = s->c->types->t_int;
}

static void
cook_binary(struct sema *s, struct node *n)
{
	cook(s, n->a);
	cook(s, n->b);
	check_dynamic(s, n->a, n->op);
	check_dynamic(s, n->b, n->op);
	switch (n->op) {
	case '+': case '-':
		cook_add(s, n);
		break;
	case P_EQ: case P_NE: case '<': case '>': case P_LE: case P_GE:
		cook_compare(s, n);
		break;
	case P_ANDAND: case P_OROR: case P_XORXOR:
		cook_logical(s, n);
		break;
	default:
		cook_arith(s, n);
		break;
	}
	fold_constant(s, n);
}

/* --- lvalues and assignment -------------------------------------------------------------------- */

static void
need_lvalue(struct sema *s, const struct node *n, int op)
{
	if (n->kind == N_IDENT && n->id != NULL && n->id->kind != ID_VAR)
		comp_error(s->c, n->line, "D_OP_WRITE",
		    "operator %s can only be applied to a writable variable", op_name(op));
	if (!n->lval)
		comp_error(s->c, n->line, "D_OP_LVAL",
		    "operator %s requires modifiable lvalue as an operand", op_name(op));
}

/* A name on the left that means nothing yet. */
static bool
is_new_name(struct sema *s, const struct node *n)
{
	static const enum scope scopes[] = {[K_SELF] = SCOPE_SELF, [K_THIS] = SCOPE_THIS};

	if (n->kind != N_IDENT || n->id != NULL)
		return (false);
	if (ident_find(s->c->ids, n->op == 0 ? SCOPE_GLOBAL : scopes[n->op - 1], n->name) != NULL ||
	    strchr(n->name, '`') != NULL)
		return (false);
	return (n->op != 0 || (builtin_find(n->name) == NULL && func_find(n->name) == NULL &&
	    !lib_load(s->c, n->name)));
}

static struct ident *
create_variable(struct sema *s, struct node *n, struct type *t, bool assoc)
{
	static const enum scope scopes[] = {[K_SELF] = SCOPE_SELF, [K_THIS] = SCOPE_THIS};
	struct ident *id = ident_new(s->c->ids, n->op == 0 ? SCOPE_GLOBAL : scopes[n->op - 1], ID_VAR,
	    n->name);

	if (type_resolve(t)->kind == TY_ARRAY)
		t = type_is_strlike(t) ? s->c->types->t_string : decayed(s, t);
	id->type = t;
	id->assoc = assoc;
	id->line = n->line;
	return (id);
}

static void
check_storable(struct sema *s, const struct node *n, struct type *t)
{
	switch (type_resolve(t)->kind) {
	case TY_VOID:
		comp_error(s->c, n->line, "D_OP_VOID", "operator = may not be applied to operand of "
		    "type \"void\"");
	case TY_DYN:
		comp_error(s->c, n->line, "D_OP_DYN",
		    "operator = cannot be applied to operand of dynamic type");
	case TY_FUNC: case TY_STACK: case TY_USTACK: case TY_SYMADDR: case TY_USYMADDR: case TY_FLOAT:
		comp_error(s->c, n->line, "D_OP_ACT", "operator = may not be applied to operand of "
		    "type \"%s\"", type_name(s->c->types, t));
	default:
		return;
	}
}

static bool
assignable(struct sema *s, struct type *to, const struct node *from)
{
	struct type *f = from->type;

	if (type_is_int(to))
		return (type_is_int(f) || type_resolve(f)->kind == TY_PTR);
	if (type_is_string(to))
		return (type_is_strlike(f));
	if (type_resolve(to)->kind == TY_ARRAY && type_is_strlike(to))
		return (type_is_strlike(f));
	if (type_is_ptr(to)) {
		if (type_is_int(f))
			return (true);
		if (type_is_string(f))
			return (type_is_strlike(to));
		return (type_is_ptr(f) && comparable_pointers(decayed(s, to), decayed(s, f)));
	}
	return (type_is_agg(to) && type_same(to, f));
}

/* `@a[...] = f()` is elsewhere; here D variables and their parts. */
static void
cook_assign(struct sema *s, struct node *n)
{
	struct node *left = n->a;
	struct node *base = left->kind == N_INDEX ? left->a : left;

	if (left->kind == N_AGG) {
		cook_assign_agg(s, n);
		return;
	}
	cook(s, n->b);
	check_storable(s, n, n->b->type);
	if (is_new_name(s, base)) {
		struct type *t = n->op == '=' ? n->b->type : s->c->types->t_int64;

		base->id = create_variable(s, base, t, left->kind == N_INDEX);
	}
	cook(s, left);
	need_lvalue(s, left, n->op);
	n->type = left->type;
	if (left->id != NULL && left->id->kind == ID_VAR && n->op == '=' && is_literal_zero(n->b) &&
	    (left->id->assoc || left->id->scope == SCOPE_SELF))
		return; /* removes it, whatever it is */
	if (!assignable(s, left->type, n->b) || (n->op != '=' && !type_is_scalar(left->type)))
		incompatible(s, n);
	if (n->op != '=' && type_is_ptr(left->type) && n->op != P_ADDEQ && n->op != P_SUBEQ)
		incompatible(s, n);
	if (n->op != '=' && type_is_ptr(left->type))
		n->aux = (uint32_t)step_of(s, n, left->type);
	if ((n->op == P_DIVEQ || n->op == P_MODEQ) && is_literal_zero(n->b))
		comp_error(s->c, n->line, "D_DIV_ZERO", "expression contains division by zero");
	if (type_is_string(n->type))
		n->strmax = n->b->strmax;
}

static void
cook_incdec(struct sema *s, struct node *n)
{
	struct node *base = n->a->kind == N_INDEX ? n->a->a : n->a;

	if (n->a->kind == N_AGG)
		comp_error(s->c, n->line, "D_OP_LVAL",
		    "operator %s requires modifiable lvalue as an operand", op_name(n->op));
	if (is_new_name(s, base))
		base->id = create_variable(s, base, s->c->types->t_int64, n->a->kind == N_INDEX);
	cook(s, n->a);
	if (!type_is_scalar(n->a->type))
		comp_error(s->c, n->line, "D_OP_SCALAR",
		    "operator %s requires operand of scalar type", op_name(n->op));
	need_lvalue(s, n->a, n->op);
	n->type = n->a->type;
	n->aux = type_is_ptr(n->type) ? (uint32_t)step_of(s, n, n->type) : 1;
}

/* --- unary ------------------------------------------------------------------------------------- */

static void
cook_deref(struct sema *s, struct node *n)
{
	struct type *t = type_resolve(n->a->type), *to;

	if (t->kind != TY_PTR && t->kind != TY_ARRAY)
		comp_error(s->c, n->line, "D_DEREF_NONPTR", "cannot dereference non-pointer type");
	to = type_resolve(t->ref);
	if (to->kind == TY_VOID)
		comp_error(s->c, n->line, "D_DEREF_VOID", "cannot dereference pointer to void");
	if (to->kind == TY_FUNC)
		comp_error(s->c, n->line, "D_DEREF_FUNC", "cannot dereference pointer to function");
	if (to->incomplete)
		comp_error(s->c, n->line, "D_OP_INCOMPLETE",
		    "operator * cannot be applied to a pointer to incomplete type");
	n->type = t->ref;
	n->lval = true;
	n->user = n->a->user;
}

static void
cook_address(struct sema *s, struct node *n)
{
	if (n->a->kind == N_IDENT && n->a->id != NULL && n->a->id->kind == ID_VAR &&
	    !type_by_ref(n->a->type))
		comp_error(s->c, n->line, "D_ADDROF_VAR",
		    "cannot take the address of a dynamic or scalar variable: %s", n->a->name);
	if (!n->a->lval)
		comp_error(s->c, n->line, "D_ADDROF_LVAL", "operator & requires an lvalue");
	if (n->a->kind == N_MEMBER && n->a->mem.bit_size != 0)
		comp_error(s->c, n->line, "D_ADDROF_BITFIELD",
		    "cannot take the address of a bit-field");
	n->type = type_ptr(s->c->types, n->a->type);
	n->user = n->a->user;
}

static void
cook_unary(struct sema *s, struct node *n)
{
	if (n->op == P_INC || n->op == P_DEC) {
		cook_incdec(s, n);
		return;
	}
	cook(s, n->a);
	check_dynamic(s, n->a, n->op);
	if (n->op == '*') {
		cook_deref(s, n);
	} else if (n->op == '&') {
		cook_address(s, n);
	} else if (n->op == '!') {
		need_scalar(s, n->a, n->op, false);
		n->type = s->c->types->t_int;
	} else {
		if (!type_is_int(n->a->type))
			comp_error(s->c, n->line, n->op == '~' ? "D_OP_INT" : "D_OP_ARITH",
			    "operator %s requires an operand of %s type", op_name(n->op),
			    n->op == '~' ? "integral" : "arithmetic");
		n->type = promoted(s, n->a->type);
	}
	fold_constant(s, n);
}

/* --- the rest ---------------------------------------------------------------------------------- */

static bool
is_void(const struct node *n)
{
	return (type_resolve(n->type)->kind == TY_VOID);
}

static void
cook_cond(struct sema *s, struct node *n)
{
	cook(s, n->a);
	need_scalar(s, n->a, '?', false);
	cook(s, n->b);
	cook(s, n->c);
	if (type_is_int(n->b->type) && type_is_int(n->c->type)) {
		n->type = common(s, n->b->type, n->c->type);
	} else if (type_is_strlike(n->b->type) && type_is_strlike(n->c->type)) {
		n->type = type_is_string(n->b->type) ? n->b->type : type_is_string(n->c->type) ?
		    n->c->type : decayed(s, n->b->type);
	} else if (type_is_ptr(n->b->type) && type_is_ptr(n->c->type) &&
	    comparable_pointers(decayed(s, n->b->type), decayed(s, n->c->type))) {
		n->type = decayed(s, n->b->type);
	} else if (type_is_ptr(n->b->type) && type_is_int(n->c->type)) {
		n->type = decayed(s, n->b->type);
	} else if (type_is_int(n->b->type) && type_is_ptr(n->c->type)) {
		n->type = decayed(s, n->c->type);
	} else if (type_same(n->b->type, n->c->type) && !is_void(n->b)) {
		n->type = n->b->type;
	} else {
		comp_error(s->c, n->line, "D_OP_INCOMPAT",
		    "operator ?: operands must have compatible types");
	}
	n->strmax = n->b->strmax > n->c->strmax ? n->b->strmax : n->c->strmax;
	if (n->b->strmax == 0 || n->c->strmax == 0)
		n->strmax = 0;
	if (n->a->kind == N_INT)
		fold_constant(s, n);
}

static void
cook_cast(struct sema *s, struct node *n)
{
	struct type *to = type_resolve(n->tref);

	cook(s, n->a);
	n->type = n->tref;
	n->user = n->a->user;
	if (to->kind == TY_STRING) {
		if (!type_is_strlike(n->a->type) && !type_is_ptr(n->a->type) &&
		    (!type_is_int(n->a->type) || !n->post))
			comp_error(s->c, n->line, n->post ? "D_STRINGOF_TYPE" : "D_CAST_INVAL",
			    n->post ? "cannot apply stringof to a value of type %s" :
			    "cannot cast value of type %s to string", tn(s, n->a));
		n->strmax = n->a->strmax;
		return;
	}
	if (to->kind == TY_VOID)
		return;
	if (!type_is_scalar(to) || !(type_is_scalar(n->a->type) || type_is_ptr(n->a->type) ||
	    (type_is_strlike(n->a->type) && to->kind == TY_PTR)))
		comp_error(s->c, n->line, "D_CAST_INVAL",
		    "invalid cast expression: \"%s\" to \"%s\"", tn(s, n->a),
		    type_name(s->c->types, n->tref));
	fold_constant(s, n);
}

static void
cook_sizeof(struct sema *s, struct node *n)
{
	struct type *t = n->tref, *r;

	if (t == NULL) {
		cook(s, n->a);
		t = n->a->type;
		if (n->a->kind == N_MEMBER && n->a->mem.bit_size != 0)
			comp_error(s->c, n->line, "D_SIZEOF_BITFIELD",
			    "cannot apply sizeof to a bit-field");
	}
	r = type_resolve(t);
	if (r->kind == TY_VOID || r->kind == TY_FUNC || r->incomplete || r->kind == TY_DYN)
		comp_error(s->c, n->line, "D_SIZEOF_TYPE",
		    "cannot apply sizeof to an operand of type \"%s\"", type_name(s->c->types, t));
	n->kind = N_INT;
	n->val = type_size(t);
	n->type = s->c->types->t_ulong;
}

static void
cook_offsetof(struct sema *s, struct node *n)
{
	struct member m;

	if (!type_is_agg(n->tref))
		comp_error(s->c, n->line, "D_OFFSETOF_TYPE",
		    "offsetof operand must be a struct or union type");
	if (!type_member(s->c->types, n->tref, n->name, &m))
		comp_error(s->c, n->line, "D_TYPE_MEMBER", "%s is not a member of %s", n->name,
		    type_name(s->c->types, n->tref));
	if (m.bit_size != 0)
		comp_error(s->c, n->line, "D_OFFSETOF_BITFIELD",
		    "cannot take the offset of a bit-field: %s", n->name);
	n->kind = N_INT;
	n->val = m.bit_off / 8;
	n->type = s->c->types->t_ulong;
}

/* a[i] of a pointer or an array. */
static void
cook_subscript(struct sema *s, struct node *n)
{
	struct type *t = type_resolve(n->a->type), *elem;
	int64_t i;

	if (t->kind != TY_PTR && t->kind != TY_ARRAY)
		comp_error(s->c, n->line, "D_ARR_BADREF",
		    "array subscript requires an operand of array or pointer type");
	if (n->args == NULL || n->args->next != NULL)
		comp_error(s->c, n->line, "D_PROTO_LEN",
		    "array subscript prototype mismatch: %u args passed, 1 expected",
		    list_length(n->args));
	cook(s, n->args);
	if (!type_is_int(n->args->type))
		comp_error(s->c, n->line, "D_ARR_IDXTYPE",
		    "operator [ ] requires an index of integral type");
	elem = type_resolve(t->ref);
	if (elem->kind == TY_VOID || elem->kind == TY_FUNC || elem->incomplete)
		comp_error(s->c, n->line, "D_DEREF_VOID", "cannot dereference pointer to void");
	if (t->kind == TY_ARRAY && t->count > 0 && node_constant(s->c, n->args, &i) &&
	    (i < 0 || i >= t->count))
		comp_error(s->c, n->line, "D_ARR_BOUNDS",
		    "index outside array bounds: %lld, max is %u", (long long)i, t->count - 1);
	n->b = n->args;
	n->args = NULL;
	n->type = t->ref;
	n->lval = true;
	n->user = n->a->user;
}

static void
cook_index(struct sema *s, struct node *n)
{
	if (n->a->kind == N_IDENT) {
		cook_name(s, n); /* an array by name takes its arguments itself */
		if (n->type != NULL || n->kind != N_INDEX)
			return;
	} else {
		cook(s, n->a);
	}
	cook_subscript(s, n);
}

/* Member names that kernels changed: what is asked for, what else it may be called. */
static const char *const renamed[][2] = {{"state", "__state"}, {"__state", "state"},
    {"bi_disk", "bi_bdev"}, {"bi_bdev", "bi_disk"}, {"real_start_time", "start_boottime"},
    {"start_boottime", "real_start_time"}, {"rq_disk", "q"}};

static bool
find_member(struct sema *s, struct type *t, struct node *n)
{
	if (type_member(s->c->types, t, n->name, &n->mem))
		return (true);
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (strcmp(renamed[i][0], n->name) == 0 &&
		    type_member(s->c->types, t, renamed[i][1], &n->mem))
			return (true);
	return (false);
}

static struct translator *
find_translator(struct sema *s, struct type *out, struct type *in)
{
	struct idents *ids = s->c->ids;

	for (unsigned i = ids->nxlators; i-- > 0;)
		if (type_same(ids->xlators[i]->out, out) && type_same(ids->xlators[i]->in, in))
			return (ids->xlators[i]);
	return (NULL);
}

/* Put the input in the place of the translator's parameter. */
static void
bind_param(struct node *n, const char *param, const struct node *input, struct comp *c)
{
	for (; n != NULL; n = n->next) {
		if (n->kind == N_IDENT && n->op == 0 && strcmp(n->name, param) == 0) {
			struct node *next = n->next, *copy = node_copy(c, input);

			*n = *copy;
			n->next = next;
			continue;
		}
		bind_param(n->a, param, input, c);
		bind_param(n->b, param, input, c);
		bind_param(n->c, param, input, c);
		bind_param(n->args, param, input, c);
	}
}

/* The translator of an xlate node, from the raw type of its operand. */
static struct translator *
translator_of(struct sema *s, struct node *x)
{
	struct type *out = type_resolve(x->tref);
	struct translator *t;

	if (out->kind == TY_PTR)
		out = type_resolve(out->ref);
	if (x->a->type == NULL)
		cook(s, x->a);
	t = find_translator(s, out, x->a->type);
	if (t == NULL)
		comp_error(s->c, x->line, "D_XLATE_NONE",
		    "translator does not exist from type \"%s\" to type \"%s\"", tn(s, x->a),
		    type_name(s->c->types, x->tref));
	return (t);
}

/* xlate<T>(e).m: the expression of that member, with e for its parameter. */
static void
cook_translated(struct sema *s, struct node *n, struct node *x)
{
	struct translator *t = translator_of(s, x);
	struct member m;

	if (!type_member(s->c->types, t->out, n->name, &m))
		comp_error(s->c, n->line, "D_TYPE_MEMBER", "%s is not a member of %s", n->name,
		    type_name(s->c->types, t->out));
	if (++s->nxlate > 16)
		comp_error(s->c, n->line, "D_XLATE_MEMB", "translators are nested too deeply");
	for (unsigned i = 0; i < t->nmembers; i++) {
		struct node *e, *cast, *next = n->next;

		if (strcmp(t->members[i].name, n->name) != 0)
			continue;
		e = node_copy(s->c, t->members[i].expr);
		bind_param(e, t->param, x->a, s->c);
		cook(s, e);
		cast = e;
		if (type_is_scalar(m.type) && type_is_scalar(e->type) &&
		    !type_same(m.type, e->type))
			cast = make_cast(s, e, m.type);
		*n = *cast;
		n->next = next;
		n->lval = false;
		s->nxlate--;
		return;
	}
	comp_error(s->c, n->line, "D_XLATE_INCOMPAT",
	    "translator does not define conversion for member: %s", n->name);
}

static struct node *
as_xlate(struct node *n)
{
	return (n->kind == N_XLATE ? n : NULL);
}

static void
cook_member(struct sema *s, struct node *n)
{
	struct node *x;
	struct type *t;

	cook(s, n->a);
	if ((x = as_xlate(n->a)) != NULL) {
		cook_translated(s, n, x);
		return;
	}
	t = type_resolve(n->a->type);
	if (n->op == P_ARROW) {
		if (t->kind != TY_PTR && t->kind != TY_ARRAY)
			comp_error(s->c, n->line, "D_OP_PTR",
			    "operator -> must be applied to a pointer");
		t = type_resolve(t->ref);
	}
	if (t->kind != TY_STRUCT && t->kind != TY_UNION)
		comp_error(s->c, n->line, "D_OP_SOU",
		    "operator %s cannot be applied to %stype \"%s\"; must be applied to %s"
		    "struct or union", op_name(n->op), n->op == P_ARROW ? "pointer to " : "",
		    type_name(s->c->types, t), n->op == P_ARROW ? "pointer to " : "a ");
	if (t->incomplete)
		comp_error(s->c, n->line, "D_OP_INCOMPLETE",
		    "operator %s cannot be applied to a forward declaration: no %s definition is "
		    "available", op_name(n->op), type_name(s->c->types, t));
	if (!find_member(s, t, n))
		comp_error(s->c, n->line, "D_TYPE_MEMBER", "%s is not a member of %s", n->name,
		    type_name(s->c->types, t));
	n->type = n->mem.type;
	n->lval = n->op == P_ARROW || n->a->lval;
	n->user = n->a->user;
}

static void
cook_string(struct sema *s, struct node *n)
{
	n->type = s->c->types->t_string;
	n->strmax = (uint32_t)n->len + 1;
}

static void
cook_kind(struct sema *s, struct node *n)
{
	switch (n->kind) {
	case N_INT:
		break;
	case N_STR:
		cook_string(s, n);
		break;
	case N_IDENT:
		cook_name(s, n);
		break;
	case N_AGG:
		comp_error(s->c, n->line, "D_AGG_NULL", "expression is not valid: aggregation @%s "
		    "may only be assigned to, or passed to an action", n->name);
	case N_CALL:
		cook_call(s, n);
		break;
	case N_UNARY:
		cook_unary(s, n);
		break;
	case N_BINARY:
		cook_binary(s, n);
		break;
	case N_COND:
		cook_cond(s, n);
		break;
	case N_ASSIGN:
		cook_assign(s, n);
		break;
	case N_INDEX:
		cook_index(s, n);
		break;
	case N_MEMBER:
		cook_member(s, n);
		break;
	case N_CAST:
		cook_cast(s, n);
		break;
	case N_SIZEOF:
		cook_sizeof(s, n);
		break;
	case N_OFFSETOF:
		cook_offsetof(s, n);
		break;
	case N_XLATE:
		(void)translator_of(s, n);
		n->type = n->tref;
		break;
	case N_COMMA:
		cook(s, n->a);
		cook(s, n->b);
		n->type = n->b->type;
		n->strmax = n->b->strmax;
		break;
	default:
		break;
	}
}

void
cook(struct sema *s, struct node *n)
{
	if (n->type != NULL && n->kind != N_INT)
		return; /* shared by a translator: done */
	if (++s->c->depth > COOK_DEPTH)
		comp_error(s->c, n->line, "D_SYNTAX", "expression is nested too deeply");
	s->c->line = n->line;
	s->c->col = n->col;
	cook_kind(s, n);
	s->c->depth--;
	if (n->type == NULL)
		comp_error(s->c, n->line, "D_UNKNOWN", "expression has no type");
	if (type_is_string(n->type) && (n->strmax == 0 || n->strmax > s->c->types->strsize))
		n->strmax = (uint32_t)s->c->types->strsize;
}

/* --- statements and the clause ----------------------------------------------------------------- */

static void
cook_statement(struct sema *s, struct node *n);

static void
cook_list(struct sema *s, struct node *n)
{
	for (; n != NULL; n = n->next)
		cook_statement(s, n);
}

static uint32_t
add_guard(struct sema *s)
{
	uint32_t off = (s->u->rec_size + 3) & ~3u;

	s->u->rec_size = off + 4;
	return (off);
}

static void
cook_if(struct sema *s, struct node *n)
{
	int32_t outer = s->guard;
	unsigned acts = s->u->nacts;

	cook(s, n->a);
	need_scalar(s, n->a, '?', false);
	s->guard = (int32_t)add_guard(s);
	n->aux = (uint32_t)s->guard;
	s->segment = ++s->u->nsegments;
	cook_statement(s, n->b);
	if (n->c != NULL) {
		s->guard = (int32_t)add_guard(s);
		n->tmp = (uint32_t)s->guard;
		s->segment = ++s->u->nsegments;
		cook_statement(s, n->c);
	}
	s->guard = outer;
	s->segment = ++s->u->nsegments;
	n->post = s->u->nacts != acts; /* some record depends on it */
}

static void
cook_statement(struct sema *s, struct node *n)
{
	if (n == NULL)
		return;
	if (++s->c->depth > COMP_DEPTH)
		comp_error(s->c, n->line, "D_SYNTAX", "program is nested too deeply");
	s->c->line = n->line;
	s->c->col = n->col;
	if (n->kind != N_IF && n->kind != N_BLOCK)
		s->tmp = 0;
	if (n->kind == N_IF)
		cook_if(s, n);
	else if (n->kind == N_BLOCK)
		cook_list(s, n->a);
	else if (n->kind == N_COMMA) {
		cook_statement(s, n->a);
		cook_statement(s, n->b);
	} else if (n->kind != N_CALL || !cook_action(s, n)) {
		cook(s, n);
		if ((n->kind == N_IDENT || n->kind == N_INT || n->kind == N_STR) && !n->paren)
			comp_error(s->c, n->line, "D_EXPR_NULL", "expression has null effect");
	}
	s->c->depth--;
}

static void
cook_predicate(struct sema *s, struct node *pred)
{
	s->c->region = REGION_PRED;
	s->tmp = 0;
	cook(s, pred);
	if (!type_is_scalar(pred->type) && !type_is_strlike(pred->type))
		comp_error(s->c, pred->line, "D_PRED_SCALAR",
		    "predicate result must be of scalar type");
	s->c->region = REGION_NONE;
}

struct unit *
sema_unit(struct sema *s, const struct clause *cl, unsigned id)
{
	struct unit *u = arena_alloc(s->c, sizeof(*u));

	u->cl = cl;
	u->id = id;
	u->pred = node_copy(s->c, cl->pred);
	u->stmts = node_copy(s->c, cl->stmts);
	s->u = u;
	s->guard = -1;
	s->segment = 0;
	s->nxlate = 0;
	s->c->depth = 0;
	s->c->line = cl->line;
	if (u->pred != NULL)
		cook_predicate(s, u->pred);
	s->c->region = REGION_ACTIONS;
	cook_list(s, u->stmts);
	s->c->region = REGION_NONE;
	if (cl->stmts == NULL)
		u->datarec = u->default_action = true;
	return (u);
}

/* --- storage ----------------------------------------------------------------------------------- */

static uint32_t
key_part_size(struct type *t, uint32_t have)
{
	uint64_t n = type_size(t);

	return (have != 0 ? have : (uint32_t)n);
}

static void
layout_keys(struct ident *id)
{
	uint32_t off = id->scope == SCOPE_SELF && id->kind == ID_VAR ? 8 : 0;

	for (unsigned i = 0; i < id->nkeys; i++) {
		struct key_part *k = &id->keys[i];

		k->size = (key_part_size(k->type, k->size) + 7) & ~7u;
		k->off = off;
		off += k->size;
	}
	id->key_size = off;
}

void
sema_layout(struct comp *c, uint32_t *globals, uint32_t *locals)
{
	*globals = *locals = 0;
	for (unsigned i = 0; i < c->ids->nvars; i++) {
		struct ident *id = c->ids->vars[i];
		uint32_t *area = id->scope == SCOPE_THIS ? locals : globals, n;

		layout_keys(id);
		if (id->assoc || id->scope == SCOPE_SELF)
			continue;
		n = ((uint32_t)type_size(id->type) + 7) & ~7u;
		if (type_size(id->type) > (1u << 20) || *area > (1u << 20))
			comp_error(c, id->line, "D_DECL_INCOMPLETE", "variable is too large: %s",
			    id->name);
		id->off = *area;
		*area += n != 0 ? n : 8;
	}
	for (unsigned i = 0; i < c->ids->naggs; i++)
		layout_keys(c->ids->aggs[i]);
}
