/* SPDX-License-Identifier: MIT */
/*
 * IDENTIFY DEVICE and IDENTIFY PACKET DEVICE: 256 little-endian words.
 *
 * Facts: ATA/ATAPI-6, 8.15 and 8.16.
 */
#include <string.h>

#include "ata_impl.h"

static void
put16(uint8_t *b, unsigned word, unsigned v)
{
	b[word * 2] = (uint8_t)v;
	b[word * 2 + 1] = (uint8_t)(v >> 8);
}

/* Strings are byte-swapped and padded with blanks. */
static void
put_text(uint8_t *b, unsigned word, unsigned len, const char *text)
{
	size_t have = strlen(text);

	for (unsigned i = 0; i < len; i++)
		b[word * 2 + (i ^ 1)] = (uint8_t)(i < have ? text[i] : ' ');
}

/* The bit of the chosen mode, in the high byte beside those that there are. */
static unsigned
chosen(uint8_t mode, uint8_t kind)
{
	return ((mode & 0xf8) == kind ? 0x100U << (mode & 7) : 0);
}

static void
identify_common(const struct ata_who *w, uint8_t *b, const char *model)
{
	memset(b, 0, ATA_SECTOR);
	put_text(b, 10, 20, w->serial);
	put_text(b, 23, 8, "1.0");
	put_text(b, 27, 40, model);
	put16(b, 49, 0x0300); /* LBA, DMA */
	put16(b, 51, 0x0200);
	put16(b, 53, w->ultra ? 0x0006 : 0x0002);
	put16(b, 63, 0x0007 | chosen(w->mode, 0x20));
	put16(b, 64, 0x0003); /* PIO 3 and 4 */
	for (unsigned i = 65; i <= 68; i++)
		put16(b, i, 120);
	put16(b, 80, 0x007e);
	if (w->ultra)
		put16(b, 88, 0x003f | chosen(w->mode, 0x40));
}

void
ata_identify_disk(const struct ata_who *w, uint8_t *b)
{
	uint64_t sectors = w->disk->size / ATA_SECTOR;
	uint32_t small = sectors < 0x0fffffff ? (uint32_t)sectors : 0x0fffffff;
	uint64_t cylinders = sectors / (16 * 63);

	identify_common(w, b, "SMARTBOX DISK");
	put16(b, 0, 0x0040);
	put16(b, 1, cylinders > 16383 ? 16383 : (unsigned)cylinders);
	put16(b, 3, 16);
	put16(b, 6, 63);
	put16(b, 47, 0x8010);
	put16(b, 59, w->multiple != 0 ? 0x100U | w->multiple : 0);
	put16(b, 60, small & 0xffff);
	put16(b, 61, small >> 16);
	put16(b, 83, 0x7400); /* flush, flush ext, 48-bit */
	put16(b, 84, 0x4000);
	put16(b, 86, 0x3400);
	put16(b, 87, 0x4000);
	for (unsigned i = 0; i < 4; i++)
		put16(b, 100 + i, (unsigned)(sectors >> 16 * i) & 0xffff);
}

void
ata_identify_cd(const struct ata_who *w, uint8_t *b)
{
	identify_common(w, b, "SMARTBOX CD-ROM");
	put16(b, 0, 0x8580); /* packet device, CD, removable, 12-byte packets */
}
