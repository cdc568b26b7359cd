/* SPDX-License-Identifier: MIT */
/*
 * The parser of programs: clauses, declarations, inlines, translators, pragmas.
 *
 * At the outer level D cannot be read without looking: `int*x;` is a declaration and `in*:::` a probe.
 * The rule is DTrace's: a word without any of `: - . ? !` and backquote that names a type begins a
 * declaration, everything else is a probe description; text from the command line has no declarations.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ast.h"

/* --- constants --------------------------------------------------------------------------------- */

static bool
fold(int op, int64_t a, int64_t b, int64_t *v)
{
	uint64_t x = (uint64_t)a, y = (uint64_t)b;

	switch (op) {
	case '+': *v = (int64_t)(x + y); return (true);
	case '-': *v = (int64_t)(x - y); return (true);
	case '*': *v = (int64_t)(x * y); return (true);
	case '&': *v = a & b; return (true);
	case '|': *v = a | b; return (true);
	case '^': *v = a ^ b; return (true);
	case P_SHL: *v = (int64_t)(x << (y & 63)); return (true);
	case P_SHR: *v = a >> (y & 63); return (true);
	case '<': *v = a < b; return (true);
	case '>': *v = a > b; return (true);
	case P_LE: *v = a <= b; return (true);
	case P_GE: *v = a >= b; return (true);
	case P_EQ: *v = a == b; return (true);
	case P_NE: *v = a != b; return (true);
	case P_ANDAND: *v = a != 0 && b != 0; return (true);
	case P_OROR: *v = a != 0 || b != 0; return (true);
	case P_XORXOR: *v = (a != 0) != (b != 0); return (true);
	default: break;
	}
	if ((op != '/' && op != '%') || b == 0 || (a == INT64_MIN && b == -1))
		return (false);
	*v = op == '/' ? a / b : a % b;
	return (true);
}

static bool
constant_name(struct comp *c, const struct node *n, int64_t *v)
{
	struct ident *id = n->op == 0 ? ident_find(c->ids, SCOPE_GLOBAL, n->name) : NULL;
	struct type *t;

	if (n->op != 0)
		return (false);
	if (id != NULL && id->kind == ID_INLINE && id->nparams == 0)
		return (node_constant(c, id->expr, v));
	return (id == NULL && type_enumerator(c->types, n->name, &t, v));
}

static bool
constant_unary(struct comp *c, const struct node *n, int64_t *v)
{
	if (n->op == P_INC || n->op == P_DEC || !node_constant(c, n->a, v))
		return (false);
	switch (n->op) {
	case '-': *v = (int64_t)-(uint64_t)*v; return (true);
	case '~': *v = ~*v; return (true);
	case '!': *v = *v == 0; return (true);
	case '+': return (true);
	default: return (false);
	}
}

static bool
constant(struct comp *c, const struct node *n, int64_t *v)
{
	struct member m;
	int64_t a, b;

	switch (n->kind) {
	case N_INT:
		*v = (int64_t)n->val;
		return (true);
	case N_IDENT:
		return (constant_name(c, n, v));
	case N_UNARY:
		return (constant_unary(c, n, v));
	case N_BINARY:
		return (node_constant(c, n->a, &a) && node_constant(c, n->b, &b) &&
		    fold(n->op, a, b, v));
	case N_COND:
		return (node_constant(c, n->a, &a) && node_constant(c, a != 0 ? n->b : n->c, v));
	case N_CAST:
		return (type_is_int(n->tref) && node_constant(c, n->a, v));
	case N_SIZEOF:
		*v = n->tref != NULL ? (int64_t)type_size(n->tref) : 0;
		return (n->tref != NULL);
	case N_OFFSETOF:
		if (!type_member(c->types, n->tref, n->name, &m))
			return (false);
		*v = m.bit_off / 8;
		return (true);
	default:
		return (false);
	}
}

