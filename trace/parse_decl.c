/* SPDX-License-Identifier: MIT */
/* The parser of declarations: C's, with D's storage classes, associative arrays, inlines, translators. */
#include <string.h>

#include "ast.h"

/* What was said in front of a declarator. */
struct specs {
	int storage; /* K_TYPEDEF, K_SELF, K_THIS, K_EXTERN, K_STATIC or -1 */
	struct type *type;
	bool any;
};

static const uint8_t type_keys[] = {K_CHAR, K_CONST, K_DOUBLE, K_ENUM, K_FLOAT, K_INT, K_LONG,
    K_RESTRICT, K_SHORT, K_SIGNED, K_STRING, K_STRUCT, K_UNION, K_UNSIGNED, K_USERLAND, K_VOID,
    K_VOLATILE};

static bool
is_type_key(int key)
{
	return (memchr(type_keys, key, sizeof(type_keys)) != NULL);
}

static bool
is_variable(struct parser *ps, const char *name)
{
	return (ident_find(ps->c->ids, SCOPE_GLOBAL, name) != NULL || builtin_find(name) != NULL ||
	    func_find(name) != NULL);
}

/* `uint32_t)`: a typedef of D's own always; one of the kernel's where the next token fits a type. */
bool
parse_at_type(struct parser *ps)
{
	const struct token *t = &ps->lx.tok;
	struct token next;

	if (t->kind == T_KEY)
		return (is_type_key(t->op));
	if (t->kind != T_IDENT)
		return (false);
	if (is_variable(ps, t->text))
		return (false);
	if (type_typedef_known(ps->c->types, t->text) != NULL)
		return (true);
	next = lex_peek(&ps->lx);
	if (next.kind != T_PUNCT || (next.op != ')' && next.op != '*' && next.op != ',' &&
	    next.op != '>' && next.op != '['))
		return (false);
	return (type_typedef(ps->c->types, t->text) != NULL);
}

/* --- struct, union, enum ----------------------------------------------------------------------- */

static struct type *declarator(struct parser *ps, struct type *base, const char **name);
static struct specs specifiers(struct parser *ps);

static void
place_member(struct parser *ps, struct type *t, struct member *m, uint64_t *bits)
{
	uint64_t size = type_size(m->type), align = type_align(m->type) * 8ULL;

	if (t->kind == TY_UNION) {
		m->bit_off = 0;
		if (size > t->size)
			t->size = size;
		return;
	}
	if (m->bit_size != 0) {
		if (*bits / (size * 8) != (*bits + m->bit_size - 1) / (size * 8))
			*bits = (*bits + size * 8 - 1) / (size * 8) * (size * 8);
		m->bit_off = (uint32_t)*bits;
		*bits += m->bit_size;
		return;
	}
	*bits = (*bits + align - 1) / align * align;
	m->bit_off = (uint32_t)*bits;
	*bits += size * 8;
	if (*bits > (1ull << 31))
		comp_error(ps->c, 0, "D_DECL_INCOMPLETE", "%s is too large", type_name(ps->c->types, t));
}

static void
bit_field(struct parser *ps, struct member *m)
{
	int64_t n = parse_constant(ps);

	if (!type_is_int(m->type))
		comp_error(ps->c, 0, "D_DECL_BFTYPE", "invalid type for bit-field: %s", m->name);
	if (n <= 0 || (uint64_t)n > type_size(m->type) * 8)
		comp_error(ps->c, 0, "D_DECL_BFSIZE",
		    "bit-field size is zero, negative or larger than its type: %s", m->name);
	m->bit_size = (uint32_t)n;
}

static bool
has_member(struct type *t, const char *name)
{
	for (unsigned i = 0; i < t->nmembers; i++)
		if (name[0] != '\0' && strcmp(t->members[i].name, name) == 0)
			return (true);
	return (false);
}

