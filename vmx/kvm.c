/* SPDX-License-Identifier: MIT */
/*
 * /dev/kvm.
 *
 * Kicking a vCPU: its thread may be in KVM_RUN, or about to enter it.  run->immediate_exit makes the
 * next entry return at once, and a signal whose handler does nothing breaks the current one; setting
 * the flag before sending the signal leaves no gap.  The signal is blocked in all other threads.
 *
 * Interrupts: lines go to the in-kernel PIC and IOAPIC, messages with KVM_SIGNAL_MSI, one system call
 * either way.  The GSI table is touched only for descriptors that somebody else increments (msi_fd: vhost).
 *
 * Facts: Linux Documentation/virt/kvm/api.rst.
 */
#include "smartbox/core/probe.h"
#include "smartbox/vmx/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { API_VERSION = 12, MSI_GSI_FIRST = 24, MSI_GSI_MAX = 64, SLOT_WINDOW = 16 };
#define TSS_ADDR      0xfffbd000UL
#define IDENTITY_ADDR 0xfffbc000UL

struct msi_route {
	int fd;
	uint64_t addr;
	uint32_t data;
};

struct kvm {
	int sys_fd, vm_fd;
	size_t run_size;
	pthread_mutex_t route_lock;
	struct msi_route route[MSI_GSI_MAX];
};

struct vcpu {
	struct kvm *kvm;
	int fd;
	unsigned id;
	struct kvm_run *run;
	pid_t tid;
	uint64_t exits;
};

const struct kvm_cap kvm_caps[] = {
    {KVM_CAP_USER_MEMORY, "USER_MEMORY", true},
    {KVM_CAP_SET_TSS_ADDR, "SET_TSS_ADDR", true},
    {KVM_CAP_IRQCHIP, "IRQCHIP", true},
    {KVM_CAP_PIT2, "PIT2", true},
    {KVM_CAP_EXT_CPUID, "EXT_CPUID", true},
    {KVM_CAP_IRQ_ROUTING, "IRQ_ROUTING", true},
    {KVM_CAP_IRQFD, "IRQFD", true},
    {KVM_CAP_IOEVENTFD, "IOEVENTFD", true},
    {KVM_CAP_SIGNAL_MSI, "SIGNAL_MSI", true},
    {KVM_CAP_MP_STATE, "MP_STATE", true},
    {KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT", true},
    {KVM_CAP_READONLY_MEM, "READONLY_MEM", true},
    {KVM_CAP_VCPU_EVENTS, "VCPU_EVENTS", false},
    {KVM_CAP_XSAVE, "XSAVE", false},
    {KVM_CAP_XCRS, "XCRS", false},
    {KVM_CAP_DEBUGREGS, "DEBUGREGS", false},
    {KVM_CAP_TSC_DEADLINE_TIMER, "TSC_DEADLINE_TIMER", false},
    {KVM_CAP_X2APIC_API, "X2APIC_API", false},
    {KVM_CAP_TSC_CONTROL, "TSC_CONTROL", false},
    {KVM_CAP_KVMCLOCK_CTRL, "KVMCLOCK_CTRL", false},
    {KVM_CAP_X86_SMM, "X86_SMM", false},
    {KVM_CAP_HYPERV, "HYPERV", false},
    {KVM_CAP_NESTED_STATE, "NESTED_STATE", false},
    {KVM_CAP_EXIT_ON_EMULATION_FAILURE, "EXIT_ON_EMULATION_FAILURE", false},
    {KVM_CAP_DIRTY_LOG_RING, "DIRTY_LOG_RING", false},
    {0, NULL, false},
};

int
kvm_open_device(struct err *e)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return (fd);
	if (errno == ENOENT)
		return (err_set(e, ENOENT,
		    "no /dev/kvm: the kernel's kvm_intel or kvm_amd module is not loaded, or the "
		    "processor (or the hypervisor around this machine) offers no virtualization"));
	if (errno == EACCES)
		return (err_set(e, EACCES, "/dev/kvm: permission denied"));
	return (err_sys(e, errno, "/dev/kvm"));
}

static int
check_caps(const struct kvm *k, struct err *e)
{
	char missing[512] = "";
	size_t n = 0;

	for (const struct kvm_cap *c = kvm_caps; c->name != NULL; c++) {
		if (c->required && kvm_has(k, c->cap) <= 0 && n < sizeof(missing))
			n += (size_t)snprintf(missing + n, sizeof(missing) - n, " %s", c->name);
	}
	return (n == 0 ? 0 : err_set(e, ENOTSUP, "this kernel's KVM lacks:%s", missing));
}

