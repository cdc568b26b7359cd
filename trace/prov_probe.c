/* SPDX-License-Identifier: MIT */
/*
 * Providers on breakpoints: fbt (kernel functions, kprobes) and pidN (functions of a process, uprobes).
 *
 * Both run programs of type KPROBE, whose context is struct pt_regs, and both are attached through perf's
 * dynamic event sources, several kernel functions in one call where the kernel can.  A kernel without CONFIG_KPROBES has no kprobe source: fbt then says so.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"
#include "smartbox/core/file.h"
#include "sym_user.h"

enum { MAX_POINTS = 2000 };

/* Where a breakpoint goes. */
struct point {
	const char *path; /* of the file; NULL: the kernel */
	uint64_t off;	  /* in the file, resp. behind the symbol */
	const char *symbol;
	int pid;
	bool ret;
	uint64_t at; /* offset in the function: arg0 of return probes */
};

int
probe_source_type(const char *name)
{
	char path[100], *text;
	int type;

	(void)snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	if (file_read(path, 64, &text, NULL, NULL) != 0)
		return (-1);
	type = (int)strtol(text, NULL, 10);
	free(text);
	return (type);
}

/* --- code -------------------------------------------------------------------------------------- */

static const struct point *
point_of(const struct target *t)
{
	return (t->probes[0]->priv);
}

/* Only the process that is meant: a breakpoint in a library hits everybody. */
static void
point_check(struct gen *g, const struct target *t)
{
	const struct point *p = point_of(t);

	if (p->pid != 0)
		gen_family(g, p->pid);
}

static void
point_args(struct gen *g, const struct target *t, uint32_t mask)
{
	static const uint8_t reg[6] = {112, 104, 96, 88, 72, 64}; /* di si dx cx r8 r9 */
	enum { AX_AT = 80 };
	const struct point *p = point_of(t);

	gen_zero(g, SLOT_ARGS, 80);
	if (p->ret) {
		asm_load(&g->b, 8, R0, R6, AX_AT);
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8, R0);
		asm_storei(&g->b, 8, R7, SLOT_ARGS, (int32_t)p->at);
		return;
	}
	for (int i = 0; i < 6; i++) {
		if ((mask >> i & 1) == 0)
			continue;
		asm_load(&g->b, 8, R0, R6, reg[i]);
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R0);
	}
}

static int
point_attach(struct session *s, struct target *t, struct err *e)
{
	const struct point *p = point_of(t);
	const struct probe *pr = t->probes[0];
	int type = probe_source_type(p->path != NULL ? "uprobe" : "kprobe");
	struct perf_event_attr a;

	if (type < 0)
		return (err_set(e, ENOTSUP, "%s:%s:%s:%s needs %s", pr->provname, pr->mod, pr->func,
		    pr->name, p->path != NULL ? "CONFIG_UPROBE_EVENTS" : "CONFIG_KPROBE_EVENTS"));
	memset(&a, 0, sizeof(a));
	a.size = sizeof(a);
	a.type = (uint32_t)type;
	a.config = p->ret;
	a.config1 = (uintptr_t)(p->path != NULL ? p->path : p->symbol);
	a.config2 = p->off;
	/* Other zones may map the same file: theirs shall not meet the breakpoint. */
	if (perf_attach(s, t, &a, s->scope != NULL ? p->pid : -1, s->scope != NULL ? -1 : 0, e) != 0)
		return (err_wrap(e, "%s:%s:%s:%s", pr->provname, pr->mod, pr->func, pr->name));
	return (0);
}

static const struct target_ops point_ops = {.check = point_check, .args = point_args,
    .attach = point_attach};

static int
point_enable(struct session *s, struct probe *p, struct err *e)
{
	struct target *t = session_target(s, &point_ops, BPF_PROG_TYPE_KPROBE, p->func);

	(void)e;
	target_add(s, t, p);
	return (0);
}

/* --- many functions at once ---------------------------------------------------------------------- */

/*
 * One program for all entries, one for all returns, attached in one call and detached in another (Linux 5.18 with
 * CONFIG_FPROBE); the cookie says which function it is.  Breakpoints by perf cost tens of milliseconds each
 * to remove.
 */
enum { ATTACH_KPROBE_MULTI = 42, MULTI_RETURN = 1, MULTI_SINCE = 0x051200 };

struct multi_opts { /* of BPF_LINK_CREATE, kprobe_multi */
	uint32_t flags, cnt;
	uint64_t syms, addrs, cookies;
};