static void
check_member(struct parser *ps, struct type *t, const struct member *m)
{
	struct type *r = type_resolve(m->type);

	if (has_member(t, m->name))
		comp_error(ps->c, 0, "D_DECL_SCOPE", "%s member %s is already defined",
		    type_name(ps->c->types, t), m->name);
	if (r->kind == TY_VOID)
		comp_error(ps->c, 0, "D_DECL_VOIDOBJ", "cannot have void member: %s", m->name);
	if (r->kind == TY_DYN)
		comp_error(ps->c, 0, "D_DECL_DYNOBJ", "cannot have dynamic member: %s", m->name);
	if ((r->incomplete || r == type_resolve(t)) && r->kind != TY_PTR)
		comp_error(ps->c, 0, "D_DECL_INCOMPLETE", "incomplete struct/union/enum %s: %s",
		    type_name(ps->c->types, m->type), m->name);
}

static void
member_declaration(struct parser *ps, struct type *t, uint64_t *bits)
{
	struct specs sp = specifiers(ps);

	if (!sp.any)
		lex_syntax(&ps->lx);
	do {
		struct member m = {"", sp.type, 0, 0};

		if (!lex_is(&ps->lx, ';') && !lex_is(&ps->lx, ':'))
			m.type = declarator(ps, sp.type, &m.name);
		if (parse_accept(ps, ':'))
			bit_field(ps, &m);
		check_member(ps, t, &m);
		place_member(ps, t, &m, bits);
		*VEC_ADD(ps->c, t->members, t->nmembers) = m;
	} while (parse_accept(ps, ','));
	parse_expect(ps, ';');
}

static void
struct_body(struct parser *ps, struct type *t)
{
	uint64_t bits = 0, align;

	if (t->loaded || t->btf_id != 0)
		comp_error(ps->c, 0, "D_DECL_TYPERED", "%s redeclared", type_name(ps->c->types, t));
	t->incomplete = true;
	while (!lex_is(&ps->lx, '}'))
		member_declaration(ps, t, &bits);
	lex_next(&ps->lx);
	t->align = 0;
	align = type_align(t);
	t->size = ((t->kind == TY_UNION ? t->size : (bits + 7) / 8) + align - 1) / align * align;
	t->align = (uint32_t)align;
	t->incomplete = false;
	t->loaded = true;
}

static struct type *
struct_specifier(struct parser *ps, enum tykind kind)
{
	struct types *ts = ps->c->types;
	const char *tag = NULL;
	struct type *t = NULL;
	bool body;

	lex_next(&ps->lx);
	if (ps->lx.tok.kind == T_IDENT)
		tag = parse_name(ps);
	body = lex_is(&ps->lx, '{');
	if (tag == NULL && !body)
		lex_syntax(&ps->lx);
	if (tag != NULL)
		t = body ? type_tag_known(ts, kind, tag) : type_tag(ts, kind, tag);
	if (t == NULL) {
		t = type_new(ts, kind, tag);
		t->incomplete = true;
		if (tag != NULL)
			type_add_tag(ts, t);
	}
	if (body) {
		lex_next(&ps->lx);
		parse_enter(ps);
		struct_body(ps, t);
		parse_leave(ps);
	}
	return (t);
}

static void
enum_body(struct parser *ps, struct type *t)
{
	int64_t next = 0;

	do {
		struct enumerator e;

		if (lex_is(&ps->lx, '}'))
			break;
		e.name = parse_name(ps);
		if (parse_accept(ps, '='))
			next = parse_constant(ps);
		e.value = next++;
		*VEC_ADD(ps->c, t->enums, t->nenums) = e;
		for (unsigned i = 0; i < ps->c->types->nenumerators; i++)
			if (strcmp(ps->c->types->enumerators[i].name, e.name) == 0)
				comp_error(ps->c, 0, "D_DECL_IDRED", "identifier redeclared: %s",
				    e.name);
		*VEC_ADD(ps->c, ps->c->types->enumerators, ps->c->types->nenumerators) =
		    (struct named_type){e.name, t};
	} while (parse_accept(ps, ','));
	parse_expect(ps, '}');
}

