/* SPDX-License-Identifier: MIT */
/* The parser of expressions and statements: precedence climbing over D's table of operators. */
#include <string.h>

#include "ast.h"

static const struct {
	int op;
	int prec;
} binops[] = {
    {'*', 12}, {'/', 12}, {'%', 12}, {'+', 11}, {'-', 11}, {P_SHL, 10}, {P_SHR, 10}, {'<', 9},
    {'>', 9}, {P_LE, 9}, {P_GE, 9}, {P_EQ, 8}, {P_NE, 8}, {'&', 7}, {'^', 6}, {'|', 5},
    {P_ANDAND, 4}, {P_XORXOR, 3}, {P_OROR, 2},
};

static int
precedence(const struct lexer *lx)
{
	if (lx->tok.kind != T_PUNCT)
		return (0);
	for (size_t i = 0; i < sizeof(binops) / sizeof(binops[0]); i++)
		if (binops[i].op == lx->tok.op)
			return (binops[i].prec);
	return (0);
}

struct node *
node_new(struct parser *ps, enum nkind kind)
{
	struct node *n = arena_alloc(ps->c, sizeof(*n));

	n->kind = kind;
	n->line = ps->lx.tok.line;
	n->col = ps->lx.tok.col;
	return (n);
}

void
parse_enter(struct parser *ps)
{
	if (++ps->c->depth > COMP_DEPTH)
		comp_error(ps->c, 0, "D_SYNTAX", "program is nested too deeply");
}

void
parse_leave(struct parser *ps)
{
	ps->c->depth--;
}

bool
parse_accept(struct parser *ps, int op)
{
	if (!lex_is(&ps->lx, op))
		return (false);
	lex_next(&ps->lx);
	return (true);
}

void
parse_expect(struct parser *ps, int op)
{
	if (!parse_accept(ps, op))
		lex_syntax(&ps->lx);
}

char *
parse_name(struct parser *ps)
{
	char *s;

	if (ps->lx.tok.kind != T_IDENT)
		lex_syntax(&ps->lx);
	s = arena_strdup(ps->c, ps->lx.tok.text);
	lex_next(&ps->lx);
	return (s);
}

/* Arguments up to `close`, which is eaten. */
static struct node *
argument_list(struct parser *ps, int close)
{
	struct node *first = NULL, **tail = &first;

	if (parse_accept(ps, close))
		return (NULL);
	do {
		*tail = parse_assign(ps);
		tail = &(*tail)->next;
	} while (parse_accept(ps, ','));
	parse_expect(ps, close);
	return (first);
}

static struct node *
integer_node(struct parser *ps)
{
	struct node *n = node_new(ps, N_INT);
	const struct token *t = &ps->lx.tok;
	struct types *ts = ps->c->types;

	n->val = t->value;
	if (t->is_long || t->value > (t->is_decimal ? INT32_MAX : UINT32_MAX))
		n->type = t->is_unsigned || t->value > INT64_MAX ? ts->t_ulong : ts->t_long;
	else
		n->type = t->is_unsigned || t->value > INT32_MAX ? ts->t_uint : ts->t_int;
	if ((int64_t)t->value < 0 && (int64_t)t->value >= INT32_MIN && !t->is_unsigned &&
	    (t->text == NULL || t->text[0] == '-'))
		n->type = ts->t_int;
	lex_next(&ps->lx);
	return (n);
}

static struct node *
string_node(struct parser *ps)
{
	struct node *n = node_new(ps, N_STR);

	n->str = ps->lx.tok.text;
	n->len = strlen(n->str); /* D's strings end at the first NUL */
	lex_next(&ps->lx);
	return (n);
}

static struct node *
sizeof_node(struct parser *ps)
{
	struct node *n = node_new(ps, N_SIZEOF);

	lex_next(&ps->lx);
	if (lex_is(&ps->lx, '(')) {
		lex_next(&ps->lx);
		if (parse_at_type(ps))
			n->tref = parse_type_name(ps);
		else
			n->a = parse_expr(ps);
		parse_expect(ps, ')');
	} else {
		n->a = parse_assign(ps);
	}
	return (n);
}

static struct node *
offsetof_node(struct parser *ps)
{
	struct node *n = node_new(ps, N_OFFSETOF);

	lex_next(&ps->lx);
	parse_expect(ps, '(');
	n->tref = parse_type_name(ps);
	parse_expect(ps, ',');
	n->name = parse_name(ps);
	parse_expect(ps, ')');
	return (n);
}

static struct node *
in_parens(struct parser *ps)
{
	struct node *n;

	parse_expect(ps, '(');
	n = parse_expr(ps);
	parse_expect(ps, ')');
	return (n);
}

