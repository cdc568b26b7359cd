/* SPDX-License-Identifier: MIT */
/* What a program of a zone may say; the rules stand in scope.h. */
#include "scope.h"

#include <errno.h>
#include <string.h>

#include "provider.h"
#include "smartbox/core/units.h"

/* --- providers and options ---------------------------------------------------------------------- */

bool
scope_has_provider(const struct zone_scope *sc, const struct provider *pv)
{
	if (pv == &prov_dtrace)
		return (true);
	if (pv == &prov_syscall || pv == &prov_profile)
		return (sc->user);
	return ((pv == &prov_pid || pv == &prov_usdt) && sc->proc);
}

int
scope_pid(const struct zone_scope *sc, int inside)
{
	for (unsigned i = 0; i < sc->npids; i++)
		if (sc->pids[i].inside == inside)
			return (sc->pids[i].outside);
	return (0);
}

int
scope_option(const char *name, const char *value, struct err *e)
{
	static const struct {
		const char *name;
		uint64_t most; /* of a size or number; 0: no matter */
	} allowed[] = {{"aggpercpu", 0}, {"aggpack", 0}, {"agghist", 0}, {"aggrate", 0},
	    {"aggsize", 4 << 20}, {"aggsortkey", 0}, {"aggsortkeypos", 0}, {"aggsortpos", 0},
	    {"aggsortrev", 0}, {"aggzoom", 0}, {"argref", 0}, {"bufpolicy", 0}, {"bufsize", 4 << 20},
	    {"cpu", 0}, {"defaultargs", 0}, {"droptags", 0}, {"dynvarsize", 4 << 20}, {"empty", 0},
	    {"errtags", 0}, {"flowindent", 0}, {"jstackframes", 100}, {"jstackstrsize", 4096},
	    {"nspec", 16}, {"quiet", 0}, {"rawbytes", 0}, {"scratchsize", 4096},
	    {"specsize", 1 << 20}, {"stackindent", 256}, {"statusrate", 0}, {"strsize", 1024},
	    {"switchrate", 0}, {"ustackframes", 100}, {"zdefs", 0}};
	uint64_t n;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (strcmp(allowed[i].name, name) != 0)
			continue;
		if (allowed[i].most != 0 && (value == NULL ||
		    units_parse_size(value, &n, NULL) != 0 || n > allowed[i].most))
			return (err_set(e, EPERM, "Invalid value for specified option (in a zone at most "
			    "%llu)", (unsigned long long)allowed[i].most));
		return (0);
	}
	return (err_set(e, EPERM, "Not permitted in a zone"));
}

/* --- programs ------------------------------------------------------------------------------------ */

struct check {
	struct comp *c;
	bool in_broker;
};

static _Noreturn void
refuse(const struct check *k, const struct node *n, const char *what)
{
	comp_error(k->c, n->line, "D_ZONE_PRIV", "%s is not permitted in a zone", what);
}

static void
reads_process(const struct check *k, const struct node *n, const char *what)
{
	if (k->in_broker)
		comp_error(k->c, n->line, "D_ZONE_PRIV",
		    "%s is not permitted in a zone's BEGIN, END, ERROR and tick clauses", what);
}

static void
check_type(const struct check *k, const struct node *n)
{
	struct type *t = n->type != NULL ? type_resolve(n->type) : NULL;

	if (t == NULL)
		return;
	switch (t->kind) {
	case TY_VOID: case TY_INT: case TY_ENUM: case TY_STRING: case TY_USTACK: case TY_USYMADDR:
		return;
	default:
		refuse(k, n, "a value that is neither an integer nor a string");
	}
}

static void
check_builtin(const struct check *k, const struct node *n)
{
	switch (n->id->builtin) {
	case B_CPU: case B_EPID: case B_ERRNO: case B_EXECNAME: case B_GID: case B_ID: case B_IPL:
	case B_PID: case B_PROBEFUNC: case B_PROBEMOD: case B_PROBENAME: case B_PROBEPROV: case B_TID:
	case B_TIMESTAMP: case B_UID: case B_VTIMESTAMP: case B_WALLTIMESTAMP: case B_ZONENAME:
	case B_ARGS:
		return;
	case B_UCALLER: case B_USTACKDEPTH: case B_UREGS:
		reads_process(k, n, n->id->name);
		return;
	default:
		if (n->id->builtin >= B_ARG0 && n->id->builtin <= B_ARG9)
			return;
		refuse(k, n, n->id->name);
	}
}

/* What a subroutine takes by address must be a string's; 0 is strtok's "go on". */
static void
check_pointers(const struct check *k, const struct node *n, const char *proto)
{
	const struct node *a = n->args;

	for (; a != NULL && *proto != '\0'; a = a->next) {
		size_t len = strcspn(proto, ",");

		if (memchr(proto, '*', len) != NULL && !type_is_string(a->type) &&
		    !(a->kind == N_INT && a->val == 0))
			refuse(k, n, "an address");
		proto += len + (proto[len] == ',');
	}
}

