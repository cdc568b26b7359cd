/* SPDX-License-Identifier: MIT */
/*
 * The syscall provider: every system call by two raw tracepoints, sys_enter and sys_exit.
 *
 * A table in the kernel gives the row of the enabled probe for a system call's number, 0 for those that
 * nobody asked for.  Names are the kernel's own (newfstat, not fstat), as in tracefs.
 */
#include <stdio.h>
#include <string.h>

#include "session.h"
#include "syscalls.h" /* generated: syscall_names[], from the kernel's headers */

enum { NSYSCALLS = sizeof(syscall_names) / sizeof(syscall_names[0]), TABLE = 512, ORIG_AX = 120 };

/* What libc's header calls one way and the kernel's function another. */
static const char *const renamed[][2] = {{"stat", "newstat"}, {"fstat", "newfstat"},
    {"lstat", "newlstat"}, {"uname", "newuname"}, {"sendfile", "sendfile64"},
    {"umount2", "umount"}, {"_sysctl", "sysctl"}, {"pread64", "pread64"}};

static const char *
kernel_name(const char *name)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (strcmp(renamed[i][0], name) == 0)
			return (renamed[i][1]);
	return (name);
}

static void
syscall_provide(struct session *s, const struct pdesc *pd)
{
	if (!glob_match(pd->field[0], "syscall") || !glob_match(pd->field[1], "vmlinux"))
		return;
	if (!glob_match(pd->field[3], "entry") && !glob_match(pd->field[3], "return"))
		return;
	for (unsigned nr = 0; nr < NSYSCALLS; nr++) {
		const char *name = syscall_names[nr] != NULL ? kernel_name(syscall_names[nr]) : NULL;

		if (name == NULL || !glob_match(pd->field[2], name) ||
		    session_find(s, "syscall", "vmlinux", name, "entry") != NULL)
			continue;
		session_probe(s, &prov_syscall, "syscall", "vmlinux", name, "entry")->a = nr;
		session_probe(s, &prov_syscall, "syscall", "vmlinux", name, "return")->a = nr;
	}
}

static const struct probe_arg *
syscall_args(struct session *s, const struct probe *p, int *n)
{
	static const struct probe_arg entry[] = {{"long", NULL, 0}, {"long", NULL, 1},
	    {"long", NULL, 2}, {"long", NULL, 3}, {"long", NULL, 4}, {"long", NULL, 5}};

	(void)s;
	*n = p->name[0] == 'e' ? 6 : 2;
	return (entry);
}

static bool
is_return(const struct target *t)
{
	return (t->b != 0);
}

void
syscall_number_at_exit(struct gen *g)
{
	asm_mov(&g->b, R1, FP);
	asm_alui(&g->b, BPF_ADD, R1, -8);
	asm_imm(&g->b, R2, 8);
	asm_load(&g->b, 8, R3, R6, 0);
	asm_alui(&g->b, BPF_ADD, R3, ORIG_AX);
	asm_call(&g->b, H_READ_KERNEL);
	asm_load(&g->b, 8, R8, FP, -8);
}

/* Of sys_enter it is args[1].  r8 = number. */
static void
load_number(struct gen *g, const struct target *t)
{
	if (is_return(t))
		syscall_number_at_exit(g);
	else
		asm_load(&g->b, 8, R8, R6, 8);
}

static void
syscall_filter(struct gen *g, const struct target *t)
{
	load_number(g, t);
	if (t->nprobes == 1) {
		asm_jmpi(&g->b, BPF_JNE, R8, (int32_t)t->probes[0]->a, g->l_out);
		return;
	}
	asm_jmpi(&g->b, BPF_JGE, R8, TABLE, g->l_out);
	asm_alui(&g->b, BPF_LSH, R8, 2);
	asm_map_value(&g->b, R1, t->map, 0);
	asm_alu(&g->b, BPF_ADD, R1, R8);
	asm_load(&g->b, 4, R0, R1, 0);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, g->l_out);
	asm_alui(&g->b, BPF_SUB, R0, 1);
	asm_store(&g->b, 4, FP, -16, R0);
}

static void
syscall_prologue(struct gen *g, const struct target *t, uint32_t mask)
{
	if (is_return(t)) {
		gen_zero(g, SLOT_ARGS + 16, 64);
		asm_load(&g->b, 8, R0, R6, 8);
		asm_store(&g->b, 8, R7, SLOT_ARGS, R0);
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8, R0);
		return;
	}
	asm_load(&g->b, 8, R8, R6, 0);
	args_from_regs(g, mask, true);
}

static int
syscall_attach(struct session *s, struct target *t, struct err *e)
{
	uint32_t table[TABLE] = {0}, zero = 0;
	int fd;

	for (unsigned i = 0; i < t->nprobes; i++)
		table[t->probes[i]->a % TABLE] = t->probes[i]->row + 1;
	if (t->map >= 0)
		(void)bpf_update(s->im.maps[t->map].fd, &zero, table, BPF_ANY);
	if ((fd = bpf_raw_tracepoint(t->name, t->prog_fd)) < 0)
		return (err_set(e, -fd, "the syscall provider needs raw tracepoint %s "
		    "(CONFIG_HAVE_SYSCALL_TRACEPOINTS): %s", t->name, strerror(-fd)));
	target_fd(s, t, fd);
	return (0);
}

static bool
has_errno(const struct target *t)
{
	return (is_return(t));
}

static const struct target_ops syscall_ops = {.filter = syscall_filter,
    .args = syscall_prologue, .attach = syscall_attach, .syscall_ret = has_errno};

static int
syscall_enable(struct session *s, struct probe *p, struct err *e)
{
	bool ret = p->name[0] == 'r';
	struct target *t;

	(void)e;
	for (t = s->targets; t != NULL; t = t->next)
		if (t->ops == &syscall_ops && is_return(t) == ret)
			break;
	if (t == NULL) {
		t = session_target(s, &syscall_ops, BPF_PROG_TYPE_RAW_TRACEPOINT,
		    ret ? "syscall_return" : "syscall_entry");
		t->name = ret ? "sys_exit" : "sys_enter";
		t->b = ret;
		t->map = image_map(&s->im, BPF_MAP_TYPE_ARRAY, 4, TABLE * 4, 1, 0, "syscalls");
	}
	target_add(s, t, p);
	return (0);
}

const struct provider prov_syscall = {"syscall", syscall_provide, syscall_args, syscall_enable, NULL};
