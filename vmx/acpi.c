/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables: FACS, DSDT, FADT, MADT, RSDT, XSDT, and the RSDP.
 *
 * One blob, whose inner addresses are `base` plus an offset.  A direct boot copies it to 0xe0000;
 * firmware gets it with a linker script (etc/table-loader) that names every address and checksum, and
 * places it where it likes.  The AML is written by the few functions below; every package length
 * takes three bytes, which is legal and makes patching simple.
 *
 * Facts: ACPI 6.4, chapters 5.2 and 20.2; for the linker script QEMU's bios-linker-loader as
 * SeaBIOS reads it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "smartbox/vmx/boot.h"
#include "smartbox/vmx/isa.h"

enum { HEADER = 36, RSDP_AT = 0xe0000, TABLES_AT = 0xe0040 };

struct writer {
	struct acpi_blob *b;
	uint64_t base;
	bool full;
};

static void
put(struct writer *w, const void *p, size_t n)
{
	if (w->full || n > sizeof(w->b->bytes) - w->b->len) {
		w->full = true;
		return;
	}
	memcpy(w->b->bytes + w->b->len, p, n);
	w->b->len += (uint32_t)n;
}

static void
put_int(struct writer *w, uint64_t v, unsigned size)
{
	put(w, &v, size); /* little-endian host */
}

static void
byte(struct writer *w, unsigned v)
{
	put_int(w, v, 1);
}

static void
set(struct writer *w, uint32_t at, uint64_t v, unsigned size)
{
	if (!w->full && at + size <= w->b->len)
		memcpy(w->b->bytes + at, &v, size);
}

/* An address of something in the blob, which firmware will move. */
static void
set_address(struct writer *w, uint32_t at, uint32_t target, unsigned size)
{
	set(w, at, w->base + target, size);
	if (w->b->nfixups < sizeof(w->b->fixup) / sizeof(w->b->fixup[0]))
		w->b->fixup[w->b->nfixups++] = (struct acpi_fixup){at, (uint8_t)size};
	else
		w->full = true;
}

static uint8_t
checksum(const uint8_t *p, size_t n)
{
	unsigned sum = 0;

	while (n-- > 0)
		sum += *p++;
	return ((uint8_t)-sum);
}

static uint32_t
table_begin(struct writer *w, const char *sig, unsigned rev)
{
	uint32_t at;

	while (w->b->len % 16 != 0 && !w->full)
		byte(w, 0);
	at = w->b->len;
	put(w, sig, 4);
	put_int(w, 0, 4);
	byte(w, rev);
	byte(w, 0);
	put(w, "SMBOX SMARTBOX", 14);
	put_int(w, 1, 4);
	put(w, "SMBX", 4);
	put_int(w, 1, 4);
	return (at);
}

static void
table_end(struct writer *w, uint32_t at)
{
	uint32_t len = w->b->len - at;

	set(w, at + 4, len, 4);
	if (w->full)
		return;
	w->b->bytes[at + 9] = 0;
	w->b->bytes[at + 9] = checksum(w->b->bytes + at, len);
	w->b->sum[w->b->nsums++] = (struct acpi_sum){at, len, at + 9};
}

/* ---- AML ---- */

/* A package length to be known later: three bytes. */
static uint32_t
pkg_begin(struct writer *w)
{
	uint32_t at = w->b->len;

	put_int(w, 0, 3);
	return (at);
}

static void
pkg_end(struct writer *w, uint32_t at)
{
	uint32_t len = w->b->len - at;

	set(w, at, 0x80 | (len & 15), 1);
	set(w, at + 1, len >> 4, 2);
}

static uint32_t
device_begin(struct writer *w, const char *name)
{
	uint32_t at;

	put(w, "\x5b\x82", 2);
	at = pkg_begin(w);
	put(w, name, 4);
	return (at);
}

static void
name_op(struct writer *w, const char *name)
{
	byte(w, 0x08);
	put(w, name, 4);
}

