/* SPDX-License-Identifier: MIT */
/*
 * The tree of a D program as the parser leaves it and the checker (sema.h) decorates it.
 */
#ifndef TRACE_AST_H
#define TRACE_AST_H

#include "ident.h"
#include "lex.h"
#include "type.h"

enum nkind {
	N_INT,	  /* val */
	N_STR,	  /* str, len */
	N_IDENT,  /* name, op = K_SELF, K_THIS or 0 */
	N_AGG,	  /* name, args = keys */
	N_CALL,	  /* name, args */
	N_UNARY,  /* op a; op P_INC, P_DEC with post: behind */
	N_BINARY, /* a op b */
	N_COND,	  /* a ? b : c */
	N_ASSIGN, /* a op b */
	N_INDEX,  /* a[args] */
	N_MEMBER, /* a.name or a->name (op P_ARROW) */
	N_CAST,	  /* (tref)a */
	N_SIZEOF, /* a, or tref */
	N_OFFSETOF, /* tref, name */
	N_XLATE,  /* xlate<tref>(a) */
	N_COMMA,  /* a, b */
	N_IF,	  /* statement: a; b and c are lists */
	N_BLOCK,  /* statement list in a */
	N_PARAM,  /* made by the checker: the value of an inline's or translator's parameter */
};

struct node {
	enum nkind kind;
	int op, line, col;
	bool post, paren;
	struct node *a, *b, *c, *args, *next;
	const char *name, *str;
	size_t len;
	uint64_t val;
	struct type *tref;
	/* from the checker: */
	struct type *type;
	struct ident *id;
	struct member mem;
	struct act *act;   /* the record that this statement makes */
	struct ident *agg; /* N_ASSIGN to an aggregation */
	uint32_t strmax;   /* of a string value: bytes with NUL, at most */
	uint32_t tmp;	   /* scratch of its own, offset in the slot */
	uint32_t aux;
	bool lval, user, konst; /* user: the address is in user memory */
	const struct xlate_member *xm;
};

struct pdesc {
	char *text; /* as written, macros expanded */
	const char *field[4]; /* provider, module, function, name; "" any */
	int line;
	int by_id; /* > 0: a probe's number */
};

struct clause {
	unsigned index;
	int line;
	struct pdesc *pdescs;
	unsigned npdescs;
	struct node *pred, *stmts;
	bool has_body, uses_args; /* args[] somewhere: the checker runs per kind of probe */
	const char *src;	  /* "description" or file, for messages */
};

struct xlate_member {
	const char *name;
	struct node *expr;
};

struct translator {
	struct type *out, *in;
	const char *param;
	struct xlate_member *members;
	unsigned nmembers;
};

/* What to make of a text without a file: which field a bare word names. */
enum spec_kind { SPEC_PROVIDER, SPEC_MODULE, SPEC_FUNCTION, SPEC_NAME, SPEC_ID };

struct program {
	struct comp *c;
	enum spec_kind spec;
	struct clause **clauses;
	unsigned nclauses;
	bool needs_body; /* a script file */
	const struct macros *macros;
	void (*option)(void *arg, const char *name, const char *value, struct err *e);
	void *option_arg;
};

/* Parse text into p (clauses) and c->ids, c->types (declarations). Errors leave by comp_error. */
void parse_program(struct program *p, const char *text, size_t len);

/* Between the files of the parser. */
struct parser {
	struct lexer lx;
	struct comp *c;
	struct program *prog;
	struct clause *clause;
};
struct node *node_new(struct parser *ps, enum nkind kind);
struct node *parse_expr(struct parser *ps);   /* with commas */
struct node *parse_assign(struct parser *ps); /* without */
struct node *parse_statements(struct parser *ps); /* up to and with the '}' */
void parse_expect(struct parser *ps, int op);
bool parse_accept(struct parser *ps, int op);
char *parse_name(struct parser *ps);
/* Is the current token the first of a type's name? */
bool parse_at_type(struct parser *ps);
struct type *parse_type_name(struct parser *ps);
/* A type with a name in it, which may be "". */
struct type *parse_parameter(struct parser *ps, const char **name);
/* `int *x`: what follows the name is the caller's. */
struct type *parse_typed_name(struct parser *ps, const char **name);
int64_t parse_constant(struct parser *ps);
void parse_declaration(struct parser *ps);
void parse_split_pdesc(struct parser *ps, struct pdesc *pd, enum spec_kind kind);
void parse_enter(struct parser *ps); /* count recursion */
void parse_leave(struct parser *ps);

/* A deep copy, for checking it again with other types. */
struct node *node_copy(struct comp *c, const struct node *n);
/* Evaluate a constant expression of integers; false: it is not one. */
bool node_constant(struct comp *c, const struct node *n, int64_t *v);

#endif
