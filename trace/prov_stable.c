/* SPDX-License-Identifier: MIT */
/*
 * The stable providers: proc, sched, io, vminfo, sysinfo, ip, tcp, udp, lockstat, vfs, fsinfo.
 *
 * A table says of each probe where the kernel is watched, when that counts, and what the arguments are:
 *
 *	TP	a raw tracepoint; arguments are those of the tracepoint
 *	TPPAIR	a raw tracepoint that ends what another began
 *	CALL	the entry of a function (kprobe)
 *	PAIR	the return of a function, with the arguments of its entry
 *	SW	a software event of perf, every one of them
 *
 * Of a pair the beginning is watched by a program of its own, which keeps the time and the first four
 * arguments by thread; the probe then has six raw arguments: those four, nanoseconds, and what came
 * back.  The keeping map forgets the longest unused, so nothing needs to be taken out and several
 * probes may share it.
 *
 * A row may filter before a slot is taken (only the context is at hand), and check or compute behind that
 * (kernel memory can be read).  Functions have other names in other kernels: alternatives are
 * separated by '|'.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum how { TP, TPPAIR, CALL, PAIR, SW };

struct row {
	const char *prov, *name;
	enum how how;
	const char *point, *begin;
	uint8_t order[5]; /* pairs: which raw argument is arg0, arg1 ... */
	void (*filter)(struct gen *g, const struct row *r);
	void (*check)(struct gen *g, const struct row *r);
	uint64_t a; /* of filter and check */
	int nargs;
	struct probe_arg args[6];
};

static const struct row *
row_of(const struct target *t)
{
	return (t->priv);
}

/* --- conditions -------------------------------------------------------------------------------- */

static void
leave_unless(struct gen *g, int ctx_arg, int32_t value)
{
	asm_load(&g->b, 8, R0, R6, 8 * ctx_arg);
	asm_jmpi(&g->b, BPF_JNE, R0, value, g->l_out);
}

static void
only_leader(struct gen *g, const struct row *r)
{
	(void)r;
	asm_call(&g->b, H_PID_TGID);
	asm_mov(&g->b, R1, R0);
	asm_alui(&g->b, BPF_RSH, R1, 32);
	asm_alui(&g->b, BPF_LSH, R0, 32);
	asm_alui(&g->b, BPF_RSH, R0, 32);
	asm_jmp(&g->b, BPF_JNE, R0, R1, g->l_out);
}

/* signal_generate: 0 sent, 1 ignored. */
static void
signal_result(struct gen *g, const struct row *r)
{
	leave_unless(g, 4, (int32_t)r->a);
}

/* sched_switch: preempted, or by its own will. */
static void
switched_by_force(struct gen *g, const struct row *r)
{
	int runnable = asm_label(&g->b), end = asm_label(&g->b);

	asm_load(&g->b, 8, R0, R6, 0); /* a bool: the other bytes may be anything */
	asm_alui(&g->b, BPF_AND, R0, 0xff);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, runnable);
	asm_load(&g->b, 8, R0, R6, 24);
	asm_alui(&g->b, BPF_LSH, R0, 32);
	asm_alui(&g->b, BPF_RSH, R0, 32);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, runnable);
	asm_jump(&g->b, r->a != 0 ? g->l_out : end);
	asm_place(&g->b, runnable);
	if (r->a == 0)
		asm_jump(&g->b, g->l_out);
	asm_place(&g->b, end);
}

/* Numbers of system calls, x86-64; each set ends with -1. */
static const int16_t set_read[] = {0, 17, 19, 295, 327, -1};
static const int16_t set_write[] = {1, 18, 20, 296, 328, -1};
static const int16_t set_exec[] = {59, 322, -1};
static const int16_t set_clone[] = {56, 57, 58, 435, -1};
static const int16_t set_fork[] = {57, -1};
static const int16_t set_vfork[] = {58, -1};
static const int16_t set_sigwait[] = {128, -1};
static const int16_t set_yield[] = {24, -1};
static const int16_t set_msg[] = {69, 70, -1};
static const int16_t set_sem[] = {65, 220, -1};
enum set { READS, WRITES, EXECS, CLONES, FORKS, VFORKS, SIGWAITS, YIELDS, MSGS, SEMS };
static const int16_t *const sets[] = {set_read, set_write, set_exec, set_clone, set_fork, set_vfork,
    set_sigwait, set_yield, set_msg, set_sem};

static void
number_in_set(struct gen *g, int reg, uint64_t set)
{
	int yes = asm_label(&g->b);

	for (const int16_t *nr = sets[set]; *nr >= 0; nr++)
		asm_jmpi(&g->b, BPF_JEQ, reg, *nr, yes);
	asm_jump(&g->b, g->l_out);
	asm_place(&g->b, yes);
}

static void
syscall_entry(struct gen *g, const struct row *r)
{
	asm_load(&g->b, 8, R8, R6, 8);
	number_in_set(g, R8, r->a);
}

/* sys_exit of one of them that went well (what came back is more than nothing). */
static void
syscall_gain(struct gen *g, const struct row *r)
{
	asm_load(&g->b, 8, R0, R6, 8);
	asm_jmpi(&g->b, BPF_JSLE, R0, 0, g->l_out);
	syscall_number_at_exit(g);
	number_in_set(g, R8, r->a);
}