static void
name_dword(struct writer *w, const char *name, uint32_t v)
{
	name_op(w, name);
	byte(w, 0x0c);
	put_int(w, v, 4);
}

/* An EISA id "PNPxxxx": the vendor is fixed, the product its four hex digits, big-endian. */
static void
name_pnp(struct writer *w, unsigned product)
{
	name_dword(w, "_HID", 0xd041 | (product >> 8) << 16 | (product & 0xff) << 24);
}

struct crs {
	uint32_t pkg, size_at, data;
};

static struct crs
crs_begin(struct writer *w)
{
	struct crs c;

	name_op(w, "_CRS");
	byte(w, 0x11);
	c.pkg = pkg_begin(w);
	byte(w, 0x0b);
	c.size_at = w->b->len;
	put_int(w, 0, 2);
	c.data = w->b->len;
	return (c);
}

static void
crs_end(struct writer *w, const struct crs *c)
{
	put(w, "\x79\x00", 2);
	set(w, c->size_at, w->b->len - c->data, 2);
	pkg_end(w, c->pkg);
}

static void
crs_io(struct writer *w, unsigned port, unsigned len)
{
	put(w, "\x47\x01", 2);
	put_int(w, port, 2);
	put_int(w, port, 2);
	byte(w, 1);
	byte(w, len);
}

static void
crs_irq(struct writer *w, unsigned irq)
{
	byte(w, 0x22);
	put_int(w, 1U << irq, 2);
}

/* Word address space: type 1 I/O, 2 bus numbers. */
static void
crs_word(struct writer *w, unsigned type, unsigned flags, unsigned min, unsigned max)
{
	put(w, "\x88\x0d\x00", 3);
	byte(w, type);
	byte(w, 0x0c);
	byte(w, flags);
	put_int(w, 0, 2);
	put_int(w, min, 2);
	put_int(w, max, 2);
	put_int(w, 0, 2);
	put_int(w, max - min + 1, 2);
}

static void
crs_memory(struct writer *w, uint32_t min, uint32_t max)
{
	put(w, "\x87\x17\x00\x00\x0c\x03", 6);
	put_int(w, 0, 4);
	put_int(w, min, 4);
	put_int(w, max, 4);
	put_int(w, 0, 4);
	put_int(w, max - min + 1, 4);
}

/* Which line each slot's pins use: as pci_line. */
static void
prt(struct writer *w)
{
	uint32_t all, one;

	name_op(w, "_PRT");
	byte(w, 0x12);
	all = pkg_begin(w);
	byte(w, 31 * 4);
	for (unsigned i = 4; i < 32 * 4; i++) {
		unsigned slot = i / 4, pin = i % 4;

		byte(w, 0x12);
		one = pkg_begin(w);
		byte(w, 4);
		byte(w, 0x0c);
		put_int(w, slot << 16 | 0xffff, 4);
		byte(w, 0x0a);
		byte(w, pin);
		byte(w, 0x00);
		byte(w, 0x0a);
		byte(w, ((slot - 1 + pin) & 3) < 2 ? 10 : 11);
		pkg_end(w, one);
	}
	pkg_end(w, all);
}

static void
isa_device(struct writer *w, const char *name, unsigned pnp, const uint16_t ports[4], unsigned irq)
{
	uint32_t dev = device_begin(w, name);
	struct crs c;

	name_pnp(w, pnp);
	name_dword(w, "_UID", (uint32_t)(name[3] - '0'));
	c = crs_begin(w);
	for (unsigned i = 0; i < 4 && ports[i] != 0; i += 2)
		crs_io(w, ports[i], ports[i + 1]);
	crs_irq(w, irq);
	crs_end(w, &c);
	pkg_end(w, dev);
}