static void
multi_filter(struct gen *g, const struct target *t)
{
	(void)t;
	asm_mov(&g->b, R1, R6);
	asm_call(&g->b, H_COOKIE);
	asm_store(&g->b, 4, FP, -16, R0);
}

static int
multi_attach(struct session *s, struct target *t, struct err *e)
{
	const char **syms = arena_alloc(&s->c, t->nprobes * sizeof(*syms));
	uint64_t *cookies = arena_alloc(&s->c, t->nprobes * sizeof(*cookies));
	struct multi_opts o = {point_of(t)->ret ? MULTI_RETURN : 0, t->nprobes, (uintptr_t)syms, 0,
	    (uintptr_t)cookies};
	int fd;

	for (unsigned i = 0; i < t->nprobes; i++) {
		syms[i] = ((const struct point *)t->probes[i]->priv)->symbol;
		cookies[i] = t->probes[i]->row;
	}
	if ((fd = bpf_link_create(t->prog_fd, ATTACH_KPROBE_MULTI, &o, sizeof(o))) < 0)
		return (err_sys(e, -fd, "fbt: %u functions from %s", t->nprobes, syms[0]));
	target_fd(s, t, fd);
	return (0);
}

static const struct target_ops multi_ops = {.filter = multi_filter, .args = point_args,
    .attach = multi_attach};

/* Does this kernel do it?  Tried with a program that does nothing, on a function that is wanted. */
static bool
try_multi(const char *symbol)
{
	static const struct bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
	    {.code = BPF_JMP | BPF_EXIT}};
	struct bpf_load l = {.type = BPF_PROG_TYPE_KPROBE, .attach_type = ATTACH_KPROBE_MULTI,
	    .insns = nothing, .n = 2, .name = "dtrace"};
	struct multi_opts o = {0, 1, (uintptr_t)&symbol, 0, 0};
	int prog = bpf_load(&l), link = prog < 0 ? prog :
	    bpf_link_create(prog, ATTACH_KPROBE_MULTI, &o, sizeof(o));

	free(l.log);
	if (link >= 0)
		(void)close(link);
	if (prog >= 0)
		(void)close(prog);
	return (link >= 0);
}

static unsigned
functions_enabled(const struct session *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->nenabled; i++)
		n += s->enabled[i]->prov == &prov_fbt;
	return (n);
}

static int
fbt_enable(struct session *s, struct probe *p, struct err *e)
{
	const struct point *pt = p->priv;
	struct target *t = s->targets;

	if (s->multi == 0)
		s->multi = s->im.kernel >= MULTI_SINCE && functions_enabled(s) > 1 &&
		    try_multi(pt->symbol) ? 1 : -1;
	if (s->multi < 0)
		return (point_enable(s, p, e));
	while (t != NULL && (t->ops != &multi_ops || point_of(t)->ret != pt->ret))
		t = t->next;
	if (t == NULL) {
		t = session_target(s, &multi_ops, BPF_PROG_TYPE_KPROBE, pt->ret ? "fbt returns" :
		    "fbt entries");
		t->attach_type = ATTACH_KPROBE_MULTI;
	}
	target_add(s, t, p);
	return (0);
}

/* --- fbt --------------------------------------------------------------------------------------- */

static void
fbt_probe(struct session *s, const char *func, const char *name)
{
	struct point *pt;

	if (session_find(s, "fbt", "vmlinux", func, name) != NULL)
		return;
	pt = arena_alloc(&s->c, sizeof(*pt));
	pt->symbol = arena_strdup(&s->c, func);
	pt->ret = name[0] == 'r';
	session_probe(s, &prov_fbt, "fbt", "vmlinux", func, name)->priv = pt;
}

/* The functions that can be traced, one a line, some with a module behind; NULL: not told. */
struct traceable {
	char *text, **names;
	size_t n;
};

