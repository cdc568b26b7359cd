/* SPDX-License-Identifier: MIT */
/*
 * trace: how a D program becomes eBPF.
 *
 *	text --lex,parse--> clauses --provider--> probes --sema--> units --gen--> programs --bpf(2)--> kernel
 *	                                                                                         |
 *	terminal <--consume, agg, fmt, sym-- records of the ring buffer, per-CPU maps <----------+
 *
 * A *clause* is what the program says; a *probe* is a place that a provider offers; a *unit* is a clause
 * checked for one kind of probe; a *target* is a place of attachment with all the probes that fire there,
 * and one eBPF program that runs all units of those probes in source order (gen.h).
 *
 * Invariants:
 *  1. Nothing is attached before everything is loaded, and nothing loaded before everything compiled: an
 *     error leaves the system as it was.
 *  2. Programs do nothing unless the state in the kernel says ACTIVE: attaching takes no effect probe by
 *     probe, and stopping is one store.
 *  3. Every kernel object is a descriptor of this process: when it dies, however it dies, all is gone.
 *  4. Memory is bounded by options (bufsize, aggsize, dynvarsize ...), all of it allocated before tracing
 *     starts or bounded by the map's size; what does not fit is counted and reported as a drop.
 *  5. No event makes work that scales with probes: hundreds of system calls are one raw tracepoint and a
 *     table.
 *
 * Rejected: one program per clause (order and clause-local variables across clauses would need glue, and
 * every hit would pay several entries); perf buffers (order only per CPU; a ring buffer gives BEGIN first and
 * END last for nothing); per-probe tracepoints for system calls (closing hundreds of perf descriptors takes
 * half a minute).
 */
#include "session.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct provider *const all_providers[] = {&prov_dtrace, &prov_profile, &prov_syscall,
    &prov_stable, &prov_rawtp, &prov_sdt, &prov_fbt, &prov_pid, &prov_usdt, &prov_cpc, NULL};

const struct provider *const *
providers(void)
{
	return (all_providers);
}

/* --- life -------------------------------------------------------------------------------------- */

static void
init_compiler(struct comp *c, void *arg)
{
	struct session *s = arg;

	idents_init(&s->ids, c);
	types_init(&s->types, c, s->opt.v[O_STRSIZE]);
	s->types.btf_tried = s->no_kernel;
}

void
trace_without_kernel(struct session *s)
{
	s->no_kernel = true;
	s->tracefs = -2;
	symbols_without_kernel(s->syms);
}

int
trace_new(struct session **out, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->syms = symbols_new()) == NULL) {
		free(s);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	options_init(&s->opt);
	options_environment(&s->opt);
	s->source_tail = &s->sources;
	s->target_tail = &s->targets;
	s->tracefs = -1;
	s->outfd = STDOUT_FILENO;
	s->testing = getenv("_DTRACE_TESTING") != NULL;
	s->c.opt = &s->opt;
	s->c.types = &s->types;
	s->c.ids = &s->ids;
	*out = s;
	return (0);
}

static void
close_targets(struct session *s)
{
	for (struct target *t = s->targets; t != NULL; t = t->next) {
		for (unsigned i = 0; i < t->nfds; i++)
			(void)close(t->fds[i]);
		free(t->fds);
		t->fds = NULL;
		t->nfds = 0;
		if (t->prog_fd > 0)
			(void)close(t->prog_fd);
		t->prog_fd = -1;
	}
}

static void
free_sources(struct session *s)
{
	struct source *src;

	while ((src = s->sources) != NULL) {
		s->sources = src->next;
		free(src);
	}
}

static void
free_aggs(struct session *s)
{
	for (unsigned i = 0; i < s->naggs; i++)
		agg_free(&s->aggs[i]);
	free(s->aggs);
}