static int
create_vm(struct kvm *k, struct err *e)
{
	unsigned long identity = IDENTITY_ADDR;
	int n;

	if (ioctl(k->sys_fd, KVM_GET_API_VERSION, 0) != API_VERSION)
		return (err_set(e, ENOTSUP, "/dev/kvm does not speak version %d", API_VERSION));
	do
		k->vm_fd = ioctl(k->sys_fd, KVM_CREATE_VM, 0);
	while (k->vm_fd < 0 && errno == EINTR);
	if (k->vm_fd < 0)
		return (errno == EBUSY
			? err_set(e, EBUSY, "another hypervisor holds the processor")
			: err_sys(e, errno, "cannot create a virtual machine"));
	(void)fcntl(k->vm_fd, F_SETFD, FD_CLOEXEC);
	if ((n = ioctl(k->sys_fd, KVM_GET_VCPU_MMAP_SIZE, 0)) <= 0)
		return (err_sys(e, errno, "KVM_GET_VCPU_MMAP_SIZE"));
	k->run_size = (size_t)n;
	(void)ioctl(k->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	if (ioctl(k->vm_fd, KVM_SET_TSS_ADDR, TSS_ADDR) != 0)
		return (err_sys(e, errno, "KVM_SET_TSS_ADDR"));
	return (0);
}

int
kvm_new(int fd, struct kvm **out, struct err *e)
{
	struct kvm *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL) {
		(void)close(fd);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	k->sys_fd = fd;
	k->vm_fd = -1;
	(void)pthread_mutex_init(&k->route_lock, NULL);
	for (unsigned i = 0; i < MSI_GSI_MAX; i++)
		k->route[i].fd = -1;
	if ((rc = create_vm(k, e)) != 0 || (rc = check_caps(k, e)) != 0) {
		kvm_free(k);
		return (rc);
	}
	*out = k;
	return (0);
}

void
kvm_free(struct kvm *k)
{
	if (k == NULL)
		return;
	for (unsigned i = 0; i < MSI_GSI_MAX; i++) {
		if (k->route[i].fd >= 0)
			(void)close(k->route[i].fd);
	}
	if (k->vm_fd >= 0)
		(void)close(k->vm_fd);
	(void)close(k->sys_fd);
	(void)pthread_mutex_destroy(&k->route_lock);
	free(k);
}

int
kvm_has(const struct kvm *k, int cap)
{
	return (ioctl(k->vm_fd, KVM_CHECK_EXTENSION, cap));
}

int
kvm_vm_fd(const struct kvm *k)
{
	return (k->vm_fd);
}

/* ---- interrupt controllers ---- */

/* Lines 9, 10 and 11 are level-triggered on our board: SCI and PCI. */
static int
set_elcr(struct kvm *k)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_SLAVE};

	if (ioctl(k->vm_fd, KVM_GET_IRQCHIP, &chip) != 0)
		return (-errno);
	chip.chip.pic.elcr = 0x0e;
	return (ioctl(k->vm_fd, KVM_SET_IRQCHIP, &chip) != 0 ? -errno : 0);
}

static int
set_pit(struct kvm *k)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};

	return (ioctl(k->vm_fd, KVM_CREATE_PIT2, &pit) != 0 ? -errno : 0);
}

int
kvm_create_irqchip(struct kvm *k, struct err *e)
{
	int rc;

	if (ioctl(k->vm_fd, KVM_CREATE_IRQCHIP, 0) != 0)
		return (err_sys(e, errno, "KVM_CREATE_IRQCHIP"));
	if ((rc = set_elcr(k)) != 0)
		return (err_sys(e, -rc, "KVM_SET_IRQCHIP"));
	if ((rc = set_pit(k)) != 0)
		return (err_sys(e, -rc, "KVM_CREATE_PIT2"));
	return (0);
}