static void
isa_devices(struct writer *w)
{
	static const uint16_t com1[4] = {0x3f8, 8}, com2[4] = {0x2f8, 8}, none[4] = {0};
	static const uint16_t kbd[4] = {0x60, 1, 0x64, 1}, rtc[4] = {0x70, 2};
	uint32_t dev = device_begin(w, "ISA0");

	name_dword(w, "_ADR", 0x00010000);
	isa_device(w, "COM1", 0x0501, com1, 4);
	isa_device(w, "COM2", 0x0501, com2, 3);
	isa_device(w, "KBD0", 0x0303, kbd, 1);
	isa_device(w, "MOU0", 0x0f13, none, 12);
	isa_device(w, "RTC0", 0x0b00, rtc, 8);
	pkg_end(w, dev);
}

static void
pci_root(struct writer *w, const struct acpi_spec *s)
{
	uint32_t dev = device_begin(w, "PCI0");
	struct crs c;

	name_pnp(w, 0x0a03);
	name_dword(w, "_ADR", 0);
	name_dword(w, "_UID", 0);
	c = crs_begin(w);
	crs_word(w, 2, 0, 0, 255);
	crs_io(w, 0xcf8, 8);
	crs_word(w, 1, 3, 0, 0xcf7);
	crs_word(w, 1, 3, 0xd00, 0xffff);
	crs_memory(w, 0xa0000, 0xbffff);
	crs_memory(w, (uint32_t)s->pci_window, (uint32_t)s->pci_window_end - 1);
	crs_end(w, &c);
	prt(w);
	isa_devices(w);
	pkg_end(w, dev);
}

static uint32_t
dsdt(struct writer *w, const struct acpi_spec *s)
{
	uint32_t at = table_begin(w, "DSDT", 2), scope, pkg;

	name_op(w, "_S5_");
	byte(w, 0x12);
	pkg = pkg_begin(w);
	byte(w, 4);
	put(w, "\x00\x00\x00\x00", 4);
	pkg_end(w, pkg);
	byte(w, 0x10);
	scope = pkg_begin(w);
	put(w, "_SB_", 4);
	pci_root(w, s);
	pkg_end(w, scope);
	table_end(w, at);
	return (at);
}

/* ---- fixed tables ---- */

static uint32_t
facs(struct writer *w)
{
	uint32_t at;

	while (w->b->len % 64 != 0 && !w->full)
		byte(w, 0);
	at = w->b->len;
	put(w, "FACS", 4);
	put_int(w, 64, 4);
	for (unsigned i = 8; i < 64; i++)
		byte(w, i == 32 ? 1 : 0);
	return (at);
}

/* A generic address: an I/O port. */
static void
set_gas(struct writer *w, uint32_t at, unsigned bits, uint64_t port)
{
	set(w, at, 1, 1);
	set(w, at + 1, bits, 1);
	set(w, at + 4, port, 8);
}

static uint32_t
fadt(struct writer *w, const struct acpi_spec *s, uint32_t facs_at, uint32_t dsdt_at)
{
	enum { FADT_LEN = 244, WBINVD = 1, PROC_C1 = 4, NO_SLEEP_BUTTON = 0x20, RESET_REG = 0x400 };
	uint32_t at = table_begin(w, "FACP", 3);

	while (w->b->len - at < FADT_LEN && !w->full)
		byte(w, 0);
	set_address(w, at + 36, facs_at, 4);
	set_address(w, at + 40, dsdt_at, 4);
	set(w, at + 46, 9, 2);		 /* SCI */
	set(w, at + 56, 0x600, 4);	 /* PM1a event */
	set(w, at + 64, 0x604, 4);	 /* PM1a control */
	set(w, at + 76, 0x608, 4);	 /* PM timer */
	set(w, at + 88, 4, 1);
	set(w, at + 89, 2, 1);
	set(w, at + 91, 4, 1);
	set(w, at + 96, 0xfff, 2);	 /* no C2 */
	set(w, at + 98, 0xfff, 2);	 /* no C3 */
	set(w, at + 108, 0x32, 1);	 /* century */
	set(w, at + 109, s->display ? 3 : 7, 2);
	set(w, at + 112, WBINVD | PROC_C1 | NO_SLEEP_BUTTON | RESET_REG, 4);
	set_gas(w, at + 116, 8, 0xcf9);
	set(w, at + 128, 0x0e, 1);
	set_address(w, at + 140, dsdt_at, 8);
	set_gas(w, at + 148, 32, 0x600);
	set_gas(w, at + 172, 16, 0x604);
	set_gas(w, at + 208, 32, 0x608);
	table_end(w, at);
	return (at);
}