void
trace_free(struct session *s)
{
	if (s == NULL)
		return;
	close_targets(s);
	pictures_free(s);
	victims_release(s);
	session_close_maps(s);
	symbols_free(s->syms);
	types_fini(&s->types);
	for (unsigned i = 0; i < 65; i++)
		buf_free(&s->spec[i].data);
	buf_free(&s->out);
	buf_free(&s->held);
	if (s->tracefs >= 0)
		(void)close(s->tracefs);
	free_sources(s);
	free_aggs(s);
	free(s->scope);
	arena_free(&s->c.mem);
	free(s);
}

void
session_message(struct session *s, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->message != NULL)
		s->message(s->message_arg, text);
}

void
trace_on_message(struct session *s, void (*fn)(void *, const char *), void *arg)
{
	s->message = fn;
	s->message_arg = arg;
}

void
trace_output(struct session *s, int fd)
{
	s->outfd = fd;
}

int
trace_option(struct session *s, const char *name, const char *value, struct err *e)
{
	int rc = s->scope != NULL ? scope_option(name, value, e) : 0;

	return (rc != 0 ? rc : options_set(&s->opt, name, value, s->state != NULL, e));
}

bool
trace_option_flag(const struct session *s, const char *name)
{
	return (strcmp(name, "quiet") == 0 ? s->opt.v[O_QUIET] != 0 :
	    strcmp(name, "droptags") == 0 ? s->opt.v[O_DROPTAGS] != 0 :
	    strcmp(name, "destructive") == 0 ? s->opt.v[O_DESTRUCTIVE] != 0 : false);
}

int
trace_zone(struct session *s, int init_pid, struct err *e)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/uts", init_pid);
	if (stat(path, &st) != 0)
		return (err_sys(e, errno, "%s", path));
	s->zone_ns = (uint32_t)st.st_ino;
	return (0);
}

int
session_pid(const struct session *s, int pid)
{
	return (s->scope == NULL ? pid : scope_pid(s->scope, pid));
}

void
trace_set_target(struct session *s, int pid)
{
	if (!s->have_target)
		s->target_pid = pid;
	s->have_target = true;
}

/* --- probes ------------------------------------------------------------------------------------ */

bool
glob_match(const char *pattern, const char *s)
{
	if (pattern[0] == '\0')
		return (true);
	if (strpbrk(pattern, "*?[\\") == NULL)
		return (strcmp(pattern, s) == 0);
	return (fnmatch(pattern, s, 0) == 0);
}

/* Probes by function and name: a kernel has tens of thousands of functions. */
static unsigned
bucket(const char *func, const char *name)
{
	unsigned h = 5381;

	for (; *func != '\0'; func++)
		h = h * 33 ^ (unsigned char)*func;
	for (; *name != '\0'; name++)
		h = h * 33 ^ (unsigned char)*name;
	return (h % PROBE_BUCKETS);
}

struct probe *
session_find(struct session *s, const char *prov, const char *mod, const char *func, const char *name)
{
	for (struct probe *p = s->by_name[bucket(func, name)]; p != NULL; p = p->chain)
		if (strcmp(p->func, func) == 0 && strcmp(p->name, name) == 0 &&
		    strcmp(p->mod, mod) == 0 && strcmp(p->provname, prov) == 0)
			return (p);
	return (NULL);
}

struct probe *
session_probe(struct session *s, const struct provider *pv, const char *prov, const char *mod,
    const char *func, const char *name)
{
	struct probe *p = arena_alloc(&s->c, sizeof(*p)), **head;

	p->prov = pv;
	p->provname = arena_strdup(&s->c, prov);
	p->mod = arena_strdup(&s->c, mod);
	p->func = arena_strdup(&s->c, func);
	p->name = arena_strdup(&s->c, name);
	*VEC_ADD(&s->c, s->probes, s->nprobes) = p;
	p->id = s->nprobes;
	head = &s->by_name[bucket(func, name)];
	p->chain = *head;
	*head = p;
	return (p);
}

