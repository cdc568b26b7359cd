/* SPDX-License-Identifier: MIT */
/*
 * What processor a guest sees: CPUID and MSRs.
 *
 * The base is what KVM says it can give (KVM_GET_SUPPORTED_CPUID), never the host's own CPUID.  On top:
 * the vCPU's identity and topology (one socket, one thread per core), the hypervisor bit and
 * leaves, and what we cannot keep: performance counters, nested virtualization, MONITOR, AMX.
 * A named type is a mask of the feature words: "qemu64" leaves what every x86-64 has.
 *
 * Facts: Intel SDM volume 2A (CPUID), AMD APM volume 3 appendix E; KVM leaves from Linux
 * Documentation/virt/kvm/x86/cpuid.rst.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "smartbox/vmx/kvm.h"

enum { ENTRIES = 160 };
#define BIT(n) (1U << (n))

static int
supported(int sys_fd, struct kvm_cpuid2 **out, struct err *e)
{
	struct kvm_cpuid2 *c =
	    calloc(1, sizeof(*c) + ENTRIES * sizeof(struct kvm_cpuid_entry2));

	if (c == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	c->nent = ENTRIES;
	if (ioctl(sys_fd, KVM_GET_SUPPORTED_CPUID, c) != 0) {
		int rc = errno;

		free(c);
		return (err_sys(e, rc, "KVM_GET_SUPPORTED_CPUID"));
	}
	*out = c;
	return (0);
}

static unsigned
log2_up(unsigned n)
{
	unsigned bits = 0;

	while ((1U << bits) < n)
		bits++;
	return (bits);
}

/* Leaf 1: features and who this processor is. */
static void
leaf_1(struct kvm_cpuid_entry2 *c, unsigned id, unsigned cpus)
{
	c->ebx = (c->ebx & 0x0000ffff) | id << 24 | (cpus > 1 ? cpus << 16 : 0);
	c->ebx = (c->ebx & ~0xff00U) | 8 << 8;
	c->edx = cpus > 1 ? c->edx | BIT(28) : c->edx & ~BIT(28);
	c->ecx |= BIT(31);
	c->ecx &= ~(BIT(3) | BIT(5) | BIT(15)); /* MONITOR, VMX, PDCM */
}

/* Leaf 0xb: level 0 one thread, level 1 all cores of the socket. */
static void
leaf_b(struct kvm_cpuid_entry2 *c, unsigned id, unsigned cpus)
{
	c->edx = id;
	c->ecx = c->index | (c->index == 0 ? 1 : c->index == 1 ? 2 : 0) << 8;
	c->eax = c->index == 1 ? log2_up(cpus) : 0;
	c->ebx = c->index == 0 ? 1 : c->index == 1 ? cpus : 0;
}

static void
leaf_d(struct kvm_cpuid_entry2 *c)
{
	if (c->index == 0)
		c->eax &= ~(BIT(17) | BIT(18)); /* AMX */
	if (c->index == 17 || c->index == 18)
		c->eax = c->ebx = c->ecx = c->edx = 0;
}

static void
leaf_kvm(struct kvm_cpuid_entry2 *c)
{
	if (c->function == 0x40000000)
		c->eax = 0x40000001;
}

/* The oldest processor that runs 64-bit code, and CMPXCHG16B. */
static void
mask_qemu64(struct kvm_cpuid_entry2 *c)
{
	switch (c->function) {
	case 1:
		c->ecx &= BIT(0) | BIT(13) | BIT(21) | BIT(24) | BIT(31);
		break;
	case 7:
		c->eax = c->ebx = c->ecx = c->edx = 0;
		break;
	case 0xd:
		c->eax = c->ebx = c->ecx = c->edx = 0;
		break;
	case 0x80000001:
		c->ecx &= BIT(0);
		c->edx &= ~(BIT(26) | BIT(27));
		break;
	}
}

