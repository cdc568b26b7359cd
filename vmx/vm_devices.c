/* SPDX-License-Identifier: MIT */
/*
 * What is on a machine's board.
 *
 *	00.0 host bridge   01.0 ISA bridge   01.3 power management
 *	02.0 display       03.0 ... virtio: disks, network cards, then the small ones
 *
 * Slots are given in this order and never change for a given configuration: guests name their
 * devices after them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/vmx/ahci.h"
#include "smartbox/vmx/blk.h"
#include "smartbox/vmx/e1000.h"
#include "smartbox/vmx/ide.h"
#include "smartbox/vmx/vga.h"
#include "vm_impl.h"
#include "vm_jail.h"

enum { SLOT_DISPLAY = 2, SLOT_FIRST = 3, SLOT_LAST = 30, DISK_WORKERS = 4 };

/* Hand a descriptor of the configuration over to its new owner. */
static int
take(int *fd)
{
	int n = *fd;

	*fd = -1;
	return (n);
}

static bool
char_is_there(const struct vmx_char *c)
{
	return (c->in >= 0 || c->out >= 0 || c->listen >= 0);
}

static int
chr_make(struct vm *vm, struct vmx_char *c, struct chr **out, struct err *e)
{
	int rc;

	*out = NULL;
	if (!char_is_there(c))
		return (0);
	rc = chr_new(c, vm->loop, out, e);
	*c = (struct vmx_char)VMX_CHAR_NONE;
	if (rc == 0)
		vm->chr[vm->nchr++] = *out;
	return (rc);
}

static int
serials(struct vm *vm, struct err *e)
{
	static const struct {
		const char *name;
		uint16_t port;
		unsigned irq;
	} com[VMX_MAX_SERIAL] = {{"com1", 0x3f8, 4}, {"com2", 0x2f8, 3}};
	int rc = 0;

	for (unsigned i = 0; i < VMX_MAX_SERIAL && rc == 0; i++) {
		struct chr *c;

		if ((rc = chr_make(vm, &vm->c.serial[i], &c, e)) == 0)
			rc = uart_new(vm->board, com[i].name, com[i].port, com[i].irq, c, e);
	}
	return (rc);
}

static int
fixed(struct vm *vm, struct err *e)
{
	struct board *b = vm->board;
	int rc;

	if ((rc = pci_host_new(b, e)) != 0 || (rc = pm_new(b, e)) != 0 ||
	    (rc = rtc_new(b, vm->c.cpus, e)) != 0 || (rc = i8042_new(b, e)) != 0 ||
	    (rc = serials(vm, e)) != 0 ||
	    (rc = debugcon_new(b, take(&vm->c.debug_fd), e)) != 0)
		return (rc);
	rtc_attach(board_find(b, "rtc"), vm->loop);
	return (0);
}

static void
bootable_add(struct vm *vm, enum vm_boot_kind kind, unsigned slot, int unit)
{
	vm->bootable[vm->nbootable++] = (struct vm_bootable){.kind = kind, .slot = slot, .unit = unit};
}

/* Units of a controller: the disks of one model and the CDs of another, in order. */
static int
units(struct vm *vm, const enum vmx_disk_model model[2], struct ide_spec *spec, unsigned max,
    struct err *e)
{
	unsigned n = 0;
	int rc;

	for (unsigned i = 0; i < vm->c.ndisks; i++) {
		struct vmx_disk *d = &vm->c.disks[i];

		if (d->model != model[0] && d->model != model[1])
			continue;
		if (n == max)
			return (err_set(e, ENOSPC, "more than %u disks and CDs on one controller", max));
		if ((rc = blk_file_new(take(&d->fd), d->readonly, d->block_size, &spec[n].disk,
			 e)) != 0)
			return (rc);
		spec[n].cd = d->model == model[1];
		spec[n].serial = d->serial;
		n++;
	}
	return ((int)n);
}

static int
ide_disks(struct vm *vm, struct err *e)
{
	static const enum vmx_disk_model model[2] = {VMX_DISK_IDE, VMX_DISK_CDROM};
	struct ide_spec spec[4] = {{0}};
	int n = units(vm, model, spec, 4, e);

	for (int i = 0; i < n; i++)
		bootable_add(vm, spec[i].cd ? VM_BOOT_CD : VM_BOOT_DISK, 1, i);
	return (n > 0 ? ide_new(vm->board, spec, e) : n);
}