static void
syscall_failure(struct gen *g, const struct row *r)
{
	asm_load(&g->b, 8, R0, R6, 8);
	asm_jmpi(&g->b, BPF_JSGE, R0, 0, g->l_out);
	syscall_number_at_exit(g);
	number_in_set(g, R8, r->a);
}

/* The child's way out of the clone that made it: 0. */
static void
born(struct gen *g, const struct row *r)
{
	leave_unless(g, 1, 0);
	syscall_number_at_exit(g);
	number_in_set(g, R8, CLONES);
	if (r->a != 0)
		only_leader(g, r);
}

/* --- what is computed with a slot -------------------------------------------------------------- */

/* arg0 = 1: how much the statistic grows, as of illumos's kstats. */
static void
one_more(struct gen *g, const struct row *r)
{
	(void)r;
	asm_storei(&g->b, 8, R7, SLOT_ARGS, 1);
}

static void
gained(struct gen *g, const struct row *r)
{
	(void)r;
	asm_load(&g->b, 8, R0, R6, 8);
	asm_store(&g->b, 8, R7, SLOT_ARGS, R0);
}

static void
errno_of_result(struct gen *g, const struct row *r)
{
	(void)r;
	asm_load(&g->b, 8, R0, R6, 8);
	asm_neg(&g->b, R0);
	asm_store(&g->b, 8, R7, SLOT_ARGS, R0);
}

/* The system call's first argument, from the registers. */
static void
first_of_call(struct gen *g, const struct row *r)
{
	enum { DI = 112 };

	(void)r;
	asm_load(&g->b, 8, R0, R6, 0);
	asm_alui(&g->b, BPF_ADD, R0, DI);
	gen_load_at(g, g->c->types->t_uint64, false);
	asm_store(&g->b, 8, R7, SLOT_ARGS, R0);
}

/* arg1 of proc:::exit: why the process ends, from the code that it leaves. */
static void
exit_reason(struct gen *g, const struct row *r)
{
	struct type *t = type_by_name(g->c->types, "struct task_struct");
	int exited = asm_label(&g->b), end = asm_label(&g->b);
	struct member m;

	(void)r;
	if (t == NULL || !type_member(g->c->types, t, "exit_code", &m))
		return;
	asm_load(&g->b, 8, R0, R6, 0);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)(m.bit_off / 8));
	gen_load_at(g, m.type, false);
	asm_imm(&g->b, R1, 1);
	asm_mov(&g->b, R2, R0);
	asm_alui(&g->b, BPF_AND, R2, 0x7f);
	asm_jmpi(&g->b, BPF_JEQ, R2, 0, exited);
	asm_imm(&g->b, R1, 2);
	asm_alui(&g->b, BPF_AND, R0, 0x80);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, end);
	asm_imm(&g->b, R1, 3);
	asm_place(&g->b, exited);
	asm_place(&g->b, end);
	asm_store(&g->b, 8, R7, SLOT_ARGS, R1);
}

/* Only bios of one direction (a: 0 read, 1 write); arg0 = 1, or with +2 pages. */
static void
bio_direction(struct gen *g, const struct row *r)
{
	asm_load(&g->b, 8, R0, R6, 0);
	gen_follow(g, "struct bio", "bi_opf");
	asm_alui(&g->b, BPF_AND, R0, 0xff);
	asm_jmpi(&g->b, BPF_JNE, R0, (int32_t)(r->a & 1), g->l_release);
	asm_storei(&g->b, 8, R7, SLOT_ARGS, 1);
	if ((r->a & 2) == 0)
		return;
	asm_load(&g->b, 8, R0, R6, 0);
	gen_member_at(g, "struct bio", "bi_iter");
	gen_follow(g, "struct bvec_iter", "bi_size");
	asm_alui(&g->b, BPF_RSH, R0, 12);
	asm_store(&g->b, 8, R7, SLOT_ARGS, R0);
}

/* error_code of a page fault: a = bits that must be set. */
static void
fault_bits(struct gen *g, const struct row *r)
{
	asm_load(&g->b, 8, R0, R6, 16);
	asm_alui(&g->b, BPF_AND, R0, (int32_t)r->a);
	asm_jmpi(&g->b, BPF_JNE, R0, (int32_t)r->a, g->l_out);
}

/* Flags of contention_begin, kept as the second argument: bits of the mask must be those. */
enum { LCB_SPIN = 1, LCB_READ = 2, LCB_WRITE = 4, LCB_RT = 8, LCB_PERCPU = 16, LCB_MUTEX = 32 };
#define LOCK(mask, value) ((uint64_t)(mask) << 32 | (value))