bool
node_constant(struct comp *c, const struct node *n, int64_t *v)
{
	bool ok;

	if (n == NULL || c->depth > COOK_DEPTH + COMP_DEPTH)
		return (false);
	c->depth++;
	ok = constant(c, n, v);
	c->depth--;
	return (ok);
}

/* --- inline, translator, provider -------------------------------------------------------------- */

static void
inline_parameters(struct parser *ps, struct ident *id)
{
	if (!parse_accept(ps, '['))
		return;
	do {
		struct inline_param *p = VEC_ADD(ps->c, id->params, id->nparams);

		p->type = parse_parameter(ps, &p->name);
	} while (parse_accept(ps, ','));
	parse_expect(ps, ']');
}

static void
parse_inline(struct parser *ps)
{
	struct ident *id;
	struct type *t;
	const char *name;

	lex_next(&ps->lx);
	t = parse_typed_name(ps, &name);
	if (ident_find(ps->c->ids, SCOPE_GLOBAL, name) != NULL || builtin_find(name) != NULL)
		comp_error(ps->c, 0, "D_DECL_IDRED", "identifier redefined: %s", name);
	id = ident_new(ps->c->ids, SCOPE_GLOBAL, ID_INLINE, name);
	id->type = t;
	id->expanding = true; /* its own body does not see it */
	inline_parameters(ps, id);
	parse_expect(ps, '=');
	id->expr = parse_assign(ps);
	id->expanding = false;
	parse_expect(ps, ';');
}

static void
parse_translator(struct parser *ps)
{
	struct translator *x = arena_alloc(ps->c, sizeof(*x));
	struct idents *ids = ps->c->ids;

	lex_next(&ps->lx);
	x->out = parse_type_name(ps);
	parse_expect(ps, '<');
	x->in = parse_parameter(ps, &x->param);
	if (x->param[0] == '\0')
		lex_syntax(&ps->lx);
	parse_expect(ps, '>');
	parse_expect(ps, '{');
	if (!type_is_agg(x->out))
		comp_error(ps->c, 0, "D_XLATE_SOU", "translator output type must be a struct or union");
	while (!lex_is(&ps->lx, '}')) {
		struct xlate_member *m = VEC_ADD(ps->c, x->members, x->nmembers);
		struct member found;

		m->name = parse_name(ps);
		if (!type_member(ps->c->types, x->out, m->name, &found))
			comp_error(ps->c, 0, "D_XLATE_MEMB", "translator member %s definition uses "
			    "unknown member of type \"%s\"", m->name,
			    type_name(ps->c->types, x->out));
		parse_expect(ps, '=');
		m->expr = parse_assign(ps);
		parse_expect(ps, ';');
	}
	lex_next(&ps->lx);
	parse_expect(ps, ';');
	*VEC_ADD(ps->c, ids->xlators, ids->nxlators) = x;
}

/* `provider name { ... };` is for building probes into programs: checked for its shape. */
static void
parse_provider(struct parser *ps)
{
	int depth = 0;

	lex_next(&ps->lx);
	(void)parse_name(ps);
	do {
		if (ps->lx.tok.kind == T_EOF)
			lex_syntax(&ps->lx);
		depth += lex_is(&ps->lx, '{') - lex_is(&ps->lx, '}');
		lex_next(&ps->lx);
	} while (depth > 0);
	parse_expect(ps, ';');
}

/* --- probe descriptions ------------------------------------------------------------------------ */

void
parse_split_pdesc(struct parser *ps, struct pdesc *pd, enum spec_kind kind)
{
	static const int last_field[] = {[SPEC_PROVIDER] = 0, [SPEC_MODULE] = 1,
	    [SPEC_FUNCTION] = 2, [SPEC_NAME] = 3};
	char *s = arena_strdup(ps->c, pd->text), *colon;
	int i = last_field[kind];

	pd->field[0] = pd->field[1] = pd->field[2] = pd->field[3] = "";
	if (pd->text[0] == '\0')
		lex_syntax(&ps->lx);
	while ((colon = strrchr(s, ':')) != NULL) {
		if (i == 0)
			comp_error(ps->c, pd->line, "D_PDESC_INVAL",
			    "overspecified probe description: %s", pd->text);
		pd->field[i--] = colon + 1;
		*colon = '\0';
	}
	pd->field[i] = s;
}