static void
leaf_fix(struct kvm_cpuid_entry2 *c, unsigned id, unsigned cpus)
{
	switch (c->function) {
	case 1: leaf_1(c, id, cpus); break;
	case 4: /* each core has its own caches; the socket's cores */
		c->eax = (c->eax & 0x3fff) | (cpus - 1) << 26;
		break;
	case 6: c->ecx &= ~BIT(3); break;
	case 0xa: c->eax = c->ebx = c->ecx = c->edx = 0; break;
	case 0xb:
	case 0x1f: leaf_b(c, id, cpus); break;
	case 0xd: leaf_d(c); break;
	case 0x40000000: leaf_kvm(c); break;
	case 0x80000001: c->ecx &= ~BIT(2); break; /* SVM */
	case 0x80000008: c->ecx = cpus > 1 ? (log2_up(cpus) << 12 | (cpus - 1)) : 0; break;
	case 0x8000001d: c->eax &= ~0x03ffc000U; break;
	}
}

int
cpu_set_cpuid(int sys_fd, int vcpu_fd, unsigned id, const struct cpu_policy *p, struct err *e)
{
	bool old = p->type != NULL && strcmp(p->type, "qemu64") == 0;
	struct kvm_cpuid2 *c = NULL;
	int rc = supported(sys_fd, &c, e);

	if (rc != 0)
		return (rc);
	for (unsigned i = 0; i < c->nent; i++) {
		leaf_fix(&c->entries[i], id, p->cpus);
		if (old)
			mask_qemu64(&c->entries[i]);
	}
	if (ioctl(vcpu_fd, KVM_SET_CPUID2, c) != 0)
		rc = err_sys(e, errno, "KVM_SET_CPUID2");
	free(c);
	return (rc);
}

int
cpu_set_msrs(int vcpu_fd, struct err *e)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} init[] = {
	    {0x1a0, 1},	       /* MISC_ENABLE: fast strings */
	    {0x2ff, 0x806},    /* MTRRs on, default write-back */
	    {0x174, 0}, {0x175, 0}, {0x176, 0}, /* SYSENTER */
	    {0xc0000081, 0}, {0xc0000082, 0}, {0xc0000083, 0}, {0xc0000084, 0}, /* SYSCALL */
	    {0xc0000102, 0}, /* KERNEL_GS_BASE */
	    {0x10, 0},	     /* TSC */
	};
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[1];
	} m;

	/* One by one: KVM stops at the first that this host does not have, and that is no matter. */
	for (unsigned i = 0; i < sizeof(init) / sizeof(init[0]); i++) {
		memset(&m, 0, sizeof(m));
		m.head.nmsrs = 1;
		m.entry[0].index = init[i].index;
		m.entry[0].data = init[i].value;
		if (ioctl(vcpu_fd, KVM_SET_MSRS, &m) < 0)
			return (err_sys(e, errno, "KVM_SET_MSRS"));
	}
	return (0);
}

/*
 * A fresh local APIC: LINT0 takes the PIC's interrupts, LINT1 is NMI.  KVM keeps the id in the form that
 * x2APIC mode left behind, where nobody would find this processor again.
 */
int
cpu_set_lapic(int vcpu_fd, unsigned id, struct err *e)
{
	const uint32_t xapic_id = (uint32_t)id << 24;
	static const struct {
		unsigned reg;
		uint32_t value;
	} init[] = {
	    {0x80, 0}, {0xd0, 0}, {0xe0, 0xffffffff}, {0xf0, 0xff}, {0x320, 0x10000},
	    {0x330, 0x10000}, {0x340, 0x10000}, {0x350, 0x700}, {0x360, 0x400}, {0x370, 0x10000},
	    {0x380, 0}, {0x390, 0}, {0x3e0, 0},
	};
	struct kvm_lapic_state s;

	if (ioctl(vcpu_fd, KVM_GET_LAPIC, &s) != 0)
		return (err_sys(e, errno, "KVM_GET_LAPIC"));
	memset(s.regs + 0x100, 0, 0x180); /* ISR, TMR, IRR */
	for (unsigned i = 0; i < sizeof(init) / sizeof(init[0]); i++)
		memcpy(s.regs + init[i].reg, &init[i].value, 4);
	memcpy(s.regs + 0x20, &xapic_id, 4);
	if (ioctl(vcpu_fd, KVM_SET_LAPIC, &s) != 0)
		return (err_sys(e, errno, "KVM_SET_LAPIC"));
	return (0);
}
