/* SPDX-License-Identifier: MIT */
/*
 * What lies in guest memory, and where the first processor stands, when a machine starts.
 */
#ifndef SMARTBOX_VMX_BOOT_H
#define SMARTBOX_VMX_BOOT_H

#include "smartbox/vmx/board.h"

/* One range of the e820 map. */
struct e820 {
	uint64_t addr, size;
	uint32_t type; /* 1 RAM, 2 reserved, 3 ACPI */
};
enum { E820_MAX = 8 };
unsigned boot_e820(const struct gmem *m, struct e820 out[E820_MAX]);

enum boot_mode { BOOT_LINUX64, BOOT_PVH, BOOT_FIRMWARE };

struct boot_entry {
	enum boot_mode mode;
	uint64_t ip;
	uint64_t arg; /* boot_params (RSI) or hvm_start_info (EBX) */
};

struct boot_source {
	int kernel_fd, initrd_fd; /* read with pread: a reset loads anew */
	const char *cmdline;
	uint64_t rsdp; /* 0: no tables */
};

/* bzImage or PVH ELF, by its first bytes.  Every field of the file is judged before use. */
int boot_load(struct gmem *m, const struct boot_source *s, struct boot_entry *out, struct err *e);

/*
 * The firmware: mapped read-only below 4 GiB, its last 128 KiB copied below 1 MiB.  _load maps,
 * once; _copy makes the low copy, at each reset.
 */
int boot_firmware_load(struct gmem *m, int fd, uint8_t **rom, uint64_t *size, struct err *e);
void boot_firmware_copy(struct gmem *m, const uint8_t *rom, uint64_t size);

/* ---- tables ---- */
enum { ACPI_TABLES_MAX = 16384 };
struct acpi_spec {
	unsigned cpus;
	uint64_t base; /* guest address of the tables; the RSDP is apart */
	uint64_t pci_window, pci_window_end;
	bool display;
};
/*
 * Build DSDT, FADT, FACS, MADT, XSDT, RSDT into out (at most max bytes); *rsdt and *xsdt get their
 * offsets.  Addresses inside are base + offset; fixups, if not NULL, gets the places of all of them
 * as firmware's linker script ("etc/table-loader").
 */
struct acpi_fixup {
	uint32_t at;	/* offset of a little-endian address */
	uint8_t size;	/* 4 or 8 */
};
struct acpi_sum {
	uint32_t start, len, at;
};
struct acpi_blob {
	uint8_t bytes[ACPI_TABLES_MAX];
	uint32_t len, rsdt, xsdt;
	struct acpi_fixup fixup[32];
	unsigned nfixups;
	struct acpi_sum sum[8];
	unsigned nsums;
};
int acpi_build(const struct acpi_spec *s, struct acpi_blob *out);
/* The 36 bytes of a revision 2 RSDP. */
void acpi_rsdp(const struct acpi_spec *s, const struct acpi_blob *b, uint8_t out[36]);
/* For direct boots: tables at 0xe0000; returns the RSDP's address, 0 when they do not fit. */
uint64_t acpi_install(struct gmem *m, unsigned cpus, bool display);
/* For firmware: etc/acpi/tables, etc/acpi/rsdp, etc/table-loader. */
int acpi_publish(struct device *fwcfg, const struct acpi_spec *s);
struct acpi_spec acpi_spec_for(const struct gmem *m, unsigned cpus, bool display, uint64_t base);

/* ---- SMBIOS (vmx/smbios.c): who the machine is; uuid of zeros: it has none ---- */
int smbios_publish(struct device *fwcfg, const uint8_t uuid[16]);
void smbios_install(struct gmem *m, const uint8_t uuid[16]); /* without firmware */

#endif