static void
probe_descriptions(struct parser *ps, struct clause *cl)
{
	ps->c->region = REGION_PDESC;
	do {
		struct pdesc *pd = VEC_ADD(ps->c, cl->pdescs, cl->npdescs);
		size_t digits;

		(void)lex_blank(&ps->lx);
		pd->line = ps->lx.line;
		pd->text = lex_pdesc(&ps->lx);
		digits = strspn(pd->text, "0123456789");
		if (pd->text[0] == '\0') {
			lex_next(&ps->lx);
			lex_syntax(&ps->lx);
		}
		pd->field[0] = pd->field[1] = pd->field[2] = pd->field[3] = "";
		if (digits > 0 && digits < 10 && pd->text[digits] == '\0') {
			pd->by_id = (int)strtol(pd->text, NULL, 10);
			if (pd->by_id == 0)
				pd->by_id = -1;
		} else
			parse_split_pdesc(ps, pd, ps->prog->spec == SPEC_ID ? SPEC_NAME :
			    ps->prog->spec);
		lex_next(&ps->lx);
		if (!lex_is(&ps->lx, ','))
			break;
	} while (true);
	ps->c->region = REGION_NONE;
}

/* --- clauses ----------------------------------------------------------------------------------- */

static void
predicate(struct parser *ps, struct clause *cl)
{
	ps->c->region = REGION_PRED;
	ps->lx.in_pred = true;
	lex_next(&ps->lx);
	cl->pred = parse_expr(ps);
	if (ps->lx.tok.kind != T_PRED)
		lex_syntax(&ps->lx);
	ps->lx.in_pred = false;
	ps->lx.paren = ps->lx.bracket = 0;
	lex_next(&ps->lx);
	ps->c->region = REGION_NONE;
}

static void
parse_clause(struct parser *ps)
{
	struct clause *cl = arena_alloc(ps->c, sizeof(*cl));

	cl->line = ps->lx.line;
	cl->index = ps->prog->nclauses;
	ps->clause = cl;
	probe_descriptions(ps, cl);
	if (lex_is(&ps->lx, '/') || ps->lx.tok.kind == T_PRED)
		predicate(ps, cl);
	if (lex_is(&ps->lx, '{')) {
		ps->c->region = REGION_ACTIONS;
		cl->has_body = true;
		lex_next(&ps->lx);
		cl->stmts = parse_statements(ps);
		ps->c->region = REGION_NONE;
	} else if (ps->prog->needs_body) {
		lex_syntax(&ps->lx);
	} else if (lex_is(&ps->lx, ';')) {
		lex_next(&ps->lx);
	}
	*VEC_ADD(ps->c, ps->prog->clauses, ps->prog->nclauses) = cl;
	ps->clause = NULL;
}

/* --- pragmas ----------------------------------------------------------------------------------- */

static char *
word(struct comp *c, const char **s)
{
	const char *start;

	while (**s == ' ' || **s == '\t')
		(*s)++;
	start = *s;
	while (**s != '\0' && **s != ' ' && **s != '\t')
		(*s)++;
	return (arena_strndup(c, start, (size_t)(*s - start)));
}

static void
pragma_option(struct parser *ps, const char *rest)
{
	char *opt = word(ps->c, &rest), *value;
	struct err e = ERR_INIT;

	if (opt[0] == '\0')
		comp_error(ps->c, 0, "D_PRAGMA_MALFORM", "malformed #pragma option");
	if (word(ps->c, &rest)[0] != '\0')
		comp_error(ps->c, 0, "D_PRAGMA_MALFORM",
		    "superfluous arguments specified for #pragma option");
	if ((value = strchr(opt, '=')) != NULL)
		*value++ = '\0';
	if (ps->prog->option != NULL)
		ps->prog->option(ps->prog->option_arg, opt, value, &e);
	if (e.code != 0)
		comp_error(ps->c, 0, "D_PRAGMA_OPTSET", "failed to set option '%s'%s%s%s: %s", opt,
		    value != NULL ? " to '" : "", value != NULL ? value : "",
		    value != NULL ? "'" : "", e.msg);
}

