/* SPDX-License-Identifier: MIT */
/* The checker: calls.  Prototypes of subroutines and actions, and what subroutines return. */
#include <string.h>

#include "sema.h"

enum { TUPLE_MAX = 16 };

/* One prototype word: "const char *", "size_t", "@" anything, "..." the rest; "[" begins optional ones. */
static const char *
next_word(const char *p, char *word, size_t size, bool *optional)
{
	size_t n;

	while (*p == ' ' || *p == ',' || *p == '[') {
		*optional |= *p == '[';
		p++;
	}
	n = strcspn(p, ",]");
	memcpy(word, p, n < size ? n : size - 1);
	word[n < size ? n : size - 1] = '\0';
	p += n;
	while (*p == ']')
		p++;
	return (p);
}

static void
count_args(const char *proto, unsigned *min, unsigned *max)
{
	char word[64];
	bool optional = false;

	*min = *max = 0;
	while (*proto != '\0') {
		proto = next_word(proto, word, sizeof(word), &optional);
		if (strcmp(word, "...") == 0) {
			*max = UINT32_MAX;
			return;
		}
		(*max)++;
		*min += !optional;
	}
}

bool
arg_fits(struct sema *s, struct node *arg, const char *proto)
{
	struct type *t = arg->type, *want;

	if (strcmp(proto, "@") == 0)
		return (true);
	if (strcmp(proto, "string") == 0 || strcmp(proto, "const char *") == 0)
		return (type_is_strlike(t));
	if (strcmp(proto, "void *") == 0)
		return (type_is_ptr(t) || type_is_int(t) || type_is_string(t));
	want = type_by_name(s->c->types, proto);
	if (want == NULL)
		return (type_is_scalar(t) || type_is_ptr(t));
	if (type_is_int(want))
		return (type_is_int(t) || (type_is_ptr(t) && type_size(want) == 8));
	if (type_is_ptr(want))
		return (type_is_ptr(t) || type_is_string(t) ||
		    (type_is_int(t) && strcmp(proto, "uint32_t *") != 0));
	return (type_same(want, t));
}

static _Noreturn void
wrong_count(struct sema *s, const struct node *n, unsigned have, unsigned min, unsigned max)
{
	comp_error(s->c, n->line, "D_PROTO_LEN",
	    "%s( ) prototype mismatch: %u arg%s passed, %s%u expected", n->name, have,
	    have == 1 ? "" : "s", min == max ? "" : have < min ? "at least " : "at most ",
	    have < min ? min : max);
}

void
check_args(struct sema *s, struct node *n, const struct func_def *f)
{
	unsigned min, max, have = list_length(n->args), i = 0;
	const char *p = f->args;
	char word[64];
	bool optional = false;

	count_args(f->args, &min, &max);
	if (have < min || have > max)
		wrong_count(s, n, have, min, max);
	for (struct node *a = n->args; a != NULL; a = a->next) {
		if (a->kind == N_AGG)
			comp_error(s->c, n->line, "D_PROTO_ARG", "%s( ) argument #%u is incompatible "
			    "with prototype:\n\tprototype: %s\n\t argument: %s", n->name, i + 1,
			    word, "<DYN>");
		cook(s, a);
		if (strncmp(p, " ...", 4) != 0 && *p != '\0')
			p = next_word(p, word, sizeof(word), &optional);
		i++;
		if (strcmp(word, "...") == 0)
			return;
		if (!arg_fits(s, a, word))
			comp_error(s->c, n->line, "D_PROTO_ARG", "%s( ) argument #%u is incompatible "
			    "with prototype:\n\tprototype: %s\n\t argument: %s", n->name, i, word,
			    type_name(s->c->types, a->type));
	}
}