static void
lock_kind(struct gen *g, const struct row *r)
{
	int yes = asm_label(&g->b);
	uint32_t mask = (uint32_t)(r->a >> 32), value = (uint32_t)r->a;

	/* SLOT_ARGS still has the raw order: lock, flags; and the lock that ended is in the context. */
	asm_load(&g->b, 8, R1, FP, -32);
	asm_load(&g->b, 8, R0, R1, 8);
	asm_load(&g->b, 8, R2, R6, 0);
	asm_jmp(&g->b, BPF_JNE, R0, R2, g->l_release);
	asm_load(&g->b, 8, R0, R1, 16);
	asm_mov(&g->b, R2, R0);
	asm_alui(&g->b, BPF_AND, R2, (int32_t)mask);
	if (value == (LCB_READ | LCB_WRITE)) { /* either */
		asm_alui(&g->b, BPF_AND, R0, LCB_READ | LCB_WRITE);
		asm_jmpi(&g->b, BPF_JEQ, R0, 0, g->l_release);
		asm_alui(&g->b, BPF_AND, R2, ~(LCB_READ | LCB_WRITE));
		asm_jmpi(&g->b, BPF_JEQ, R2, 0, yes);
		asm_jump(&g->b, g->l_release);
	} else if (value == (LCB_SPIN | LCB_READ | LCB_WRITE)) {
		asm_alui(&g->b, BPF_AND, R0, LCB_READ | LCB_WRITE);
		asm_jmpi(&g->b, BPF_JEQ, R0, 0, g->l_release);
		asm_alui(&g->b, BPF_AND, R2, LCB_SPIN);
		asm_jmpi(&g->b, BPF_JEQ, R2, 0, g->l_release);
	} else {
		asm_jmpi(&g->b, BPF_JNE, R2, (int32_t)value, g->l_release);
	}
	asm_place(&g->b, yes);
}

/*
 * Packets: the network header is behind head on the way out, at data on the way in.  a: protocol above IP, 0
 * any; +256 on the way in.
 */
enum { RECEIVED = 256, IPPROTO_T = 6, IPPROTO_U = 17 };

static void
packet_header(struct gen *g, const struct row *r)
{
	asm_load(&g->b, 8, R0, R6, 0);
	if ((r->a & RECEIVED) != 0) {
		gen_follow(g, "struct sk_buff", "data");
		return;
	}
	gen_follow(g, "struct sk_buff", "head");
	(void)gen_push(g, R0);
	asm_load(&g->b, 8, R0, R6, 0);
	gen_follow(g, "struct sk_buff", "network_header");
	gen_pop(g, R1);
	asm_alu(&g->b, BPF_ADD, R0, R1);
}

static void
is_packet(struct gen *g, const struct row *r)
{
	enum { V4 = 0x0008, V6 = 0xdd86, V4_PROTO_AT = 9, V6_NEXT_AT = 6 };
	int v6 = asm_label(&g->b), got = asm_label(&g->b), end = asm_label(&g->b);

	asm_load(&g->b, 8, R0, R6, 0);
	gen_follow(g, "struct sk_buff", "protocol");
	asm_jmpi(&g->b, BPF_JEQ, R0, V6, v6);
	asm_jmpi(&g->b, BPF_JNE, R0, V4, g->l_release);
	if ((r->a & 255) == 0) {
		asm_place(&g->b, v6);
		return;
	}
	packet_header(g, r);
	asm_alui(&g->b, BPF_ADD, R0, V4_PROTO_AT);
	asm_jump(&g->b, got);
	asm_place(&g->b, v6);
	packet_header(g, r);
	asm_alui(&g->b, BPF_ADD, R0, V6_NEXT_AT);
	asm_place(&g->b, got);
	gen_load_at(g, type_by_name(g->c->types, "uint8_t"), false);
	asm_jmpi(&g->b, BPF_JNE, R0, (int32_t)(r->a & 255), g->l_release);
	asm_place(&g->b, end);
}

/* inet_sock_set_state(sk, old, new): TCP only; a = old << 8 | new, 0 any. */
static void
tcp_state(struct gen *g, const struct row *r)
{
	asm_load(&g->b, 8, R0, R6, 0);
	gen_follow(g, "struct sock", "sk_protocol");
	asm_jmpi(&g->b, BPF_JNE, R0, IPPROTO_T, g->l_release);
	for (int i = 0; i < 2 && r->a != 0; i++) {
		asm_load(&g->b, 8, R0, R6, 8 * (i + 1));
		asm_alui(&g->b, BPF_LSH, R0, 32);
		asm_alui(&g->b, BPF_RSH, R0, 32);
		asm_jmpi(&g->b, BPF_JNE, R0, (int32_t)(i == 0 ? r->a >> 8 : r->a & 255), g->l_release);
	}
}

/* --- the table --------------------------------------------------------------------------------- */

#define TASK "struct task_struct *"
#define LWP(src) {TASK, "lwpsinfo_t *", src}
#define PS(src) {TASK, "psinfo_t *", src}
#define INT(src) {"int", NULL, src}
#define NUM(src) {"uint64_t", NULL, src}
#define STAT .check = one_more, .nargs = 1, .args = {NUM(0)}
#define BIO(src) {"struct bio *", "bufinfo_t *", src}, {"struct bio *", "devinfo_t *", src}, \
	{"struct bio *", "fileinfo_t *", src}

/* vfs and fsinfo: the same functions; arg0 what, arg1 what came back, arg2 nanoseconds. */
#define FILEOP(names, function, what, type) \
	{"vfs", names, PAIR, function, function, .order = {what, 5, 4}, .nargs = 3, \
	    .args = {{type, "fileinfo_t *", 0}, {"long", NULL, 1}, NUM(2)}}
#define FSINFO(names, function, what, type) \
	{"fsinfo", names, PAIR, function, function, .order = {what, 5, 4}, .nargs = 2, \
	    .args = {{type, "fileinfo_t *", 0}, {"long", NULL, 1}}}
#define BOTH(vfs, fsinfo, function, what, type) FILEOP(vfs, function, what, type), \
	FSINFO(fsinfo, function, what, type)

