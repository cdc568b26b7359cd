/* SPDX-License-Identifier: MIT */
/* printf formats of D: see fmt.h. */
#include "fmt.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ident.h"
#include "sym.h"

/* --- parsing ----------------------------------------------------------------------------------- */

static unsigned
flag_of(char ch)
{
	switch (ch) {
	case '-': return (FMT_LEFT);
	case '+': return (FMT_PLUS);
	case ' ': return (FMT_SPACE);
	case '#': return (FMT_ALT);
	case '0': return (FMT_ZERO);
	case '\'': return (FMT_GROUP);
	case '@': return (FMT_AGG);
	case '?': return (FMT_PTRWIDTH);
	default: return (0);
	}
}

static const char *
number_or_star(const char *s, int *out, unsigned *nargs)
{
	int n = 0;

	if (*s == '*') {
		*out = FMT_DYNAMIC;
		(*nargs)++;
		return (s + 1);
	}
	if (!isdigit((unsigned char)*s))
		return (s);
	for (; isdigit((unsigned char)*s); s++)
		n = n < 100000 ? n * 10 + (*s - '0') : n;
	*out = n;
	return (s);
}

static const char *
size_prefix(const char *s, char size[4])
{
	size_t n = 0;

	if (*s == 'w' || *s == 'L')
		n = 1;
	else if (*s == 'h' || *s == 'l')
		n = s[1] == s[0] ? 2 : 1;
	memcpy(size, s, n);
	size[n] = '\0';
	return (s + n);
}

static const char *
parse_conversion(struct comp *c, const char *func, struct fmt *f, struct conv *v, const char *s)
{
	const char *start = s;

	for (unsigned fl; (fl = flag_of(*s)) != 0; s++)
		v->flags |= fl;
	v->width = v->prec = FMT_NONE;
	s = number_or_star(s, &v->width, &f->nargs);
	if (*s == '$')
		comp_error(c, 0, "D_PRINTF_DYN_PROTO",
		    "%s( ) format conversion #%u: positional parameters are not supported", func,
		    f->nconvs);
	if (*s == '.') {
		v->prec = 0;
		s = number_or_star(s + 1, &v->prec, &f->nargs);
	}
	s = size_prefix(s, v->size);
	if (*s == '\0' || strchr("aAcCdeEfFgGikopPsSTuxXYZ%", *s) == NULL)
		comp_error(c, 0, "D_PRINTF_FMT",
		    "%s( ) format conversion #%u: unknown conversion specifier %%%c",
		    func, f->nconvs, *s != '\0' ? *s : '?');
	v->conv = *s;
	v->spec = arena_strndup(c, start, (size_t)(s + 1 - start));
	if (v->conv != '%' && (v->flags & FMT_AGG) == 0)
		f->nargs++;
	return (s + 1);
}

struct fmt *
fmt_parse(struct comp *c, const char *func, const char *text)
{
	struct fmt *f = arena_alloc(c, sizeof(*f));
	const char *s = text;

	f->text = text;
	if (text[0] == '\0')
		comp_error(c, 0, "D_PRINTF_FMT_EMPTY", "%s( ) format string is empty", func);
	do {
		struct conv *v = VEC_ADD(c, f->convs, f->nconvs);

		v->lit = s;
		v->litlen = strcspn(s, "%");
		s += v->litlen;
		if (*s == '%')
			s = parse_conversion(c, func, f, v, s + 1);
	} while (*s != '\0');
	return (f);
}

/* --- checking ---------------------------------------------------------------------------------- */

static bool
is_integer_size(struct type *t, const char *size)
{
	uint64_t n = type_size(t);

	if (size[0] == '\0')
		return (true);
	if (strcmp(size, "hh") == 0)
		return (n == 1);
	if (strcmp(size, "h") == 0)
		return (n == 2);
	return (n == 8 || strcmp(size, "l") == 0);
}

