/* SPDX-License-Identifier: MIT */
/*
 * A running machine, as its files share it: vm.c (threads, life), vm_devices.c (what is on the
 * board), vm_control.c (the control socket), vm_firmware.c, vm_jail.c.
 */
#ifndef VMX_VM_IMPL_H
#define VMX_VM_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "smartbox/core/loop.h"
#include "smartbox/vmx/boot.h"
#include "smartbox/vmx/chr.h"
#include "smartbox/vmx/iothread.h"
#include "smartbox/vmx/isa.h"
#include "smartbox/vmx/kvm.h"
#include "smartbox/vmx/pci.h"
#include "smartbox/vmx/virtio.h"
#include "smartbox/vmx/vmx.h"

enum vm_request { VM_NONE, VM_RESET, VM_POWEROFF, VM_CRASH, VM_KILL };

enum { VM_MAX_IO = VMX_MAX_DISKS + VMX_MAX_NICS + 3, VM_MAX_CHR = VMX_MAX_SERIAL + 1 };

struct vm_cpu {
	struct vm *vm;
	struct vcpu *vcpu;
	pthread_t thread;
	_Atomic int nmi; /* one is to be delivered before it runs on */
};

enum vm_boot_kind { VM_BOOT_DISK, VM_BOOT_CD, VM_BOOT_NET };

/* Something that firmware may boot from: a slot, a unit (0-3) of the IDE controller, a port of AHCI. */
struct vm_bootable {
	enum vm_boot_kind kind;
	unsigned slot;
	int unit; /* -1: the device in the slot itself */
	bool port; /* unit is a port: one drive each */
};

struct vm_vnc;

struct vm {
	struct vmx_config c; /* descriptors in it are ours; -1 once a device has taken one */
	const char *cmdline;
	struct gmem *mem;
	int kvm_fd; /* the kvm's from kvm_new on */
	struct kvm *kvm;
	struct board *board;
	struct loop *loop; /* main thread's */
	struct watch *control_client;
	struct vm_cpu cpu[VMX_MAX_CPUS];
	unsigned ncpus_started;
	struct iothread *io[VM_MAX_IO];
	unsigned nio;
	struct chr *chr[VM_MAX_CHR];
	unsigned nchr;
	struct kvm_sregs power_on;
	struct vm_bootable bootable[VMX_MAX_DISKS + VMX_MAX_NICS];
	unsigned nbootable;
	struct vm_vnc *vnc;
	char vnc_host[48]; /* where its TCP socket listens; port 0: there is none */
	unsigned vnc_port;
	uint8_t *rom; /* firmware */
	uint64_t rom_size;

	_Atomic int request; /* enum vm_request */
	_Atomic int pause;
	int event_fd;
	pthread_mutex_t lock; /* parked, quit, crash */
	pthread_cond_t parked_cond, resume_cond;
	unsigned parked;
	bool quit, term_seen;
	struct err crash;
	uint64_t called_ns, start_ns, resets;
};

/* Any thread. */
void vm_request(struct vm *vm, enum vm_request r);
/* Everything on the board, from the configuration. */
int vm_devices(struct vm *vm, struct err *e);
/* fw_cfg, when there is firmware; after the devices. */
int vm_firmware(struct vm *vm, struct err *e);
void vm_firmware_reset(struct vm *vm); /* a reset: bootonce is over */
int vm_control(struct vm *vm, struct err *e); /* the socket, when there is one */
struct buf;
void vm_info_pci(struct vm *vm, struct buf *b); /* a line of JSON */
int vm_vnc_new(struct vm *vm, struct iothread *io, struct err *e); /* sets vm->vnc */
/* On the main thread, while it runs; nothing without a display. */
void vm_vnc_password(struct vm *vm, const char *password); /* of clients from now on; "": none */
void vm_vnc_listen(struct vm *vm, int fd); /* TCP, instead of the last one; -1: no more.  Owned. */
void vm_vnc_free(struct vm_vnc *v);	/* before its thread's loop; NULL is fine */
int vm_io_walls(void *vm); /* the filter of a thread that does I/O */
void vm_close_config(struct vmx_config *c);

#endif
