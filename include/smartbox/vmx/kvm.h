/* SPDX-License-Identifier: MIT */
/*
 * /dev/kvm: the system, one virtual machine, its vCPUs.  The only file that knows ioctl numbers.
 *
 * A struct kvm is a board_host: irq lines and messages go into the in-kernel interrupt controllers,
 * doorbells become ioeventfds, windows memory slots.
 */
#ifndef SMARTBOX_VMX_KVM_H
#define SMARTBOX_VMX_KVM_H

#include <linux/kvm.h>

#include "smartbox/vmx/board.h"
#include "smartbox/vmx/boot.h"

struct kvm;
struct vcpu;

struct kvm_cap {
	int cap;
	const char *name;
	bool required;
};
extern const struct kvm_cap kvm_caps[]; /* ends with a NULL name */

/* -ENOENT, -EACCES, -ENODEV...: the sentence says what to do about it. */
int kvm_open_device(struct err *e);
/* Owns fd.  Checks the required capabilities; names all that are missing. */
int kvm_new(int fd, struct kvm **out, struct err *e);
void kvm_free(struct kvm *k);
int kvm_has(const struct kvm *k, int cap);
int kvm_vm_fd(const struct kvm *k);
int kvm_create_irqchip(struct kvm *k, struct err *e); /* PIC, IOAPIC, PIT */
int kvm_set_memory(struct kvm *k, const struct gmem *m, struct err *e);
/* A slot beside RAM: for windows that move. NULL hva removes. */
int kvm_set_slot(struct kvm *k, unsigned slot, uint64_t gpa, uint64_t len, void *hva, bool rom);
void kvm_reset_irqchip(struct kvm *k);
int kvm_inject_nmi(struct vcpu *v);

void kvm_irq(void *kvm, unsigned gsi, bool level);
void kvm_msi(void *kvm, uint64_t addr, uint32_t data);
int kvm_msi_fd(void *kvm, unsigned slot, uint64_t addr, uint32_t data);
int kvm_doorbell(void *kvm, const struct doorbell *db, bool add);
int kvm_window(void *kvm, unsigned slot, uint64_t gpa, uint64_t len, void *hva);

/* ---- vCPUs ---- */

struct cpu_policy {
	unsigned cpus;
	const char *type; /* "host", "qemu64" */
};

struct cpu_state { /* where a processor starts */
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	bool has_regs; /* false: waits for INIT and SIPI */
};

int vcpu_new(struct kvm *k, unsigned id, const struct cpu_policy *p, struct vcpu **out,
    struct err *e);
void vcpu_free(struct vcpu *v);
int vcpu_set_state(struct vcpu *v, const struct cpu_state *s, struct err *e);
/* Registers as after power-on, from KVM. */
int vcpu_power_on_sregs(struct vcpu *v, struct kvm_sregs *out);
struct kvm_run *vcpu_run_area(struct vcpu *v);

enum vcpu_exit {
	VCPU_AGAIN,	  /* handled, or kicked */
	VCPU_HALT,	  /* HLT without an in-kernel APIC */
	VCPU_TRIPLE,	  /* triple fault */
	VCPU_SHUTDOWN,	  /* system event: power off */
	VCPU_RESET,	  /* system event: reset */
	VCPU_FAILED,	  /* the sentence says how */
};
/* One KVM_RUN and what it asks for, on the buses of the board. */
enum vcpu_exit vcpu_run_once(struct vcpu *v, struct board *b, struct err *e);
uint64_t vcpu_exits(const struct vcpu *v);
/* Make a vCPU thread leave KVM_RUN soon; safe from any thread and signal handler. */
void vcpu_kick(struct vcpu *v);
void vcpu_kick_done(struct vcpu *v); /* on its thread: before the next run */
void vcpu_bind_thread(struct vcpu *v); /* on its thread: kicks come here */

/* CPUID and MSRs of a vCPU, by policy: vmx/x86_64/cpu.c. */
int cpu_set_cpuid(int sys_fd, int vcpu_fd, unsigned id, const struct cpu_policy *p, struct err *e);
int cpu_set_msrs(int vcpu_fd, struct err *e);
int cpu_set_lapic(int vcpu_fd, unsigned id, struct err *e);

/* Registers for an entry, and the tables in guest memory that they point to: x86_64/entry.c. */
void cpu_entry_state(struct gmem *m, const struct boot_entry *b, const struct kvm_sregs *power_on,
    struct cpu_state *out);

#endif