bool
fmt_accepts(const struct conv *v, struct type *t)
{
	struct type *r = type_resolve(t);

	switch (v->conv) {
	case 'c':
		return (type_is_int(t) && r->size <= 4);
	case 'C':
		return (type_is_int(t));
	case 'd': case 'i': case 'o': case 'u': case 'x': case 'X':
		return (type_is_int(t) && is_integer_size(t, v->size));
	case 'p':
		return (type_is_scalar(t) || r->kind == TY_ARRAY);
	case 's': case 'S':
		return (r->kind == TY_STRING || (r->kind == TY_ARRAY && type_is_strlike(t)));
	case 'a': case 'A':
		return (type_is_scalar(t) || r->kind == TY_SYMADDR || r->kind == TY_USYMADDR);
	case 'k':
		return (r->kind == TY_STACK || r->kind == TY_USTACK);
	case 'Y': case 'T':
		return (type_is_int(t) && r->size == 8);
	case 'e': case 'E': case 'f': case 'F': case 'g': case 'G':
		return (r->kind == TY_FLOAT);
	default:
		return (type_is_int(t));
	}
}

const char *
fmt_prototype(const struct conv *v)
{
	bool h = v->size[0] == 'h', l = v->size[0] == 'l', two = v->size[0] != '\0' && v->size[1] != '\0';

	switch (v->conv) {
	case 's': case 'S':
		return ("char [] or string (or use stringof)");
	case 'c':
		return ("char");
	case 'd': case 'i':
		return (h ? two ? "char" : "short" : l ? two ? "long long" : "long" :
		    "int");
	case 'o': case 'u': case 'x': case 'X':
		return (h ? two ? "unsigned char" : "unsigned short" :
		    l ? two ? "unsigned long long" : "unsigned long" : "unsigned int");
	case 'p':
		return ("pointer or integer");
	case 'a':
		return ("pointer or integer");
	case 'A':
		return ("pointer or integer");
	case 'k':
		return ("stack");
	case 'Y': case 'T':
		return ("int64_t");
	default:
		return ("float, double, or long double");
	}
}

/* --- printing ---------------------------------------------------------------------------------- */

int64_t
value_int(const struct value *v)
{
	int64_t x = 0;

	memcpy(&x, v->data, v->size < 8 ? v->size : 8);
	if (v->size < 8) {
		unsigned shift = 64 - v->size * 8;

		x = (int64_t)((uint64_t)x << shift);
		x = type_signed(v->type) ? x >> shift : (int64_t)((uint64_t)x >> shift);
	}
	return (x);
}

struct width {
	int width, prec;
	bool left;
};

static struct width
effective(const struct conv *v, const int dyn[2])
{
	struct width w = {v->width, v->prec, (v->flags & FMT_LEFT) != 0};

	if (w.width == FMT_DYNAMIC)
		w.width = dyn[0];
	if (w.prec == FMT_DYNAMIC)
		w.prec = dyn[1];
	if (w.width == FMT_NONE && (v->flags & FMT_PTRWIDTH) != 0)
		w.width = 16;
	if (v->width == FMT_DYNAMIC && w.width < 0) {
		w.left = true;
		w.width = w.width > -100000 ? -w.width : 100000;
	}
	if (w.width > 100000)
		w.width = 100000;
	return (w);
}

void
fmt_blanks(struct buf *out, size_t n)
{
	static const char many[] = "                                                                ";

	for (; n >= sizeof(many); n -= sizeof(many) - 1)
		buf_add(out, many, sizeof(many) - 1);
	buf_add(out, many, n);
}

static void
padded(struct buf *out, const char *s, size_t n, struct width w)
{
	size_t pad = w.width > 0 && (size_t)w.width > n ? (size_t)w.width - n : 0;

	if (!w.left)
		fmt_blanks(out, pad);
	buf_add(out, s, n);
	if (w.left)
		fmt_blanks(out, pad);
}

static void
print_text(struct buf *out, const char *s, size_t max, struct width w)
{
	size_t n = strnlen(s, max);

	if (w.prec >= 0 && (size_t)w.prec < n)
		n = (size_t)w.prec;
	padded(out, s, n, w);
}