static struct node *
stringof_node(struct parser *ps)
{
	struct node *n = node_new(ps, N_CAST);

	lex_next(&ps->lx);
	n->tref = ps->c->types->t_string;
	n->post = true; /* stringof, not a cast */
	n->a = lex_is(&ps->lx, '(') ? in_parens(ps) : parse_assign(ps);
	return (n);
}

static struct node *
xlate_node(struct parser *ps)
{
	struct node *n = node_new(ps, N_XLATE);

	lex_next(&ps->lx);
	parse_expect(ps, '<');
	n->tref = parse_type_name(ps);
	parse_expect(ps, '>');
	n->a = in_parens(ps);
	return (n);
}

/* self->x and this->x are names with a storage class. */
static struct node *
scoped_node(struct parser *ps, int key)
{
	struct node *n = node_new(ps, N_IDENT);

	lex_next(&ps->lx);
	if (!lex_is(&ps->lx, P_ARROW))
		lex_syntax(&ps->lx);
	lex_next(&ps->lx);
	n->op = key + 1;
	n->name = parse_name(ps);
	return (n);
}

static struct node *
name_node(struct parser *ps)
{
	struct node *n = node_new(ps, N_IDENT);

	n->name = parse_name(ps);
	if (lex_is(&ps->lx, '(')) {
		n->kind = N_CALL;
		lex_next(&ps->lx);
		n->args = argument_list(ps, ')');
	} else if (ps->clause != NULL &&
	    (strcmp(n->name, "args") == 0 || strncmp(n->name, "fds", 3) == 0)) {
		ps->clause->uses_args = true;
	}
	return (n);
}

static struct node *
agg_node(struct parser *ps)
{
	struct node *n = node_new(ps, N_AGG);

	n->name = arena_strdup(ps->c, ps->lx.tok.text);
	lex_next(&ps->lx);
	if (parse_accept(ps, '['))
		n->args = argument_list(ps, ']');
	return (n);
}

static struct node *
keyword_node(struct parser *ps)
{
	switch (ps->lx.tok.op) {
	case K_SIZEOF:
		return (sizeof_node(ps));
	case K_OFFSETOF:
		return (offsetof_node(ps));
	case K_STRINGOF:
		return (stringof_node(ps));
	case K_XLATE:
		return (xlate_node(ps));
	case K_SELF:
	case K_THIS:
		return (scoped_node(ps, ps->lx.tok.op));
	default:
		lex_syntax(&ps->lx);
	}
}

static struct node *
primary(struct parser *ps)
{
	struct node *n;

	switch (ps->lx.tok.kind) {
	case T_INT:
		return (integer_node(ps));
	case T_STR:
		return (string_node(ps));
	case T_IDENT:
		return (name_node(ps));
	case T_AGG:
		return (agg_node(ps));
	case T_KEY:
		return (keyword_node(ps));
	default:
		break;
	}
	parse_expect(ps, '(');
	n = parse_expr(ps);
	n->paren = true;
	parse_expect(ps, ')');
	return (n);
}

static struct node *
postfix(struct parser *ps, struct node *n)
{
	int links = 0;

	for (;;) {
		struct node *p;

		if (++links > COMP_CHAIN)
			comp_error(ps->c, 0, "D_SYNTAX", "expression is too long");

		if (lex_is(&ps->lx, '[')) {
			p = node_new(ps, N_INDEX);
			lex_next(&ps->lx);
			p->args = argument_list(ps, ']');
		} else if (lex_is(&ps->lx, '.') || lex_is(&ps->lx, P_ARROW)) {
			p = node_new(ps, N_MEMBER);
			p->op = ps->lx.tok.op;
			lex_next(&ps->lx);
			p->name = parse_name(ps);
		} else if (lex_is(&ps->lx, P_INC) || lex_is(&ps->lx, P_DEC)) {
			p = node_new(ps, N_UNARY);
			p->op = ps->lx.tok.op;
			p->post = true;
			lex_next(&ps->lx);
		} else {
			return (n);
		}
		p->a = n;
		n = p;
	}
}

static struct node *unary(struct parser *ps);

/* At '(': a cast when a type's name follows. */
static struct node *
cast_or_paren(struct parser *ps)
{
	struct node *n = node_new(ps, N_CAST);
	struct lexer save = ps->lx;

	lex_next(&ps->lx);
	if (!parse_at_type(ps)) {
		ps->lx = save;
		return (postfix(ps, primary(ps)));
	}
	n->tref = parse_type_name(ps);
	parse_expect(ps, ')');
	n->a = unary(ps);
	return (n);
}

static struct node *
unary(struct parser *ps)
{
	struct node *n;
	int op = ps->lx.tok.kind == T_PUNCT ? ps->lx.tok.op : 0;

	parse_enter(ps);
	if (op == '(') {
		n = cast_or_paren(ps);
	} else if (op == '-' || op == '+' || op == '!' || op == '~' || op == '*' || op == '&' ||
	    op == P_INC || op == P_DEC) {
		n = node_new(ps, N_UNARY);
		n->op = op;
		lex_next(&ps->lx);
		n->a = unary(ps);
	} else {
		n = postfix(ps, primary(ps));
	}
	parse_leave(ps);
	return (n);
}