static bool
matches(const struct pdesc *pd, const struct probe *p)
{
	if (pd->by_id != 0)
		return (p->id == (unsigned)pd->by_id);
	return (glob_match(pd->field[3], p->name) && glob_match(pd->field[2], p->func) &&
	    glob_match(pd->field[1], p->mod) && glob_match(pd->field[0], p->provname));
}

static void
provide(struct session *s, const struct pdesc *pd)
{
	for (const struct provider *const *pv = providers(); *pv != NULL; pv++)
		if ((*pv)->provide != NULL && (s->scope == NULL || scope_has_provider(s->scope, *pv)))
			(*pv)->provide(s, pd);
}

/* Numbers are those of a listing of everything. */
static void
provide_all(struct session *s)
{
	static const struct pdesc any = {.text = (char *)(uintptr_t)"", .field = {"", "", "", ""}};

	provide(s, &any);
}

/* --- matching clauses -------------------------------------------------------------------------- */

static bool
destructive_ok(const struct session *s)
{
	return (s->opt.v[O_DESTRUCTIVE] != 0);
}

static struct type *
kernel_symbol(struct sema *sm, const char *name, uint64_t *addr)
{
	struct session *s = sm->arg;
	const char *tick = strchr(name, '`');
	char *mod = arena_strndup(&s->c, name, (size_t)(tick - name));
	struct btf *b = types_btf(&s->types);
	uint32_t id;

	*addr = sym_kernel_addr(s->syms, mod, tick + 1);
	if (*addr == 0)
		return (NULL);
	id = b != NULL ? btf_find(b, tick + 1, 1u << BTF_VAR) : 0;
	return (id != 0 ? types_from_btf(&s->types, btf_ref(b, id)) : s->types.t_ulong);
}

/* One unit of a clause for probes whose args[] are these. */
static struct unit *
new_unit(struct session *s, const struct clause *cl, const struct probe *p, const char *pdesc)
{
	struct sema sm = {.c = &s->c, .nargs = -1, .pdesc = pdesc,
	    .symbol = s->scope == NULL ? kernel_symbol : NULL, .arg = s};
	struct unit *u;

	if (p != NULL && p->prov->args != NULL)
		sm.args = p->prov->args(s, p, &sm.nargs);
	sm.stackframes = (unsigned)s->opt.v[O_STACKFRAMES];
	sm.ustackframes = (unsigned)s->opt.v[O_USTACKFRAMES];
	sm.maxframes = (unsigned)s->opt.v[O_MAXFRAMES];
	u = sema_unit(&sm, cl, s->nunits);
	if (s->nunits >= ROW_UNITS)
		comp_error(&s->c, cl->line, "D_UNKNOWN", "more than %d clauses", ROW_UNITS);
	s->wants_ustack |= u->uses_ustack;
	*VEC_ADD(&s->c, s->units, s->nunits) = u;
	return (u);
}

/* The kinds of probes a clause has been checked for, while it is being matched. */
struct variant {
	const struct probe_arg *args;
	int nargs;
	struct unit *u;
};

static struct unit *
unit_for(struct session *s, const struct clause *cl, const struct probe *p, struct variant **v,
    unsigned *n, const char *pdesc)
{
	const struct probe_arg *args = NULL;
	int nargs = -1;
	struct variant *nv;

	if (cl->uses_args && p->prov->args != NULL)
		args = p->prov->args(s, p, &nargs);
	for (unsigned i = 0; i < *n; i++)
		if (!cl->uses_args || ((*v)[i].args == args && (*v)[i].nargs == nargs))
			return ((*v)[i].u);
	nv = VEC_ADD(&s->c, *v, *n);
	nv->args = args;
	nv->nargs = nargs;
	nv->u = new_unit(s, cl, p, pdesc);
	return ((*v)[*n - 1].u);
}

