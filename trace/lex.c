/* SPDX-License-Identifier: MIT */
/*
 * The lexer: D's text into tokens.
 *
 * D needs three small pieces of context.  A probe description is no expression (`a-b*:::` is one word):
 * the parser asks for it by lex_pdesc.  After `.` and `->` a keyword is a member's name.  In a predicate
 * the `/` that is followed by `{`, `;`, `/` or nothing ends it.
 */
#include "lex.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const keywords[K_COUNT] = {
    "auto", "break", "case", "char", "const", "continue", "counter", "default", "do", "double",
    "else", "enum", "extern", "float", "for", "goto", "if", "import", "inline", "int", "long",
    "offsetof", "probe", "provider", "register", "restrict", "return", "self", "short", "signed",
    "sizeof", "static", "string", "stringof", "struct", "switch", "this", "translator", "typedef",
    "union", "unsigned", "userland", "void", "volatile", "while", "xlate",
};

static const struct {
	char text[4];
	int op;
} puncts[] = {
    {"<<=", P_SHLEQ}, {">>=", P_SHREQ}, {"...", P_ELLIPSIS}, {"->", P_ARROW}, {"++", P_INC},
    {"--", P_DEC}, {"<<", P_SHL}, {">>", P_SHR}, {"<=", P_LE}, {">=", P_GE}, {"==", P_EQ},
    {"!=", P_NE}, {"&&", P_ANDAND}, {"||", P_OROR}, {"^^", P_XORXOR}, {"+=", P_ADDEQ},
    {"-=", P_SUBEQ}, {"*=", P_MULEQ}, {"/=", P_DIVEQ}, {"%=", P_MODEQ}, {"&=", P_ANDEQ},
    {"^=", P_XOREQ}, {"|=", P_OREQ},
};

int
lex_keyword(const char *s, size_t n)
{
	for (int i = 0; i < K_COUNT; i++)
		if (strlen(keywords[i]) == n && memcmp(keywords[i], s, n) == 0)
			return (i);
	return (-1);
}

void
lex_init(struct lexer *lx, struct comp *c, const char *src, size_t len)
{
	memset(lx, 0, sizeof(*lx));
	lx->c = c;
	lx->src = lx->p = lx->line_start = src;
	lx->end = src + len;
	lx->line = 1;
}

static int
at(const struct lexer *lx, size_t i)
{
	return ((size_t)(lx->end - lx->p) > i ? (unsigned char)lx->p[i] : -1);
}

static void
here(struct lexer *lx)
{
	lx->c->line = lx->line;
	lx->c->col = (int)(lx->p - lx->line_start) + 1;
}

static void
newline(struct lexer *lx)
{
	lx->line++;
	lx->line_start = lx->p;
}

/* --- blanks, comments, directives -------------------------------------------------------------- */

static void
skip_comment(struct lexer *lx)
{
	int line = lx->line;

	for (lx->p += 2;; lx->p++) {
		if (at(lx, 0) < 0)
			comp_error(lx->c, line, "D_COMMENT", "end-of-file before matching */");
		if (at(lx, 0) == '/' && at(lx, 1) == '*')
			comp_error(lx->c, lx->line, "D_COMMENT", "/* encountered inside a comment");
		if (at(lx, 0) == '*' && at(lx, 1) == '/')
			break;
		if (at(lx, 0) == '\n') {
			lx->p++;
			newline(lx);
			lx->p--;
		}
	}
	lx->p += 2;
}

/* `# 12 "file"` and `#line 12 "file"`: what follows the newline is line 12. */
static bool
line_directive(struct lexer *lx, const char *text)
{
	char *end;
	long n;

	if (strncmp(text, "line", 4) == 0)
		text += 4;
	while (*text == ' ' || *text == '\t')
		text++;
	if (!isdigit((unsigned char)*text))
		return (false);
	n = strtol(text, &end, 10);
	lx->line = (int)n - 1;
	while (*end == ' ' || *end == '\t')
		end++;
	if (*end == '"') {
		char *close = strchr(end + 1, '"');

		if (close == NULL)
			comp_error(lx->c, 0, "D_PRAGCTL_INVAL", "invalid line directive");
		lx->c->filetag = arena_strndup(lx->c, end + 1, (size_t)(close - end - 1));
	}
	return (true);
}