static void
on_pragma(struct lexer *lx, const char *text, void *arg)
{
	struct parser *ps = arg;
	char *first = word(lx->c, &text), *name = first;

	if (strcmp(first, "D") == 0)
		name = word(lx->c, &text);
	if (strcmp(name, "error") == 0)
		comp_error(lx->c, 0, "D_PRAGERR", "#error: %s", text);
	if (strcmp(name, "option") == 0)
		pragma_option(ps, text);
	else if (strcmp(name, "depends_on") == 0) {
		char *class = word(lx->c, &text), *what = word(lx->c, &text);

		if (strcmp(class, "module") != 0 && strcmp(class, "provider") != 0 &&
		    strcmp(class, "library") != 0)
			comp_error(lx->c, 0, "D_PRAGMA_INVAL",
			    "invalid class %s specified by #pragma %s", class, name);
		(void)what;
	} else if (strcmp(first, "D") == 0 && strcmp(name, "attributes") != 0 &&
	    strcmp(name, "binding") != 0 && strcmp(name, "ident") != 0 &&
	    strcmp(name, "line") != 0)
		comp_error(lx->c, 0, "D_PRAGMA_INVAL", "invalid #pragma %s", name);
}

/* --- the outer level --------------------------------------------------------------------------- */

static bool
begins_declaration(struct parser *ps, int *key)
{
	struct lexer *lx = &ps->lx;
	size_t n = lex_word(lx);
	char *s;

	*key = -1;
	if (n == 0 || !ps->prog->needs_body)
		return (false);
	if ((size_t)(lx->end - lx->p) > n && strchr(":-.?!`[", lx->p[n]) != NULL)
		return (false);
	if ((*key = lex_keyword(lx->p, n)) >= 0)
		return (*key != K_PROBE);
	s = arena_strndup(ps->c, lx->p, n);
	if (strcmp(s, "BEGIN") == 0 || strcmp(s, "END") == 0 || strcmp(s, "ERROR") == 0)
		return (false);
	return (type_typedef(ps->c->types, s) != NULL);
}

static void
outer_item(struct parser *ps)
{
	int key;

	if (!begins_declaration(ps, &key)) {
		parse_clause(ps);
		return;
	}
	lex_next(&ps->lx);
	if (key == K_INLINE)
		parse_inline(ps);
	else if (key == K_TRANSLATOR)
		parse_translator(ps);
	else if (key == K_PROVIDER)
		parse_provider(ps);
	else
		parse_declaration(ps);
}

/*
 * The parser always holds one token more than it has used; at the outer level that token is un-lexed, since
 * a probe description follows other rules.
 */
static void
unlex(struct parser *ps, const char *p, int line, const char *line_start)
{
	ps->lx.p = p;
	ps->lx.line = line;
	ps->lx.line_start = line_start;
	ps->lx.after_member = false;
	ps->lx.paren = ps->lx.bracket = 0;
}

void
parse_program(struct program *p, const char *text, size_t len)
{
	struct parser ps = {.c = p->c, .prog = p};

	p->c->depth = 0;
	lex_init(&ps.lx, p->c, text, len);
	ps.lx.macros = p->macros;
	ps.lx.pragma = on_pragma;
	ps.lx.pragma_arg = &ps;
	while (lex_blank(&ps.lx)) {
		outer_item(&ps);
		if (ps.lx.tok.kind != T_EOF)
			unlex(&ps, ps.lx.tok_p, ps.lx.tok.line, ps.lx.tok_line_start);
	}
}