static struct type *
enum_specifier(struct parser *ps)
{
	struct types *ts = ps->c->types;
	const char *tag = NULL;
	struct type *t = NULL;

	lex_next(&ps->lx);
	if (ps->lx.tok.kind == T_IDENT)
		tag = parse_name(ps);
	if (!lex_is(&ps->lx, '{')) {
		if (tag == NULL)
			lex_syntax(&ps->lx);
		if ((t = type_tag(ts, TY_ENUM, tag)) == NULL)
			comp_error(ps->c, 0, "D_DECL_INCOMPLETE",
			    "incomplete struct/union/enum enum %s", tag);
		return (t);
	}
	t = type_new(ts, TY_ENUM, tag);
	t->size = 4;
	t->is_signed = true;
	t->loaded = true;
	if (tag != NULL)
		type_add_tag(ts, t);
	lex_next(&ps->lx);
	enum_body(ps, t);
	return (t);
}

/* --- specifiers and declarators ---------------------------------------------------------------- */

struct words {
	int n[K_COUNT];
};

static struct type *
combine(struct parser *ps, const struct words *w)
{
	struct types *ts = ps->c->types;
	bool u = w->n[K_UNSIGNED] > 0, s = w->n[K_SIGNED] > 0;
	int longs = w->n[K_LONG];

	if ((u && s) || longs > 2 || w->n[K_SHORT] > 1 || (longs > 0 && w->n[K_SHORT] > 0) ||
	    w->n[K_UNSIGNED] > 1 || w->n[K_SIGNED] > 1)
		comp_error(ps->c, 0, "D_DECL_COMBO", "invalid type combination");
	if (w->n[K_VOID] > 0 || w->n[K_STRING] > 0 || w->n[K_FLOAT] > 0) {
		if (u || s || longs > 0 || w->n[K_SHORT] > 0)
			comp_error(ps->c, 0, "D_DECL_ATTR", "invalid type attributes");
		return (w->n[K_VOID] > 0 ? ts->t_void : w->n[K_STRING] > 0 ? ts->t_string :
		    ts->t_float);
	}
	if (w->n[K_DOUBLE] > 0)
		return (longs > 0 ? ts->t_ldouble : ts->t_double);
	if (w->n[K_CHAR] > 0) {
		if (longs > 0 || w->n[K_SHORT] > 0)
			comp_error(ps->c, 0, "D_DECL_CHARATTR", "invalid attributes for char type");
		return (u ? ts->t_uchar : s ? ts->t_schar : ts->t_char);
	}
	if (w->n[K_SHORT] > 0)
		return (u ? ts->t_ushort : ts->t_short);
	if (longs == 2)
		return (u ? ts->t_ullong : ts->t_llong);
	if (longs == 1)
		return (u ? ts->t_ulong : ts->t_long);
	return (u ? ts->t_uint : ts->t_int);
}

/* One keyword of a specifier list; false: it is not one. */
static bool
specifier_key(struct parser *ps, struct specs *sp, struct words *w)
{
	int key = ps->lx.tok.op;

	if (key == K_STRUCT || key == K_UNION) {
		sp->type = struct_specifier(ps, key == K_STRUCT ? TY_STRUCT : TY_UNION);
		sp->any = true;
		return (true);
	}
	if (key == K_ENUM) {
		sp->type = enum_specifier(ps);
		sp->any = true;
		return (true);
	}
	if (key == K_TYPEDEF || key == K_SELF || key == K_THIS || key == K_EXTERN ||
	    key == K_STATIC || key == K_REGISTER || key == K_AUTO) {
		if (sp->storage >= 0)
			comp_error(ps->c, 0, "D_DECL_COMBO",
			    "only one storage class allowed in declaration");
		sp->storage = key;
	} else if (!is_type_key(key)) {
		return (false);
	} else if (key != K_CONST && key != K_VOLATILE && key != K_RESTRICT && key != K_USERLAND) {
		w->n[key]++;
		sp->any = true;
	}
	lex_next(&ps->lx);
	return (true);
}

