/* SPDX-License-Identifier: MIT */
/* Privileges of zones: the words of limitpriv, and the filter, run by a small interpreter of its own. */
#include "test.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "smartbox/kern/zone_priv.h"

static uint64_t
caps_of(const char *limitpriv)
{
	uint64_t caps = 0;

	CHECK_EQ(zone_priv_caps(limitpriv, &caps, NULL), 0);
	return (caps);
}

#define HAS(caps, c) (((caps) >> CAP_##c & 1) != 0)

TEST(zone_priv_default_has_what_a_zone_needs_and_nothing_of_the_machine)
{
	uint64_t c = caps_of("default");

	CHECK(HAS(c, CHOWN) && HAS(c, SETUID) && HAS(c, NET_ADMIN) && HAS(c, SYS_BOOT));
	CHECK(!HAS(c, SYS_MODULE) && !HAS(c, SYS_RAWIO) && !HAS(c, SYS_TIME) && !HAS(c, MKNOD));
	CHECK(!HAS(c, SYSLOG) && !HAS(c, BPF) && !HAS(c, PERFMON) && !HAS(c, MAC_ADMIN));
	CHECK(caps_of(NULL) == c);
}

TEST(zone_priv_tracing_is_granted_by_name_only)
{
	CHECK(!zone_priv_granted(NULL, "dtrace_user"));
	CHECK(!zone_priv_granted("default", "dtrace_proc"));
	CHECK(zone_priv_granted("default,dtrace_user", "dtrace_user"));
	CHECK(!zone_priv_granted("default,dtrace_user", "dtrace_proc"));
	CHECK(!zone_priv_granted("default,dtrace_user,!dtrace_user", "dtrace_user"));
	CHECK(!zone_priv_granted("default,dtrace_user,nonsense", "dtrace_user"));
}

TEST(zone_priv_words_take_away_and_never_add_the_machines)
{
	uint64_t c = caps_of("default,!net_rawaccess,!net_icmpaccess,!net_observability,sys_time");

	CHECK(!HAS(c, NET_RAW));
	CHECK(!HAS(c, SYS_TIME));
	CHECK(HAS(caps_of("proc_chroot"), SYS_CHROOT));
	CHECK(!HAS(caps_of("proc_chroot"), SETUID));
}

static void
refused(const char *limitpriv, const char *msg)
{
	struct err e = ERR_INIT;
	uint64_t caps;

	CHECK_EQ(zone_priv_caps(limitpriv, &caps, &e), -EINVAL);
	CHECK_STR(e.msg, msg);
}

TEST(zone_priv_refusals_name_the_privilege)
{
	refused("default,fly", "limitpriv: unknown privilege 'fly'");
	refused("default,sys_devices", "limitpriv: 'sys_devices' is not allowed in a zone");
	refused("default,!proc_fork", "limitpriv: a zone cannot be without 'proc_fork'");
	refused("default,,", "limitpriv: empty word");
}

/* What the kernel would do with this call. */
static uint32_t
verdict(uint32_t arch, int nr, uint64_t arg0, uint64_t arg1)
{
	struct seccomp_data d = {.nr = nr, .arch = arch, .args = {arg0, arg1}};
	struct sock_filter f[512];
	size_t n = zone_seccomp_program(f, 512);
	uint32_t a = 0;

	CHECK(n <= 512);
	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &f[pc];
		bool t;

		if (i->code == (BPF_LD | BPF_W | BPF_ABS)) {
			CHECK(i->k + 4 <= sizeof(d));
			memcpy(&a, (const char *)&d + i->k, 4);
			continue;
		}
		if (BPF_CLASS(i->code) == BPF_RET)
			return (i->k);
		CHECK(BPF_CLASS(i->code) == BPF_JMP);
		t = BPF_OP(i->code) == BPF_JEQ ? a == i->k :
		    BPF_OP(i->code) == BPF_JGT ? a > i->k :
		    BPF_OP(i->code) == BPF_JGE ? a >= i->k :
						 (a & i->k) != 0;
		pc += t ? i->jt : i->jf;
	}
	test_fail(__FILE__, __LINE__, "the filter ran off its end");
}

#define CALL(nr, a0, a1) verdict(AUDIT_ARCH_X86_64, nr, a0, a1)
#define ERRNO(e) (SECCOMP_RET_ERRNO | (e))

TEST(zone_filter_allows_what_programs_do)
{
	static const int common[] = {SYS_read, SYS_execve, SYS_mount, SYS_clone, SYS_ptrace, SYS_reboot,
	    SYS_setns, SYS_rseq, 434 /* pidfd_open */, 439 /* faccessat2 */, 449 /* futex_waitv */};

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		CHECK_EQ(CALL(common[i], 0, 0), SECCOMP_RET_ALLOW);
}

TEST(zone_filter_refuses_the_machines_calls)
{
	CHECK_EQ(CALL(SYS_init_module, 0, 0), ERRNO(EPERM));
	CHECK_EQ(CALL(SYS_bpf, 0, 0), ERRNO(EPERM));
	CHECK_EQ(CALL(SYS_open_by_handle_at, 0, 0), ERRNO(EPERM));
	CHECK_EQ(CALL(425, 0, 0), ERRNO(ENOSYS));
	CHECK_EQ(CALL(435, 0, 0), ERRNO(ENOSYS));
}

TEST(zone_filter_looks_at_arguments)
{
	CHECK_EQ(CALL(SYS_clone, 0x10000000, 0), ERRNO(EPERM));
	CHECK_EQ(CALL(SYS_clone, 0x10000000 | 17, 0), ERRNO(EPERM));
	CHECK_EQ(CALL(SYS_clone, 0x20000000, 0), SECCOMP_RET_ALLOW);
	CHECK_EQ(CALL(SYS_unshare, 0x10020000, 0), ERRNO(EPERM));
	CHECK_EQ(CALL(SYS_ioctl, 0, 0x5412), ERRNO(EPERM));
	CHECK_EQ(CALL(SYS_ioctl, 0, 0x541c), ERRNO(EPERM));
	CHECK_EQ(CALL(SYS_ioctl, 0, 0x5413), SECCOMP_RET_ALLOW);
	CHECK_EQ(CALL(SYS_socket, 38, 0), ERRNO(EAFNOSUPPORT));
	CHECK_EQ(CALL(SYS_socket, 2, 0), SECCOMP_RET_ALLOW);
	CHECK_EQ(CALL(SYS_personality, 0x20008, 0), SECCOMP_RET_ALLOW);
	CHECK_EQ(CALL(SYS_personality, 0x400000, 0), ERRNO(EPERM));
}

TEST(zone_filter_answers_unknown_numbers_with_enosys_and_foreign_abis_with_death)
{
	for (int nr = 335; nr < 424; nr++)
		CHECK_EQ(CALL(nr, 0, 0), ERRNO(ENOSYS));
	for (int nr = 463; nr < 2000; nr++)
		CHECK_EQ(CALL(nr, 0, 0), ERRNO(ENOSYS));
	CHECK_EQ(CALL(0x40000000 + SYS_read, 0, 0), SECCOMP_RET_KILL_PROCESS);
	CHECK_EQ(verdict(AUDIT_ARCH_I386, 3, 0, 0), SECCOMP_RET_KILL_PROCESS);
}
