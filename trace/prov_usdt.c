/* SPDX-License-Identifier: MIT */
/*
 * usdt: probes that programs bring along, in their stapsdt notes (layout: core/probe.h).
 *
 *	NAMEpid:OBJECT:FUNCTION:PROBE	of a process; NAME* of all processes that have such
 *	zfs vmx zone			our own program's, in whatever process runs it: stable providers
 *
 * A probe may stand at several places (the compiler copies code): each is a breakpoint.  A program that has a
 * counter of watchers for its probe gets it counted up by the kernel while we look.  An argument is
 * an operand of the assembler: "-4@%edi", "8@$5", "8@-16(%rbp)", "8@16(%rax,%rbx,8)".
 */
#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session.h"
#include "smartbox/core/file.h"
#include "smartbox/core/units.h"
#include "sym_user.h"

enum { MAX_ARGS = 10 };

struct place {
	const char *path;
	uint64_t off, counter; /* in the file; counter 0: none */
	int pid;	       /* 0 any */
	const char *args;
	struct place *next;
};

struct note {
	uint64_t pc, base, counter;
	const char *provider, *name, *args;
};

/* --- notes ------------------------------------------------------------------------------------- */

static const char *
text(const char **p, const char *end)
{
	const char *s = *p, *nul = s < end ? memchr(s, '\0', (size_t)(end - s)) : NULL;

	if (nul == NULL)
		return (NULL);
	*p = nul + 1;
	return (s);
}

static bool
parse_note(const char *p, const char *end, struct note *n)
{
	if (end - p < 24)
		return (false);
	memcpy(n, p, 24);
	p += 24;
	n->provider = text(&p, end);
	n->name = text(&p, end);
	n->args = text(&p, end);
	return (n->args != NULL);
}

/* fn for each note of the file, with addresses as the file has them now. */
static void
each_note(const struct elf *f, void (*fn)(void *arg, const struct note *n), void *arg)
{
	size_t len = 0, blen;
	uint64_t base = 0;
	const char *p = elf_section(f, ".note.stapsdt", &len, NULL);
	bool based = elf_section(f, ".stapsdt.base", &blen, &base) != NULL;

	while (p != NULL && len >= 12) {
		uint32_t h[3], name, desc;
		struct note n;

		memcpy(h, p, sizeof(h));
		name = (h[0] + 3) & ~3u;
		desc = (h[1] + 3) & ~3u;
		if (h[0] > len || h[1] > len || 12 + (uint64_t)name + h[1] > len)
			return;
		if (h[2] == 3 && h[0] == 8 && memcmp(p + 12, "stapsdt", 8) == 0 &&
		    parse_note(p + 12 + name, p + 12 + name + h[1], &n)) {
			if (based) {
				n.pc += base - n.base;
				n.counter += n.counter != 0 ? base - n.base : 0;
			}
			fn(arg, &n);
		}
		if (12 + (uint64_t)name + desc > len)
			return;
		p += 12 + name + desc;
		len -= 12 + name + desc;
	}
}

/* --- probes ------------------------------------------------------------------------------------ */

struct search {
	struct session *s;
	const struct pdesc *pd;
	const struct elf *elf;
	const char *path, *mod;
	int pid, shown; /* the number that the program knows it by */
};

/* "a__b" is called a-b. */
static const char *
dashed(struct session *s, const char *name)
{
	char *out = arena_strdup(&s->c, name), *w = out;

	for (const char *p = name; *p != '\0'; p++, w++)
		if (p[0] == '_' && p[1] == '_') {
			*w = '-';
			p++;
		} else {
			*w = *p;
		}
	*w = '\0';
	return (out);
}

static const char *
function_of(const struct elf *f, uint64_t pc)
{
	for (size_t i = 0; i < f->nsyms; i++)
		if (pc >= f->syms[i].addr && pc - f->syms[i].addr < f->syms[i].size)
			return (f->syms[i].name);
	return ("");
}

static void
add_place(struct search *q, struct probe *p, const struct note *n, uint64_t off)
{
	struct session *s = q->s;
	struct place *pl, **tail = (struct place **)&p->priv;

	for (pl = p->priv; pl != NULL; pl = pl->next) {
		if (pl->off == off && pl->pid == q->pid)
			return;
		tail = &pl->next;
	}
	pl = arena_alloc(&s->c, sizeof(*pl));
	pl->path = q->path;
	pl->off = off;
	pl->pid = q->pid;
	pl->args = arena_strdup(&s->c, n->args);
	if (n->counter != 0)
		(void)elf_vaddr_to_offset(q->elf, n->counter, &pl->counter);
	*tail = pl;
}