static void
directive(struct lexer *lx, const char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	if (*text == '\0' || line_directive(lx, text))
		return;
	if (strncmp(text, "pragma", 6) == 0 && (text[6] == ' ' || text[6] == '\t')) {
		if (lx->pragma != NULL)
			lx->pragma(lx, text + 7, lx->pragma_arg);
		return;
	}
	if (strncmp(text, "error", 5) == 0)
		comp_error(lx->c, lx->line, "D_PRAGERR", "#%s", text);
	if (strncmp(text, "ident", 5) == 0)
		return;
	comp_error(lx->c, lx->line, "D_PRAGCTL_INVAL", "invalid control directive: #%s", text);
}

/* A line whose first visible character is '#'. */
static void
control_line(struct lexer *lx)
{
	const char *start = lx->p + 1;
	char *text;

	while (at(lx, 0) >= 0 && at(lx, 0) != '\n')
		lx->p++;
	if (start < lx->end && *start == '!')
		return;
	text = arena_strndup(lx->c, start, (size_t)(lx->p - start));
	for (size_t n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]);)
		text[--n] = '\0';
	lx->c->line = lx->line;
	directive(lx, text);
}

static bool
first_on_line(const struct lexer *lx)
{
	for (const char *q = lx->line_start; q < lx->p; q++)
		if (*q != ' ' && *q != '\t')
			return (false);
	return (true);
}

/* True when something follows. */
bool
lex_blank(struct lexer *lx)
{
	for (;;) {
		int ch = at(lx, 0);

		if (ch == '\n') {
			lx->p++;
			newline(lx);
		} else if (ch == ' ' || ch == '\t' || ch == '\r' || ch == '\f' || ch == '\v') {
			lx->p++;
		} else if (ch == '\\' && at(lx, 1) == '\n') {
			lx->p += 2;
			newline(lx);
		} else if (ch == '/' && at(lx, 1) == '*') {
			skip_comment(lx);
		} else if (ch == '#' && first_on_line(lx)) {
			control_line(lx);
		} else {
			here(lx);
			return (ch >= 0);
		}
	}
}

/* --- macros ------------------------------------------------------------------------------------ */

static long
get_pid(void)
{
	return (getpid());
}

static long
get_ppid(void)
{
	return (getppid());
}

static long
get_uid(void)
{
	return (getuid());
}

static long
get_euid(void)
{
	return (geteuid());
}

static long
get_gid(void)
{
	return (getgid());
}

static long
get_egid(void)
{
	return (getegid());
}

static long
get_pgid(void)
{
	return (getpgid(0));
}

static long
get_sid(void)
{
	return (getsid(0));
}

static long
get_zero(void)
{
	return (0);
}

static const struct {
	const char *name;
	long (*get)(void);
} id_macros[] = {
    {"pid", get_pid}, {"ppid", get_ppid}, {"uid", get_uid}, {"euid", get_euid}, {"gid", get_gid},
    {"egid", get_egid}, {"pgid", get_pgid}, {"sid", get_sid}, {"projid", get_zero},
    {"taskid", get_zero},
};

static char *
numbered_macro(struct lexer *lx, const char *name)
{
	const struct macros *m = lx->macros;
	long i = strtol(name, NULL, 10);

	if (m != NULL && i < m->argc) {
		if (m->used != NULL)
			m->used[i] = true;
		return (arena_strdup(lx->c, m->argv[i]));
	}
	if (m != NULL && m->defaultargs)
		return (arena_strdup(lx->c, ""));
	comp_error(lx->c, lx->line, "D_MACRO_UNDEF", "macro argument $%s is not defined", name);
}

char *
macro_text(struct lexer *lx, const char *name)
{
	if (isdigit((unsigned char)name[0]))
		return (numbered_macro(lx, name));
	if (strcmp(name, "target") == 0)
		return (arena_printf(lx->c, "%lld",
		    lx->macros != NULL ? (long long)lx->macros->target : 0LL));
	for (size_t i = 0; i < sizeof(id_macros) / sizeof(id_macros[0]); i++)
		if (strcmp(name, id_macros[i].name) == 0)
			return (arena_printf(lx->c, "%ld", id_macros[i].get()));
	comp_error(lx->c, lx->line, "D_MACRO_UNDEF", "macro variable $%s is not defined", name);
}