static void
add_unit(struct session *s, struct probe *p, const struct unit *u)
{
	if (s->scope != NULL)
		scope_check(&s->c, u, p->prov == &prov_dtrace ||
		    (p->prov == &prov_profile && p->name[0] == 't'));
	if (!p->enabled) {
		p->enabled = true;
		p->row = s->nenabled;
		*VEC_ADD(&s->c, s->enabled, s->nenabled) = p;
	}
	p->mask[u->id / 64] |= 1ull << (u->id % 64);
}

static const char *
full_pdesc(struct session *s, const struct pdesc *pd)
{
	return (arena_printf(&s->c, "%s:%s:%s:%s", pd->field[0], pd->field[1], pd->field[2],
	    pd->field[3]));
}

static void
no_match(struct session *s, const struct clause *cl, const struct pdesc *pd)
{
	if (s->opt.v[O_ZDEFS] != 0)
		return;
	s->c.line = pd->line;
	if (pd->by_id != 0)
		comp_error(&s->c, pd->line, "D_PDESC_INVAL", "invalid probe id %s", pd->text);
	comp_error(&s->c, cl->line, "D_PDESC_ZERO",
	    "probe description %s does not match any probes%s%s", full_pdesc(s, pd),
	    s->c.why != NULL ? ": " : "", s->c.why != NULL ? s->c.why : "");
}

static unsigned
match_clause(struct session *s, const struct clause *cl)
{
	struct variant *v = NULL;
	unsigned nv = 0, total = 0;

	for (unsigned i = 0; i < cl->npdescs; i++) {
		const struct pdesc *pd = &cl->pdescs[i];
		unsigned found = 0;

		s->c.why = NULL;
		if (pd->by_id == 0)
			provide(s, pd);
		else if ((unsigned)pd->by_id > s->nprobes)
			provide_all(s);
		for (unsigned k = 0; k < s->nprobes; k++) {
			struct probe *p = s->probes[k];

			if (!matches(pd, p))
				continue;
			add_unit(s, p, unit_for(s, cl, p, &v, &nv, full_pdesc(s, pd)));
			found++;
		}
		if (found == 0)
			no_match(s, cl, pd);
		total += found;
	}
	if (nv == 0) { /* nothing matches, which -Z allows: the clause must still be right */
		(void)new_unit(s, cl, NULL, "");
		s->nunits--;
	}
	return (total);
}

/* --- compiling --------------------------------------------------------------------------------- */

static void
pragma_option(void *arg, const char *name, const char *value, struct err *e)
{
	struct session *s = arg;

	if (s->scope != NULL && scope_option(name, value, e) != 0)
		return;
	(void)options_set(&s->opt, name, value, false, e);
	s->types.t_string->size = s->types.strsize = s->opt.v[O_STRSIZE];
}

static void
check_macros(struct session *s, const struct source *src)
{
	for (int i = 1; i < src->argc && s->opt.v[O_ARGREF] == 0; i++)
		if (!src->used[i]) {
			s->c.from_file = false;
			comp_error(&s->c, 0, "D_MACRO_UNUSED",
			    "extraneous argument '%s' ($%d is not referenced)", src->argv[i], i);
		}
}

static void
parse_source(struct session *s, struct source *src)
{
	struct macros m = {.argc = src->argc, .argv = src->argv, .used = src->used,
	    .defaultargs = s->opt.v[O_DEFAULTARGS] != 0, .target = s->target_pid,
	    .have_target = s->have_target};

	s->c.from_file = src->is_file;
	s->c.errtags = s->opt.v[O_ERRTAGS] != 0;
	s->c.filetag = NULL;
	s->c.region = REGION_NONE;
	s->prog.c = &s->c;
	s->prog.macros = &m;
	s->prog.spec = src->kind;
	s->prog.needs_body = src->is_file;
	s->prog.option = pragma_option;
	s->prog.option_arg = s;
	src->first = s->prog.nclauses;
	parse_program(&s->prog, src->text, src->len);
	src->end = s->prog.nclauses;
	s->c.region = REGION_NONE;
	for (unsigned i = src->first; i < src->end; i++)
		src->matched += match_clause(s, s->prog.clauses[i]);
	check_macros(s, src);
	if (src->first == src->end && s->opt.v[O_EMPTY] == 0 && src->is_file && src->len == 0)
		comp_error(&s->c, 0, "D_EMPTY", "empty D program translation unit");
}