/* PIC and IOAPIC as after power-on; the PIT stops. */
void
kvm_reset_irqchip(struct kvm *k)
{
	struct kvm_irqchip chip;
	struct kvm_pit_state2 pit;

	for (unsigned i = 0; i < 2; i++) {
		memset(&chip, 0, sizeof(chip));
		chip.chip_id = i == 0 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
		chip.chip.pic.elcr_mask = i == 0 ? 0xf8 : 0xde;
		chip.chip.pic.elcr = i == 0 ? 0 : 0x0e;
		(void)ioctl(k->vm_fd, KVM_SET_IRQCHIP, &chip);
	}
	memset(&chip, 0, sizeof(chip));
	chip.chip_id = KVM_IRQCHIP_IOAPIC;
	if (ioctl(k->vm_fd, KVM_GET_IRQCHIP, &chip) == 0) {
		chip.chip.ioapic.ioregsel = chip.chip.ioapic.irr = 0;
		for (unsigned i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
			chip.chip.ioapic.redirtbl[i].bits = 1 << 16;
		(void)ioctl(k->vm_fd, KVM_SET_IRQCHIP, &chip);
	}
	memset(&pit, 0, sizeof(pit));
	for (unsigned i = 0; i < 3; i++) {
		pit.channels[i].mode = i == 2 ? 0 : 0xff;
		pit.channels[i].gate = i != 2;
	}
	(void)ioctl(k->vm_fd, KVM_SET_PIT2, &pit);
}

void
kvm_irq(void *kvm, unsigned gsi, bool level)
{
	struct kvm_irq_level l = {.irq = gsi, .level = level};

	(void)ioctl(((struct kvm *)kvm)->vm_fd, KVM_IRQ_LINE, &l);
}

void
kvm_msi(void *kvm, uint64_t addr, uint32_t data)
{
	struct kvm_msi m = {
	    .address_lo = (uint32_t)addr, .address_hi = (uint32_t)(addr >> 32), .data = data};

	(void)ioctl(((struct kvm *)kvm)->vm_fd, KVM_SIGNAL_MSI, &m);
}

/* The whole table: the fixed lines and every message that has a descriptor. */
static int
routes_write(struct kvm *k)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[16 + 24 + MSI_GSI_MAX];
	} t;
	struct kvm_irq_routing_entry *r = t.entry;

	memset(&t, 0, sizeof(t));
	for (unsigned gsi = 0; gsi < 24; gsi++) {
		if (gsi < 16) {
			r->gsi = gsi;
			r->type = KVM_IRQ_ROUTING_IRQCHIP;
			r->u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
			r++->u.irqchip.pin = gsi & 7;
		}
		r->gsi = gsi;
		r->type = KVM_IRQ_ROUTING_IRQCHIP;
		r->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		r++->u.irqchip.pin = gsi;
	}
	for (unsigned i = 0; i < MSI_GSI_MAX; i++) {
		if (k->route[i].fd < 0)
			continue;
		r->gsi = MSI_GSI_FIRST + i;
		r->type = KVM_IRQ_ROUTING_MSI;
		r->u.msi.address_lo = (uint32_t)k->route[i].addr;
		r->u.msi.address_hi = (uint32_t)(k->route[i].addr >> 32);
		r++->u.msi.data = k->route[i].data;
	}
	t.head.nr = (uint32_t)(r - t.entry);
	return (ioctl(k->vm_fd, KVM_SET_GSI_ROUTING, &t) != 0 ? -errno : 0);
}

static int
route_bind(struct kvm *k, unsigned slot)
{
	struct kvm_irqfd f = {.gsi = MSI_GSI_FIRST + slot};
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return (-1);
	k->route[slot].fd = fd;
	f.fd = (uint32_t)fd;
	if (routes_write(k) == 0 && ioctl(k->vm_fd, KVM_IRQFD, &f) == 0)
		return (fd);
	(void)close(fd);
	k->route[slot].fd = -1;
	return (-1);
}

int
kvm_msi_fd(void *kvm, unsigned slot, uint64_t addr, uint32_t data)
{
	struct kvm *k = kvm;
	int fd = -1;

	if (slot >= MSI_GSI_MAX)
		return (-1);
	(void)pthread_mutex_lock(&k->route_lock);
	k->route[slot].addr = addr;
	k->route[slot].data = data;
	if (k->route[slot].fd < 0)
		fd = route_bind(k, slot);
	else if (routes_write(k) == 0)
		fd = k->route[slot].fd;
	(void)pthread_mutex_unlock(&k->route_lock);
	return (fd);
}

int
kvm_doorbell(void *kvm, const struct doorbell *db, bool add)
{
	struct kvm_ioeventfd f = {.addr = db->addr, .len = db->len, .fd = db->fd};

	if (db->pio)
		f.flags |= KVM_IOEVENTFD_FLAG_PIO;
	if (db->match >= 0) {
		f.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
		f.datamatch = (uint64_t)db->match;
	}
	if (!add)
		f.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	return (ioctl(((struct kvm *)kvm)->vm_fd, KVM_IOEVENTFD, &f) != 0 ? -errno : 0);
}

