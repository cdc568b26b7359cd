/* SPDX-License-Identifier: MIT */
/*
 * What root of a zone tries in order to get out, one attempt a line: "NAME RESULT".
 *
 * RESULT is "ok" (it worked), the name of an errno, "killed", or what was seen.  Run outside of a zone
 * with -c it makes only the attempts that harm nobody: there they must work, which shows that a refusal
 * inside is the zone's doing (tests/zone/lib.sh compares).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t outside = 1; /* a process of the global zone, by its pid there */
static char dir[64], sub[80];

static const char *
error_name(int e)
{
	static const struct {
		int e;
		const char *name;
	} names[] = {{EPERM, "EPERM"}, {EACCES, "EACCES"}, {ENOENT, "ENOENT"}, {ENOSYS, "ENOSYS"},
	    {EINVAL, "EINVAL"}, {ESRCH, "ESRCH"}, {EROFS, "EROFS"}, {ENODEV, "ENODEV"},
	    {EAFNOSUPPORT, "EAFNOSUPPORT"}, {ECONNREFUSED, "ECONNREFUSED"}, {ENOTTY, "ENOTTY"},
	    {EOVERFLOW, "EOVERFLOW"}, {EBUSY, "EBUSY"}, {EBADF, "EBADF"}, {EFAULT, "EFAULT"},
	    {ESTALE, "ESTALE"}, {EOPNOTSUPP, "EOPNOTSUPP"}, {ENXIO, "ENXIO"}, {ENOTBLK, "ENOTBLK"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].e == e)
			return (names[i].name);
	return ("other");
}

/* Attempts return < 0 with errno, or >= 0; or a word of their own. */
#define TRY(expr) return ((expr) < 0 ? error_name(errno) : "ok")

static const char *node_block(void) { TRY(mknod(sub, S_IFBLK | 0600, makedev(8, 0))); }
static const char *node_mem(void) { TRY(mknod(sub, S_IFCHR | 0600, makedev(1, 1))); }

static const char *
node_on_own_tmpfs(void)
{
	if (mount("none", sub, "tmpfs", 0, NULL) != 0)
		return (error_name(errno));
	(void)chdir(sub);
	TRY(mknod("mem", S_IFCHR | 0600, makedev(1, 1)));
}

static const char *mount_ext4(void) { TRY(mount("/dev/vda", sub, "ext4", 0, NULL)); }
static const char *mount_proc(void) { TRY(mount("none", sub, "proc", 0, NULL)); }
static const char *mount_sysfs(void) { TRY(mount("none", sub, "sysfs", 0, NULL)); }

/* Where version 1 is mounted on the machine a zone may see it; it must not be able to write. */
static const char *
mount_cgroup1(void)
{
	if (mount("none", sub, "cgroup", 0, "memory") != 0)
		return ("refused");
	(void)chdir(sub);
	if (open("release_agent", O_WRONLY) < 0 && open("cgroup.procs", O_WRONLY) < 0 &&
	    mkdir("mine", 0700) != 0)
		return ("refused");
	return ("ok");
}

static const char *mount_debugfs(void) { TRY(mount("none", sub, "debugfs", 0, NULL)); }
static const char *unmask(void) { TRY(umount2("/proc/kallsyms", MNT_DETACH)); }
static const char *unmount_proc_sys(void) { TRY(umount2("/proc/sys", MNT_DETACH)); }
static const char *unmount_proc(void) { TRY(umount2("/proc", MNT_DETACH)); }