/* At a '$': its value, with *quoted for the $$ form. */
static char *
read_macro(struct lexer *lx, bool *quoted)
{
	const char *start;

	lx->p++;
	*quoted = at(lx, 0) == '$';
	if (*quoted)
		lx->p++;
	start = lx->p;
	if (isdigit(at(lx, 0)))
		while (isdigit(at(lx, 0)))
			lx->p++;
	else
		while (isalnum(at(lx, 0)) || at(lx, 0) == '_')
			lx->p++;
	if (lx->p == start)
		lex_syntax(lx);
	return (macro_text(lx, arena_strndup(lx->c, start, (size_t)(lx->p - start))));
}

/* --- literals ---------------------------------------------------------------------------------- */

static int
hex_digit(int ch)
{
	if (ch >= '0' && ch <= '9')
		return (ch - '0');
	ch = tolower(ch);
	return (ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1);
}

/* Behind a backslash: the character meant. */
static char
escape(struct lexer *lx)
{
	static const char from[] = "abfnrtv0\"'\\?", to[] = "\a\b\f\n\r\t\v\0\"'\\?";
	int ch = at(lx, 0), v = 0;
	const char *q;

	if (ch < 0)
		return ('\\');
	lx->p++;
	if (ch >= '0' && ch <= '7') {
		v = ch - '0';
		for (int i = 0; i < 2 && at(lx, 0) >= '0' && at(lx, 0) <= '7'; i++, lx->p++)
			v = v * 8 + (at(lx, 0) - '0');
		return ((char)v);
	}
	if (ch == 'x' && hex_digit(at(lx, 0)) >= 0) {
		for (; hex_digit(at(lx, 0)) >= 0; lx->p++)
			v = (v * 16 + hex_digit(at(lx, 0))) & 0xff;
		return ((char)v);
	}
	q = ch > 0 ? strchr(from, ch) : NULL;
	return (q != NULL && *q != '\0' ? to[q - from] : (char)ch);
}

/* A quoted text up to `quote`, escapes done; the length in *len. */
static char *
quoted(struct lexer *lx, int quote, size_t *len)
{
	const char *start = lx->p;
	char *out, *o;
	int ch;

	lx->p++;
	out = o = arena_alloc(lx->c, (size_t)(lx->end - start) < 1u << 16 ?
	    (size_t)(lx->end - start) + 1 : 1u << 16);
	while ((ch = at(lx, 0)) != quote) {
		if (ch < 0 || ch == '\n')
			comp_error(lx->c, lx->line, quote == '"' ? "D_STR_NL" : "D_CHR_NL",
			    ch < 0 ? "end-of-file before end of %s" :
			    "newline encountered in %s", quote == '"' ? "string literal" :
			    "character constant");
		if (o - out >= (1 << 16) - 2)
			comp_error(lx->c, lx->line, "D_SYNTAX", "string literal is too long");
		lx->p++;
		if (ch == '\\' && at(lx, 0) == '\n') {
			lx->p++;
			newline(lx);
		} else {
			*o++ = ch == '\\' ? escape(lx) : (char)ch;
		}
	}
	lx->p++;
	*len = (size_t)(o - out);
	return (out);
}

static void
string_token(struct lexer *lx)
{
	struct token *t = &lx->tok;

	t->kind = T_STR;
	t->text = quoted(lx, '"', &t->len);
}

static void
char_token(struct lexer *lx)
{
	struct token *t = &lx->tok;
	const char *s;

	s = quoted(lx, '\'', &t->len);
	if (t->len == 0)
		comp_error(lx->c, t->line, "D_CHR_NULL", "empty character constant");
	if (t->len > 8)
		comp_error(lx->c, t->line, "D_CHR_OFLOW", "character constant is too long");
	t->kind = T_INT;
	t->value = t->len == 1 ? (uint64_t)(int64_t)(signed char)s[0] : 0;
	for (size_t i = 0; t->len > 1 && i < t->len; i++)
		t->value = t->value << 8 | (unsigned char)s[i];
	t->is_decimal = true;
}