/* ---- memory ---- */

int
kvm_set_slot(struct kvm *k, unsigned slot, uint64_t gpa, uint64_t len, void *hva, bool rom)
{
	struct kvm_userspace_memory_region r = {
	    .slot = slot,
	    .flags = rom ? KVM_MEM_READONLY : 0,
	    .guest_phys_addr = gpa,
	    .memory_size = hva != NULL ? len : 0,
	    .userspace_addr = (uint64_t)(uintptr_t)hva,
	};

	return (ioctl(k->vm_fd, KVM_SET_USER_MEMORY_REGION, &r) != 0 ? -errno : 0);
}

int
kvm_window(void *kvm, unsigned slot, uint64_t gpa, uint64_t len, void *hva)
{
	return (kvm_set_slot(kvm, SLOT_WINDOW + slot, gpa, len, hva, false));
}

int
kvm_set_memory(struct kvm *k, const struct gmem *m, struct err *e)
{
	const struct gmem_region *r;
	unsigned n;
	int rc;

	r = gmem_regions(m, &n);
	for (unsigned i = 0; i < n; i++) {
		if ((rc = kvm_set_slot(k, i, r[i].gpa, r[i].size, r[i].hva, r[i].rom)) != 0)
			return (err_sys(e, -rc, "cannot give the guest its memory at %#llx",
			    (unsigned long long)r[i].gpa));
	}
	return (0);
}

/* ---- vCPUs ---- */

static int
vcpu_open(struct vcpu *v, const struct cpu_policy *p, struct err *e)
{
	int rc;

	if ((v->fd = ioctl(v->kvm->vm_fd, KVM_CREATE_VCPU, (unsigned long)v->id)) < 0)
		return (err_sys(e, errno, "cannot create vCPU %u", v->id));
	(void)fcntl(v->fd, F_SETFD, FD_CLOEXEC);
	v->run = mmap(NULL, v->kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED) {
		v->run = NULL;
		return (err_sys(e, errno, "cannot map vCPU %u", v->id));
	}
	if ((rc = cpu_set_cpuid(v->kvm->sys_fd, v->fd, v->id, p, e)) != 0)
		return (rc);
	return (0);
}

int
vcpu_new(struct kvm *k, unsigned id, const struct cpu_policy *p, struct vcpu **out, struct err *e)
{
	struct vcpu *v = calloc(1, sizeof(*v));
	int rc;

	if (v == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	v->kvm = k;
	v->id = id;
	v->fd = -1;
	if ((rc = vcpu_open(v, p, e)) != 0) {
		vcpu_free(v);
		return (rc);
	}
	*out = v;
	return (0);
}

void
vcpu_free(struct vcpu *v)
{
	if (v == NULL)
		return;
	if (v->run != NULL)
		(void)munmap(v->run, v->kvm->run_size);
	if (v->fd >= 0)
		(void)close(v->fd);
	free(v);
}

/* What KVM gives a fresh processor is the architecture's reset state; we keep a copy of it. */
int
vcpu_power_on_sregs(struct vcpu *v, struct kvm_sregs *out)
{
	return (ioctl(v->fd, KVM_GET_SREGS, out) != 0 ? -errno : 0);
}

int
vcpu_set_state(struct vcpu *v, const struct cpu_state *s, struct err *e)
{
	struct kvm_mp_state mp = {
	    .mp_state = s->has_regs ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED};
	struct kvm_sregs sregs = s->sregs;
	struct kvm_fpu fpu = {.fcw = 0x37f, .mxcsr = 0x1f80};
	struct kvm_vcpu_events ev;
	int rc;

	memset(&ev, 0, sizeof(ev));
	sregs.apic_base = 0xfee00800 | (v->id == 0 ? 0x100 : 0);
	if (ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev) != 0 ||
	    ioctl(v->fd, KVM_SET_SREGS, &sregs) != 0 ||
	    ioctl(v->fd, KVM_SET_REGS, &s->regs) != 0 || ioctl(v->fd, KVM_SET_FPU, &fpu) != 0)
		return (err_sys(e, errno, "cannot set the registers of vCPU %u", v->id));
	if ((rc = cpu_set_msrs(v->fd, e)) != 0 || (rc = cpu_set_lapic(v->fd, v->id, e)) != 0)
		return (rc);
	if (ioctl(v->fd, KVM_SET_MP_STATE, &mp) != 0)
		return (err_sys(e, errno, "KVM_SET_MP_STATE"));
	return (0);
}

