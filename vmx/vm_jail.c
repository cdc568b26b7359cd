/* SPDX-License-Identifier: MIT */
/*
 * Giving everything up before the first guest instruction.
 *
 * vm_jail_enter runs once, early, while the process has one thread and has opened /dev/kvm: the
 * configuration brought every other descriptor.  Afterwards the process has an empty read-only root, no
 * network, its own ipc and uts names, no capability, another uid, and cannot gain any of that back.
 *
 * vm_jail_thread narrows each thread to the system calls of its role, and of ioctl to the listed
 * requests.  A call outside the list kills the process: it is either a bug of ours or somebody else's
 * code.  The main thread goes last: threads inherit the filters of their maker.
 *
 * The filter is a linear list of comparisons, made from a table: 40 entries at most, no library.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <linux/vhost.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm_jail.h"

/* ---- the process ---- */

static int
limit(int what, rlim_t n)
{
	const struct rlimit r = {n, n};

	return (setrlimit(what, &r));
}

/* Some directory to mount it on: it need not be empty, and is gone with everything else. */
static const char *
any_directory(void)
{
	static const char *const names[] = {"/tmp", "/dev", "/proc"};
	struct stat st;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (stat(names[i], &st) == 0 && S_ISDIR(st.st_mode))
			return (names[i]);
	return ("/");
}

/* The folder of a path as a mount of its own, to be put under the new root; -1: none is wanted. */
static int
folder_take(const char *path, int *fd, struct err *e)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	char folder[128] = ".";

	*fd = -1;
	if (path == NULL)
		return (0);
	if (slash != NULL)
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
	*fd = (int)syscall(SYS_open_tree, AT_FDCWD, folder, 1 /* CLONE */ | O_CLOEXEC);
	return (*fd < 0 ? err_sys(e, errno, "the folder '%s'", folder) : 0);
}

/* Into the new root, which is still at dir. */
static int
folder_put(int fd, const char *dir)
{
	char at[64];
	int rc;

	if (fd < 0)
		return (0);
	(void)snprintf(at, sizeof(at), "%s%s", dir, VM_JAIL_VSOCK);
	rc = mkdir(at, 0555) != 0 ||
	    syscall(SYS_move_mount, fd, "", AT_FDCWD, at, 4 /* the descriptor itself */) != 0;
	(void)close(fd);
	return (rc ? -1 : 0);
}

/* An empty tmpfs as root; what was below it is unmounted. */
static int
empty_root(const char *sockets, struct err *e)
{
	const char *dir = any_directory();
	int folder, rc;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
		return (err_sys(e, errno, "cannot leave the host's namespaces"));
	if ((rc = folder_take(sockets, &folder, e)) != 0)
		return (rc);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=555") != 0 ||
	    folder_put(folder, dir) != 0 || chdir(dir) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
	    umount2(".", MNT_DETACH) != 0 || chdir("/") != 0 ||
	    mount("none", "/", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		NULL) != 0)
		return (err_sys(e, errno, "cannot make an empty root"));
	return (0);
}

static int
drop_privileges(uid_t uid, gid_t gid, struct err *e)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap);
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return (err_sys(e, errno, "cannot become user %u", (unsigned)uid));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
		return (err_sys(e, errno, "prctl"));
	return (0);
}

int
vm_jail_enter(uid_t uid, gid_t gid, const char *sockets, struct err *e)
{
	int rc;

	if (limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_NOFILE, 512) != 0)
		return (err_sys(e, errno, "cannot set limits"));
	if ((rc = empty_root(sockets, e)) != 0)
		return (rc);
	return (drop_privileges(uid, gid, e));
}

/* ---- the threads ---- */

/* What every thread may do. */
static const int calls_common[] = {SYS_read, SYS_write, SYS_futex, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_mmap, SYS_munmap, SYS_madvise, SYS_brk, SYS_clock_gettime, SYS_gettid,
    SYS_getpid, SYS_exit, SYS_exit_group, SYS_restart_syscall, SYS_epoll_ctl, SYS_preadv,
    SYS_pwritev, SYS_fdatasync, SYS_fallocate, -1};