static void
print_string(struct buf *out, const struct value *val, struct width w)
{
	print_text(out, val->data, val->size, w);
}

static void
escape_char(struct buf *b, unsigned char ch)
{
	static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
	const char *q = ch != 0 ? strchr(from, ch) : NULL;

	if (q != NULL)
		buf_printf(b, "\\%c", to[q - from]);
	else if (ch == 0)
		buf_str(b, "\\0");
	else if (isprint(ch))
		buf_add(b, &ch, 1);
	else
		buf_printf(b, "\\%03o", ch);
}

static void
print_escaped(struct buf *out, const struct value *val, struct width w)
{
	struct buf b = BUF_INIT;
	const unsigned char *s = val->data;

	if (type_is_int(val->type))
		escape_char(&b, (unsigned char)value_int(val));
	else
		for (size_t i = 0; i < val->size && s[i] != '\0'; i++)
			escape_char(&b, s[i]);
	print_text(out, b.data != NULL ? b.data : "", b.len, w);
	buf_free(&b);
}

/* Thousands apart by commas. */
static void
group_digits(char *s, size_t size)
{
	size_t len = strlen(s), start = s[0] == '-' || s[0] == '+' ? 1 : 0;

	for (size_t i = len; i > start + 3 && len + 1 < size; ) {
		i -= 3;
		memmove(s + i + 1, s + i, len - i + 1);
		s[i] = ',';
		len++;
	}
}

/* The digits of x, the last first from end backwards; where they begin. */
static char *
digits(char *end, uint64_t x, unsigned base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	if (base == 10) /* by a constant: no division */
		for (; x != 0; x /= 10)
			*--end = (char)('0' + x % 10);
	for (; x != 0; x /= base)
		*--end = set[x % base];
	return (end);
}

void
fmt_integer(struct buf *out, int64_t x, bool sign, int width)
{
	bool below = sign && x < 0;
	char text[32], *end = text + sizeof(text),
	    *s = digits(end, below ? -(uint64_t)x : (uint64_t)x, 10, false);

	if (s == end)
		*--s = '0';
	if (below)
		*--s = '-';
	if (end - s < width)
		fmt_blanks(out, (size_t)(width - (end - s)));
	buf_add(out, s, (size_t)(end - s));
}

/* What stands before the digits of an integer: a sign, 0x. */
static const char *
int_prefix(const struct conv *v, char conv, int64_t x)
{
	if (conv == 'd')
		return (x < 0 ? "-" : v->flags & FMT_PLUS ? "+" : v->flags & FMT_SPACE ? " " : "");
	if ((v->flags & FMT_ALT) != 0 && x != 0 && (conv == 'x' || conv == 'X'))
		return (conv == 'x' ? "0x" : "0X");
	return ("");
}

static char
int_conv(const struct conv *v, const struct value *val)
{
	if (v->conv == 'p')
		return ('x');
	if (v->conv != 'd' && v->conv != 'i')
		return (v->conv);
	return (type_is_int(val->type) && !type_signed(val->type) ? 'u' : 'd');
}

/* As C's printf, without its price: a million of these a second must be possible. */
static void
print_int(struct buf *out, const struct conv *v, const struct value *val, struct width w)
{
	enum { ROOM = 400, MOST = 300 };
	char text[ROOM], conv = int_conv(v, val), *end = text + 384, *s;
	int64_t x = value_int(val);
	const char *prefix;
	int least = 1;

	if (conv != 'd' && val->size < 8)
		x &= (int64_t)((1ull << (val->size * 8)) - 1);
	*end = '\0';
	prefix = int_prefix(v, conv, x);
	s = digits(end, conv == 'd' && x < 0 ? -(uint64_t)x : (uint64_t)x,
	    conv == 'o' ? 8 : conv == 'x' || conv == 'X' ? 16 : 10, conv == 'X');
	if (conv == 'o' && (v->flags & FMT_ALT) != 0)
		*--s = '0';
	if (w.prec >= 0)
		least = w.prec < MOST ? w.prec : MOST;
	else if ((v->flags & FMT_ZERO) != 0 && !w.left && w.width > 0)
		least = (w.width < MOST ? w.width : MOST) - (int)strlen(prefix);
	if (w.prec < 0 && least < 1)
		least = 1;
	while (end - s < least)
		*--s = '0';
	for (size_t n = strlen(prefix); n > 0; n--)
		*--s = prefix[n - 1];
	if (v->flags & FMT_GROUP) {
		memmove(text, s, (size_t)(end - s) + 1);
		group_digits(s = text, sizeof(text));
		end = text + strlen(text);
	}
	padded(out, s, (size_t)(end - s), w);
}