static void
found(void *arg, const struct note *n)
{
	struct search *q = arg;
	struct session *s = q->s;
	const struct pdesc *pd = q->pd;
	const char *prov = q->pid != 0 ? arena_printf(&s->c, "%s%d", n->provider, q->shown) :
	    n->provider;
	const char *name = dashed(s, n->name), *func;
	struct probe *p;
	uint64_t off;

	if (!glob_match(pd->field[0], prov) || !glob_match(pd->field[3], name))
		return;
	func = q->pid != 0 ? function_of(q->elf, n->pc) : "";
	if (!glob_match(pd->field[2], func) || !elf_vaddr_to_offset(q->elf, n->pc, &off))
		return;
	p = session_find(s, prov, q->mod, func, name);
	if (p == NULL)
		p = session_probe(s, &prov_usdt, prov, q->mod, func, name);
	if (p->prov == &prov_usdt)
		add_place(q, p, n, off);
}

static void
search_file(struct session *s, const struct pdesc *pd, const char *path, const char *mod, int pid,
    int shown)
{
	struct elf elf;
	struct search q = {s, pd, &elf, NULL, NULL, pid, shown};

	if (elf_open(path, &elf, NULL) != 0)
		return;
	q.path = arena_strdup(&s->c, path);
	q.mod = arena_strdup(&s->c, mod);
	each_note(&elf, found, &q);
	elf_close(&elf);
}

/* Does one of its sections carry the name?  Only headers and names are read: programs may be large. */
static bool
has_notes(const char *path)
{
	enum { SECTIONS_MAX = 4096, NAMES_MAX = 1 << 20 };
	static const char wanted[] = ".note.stapsdt";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr h;
	Elf64_Shdr s;
	char *names = NULL;
	bool found = false;

	if (fd >= 0 && pread(fd, &h, sizeof(h), 0) == sizeof(h) &&
	    memcmp(h.e_ident, ELFMAG, SELFMAG) == 0 && h.e_shentsize == sizeof(s) &&
	    h.e_shnum < SECTIONS_MAX && h.e_shoff < INT64_MAX / 2 &&
	    pread(fd, &s, sizeof(s), (off_t)(h.e_shoff + (uint64_t)h.e_shstrndx * sizeof(s))) ==
	    sizeof(s) && s.sh_size <= NAMES_MAX && s.sh_offset < INT64_MAX / 2 &&
	    (names = malloc(s.sh_size + 1)) != NULL &&
	    pread(fd, names, s.sh_size, (off_t)s.sh_offset) == (ssize_t)s.sh_size)
		found = memmem(names, s.sh_size, wanted, sizeof(wanted)) != NULL;
	free(names);
	if (fd >= 0)
		(void)close(fd);
	return (found);
}

/* Files without notes are looked at once. */
static bool
worth_reading(struct session *s, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (false);
	for (unsigned i = 0; i < s->nplain; i++)
		if (s->plain[i].dev == (uint64_t)st.st_dev && s->plain[i].ino == st.st_ino)
			return (false);
	if (has_notes(path))
		return (true);
	*VEC_ADD(&s->c, s->plain, s->nplain) = (struct file_id){st.st_dev, st.st_ino};
	return (false);
}