static int
by_name(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

static void
read_traceable(struct session *s, struct traceable *tr)
{
	size_t lines = 1;
	char *save = NULL;

	memset(tr, 0, sizeof(*tr));
	if (tracefs_read(s, "available_filter_functions", &tr->text) != 0)
		return;
	for (const char *c = tr->text; (c = strchr(c, '\n')) != NULL; c++)
		lines++;
	tr->names = calloc(lines, sizeof(*tr->names));
	for (char *l = strtok_r(tr->text, "\n", &save); l != NULL && tr->names != NULL;
	    l = strtok_r(NULL, "\n", &save)) {
		l[strcspn(l, " \t")] = '\0';
		tr->names[tr->n++] = l;
	}
	if (tr->names != NULL)
		qsort(tr->names, tr->n, sizeof(*tr->names), by_name);
}

static bool
is_traceable(const struct traceable *tr, const char *func)
{
	return (tr->n == 0 || bsearch(&func, tr->names, tr->n, sizeof(*tr->names), by_name) != NULL);
}

static void
each_function(struct session *s, const struct btf *b, const struct pdesc *pd,
    const struct traceable *tr)
{
	unsigned n = 0;

	for (uint32_t id = 1; id <= btf_count(b) && n < MAX_POINTS; id++) {
		const char *func;

		if (btf_kind(b, id) != BTF_FUNC)
			continue;
		func = btf_name(b, id);
		if (!glob_match(pd->field[2], func) || !is_traceable(tr, func))
			continue;
		n++;
		if (glob_match(pd->field[3], "entry"))
			fbt_probe(s, func, "entry");
		if (glob_match(pd->field[3], "return"))
			fbt_probe(s, func, "return");
	}
}

/* A name is taken at its word; of a pattern, what the kernel says can be traced. */
static void
fbt_functions(struct session *s, const struct btf *b, const struct pdesc *pd)
{
	struct traceable tr = {NULL, NULL, 0};

	if (pd->field[2][0] == '\0' || strpbrk(pd->field[2], "*?[") != NULL)
		read_traceable(s, &tr);
	each_function(s, b, pd, &tr);
	free(tr.names);
	free(tr.text);
}

/* Every function of the kernel would be too much for a listing of all: it must be asked for. */
static void
fbt_provide(struct session *s, const struct pdesc *pd)
{
	const struct btf *b;

	if (strcmp(pd->field[0], "fbt") != 0 || !glob_match(pd->field[1], "vmlinux"))
		return;
	if (probe_source_type("kprobe") < 0) {
		s->c.why = "fbt needs CONFIG_KPROBES and CONFIG_KPROBE_EVENTS in the kernel";
		return;
	}
	if ((b = types_btf(&s->types)) == NULL) {
		if (pd->field[2][0] != '\0' && strpbrk(pd->field[2], "*?[") == NULL)
			fbt_probe(s, pd->field[2], pd->field[3][0] == 'r' ? "return" : "entry");
		return;
	}
	fbt_functions(s, b, pd);
}

/* The function's own parameters; a return probe has the offset and the value. */
static const struct probe_arg *
fbt_args(struct session *s, const struct probe *cp, int *n)
{
	const struct point *pt = cp->priv;
	const struct btf *b = types_btf(&s->types);
	uint32_t id = b != NULL ? btf_find(b, pt->symbol, 1u << BTF_FUNC) : 0;
	uint32_t proto = id != 0 ? btf_ref(b, id) : 0, type;
	struct probe_arg *args;
	const char *name;

	*n = -1;
	if (proto == 0)
		return (NULL);
	*n = pt->ret ? 2 : (int)btf_vlen(b, proto);
	if (*n > 6)
		*n = 6;
	args = arena_alloc(&s->c, 7 * sizeof(*args));
	for (int i = 0; i < *n; i++) {
		args[i].src = i;
		args[i].type = "int";
		if (!pt->ret && btf_param(b, proto, (uint32_t)i, &name, &type))
			args[i].type = type_name(&s->types, types_from_btf(&s->types, type));
		else if (pt->ret && i == 1)
			args[i].type = type_name(&s->types,
			    types_from_btf(&s->types, btf_ref(b, proto)));
	}
	return (args);
}

const struct provider prov_fbt = {"fbt", fbt_provide, fbt_args, fbt_enable, NULL};

/* --- pid --------------------------------------------------------------------------------------- */

struct object {
	int pid;
	const char *prov, *mod, *path;
	const char *inside; /* its name in the process's root */
	struct elf elf;
};

/*
 * Where a mapped file can be opened: by its name in the process's root; for a zone by the mapping itself, since
 * names there may lead anywhere.
 */
const char *
mapped_file(struct session *s, int pid, const char *line, const char *path)
{
	unsigned long start, end;

	if (s->scope == NULL || sscanf(line, "%lx-%lx", &start, &end) != 2)
		return (arena_printf(&s->c, "/proc/%d/root%s", pid, path));
	return (arena_printf(&s->c, "/proc/%d/map_files/%lx-%lx", pid, start, end));
}

static void
pid_probe(struct session *s, const struct object *o, const struct elf_sym *sym, const char *name,
    uint64_t at, bool ret)
{
	struct point *pt;
	uint64_t off;

	if (!elf_vaddr_to_offset(&o->elf, sym->addr + at, &off) ||
	    session_find(s, o->prov, o->mod, sym->name, name) != NULL)
		return;
	pt = arena_alloc(&s->c, sizeof(*pt));
	pt->path = o->path;
	pt->off = off;
	pt->pid = o->pid;
	pt->ret = ret;
	session_probe(s, &prov_pid, o->prov, o->mod, sym->name, name)->priv = pt;
}

static void
pid_function(struct session *s, const struct object *o, const struct elf_sym *sym,
    const struct pdesc *pd)
{
	const char *name = pd->field[3];
	char *end;
	uint64_t at;

	if (glob_match(name, "entry"))
		pid_probe(s, o, sym, "entry", 0, false);
	if (glob_match(name, "return"))
		pid_probe(s, o, sym, "return", 0, true);
	if (!isxdigit((unsigned char)name[0]))
		return;
	at = strtoull(name, &end, 16);
	if (*end == '\0' && strcmp(name, "entry") != 0 && (sym->size == 0 || at < sym->size))
		pid_probe(s, o, sym, name, at, false);
}

static void
pid_object(struct session *s, struct object *o, const struct pdesc *pd)
{
	char root[64];
	unsigned n = 0;

	if (elf_open(o->path, &o->elf, NULL) != 0)
		return;
	(void)snprintf(root, sizeof(root), "/proc/%d/root", o->pid);
	elf_add_debug(&o->elf, s->scope == NULL ? root : NULL, o->inside);
	for (size_t i = 0; i < o->elf.nsyms && n < MAX_POINTS; i++) {
		if (!glob_match(pd->field[2], o->elf.syms[i].name))
			continue;
		n++;
		pid_function(s, o, &o->elf.syms[i], pd);
	}
	elf_close(&o->elf);
}

static bool
is_main_program(int pid, const char *path)
{
	char link[64], exe[4096];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, exe, sizeof(exe) - 1);
	if (n <= 0)
		return (false);
	exe[n] = '\0';
	return (strcmp(exe, path) == 0);
}