static uint32_t
madt(struct writer *w, const struct acpi_spec *s)
{
	static const uint8_t level_high[] = {9, 10, 11};
	uint32_t at = table_begin(w, "APIC", 3);

	put_int(w, 0xfee00000, 4);
	put_int(w, 1, 4);
	for (unsigned i = 0; i < s->cpus; i++) {
		put(w, "\x00\x08", 2);
		byte(w, i);
		byte(w, i);
		put_int(w, 1, 4);
	}
	put(w, "\x01\x0c\x00\x00", 4);
	put_int(w, 0xfec00000, 4);
	put_int(w, 0, 4);
	for (unsigned i = 0; i < sizeof(level_high); i++) {
		put(w, "\x02\x0a\x00", 3);
		byte(w, level_high[i]);
		put_int(w, level_high[i], 4);
		put_int(w, 0x0d, 2);
	}
	put(w, "\x04\x06\xff\x00\x00\x01", 6);
	table_end(w, at);
	return (at);
}

static uint32_t
root_table(struct writer *w, const char *sig, unsigned size, const uint32_t *tables, unsigned n)
{
	uint32_t at = table_begin(w, sig, 1);

	for (unsigned i = 0; i < n; i++) {
		put_int(w, 0, size);
		set_address(w, w->b->len - size, tables[i], size);
	}
	table_end(w, at);
	return (at);
}

int
acpi_build(const struct acpi_spec *s, struct acpi_blob *out)
{
	struct writer w = {out, s->base, false};
	uint32_t facs_at, dsdt_at, tables[2];

	memset(out, 0, sizeof(*out));
	facs_at = facs(&w);
	dsdt_at = dsdt(&w, s);
	tables[0] = fadt(&w, s, facs_at, dsdt_at);
	tables[1] = madt(&w, s);
	out->rsdt = root_table(&w, "RSDT", 4, tables, 2);
	out->xsdt = root_table(&w, "XSDT", 8, tables, 2);
	return (w.full ? -ENOSPC : 0);
}

void
acpi_rsdp(const struct acpi_spec *s, const struct acpi_blob *b, uint8_t out[36])
{
	uint32_t rsdt = (uint32_t)(s->base + b->rsdt), len = 36;
	uint64_t xsdt = s->base + b->xsdt;

	memset(out, 0, 36);
	memcpy(out, "RSD PTR ", 8);
	memcpy(out + 9, "SMBOX ", 6);
	out[15] = 2;
	memcpy(out + 16, &rsdt, 4);
	memcpy(out + 20, &len, 4);
	memcpy(out + 24, &xsdt, 8);
	out[8] = checksum(out, 20);
	out[32] = checksum(out, 36);
}

struct acpi_spec
acpi_spec_for(const struct gmem *m, unsigned cpus, bool display, uint64_t base)
{
	return ((struct acpi_spec){.cpus = cpus, .base = base, .display = display,
	    .pci_window = gmem_low_top(m) <= 0x80000000 ? 0x80000000 : GMEM_HOLE,
	    .pci_window_end = 0xfec00000});
}

uint64_t
acpi_install(struct gmem *m, unsigned cpus, bool display)
{
	struct acpi_spec s = acpi_spec_for(m, cpus, display, TABLES_AT);
	struct acpi_blob b;
	uint8_t rsdp[36];

	if (acpi_build(&s, &b) != 0)
		return (0);
	acpi_rsdp(&s, &b, rsdp);
	if (gmem_write(m, RSDP_AT, rsdp, sizeof(rsdp)) != 0 ||
	    gmem_write(m, TABLES_AT, b.bytes, b.len) != 0)
		return (0);
	return (RSDP_AT);
}