static struct specs
specifiers(struct parser *ps)
{
	struct specs sp = {-1, NULL, false};
	struct words w = {{0}};

	for (;;) {
		const struct token *t = &ps->lx.tok;

		if (t->kind == T_KEY) {
			if (!specifier_key(ps, &sp, &w))
				break;
		} else if (t->kind == T_IDENT && !sp.any) {
			struct type *td = type_typedef(ps->c->types, t->text);

			if (td == NULL)
				break;
			sp.type = td;
			sp.any = true;
			lex_next(&ps->lx);
		} else {
			break;
		}
	}
	if (sp.type == NULL)
		sp.type = combine(ps, &w);
	return (sp);
}

static struct type *
array_suffix(struct parser *ps, struct type *base)
{
	int64_t n;

	if (!lex_is(&ps->lx, '['))
		return (base);
	lex_next(&ps->lx);
	if (parse_accept(ps, ']'))
		n = 0;
	else {
		n = parse_constant(ps);
		parse_expect(ps, ']');
	}
	if (n < 0 || n > INT32_MAX)
		comp_error(ps->c, 0, "D_DECL_ARRSUB", "array size must be a positive integer");
	parse_enter(ps);
	base = array_suffix(ps, base);
	parse_leave(ps);
	return (type_array(ps->c->types, base, (uint32_t)n));
}

/* Parameters are counted, their types forgotten: D calls no C function. */
static void
skip_parameters(struct parser *ps)
{
	int depth = 1;

	while (depth > 0) {
		if (ps->lx.tok.kind == T_EOF)
			lex_syntax(&ps->lx);
		depth += lex_is(&ps->lx, '(') - lex_is(&ps->lx, ')');
		lex_next(&ps->lx);
	}
}

static struct type *
function_type(struct parser *ps, struct type *ret)
{
	struct type *t = type_new(ps->c->types, TY_FUNC, NULL);

	t->ref = ret;
	skip_parameters(ps);
	return (t);
}

static struct type *
declarator(struct parser *ps, struct type *base, const char **name)
{
	bool pointer_to_function = false;

	while (lex_is(&ps->lx, '*') || lex_is_key(&ps->lx, K_CONST) ||
	    lex_is_key(&ps->lx, K_VOLATILE) || lex_is_key(&ps->lx, K_RESTRICT)) {
		if (lex_is(&ps->lx, '*'))
			base = type_ptr(ps->c->types, base);
		lex_next(&ps->lx);
	}
	if (lex_is(&ps->lx, '(')) {
		lex_next(&ps->lx);
		parse_expect(ps, '*');
		pointer_to_function = true;
	}
	*name = "";
	if (ps->lx.tok.kind == T_IDENT)
		*name = parse_name(ps);
	if (pointer_to_function) {
		parse_expect(ps, ')');
		parse_expect(ps, '(');
		return (type_ptr(ps->c->types, function_type(ps, base)));
	}
	return (array_suffix(ps, base));
}

struct type *
parse_parameter(struct parser *ps, const char **name)
{
	struct specs sp = specifiers(ps);

	if (!sp.any)
		lex_syntax(&ps->lx);
	if (sp.storage >= 0)
		comp_error(ps->c, 0, "D_DECL_CLASS", "storage class may not be used here");
	return (declarator(ps, sp.type, name));
}

struct type *
parse_typed_name(struct parser *ps, const char **name)
{
	struct specs sp = specifiers(ps);
	struct type *t = sp.type;

	if (!sp.any)
		lex_syntax(&ps->lx);
	while (parse_accept(ps, '*'))
		t = type_ptr(ps->c->types, t);
	*name = parse_name(ps);
	return (t);
}

struct type *
parse_type_name(struct parser *ps)
{
	const char *name;
	struct type *t = parse_parameter(ps, &name);

	if (name[0] != '\0')
		lex_syntax(&ps->lx);
	return (t);
}

int64_t
parse_constant(struct parser *ps)
{
	struct node *n = parse_assign(ps);
	int64_t v;

	if (!node_constant(ps->c, n, &v))
		comp_error(ps->c, n->line, "D_SYNTAX", "constant expression expected");
	return (v);
}

/* --- variables --------------------------------------------------------------------------------- */