static void
check_function(const struct check *k, const struct node *n)
{
	const struct func_def *f = func_find(n->name);

	if (f == NULL)
		refuse(k, n, n->name);
	check_pointers(k, n, f->args);
	switch ((int)f->id) {
	case F_TRACE: case F_PRINTF: case F_PRINTA: case F_EXIT: case F_NORMALIZE: case F_DENORMALIZE:
	case F_CLEAR: case F_TRUNC: case F_SPECULATE: case F_COMMIT: case F_DISCARD: case F_COUNT:
	case F_SUM: case F_AVG: case F_MIN: case F_MAX: case F_STDDEV: case F_QUANTIZE:
	case F_LQUANTIZE: case F_LLQUANTIZE: case F_BASENAME: case F_CLEANPATH: case F_DIRNAME:
	case F_GETMAJOR: case F_GETMINOR: case F_HTONL: case F_HTONLL: case F_HTONS: case F_INDEX:
	case F_LLTOSTR: case F_NTOHL: case F_NTOHLL: case F_NTOHS: case F_RAND: case F_RINDEX:
	case F_SPECULATION: case F_STRCHR: case F_STRJOIN: case F_STRLEN: case F_STRRCHR: case F_STRSTR:
	case F_STRTOK: case F_STRTOLL: case F_SUBSTR: case F_TOLOWER: case F_TOUPPER: case F_JSON:
		return;
	case F_COPYINSTR: case F_USTACK: case F_JSTACK: case F_USYM: case F_UFUNC: case F_UMOD:
	case F_UADDR:
		reads_process(k, n, f->name);
		return;
	default:
		refuse(k, n, f->name);
	}
}

static void
check_ident(const struct check *k, const struct node *n)
{
	if (n->id == NULL)
		refuse(k, n, n->name); /* not looked at by the checker */
	if (n->id->kind == ID_BUILTIN)
		check_builtin(k, n);
	else if (n->id->kind != ID_VAR && n->id->kind != ID_AGG)
		refuse(k, n, n->id->name);
}

static void check_list(const struct check *k, const struct node *n);

/* Arrays by name: associative ones and uregs[]; all others are memory. */
static void
check_index(const struct check *k, const struct node *n)
{
	if (n->id == NULL)
		refuse(k, n, "an index");
	check_ident(k, n);
	if (n->id->kind == ID_VAR && !n->id->assoc)
		refuse(k, n, "an index");
}

static void
check_operator(const struct check *k, const struct node *n)
{
	if (n->kind == N_UNARY && (n->op == '*' || n->op == '&'))
		refuse(k, n, "an address or what is at one");
	if (n->kind == N_CAST && type_is_string(n->tref) && !type_is_string(n->a->type))
		refuse(k, n, "a string of what is none");
}

static void
check_node(const struct check *k, const struct node *n)
{
	check_type(k, n);
	switch (n->kind) {
	case N_INT: case N_STR: case N_SIZEOF: case N_OFFSETOF:
		return; /* constants: what they were made of does not run */
	case N_AGG:
		break;
	case N_IDENT:
		check_ident(k, n);
		break;
	case N_CALL:
		check_function(k, n);
		break;
	case N_INDEX:
		check_index(k, n);
		check_list(k, n->b);
		check_list(k, n->args);
		return;
	case N_UNARY: case N_CAST:
		check_operator(k, n);
		break;
	case N_BINARY: case N_COND: case N_ASSIGN: case N_COMMA: case N_IF: case N_BLOCK:
		break;
	default:
		refuse(k, n, "a member, a translator or a parameter");
	}
	check_list(k, n->a);
	check_list(k, n->b);
	check_list(k, n->c);
	check_list(k, n->args);
}

static void
check_list(const struct check *k, const struct node *n)
{
	for (; n != NULL; n = n->next)
		check_node(k, n);
}

static void
check_act(const struct check *k, const struct act *a)
{
	for (unsigned i = 0; i < a->nargs; i++)
		check_list(k, a->args[i].expr);
	for (unsigned i = 0; a->fmt != NULL && i < a->fmt->nconvs; i++)
		if (a->fmt->convs[i].conv == 'a')
			comp_error(k->c, a->line, "D_ZONE_PRIV",
			    "the conversion %%a is not permitted in a zone");
}

void
scope_check(struct comp *c, const struct unit *u, bool in_broker)
{
	struct check k = {c, in_broker};

	check_list(&k, u->pred);
	check_list(&k, u->stmts);
	for (unsigned i = 0; i < u->nacts; i++)
		check_act(&k, u->acts[i]);
	if (u->destructive)
		comp_error(c, u->cl->line, "D_ZONE_PRIV", "a destructive action is not permitted in a zone");
}