#define SKB "struct sk_buff *"
#define RX "struct rx_packet *"
#define IPARGS(t) {t, "pktinfo_t *", 0}, {t, "csinfo_t *", 0}, {t, "ipinfo_t *", 0}
#define SOCK(i) {"struct sock *", "pktinfo_t *", 0}, {"struct sock *", "csinfo_t *", 0}, \
	{"struct sock *", "ipinfo_t *", 0}, {"struct sock *", "tcpsinfo_t *", 0}

static const struct row table[] = {
    {"proc", "create", TP, "sched_process_fork", .nargs = 1, .args = {PS(1)}},
    {"proc", "lwp-create", TP, "sched_process_fork", .nargs = 2, .args = {LWP(1), PS(1)}},
    {"proc", "start", TP, "sys_exit", .filter = born, .a = 1},
    {"proc", "lwp-start", TP, "sys_exit", .filter = born},
    {"proc", "exec", TP, "sys_enter", .filter = syscall_entry, .a = EXECS, .check = first_of_call,
	.nargs = 1, .args = {{"char *", NULL, 0}}},
    {"proc", "exec-success", TP, "sched_process_exec", .a = 0},
    {"proc", "exec-failure", TP, "sys_exit", .filter = syscall_failure, .a = EXECS,
	.check = errno_of_result, .nargs = 1, .args = {INT(0)}},
    {"proc", "exit", TP, "sched_process_exit", .filter = only_leader, .check = exit_reason,
	.nargs = 1, .args = {INT(0)}},
    {"proc", "lwp-exit", TP, "sched_process_exit", .a = 0},
    {"proc", "signal-send", TP, "signal_generate", .filter = signal_result, .nargs = 3,
	.args = {LWP(2), PS(2), INT(0)}},
    {"proc", "signal-discard", TP, "signal_generate", .filter = signal_result, .a = 1, .nargs = 3,
	.args = {LWP(2), PS(2), INT(0)}},
    {"proc", "signal-handle", TP, "signal_deliver", .nargs = 1, .args = {INT(0)}},
    {"proc", "signal-clear", TP, "sys_exit", .filter = syscall_gain, .a = SIGWAITS, .check = gained,
	.nargs = 1, .args = {INT(0)}},

    {"sched", "off-cpu", TP, "sched_switch", .nargs = 2, .args = {LWP(2), PS(2)}},
    {"sched", "on-cpu", CALL, "finish_task_switch|finish_task_switch.isra.0", .a = 0},
    {"sched", "preempt", TP, "sched_switch", .filter = switched_by_force, .a = 1},
    {"sched", "sleep", TP, "sched_switch", .filter = switched_by_force},
    {"sched", "wakeup", TP, "sched_wakeup", .nargs = 2, .args = {LWP(0), PS(0)}},
    {"sched", "enqueue", CALL, "enqueue_task_fair", .nargs = 2, .args = {LWP(1), PS(1)}},
    {"sched", "dequeue", CALL, "dequeue_task_fair", .nargs = 2, .args = {LWP(1), PS(1)}},
    {"sched", "tick", CALL, "scheduler_tick|sched_tick", .a = 0},
    {"sched", "change-pri", TP, "sched_pi_setprio", .nargs = 2, .args = {LWP(0), PS(0)}},
    {"sched", "surrender", TP, "sys_enter", .filter = syscall_entry, .a = YIELDS},

    {"io", "start", TP, "block_bio_queue", .nargs = 3, .args = {BIO(0)}},
    {"io", "done", TP, "block_bio_complete", .nargs = 3, .args = {BIO(1)}},
    {"io", "wait-start", CALL, "submit_bio_wait", .nargs = 3, .args = {BIO(0)}},
    {"io", "wait-done", PAIR, "submit_bio_wait", "submit_bio_wait", .nargs = 3, .args = {BIO(0)}},

    {"vminfo", "as_fault", SW, "page_faults", .a = PERF_COUNT_SW_PAGE_FAULTS, STAT},
    {"vminfo", "maj_fault", SW, "page_faults_maj", .a = PERF_COUNT_SW_PAGE_FAULTS_MAJ, STAT},
    {"vminfo", "min_fault", SW, "page_faults_min", .a = PERF_COUNT_SW_PAGE_FAULTS_MIN, STAT},
    {"vminfo", "prot_fault", TP, "page_fault_user", .filter = fault_bits, .a = 1, STAT},
    {"vminfo", "cow_fault", TP, "page_fault_user", .filter = fault_bits, .a = 3, STAT},
    {"vminfo", "kernel_asflt", TP, "page_fault_kernel", STAT},
    {"vminfo", "pgin", TP, "block_bio_queue", .check = bio_direction, .a = 0, .nargs = 1, .args = {NUM(0)}},
    {"vminfo", "pgout", TP, "block_bio_queue", .check = bio_direction, .a = 1, .nargs = 1, .args = {NUM(0)}},
    {"vminfo", "pgpgin", TP, "block_bio_queue", .check = bio_direction, .a = 2, .nargs = 1, .args = {NUM(0)}},
    {"vminfo", "pgpgout", TP, "block_bio_queue", .check = bio_direction, .a = 3, .nargs = 1, .args = {NUM(0)}},
    {"vminfo", "pgrrun", TP, "mm_vmscan_kswapd_wake", STAT},
    {"vminfo", "scan", TP, "mm_vmscan_lru_shrink_inactive", .nargs = 1, .args = {NUM(1)}},
    {"vminfo", "dfree", TP, "mm_vmscan_lru_shrink_inactive", .nargs = 1, .args = {NUM(2)}},
    {"vminfo", "swapin", CALL, "swap_readpage|swap_read_folio", STAT},
    {"vminfo", "swapout", CALL, "swap_writepage|swap_writeout", STAT},

    {"sysinfo", "pswitch", TP, "sched_switch", STAT},
    {"sysinfo", "inv_swtch", TP, "sched_switch", .filter = switched_by_force, .a = 1, STAT},
    {"sysinfo", "idlethread", TP, "cpu_idle", STAT},
    {"sysinfo", "sysread", TP, "sys_enter", .filter = syscall_entry, .a = READS, STAT},
    {"sysinfo", "syswrite", TP, "sys_enter", .filter = syscall_entry, .a = WRITES, STAT},
    {"sysinfo", "readch", TP, "sys_exit", .filter = syscall_gain, .a = READS, .check = gained,
	.nargs = 1, .args = {NUM(0)}},
    {"sysinfo", "writech", TP, "sys_exit", .filter = syscall_gain, .a = WRITES, .check = gained,
	.nargs = 1, .args = {NUM(0)}},
    {"sysinfo", "sysexec", TP, "sys_enter", .filter = syscall_entry, .a = EXECS, STAT},
    {"sysinfo", "sysfork", TP, "sys_enter", .filter = syscall_entry, .a = FORKS, STAT},
    {"sysinfo", "sysvfork", TP, "sys_enter", .filter = syscall_entry, .a = VFORKS, STAT},
    {"sysinfo", "nthreads", TP, "sched_process_fork", STAT},
    {"sysinfo", "msg", TP, "sys_enter", .filter = syscall_entry, .a = MSGS, STAT},
    {"sysinfo", "sema", TP, "sys_enter", .filter = syscall_entry, .a = SEMS, STAT},
    {"sysinfo", "bread", TP, "block_bio_queue", .check = bio_direction, .a = 0, .nargs = 1, .args = {NUM(0)}},
    {"sysinfo", "bwrite", TP, "block_bio_queue", .check = bio_direction, .a = 1, .nargs = 1, .args = {NUM(0)}},
    {"sysinfo", "intr", TP, "irq_handler_entry", STAT},
    {"sysinfo", "xcalls", TP, "call_function_single_entry", STAT},
    {"sysinfo", "trap", TP, "page_fault_user", STAT},
    {"sysinfo", "modload", TP, "module_load", STAT},
    {"sysinfo", "modunload", TP, "module_free", STAT},
    {"sysinfo", "mutex_adenters", TP, "contention_begin", .check = one_more, .nargs = 1,
	.args = {NUM(0)}},
    {"sysinfo", "namei", CALL, "filename_lookup", STAT},

    {"lockstat", "adaptive-block", TPPAIR, "contention_end", "contention_begin", .order = {0, 4},
	.check = lock_kind, .a = LOCK(LCB_MUTEX | LCB_SPIN, LCB_MUTEX), .nargs = 2,
	.args = {{"struct mutex *", NULL, 0}, NUM(1)}},
    {"lockstat", "adaptive-spin", TPPAIR, "contention_end", "contention_begin", .order = {0, 4},
	.check = lock_kind, .a = LOCK(LCB_MUTEX | LCB_SPIN, LCB_MUTEX | LCB_SPIN), .nargs = 2,
	.args = {{"struct mutex *", NULL, 0}, NUM(1)}},
    {"lockstat", "spin-spin", TPPAIR, "contention_end", "contention_begin", .order = {0, 4},
	.check = lock_kind, .a = LOCK(LCB_MUTEX | LCB_SPIN | LCB_READ | LCB_WRITE, LCB_SPIN),
	.nargs = 2, .args = {NUM(0), NUM(1)}},
    {"lockstat", "rw-block", TPPAIR, "contention_end", "contention_begin", .order = {0, 4, 1},
	.check = lock_kind, .a = LOCK(LCB_SPIN | LCB_MUTEX, LCB_READ | LCB_WRITE), .nargs = 3,
	.args = {NUM(0), NUM(1), INT(2)}},
    {"lockstat", "rw-spin", TPPAIR, "contention_end", "contention_begin", .order = {0, 4, 1},
	.check = lock_kind, .a = LOCK(LCB_SPIN, LCB_SPIN | LCB_READ | LCB_WRITE), .nargs = 3,
	.args = {NUM(0), NUM(1), INT(2)}},
    {"lockstat", "adaptive-acquire", PAIR, "mutex_lock", "mutex_lock", .order = {0, 4}, .nargs = 1,
	.args = {{"struct mutex *", NULL, 0}}},
    {"lockstat", "adaptive-release", CALL, "mutex_unlock", .nargs = 1,
	.args = {{"struct mutex *", NULL, 0}}},
    {"lockstat", "spin-acquire", PAIR, "_raw_spin_lock", "_raw_spin_lock", .order = {0, 4},
	.nargs = 1, .args = {NUM(0)}},
    {"lockstat", "rw-acquire", PAIR, "down_read|down_write", "down_read|down_write",
	.order = {0, 4}, .nargs = 1, .args = {NUM(0)}},
    {"lockstat", "rw-release", CALL, "up_read", .nargs = 1, .args = {NUM(0)}},

    BOTH("read", "read", "vfs_read", 0, "struct file *"),
    BOTH("write", "write", "vfs_write", 0, "struct file *"),
    BOTH("open", "open", "vfs_open", 1, "struct file *"),
    BOTH("close", "close", "filp_close", 0, "struct file *"),
    BOTH("fsync", "fsync", "vfs_fsync_range", 0, "struct file *"),
    BOTH("readdir", "readdir", "iterate_dir", 0, "struct file *"),
    BOTH("getattr", "getattr", "vfs_getattr", 0, "struct path *"),
    BOTH("setattr", "setattr", "notify_change", 1, "struct dentry *"),
    BOTH("create", "create", "security_inode_create", 1, "struct dentry *"),
    BOTH("unlink", "remove", "vfs_unlink", 2, "struct dentry *"),
    BOTH("mkdir", "mkdir", "vfs_mkdir", 2, "struct dentry *"),
    BOTH("rmdir", "rmdir", "vfs_rmdir", 2, "struct dentry *"),
    BOTH("symlink", "symlink", "vfs_symlink", 2, "struct dentry *"),
    BOTH("link", "link", "vfs_link", 0, "struct dentry *"),
    BOTH("rename", "rename", "vfs_rename", 0, "struct renamedata *"),

    {"ip", "send", TP, "net_dev_queue", .check = is_packet, .nargs = 6, .args = {IPARGS(SKB),
	{SKB, "ifinfo_t *", 0}, {SKB, "ipv4info_t *", 0}, {SKB, "ipv6info_t *", 0}}},
    {"ip", "receive", TP, "netif_receive_skb", .check = is_packet, .a = RECEIVED, .nargs = 6,
	.args = {IPARGS(RX), {RX, "ifinfo_t *", 0}, {RX, "ipv4info_t *", 0},
	{RX, "ipv6info_t *", 0}}},
    {"udp", "send", TP, "net_dev_queue", .check = is_packet, .a = IPPROTO_U, .nargs = 5,
	.args = {IPARGS(SKB), {SKB, "udpsinfo_t *", 0}, {SKB, "udpinfo_t *", 0}}},
    {"udp", "receive", TP, "netif_receive_skb", .check = is_packet, .a = IPPROTO_U | RECEIVED,
	.nargs = 5, .args = {IPARGS(RX), {RX, "udpsinfo_t *", 0}, {RX, "udpinfo_t *", 0}}},
    {"tcp", "send", TP, "net_dev_queue", .check = is_packet, .a = IPPROTO_T, .nargs = 5,
	.args = {IPARGS(SKB), {SKB, "tcpsinfo_t *", 0}, {SKB, "tcpinfo_t *", 0}}},
    {"tcp", "receive", TP, "netif_receive_skb", .check = is_packet, .a = IPPROTO_T | RECEIVED,
	.nargs = 5, .args = {IPARGS(RX), {RX, "tcpsinfo_t *", 0}, {RX, "tcpinfo_t *", 0}}},
    {"tcp", "state-change", TP, "inet_sock_set_state", .check = tcp_state, .nargs = 6,
	.args = {SOCK(0), {"int", NULL, 2}, {"int", "tcplsinfo_t *", 1}}},
    {"tcp", "connect-request", TP, "inet_sock_set_state", .check = tcp_state, .a = 7 << 8 | 2,
	.nargs = 4, .args = {SOCK(0)}},
    {"tcp", "connect-established", TP, "inet_sock_set_state", .check = tcp_state, .a = 2 << 8 | 1,
	.nargs = 4, .args = {SOCK(0)}},
    {"tcp", "connect-refused", TP, "inet_sock_set_state", .check = tcp_state, .a = 2 << 8 | 7,
	.nargs = 4, .args = {SOCK(0)}},
    {"tcp", "accept-established", TP, "inet_sock_set_state", .check = tcp_state, .a = 3 << 8 | 1,
	.nargs = 4, .args = {SOCK(0)}},
    {"tcp", "accept-refused", TP, "tcp_send_reset", .a = 0},
    {"tcp", "retransmit", TP, "tcp_retransmit_skb", .nargs = 4, .args = {SOCK(0)}},
};
enum { NTABLE = sizeof(table) / sizeof(table[0]) };

