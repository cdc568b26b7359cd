/* SPDX-License-Identifier: MIT */
/*
 * The D library: what scripts expect to be there, in D itself.  A part is parsed when a program first names
 * something that is in it, so an empty program pays for none.
 */
#include <stdio.h>
#include <string.h>

#include "sema.h"

static const char errno_d[] =
#define E(n, v) "inline int " #n " = " #v ";"
    E(EPERM, 1) E(ENOENT, 2) E(ESRCH, 3) E(EINTR, 4) E(EIO, 5) E(ENXIO, 6) E(E2BIG, 7)
    E(ENOEXEC, 8) E(EBADF, 9) E(ECHILD, 10) E(EAGAIN, 11) E(ENOMEM, 12) E(EACCES, 13)
    E(EFAULT, 14) E(ENOTBLK, 15) E(EBUSY, 16) E(EEXIST, 17) E(EXDEV, 18) E(ENODEV, 19)
    E(ENOTDIR, 20) E(EISDIR, 21) E(EINVAL, 22) E(ENFILE, 23) E(EMFILE, 24) E(ENOTTY, 25)
    E(ETXTBSY, 26) E(EFBIG, 27) E(ENOSPC, 28) E(ESPIPE, 29) E(EROFS, 30) E(EMLINK, 31)
    E(EPIPE, 32) E(EDOM, 33) E(ERANGE, 34) E(EDEADLK, 35) E(ENAMETOOLONG, 36) E(ENOSYS, 38)
    E(ENOTEMPTY, 39) E(ELOOP, 40) E(EWOULDBLOCK, 11) E(EOVERFLOW, 75) E(EILSEQ, 84)
    E(ENOTSOCK, 88) E(EMSGSIZE, 90) E(EOPNOTSUPP, 95) E(EADDRINUSE, 98) E(EADDRNOTAVAIL, 99)
    E(ENETDOWN, 100) E(ENETUNREACH, 101) E(ECONNABORTED, 103) E(ECONNRESET, 104)
    E(ENOBUFS, 105) E(EISCONN, 106) E(ENOTCONN, 107) E(ETIMEDOUT, 110) E(ECONNREFUSED, 111)
    E(EHOSTUNREACH, 113) E(EALREADY, 114) E(EINPROGRESS, 115) E(ESTALE, 116) E(EDQUOT, 122);

static const char signal_d[] =
    E(SIGHUP, 1) E(SIGINT, 2) E(SIGQUIT, 3) E(SIGILL, 4) E(SIGTRAP, 5) E(SIGABRT, 6)
    E(SIGBUS, 7) E(SIGFPE, 8) E(SIGKILL, 9) E(SIGUSR1, 10) E(SIGSEGV, 11) E(SIGUSR2, 12)
    E(SIGPIPE, 13) E(SIGALRM, 14) E(SIGTERM, 15) E(SIGSTKFLT, 16) E(SIGCHLD, 17) E(SIGCONT, 18)
    E(SIGSTOP, 19) E(SIGTSTP, 20) E(SIGTTIN, 21) E(SIGTTOU, 22) E(SIGURG, 23) E(SIGXCPU, 24)
    E(SIGXFSZ, 25) E(SIGVTALRM, 26) E(SIGPROF, 27) E(SIGWINCH, 28) E(SIGIO, 29) E(SIGPWR, 30)
    E(SIGSYS, 31);

static const char unistd_d[] =
    E(DTRACEFLT_UNKNOWN, 0) E(DTRACEFLT_BADADDR, 1) E(DTRACEFLT_BADALIGN, 2)
    E(DTRACEFLT_ILLOP, 3) E(DTRACEFLT_DIVZERO, 4) E(DTRACEFLT_NOSCRATCH, 5)
    E(DTRACEFLT_KPRIV, 6) E(DTRACEFLT_UPRIV, 7) E(DTRACEFLT_TUPOFLOW, 8)
    E(DTRACEFLT_BADSTACK, 9) E(DTRACEFLT_BADSIZE, 10) E(DTRACEFLT_BADINDEX, 11)
    E(DTRACEFLT_LIBRARY, 1000)
    E(O_RDONLY, 0) E(O_WRONLY, 1) E(O_RDWR, 2) E(O_ACCMODE, 3) E(O_CREAT, 0x40) E(O_EXCL, 0x80)
    E(O_TRUNC, 0x200) E(O_APPEND, 0x400) E(O_NONBLOCK, 0x800) E(O_SYNC, 0x101000)
    E(O_CLOEXEC, 0x80000) E(O_DIRECTORY, 0x10000) E(CLD_EXITED, 1) E(CLD_KILLED, 2)
    E(CLD_DUMPED, 3);

