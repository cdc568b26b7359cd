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

#include "smartbox/vmx/blk.h"
#include "vm_impl.h"

enum { SLOT_FIRST = 3, SLOT_LAST = 30 };

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

int
vm_devices(struct vm *vm, struct err *e)
{
	return (fixed(vm, e));
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
	close_fd(&c->kernel_fd);
	close_fd(&c->initrd_fd);
	close_fd(&c->firmware_fd);
	close_fd(&c->vgabios_fd);
	close_fd(&c->debug_fd);
	close_fd(&c->control_fd);
	close_fd(&c->vsock_dirfd);
	for (unsigned i = 0; i < c->ndisks; i++) {
		close_fd(&c->disks[i].fd);
		close_fd(&c->disks[i].vhost_fd);
	}
	for (unsigned i = 0; i < c->nnics; i++)
		close_fd(&c->nics[i].tap_fd);
}