/* --- probes ------------------------------------------------------------------------------------ */

/*
 * The function of that name that this kernel has, of the alternatives; NULL: none.
 */
static const char *
function_here(struct session *s, const char *names)
{
	char name[80];

	for (const char *p = names; *p != '\0'; p += p[0] == '|') {
		size_t n = strcspn(p, "|");

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, p);
		if (sym_kernel_addr(s->syms, NULL, name) != 0)
			return (arena_strdup(&s->c, name));
		p += n;
	}
	return (NULL);
}

static bool
have_kprobes(struct session *s)
{
	if (s->kprobes == 0)
		s->kprobes = probe_source_type("kprobe") >= 0 ? 1 : -1;
	return (s->kprobes > 0);
}

static bool
have_tracepoint(struct session *s, const char *name)
{
	const struct btf *b = types_btf(&s->types);

	return (b == NULL || btf_find(b, arena_printf(&s->c, "btf_trace_%s", name),
	    1u << BTF_TYPEDEF) != 0);
}

/* Can this kernel do it?  If not, s->c.why says what it lacks. */
static bool
possible(struct session *s, const struct row *r)
{
	switch (r->how) {
	case CALL: case PAIR:
		if (!have_kprobes(s))
			s->c.why = arena_printf(&s->c, "%s:::%s needs CONFIG_KPROBES and "
			    "CONFIG_KPROBE_EVENTS in the kernel", r->prov, r->name);
		else if (function_here(s, r->point) == NULL)
			s->c.why = arena_printf(&s->c, "%s:::%s: this kernel has no function %s",
			    r->prov, r->name, r->point);
		else
			return (true);
		return (false);
	case TPPAIR:
		if (!have_tracepoint(s, r->begin)) {
			s->c.why = arena_printf(&s->c, "%s:::%s needs tracepoint %s (Linux 5.19)",
			    r->prov, r->name, r->begin);
			return (false);
		}
		return (true);
	case TP:
		if (strchr(r->point, '_') != NULL && (strcmp(r->prov, "sysinfo") == 0 ||
		    strcmp(r->prov, "vminfo") == 0) && !have_tracepoint(s, r->point)) {
			s->c.why = arena_printf(&s->c, "%s:::%s: this kernel has no tracepoint %s",
			    r->prov, r->name, r->point);
			return (false);
		}
		return (true);
	default:
		return (true);
	}
}