/* Chains make trees as deep as they are long. */
static void
chain_link(struct parser *ps, int *n)
{
	if (++*n > COMP_CHAIN)
		comp_error(ps->c, 0, "D_SYNTAX", "expression is too long");
}

static struct node *
binary(struct parser *ps, int min)
{
	struct node *left = unary(ps), *n;
	int prec, links = 0;

	while ((prec = precedence(&ps->lx)) >= min && prec > 0) {
		chain_link(ps, &links);
		n = node_new(ps, N_BINARY);
		n->op = ps->lx.tok.op;
		lex_next(&ps->lx);
		n->a = left;
		parse_enter(ps);
		n->b = binary(ps, prec + 1);
		parse_leave(ps);
		left = n;
	}
	return (left);
}

static bool
is_assign_op(const struct lexer *lx)
{
	return (lx->tok.kind == T_PUNCT &&
	    (lx->tok.op == '=' || (lx->tok.op >= P_ADDEQ && lx->tok.op <= P_SHREQ)));
}

struct node *
parse_assign(struct parser *ps)
{
	struct node *n, *left;

	parse_enter(ps);
	left = binary(ps, 1);
	if (lex_is(&ps->lx, '?')) {
		n = node_new(ps, N_COND);
		lex_next(&ps->lx);
		n->a = left;
		n->b = parse_expr(ps);
		parse_expect(ps, ':');
		n->c = parse_assign(ps);
		left = n;
	} else if (is_assign_op(&ps->lx)) {
		n = node_new(ps, N_ASSIGN);
		n->op = ps->lx.tok.op;
		lex_next(&ps->lx);
		n->a = left;
		n->b = parse_assign(ps);
		left = n;
	}
	parse_leave(ps);
	return (left);
}

struct node *
parse_expr(struct parser *ps)
{
	struct node *left = parse_assign(ps), *n;
	int links = 0;

	while (lex_is(&ps->lx, ',')) {
		chain_link(ps, &links);
		n = node_new(ps, N_COMMA);
		lex_next(&ps->lx);
		n->a = left;
		n->b = parse_assign(ps);
		left = n;
	}
	return (left);
}

/* --- statements -------------------------------------------------------------------------------- */

static struct node *statement(struct parser *ps);

static struct node *
block(struct parser *ps)
{
	struct node *n = node_new(ps, N_BLOCK);

	lex_next(&ps->lx);
	n->a = parse_statements(ps);
	return (n);
}

static struct node *
if_statement(struct parser *ps)
{
	struct node *n = node_new(ps, N_IF);

	lex_next(&ps->lx);
	parse_expect(ps, '(');
	n->a = parse_expr(ps);
	parse_expect(ps, ')');
	n->b = statement(ps);
	if (lex_is_key(&ps->lx, K_ELSE)) {
		lex_next(&ps->lx);
		n->c = statement(ps);
	}
	return (n);
}

/* One statement with its semicolon; NULL for an empty one. */
static struct node *
statement(struct parser *ps)
{
	struct node *n = NULL;

	parse_enter(ps);
	if (lex_is_key(&ps->lx, K_IF)) {
		n = if_statement(ps);
	} else if (lex_is(&ps->lx, '{')) {
		n = block(ps);
	} else if (!lex_is(&ps->lx, ';') && !lex_is(&ps->lx, '}')) {
		n = parse_expr(ps);
		if (!lex_is(&ps->lx, '}'))
			parse_expect(ps, ';');
	} else if (lex_is(&ps->lx, ';')) {
		lex_next(&ps->lx);
	}
	parse_leave(ps);
	return (n);
}

struct node *
parse_statements(struct parser *ps)
{
	struct node *first = NULL, **tail = &first, *n;

	while (!lex_is(&ps->lx, '}')) {
		if (ps->lx.tok.kind == T_EOF)
			lex_syntax(&ps->lx);
		if ((n = statement(ps)) == NULL)
			continue;
		*tail = n;
		tail = &n->next;
	}
	lex_next(&ps->lx);
	return (first);
}

struct node *
node_copy(struct comp *c, const struct node *n)
{
	struct node *first = NULL, **tail = &first;

	for (; n != NULL; n = n->next) {
		struct node *p = arena_alloc(c, sizeof(*p));

		*p = *n;
		p->a = node_copy(c, n->a);
		p->b = node_copy(c, n->b);
		p->c = node_copy(c, n->c);
		p->args = node_copy(c, n->args);
		p->next = NULL;
		*tail = p;
		tail = &p->next;
	}
	return (first);
}
