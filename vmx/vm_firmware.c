/* SPDX-License-Identifier: MIT */
/*
 * What firmware is told through fw_cfg: memory, processors, ACPI tables, which ROM to run, in which
 * order to try devices.
 *
 * Boot order is a file of device paths.  A path names the slot, so it is made from where vm_devices put
 * each disk, CD and card.  `bootonce` counts until the first reset.
 *
 * Facts: the file names and path patterns that SeaBIOS 1.16 looks for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/buf.h"
#include "vm_impl.h"

enum { KEY_CPUS = 0x05, KEY_NOGRAPHIC = 0x04, KEY_MENU = 0x0e, KEY_MAX_CPUS = 0x0f };
enum { ROM_MAX = 1 << 20 };

static void
order_add(const struct vm *vm, struct buf *b, enum vm_boot_kind kind)
{
	for (unsigned i = 0; i < vm->nbootable; i++) {
		const struct vm_bootable *d = &vm->bootable[i];

		if (d->kind != kind)
			continue;
		if (kind == VM_BOOT_NET)
			buf_printf(b, "/pci@i0cf8/*@%x\n", d->slot);
		else if (d->unit < 0)
			buf_printf(b, "/pci@i0cf8/*@%x/disk@0,0\n", d->slot);
		else if (d->port)
			buf_printf(b, "/pci@i0cf8/*@%x/drive@%x/disk@0\n", d->slot, (unsigned)d->unit);
		else
			buf_printf(b, "/pci@i0cf8/*@1,1/drive@%x/disk@%x\n", (unsigned)d->unit >> 1,
			    (unsigned)d->unit & 1);
	}
}

static int
order_publish(struct vm *vm, struct device *f, const char *order)
{
	struct buf b = BUF_INIT;
	int rc;

	for (const char *c = order; *c != '\0'; c++) {
		if (*c == 'c')
			order_add(vm, &b, VM_BOOT_DISK);
		else if (*c == 'd')
			order_add(vm, &b, VM_BOOT_CD);
		else if (*c == 'n')
			order_add(vm, &b, VM_BOOT_NET);
	}
	buf_str(&b, "HALT\n"); /* nothing that was not named */
	rc = buf_failed(&b) ? -ENOMEM : fwcfg_add_file(f, "bootorder", b.data, b.len + 1);
	buf_free(&b);
	return (rc);
}

static int
e820_publish(struct vm *vm, struct device *f)
{
	uint64_t high = gmem_high_top(vm->mem) - GMEM_HIGH;
	struct {
		uint64_t addr, size;
		uint32_t type;
	} __attribute__((packed)) map[3] = {
	    {0, gmem_low_top(vm->mem), 1}, {0xfffbc000, 0x4000, 2}, {GMEM_HIGH, high, 1}};

	return (fwcfg_add_file(f, "etc/e820", map, (high != 0 ? 3 : 2) * sizeof(map[0])));
}

static int
rom_publish(struct vm *vm, struct device *f)
{
	struct stat st;
	uint8_t *rom;
	int rc = -EIO;

	if (vm->c.vgabios_fd < 0)
		return (0);
	if (fstat(vm->c.vgabios_fd, &st) != 0 || st.st_size <= 0 || st.st_size > ROM_MAX)
		return (-EINVAL);
	if ((rom = malloc((size_t)st.st_size)) == NULL)
		return (-ENOMEM);
	if (pread(vm->c.vgabios_fd, rom, (size_t)st.st_size, 0) == st.st_size)
		rc = fwcfg_add_file(f, "pci1234,1111.rom", rom, (size_t)st.st_size);
	free(rom);
	return (rc);
}

/* Without a display the firmware talks on the first serial port. */
static int
console_publish(struct vm *vm, struct device *f)
{
	uint16_t com1 = 0x3f8, one = 1;
	int rc;

	if (vm->c.vgabios_fd >= 0)
		return (0);
	if ((rc = fwcfg_add(f, KEY_NOGRAPHIC, &one, sizeof(one))) != 0)
		return (rc);
	return (fwcfg_add_file(f, "etc/sercon-port", &com1, sizeof(com1)));
}

static int
publish(struct vm *vm, struct device *f)
{
	struct acpi_spec acpi =
	    acpi_spec_for(vm->mem, vm->c.cpus, vm->c.vgabios_fd >= 0, 0);
	const char *order = vm->c.bootonce != NULL ? vm->c.bootonce : vm->c.bootorder;
	uint16_t cpus = (uint16_t)vm->c.cpus, no_menu = 0;
	uint32_t fail_wait = ~0U; /* a machine that finds nothing to boot stays and says so */
	int rc;

	if ((rc = fwcfg_add(f, KEY_CPUS, &cpus, 2)) != 0 ||
	    (rc = fwcfg_add(f, KEY_MAX_CPUS, &cpus, 2)) != 0 ||
	    (rc = fwcfg_add(f, KEY_MENU, &no_menu, 2)) != 0 ||
	    (rc = fwcfg_add_file(f, "etc/boot-fail-wait", &fail_wait, 4)) != 0 ||
	    (rc = e820_publish(vm, f)) != 0 || (rc = rom_publish(vm, f)) != 0 ||
	    (rc = console_publish(vm, f)) != 0 || (rc = acpi_publish(f, &acpi)) != 0 ||
	    (rc = smbios_publish(f, vm->c.uuid)) != 0)
		return (rc);
	return (order_publish(vm, f, order != NULL ? order : "cd"));
}

int
vm_firmware(struct vm *vm, struct err *e)
{
	int rc;

	if (vm->c.kernel_fd >= 0)
		return (0);
	if ((rc = fwcfg_new(vm->board, e)) != 0)
		return (rc);
	return (err_rc(e, publish(vm, board_find(vm->board, "fw_cfg")), "cannot tell the firmware"));
}

void
vm_firmware_reset(struct vm *vm)
{
	struct device *f = board_find(vm->board, "fw_cfg");

	if (f == NULL || vm->c.bootonce == NULL)
		return;
	vm->c.bootonce = NULL;
	(void)order_publish(vm, f, vm->c.bootorder != NULL ? vm->c.bootorder : "cd");
}