static void
stable_provide(struct session *s, const struct pdesc *pd)
{
	bool named = pd->field[0][0] != '\0';

	for (uint64_t i = 0; i < NTABLE; i++) {
		const struct row *r = &table[i];

		if (!glob_match(pd->field[0], r->prov) || !glob_match(pd->field[3], r->name) ||
		    !glob_match(pd->field[1], "vmlinux") || pd->field[2][0] != '\0')
			continue;
		/* A bare "read" does not mean these. */
		if (!named && pd->field[3][0] != '\0' && strcmp(r->prov, "proc") != 0 &&
		    strcmp(r->prov, "sched") != 0 && strcmp(r->prov, "io") != 0)
			continue;
		if (session_find(s, r->prov, "vmlinux", "", r->name) != NULL || !possible(s, r))
			continue;
		session_probe(s, &prov_stable, r->prov, "vmlinux", "", r->name)->a = i;
	}
}

static const struct probe_arg *
stable_args(struct session *s, const struct probe *p, int *n)
{
	(void)s;
	*n = table[p->a].nargs;
	return (table[p->a].args);
}

/* --- code -------------------------------------------------------------------------------------- */

/* The context is registers: C arguments by number. */
static void
load_c_arg(struct gen *g, int reg, int i)
{
	static const uint8_t at[4] = {112, 104, 96, 88};

	asm_load(&g->b, 8, reg, R6, at[i]);
}