static void
search_process(struct session *s, const struct pdesc *pd, int shown)
{
	char name[64], *maps, *save = NULL;
	int pid = session_pid(s, shown);
	const char *path;

	(void)snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	if (pid == 0 || file_read(name, 16 << 20, &maps, NULL, NULL) != 0)
		return;
	for (char *l = strtok_r(maps, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
		char *file = strchr(l, '/'), perms[8], *base;

		if (file == NULL || sscanf(l, "%*s %7s", perms) != 1 || strchr(perms, 'x') == NULL)
			continue;
		base = strrchr(file, '/') + 1;
		if (!glob_match(pd->field[1], base))
			continue;
		path = mapped_file(s, pid, l, file);
		if (worth_reading(s, path))
			search_file(s, pd, path, base, pid, shown);
	}
	free(maps);
}

/* Of a process; a text that is nothing else. */
static bool
number(const char *text, uint64_t *n)
{
	return (isdigit((unsigned char)text[0]) && units_parse_u64(text, 1, INT_MAX, n, NULL) == 0);
}

static void
search_all(struct session *s, const struct pdesc *pd)
{
	DIR *d = s->no_kernel || s->scope != NULL ? NULL : opendir("/proc");
	struct dirent *de;
	uint64_t pid;

	while (d != NULL && (de = readdir(d)) != NULL)
		if (number(de->d_name, &pid) && pid != (uint64_t)getpid())
			search_process(s, pd, (pid_t)pid);
	if (d != NULL)
		(void)closedir(d);
}

static const char *const own[] = {"zfs", "vmx", "zone", NULL};

static bool
is_own(const struct pdesc *pd)
{
	for (int i = 0; own[i] != NULL; i++)
		if (pd->field[0][0] != '\0' ? glob_match(pd->field[0], own[i]) :
		    pd->text == NULL || pd->text[0] == '\0')
			return (true);
	return (false);
}

static const char *const others[] = {"syscall", "profile", "proc", "sched", "io", "vminfo", "sysinfo",
    "rawtp", "sdt", "fbt", "lockstat", "vfs", "fsinfo", "ip", "tcp", "udp", "cpc", "dtrace", NULL};

static void
usdt_provide(struct session *s, const struct pdesc *pd)
{
	const char *prov = pd->field[0], *digits = prov + strlen(prov);
	uint64_t pid;

	if (s->scope == NULL && is_own(pd))
		search_file(s, pd, "/proc/self/exe", "smartbox", 0, 0);
	for (int i = 0; others[i] != NULL; i++)
		if (prov[0] == '\0' || strcmp(prov, others[i]) == 0)
			return;
	while (digits > prov && isdigit((unsigned char)digits[-1]))
		digits--;
	if (strncmp(prov, "pid", 3) == 0 && digits == prov + 3)
		return; /* pidN */
	if (digits > prov && number(digits, &pid))
		search_process(s, pd, (pid_t)pid);
	else if (strpbrk(prov, "*?[") != NULL && isalpha((unsigned char)prov[0]))
		search_all(s, pd);
}

static int
count_args(const char *args)
{
	int n = 0;

	for (const char *p = args; *p != '\0'; p++)
		n += *p == '@';
	return (n < MAX_ARGS ? n : MAX_ARGS);
}

static const struct probe_arg *
usdt_args(struct session *s, const struct probe *p, int *n)
{
	const struct place *pl = p->priv;
	const char *a = pl->args;
	struct probe_arg *v;

	*n = count_args(a);
	v = arena_alloc(&s->c, (size_t)(*n + 1) * sizeof(*v));
	for (int i = 0; i < *n; i++) {
		long size = strtol(a, NULL, 10);

		v[i].src = i;
		v[i].type = size == -8 ? "int64_t" : size == -4 ? "int32_t" : size == -2 ? "int16_t" :
		    size == -1 ? "int8_t" : size == 4 ? "uint32_t" : size == 2 ? "uint16_t" :
		    size == 1 ? "uint8_t" : "uint64_t";
		a += strcspn(a, " ");
		a += strspn(a, " ");
	}
	return (v);
}

/* --- operands ---------------------------------------------------------------------------------- */

struct operand {
	int size; /* negative: signed */
	bool memory, constant;
	int reg, index, scale; /* offsets in pt_regs; -1 none */
	int64_t disp;
};

/* "%eax" and its kin: where struct pt_regs has it. */
static int
register_at(const char *p, size_t len)
{
	static const struct {
		const char *names;
		int at;
	} regs[] = {{" rax eax ax al ", 80}, {" rbx ebx bx bl ", 40}, {" rcx ecx cx cl ", 88},
	    {" rdx edx dx dl ", 96}, {" rsi esi si sil ", 104}, {" rdi edi di dil ", 112},
	    {" rbp ebp bp bpl ", 32}, {" rsp esp sp spl ", 152}, {" r8 r8d r8w r8b ", 72},
	    {" r9 r9d r9w r9b ", 64}, {" r10 r10d r10w r10b ", 56}, {" r11 r11d r11w r11b ", 48},
	    {" r12 r12d r12w r12b ", 24}, {" r13 r13d r13w r13b ", 16},
	    {" r14 r14d r14w r14b ", 8}, {" r15 r15d r15w r15b ", 0}};
	char word[16];

	if (len == 0 || len > 8 || p[0] != '%')
		return (-1);
	(void)snprintf(word, sizeof(word), " %.*s ", (int)len - 1, p + 1);
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		if (strstr(regs[i].names, word) != NULL)
			return (regs[i].at);
	return (-1);
}

/* One operand; p is left behind it. False: nothing that we understand. */
static bool
parse_operand(const char **pp, struct operand *o)
{
	char *end;
	const char *p = *pp;
	size_t len;

	memset(o, 0, sizeof(*o));
	o->reg = o->index = -1;
	o->scale = 1;
	o->size = (int)strtol(p, &end, 10);
	*pp = end + strcspn(end, " ");
	*pp += strspn(*pp, " ");
	if (*end != '@')
		return (false);
	p = end + 1;
	if (*p == '$') {
		o->constant = true;
		o->disp = strtoll(p + 1, NULL, 0);
		return (true);
	}
	if (*p == '%') {
		o->reg = register_at(p, strcspn(p, " "));
		return (o->reg >= 0);
	}
	o->memory = true;
	o->disp = strtoll(p, &end, 0);
	if (*end != '(')
		return (false);
	p = end + 1;
	len = strcspn(p, ",)");
	o->reg = len > 0 ? register_at(p, len) : -1;
	if (len > 0 && o->reg < 0)
		return (false); /* %rip with a symbol: not in these notes */
	if (p[len] == ',') {
		p += len + 1;
		len = strcspn(p, ",)");
		if ((o->index = register_at(p, len)) < 0)
			return (false);
		if (p[len] == ',' && ((o->scale = p[len + 1] - '0') < 1 || o->scale > 8))
			return (false);
	}
	return (true);
}

static void
widen(struct gen *g, int size)
{
	int bits = size < 0 ? -8 * size : 8 * size;

	if (bits == 0 || bits >= 64)
		return;
	asm_alui(&g->b, BPF_LSH, R0, 64 - bits);
	asm_alui(&g->b, size < 0 ? BPF_ARSH : BPF_RSH, R0, 64 - bits);
}

/* r0 = the operand's value; memory that is not there reads as 0. */
static void
load_operand(struct gen *g, const struct operand *o)
{
	if (o->constant) {
		asm_imm(&g->b, R0, o->disp);
		return;
	}
	if (!o->memory) {
		asm_load(&g->b, 8, R0, R6, o->reg);
		widen(g, o->size);
		return;
	}
	asm_imm(&g->b, R3, o->disp);
	if (o->reg >= 0) {
		asm_load(&g->b, 8, R0, R6, o->reg);
		asm_alu(&g->b, BPF_ADD, R3, R0);
	}
	if (o->index >= 0) {
		asm_load(&g->b, 8, R0, R6, o->index);
		asm_alui(&g->b, BPF_MUL, R0, o->scale);
		asm_alu(&g->b, BPF_ADD, R3, R0);
	}
	asm_storei(&g->b, 8, FP, -8, 0);
	asm_mov(&g->b, R1, FP);
	asm_alui(&g->b, BPF_ADD, R1, -8);
	asm_imm(&g->b, R2, o->size < 0 ? -o->size : o->size);
	asm_call(&g->b, H_READ_USER);
	asm_load(&g->b, 8, R0, FP, -8);
	widen(g, o->size);
}

static const struct place *
place_of(const struct target *t)
{
	return (t->priv);
}

static void
usdt_check(struct gen *g, const struct target *t)
{
	if (place_of(t)->pid != 0)
		gen_family(g, place_of(t)->pid);
}

static void
usdt_load(struct gen *g, const struct target *t, uint32_t mask)
{
	const char *p = place_of(t)->args;

	gen_zero(g, SLOT_ARGS, 80);
	for (int i = 0; i < MAX_ARGS && *p != '\0'; i++) {
		struct operand o;
		bool good = parse_operand(&p, &o);
		int size = o.size < 0 ? -o.size : o.size;

		if (!good || (mask >> i & 1) == 0 || (size != 1 && size != 2 && size != 4 && size != 8))
			continue;
		load_operand(g, &o);
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R0);
	}
}