static bool
looks_like_float(const char *s, size_t n)
{
	if (n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return (false);
	return (memchr(s, '.', n) != NULL || memchr(s, 'e', n) != NULL || memchr(s, 'E', n) != NULL);
}

/* The digits and the suffix of text; false when some character does not belong. */
static bool
parse_number(struct lexer *lx, const char *s, struct token *t)
{
	int base = 10;
	uint64_t v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (s[0] == '0') {
		base = 8;
	}
	t->is_decimal = base == 10 || (base == 8 && s[1] == '\0');
	for (int d; (d = hex_digit((unsigned char)*s)) >= 0 && d < base; s++)
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			comp_error(lx->c, t->line, "D_INT_OFLOW",
			    "integer constant %s cannot be represented in any built-in integral type",
			    t->text);
	t->value = v;
	for (; *s != '\0'; s++) {
		if (*s == 'u' || *s == 'U')
			t->is_unsigned = true;
		else if (*s == 'l' || *s == 'L')
			t->is_long = true;
		else
			return (false);
	}
	return (true);
}

static void
number_token(struct lexer *lx)
{
	struct token *t = &lx->tok;
	const char *start = lx->p;
	size_t n;

	while (isalnum(at(lx, 0)) || at(lx, 0) == '.' || at(lx, 0) == '_' ||
	    ((at(lx, 0) == '+' || at(lx, 0) == '-') && (lx->p[-1] == 'e' || lx->p[-1] == 'E') &&
	    looks_like_float(start, (size_t)(lx->p - start))))
		lx->p++;
	n = (size_t)(lx->p - start);
	t->text = arena_strndup(lx->c, start, n);
	t->kind = T_INT;
	if (parse_number(lx, t->text, t))
		return;
	if (looks_like_float(start, n))
		comp_error(lx->c, t->line, "D_SYNTAX",
		    "floating-point constants are not permitted");
	comp_error(lx->c, t->line, "D_INT_DIGIT", "invalid digit in integer constant: %s", t->text);
}

/* --- words ------------------------------------------------------------------------------------- */

static bool
is_word(int ch)
{
	return (isalnum(ch) || ch == '_' || ch == '`');
}

size_t
lex_word(const struct lexer *lx)
{
	size_t n = 0;

	while (is_word(at(lx, n)))
		n++;
	return (n);
}

static void
word_token(struct lexer *lx, size_t n)
{
	struct token *t = &lx->tok;
	int k;

	t->text = arena_strndup(lx->c, lx->p, n);
	lx->p += n;
	t->kind = T_IDENT;
	if (!lx->after_member && (k = lex_keyword(t->text, n)) >= 0) {
		t->kind = T_KEY;
		t->op = k;
	}
}

static void
agg_token(struct lexer *lx)
{
	struct token *t = &lx->tok;
	size_t n = 0;

	lx->p++;
	while (isalnum(at(lx, n)) || at(lx, n) == '_')
		n++;
	t->kind = T_AGG;
	t->text = n == 0 ? "_" : arena_strndup(lx->c, lx->p, n);
	lx->p += n;
}

static bool
is_identifier(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return (false);
	for (; *s != '\0'; s++)
		if (!is_word((unsigned char)*s))
			return (false);
	return (true);
}

/* $1: a number, a word, or else a string, as its text is. */
static void
macro_token(struct lexer *lx)
{
	struct token *t = &lx->tok, num = *t;
	bool as_string;
	char *s = read_macro(lx, &as_string), *digits = s;
	bool negative = s[0] == '-' || s[0] == '+';

	t->text = s;
	if (negative)
		digits++;
	num.text = s;
	if (as_string) {
		t->kind = T_STR;
	} else if (s[0] == '\0') {
		t->kind = T_INT;
	} else if (isdigit((unsigned char)*digits) && parse_number(lx, digits, &num)) {
		*t = num;
		t->kind = T_INT;
		t->value = s[0] == '-' ? -num.value : num.value;
	} else if (is_identifier(s)) {
		t->kind = T_IDENT;
	} else {
		t->kind = T_STR;
		if (s[0] == '"' && strlen(s) > 1 && s[strlen(s) - 1] == '"') {
			s[strlen(s) - 1] = '\0';
			t->text = s + 1;
		}
	}
	t->len = t->text != NULL ? strlen(t->text) : 0;
}

/* --- operators --------------------------------------------------------------------------------- */

/* The slash at p ends the predicate when `{`, `;`, `/` or nothing follows. */
static bool
ends_predicate(struct lexer *lx)
{
	struct lexer ahead = *lx;
	int ch;

	if (!lx->in_pred)
		return (false);
	ahead.p++;
	(void)lex_blank(&ahead);
	here(lx);
	ch = at(&ahead, 0);
	return (ch < 0 || ch == '{' || ch == ';' || ch == '/');
}

static void
punct_token(struct lexer *lx)
{
	struct token *t = &lx->tok;
	size_t left = (size_t)(lx->end - lx->p), n = 1;

	if (*lx->p == '/' && ends_predicate(lx)) {
		if (lx->paren > 0 || lx->bracket > 0)
			comp_error(lx->c, t->line, "D_SYNTAX",
			    lx->paren > 0 ? "unbalanced parentheses" : "unbalanced brackets");
		lx->p++;
		t->kind = T_PRED;
		t->text = "/";
		return;
	}
	t->kind = T_PUNCT;
	t->op = (unsigned char)*lx->p;
	for (size_t i = 0; i < sizeof(puncts) / sizeof(puncts[0]); i++) {
		size_t len = strlen(puncts[i].text);

		if (len <= left && memcmp(puncts[i].text, lx->p, len) == 0) {
			t->op = puncts[i].op;
			n = len;
			break;
		}
	}
	t->text = arena_strndup(lx->c, lx->p, n);
	if (n == 1 && strchr("()[]{}<>+-*/%&|^~!=?:;,.", t->op) == NULL)
		lex_syntax(lx);
	lx->p += n;
	lx->paren += (t->op == '(') - (t->op == ')');
	lx->bracket += (t->op == '[') - (t->op == ']');
}

void
lex_next(struct lexer *lx)
{
	struct token *t = &lx->tok;
	bool more = lex_blank(lx);
	size_t n;
	int ch;

	memset(t, 0, sizeof(*t));
	t->line = lx->line;
	t->col = lx->c->col;
	lx->tok_p = lx->p;
	lx->tok_line_start = lx->line_start;
	if (!more) {
		t->kind = T_EOF;
		t->text = "";
		return;
	}
	ch = at(lx, 0);
	n = lex_word(lx);
	if (ch == '"')
		string_token(lx);
	else if (ch == '\'')
		char_token(lx);
	else if (ch == '@')
		agg_token(lx);
	else if (ch == '$')
		macro_token(lx);
	else if (n > 0 && (!isdigit(ch) || memchr(lx->p, '`', n) != NULL))
		word_token(lx, n);
	else if (isdigit(ch) || (ch == '.' && isdigit(at(lx, 1))))
		number_token(lx);
	else
		punct_token(lx);
	lx->after_member = t->kind == T_PUNCT && (t->op == '.' || t->op == P_ARROW);
}

struct token
lex_peek(struct lexer *lx)
{
	struct lexer ahead = *lx;
	struct comp *c = lx->c;
	int line = c->line, col = c->col;

	lex_next(&ahead);
	c->line = line;
	c->col = col;
	return (ahead.tok);
}

bool
lex_is(const struct lexer *lx, int op)
{
	return (lx->tok.kind == T_PUNCT && lx->tok.op == op);
}

bool
lex_is_key(const struct lexer *lx, int key)
{
	return (lx->tok.kind == T_KEY && lx->tok.op == key);
}

void
lex_syntax(struct lexer *lx)
{
	const struct token *t = &lx->tok;

	if (t->kind == T_EOF)
		comp_error(lx->c, t->line, "D_SYNTAX", "syntax error near end of input");
	if (t->text == NULL)
		comp_error(lx->c, t->line, "D_SYNTAX", "syntax error near \"%c\"", at(lx, 0));
	lx->c->col = t->col;
	comp_error(lx->c, t->line, "D_SYNTAX", "syntax error near \"%s%s\"",
	    t->kind == T_AGG ? "@" : "", t->text);
}

/* --- probe descriptions ------------------------------------------------------------------------ */

static bool
is_pdesc(int ch)
{
	return (isalnum(ch) || (ch > 0 && strchr("-:_.?*[]!`\\", ch) != NULL));
}

char *
lex_pdesc(struct lexer *lx)
{
	char out[512];
	size_t n = 0;
	bool ignored;

	here(lx);
	for (;;) {
		int ch = at(lx, 0);
		const char *s;
		char one[2] = {(char)ch, '\0'};

		if (ch == '$') {
			s = read_macro(lx, &ignored);
		} else if (is_pdesc(ch)) {
			s = one;
			lx->p++;
		} else {
			break;
		}
		if (n + strlen(s) >= sizeof(out))
			comp_error(lx->c, 0, "D_PDESC_INVAL", "probe description is too long");
		memcpy(out + n, s, strlen(s));
		n += strlen(s);
	}
	return (arena_strndup(lx->c, out, n));
}