/* ---- the linker script ---- */

struct link_cmd {
	uint32_t command;
	union {
		struct {
			char file[56];
			uint32_t align;
			uint8_t zone;
		} __attribute__((packed)) alloc;
		struct {
			char dest[56], src[56];
			uint32_t offset;
			uint8_t size;
		} __attribute__((packed)) pointer;
		struct {
			char file[56];
			uint32_t offset, start, len;
		} __attribute__((packed)) sum;
		uint8_t pad[124];
	};
} __attribute__((packed));
_Static_assert(sizeof(struct link_cmd) == 128, "a linker command is 128 bytes");

enum { LINK_ALLOCATE = 1, LINK_POINTER, LINK_CHECKSUM, LINK_MAX = 64 };
static const char file_tables[] = "etc/acpi/tables", file_rsdp[] = "etc/acpi/rsdp";

struct script {
	struct link_cmd cmd[LINK_MAX];
	unsigned n;
};

static struct link_cmd *
script_next(struct script *s, uint32_t command)
{
	struct link_cmd *c = &s->cmd[s->n < LINK_MAX - 1 ? s->n++ : s->n];

	memset(c, 0, sizeof(*c));
	c->command = command;
	return (c);
}

static void
script_alloc(struct script *s, const char *file, uint32_t align, uint8_t zone)
{
	struct link_cmd *c = script_next(s, LINK_ALLOCATE);

	(void)snprintf(c->alloc.file, sizeof(c->alloc.file), "%s", file);
	c->alloc.align = align;
	c->alloc.zone = zone;
}

static void
script_pointer(struct script *s, const char *dest, uint32_t offset, uint8_t size)
{
	struct link_cmd *c = script_next(s, LINK_POINTER);

	(void)snprintf(c->pointer.dest, sizeof(c->pointer.dest), "%s", dest);
	(void)snprintf(c->pointer.src, sizeof(c->pointer.src), "%s", file_tables);
	c->pointer.offset = offset;
	c->pointer.size = size;
}

static void
script_sum(struct script *s, const char *file, uint32_t at, uint32_t start, uint32_t len)
{
	struct link_cmd *c = script_next(s, LINK_CHECKSUM);

	(void)snprintf(c->sum.file, sizeof(c->sum.file), "%s", file);
	c->sum.offset = at;
	c->sum.start = start;
	c->sum.len = len;
}

int
acpi_publish(struct device *fwcfg, const struct acpi_spec *s)
{
	struct acpi_blob b;
	struct script sc = {.n = 0};
	uint8_t rsdp[36];
	int rc;

	if ((rc = acpi_build(s, &b)) != 0)
		return (rc);
	acpi_rsdp(s, &b, rsdp);
	/* Checksums are summed up anew: they start as zero. */
	rsdp[8] = rsdp[32] = 0;
	script_alloc(&sc, file_rsdp, 16, 2);
	script_alloc(&sc, file_tables, 64, 1);
	for (unsigned i = 0; i < b.nfixups; i++)
		script_pointer(&sc, file_tables, b.fixup[i].at, b.fixup[i].size);
	for (unsigned i = 0; i < b.nsums; i++) {
		b.bytes[b.sum[i].at] = 0;
		script_sum(&sc, file_tables, b.sum[i].at, b.sum[i].start, b.sum[i].len);
	}
	script_pointer(&sc, file_rsdp, 16, 4);
	script_pointer(&sc, file_rsdp, 24, 8);
	script_sum(&sc, file_rsdp, 8, 0, 20);
	script_sum(&sc, file_rsdp, 32, 0, 36);
	if ((rc = fwcfg_add_file(fwcfg, file_rsdp, rsdp, sizeof(rsdp))) != 0 ||
	    (rc = fwcfg_add_file(fwcfg, file_tables, b.bytes, b.len)) != 0)
		return (rc);
	return (fwcfg_add_file(fwcfg, "etc/table-loader", sc.cmd, sc.n * sizeof(sc.cmd[0])));
}
