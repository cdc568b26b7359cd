/* SPDX-License-Identifier: MIT */
/*
 * The system call filter of zones on x86-64.
 *
 * An allow list by number: the calls up to the newest one that was looked at here pass, except those
 * in `refused` and those whose arguments are checked.  A number that is not known yet gets ENOSYS, so
 * that a libc falls back to what it used before.  Calls of other ABIs (i386, x32) kill the process:
 * their numbers mean other calls.
 *
 * The kernel caches "always allowed" per number, so the length of the list costs only calls that
 * look at arguments.
 *
 * Why each group is refused: docs/zones-design.md.  User namespaces inside a zone are refused because
 * they open the most kernel code to the least privileged; clone3 hides its flags in memory where a
 * filter cannot look, so it does not exist here (libcs fall back to clone).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "smartbox/kern/zone_priv.h"

enum { X32_BIT = 0x40000000, PROGRAM_MAX = 256 };

/* Numbers that exist and were looked at: read..rseq and pidfd_send_signal..mseal. */
static const struct {
	unsigned first, last;
} known[] = {{0, 334}, {424, 462}};

static const struct {
	unsigned nr, error;
} refused[] = {
    /* modules and other kernels */
    {SYS_create_module, ENOSYS}, {SYS_init_module, EPERM}, {SYS_finit_module, EPERM},
    {SYS_delete_module, EPERM}, {SYS_query_module, ENOSYS}, {SYS_get_kernel_syms, ENOSYS},
    {SYS_kexec_load, EPERM}, {SYS_kexec_file_load, EPERM},
    /* ports and the kernel's log */
    {SYS_iopl, EPERM}, {SYS_ioperm, EPERM}, {SYS_syslog, EPERM},
    /* files by handle, past every directory permission */
    {SYS_open_by_handle_at, EPERM},
    /* keyrings */
    {SYS_add_key, EPERM}, {SYS_request_key, EPERM}, {SYS_keyctl, EPERM},
    /* programs in the kernel, and windows into it */
    {SYS_bpf, EPERM}, {SYS_perf_event_open, EPERM}, {SYS_userfaultfd, EPERM},
    {SYS_lookup_dcookie, EPERM}, {425 /* io_uring_setup */, ENOSYS},
    {426 /* io_uring_enter */, ENOSYS}, {427 /* io_uring_register */, ENOSYS},
    /* accounting, quota, swap */
    {SYS_acct, EPERM}, {SYS_quotactl, EPERM}, {443 /* quotactl_fd */, EPERM},
    {SYS_swapon, EPERM}, {SYS_swapoff, EPERM},
    /* the machine's clock */
    {SYS_settimeofday, EPERM}, {SYS_clock_settime, EPERM},
    /* flags in memory: a filter cannot see CLONE_NEWUSER */
    {435 /* clone3 */, ENOSYS},
    /* leftovers */
    {SYS_nfsservctl, ENOSYS}, {SYS_uselib, ENOSYS}, {SYS_ustat, ENOSYS}, {SYS_sysfs, ENOSYS},
    {SYS__sysctl, ENOSYS}, {SYS_vhangup, EPERM},
};

enum { ARG_ANY_BIT, ARG_EQUAL, ARG_NOT_IN };

/* One checked argument: its low 32 bits (all these are ints). */
static const struct {
	unsigned nr, arg, kind, error, n;
	uint32_t v[5];
} checked[] = {
    {SYS_clone, 0, ARG_ANY_BIT, EPERM, 1, {CLONE_NEWUSER}},
    {SYS_unshare, 0, ARG_ANY_BIT, EPERM, 1, {CLONE_NEWUSER}},
    {SYS_ioctl, 1, ARG_EQUAL, EPERM, 2, {0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */}},
    {SYS_socket, 0, ARG_EQUAL, EAFNOSUPPORT, 2, {38 /* AF_ALG */, AF_VSOCK}},
    {SYS_personality, 0, ARG_NOT_IN, EPERM, 5, {0, 0x8, 0x20000, 0x20008, 0xffffffff}},
};

struct program {
	struct sock_filter *f;
	size_t n, max;
};

static void
emit(struct program *p, unsigned code, unsigned k, unsigned jt, unsigned jf)
{
	if (p->n < p->max)
		p->f[p->n] = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
	p->n++;
}

static void
emit_ret(struct program *p, unsigned action)
{
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

static void
emit_load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void
emit_known(struct program *p)
{
	unsigned n = sizeof(known) / sizeof(known[0]);

	/* Inside a range: over the rest of these and the refusal behind them. */
	for (unsigned i = 0; i < n; i++) {
		emit(p, BPF_JMP | BPF_JGE | BPF_K, known[i].first, 0, 1);
		emit(p, BPF_JMP | BPF_JGT | BPF_K, known[i].last, 0, 2 * (n - 1 - i) + 1);
	}
	emit_ret(p, SECCOMP_RET_ERRNO | ENOSYS);
}

static void
emit_check(struct program *p, size_t i)
{
	unsigned n = checked[i].n, jump = BPF_JMP | BPF_K;
	unsigned error = SECCOMP_RET_ERRNO | checked[i].error;

	/* nr equal? else over: the load, n tests, two returns */
	emit(p, jump | BPF_JEQ, checked[i].nr, 0, n + 3);
	emit_load(p, offsetof(struct seccomp_data, args) + 8 * checked[i].arg);
	for (unsigned k = 0; k < n; k++)
		emit(p, jump | (checked[i].kind == ARG_ANY_BIT ? BPF_JSET : BPF_JEQ),
		    checked[i].v[k], n - k, 0);
	/* no value matched | one did */
	emit_ret(p, checked[i].kind == ARG_NOT_IN ? error : SECCOMP_RET_ALLOW);
	emit_ret(p, checked[i].kind == ARG_NOT_IN ? SECCOMP_RET_ALLOW : error);
}

size_t
zone_seccomp_program(struct sock_filter *out, size_t max)
{
	struct program p = {out, 0, max};

	emit_load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	emit_ret(&p, SECCOMP_RET_KILL_PROCESS);
	emit_load(&p, offsetof(struct seccomp_data, nr));
	emit(&p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	emit_ret(&p, SECCOMP_RET_KILL_PROCESS);
	emit_known(&p);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		emit(&p, BPF_JMP | BPF_JEQ | BPF_K, refused[i].nr, 0, 1);
		emit_ret(&p, SECCOMP_RET_ERRNO | refused[i].error);
	}
	for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]); i++)
		emit_check(&p, i);
	emit_ret(&p, SECCOMP_RET_ALLOW);
	return (p.n);
}

int
zone_seccomp_install(void)
{
	struct sock_filter f[PROGRAM_MAX];
	struct sock_fprog prog = {.filter = f};
	size_t n = zone_seccomp_program(f, PROGRAM_MAX);

	if (n > PROGRAM_MAX)
		return (-E2BIG);
	prog.len = (unsigned short)n;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) != 0)
		return (-errno);
	return (0);
}
