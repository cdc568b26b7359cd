/* SPDX-License-Identifier: MIT */
/*
 * Privileges of a zone as capabilities of its user namespace.
 *
 * The words are SmartOS's (`limitpriv`); what a privilege allows is expressed by the capabilities that
 * guard the same thing here.  The capabilities are the zone's own: SYS_ADMIN of the zone's user
 * namespace is no SYS_ADMIN of the machine.  Capabilities in no row of the table never reach a zone,
 * whatever is configured: modules, raw i/o, the clock, device nodes, the kernel log, mandatory access
 * control, BPF, performance counters.
 */

#include "smartbox/kern/zone_priv.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP(c) (1ull << CAP_##c)

enum { P_DEFAULT = 1, P_REQUIRED = 2, P_PROHIBITED = 4 };

static const struct priv {
	const char *name;
	unsigned flags;
	uint64_t caps;
} privs[] = {
    {"proc_exec", P_DEFAULT | P_REQUIRED, 0},
    {"proc_fork", P_DEFAULT | P_REQUIRED, 0},
    {"sys_mount", P_DEFAULT | P_REQUIRED, CAP(SYS_ADMIN)},
    {"sys_admin", P_DEFAULT, CAP(SYS_ADMIN)},
    {"sys_nfs", P_DEFAULT, 0},
    {"sys_acct", P_DEFAULT, 0},
    {"sys_audit", P_DEFAULT, CAP(AUDIT_WRITE)},
    {"sys_resource", P_DEFAULT, CAP(SYS_RESOURCE) | CAP(SYS_NICE)},
    {"sys_ip_config", P_DEFAULT | P_REQUIRED, CAP(NET_ADMIN)},
    {"sys_iptun_config", P_DEFAULT, CAP(NET_ADMIN)},
    {"sys_ppp_config", P_DEFAULT, CAP(NET_ADMIN)},
    {"file_chown", P_DEFAULT, CAP(CHOWN)},
    {"file_chown_self", P_DEFAULT, CAP(CHOWN)},
    {"file_dac_read", P_DEFAULT, CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH)},
    {"file_dac_write", P_DEFAULT, CAP(DAC_OVERRIDE)},
    {"file_dac_execute", P_DEFAULT, CAP(DAC_OVERRIDE)},
    {"file_dac_search", P_DEFAULT, CAP(DAC_READ_SEARCH)},
    {"file_owner", P_DEFAULT, CAP(FOWNER) | CAP(LEASE)},
    {"file_setid", P_DEFAULT, CAP(FSETID) | CAP(SETFCAP)},
    {"proc_setid", P_DEFAULT, CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP)},
    {"proc_owner", P_DEFAULT, CAP(KILL) | CAP(SYS_PTRACE)},
    {"proc_chroot", P_DEFAULT, CAP(SYS_CHROOT)},
    {"proc_lock_memory", P_DEFAULT, CAP(IPC_LOCK)},
    {"proc_audit", P_DEFAULT, CAP(AUDIT_WRITE)},
    {"proc_taskid", P_DEFAULT, 0},
    {"ipc_dac_read", P_DEFAULT, CAP(IPC_OWNER)},
    {"ipc_dac_write", P_DEFAULT, CAP(IPC_OWNER)},
    {"ipc_owner", P_DEFAULT, CAP(IPC_OWNER)},
    {"net_privaddr", P_DEFAULT, CAP(NET_BIND_SERVICE)},
    {"net_icmpaccess", P_DEFAULT, CAP(NET_RAW)},
    {"net_rawaccess", P_DEFAULT, CAP(NET_RAW)},
    {"net_observability", P_DEFAULT, CAP(NET_RAW)},
    {"net_bindmlp", P_DEFAULT, CAP(NET_BROADCAST)},
    {"net_mac_aware", P_DEFAULT, 0},
    {"contract_event", P_DEFAULT, 0},
    {"contract_identity", P_DEFAULT, 0},
    {"contract_observer", P_DEFAULT, 0},
    /* through a broker outside: kern/zoned_trace.c */
    {"dtrace_user", 0, 0},
    {"dtrace_proc", 0, 0},
    /* accepted, and without an equal in a zone on this kernel */
    {"proc_priocntl", 0, 0},
    {"proc_clock_highres", 0, 0},
    {"proc_prioup", 0, 0},
    {"sys_smb", 0, 0},
    {"sys_time", 0, 0},
    /* never in a zone */
    {"dtrace_kernel", P_PROHIBITED, 0},
    {"proc_zone", P_PROHIBITED, 0},
    {"sys_config", P_PROHIBITED, 0},
    {"sys_devices", P_PROHIBITED, 0},
    {"sys_linkdir", P_PROHIBITED, 0},
    {"sys_net_config", P_PROHIBITED, 0},
    {"sys_res_config", P_PROHIBITED, 0},
    {"sys_suser_compat", P_PROHIBITED, 0},
    {"xvm_control", P_PROHIBITED, 0},
    {"virt_manage", P_PROHIBITED, 0},
};
enum { NPRIVS = sizeof(privs) / sizeof(privs[0]) };