static const char procfs_d[] =
    "typedef struct psinfo { int pr_nlwp; pid_t pr_pid; pid_t pr_ppid; pid_t pr_pgid; pid_t pr_sid;"
    " uid_t pr_uid; uid_t pr_euid; gid_t pr_gid; gid_t pr_egid; uintptr_t pr_addr;"
    " string pr_fname; string pr_psargs; uint_t pr_dmodel; } psinfo_t;"
    "typedef struct lwpsinfo { int pr_flag; id_t pr_lwpid; uintptr_t pr_addr; uintptr_t pr_wchan;"
    " long pr_state; char pr_sname; int pr_pri; char pr_nice; processorid_t pr_onpro;"
    " string pr_name; } lwpsinfo_t;"
    "translator psinfo_t < struct task_struct *T > {"
    " pr_nlwp = T->signal->nr_threads; pr_pid = T->tgid; pr_ppid = T->real_parent->tgid;"
    " pr_pgid = T->signal->pids[2]->numbers[0].nr; pr_sid = T->signal->pids[3]->numbers[0].nr;"
    " pr_uid = T->cred->uid.val; pr_euid = T->cred->euid.val; pr_gid = T->cred->gid.val;"
    " pr_egid = T->cred->egid.val; pr_addr = (uintptr_t)T;"
    " pr_fname = stringof(T->comm); pr_psargs = stringof(T->comm); pr_dmodel = 2; };"
    "translator lwpsinfo_t < struct task_struct *T > {"
    " pr_flag = T->flags; pr_lwpid = T->pid; pr_addr = (uintptr_t)T; pr_wchan = 0;"
    " pr_state = T->__state == 0 ? 2 : T->__state & 4 ? 4 : 1;"
    " pr_sname = T->__state == 0 ? 'R' : T->__state & 4 ? 'T' : 'S';"
    " pr_pri = T->prio; pr_nice = T->static_prio - 120;"
    " pr_onpro = T->thread_info.cpu; pr_name = stringof(T->comm); };"
    "inline psinfo_t *curpsinfo = xlate <psinfo_t *> (curthread);"
    "inline lwpsinfo_t *curlwpsinfo = xlate <lwpsinfo_t *> (curthread);"
    E(SSLEEP, 1) E(SRUN, 2) E(SZOMB, 3) E(SSTOP, 4) E(SIDL, 5) E(SONPROC, 6) E(SWAIT, 7)
    E(PR_STOPPED, 1) E(PR_ISTOP, 2);

static const char sched_d[] =
    "typedef struct cpuinfo { processorid_t cpu_id; psetid_t cpu_pset; chipid_t cpu_chip;"
    " lgrp_id_t cpu_lgrp; } cpuinfo_t;"
    "inline psetid_t pset = 0; inline chipid_t chip = 0; inline lgrp_id_t lgrp = 0;";

static const char io_d[] =
    "typedef struct bufinfo { int b_flags; size_t b_bcount; size_t b_bufsize; uintptr_t b_addr;"
    " uint64_t b_lblkno; uint64_t b_blkno; size_t b_resid; uintptr_t b_iodone; int b_error;"
    " dev_t b_edev; } bufinfo_t;"
    "typedef struct devinfo { int dev_major; int dev_minor; int dev_instance; string dev_name;"
    " string dev_statname; string dev_pathname; } devinfo_t;"
    "typedef struct fileinfo { string fi_name; string fi_dirname; string fi_pathname;"
    " long fi_offset; string fi_fs; string fi_mount; int fi_oflags; } fileinfo_t;"
    "inline int B_WRITE = 1; inline int B_READ = 2; inline int B_ASYNC = 4; inline int B_PHYS = 8;"
    "translator bufinfo_t < struct bio *B > {"
    " b_flags = (B->bi_opf & 1) ? 1 : 2; b_bcount = B->bi_iter.bi_size;"
    " b_bufsize = B->bi_iter.bi_size; b_addr = (uintptr_t)B; b_lblkno = B->bi_iter.bi_sector;"
    " b_blkno = B->bi_iter.bi_sector; b_resid = 0; b_iodone = (uintptr_t)B->bi_end_io;"
    " b_error = B->bi_status; b_edev = B->bi_bdev->bd_dev; };"
    "translator devinfo_t < struct bio *B > {"
    " dev_major = B->bi_bdev->bd_dev >> 20; dev_minor = B->bi_bdev->bd_dev & 0xfffff;"
    " dev_instance = 0; dev_name = stringof(B->bi_bdev->bd_disk->disk_name);"
    " dev_statname = stringof(B->bi_bdev->bd_disk->disk_name);"
    " dev_pathname = strjoin(\"/dev/\", stringof(B->bi_bdev->bd_disk->disk_name)); };"
    "translator fileinfo_t < struct bio *B > {"
    " fi_name = \"<none>\"; fi_dirname = \"<none>\"; fi_pathname = \"<none>\";"
    " fi_offset = B->bi_iter.bi_sector * 512; fi_fs = \"<none>\"; fi_mount = \"<none>\";"
    " fi_oflags = 0; };";

static const struct part {
	const char *text;
	const char *names; /* those that do not show in the text as "inline T NAME =" */
} parts[] = {
    {errno_d, ""}, {signal_d, ""}, {unistd_d, ""},
    {procfs_d, " psinfo_t lwpsinfo_t curpsinfo curlwpsinfo "},
    {io_d, " bufinfo_t devinfo_t fileinfo_t B_WRITE B_READ B_ASYNC B_PHYS "},
    {sched_d, " cpuinfo_t pset chip lgrp "},
};
enum { NPARTS = sizeof(parts) / sizeof(parts[0]) };

static bool
defines(const struct part *p, const char *name)
{
	char word[80];

	(void)snprintf(word, sizeof(word), "inline int %.60s = ", name);
	if (strstr(p->text, word) != NULL)
		return (true);
	(void)snprintf(word, sizeof(word), " %.60s ", name);
	return (strstr(p->names, word) != NULL);
}

/* Parse a part in the middle of something else: places and regions are put back. */
static void
load(struct comp *c, const struct part *p)
{
	struct program prog = {.c = c, .spec = SPEC_NAME, .needs_body = true};
	enum region region = c->region;
	int line = c->line, col = c->col;
	unsigned depth = c->depth;

	parse_program(&prog, p->text, strlen(p->text));
	c->region = region;
	c->line = line;
	c->col = col;
	c->depth = depth;
}

bool
lib_load(struct comp *c, const char *name)
{
	char word[128];

	(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, " *"), name);
	for (unsigned i = 0; i < NPARTS; i++) {
		if ((c->libs >> i & 1) != 0 || !defines(&parts[i], word))
			continue;
		c->libs |= 1u << i;
		load(c, &parts[i]);
		return (true);
	}
	return (false);
}