/* One line of the maps: an executable mapping of a file whose name fits. */
static void
pid_mapping(struct session *s, int pid, const char *prov, char *line, const struct pdesc *pd)
{
	char *path = strchr(line, '/'), perms[8], *base;
	struct object o = {.pid = pid, .prov = prov};

	if (path == NULL || sscanf(line, "%*s %7s", perms) != 1 || strchr(perms, 'x') == NULL)
		return;
	base = strrchr(path, '/') + 1;
	if (is_main_program(pid, path) && (strcmp(pd->field[1], "a.out") == 0 ||
	    glob_match(pd->field[1], base)))
		o.mod = strcmp(pd->field[1], "a.out") == 0 ? "a.out" : base;
	else if (glob_match(pd->field[1], base))
		o.mod = base;
	else
		return;
	o.mod = arena_strdup(&s->c, o.mod);
	o.path = mapped_file(s, pid, line, path);
	o.inside = path;
	pid_object(s, &o, pd);
}

static void
pid_provide(struct session *s, const struct pdesc *pd)
{
	const char *prov = pd->field[0];
	char path[64], *text, *save = NULL, *end;
	int pid;

	if (strncmp(prov, "pid", 3) != 0 || !isdigit((unsigned char)prov[3]))
		return;
	pid = session_pid(s, (int)strtol(prov + 3, &end, 10));
	if (pid == 0) {
		s->c.why = "not a process of -p or -c";
		return;
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	if (*end != '\0' || file_read(path, 16 << 20, &text, NULL, NULL) != 0) {
		s->c.why = "no such process";
		return;
	}
	for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		pid_mapping(s, pid, prov, l, pd);
	free(text);
}

static const struct probe_arg *
pid_args(struct session *s, const struct probe *p, int *n)
{
	static const struct probe_arg args[] = {{"uint64_t", NULL, 0}, {"uint64_t", NULL, 1},
	    {"uint64_t", NULL, 2}, {"uint64_t", NULL, 3}, {"uint64_t", NULL, 4},
	    {"uint64_t", NULL, 5}};

	(void)s;
	*n = p->name[0] == 'r' ? 2 : 6;
	return (args);
}

const struct provider prov_pid = {"pid", pid_provide, pid_args, point_enable, NULL};