static bool
is_pair(const struct row *r)
{
	return (r->how == PAIR || r->how == TPPAIR);
}

/* fp-8 = who: the thread, or an idle CPU. r2 = fp-8. */
static void
keeper_key(struct gen *g)
{
	int thread = asm_label(&g->b);

	asm_call(&g->b, H_PID_TGID);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, thread);
	asm_call(&g->b, H_CPU);
	asm_place(&g->b, thread);
	asm_store(&g->b, 8, FP, -8, R0);
	asm_mov(&g->b, R2, FP);
	asm_alui(&g->b, BPF_ADD, R2, -8);
}

/* The program at a pair's beginning: keep time and arguments, and leave. */
enum { KEPT = 40, KEPT_AT = -96 };

static void
keeper_filter(struct gen *g, const struct target *t)
{
	asm_call(&g->b, H_KTIME);
	asm_store(&g->b, 8, FP, KEPT_AT, R0);
	for (int i = 0; i < 4; i++) {
		if (t->b == PAIR)
			load_c_arg(g, R0, i);
		else if (i < 2)
			asm_load(&g->b, 8, R0, R6, 8 * i);
		asm_store(&g->b, 8, FP, KEPT_AT + 8 * (i + 1), R0);
	}
	keeper_key(g);
	asm_mov(&g->b, R3, FP);
	asm_alui(&g->b, BPF_ADD, R3, KEPT_AT);
	asm_imm(&g->b, R4, 0);
	asm_map(&g->b, R1, t->map);
	asm_call(&g->b, H_UPDATE);
	asm_jmpi(&g->b, BPF_JNE, FP, 0, g->l_out); /* always */
}

static void
stable_filter(struct gen *g, const struct target *t)
{
	const struct row *r = row_of(t);

	if (is_pair(r)) { /* did it begin while we looked? */
		keeper_key(g);
		asm_map(&g->b, R1, t->map);
		asm_call(&g->b, H_LOOKUP);
		asm_jmpi(&g->b, BPF_JEQ, R0, 0, g->l_out);
		asm_store(&g->b, 8, FP, -32, R0);
	}
	if (r->filter != NULL)
		r->filter(g, r);
}

static void
pair_args(struct gen *g, const struct row *r)
{
	enum { AX = 80 };

	asm_load(&g->b, 8, R8, FP, -32);
	asm_call(&g->b, H_KTIME);
	asm_load(&g->b, 8, R1, R8, 0);
	asm_alu(&g->b, BPF_SUB, R0, R1);
	asm_mov(&g->b, R9, R0);
	for (int i = 0; i < 5; i++) {
		if (r->order[i] < 4) {
			asm_load(&g->b, 8, R0, R8, 8 + 8 * r->order[i]);
			asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R0);
		} else if (r->order[i] == 4) {
			asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R9);
		} else {
			asm_load(&g->b, 8, R0, R6, r->how == PAIR ? AX : 8);
			asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R0);
		}
	}
}

