/* SPDX-License-Identifier: MIT */
/*
 * Tokens of D.  The parser says which words it expects: probe descriptions are lexed by rules of their
 * own (lex_pdesc), everything else by lex_next.
 */
#ifndef TRACE_LEX_H
#define TRACE_LEX_H

#include "comp.h"

enum tok {
	T_EOF,
	T_INT,
	T_STR,
	T_IDENT,  /* also backquoted names and $macros that are words */
	T_AGG,	  /* @name, text without the @ */
	T_PRED,	  /* the '/' that ends a predicate */
	T_PUNCT,  /* op holds P_x */
	T_KEY,	  /* op holds K_x */
};

/* Operators: single characters are themselves, the others start here. */
enum {
	P_ARROW = 256, P_INC, P_DEC, P_SHL, P_SHR, P_LE, P_GE, P_EQ, P_NE, P_ANDAND, P_OROR,
	P_XORXOR, P_ADDEQ, P_SUBEQ, P_MULEQ, P_DIVEQ, P_MODEQ, P_ANDEQ, P_XOREQ, P_OREQ, P_SHLEQ,
	P_SHREQ, P_ELLIPSIS,
};

enum {
	K_AUTO, K_BREAK, K_CASE, K_CHAR, K_CONST, K_CONTINUE, K_COUNTER, K_DEFAULT, K_DO, K_DOUBLE,
	K_ELSE, K_ENUM, K_EXTERN, K_FLOAT, K_FOR, K_GOTO, K_IF, K_IMPORT, K_INLINE, K_INT, K_LONG,
	K_OFFSETOF, K_PROBE, K_PROVIDER, K_REGISTER, K_RESTRICT, K_RETURN, K_SELF, K_SHORT,
	K_SIGNED, K_SIZEOF, K_STATIC, K_STRING, K_STRINGOF, K_STRUCT, K_SWITCH, K_THIS,
	K_TRANSLATOR, K_TYPEDEF, K_UNION, K_UNSIGNED, K_USERLAND, K_VOID, K_VOLATILE, K_WHILE,
	K_XLATE, K_COUNT,
};

struct token {
	enum tok kind;
	int op;
	int line, col;
	const char *text; /* as written, for messages; a string's value for T_STR */
	size_t len;	  /* of a T_STR's value */
	uint64_t value;
	bool is_unsigned, is_long, is_decimal;
};

/* Values of $1.. and $target; the session fills it in. */
struct macros {
	int argc; /* argv[0] is $0 */
	const char *const *argv;
	bool *used; /* argc entries, or NULL */
	bool defaultargs;
	int64_t target; /* $target; 0 none */
	bool have_target;
};

struct pragma {
	char *name; /* "option", "error", ... */
	char *text;
	int line;
};

struct lexer {
	struct comp *c;
	const char *src, *p, *end;
	const char *line_start;
	int line;
	const struct macros *macros;
	struct token tok;	/* current */
	const char *tok_p, *tok_line_start; /* where it begins */
	int paren, bracket;	/* open ( and [, for the predicate's '/' */
	bool in_pred, after_member;
	void (*pragma)(struct lexer *lx, const char *text, void *arg);
	void *pragma_arg;
};

void lex_init(struct lexer *lx, struct comp *c, const char *src, size_t len);
void lex_next(struct lexer *lx); /* into lx->tok */
/* The token behind the current one, without moving. */
struct token lex_peek(struct lexer *lx);
bool lex_is(const struct lexer *lx, int op); /* punctuation */
bool lex_is_key(const struct lexer *lx, int key);
/*
 * Skip blanks and directives, then: the next word by the rules of probe descriptions, macros
 * expanded, in *text; false at the end of the input.  Does not touch lx->tok.
 */
bool lex_blank(struct lexer *lx);
char *lex_pdesc(struct lexer *lx);
/* The word that starts here, as an identifier (length), for "is this a declaration?". */
size_t lex_word(const struct lexer *lx);
int lex_keyword(const char *s, size_t n); /* K_x or -1 */
_Noreturn void lex_syntax(struct lexer *lx);

/* A macro variable's value as text, or NULL when there is none of that name. */
char *macro_text(struct lexer *lx, const char *name);

#endif