static int
ahci_disks(struct vm *vm, unsigned *slot, struct err *e)
{
	static const enum vmx_disk_model model[2] = {VMX_DISK_AHCI, VMX_DISK_AHCI_CDROM};
	struct ide_spec spec[AHCI_PORTS] = {{0}};
	int n = units(vm, model, spec, AHCI_PORTS, e);

	if (n <= 0)
		return (n);
	for (int i = 0; i < n; i++) {
		bootable_add(vm, spec[i].cd ? VM_BOOT_CD : VM_BOOT_DISK, *slot, i);
		vm->bootable[vm->nbootable - 1].port = true;
	}
	return (ahci_new(vm->board, PCI_DEVFN((*slot)++, 0), spec, e));
}

/* ---- virtio ---- */

static int
io_make(struct vm *vm, const char *name, struct iothread **out, struct err *e)
{
	int rc = iothread_new(name, out, e);

	if (rc == 0)
		vm->io[vm->nio++] = *out;
	return (rc);
}

static int
disk_vhost(struct vm *vm, struct vmx_disk *d, unsigned slot, struct err *e)
{
	struct vhblk_spec spec;
	struct iothread *io;
	int rc;

	if ((rc = io_make(vm, "io-disk", &io, e)) != 0)
		return (rc);
	spec = (struct vhblk_spec){take(&d->vhost_fd), take(&d->broker_fd)};
	return (vhblk_new(vm->board, PCI_DEVFN(slot, 0), &spec, io, e));
}

static int
disk_virtio(struct vm *vm, struct vmx_disk *d, unsigned slot, struct err *e)
{
	struct vblk_spec spec = {.serial = d->serial, .workers = DISK_WORKERS,
	    .enter = vm->c.jail ? vm_io_walls : NULL, .enter_arg = vm};
	struct iothread *io;
	int rc;

	if ((rc = blk_file_new(take(&d->fd), d->readonly, d->block_size, &spec.disk, e)) != 0)
		return (rc);
	if ((rc = io_make(vm, "io-disk", &io, e)) != 0) {
		spec.disk->ops->close(spec.disk);
		return (rc);
	}
	return (vblk_new(vm->board, PCI_DEVFN(slot, 0), &spec, io, e));
}

static int
disks(struct vm *vm, unsigned *slot, struct err *e)
{
	int rc = 0;

	for (unsigned i = 0; i < vm->c.ndisks && rc == 0; i++) {
		struct vmx_disk *d = &vm->c.disks[i];

		if (d->model != VMX_DISK_VIRTIO)
			continue;
		bootable_add(vm, VM_BOOT_DISK, *slot, -1);
		rc = d->vhost_fd >= 0 ? disk_vhost(vm, d, (*slot)++, e) :
					disk_virtio(vm, d, (*slot)++, e);
	}
	return (rc);
}

static int
nic(struct vm *vm, struct vmx_nic *n, unsigned devfn, struct iothread *io, struct err *e)
{
	struct vnet_spec virtio = {.mtu = n->mtu, .offload = true};
	struct e1000_spec intel = {.offload = true};

	if (n->model == VMX_NIC_E1000) {
		memcpy(intel.mac, n->mac, sizeof(intel.mac));
		intel.tap_fd = take(&n->tap_fd);
		return (e1000_new(vm->board, devfn, &intel, io, e));
	}
	memcpy(virtio.mac, n->mac, sizeof(virtio.mac));
	virtio.tap_fd = take(&n->tap_fd);
	if (n->vhost_fd >= 0)
		return (vhnet_new(vm->board, devfn, &virtio, take(&n->vhost_fd), io, e));
	return (vnet_new(vm->board, devfn, &virtio, io, e));
}

static int
nics(struct vm *vm, unsigned *slot, struct err *e)
{
	int rc = 0;

	for (unsigned i = 0; i < vm->c.nnics && rc == 0; i++) {
		struct iothread *io;

		if ((rc = io_make(vm, "io-net", &io, e)) != 0)
			return (rc);
		bootable_add(vm, VM_BOOT_NET, *slot, -1);
		rc = nic(vm, &vm->c.nics[i], PCI_DEVFN((*slot)++, 0), io, e);
	}
	return (rc);
}