static const int calls_vcpu[] = {SYS_eventfd2, SYS_prctl, SYS_sendmsg, SYS_recvmsg, SYS_shutdown,
    SYS_close, -1};
static const int calls_io[] = {SYS_epoll_wait, SYS_epoll_pwait, SYS_readv, SYS_writev, SYS_getrandom,
    SYS_sendto, SYS_recvfrom, SYS_socket, SYS_connect, SYS_close, SYS_poll, SYS_prctl, SYS_accept4,
    SYS_accept, /* what musl tries when a socket that was shut down gives EINVAL */
    SYS_mremap,
    SYS_sendmsg, SYS_recvmsg, SYS_shutdown, SYS_socketpair, SYS_setsockopt, SYS_timerfd_create,
    SYS_timerfd_settime, SYS_fcntl, -1};
static const int calls_main[] = {SYS_epoll_wait, SYS_epoll_pwait, SYS_poll, SYS_accept4,
    SYS_accept, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_shutdown, SYS_close,
    SYS_tgkill, SYS_tkill, SYS_pread64, SYS_fstat,
    SYS_newfstatat, SYS_timerfd_create, SYS_timerfd_settime, SYS_rt_sigaction, SYS_signalfd4,
    SYS_wait4, SYS_lseek, SYS_writev, SYS_ioctl, SYS_prctl, SYS_set_robust_list, SYS_mprotect,
    SYS_fcntl, SYS_setsockopt, SYS_mremap, SYS_getsockname, -1};

static const unsigned requests_vcpu[] = {KVM_RUN, KVM_IRQ_LINE, KVM_SIGNAL_MSI, KVM_IOEVENTFD,
    KVM_SET_USER_MEMORY_REGION, KVM_GET_REGS, KVM_SET_GSI_ROUTING, KVM_IRQFD, TUNSETOFFLOAD,
    BLKDISCARD, BLKZEROOUT, KVM_NMI, TUNSETVNETHDRSZ, VHOST_SET_FEATURES, VHOST_SET_VRING_NUM,
    VHOST_SET_VRING_BASE, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
    VHOST_GET_VRING_BASE, VHOST_NET_SET_BACKEND, 0};
static const unsigned requests_io[] = {
    KVM_IRQ_LINE, KVM_SIGNAL_MSI, TUNSETOFFLOAD, BLKDISCARD, BLKZEROOUT, 0};

enum { PROGRAM = 192 };

struct program {
	struct sock_filter ins[PROGRAM];
	unsigned short n;
};

static void
emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (p->n < PROGRAM)
		p->ins[p->n++] = (struct sock_filter){code, jt, jf, k};
}

static void
load(struct program *p, size_t off)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)off, 0, 0);
}

static void
allow_if(struct program *p, uint32_t value)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static void
allow_calls(struct program *p, const int *calls)
{
	while (*calls >= 0)
		allow_if(p, (uint32_t)*calls++);
}

/* ioctl with a listed request; its number is the second argument's low half. */
static void
allow_requests(struct program *p, const unsigned *requests)
{
	unsigned n = 0;

	while (requests[n] != 0)
		n++;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, (uint8_t)(1 + 2 * n));
	load(p, offsetof(struct seccomp_data, args[1]));
	for (unsigned i = 0; i < n; i++)
		allow_if(p, requests[i]);
}

static void
program_make(struct program *p, enum jail_role role)
{
	static const int *const calls[] = {
	    [JAIL_VCPU] = calls_vcpu, [JAIL_IO] = calls_io, [JAIL_MAIN] = calls_main};

	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	load(p, offsetof(struct seccomp_data, nr));
	allow_calls(p, calls_common);
	allow_calls(p, calls[role]);
	if (role == JAIL_VCPU)
		allow_requests(p, requests_vcpu);
	else if (role == JAIL_IO)
		allow_requests(p, requests_io);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
}

int
vm_jail_thread(enum jail_role role)
{
	struct program p = {.n = 0};
	struct sock_fprog prog;

	program_make(&p, role);
	prog = (struct sock_fprog){p.n, p.ins};
	if (p.n == PROGRAM || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
		return (-EPERM);
	return (0);
}