/* Scratch that the code generator wants for a call. */
static void
reserve(struct sema *s, struct node *n, enum fn f)
{
	uint32_t str = (uint32_t)s->c->types->strsize;

	switch (f) {
	case F_STRTOK:
		s->c->uses_strtok = true;
		n->tmp = sema_tmp(s, str);
		n->aux = sema_tmp(s, 256);
		break;
	case F_CLEANPATH: /* a table behind the output, which is rounded up to a power of two */
		n->tmp = sema_tmp(s, str);
		n->aux = sema_tmp(s, str * 2 + 256);
		break;
	case F_JSON: /* its state and the text; the output, rounded up to a power of two */
		n->tmp = sema_tmp(s, str + 128);
		n->aux = sema_tmp(s, str * 2 + 16);
		break;
	case F_STRJOIN: case F_BASENAME: case F_DIRNAME: case F_SUBSTR:
	case F_TOLOWER: case F_TOUPPER: case F_STRCHR: case F_STRRCHR: case F_STRSTR:
	case F_INDEX: case F_RINDEX:
		n->tmp = sema_tmp(s, str * 2);
		n->aux = sema_tmp(s, str * 2);
		break;
	case F_STRLEN: case F_STRTOLL:
		n->tmp = sema_tmp(s, str);
		break;
	case F_D_PATH: /* the last name may run over */
		n->tmp = sema_tmp(s, str + 264);
		break;
	case F_COPYINSTR:
		n->tmp = sema_tmp(s, str);
		n->aux = sema_tmp(s, str);
		break;
	case F_LLTOSTR: case F_PSARGS:
		n->tmp = sema_tmp(s, 96);
		break;
	case F_INET_NTOA: case F_INET_NTOA6: case F_INET_NTOP: case F_LINK_NTOP:
		n->tmp = sema_tmp(s, 128);
		n->aux = sema_tmp(s, 64);
		break;
	default:
		break;
	}
}

/* How long the result may be, where that is less than any string. */
static uint32_t
result_strmax(struct sema *s, const struct node *n, enum fn f)
{
	uint32_t a = n->args != NULL ? n->args->strmax : 0;
	int64_t v;

	switch (f) {
	case F_LLTOSTR:
		return (68);
	case F_PSARGS:
		return (88);
	case F_INET_NTOA:
		return (16);
	case F_INET_NTOA6: case F_INET_NTOP:
		return (48);
	case F_LINK_NTOP:
		return (64);
	case F_BASENAME: case F_DIRNAME: case F_SUBSTR: case F_TOLOWER: case F_TOUPPER:
	case F_STRCHR: case F_STRRCHR: case F_STRSTR: case F_STRTOK:
		return (a > 1 ? a : 0);
	case F_STRJOIN:
		return (a != 0 && n->args->next->strmax != 0 ? a + n->args->next->strmax : 0);
	case F_COPYINSTR:
		return (n->args->next != NULL && node_constant(s->c, n->args->next, &v) && v > 0 &&
		    v < (int64_t)s->c->types->strsize ? (uint32_t)v + 1 : 0);
	default:
		return (0);
	}
}

static void
stack_call(struct sema *s, struct node *n, enum fn f)
{
	int64_t frames = f == F_STACK ? s->stackframes : s->ustackframes;

	if (n->args != NULL) {
		cook(s, n->args);
		if (!node_constant(s->c, n->args, &frames) || frames <= 0)
			comp_error(s->c, n->line, f == F_STACK ? "D_STACK_SIZE" :
			    "D_USTACK_FRAMES", "%s( ) argument #1 must be a non-zero positive "
			    "integer constant", n->name);
		if (n->args->next != NULL) {
			cook(s, n->args->next);
			if (f == F_STACK || n->args->next->next != NULL)
				comp_error(s->c, n->line, f == F_STACK ? "D_STACK_PROTO" :
				    "D_USTACK_PROTO",
				    "%s( ) prototype mismatch: too many arguments", n->name);
		}
	}
	if (frames > s->maxframes)
		frames = s->maxframes;
	s->u->uses_ustack |= f != F_STACK;
	n->val = (uint64_t)frames;
	n->aux = (uint32_t)frames * 8 + (f == F_STACK ? 0 : 8);
	n->type = f == F_STACK ? s->c->types->t_stack : s->c->types->t_ustack;
}

