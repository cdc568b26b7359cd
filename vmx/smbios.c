/* SPDX-License-Identifier: MIT */
/*
 * SMBIOS: the machine's name for itself.
 *
 *	type 1 system    what SmartOS's guests look for: manufacturer "Joyent", product "SmartDC HVM", the uuid, and
 *			 the uuid again as serial number (cloud-init finds its metadata by these)
 *	type 3 chassis   "other"
 *	type 127 end
 *
 * With firmware it goes through fw_cfg (SeaBIOS adds type 0 and sets the address); without, the entry lies at
 * f0000, where kernels look.
 *
 * Facts: SMBIOS 2.8 (DMTF DSP0134), sections 5.2.1, 7.2, 7.4, 7.45.
 */
#include <stdio.h>
#include <string.h>

#include "smartbox/vmx/boot.h"
#include "smartbox/vmx/isa.h"

enum { ENTRY = 31, TABLES_MAX = 256, AT_ENTRY = 0xf0000, AT_TABLES = 0xf0020, SUM_AT = 4, DMI_AT = 16,
	DMI_SUM_AT = 21, LEN_AT = 22, ADDR_AT = 24, COUNT_AT = 28 };

struct tables {
	uint8_t b[TABLES_MAX];
	unsigned len, count, largest;
};

/* A structure: its fixed part, then its strings, then a zero. */
static void
add(struct tables *t, const uint8_t *fixed, unsigned len, const char *const *strings)
{
	unsigned start = t->len;

	memcpy(t->b + t->len, fixed, len);
	t->len += len;
	for (; *strings != NULL; strings++) {
		size_t n = strlen(*strings) + 1;

		memcpy(t->b + t->len, *strings, n);
		t->len += (unsigned)n;
	}
	t->len += t->len == start + len ? 2 : 1; /* zeros already */
	t->count++;
	if (t->len - start > t->largest)
		t->largest = t->len - start;
}

static bool
is_zero(const uint8_t uuid[16])
{
	static const uint8_t zero[16];

	return (memcmp(uuid, zero, 16) == 0);
}

/* Its first three fields are little-endian here. */
static void
put_uuid(uint8_t *to, const uint8_t u[16])
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

	for (unsigned i = 0; i < 16; i++)
		to[i] = u[order[i]];
}

static void
format_uuid(char text[37], const uint8_t u[16])
{
	char *p = text;

	for (unsigned i = 0; i < 16; i++)
		p += snprintf(p, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

static void
build(struct tables *t, const uint8_t uuid[16])
{
	uint8_t system[27] = {1, 27, 0, 1, 1, 2, 3, 4, [24] = 6 /* power switch */, 5, 6};
	uint8_t chassis[13] = {3, 13, 1, 3, 1, 1 /* other */, 0, 0, 0, 3, 3, 3, 2};
	uint8_t end[4] = {127, 4, 2, 127};
	char serial[37] = "none";
	const char *const of_system[] = {"Joyent", "SmartDC HVM", "7.x", serial, "001", "Virtual Machine", NULL};
	const char *const of_chassis[] = {"Joyent", NULL}, *const none[] = {NULL};

	memset(t, 0, sizeof(*t));
	if (!is_zero(uuid)) {
		format_uuid(serial, uuid);
		put_uuid(system + 8, uuid);
	}
	add(t, system, sizeof(system), of_system);
	add(t, chassis, sizeof(chassis), of_chassis);
	add(t, end, sizeof(end), none);
}

static uint8_t
sum(const uint8_t *p, unsigned n)
{
	uint8_t s = 0;

	while (n-- > 0)
		s = (uint8_t)(s + *p++);
	return (s);
}

static void
entry_make(uint8_t e[ENTRY], const struct tables *t)
{
	uint32_t addr = AT_TABLES;

	memset(e, 0, ENTRY);
	memcpy(e, "_SM_\0\x1f\2\x8", 8);
	e[8] = (uint8_t)t->largest;
	e[9] = (uint8_t)(t->largest >> 8);
	memcpy(e + DMI_AT, "_DMI_", 5);
	e[LEN_AT] = (uint8_t)t->len;
	e[LEN_AT + 1] = (uint8_t)(t->len >> 8);
	memcpy(e + ADDR_AT, &addr, 4);
	e[COUNT_AT] = (uint8_t)t->count;
	e[30] = 0x28;
	e[DMI_SUM_AT] = (uint8_t)-sum(e + DMI_AT, ENTRY - DMI_AT);
	e[SUM_AT] = (uint8_t)-sum(e, ENTRY);
}

int
smbios_publish(struct device *fwcfg, const uint8_t uuid[16])
{
	uint8_t e[ENTRY];
	struct tables t;
	int rc;

	build(&t, uuid);
	entry_make(e, &t);
	if ((rc = fwcfg_add_file(fwcfg, "etc/smbios/smbios-anchor", e, sizeof(e))) != 0)
		return (rc);
	return (fwcfg_add_file(fwcfg, "etc/smbios/smbios-tables", t.b, t.len));
}

void
smbios_install(struct gmem *m, const uint8_t uuid[16])
{
	uint8_t e[ENTRY];
	struct tables t;

	build(&t, uuid);
	entry_make(e, &t);
	(void)gmem_write(m, AT_ENTRY, e, sizeof(e));
	(void)gmem_write(m, AT_TABLES, t.b, t.len);
}