struct kvm_run *
vcpu_run_area(struct vcpu *v)
{
	return (v->run);
}

uint64_t
vcpu_exits(const struct vcpu *v)
{
	return (v->exits);
}

void
vcpu_bind_thread(struct vcpu *v)
{
	v->tid = (pid_t)syscall(SYS_gettid);
}

void
vcpu_kick(struct vcpu *v)
{
	v->run->immediate_exit = 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (v->tid != 0)
		(void)syscall(SYS_tgkill, getpid(), v->tid, SIGUSR1);
}

void
vcpu_kick_done(struct vcpu *v)
{
	v->run->immediate_exit = 0;
}

int
kvm_inject_nmi(struct vcpu *v)
{
	return (ioctl(v->fd, KVM_NMI, 0) != 0 ? -errno : 0);
}

/* ---- exits ---- */

static void
exit_io(const struct kvm_run *run, struct board *b)
{
	uint8_t *p = (uint8_t *)(uintptr_t)run + run->io.data_offset;
	unsigned size = run->io.size;

	for (uint32_t i = 0; i < run->io.count; i++, p += size) {
		uint64_t v = 0;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&v, p, size);
			bus_write(b->pio, run->io.port, size, v);
		} else {
			v = bus_read(b->pio, run->io.port, size);
			memcpy(p, &v, size);
		}
	}
}

static void
exit_mmio(struct kvm_run *run, struct board *b)
{
	uint64_t v = 0;

	if (run->mmio.is_write) {
		memcpy(&v, run->mmio.data, sizeof(v));
		bus_write(b->mmio, run->mmio.phys_addr, run->mmio.len, v);
	} else {
		v = bus_read(b->mmio, run->mmio.phys_addr, run->mmio.len);
		memcpy(run->mmio.data, &v, sizeof(v));
	}
}

static enum vcpu_exit
failed(struct vcpu *v, const char *what, uint64_t code, struct err *e)
{
	struct kvm_regs r = {0};

	(void)ioctl(v->fd, KVM_GET_REGS, &r);
	(void)err_set(e, EIO, "vCPU %u: %s (%#llx) at rip %#llx, rsp %#llx, rflags %#llx", v->id, what,
	    (unsigned long long)code, (unsigned long long)r.rip, (unsigned long long)r.rsp,
	    (unsigned long long)r.rflags);
	return (VCPU_FAILED);
}

static enum vcpu_exit
exit_system(const struct kvm_run *run)
{
	return (run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN ? VCPU_SHUTDOWN : VCPU_RESET);
}

static enum vcpu_exit
exit_handle(struct vcpu *v, struct board *b, struct err *e)
{
	struct kvm_run *run = v->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		exit_io(run, b);
		return (VCPU_AGAIN);
	case KVM_EXIT_MMIO:
		exit_mmio(run, b);
		return (VCPU_AGAIN);
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return (VCPU_AGAIN);
	case KVM_EXIT_HLT:
		return (VCPU_HALT);
	case KVM_EXIT_SHUTDOWN:
		return (VCPU_TRIPLE);
	case KVM_EXIT_SYSTEM_EVENT:
		return (exit_system(run));
	case KVM_EXIT_FAIL_ENTRY:
		return (failed(v, "the processor refused to enter the guest",
		    run->fail_entry.hardware_entry_failure_reason, e));
	case KVM_EXIT_INTERNAL_ERROR:
		return (failed(v,
		    run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
			? "KVM cannot emulate an instruction"
			: "KVM internal error",
		    run->internal.suberror, e));
	}
	return (failed(v, "unknown exit", run->exit_reason, e));
}

enum vcpu_exit
vcpu_run_once(struct vcpu *v, struct board *b, struct err *e)
{
	v->exits++;
	PROBE1(vmx, entry, v->id);
	if (ioctl(v->fd, KVM_RUN, 0) == 0) {
		PROBE2(vmx, exit, v->id, v->run->exit_reason);
		return (exit_handle(v, b, e));
	}
	if (errno == EINTR || errno == EAGAIN)
		return (VCPU_AGAIN);
	return (failed(v, "KVM_RUN failed", (uint64_t)errno, e));
}