static int
small_ones(struct vm *vm, unsigned *slot, struct err *e)
{
	bool console = char_is_there(&vm->c.virtcon);
	struct iothread *io;
	struct chr *c;
	int rc;

	if (!vm->c.rng && !vm->c.balloon && !console)
		return (0);
	if ((rc = io_make(vm, "io-small", &io, e)) != 0)
		return (rc);
	if (vm->c.rng && (rc = vrng_new(vm->board, PCI_DEVFN((*slot)++, 0), io, e)) != 0)
		return (rc);
	if (vm->c.balloon && (rc = vballoon_new(vm->board, PCI_DEVFN((*slot)++, 0), io, e)) != 0)
		return (rc);
	if (!console || (rc = chr_make(vm, &vm->c.virtcon, &c, e)) != 0)
		return (rc);
	return (vconsole_new(vm->board, PCI_DEVFN((*slot)++, 0), c, io, e));
}

/* In the jail the folder of the sockets is VM_JAIL_VSOCK. */
static int
vsock(struct vm *vm, unsigned *slot, struct err *e)
{
	const char *path = vm->c.vsock_path, *base;
	char jailed[128];
	struct vvsock_spec spec = {.cid = vm->c.vsock_cid};
	struct iothread *io;
	int rc;

	if (vm->c.vsock_cid == 0)
		return (0);
	if ((rc = io_make(vm, "io-vsock", &io, e)) != 0)
		return (rc);
	if (path != NULL && vm->c.jail) {
		base = strrchr(path, '/');
		(void)snprintf(jailed, sizeof(jailed), "%s/%s", VM_JAIL_VSOCK,
		    base != NULL ? base + 1 : path);
		path = jailed;
	}
	spec.path = path;
	spec.listen_fd = take(&vm->c.vsock_fd);
	return (vvsock_new(vm->board, PCI_DEVFN((*slot)++, 0), &spec, io, e));
}

static int
display(struct vm *vm, struct err *e)
{
	struct iothread *io;
	int rc;

	if (vm->c.vgabios_fd < 0)
		return (0);
	if ((rc = vga_new(vm->board, PCI_DEVFN(SLOT_DISPLAY, 0), e)) != 0 || vm->c.vnc_fd[0] < 0)
		return (rc);
	if ((rc = io_make(vm, "io-vnc", &io, e)) != 0)
		return (rc);
	return (vm_vnc_new(vm, io, e));
}

int
vm_devices(struct vm *vm, struct err *e)
{
	unsigned slot = SLOT_FIRST;
	int rc;

	if (vm->c.ndisks + vm->c.nnics + 6 > SLOT_LAST - SLOT_FIRST)
		return (err_set(e, ENOSPC, "more devices than PCI slots"));
	if ((rc = fixed(vm, e)) != 0 || (rc = display(vm, e)) != 0 || (rc = ide_disks(vm, e)) != 0 ||
	    (rc = disks(vm, &slot, e)) != 0 || (rc = ahci_disks(vm, &slot, e)) != 0 || (rc = nics(vm, &slot, e)) != 0)
		return (rc);
	if ((rc = small_ones(vm, &slot, e)) != 0)
		return (rc);
	return (vsock(vm, &slot, e));
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void
vm_close_config(struct vmx_config *c)
{
	close_fd(&c->kvm_fd);
	close_fd(&c->kernel_fd);
	close_fd(&c->initrd_fd);
	close_fd(&c->firmware_fd);
	close_fd(&c->vgabios_fd);
	for (unsigned i = 0; i < VMX_MAX_VNC; i++)
		close_fd(&c->vnc_fd[i]);
	close_fd(&c->debug_fd);
	close_fd(&c->control_fd);
	close_fd(&c->vsock_fd);
	for (unsigned i = 0; i < c->ndisks; i++) {
		close_fd(&c->disks[i].fd);
		close_fd(&c->disks[i].vhost_fd);
		close_fd(&c->disks[i].broker_fd);
	}
	for (unsigned i = 0; i < c->nnics; i++) {
		close_fd(&c->nics[i].tap_fd);
		close_fd(&c->nics[i].vhost_fd);
	}
}