static int
usdt_attach(struct session *s, struct target *t, struct err *e)
{
	enum { COUNTER_SHIFT = 32 };
	const struct place *pl = place_of(t);
	int type = probe_source_type("uprobe");
	struct perf_event_attr a;

	if (type < 0)
		return (err_set(e, ENOTSUP, "%s:::%s needs CONFIG_UPROBE_EVENTS",
		    t->probes[0]->provname, t->name));
	memset(&a, 0, sizeof(a));
	a.size = sizeof(a);
	a.type = (uint32_t)type;
	a.config = pl->counter << COUNTER_SHIFT;
	a.config1 = (uintptr_t)pl->path;
	a.config2 = pl->off;
	if (perf_attach(s, t, &a, s->scope != NULL ? pl->pid : -1, s->scope != NULL ? -1 : 0, e) != 0)
		return (err_wrap(e, "%s:::%s", t->probes[0]->provname, t->name));
	return (0);
}

static const struct target_ops usdt_ops = {.check = usdt_check, .args = usdt_load,
    .attach = usdt_attach};

static int
usdt_enable(struct session *s, struct probe *p, struct err *e)
{
	(void)e;
	for (struct place *pl = p->priv; pl != NULL; pl = pl->next) {
		struct target *t = session_target(s, &usdt_ops, BPF_PROG_TYPE_KPROBE, p->name);

		t->priv = pl;
		t->name = p->name;
		target_add(s, t, p);
	}
	return (0);
}

const struct provider prov_usdt = {"usdt", usdt_provide, usdt_args, usdt_enable, NULL};