static const char *
remount_sys(void)
{
	TRY(mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static const char *
remount_proc_sys(void)
{
	TRY(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
}

/* A file that must be masked: absent, or the null device. */
static const char *
is_masked(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (errno == ENOENT ? "masked" : error_name(errno));
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
		return ("masked");
	return ("visible");
}

static const char *core_pattern(void) { return (is_masked("/proc/sys/kernel/core_pattern")); }
static const char *sysrq(void) { return (is_masked("/proc/sysrq-trigger")); }
static const char *kcore(void) { return (is_masked("/proc/kcore")); }
static const char *kallsyms(void) { return (is_masked("/proc/kallsyms")); }
static const char *kmsg(void) { return (is_masked("/proc/kmsg")); }
static const char *dev_mem(void) { TRY(open("/dev/mem", O_RDWR)); }
static const char *dev_kmsg(void) { TRY(open("/dev/kmsg", O_RDWR)); }
static const char *write_sysctl(void) { TRY(open("/proc/sys/vm/swappiness", O_WRONLY)); }
static const char *write_sys(void) { TRY(open("/sys/kernel/uevent_helper", O_WRONLY | O_CREAT, 0600)); }
static const char *init_root(void) { TRY(open("/proc/1/root", O_RDONLY)); }
static const char *init_exe(void) { TRY(open("/proc/1/exe", O_WRONLY)); }
static const char *init_mem(void) { TRY(open("/proc/1/mem", O_RDWR)); }
static const char *init_ptrace(void) { TRY(ptrace(PTRACE_SEIZE, 1, 0, 0)); }
static const char *kill_outside(void) { TRY(kill(outside, 0)); }
static const char *pidfd_outside(void) { TRY(syscall(SYS_pidfd_open, outside, 0)); }
static const char *ptrace_outside(void) { TRY(ptrace(PTRACE_SEIZE, outside, 0, 0)); }
static const char *unshare_user(void) { TRY(unshare(CLONE_NEWUSER)); }
static const char *foreign_id(void) { TRY(setresuid(70000, 70000, 70000)); }
static const char *af_alg(void) { TRY(socket(38, SOCK_SEQPACKET, 0)); }
static const char *af_vsock(void) { TRY(socket(AF_VSOCK, SOCK_STREAM, 0)); }
static const char *af_packet(void) { TRY(socket(AF_PACKET, SOCK_RAW, 0)); }
static const char *clock_set(void) { struct timeval t = {1, 0}; TRY(settimeofday(&t, NULL)); }
static const char *kernel_log(void) { char b[16]; TRY(klogctl(3, b, sizeof(b))); }
static const char *io_port(void) { TRY(syscall(SYS_iopl, 3)); }
static const char *swap(void) { TRY(swapon("/nothing", 0)); }
static const char *module_load(void) { TRY(syscall(SYS_init_module, "", 0, "")); }
static const char *module_fd(void) { TRY(syscall(SYS_finit_module, 0, "", 0)); }
static const char *module_unload(void) { TRY(syscall(SYS_delete_module, "nothing", 0)); }
static const char *kexec(void) { TRY(syscall(SYS_kexec_load, 0, 0, NULL, 0)); }
static const char *session_keyring(void) { TRY(syscall(SYS_keyctl, 0 /* get id */, -3, 0)); }
static const char *key_add(void) { TRY(syscall(SYS_add_key, "user", "x", "y", 1, -2)); }
static const char *perf(void) { TRY(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)); }
static const char *uffd(void) { TRY(syscall(SYS_userfaultfd, 0)); }
static const char *persona(void) { TRY(personality(0x0400000 /* READ_IMPLIES_EXEC */)); }
static const char *acct_on(void) { TRY(syscall(SYS_acct, NULL)); }
static const char *clone3_call(void) { char a[64] = {0}; TRY(syscall(435, a, 1)); }
static const char *unknown_call(void) { TRY(syscall(5000)); }

static const char *
clone_user(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	TRY(pid);
}

static const char *
bpf_map(void)
{
	struct {
		unsigned type, key, value, max;
		char rest[112];
	} a = {1 /* hash */, 4, 4, 1, {0}};

	TRY(syscall(SYS_bpf, 0, &a, sizeof(a)));
}

static const char *
uring(void)
{
	char params[120] = {0};

	TRY(syscall(425, 1, params));
}

static const char *
by_handle(void)
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + 128];
	} u = {.h.handle_bytes = 128};
	int mount_id, fd = open("/", O_RDONLY);

	if (name_to_handle_at(AT_FDCWD, "/", &u.h, &mount_id, 0) != 0)
		return (error_name(errno));
	TRY(open_by_handle_at(fd, &u.h, O_RDONLY));
}

static const char *
time_adjust(void)
{
	struct timex t = {.modes = ADJ_FREQUENCY};

	TRY(adjtimex(&t));
}

static const char *
inject_input(void)
{
	TRY(ioctl(0, 0x5412 /* TIOCSTI */, "x"));
}

