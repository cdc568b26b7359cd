/* SPDX-License-Identifier: MIT */
/*
 * A running machine: the board, KVM under it, and the threads.
 *
 *	main	event loop: consoles, control socket, signals, requests	  (this file)
 *	vcpu N	KVM_RUN and the devices' registers			  (this file)
 *	io X	one per disk and network card, one for the small devices  (iothread.c)
 *
 * Whoever wants something of the whole machine (reset, power off, crash, kill) leaves a request: the
 * first counts, and `pause` goes up.  vCPU threads look at `pause` before each KVM_RUN and park; the main
 * thread kicks them, waits until all are parked, and does what was asked while nothing runs.
 *
 *	        request                    all parked
 *	running --------> pausing(kick) ------------> parked --reset--> boot() --> running
 *	                                                     --else---> end
 *
 * The start is the same path: threads begin parked, boot() loads memory and registers.
 *
 * Invariants:
 *  1. Registers and boot memory are written only while every vCPU is parked.
 *  2. The main thread waits for vCPUs without holding any device's lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vm_jail.h"
#include "vm_impl.h"

void
vmx_config_init(struct vmx_config *c)
{
	memset(c, 0, sizeof(*c));
	c->cpus = 1;
	c->ram = 256ULL << 20;
	c->kvm_fd = -1;
	c->kernel_fd = c->initrd_fd = c->firmware_fd = c->vgabios_fd = -1;
	for (unsigned i = 0; i < VMX_MAX_VNC; i++)
		c->vnc_fd[i] = -1;
	c->debug_fd = c->control_fd = c->vsock_fd = -1;
	for (unsigned i = 0; i < VMX_MAX_SERIAL; i++)
		c->serial[i] = (struct vmx_char)VMX_CHAR_NONE;
	c->virtcon = (struct vmx_char)VMX_CHAR_NONE;
	for (unsigned i = 0; i < VMX_MAX_DISKS; i++)
		c->disks[i].fd = c->disks[i].vhost_fd = c->disks[i].broker_fd = -1;
	for (unsigned i = 0; i < VMX_MAX_NICS; i++)
		c->nics[i].tap_fd = c->nics[i].vhost_fd = -1;
}

/* ---- requests ---- */

void
vm_request(struct vm *vm, enum vm_request r)
{
	uint64_t one = 1;
	int none = VM_NONE;

	if (atomic_compare_exchange_strong(&vm->request, &none, (int)r)) {
		atomic_store(&vm->pause, 1);
		(void)!write(vm->event_fd, &one, sizeof(one));
	}
}

static void
board_happened(void *arg, enum board_event ev)
{
	static const enum vm_request request[] = {
	    [BOARD_RESET] = VM_RESET, [BOARD_POWEROFF] = VM_POWEROFF, [BOARD_PANIC] = VM_CRASH};

	vm_request(arg, request[ev]);
}

/* ---- vCPU threads ---- */

static void
kicked(int signo)
{
	(void)signo;
}