static void
find_errors(struct session *s)
{
	struct probe *p = session_find(s, "dtrace", "", "", "ERROR");

	for (unsigned i = 0; p != NULL && i < s->nunits; i++)
		if (p->mask[i / 64] >> (i % 64) & 1)
			*VEC_ADD(&s->c, s->im.errors, s->im.nerrors) = s->units[i];
}

static void
layout(struct session *s)
{
	struct image *im = &s->im;
	uint32_t rec = sizeof(struct fault_rec), tmp = 0;

	sema_layout(&s->c, &im->globals, &im->locals);
	for (unsigned i = 0; i < s->nunits; i++) {
		if (s->units[i]->rec_size + sizeof(struct rec_head) > rec)
			rec = s->units[i]->rec_size + (uint32_t)sizeof(struct rec_head);
		if (s->units[i]->tmp_size > tmp)
			tmp = s->units[i]->tmp_size;
	}
	im->scratch_size = ((uint32_t)s->opt.v[O_SCRATCHSIZE] + 7) & ~7u;
	im->nspec = (unsigned)s->opt.v[O_NSPEC];
	im->dynvarsize = s->opt.v[O_DYNVARSIZE];
	im->aggsize = s->opt.v[O_AGGSIZE];
	im->zone_ns = s->zone_ns;
	im->scope = s->scope;
	im->follow = s->opt.v[O_FOLLOW] != 0;
	im->strtok_off = SLOT_LOCALS + ((im->locals + 7) & ~7u);
	im->rec_off = im->strtok_off +
	    (s->c.uses_strtok ? ((uint32_t)s->opt.v[O_STRSIZE] + 15) & ~7u : 0);
	im->tmp_off = (im->rec_off + rec + 1032 + 7) & ~7u; /* string copies may run over */
	im->scratch_off = (im->tmp_off + tmp + 512 + 7) & ~7u;
	im->key_off = im->scratch_off + im->scratch_size * 2 + 16;
	if (im->key_off > 30000)
		comp_error(&s->c, 0, "D_UNKNOWN", "program needs too much memory per CPU");
}

/* What the options and all sources say, to targets. */
static void
compile(struct comp *c, void *arg)
{
	struct session *s = arg;
	struct err e = ERR_INIT;

	init_compiler(c, s);
	image_init(&s->im, c);
	prov_dtrace.provide(s, NULL);
	for (struct source *src = s->sources; src != NULL; src = src->next) {
		s->current = src;
		parse_source(s, src);
	}
	s->current = NULL;
	s->c.from_file = false;
	s->c.region = REGION_NONE;
	c->line = 0;
	find_errors(s);
	layout(s);
	image_variables(&s->im);
	for (unsigned i = 0; i < s->nenabled; i++)
		if (s->enabled[i]->prov->enable(s, s->enabled[i], &e) != 0)
			comp_fail(c, &e);
}

int
trace_compile(struct session *s, struct err *e)
{
	if (s->opt.v[O_NORESOLVE] != 0)
		symbols_noresolve(s->syms);
	return (comp_try(&s->c, compile, s, e));
}

void
trace_where(const struct session *s, int *line, int *col)
{
	*line = s->c.err_line;
	*col = s->c.err_col;
}

int
trace_failed_source(const struct session *s)
{
	int n = 0;

	for (const struct source *src = s->sources; src != NULL; src = src->next, n++)
		if (src == s->current)
			return (n);
	return (-1);
}