static bool
is_value_function(enum fn f)
{
	return (f >= F_ALLOCA || (f >= F_STACK && f <= F_UADDR));
}

static void
result_of(struct sema *s, struct node *n, const struct func_def *f)
{
	struct types *ts = s->c->types;

	if (f->id == F_MUTEX_OWNER || f->id == F_GETF) {
		n->type = type_by_name(ts, f->ret);
		if (n->type == NULL)
			n->type = ts->t_voidp;
	} else if (strncmp(f->ret, "_symaddr", 8) == 0) {
		n->type = ts->t_sym;
	} else if (strncmp(f->ret, "_usymaddr", 9) == 0) {
		n->type = ts->t_usym;
		s->u->uses_ustack = true; /* the process's map is wanted here as well */
	} else {
		n->type = type_by_name(ts, f->ret);
	}
	if (type_is_string(n->type)) {
		n->strmax = result_strmax(s, n, f->id);
		if (n->strmax == 0 || n->strmax > ts->strsize)
			n->strmax = (uint32_t)ts->strsize;
	}
	if (n->type->kind == TY_USYMADDR || n->type->kind == TY_SYMADDR)
		n->tmp = sema_tmp(s, 16);
}

static void
special_checks(struct sema *s, struct node *n, enum fn f)
{
	int64_t v;

	if (f == F_ALLOCA && node_constant(s->c, n->args, &v) && v < 0)
		comp_error(s->c, n->line, "D_ALLOCA_SIZE", "alloca( ) size must be non-negative");
	if (f == F_D_PATH && strcmp(type_name(s->c->types, n->args->type), "struct path *") != 0 &&
	    strcmp(type_name(s->c->types, n->args->type), "struct dentry *") != 0)
		comp_error(s->c, n->line, "D_PROTO_ARG", "d_path( ) argument #1 is incompatible with "
		    "prototype:\n\tprototype: struct path *\n\t argument: %s",
		    type_name(s->c->types, n->args->type));
	if (f == F_JSON && n->args->next->kind != N_STR)
		comp_error(s->c, n->line, "D_PROTO_ARG", "json( ) argument #2 must be a string constant");
	if ((f == F_COPYIN || f == F_COPYINTO || f == F_ALLOCA) && s->u->speculates)
		return;
	if (f == F_LLTOSTR && n->args->next != NULL && node_constant(s->c, n->args->next, &v) &&
	    (v < 2 || v > 36))
		comp_error(s->c, n->line, "D_PROTO_ARG", "lltostr( ) base must be from 2 to 36");
	if (f == F_STRTOLL && n->args->next != NULL && node_constant(s->c, n->args->next, &v) &&
	    (v < 2 || v > 36))
		comp_error(s->c, n->line, "D_PROTO_ARG", "strtoll( ) base must be from 2 to 36");
}

void
cook_call(struct sema *s, struct node *n)
{
	const struct func_def *f = func_find(n->name);
	struct node *base;

	if (f == NULL)
		comp_error(s->c, n->line, "D_FUNC_UNDEF", "undefined function name: %s", n->name);
	if (f->id > F_LAST_ACTION && f->id <= F_LAST_AGG)
		comp_error(s->c, n->line, "D_AGG_NULL",
		    "%s( ) may only be called as the value of an aggregation", n->name);
	if (!is_value_function(f->id))
		comp_error(s->c, n->line, "D_PROTO_ARG",
		    "%s( ) is an action and may not be used in an expression", n->name);
	if (f->refused)
		comp_error(s->c, n->line, "D_FUNC_UNDEF", "%s( ) is not available on this system",
		    n->name);
	if (f->id == F_STACK || f->id == F_USTACK || f->id == F_JSTACK) {
		stack_call(s, n, f->id);
		base = n;
	} else {
		check_args(s, n, f);
		special_checks(s, n, f->id);
		reserve(s, n, f->id);
		result_of(s, n, f);
		base = n;
	}
	base->id = arena_alloc(s->c, sizeof(*base->id));
	base->id->kind = ID_FUNC;
	base->id->name = f->name;
	base->id->func = f;
}