/* What every zone has: reboot(2) of its own pid namespace, its terminals. */
static const uint64_t always = CAP(SYS_BOOT) | CAP(SYS_TTY_CONFIG);

static int
find_priv(const char *name, size_t n, struct err *e)
{
	for (int i = 0; i < NPRIVS; i++)
		if (strlen(privs[i].name) == n && memcmp(privs[i].name, name, n) == 0)
			return (i);
	return (err_set(e, EINVAL, "limitpriv: unknown privilege '%.*s'", (int)n, name));
}

/* One word of the list: "default", "name", "!name". */
static int
apply_word(const char *w, size_t n, bool on[NPRIVS], struct err *e)
{
	bool remove = *w == '!';
	int i;

	if (n == 7 && memcmp(w, "default", 7) == 0) {
		for (i = 0; i < NPRIVS; i++)
			on[i] = (privs[i].flags & P_DEFAULT) != 0;
		return (0);
	}
	if ((i = find_priv(w + remove, n - remove, e)) < 0)
		return (i);
	if (!remove && (privs[i].flags & P_PROHIBITED))
		return (err_set(e, EINVAL, "limitpriv: '%s' is not allowed in a zone", privs[i].name));
	if (remove && (privs[i].flags & P_REQUIRED))
		return (err_set(e, EINVAL, "limitpriv: a zone cannot be without '%s'", privs[i].name));
	on[i] = !remove;
	return (0);
}

/* The whole list: which of the table are on. */
static int
apply_list(const char *limitpriv, bool on[NPRIVS], struct err *e)
{
	int rc = 0;

	memset(on, 0, NPRIVS * sizeof(*on));
	for (const char *w = limitpriv != NULL ? limitpriv : "default"; *w != '\0' && rc == 0;) {
		size_t n = strcspn(w, ",");

		rc = n != 0 ? apply_word(w, n, on, e) : err_set(e, EINVAL, "limitpriv: empty word");
		w += n + (w[n] == ',');
	}
	return (rc);
}

int
zone_priv_caps(const char *limitpriv, uint64_t *caps, struct err *e)
{
	bool on[NPRIVS];
	uint64_t set = always;
	int rc = apply_list(limitpriv, on, e);

	if (rc != 0)
		return (rc);
	for (int i = 0; i < NPRIVS; i++)
		if (on[i] || (privs[i].flags & P_REQUIRED))
			set |= privs[i].caps;
	*caps = set;
	return (0);
}

bool
zone_priv_granted(const char *limitpriv, const char *priv)
{
	bool on[NPRIVS];
	int i = find_priv(priv, strlen(priv), NULL);

	return (i >= 0 && apply_list(limitpriv, on, NULL) == 0 && on[i]);
}

static int
drop_bounding(uint64_t caps)
{
	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (!(caps >> c & 1) && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0)
			return (-errno);
	return (0);
}

static int
set_capabilities(uint64_t caps)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};

	for (int i = 0; i < 2; i++)
		d[i].permitted = d[i].effective = (uint32_t)(caps >> (32 * i));
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return (syscall(SYS_capset, &h, d) == 0 ? 0 : -errno);
}

int
zone_priv_drop(uint64_t caps, bool no_new_privs)
{
	int rc;

	/* A keyring that no other zone's process can search; kernels without keyrings are fine. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return (-errno);
	if ((rc = drop_bounding(caps)) != 0 || (rc = set_capabilities(caps)) != 0)
		return (rc);
	if (no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (-errno);
	return (zone_seccomp_install());
}