unsigned
trace_matched(const struct session *s, unsigned n)
{
	const struct source *src = s->sources;

	while (src != NULL && n-- > 0)
		src = src->next;
	return (src != NULL ? src->matched : 0);
}

bool
trace_has_destructive(const struct session *s)
{
	for (unsigned i = 0; i < s->nunits; i++)
		if (s->units[i]->destructive)
			return (!destructive_ok(s));
	return (false);
}

int
trace_source(struct session *s, enum trace_spec kind, const char *file, const char *text, size_t len,
    int argc, const char *const *argv, struct err *e)
{
	static const enum spec_kind kinds[] = {SPEC_PROVIDER, SPEC_MODULE, SPEC_FUNCTION, SPEC_NAME,
	    SPEC_ID};
	struct source *src = calloc(1, sizeof(*src) + (size_t)(argc + 1) * sizeof(bool));

	if (src == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	src->kind = kinds[kind];
	src->is_file = file != NULL;
	src->name = file;
	src->text = text;
	src->len = len;
	src->argc = argc;
	src->argv = argv;
	src->used = (bool *)(src + 1);
	*s->source_tail = src;
	s->source_tail = &src->next;
	return (0);
}

/* --- listing ----------------------------------------------------------------------------------- */

static void
print_probe(FILE *f, const struct probe *p)
{
	(void)fprintf(f, "%5u %10s %17s %33s %s\n", p->id, p->provname, p->mod, p->func, p->name);
}

struct listing {
	struct session *s;
	FILE *f;
	bool verbose;
};

static void
print_args(struct session *s, FILE *f, const struct probe *p)
{
	const struct probe_arg *args = NULL;
	int n = -1;

	if (p->prov->args != NULL)
		args = p->prov->args(s, p, &n);
	(void)fprintf(f, "\n\tArgument Types\n");
	if (n <= 0)
		(void)fprintf(f, "\t\tNone\n");
	for (int i = 0; i < n; i++)
		(void)fprintf(f, "\t\targs[%d]: %s\n", i,
		    args[i].xlate != NULL ? args[i].xlate : args[i].type);
	(void)fprintf(f, "\n");
}

static void
list(struct comp *c, void *arg)
{
	struct listing *l = arg;
	struct session *s = l->s;

	if (s->sources == NULL) {
		init_compiler(c, s);
		prov_dtrace.provide(s, NULL);
		provide_all(s);
	}
	(void)fprintf(l->f, "%5s %10s %17s %33s %s\n", "ID", "PROVIDER", "MODULE", "FUNCTION",
	    "NAME");
	for (unsigned i = 0; i < s->nprobes; i++) {
		if (s->sources != NULL && !s->probes[i]->enabled)
			continue;
		print_probe(l->f, s->probes[i]);
		if (l->verbose)
			print_args(s, l->f, s->probes[i]);
	}
}

int
trace_list(struct session *s, FILE *f, bool verbose, struct err *e)
{
	struct listing l = {s, f, verbose};

	return (comp_try(&s->c, list, &l, e));
}

/* --- targets ----------------------------------------------------------------------------------- */

struct target *
session_target(struct session *s, const struct target_ops *ops, enum bpf_prog_type type,
    const char *label)
{
	struct target *t = arena_alloc(&s->c, sizeof(*t));

	t->ops = ops;
	t->prog_type = type;
	t->label = label;
	t->map = -1;
	t->prog_fd = -1;
	t->activity = ACT_ACTIVE;
	*s->target_tail = t;
	s->target_tail = &t->next;
	return (t);
}

void
target_add(struct session *s, struct target *t, struct probe *p)
{
	*VEC_ADD(&s->c, t->probes, t->nprobes) = p;
}

void
target_fd(struct session *s, struct target *t, int fd)
{
	int *v = realloc(t->fds, (t->nfds + 1) * sizeof(*v));

	(void)s;
	if (v == NULL) {
		(void)close(fd);
		return;
	}
	t->fds = v;
	t->fds[t->nfds++] = fd;
}