static void
kicks_install(void)
{
	struct sigaction sa = {.sa_handler = kicked};
	sigset_t set;

	(void)sigaction(SIGUSR1, &sa, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void
kicks_allow(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Wait until the machine runs; false: the thread shall end. */
static bool
park(struct vm *vm)
{
	bool go;

	(void)pthread_mutex_lock(&vm->lock);
	vm->parked++;
	(void)pthread_cond_broadcast(&vm->parked_cond);
	while (atomic_load(&vm->pause) && !vm->quit)
		(void)pthread_cond_wait(&vm->resume_cond, &vm->lock);
	vm->parked--;
	go = !vm->quit;
	(void)pthread_mutex_unlock(&vm->lock);
	return (go);
}

static void
vcpu_crashed(struct vm *vm, const struct err *e)
{
	(void)pthread_mutex_lock(&vm->lock);
	if (vm->crash.code == 0)
		vm->crash = *e;
	(void)pthread_mutex_unlock(&vm->lock);
	vm_request(vm, VM_CRASH);
}

static void
vcpu_step(struct vm *vm, struct vcpu *v)
{
	struct err e = ERR_INIT;

	switch (vcpu_run_once(v, vm->board, &e)) {
	case VCPU_AGAIN:
	case VCPU_HALT:
		break;
	case VCPU_TRIPLE:
	case VCPU_RESET:
		vm_request(vm, VM_RESET);
		break;
	case VCPU_SHUTDOWN:
		vm_request(vm, VM_POWEROFF);
		break;
	case VCPU_FAILED:
		vcpu_crashed(vm, &e);
		break;
	}
}

static void *
vcpu_main(void *arg)
{
	struct vm_cpu *c = arg;
	struct vm *vm = c->vm;

	(void)prctl(PR_SET_NAME, "vcpu");
	vcpu_bind_thread(c->vcpu);
	kicks_allow();
	if (vm->c.jail && vm_jail_thread(JAIL_VCPU) != 0)
		vm_request(vm, VM_CRASH);
	for (;;) {
		/* The order of these two leaves no gap for vcpu_kick: see kvm.c. */
		vcpu_kick_done(c->vcpu);
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load(&vm->pause)) {
			if (!park(vm))
				return (NULL);
			continue;
		}
		if (atomic_exchange(&c->nmi, 0) != 0)
			(void)kvm_inject_nmi(c->vcpu);
		vcpu_step(vm, c->vcpu);
	}
}

static int
vcpus_start(struct vm *vm, struct err *e)
{
	for (unsigned i = 0; i < vm->c.cpus; i++) {
		int rc = pthread_create(&vm->cpu[i].thread, NULL, vcpu_main, &vm->cpu[i]);

		if (rc != 0)
			return (err_sys(e, rc, "cannot start a vCPU thread"));
		vm->ncpus_started++;
	}
	return (0);
}

static void
vcpus_park(struct vm *vm)
{
	atomic_store(&vm->pause, 1);
	for (unsigned i = 0; i < vm->ncpus_started; i++)
		vcpu_kick(vm->cpu[i].vcpu);
	(void)pthread_mutex_lock(&vm->lock);
	while (vm->parked < vm->ncpus_started)
		(void)pthread_cond_wait(&vm->parked_cond, &vm->lock);
	(void)pthread_mutex_unlock(&vm->lock);
}

static void
vcpus_resume(struct vm *vm)
{
	(void)pthread_mutex_lock(&vm->lock);
	atomic_store(&vm->request, VM_NONE);
	atomic_store(&vm->pause, 0);
	(void)pthread_cond_broadcast(&vm->resume_cond);
	(void)pthread_mutex_unlock(&vm->lock);
}

static void
vcpus_end(struct vm *vm)
{
	if (vm->ncpus_started == 0)
		return;
	vcpus_park(vm);
	(void)pthread_mutex_lock(&vm->lock);
	vm->quit = true;
	(void)pthread_cond_broadcast(&vm->resume_cond);
	(void)pthread_mutex_unlock(&vm->lock);
	for (unsigned i = 0; i < vm->ncpus_started; i++)
		(void)pthread_join(vm->cpu[i].thread, NULL);
	vm->ncpus_started = 0;
}

/* ---- boot and reset ---- */

static int
boot_memory(struct vm *vm, struct boot_entry *entry, struct err *e)
{
	struct boot_source src = {vm->c.kernel_fd, vm->c.initrd_fd, vm->cmdline, 0};

	if (vm->c.kernel_fd < 0) {
		boot_firmware_copy(vm->mem, vm->rom, vm->rom_size);
		*entry = (struct boot_entry){.mode = BOOT_FIRMWARE};
		return (0);
	}
	pci_assign(vm->board);
	smbios_install(vm->mem, vm->c.uuid);
	if (!vm->c.no_acpi_tables)
		src.rsdp = acpi_install(vm->mem, vm->c.cpus, vm->c.vgabios_fd >= 0);
	return (boot_load(vm->mem, &src, entry, e));
}

/* Invariant 1: every vCPU is parked, or none was started. */
static int
boot(struct vm *vm, struct err *e)
{
	struct boot_entry entry;
	struct cpu_state s;
	int rc;

	if ((rc = boot_memory(vm, &entry, e)) != 0)
		return (rc);
	for (unsigned i = 0; i < vm->c.cpus; i++) {
		if (i == 0)
			cpu_entry_state(vm->mem, &entry, &vm->power_on, &s);
		else
			s = (struct cpu_state){.sregs = vm->power_on};
		s.regs.rflags = 2;
		if ((rc = vcpu_set_state(vm->cpu[i].vcpu, &s, e)) != 0)
			return (rc);
	}
	return (0);
}

static int
reboot(struct vm *vm, struct err *e)
{
	vm->resets++;
	board_reset(vm->board);
	vm_firmware_reset(vm);
	kvm_reset_irqchip(vm->kvm);
	return (boot(vm, e));
}

/* On the main thread: something was asked. */
static void
request_handle(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vm *vm = arg;
	uint64_t n;
	int r;

	(void)events;
	(void)!read(fd, &n, sizeof(n));
	if ((r = atomic_load(&vm->request)) == VM_NONE)
		return;
	vcpus_park(vm);
	if (r != VM_RESET || vm->c.no_reboot) {
		loop_stop(l, r);
		return;
	}
	if (reboot(vm, &vm->crash) != 0)
		loop_stop(l, VM_CRASH);
	else
		vcpus_resume(vm);
}

/* ---- signals ---- */

static void
terminate(struct loop *l, int signo, void *arg)
{
	struct vm *vm = arg;

	(void)l;
	/* SIGPWR is how a zone's first process is asked to power off. */
	if (signo == SIGPWR || (signo == SIGTERM && !vm->term_seen)) {
		vm->term_seen = signo == SIGTERM; /* the second one means it */
		pm_power_button(board_find(vm->board, "pm"));
		return;
	}
	vm_request(vm, VM_KILL);
}

static int
watches_add(struct vm *vm, struct err *e)
{
	if (loop_fd(vm->loop, vm->event_fd, LOOP_READ, request_handle, vm) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	(void)loop_signal(vm->loop, SIGTERM, terminate, vm);
	(void)loop_signal(vm->loop, SIGPWR, terminate, vm);
	(void)loop_signal(vm->loop, SIGINT, terminate, vm);
	(void)loop_signal(vm->loop, SIGHUP, terminate, vm);
	(void)signal(SIGPIPE, SIG_IGN);
	return (0);
}

/* ---- putting it together ---- */

static int
kvm_make(struct vm *vm, struct err *e)
{
	const struct cpu_policy policy = {vm->c.cpus, vm->c.cpu_type};
	int rc;

	if ((rc = kvm_new(vm->kvm_fd, &vm->kvm, e)) != 0 || (rc = kvm_create_irqchip(vm->kvm, e)) != 0)
		return (rc);
	for (unsigned i = 0; i < vm->c.cpus; i++) {
		vm->cpu[i].vm = vm;
		if ((rc = vcpu_new(vm->kvm, i, &policy, &vm->cpu[i].vcpu, e)) != 0)
			return (rc);
	}
	rc = vcpu_power_on_sregs(vm->cpu[0].vcpu, &vm->power_on);
	return (rc == 0 ? 0 : err_sys(e, -rc, "KVM_GET_SREGS"));
}

static int
firmware_make(struct vm *vm, struct err *e)
{
	if (vm->c.kernel_fd >= 0)
		return (0);
	if (vm->c.firmware_fd < 0)
		return (err_set(e, EINVAL, "neither a kernel nor firmware to start"));
	return (boot_firmware_load(vm->mem, vm->c.firmware_fd, &vm->rom, &vm->rom_size, e));
}

static void
host_irq(void *arg, unsigned gsi, bool level)
{
	kvm_irq(((struct vm *)arg)->kvm, gsi, level);
}

static void
host_msi(void *arg, uint64_t addr, uint32_t data)
{
	kvm_msi(((struct vm *)arg)->kvm, addr, data);
}

static int
host_msi_fd(void *arg, unsigned slot, uint64_t addr, uint32_t data)
{
	return (kvm_msi_fd(((struct vm *)arg)->kvm, slot, addr, data));
}

static int
host_doorbell(void *arg, const struct doorbell *db, bool add)
{
	return (kvm_doorbell(((struct vm *)arg)->kvm, db, add));
}

static int
host_window(void *arg, unsigned slot, uint64_t gpa, uint64_t len, void *hva)
{
	return (kvm_window(((struct vm *)arg)->kvm, slot, gpa, len, hva));
}

static const struct board_host vm_host = {
    .irq = host_irq,
    .msi = host_msi,
    .msi_fd = host_msi_fd,
    .doorbell = host_doorbell,
    .window = host_window,
    .event = board_happened,
};

/* The last file that is opened by name, then the jail. */
static int
vm_walls(struct vm *vm, struct err *e)
{
	vm->kvm_fd = vm->c.kvm_fd >= 0 ? vm->c.kvm_fd : kvm_open_device(e);
	vm->c.kvm_fd = -1;
	if (vm->kvm_fd < 0)
		return (vm->kvm_fd);
	if (!vm->c.jail)
		return (0);
	return (vm_jail_enter(vm->c.jail_uid, vm->c.jail_gid,
	    vm->c.vsock_cid != 0 ? vm->c.vsock_path : NULL, e));
}

static int
vm_make(struct vm *vm, struct err *e)
{
	int rc;

	kicks_install();
	if ((rc = vm_walls(vm, e)) != 0)
		return (rc);
	if ((vm->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return (err_sys(e, errno, "eventfd"));
	if ((rc = loop_new(&vm->loop, e)) != 0 || (rc = watches_add(vm, e)) != 0 ||
	    (rc = gmem_new(vm->c.ram, &vm->mem, e)) != 0 || (rc = firmware_make(vm, e)) != 0 ||
	    (rc = kvm_make(vm, e)) != 0 || (rc = kvm_set_memory(vm->kvm, vm->mem, e)) != 0 ||
	    (rc = board_new(vm->mem, &vm_host, vm, &vm->board, e)) != 0 ||
	    (rc = vm_devices(vm, e)) != 0 || (rc = vm_firmware(vm, e)) != 0 ||
	    (rc = vm_control(vm, e)) != 0)
		return (rc);
	return (boot(vm, e));
}

static void
vm_free(struct vm *vm)
{
	vcpus_end(vm);
	for (unsigned i = 0; i < vm->nio; i++)
		iothread_stop(vm->io[i]);
	for (unsigned i = 0; i < vm->nchr; i++)
		chr_drain(vm->chr[i], 500);
	vm_vnc_free(vm->vnc);
	board_free(vm->board);
	for (unsigned i = 0; i < vm->nio; i++)
		iothread_free(vm->io[i]);
	for (unsigned i = 0; i < vm->nchr; i++)
		chr_free(vm->chr[i]);
	for (unsigned i = 0; i < vm->c.cpus; i++)
		vcpu_free(vm->cpu[i].vcpu);
	kvm_free(vm->kvm);
	gmem_free(vm->mem);
	loop_free(vm->loop);
	if (vm->event_fd >= 0)
		(void)close(vm->event_fd);
	vm_close_config(&vm->c);
	(void)pthread_mutex_destroy(&vm->lock);
	free(vm);
}

int
vm_io_walls(void *arg)
{
	(void)arg;
	return (vm_jail_thread(JAIL_IO));
}

static int
vm_go(struct vm *vm, struct err *e)
{
	int rc;

	for (unsigned i = 0; i < vm->nio; i++) {
		if ((rc = iothread_start(vm->io[i], vm->c.jail ? vm_io_walls : NULL, vm, e)) != 0)
			return (rc);
	}
	atomic_store(&vm->pause, 1);
	if ((rc = vcpus_start(vm, e)) != 0)
		return (rc);
	if (vm->c.jail && (rc = vm_jail_thread(JAIL_MAIN)) != 0)
		return (err_rc(e, rc, "cannot confine the main thread"));
	vm->start_ns = board_now(vm->board) - vm->called_ns;
	vcpus_resume(vm);
	return (loop_run(vm->loop));
}

static int
vm_end(struct vm *vm, int r, struct vmx_result *res, struct err *e)
{
	static const enum vmx_end end[] = {[VM_RESET] = VMX_RESET, [VM_POWEROFF] = VMX_POWEROFF,
	    [VM_CRASH] = VMX_CRASH, [VM_KILL] = VMX_KILLED};

	res->end = end[r];
	res->start_ns = vm->start_ns;
	res->resets = vm->resets;
	for (unsigned i = 0; i < vm->c.cpus; i++)
		res->exits += vcpu_exits(vm->cpu[i].vcpu);
	if (r != VM_CRASH)
		return (0);
	if (vm->crash.code == 0)
		return (err_set(e, EIO, "the guest crashed"));
	if (e != NULL)
		*e = vm->crash;
	return (-vm->crash.code);
}

static int
config_check(const struct vmx_config *c, struct err *e)
{
	if (c->cpus == 0 || c->cpus > VMX_MAX_CPUS)
		return (err_set(e, EINVAL, "1 to %d vCPUs", VMX_MAX_CPUS));
	if (c->ndisks > VMX_MAX_DISKS || c->nnics > VMX_MAX_NICS)
		return (err_set(e, EINVAL, "too many disks or network cards"));
	if (c->vsock_cid != 0 && c->vsock_cid < 3)
		return (err_set(e, EINVAL, "a guest's vsock address is 3 or more"));
	if (c->vnc_fd[0] >= 0 && c->vgabios_fd < 0)
		return (err_set(e, EINVAL, "VNC needs a display"));
	for (unsigned i = 0; i < c->ndisks; i++) {
		if (c->disks[i].vhost_fd >= 0 && c->disks[i].model != VMX_DISK_VIRTIO)
			return (err_set(e, EINVAL, "a vhost-user disk is a virtio disk"));
	}
	if (c->cpu_type != NULL && strcmp(c->cpu_type, "host") != 0 &&
	    strcmp(c->cpu_type, "qemu64") != 0)
		return (err_set(e, EINVAL, "no processor type '%s': host or qemu64", c->cpu_type));
	return (0);
}

static struct vm *
vm_alloc(const struct vmx_config *c)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (vm == NULL)
		return (NULL);
	vm->c = *c;
	vm->cmdline = c->cmdline;
	vm->event_fd = -1;
	(void)pthread_mutex_init(&vm->lock, NULL);
	(void)pthread_cond_init(&vm->parked_cond, NULL);
	(void)pthread_cond_init(&vm->resume_cond, NULL);
	return (vm);
}

int
vmx_run(const struct vmx_config *c, struct vmx_result *res, struct err *e)
{
	struct timespec ts;
	struct vm *vm;
	int rc;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	memset(res, 0, sizeof(*res));
	if ((rc = config_check(c, e)) != 0)
		return (rc);
	if ((vm = vm_alloc(c)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	vm->called_ns = (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
	if ((rc = vm_make(vm, e)) == 0 && (rc = vm_go(vm, e)) > 0) {
		vcpus_end(vm);
		rc = vm_end(vm, rc, res, e);
	}
	vm_free(vm);
	return (rc);
}
