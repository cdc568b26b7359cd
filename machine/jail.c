/* SPDX-License-Identifier: MIT */
/*
 * The walls around the unpacker.
 *
 * An archive comes from far away, and a decompressor is the most attacked code there is.  The
 * process that runs it must still create files of any owner, with set-id bits and file
 * capabilities, in a directory that belongs to root.  So it cannot be an ordinary user, but it can
 * be nearly nothing:
 *
 *	uid, gid      65534, no groups: what it creates belongs to nobody until it is chowned
 *	capabilities  CHOWN, FOWNER, FSETID, DAC_OVERRIDE, SETFCAP; not MKNOD: a zone's devices are
 *	              made at boot; bounding, inheritable and ambient sets empty; no_new_privs
 *	root          chroot into the target: "/" and ".." lead nowhere else
 *	landlock      (where the kernel has it) only creating, writing and removing, only below the
 *	              target: holds even against somebody who regained a descriptor or a root
 *	seccomp       the file calls below, memory, exit; no socket, no fork, no exec, no ptrace, no
 *	              signal to others, no ioctl
 *	descriptors   the archive, the target, the status pipe
 *	limits        memory (a decompression bomb ends itself), no core files
 *
 * Rejected: a user namespace.  Files on the image must get the ids 0..65535 of the archive on disk,
 * and a process in a namespace maps only ids that it was given; giving it 0..65535 of the host is
 * giving it CAP_CHOWN with more steps.
 *
 * The order matters and is the order of jail_enter(): each step uses privileges that a later one drops.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unpack_impl.h"

#define NOBODY 65534u
#define MEMORY_LIMIT (1ull << 30)

static const unsigned kept_caps[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP};

static const int allowed_calls[] = {
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(ftruncate),
    SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(mkdirat), SCMP_SYS(unlinkat), SCMP_SYS(symlinkat),
    SCMP_SYS(linkat), SCMP_SYS(mknodat), SCMP_SYS(fchown), SCMP_SYS(fchownat), SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat), SCMP_SYS(fsetxattr), SCMP_SYS(utimensat), SCMP_SYS(fstat),
    SCMP_SYS(newfstatat), SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap),
    SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(exit), SCMP_SYS(exit_group),
#ifdef __SANITIZE_ADDRESS__ /* before it lets a function not return */
    SCMP_SYS(sigaltstack), SCMP_SYS(gettid),
#endif
};

static int
close_others(int dirfd, const int *keep)
{
	int last = -1;

	/* Walk the kept descriptors upwards and close the gaps between them. */
	for (;;) {
		int next = dirfd > last ? dirfd : -1;

		for (const int *k = keep; *k >= 0; k++)
			if (*k > last && (next < 0 || *k < next))
				next = *k;
		if (syscall(SYS_close_range, last + 1, next < 0 ? ~0u : (unsigned)next - 1, 0) != 0 &&
		    next != last + 1)
			return (-errno);
		if (next < 0)
			return (0);
		last = next;
	}
}

static int
limit(int what, rlim_t max)
{
	struct rlimit rl = {max, max};

	return (setrlimit(what, &rl) == 0 ? 0 : -errno);
}

static int
set_limits(void)
{
	int rc = limit(RLIMIT_CORE, 0);

#ifndef __SANITIZE_ADDRESS__ /* its shadow memory is terabytes of address space */
	if (rc == 0)
		rc = limit(RLIMIT_AS, MEMORY_LIMIT);
#endif
	return (rc);
}

/* The rights this kernel's landlock knows, of those that creating a tree needs not / needs. */
static int
landlock_enter(int dirfd)
{
	const uint64_t abi1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
	const uint64_t need = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
	    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM;
	struct landlock_ruleset_attr rules = {.handled_access_fs = abi1};
	struct landlock_path_beneath_attr below = {.allowed_access = need, .parent_fd = dirfd};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int fd, rc = 0;

	/* Version 1 forbids every hard link between two directories; such a kernel goes without. */
	if (abi < 2)
		return (0);
	rules.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	below.allowed_access |= LANDLOCK_ACCESS_FS_REFER;
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	if (fd < 0)
		return (-errno);
	if (syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &below, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		rc = -errno;
	(void)close(fd);
	return (rc);
}

static bool
is_kept(unsigned cap)
{
	for (size_t i = 0; i < sizeof(kept_caps) / sizeof(kept_caps[0]); i++)
		if (kept_caps[i] == cap)
			return (true);
	return (false);
}

static int
set_caps(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	for (unsigned c = 0; c < 64; c++)
		if (is_kept(c))
			data[c / 32].effective = data[c / 32].permitted |= 1u << (c % 32);
	return (syscall(SYS_capset, &head, data) == 0 ? 0 : -errno);
}

static int
become_nobody(void)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return (-errno);
	for (unsigned c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0)
			return (-errno);
	if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return (-errno);
	return (set_caps());
}

/* A refused call answers EPERM: the extraction then fails with a sentence instead of dying mutely. */
static int
seccomp_enter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = ctx == NULL ? -ENOMEM : 0;

	for (size_t i = 0; rc == 0 && i < sizeof(allowed_calls) / sizeof(allowed_calls[0]); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed_calls[i], 0);
	if (rc == 0)
		rc = seccomp_load(ctx);
	if (ctx != NULL)
		seccomp_release(ctx);
	return (rc);
}

int
jail_enter(int dirfd, const int *keep_fd, struct err *e)
{
	int rc;

	(void)umask(0);
	if ((rc = close_others(dirfd, keep_fd)) != 0)
		return (err_rc(e, rc, "cannot close descriptors"));
	if ((rc = set_limits()) != 0)
		return (err_rc(e, rc, "cannot limit the unpacker"));
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return (err_sys(e, errno, "cannot confine the unpacker"));
	if (fchdir(dirfd) != 0 || chroot(".") != 0)
		return (err_sys(e, errno, "cannot enter the target directory"));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (err_sys(e, errno, "cannot set no_new_privs"));
	if ((rc = landlock_enter(dirfd)) != 0)
		return (err_rc(e, rc, "cannot enter the landlock domain"));
	if ((rc = become_nobody()) != 0)
		return (err_rc(e, rc, "cannot drop privileges"));
	if ((rc = seccomp_enter()) != 0)
		return (err_rc(e, rc, "cannot load the system call filter"));
	return (0);
}