static void
print_time(struct buf *out, const struct conv *v, const struct value *val, struct width w)
{
	time_t sec = (time_t)((uint64_t)value_int(val) / 1000000000u);
	char text[128];
	struct tm tm;

	if (localtime_r(&sec, &tm) == NULL)
		return;
	if (v->conv == 'Y')
		(void)strftime(text, sizeof(text), "%Y %b %e %T", &tm);
	else
		(void)strftime(text, sizeof(text), "%a, %d %b %Y %T %Z", &tm);
	padded(out, text, strlen(text), w);
}

static void
print_float(struct buf *out, const struct conv *v, const struct value *val, struct width w)
{
	char text[400], spec[16];
	double d = 0;
	float f = 0;

	if (val->size == 4) {
		memcpy(&f, val->data, 4);
		d = f;
	} else if (val->size >= 8) {
		memcpy(&d, val->data, 8);
	}
	(void)snprintf(spec, sizeof(spec), "%%.*%c", v->conv);
	(void)snprintf(text, sizeof(text), spec, w.prec < 0 ? 6 : w.prec < 300 ? w.prec : 300, d);
	padded(out, text, strlen(text), w);
}

static void
print_address(struct buf *out, const struct conv *v, const struct value *val, struct width w,
    const struct fmt_ctx *ctx)
{
	char text[512];
	uint64_t pair[2] = {0, 0};

	if (val->fn == F_MOD) {
		sym_kernel_mod(ctx->syms, (uint64_t)value_int(val), text, sizeof(text));
	} else if (val->fn == F_FUNC) {
		sym_kernel_func(ctx->syms, (uint64_t)value_int(val), text, sizeof(text));
	} else if (type_resolve(val->type)->kind == TY_USYMADDR) {
		memcpy(pair, val->data, val->size < 16 ? val->size : 16);
		sym_user(ctx->syms, (int)pair[0], pair[1], text, sizeof(text));
	} else if (v->conv == 'A') {
		sym_user(ctx->syms, 0, (uint64_t)value_int(val), text, sizeof(text));
	} else {
		sym_kernel(ctx->syms, (uint64_t)value_int(val), text, sizeof(text));
	}
	padded(out, text, strlen(text), w);
}

void
fmt_value(struct buf *out, const struct conv *v, const struct value *val, const int dyn[2],
    const struct fmt_ctx *ctx)
{
	struct width w = effective(v, dyn);
	char ch;

	switch (v->conv) {
	case 's':
		print_string(out, val, w);
		break;
	case 'S': case 'C':
		print_escaped(out, val, w);
		break;
	case 'c':
		ch = (char)value_int(val);
		padded(out, &ch, 1, w);
		break;
	case 'Y': case 'T':
		print_time(out, v, val, w);
		break;
	case 'a': case 'A':
		print_address(out, v, val, w, ctx);
		break;
	case 'k':
		sym_stack(ctx->syms, out, val->data, val->size,
		    type_resolve(val->type)->kind == TY_USTACK, w.width > 0 ? w.width :
		    ctx->stackindent);
		break;
	case 'e': case 'E': case 'f': case 'F': case 'g': case 'G':
		print_float(out, v, val, w);
		break;
	default:
		print_int(out, v, val, w);
		break;
	}
}