/* A socket of the global zone in the abstract name space. */
static const char *
abstract_socket(void)
{
	struct sockaddr_un sa = {AF_UNIX, "\0smartbox-probe"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	TRY(connect(s, (struct sockaddr *)&sa, offsetof(struct sockaddr_un, sun_path) + 15));
}

/* The caps are outside of what the zone sees; what it sees is not its to limit. */
static const char *own_limits(void) { TRY(open("/sys/fs/cgroup/cgroup.max.descendants", O_WRONLY)); }
static const char *upper_cgroup(void) { TRY(open("/sys/fs/cgroup/../cgroup.procs", O_WRONLY)); }

/* The classic way out of a chroot; inside it is still the zone's root. */
static const char *
chroot_escape(void)
{
	struct stat before, after;
	int fd = open("/", O_RDONLY);

	if (stat("/", &before) != 0 || mkdir(sub, 0700) == -2 || chroot(sub) != 0 || fchdir(fd) != 0)
		return (error_name(errno));
	for (int i = 0; i < 64; i++)
		(void)chdir("..");
	if (chroot(".") != 0 || stat("/", &after) != 0)
		return (error_name(errno));
	return (before.st_ino == after.st_ino && before.st_dev == after.st_dev ? "contained" : "out");
}

static const char *
call_i386(void)
{
	long rc;

	__asm__ volatile("int $0x80" : "=a"(rc) : "a"(20 /* getpid */) : "memory");
	return ("ok");
}

static const char *
call_x32(void)
{
	(void)syscall(0x40000000 + SYS_getpid);
	return ("ok");
}

/* Open descriptors beyond the standard three (and the one that looks). */
static const char *
leaked_descriptors(void)
{
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return ("leaked");
	return ("none");
}

static const char *
inherited_caps(void)
{
	char line[256];
	const char *verdict = "none";
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if ((strncmp(line, "CapInh:", 7) == 0 || strncmp(line, "CapAmb:", 7) == 0) &&
		    strtoull(line + 7, NULL, 16) != 0)
			verdict = "some";
	return (verdict);
}

static const struct attempt {
	const char *name;
	const char *(*run)(void);
	bool control; /* harmless outside, and must work there */
} attempts[] = {
    {"node_block", node_block, true}, {"node_mem", node_mem, true},
    {"node_on_own_tmpfs", node_on_own_tmpfs, false}, {"mount_ext4", mount_ext4, false},
    {"mount_proc", mount_proc, false}, {"mount_sysfs", mount_sysfs, false},
    {"mount_cgroup1", mount_cgroup1, false}, {"mount_debugfs", mount_debugfs, false},
    {"unmask", unmask, false}, {"unmount_proc_sys", unmount_proc_sys, false},
    {"unmount_proc", unmount_proc, false}, {"remount_sys", remount_sys, false},
    {"remount_proc_sys", remount_proc_sys, false}, {"core_pattern", core_pattern, false},
    {"sysrq", sysrq, false}, {"kcore", kcore, false}, {"kallsyms", kallsyms, false},
    {"kmsg", kmsg, false}, {"dev_mem", dev_mem, false}, {"dev_kmsg", dev_kmsg, false},
    {"write_sysctl", write_sysctl, true}, {"write_sys", write_sys, false},
    {"init_root", init_root, false}, {"init_exe", init_exe, false}, {"init_mem", init_mem, false},
    {"init_ptrace", init_ptrace, false}, {"kill_outside", kill_outside, true},
    {"pidfd_outside", pidfd_outside, true}, {"ptrace_outside", ptrace_outside, false},
    {"unshare_user", unshare_user, true}, {"clone_user", clone_user, true},
    {"foreign_id", foreign_id, true}, {"af_alg", af_alg, false}, {"af_vsock", af_vsock, false},
    {"af_packet", af_packet, true}, {"clock_set", clock_set, false},
    {"time_adjust", time_adjust, false}, {"kernel_log", kernel_log, true},
    {"io_port", io_port, false}, {"swap", swap, false}, {"module_load", module_load, false},
    {"module_fd", module_fd, false}, {"module_unload", module_unload, false},
    {"kexec", kexec, false}, {"session_keyring", session_keyring, false},
    {"key_add", key_add, false}, {"bpf_map", bpf_map, true}, {"perf", perf, false},
    {"uffd", uffd, false}, {"uring", uring, false}, {"by_handle", by_handle, true},
    {"persona", persona, true}, {"acct_on", acct_on, false}, {"clone3_call", clone3_call, false},
    {"unknown_call", unknown_call, false}, {"inject_input", inject_input, false},
    {"abstract_socket", abstract_socket, true}, {"own_limits", own_limits, false},
    {"upper_cgroup", upper_cgroup, false}, {"chroot_escape", chroot_escape, false},
    {"call_i386", call_i386, true}, {"call_x32", call_x32, false},
    {"leaked_descriptors", leaked_descriptors, false}, {"inherited_caps", inherited_caps, false},
};

/* Each attempt in a child of its own: it may be killed, or change what the next would see. */
static void
attempt(const struct attempt *a)
{
	int status;
	pid_t pid;

	(void)snprintf(sub, sizeof(sub), "%s/%s", dir, a->name);
	if (strncmp(a->name, "node_b", 6) != 0 && strncmp(a->name, "node_m", 6) != 0)
		(void)mkdir(sub, 0700);
	(void)printf("%s ", a->name);
	(void)fflush(stdout);
	if ((pid = fork()) == 0) {
		(void)printf("%s\n", a->run());
		(void)fflush(stdout);
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		(void)printf("killed\n");
}

static _Noreturn void
listen_abstract(void)
{
	struct sockaddr_un sa = {AF_UNIX, "\0smartbox-probe"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(s, (struct sockaddr *)&sa, offsetof(struct sockaddr_un, sun_path) + 15) != 0 ||
	    listen(s, 8) != 0)
		_exit(1);
	(void)printf("listening\n");
	(void)fflush(stdout);
	(void)pause();
	_exit(0);
}

/* "sealed" if nobody can ever write to this file. */
static int
show_seals(const char *path)
{
	int seals = fcntl(open(path, O_RDONLY), F_GET_SEALS);

	(void)printf("%s\n", seals >= 0 && (seals & 15) == 15 ? "sealed" : "writable");
	return (0);
}

int
main(int argc, char **argv)
{
	bool control = argc > 1 && strcmp(argv[1], "-c") == 0;

	if (argc > 1 && strcmp(argv[1], "-l") == 0)
		listen_abstract();
	if (argc > 2 && strcmp(argv[1], "-s") == 0)
		return (show_seals(argv[2]));
	if (argc > 1)
		outside = (pid_t)atoi(argv[argc - 1]);
	(void)snprintf(dir, sizeof(dir), "/tmp/probe.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return (1);
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		if (!control || attempts[i].control)
			attempt(&attempts[i]);
	return (0);
}