/* `[int, string]` behind a name: the types of a key. False when it is C's array size instead. */
static bool
key_types(struct parser *ps, struct ident *id)
{
	struct token next = lex_peek(&ps->lx);

	if (!lex_is(&ps->lx, '[') || next.kind == T_INT)
		return (false);
	if (next.kind == T_PUNCT && next.op == ']')
		comp_error(ps->c, 0, "D_DECL_ARRNULL", "array declaration requires array dimension or "
		    "tuple signature");
	lex_next(&ps->lx);
	if (!parse_at_type(ps) && type_typedef(ps->c->types, ps->lx.tok.text) == NULL)
		return (false);
	do {
		struct key_part *k = VEC_ADD(ps->c, id->keys, id->nkeys);

		k->type = parse_type_name(ps);
		if (type_resolve(k->type)->kind == TY_VOID)
			comp_error(ps->c, 0, "D_DECL_VOIDOBJ", "void parameter in tuple");
	} while (parse_accept(ps, ','));
	parse_expect(ps, ']');
	id->assoc = id->keys_known = true;
	return (true);
}

static void
check_redeclaration(struct parser *ps, const char *name, enum scope s)
{
	if (ident_find(ps->c->ids, s, name) != NULL ||
	    (s == SCOPE_GLOBAL && (builtin_find(name) != NULL || func_find(name) != NULL)))
		comp_error(ps->c, 0, "D_DECL_IDRED", "identifier redeclared: %s", name);
}

static void
check_variable_type(struct parser *ps, struct type *t, const char *name)
{
	struct type *r = type_resolve(t);

	if (r->kind == TY_VOID)
		comp_error(ps->c, 0, "D_DECL_VOIDOBJ", "cannot declare void object: %s", name);
	if (r->kind == TY_FLOAT)
		comp_error(ps->c, 0, "D_DECL_BADCLASS",
		    "floating-point variables are not permitted: %s", name);
	if (r->incomplete)
		comp_error(ps->c, 0, "D_DECL_INCOMPLETE", "incomplete struct/union/enum %s: %s",
		    type_name(ps->c->types, t), name);
}

static void
declare_variable(struct parser *ps, int storage, struct type *base)
{
	enum scope s = storage == K_SELF ? SCOPE_SELF : storage == K_THIS ? SCOPE_THIS :
	    SCOPE_GLOBAL;
	struct type *t = base;
	struct ident *id;
	const char *name;

	while (lex_is(&ps->lx, '*')) {
		t = type_ptr(ps->c->types, t);
		lex_next(&ps->lx);
	}
	if (lex_is(&ps->lx, '(')) {
		t = declarator(ps, t, &name);
	} else {
		name = parse_name(ps);
	}
	check_redeclaration(ps, name, s);
	id = ident_new(ps->c->ids, s, ID_VAR, name);
	id->declared = true;
	if (!key_types(ps, id))
		t = array_suffix(ps, t);
	check_variable_type(ps, t, name);
	if (type_resolve(t)->kind == TY_ARRAY && id->assoc)
		comp_error(ps->c, 0, "D_DECL_ARRSUB", "arrays may not be values of an associative "
		    "array");
	id->type = t;
}

static void
declare_typedef(struct parser *ps, struct type *base)
{
	const char *name;
	struct type *t = declarator(ps, base, &name);

	if (name[0] == '\0')
		comp_error(ps->c, 0, "D_DECL_USELESS", "typedef without a name");
	for (unsigned i = 0; i < ps->c->types->ntypedefs; i++)
		if (strcmp(ps->c->types->typedefs[i].name, name) == 0)
			comp_error(ps->c, 0, "D_DECL_IDRED", "typedef redeclared: %s", name);
	type_add_typedef(ps->c->types, name, t);
}

void
parse_declaration(struct parser *ps)
{
	struct specs sp = specifiers(ps);

	if (!sp.any && ps->lx.tok.kind != T_IDENT)
		lex_syntax(&ps->lx);
	if (parse_accept(ps, ';'))
		return; /* struct foo { ... }; */
	do {
		if (sp.storage == K_TYPEDEF)
			declare_typedef(ps, sp.type);
		else
			declare_variable(ps, sp.storage, sp.type);
	} while (parse_accept(ps, ','));
	parse_expect(ps, ';');
}