/* All arguments are loaded, whichever are read: the checks may want them, and they are cheap. */
static void
stable_check(struct gen *g, const struct target *t)
{
	const struct row *r = row_of(t);

	g->l_fault = g->l_release;
	if (g->frame < 32)
		g->frame = 32; /* what the filter kept at fp-32 */
	gen_zero(g, SLOT_ARGS, 80);
	for (int i = 0; i < 4 && r->how == CALL; i++) {
		load_c_arg(g, R0, i);
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R0);
	}
	for (int i = 0; i < (int)t->a && r->how == TP; i++) {
		asm_load(&g->b, 8, R0, R6, 8 * i);
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R0);
	}
	if (r->check != NULL)
		r->check(g, r);
	if (is_pair(r))
		pair_args(g, r);
}

/* --- attaching --------------------------------------------------------------------------------- */

static int
attach_call(struct session *s, struct target *t, bool ret, struct err *e)
{
	struct perf_event_attr a;

	memset(&a, 0, sizeof(a));
	a.size = sizeof(a);
	a.type = (uint32_t)probe_source_type("kprobe");
	a.config = ret;
	a.config1 = (uintptr_t)t->name;
	return (perf_attach(s, t, &a, -1, 0, e) != 0 ? err_wrap(e, "function %s", t->name) : 0);
}

static int
attach_software(struct session *s, struct target *t, struct err *e)
{
	struct perf_event_attr a;
	int rc;

	for (unsigned cpu = 0; cpu < s->im.ncpus; cpu++) {
		memset(&a, 0, sizeof(a));
		a.size = sizeof(a);
		a.type = PERF_TYPE_SOFTWARE;
		a.config = row_of(t)->a;
		a.sample_period = 1;
		rc = perf_attach(s, t, &a, -1, (int)cpu, e);
		if (rc != 0 && rc != -ENODEV)
			return (err_wrap(e, "software event %s", t->name));
	}
	return (0);
}

int
tracepoint_attach(struct session *s, struct target *t, struct err *e)
{
	const struct probe *p = t->nprobes > 0 ? t->probes[0] : NULL;
	int fd = bpf_raw_tracepoint(t->name, t->prog_fd);

	if (fd < 0)
		return (err_set(e, -fd, "%s:::%s needs tracepoint %s of the kernel: %s",
		    p != NULL ? p->provname : "", p != NULL ? p->name : "", t->name, strerror(-fd)));
	target_fd(s, t, fd);
	return (0);
}

static int
keeper_attach(struct session *s, struct target *t, struct err *e)
{
	return (t->b == PAIR ? attach_call(s, t, false, e) : tracepoint_attach(s, t, e));
}

static int
stable_attach(struct session *s, struct target *t, struct err *e)
{
	switch (row_of(t)->how) {
	case CALL: return (attach_call(s, t, false, e));
	case PAIR: return (attach_call(s, t, true, e));
	case SW: return (attach_software(s, t, e));
	default: return (tracepoint_attach(s, t, e));
	}
}

static const struct target_ops stable_ops = {.filter = stable_filter, .check = stable_check,
    .attach = stable_attach};
static const struct target_ops keeper_ops = {.filter = keeper_filter, .attach = keeper_attach};

/* The map of the program that watches where pairs begin, which is made when there is none. */
static int
keeper_of(struct session *s, const char *begin, enum how how)
{
	struct target *t;

	for (t = s->targets; t != NULL; t = t->next)
		if (t->ops == &keeper_ops && strcmp(t->name, begin) == 0)
			return (t->map);
	t = session_target(s, &keeper_ops, how == PAIR ? BPF_PROG_TYPE_KPROBE :
	    BPF_PROG_TYPE_RAW_TRACEPOINT, begin);
	t->name = begin;
	t->b = how;
	t->map = image_map(&s->im, BPF_MAP_TYPE_LRU_HASH, 8, KEPT, 8192, 0, "kept");
	return (t->map);
}

/* How many arguments a tracepoint has: the verifier refuses to read more. */
static uint64_t
tracepoint_args(struct session *s, const char *name)
{
	const struct btf *b = types_btf(&s->types);
	uint32_t id = b != NULL ? btf_find(b, arena_printf(&s->c, "btf_trace_%s", name),
	    1u << BTF_TYPEDEF) : 0;
	uint32_t n = id != 0 ? btf_vlen(b, btf_ref(b, btf_ref(b, id))) : 1;

	return (n > 10 ? 10 : n > 0 ? n - 1 : 0);
}

static int
stable_enable(struct session *s, struct probe *p, struct err *e)
{
	static const enum bpf_prog_type types[] = {BPF_PROG_TYPE_RAW_TRACEPOINT,
	    BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_KPROBE,
	    BPF_PROG_TYPE_PERF_EVENT};
	const struct row *r = &table[p->a];
	bool function = r->how == CALL || r->how == PAIR;
	struct target *t = session_target(s, &stable_ops, types[r->how], p->name);

	(void)e;
	t->priv = (void *)(uintptr_t)r;
	t->name = function ? function_here(s, r->point) : r->point;
	if (r->how == TP && r->nargs > 0)
		t->a = tracepoint_args(s, t->name);
	target_add(s, t, p);
	if (is_pair(r))
		t->map = keeper_of(s, function ? t->name : r->begin, r->how);
	return (0);
}

const struct provider prov_stable = {"stable", stable_provide, stable_args, stable_enable, NULL};
