/* SPDX-License-Identifier: MIT */
/*
 * PIIX3 IDE, function 00:01.1: two channels, two units each, disks and CD-ROMs, programmed I/O.
 *
 *	command --> [ execute ] --> data phase (512 or 2048 bytes at a time through the buffer) --> IRQ 14/15
 *
 * For firmware, installers and systems without virtio; there is no bus mastering (interface bit 7 is
 * clear), so every system uses PIO.  Reads and writes of the backend happen inside the guest's
 * access: a slow disk slows that guest alone.
 *
 * Every register access indexes fixed arrays by fields that are bounded here: pos <= len <= BUFFER, and a
 * transfer's sectors are held against the disk before the first byte moves.
 *
 * Facts: ATA/ATAPI-6, chapters 7 and 8; MMC-3 for the packet commands.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/vmx/blk.h"
#include "smartbox/vmx/ide.h"
#include "smartbox/vmx/pci.h"

enum { CHANNELS = 2, UNITS = 4, BUFFER = 65536, SECTOR = 512, CD_SECTOR = 2048 };
enum { ST_ERR = 1, ST_DRQ = 8, ST_SEEK = 0x10, ST_READY = 0x40, ST_BUSY = 0x80 };
enum { ERR_ABORT = 4, ERR_ID = 0x10 };
enum { DEV_SLAVE = 0x10, DEV_LBA = 0x40, CTL_NO_IRQ = 2, CTL_RESET = 4 };
enum { SENSE_NONE = 0, SENSE_NOT_READY = 2, SENSE_ILLEGAL = 5 };
enum phase { IDLE, DATA_IN, DATA_OUT, PACKET };

struct ide_unit {
	uint8_t error, count[2], lba[3][2], status, phase; /* [0] newest, [1] before it */
	uint8_t sense, asc, multiple, features;
	uint32_t pos, len;     /* of the buffer */
	uint64_t at;	       /* next sector of the transfer */
	uint32_t left;	       /* sectors still to come */
	uint32_t block_bytes;  /* bytes between two interrupts */
	uint8_t command, lba48, reserved[6];
};

struct ide {
	struct pci_fn pci;
	struct ide_state {
		uint8_t device[CHANNELS], control[CHANNELS], irq[CHANNELS], reserved[2];
		struct ide_unit u[UNITS];
		uint8_t buffer[CHANNELS][BUFFER];
	} s;
	struct blk_backend *disk[UNITS]; /* NULL: nobody there */
	bool cd[UNITS];
	char serial[UNITS][21];
};

static unsigned
selected(const struct ide *d, unsigned ch)
{
	return (ch * 2 + ((d->s.device[ch] & DEV_SLAVE) != 0));
}

static void
irq_set(struct ide *d, unsigned ch, bool on)
{
	d->s.irq[ch] = on;
	board_irq(d->pci.dev.board, 14 + ch, 0, on && (d->s.control[ch] & CTL_NO_IRQ) == 0);
}

static void
finish(struct ide *d, unsigned n, uint8_t error)
{
	struct ide_unit *u = &d->s.u[n];

	u->phase = IDLE;
	u->pos = u->len = 0;
	u->error = error;
	u->status = ST_READY | ST_SEEK | (error != 0 ? ST_ERR : 0);
	irq_set(d, n / 2, true);
}

/* The guest may move len bytes through the data register. */
static void
offer(struct ide *d, unsigned n, enum phase phase, uint32_t len, bool irq)
{
	struct ide_unit *u = &d->s.u[n];

	u->phase = (uint8_t)phase;
	u->pos = 0;
	u->len = len;
	u->status = ST_READY | ST_SEEK | ST_DRQ;
	u->error = 0;
	if (irq)
		irq_set(d, n / 2, true);
}

/* ---- the signature that tells a disk from a packet device ---- */

static void
signature(struct ide *d, unsigned n)
{
	struct ide_unit *u = &d->s.u[n];

	memset(u, 0, sizeof(*u));
	u->error = 1; /* diagnostics passed */
	u->count[0] = u->lba[0][0] = 1;
	if (d->cd[n]) {
		u->lba[1][0] = 0x14;
		u->lba[2][0] = 0xeb;
	}
	u->status = d->disk[n] == NULL ? 0 : d->cd[n] ? 0 : ST_READY | ST_SEEK;
}

/* ---- IDENTIFY ---- */

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

static void
identify_common(struct ide *d, unsigned n, uint8_t *b, const char *model)
{
	memset(b, 0, SECTOR);
	put_text(b, 10, 20, d->serial[n]);
	put_text(b, 23, 8, "1.0");
	put_text(b, 27, 40, model);
	put16(b, 49, 0x0200); /* LBA */
	put16(b, 51, 0x0200);
	put16(b, 53, 0x0002);
	put16(b, 64, 0x0003); /* PIO 3 and 4 */
	put16(b, 67, 120);
	put16(b, 68, 120);
	put16(b, 80, 0x007e);
}

static void
identify_disk(struct ide *d, unsigned n, uint8_t *b)
{
	uint64_t sectors = d->disk[n]->size / SECTOR;
	uint32_t small = sectors < 0x0fffffff ? (uint32_t)sectors : 0x0fffffff;
	uint64_t cylinders = sectors / (16 * 63);

	identify_common(d, n, b, "SMARTBOX DISK");
	put16(b, 0, 0x0040);
	put16(b, 1, cylinders > 16383 ? 16383 : (unsigned)cylinders);
	put16(b, 3, 16);
	put16(b, 6, 63);
	put16(b, 47, 0x8010);
	put16(b, 59, d->s.u[n].multiple != 0 ? 0x100U | d->s.u[n].multiple : 0);
	put16(b, 60, small & 0xffff);
	put16(b, 61, small >> 16);
	put16(b, 83, 0x7400); /* flush, flush ext, 48-bit */
	put16(b, 84, 0x4000);
	put16(b, 86, 0x3400);
	put16(b, 87, 0x4000);
	for (unsigned i = 0; i < 4; i++)
		put16(b, 100 + i, (unsigned)(sectors >> 16 * i) & 0xffff);
}

static void
identify_cd(struct ide *d, unsigned n, uint8_t *b)
{
	identify_common(d, n, b, "SMARTBOX CD-ROM");
	put16(b, 0, 0x8580); /* packet device, CD, removable, 12-byte packets */
}

/* ---- disk transfers ---- */

static uint64_t
task_lba(const struct ide_unit *u, uint8_t device, bool ext)
{
	uint64_t lba = u->lba[0][0] | u->lba[1][0] << 8 | (uint32_t)u->lba[2][0] << 16;

	if (!ext)
		return (lba | (uint64_t)(device & 15) << 24);
	return (lba | (uint64_t)u->lba[0][1] << 24 | (uint64_t)u->lba[1][1] << 32 |
	    (uint64_t)u->lba[2][1] << 40);
}

/* Cylinder, head, sector of the geometry that IDENTIFY tells. */
static uint64_t
task_chs(const struct ide_unit *u, uint8_t device)
{
	uint64_t cylinder = u->lba[1][0] | u->lba[2][0] << 8;
	unsigned sector = u->lba[0][0] != 0 ? u->lba[0][0] - 1U : 0;

	return ((cylinder * 16 + (device & 15)) * 63 + sector);
}

static uint32_t
task_count(const struct ide_unit *u, bool ext)
{
	uint32_t n = ext ? u->count[0] | (uint32_t)u->count[1] << 8 : u->count[0];

	return (n != 0 ? n : ext ? 65536 : 256);
}

static bool
transfer_begin(struct ide *d, unsigned n, bool ext, uint32_t per_block)
{
	struct ide_unit *u = &d->s.u[n];
	uint8_t device = d->s.device[n / 2];
	uint64_t sectors = d->disk[n]->size / SECTOR;

	u->at = (device & DEV_LBA) != 0 || ext ? task_lba(u, device, ext) : task_chs(u, device);
	u->left = task_count(u, ext);
	u->block_bytes = per_block * SECTOR;
	return (u->at < sectors && u->left <= sectors - u->at);
}

static uint32_t
block_len(const struct ide_unit *u)
{
	uint64_t want = (uint64_t)u->left * SECTOR;

	return (want < u->block_bytes ? (uint32_t)want : u->block_bytes);
}

static int
buffer_io(struct ide *d, unsigned n, uint32_t len, unsigned unit_bytes, bool write)
{
	struct iovec iov = {d->s.buffer[n / 2], len};
	struct blk_backend *b = d->disk[n];
	uint64_t off = d->s.u[n].at * unit_bytes;

	return (write ? b->ops->writev(b, &iov, 1, off) : b->ops->readv(b, &iov, 1, off));
}

static void
read_next(struct ide *d, unsigned n)
{
	struct ide_unit *u = &d->s.u[n];
	uint32_t len = block_len(u);

	if (buffer_io(d, n, len, SECTOR, false) != 0) {
		finish(d, n, ERR_ABORT);
		return;
	}
	u->at += len / SECTOR;
	u->left -= len / SECTOR;
	offer(d, n, DATA_IN, len, true);
}

static void
write_done(struct ide *d, unsigned n)
{
	struct ide_unit *u = &d->s.u[n];

	if (buffer_io(d, n, u->len, SECTOR, true) != 0) {
		finish(d, n, ERR_ABORT);
		return;
	}
	u->at += u->len / SECTOR;
	u->left -= u->len / SECTOR;
	if (u->left == 0)
		finish(d, n, 0);
	else
		offer(d, n, DATA_OUT, block_len(u), true);
}

static void
do_read(struct ide *d, unsigned n, bool ext, uint32_t per_block)
{
	if (transfer_begin(d, n, ext, per_block))
		read_next(d, n);
	else
		finish(d, n, ERR_ID | ERR_ABORT);
}

static void
do_write(struct ide *d, unsigned n, bool ext, uint32_t per_block)
{
	if (d->disk[n]->readonly)
		finish(d, n, ERR_ABORT);
	else if (transfer_begin(d, n, ext, per_block))
		offer(d, n, DATA_OUT, block_len(&d->s.u[n]), false);
	else
		finish(d, n, ERR_ID | ERR_ABORT);
}

/* ---- packet commands of the CD ---- */

static void
packet_fail(struct ide *d, unsigned n, uint8_t sense, uint8_t asc)
{
	struct ide_unit *u = &d->s.u[n];

	u->sense = sense;
	u->asc = asc;
	finish(d, n, (uint8_t)(sense << 4 | ERR_ABORT));
	u->count[0] = 3;
}

static void
packet_done(struct ide *d, unsigned n)
{
	d->s.u[n].sense = SENSE_NONE;
	finish(d, n, 0);
	d->s.u[n].count[0] = 3; /* status */
}

/* Send len bytes of the buffer, in pieces of at most what the guest asked for. */
static void
packet_send(struct ide *d, unsigned n, uint32_t len)
{
	struct ide_unit *u = &d->s.u[n];

	offer(d, n, DATA_IN, len, true);
	u->lba[1][0] = (uint8_t)len;
	u->lba[2][0] = (uint8_t)(len >> 8);
	u->count[0] = 2; /* to the host */
}

static uint32_t
be32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
cd_read_next(struct ide *d, unsigned n)
{
	struct ide_unit *u = &d->s.u[n];

	if (buffer_io(d, n, CD_SECTOR, CD_SECTOR, false) != 0) {
		packet_fail(d, n, 3, 0x11);
		return;
	}
	u->at++;
	u->left--;
	packet_send(d, n, CD_SECTOR);
}

static void
cd_read(struct ide *d, unsigned n, uint32_t lba, uint32_t count)
{
	struct ide_unit *u = &d->s.u[n];
	uint64_t sectors = d->disk[n]->size / CD_SECTOR;

	if (lba > sectors || count > sectors - lba) {
		packet_fail(d, n, SENSE_ILLEGAL, 0x21);
		return;
	}
	u->at = lba;
	u->left = count;
	if (count == 0)
		packet_done(d, n);
	else
		cd_read_next(d, n);
}

/* Answers that are bytes in the buffer: returns their number, 0 for an unknown command. */
static uint32_t
cd_answer(struct ide *d, unsigned n, const uint8_t *cdb, uint8_t *b)
{
	uint32_t sectors = (uint32_t)(d->disk[n]->size / CD_SECTOR);

	switch (cdb[0]) {
	case 0x03: /* REQUEST SENSE */
		b[0] = 0x70;
		b[2] = d->s.u[n].sense;
		b[7] = 10;
		b[12] = d->s.u[n].asc;
		return (18);
	case 0x12: /* INQUIRY */
		b[0] = 5;
		b[1] = 0x80;
		b[3] = 0x21;
		b[4] = 31;
		memcpy(b + 8, "SMARTBOXCD-ROM          1.0 ", 28);
		return (36);
	case 0x25: /* READ CAPACITY */
		put_be32(b, sectors != 0 ? sectors - 1 : 0);
		put_be32(b + 4, CD_SECTOR);
		return (8);
	case 0x43: /* READ TOC: one data track and the lead-out */
		b[1] = 18;
		b[2] = b[3] = 1;
		b[5] = 0x14;
		b[6] = 1;
		b[13] = 0x14;
		b[14] = 0xaa;
		put_be32(b + 16, sectors);
		return (20);
	case 0x46: /* GET CONFIGURATION: CD-ROM profile */
		b[3] = 4;
		b[7] = 8;
		return (8);
	case 0x4a: /* GET EVENT STATUS */
		b[1] = 4;
		b[2] = 0x80;
		return (4);
	case 0x5a: /* MODE SENSE (10) */
		b[1] = 6;
		b[2] = 1;
		return (8);
	}
	return (0);
}

static uint32_t
cd_allocation(const uint8_t *cdb)
{
	switch (cdb[0]) {
	case 0x03:
	case 0x12:
		return (cdb[4]);
	case 0x25:
		return (8);
	}
	return ((uint32_t)cdb[7] << 8 | cdb[8]);
}

static void
packet_run(struct ide *d, unsigned n)
{
	uint8_t cdb[12], *b = d->s.buffer[n / 2];
	uint32_t len, room;

	memcpy(cdb, b, sizeof(cdb));
	switch (cdb[0]) {
	case 0x00: /* TEST UNIT READY */
	case 0x1b: /* START STOP */
	case 0x1e: /* PREVENT */
		packet_done(d, n);
		return;
	case 0x28:
		cd_read(d, n, be32(cdb + 2), (uint32_t)cdb[7] << 8 | cdb[8]);
		return;
	case 0xa8:
		cd_read(d, n, be32(cdb + 2), be32(cdb + 6));
		return;
	}
	memset(b, 0, 64);
	len = cd_answer(d, n, cdb, b);
	room = cd_allocation(cdb);
	if (len == 0)
		packet_fail(d, n, SENSE_ILLEGAL, 0x20);
	else if (room == 0)
		packet_done(d, n);
	else
		packet_send(d, n, len < room ? len : room);
}

/* ---- commands ---- */

static void
cd_command(struct ide *d, unsigned n, uint8_t c)
{
	switch (c) {
	case 0xa0:
		offer(d, n, PACKET, 12, false);
		d->s.u[n].count[0] = 1; /* command */
		break;
	case 0xa1:
		identify_cd(d, n, d->s.buffer[n / 2]);
		offer(d, n, DATA_IN, SECTOR, true);
		break;
	case 0x08: /* DEVICE RESET */
		signature(d, n);
		break;
	case 0xec: /* IDENTIFY DEVICE: refused, with the signature */
		signature(d, n);
		finish(d, n, ERR_ABORT);
		break;
	case 0xef:
	case 0xe1:
		finish(d, n, 0);
		break;
	default:
		finish(d, n, ERR_ABORT);
	}
}

static void
set_multiple(struct ide *d, unsigned n)
{
	uint8_t m = d->s.u[n].count[0];

	if (m > 16 || (m & (m - 1)) != 0) {
		finish(d, n, ERR_ABORT);
		return;
	}
	d->s.u[n].multiple = m;
	finish(d, n, 0);
}

static void
disk_command(struct ide *d, unsigned n, uint8_t c)
{
	uint32_t multiple = d->s.u[n].multiple != 0 ? d->s.u[n].multiple : 1;

	switch (c) {
	case 0x20:
	case 0x21: do_read(d, n, false, 1); break;
	case 0x24: do_read(d, n, true, 1); break;
	case 0xc4: do_read(d, n, false, multiple); break;
	case 0x29: do_read(d, n, true, multiple); break;
	case 0x30:
	case 0x31: do_write(d, n, false, 1); break;
	case 0x34: do_write(d, n, true, 1); break;
	case 0xc5: do_write(d, n, false, multiple); break;
	case 0x39: do_write(d, n, true, multiple); break;
	case 0xc6: set_multiple(d, n); break;
	case 0xe7:
	case 0xea: finish(d, n, d->disk[n]->ops->flush(d->disk[n]) != 0 ? ERR_ABORT : 0); break;
	case 0xec:
		identify_disk(d, n, d->s.buffer[n / 2]);
		offer(d, n, DATA_IN, SECTOR, true);
		break;
	case 0x10: /* RECALIBRATE */
	case 0x40: /* READ VERIFY */
	case 0x70: /* SEEK */
	case 0x91: /* INITIALIZE PARAMETERS */
	case 0xe0:
	case 0xe1:
	case 0xe3:
	case 0xef: /* SET FEATURES */
		finish(d, n, 0);
		break;
	default:
		finish(d, n, ERR_ABORT);
	}
}

static void
command(struct ide *d, unsigned ch, uint8_t c)
{
	unsigned n = selected(d, ch);

	if (c == 0x90) { /* DIAGNOSTIC: both units answer */
		signature(d, ch * 2);
		signature(d, ch * 2 + 1);
		d->s.device[ch] = 0;
		irq_set(d, ch, true);
		return;
	}
	if (d->disk[n] == NULL)
		return;
	irq_set(d, ch, false);
	d->s.u[n].command = c;
	if (d->cd[n])
		cd_command(d, n, c);
	else
		disk_command(d, n, c);
}

/* ---- the data register ---- */

static void
data_read_done(struct ide *d, unsigned n)
{
	struct ide_unit *u = &d->s.u[n];

	if (d->cd[n]) {
		if (u->left > 0)
			cd_read_next(d, n);
		else if (u->command == 0xa0)
			packet_done(d, n);
		else
			u->phase = IDLE, u->status = ST_READY | ST_SEEK;
	} else if (u->left > 0) {
		read_next(d, n);
	} else {
		u->phase = IDLE;
		u->status = ST_READY | ST_SEEK;
	}
}

static uint64_t
data_in(struct ide *d, unsigned ch, unsigned size)
{
	unsigned n = selected(d, ch);
	struct ide_unit *u = &d->s.u[n];
	uint64_t v = 0;

	if (u->phase != DATA_IN || u->pos + size > BUFFER || u->pos >= u->len)
		return (~0ULL);
	memcpy(&v, d->s.buffer[ch] + u->pos, size);
	u->pos += size;
	if (u->pos >= u->len)
		data_read_done(d, n);
	return (v);
}

static void
data_out(struct ide *d, unsigned ch, unsigned size, uint64_t v)
{
	unsigned n = selected(d, ch);
	struct ide_unit *u = &d->s.u[n];

	if ((u->phase != DATA_OUT && u->phase != PACKET) || u->pos + size > u->len)
		return;
	memcpy(d->s.buffer[ch] + u->pos, &v, size);
	u->pos += size;
	if (u->pos < u->len)
		return;
	if (u->phase == PACKET)
		packet_run(d, n);
	else
		write_done(d, n);
}

/* ---- registers ---- */

static uint64_t
reg_read(struct ide *d, unsigned ch, uint64_t off, unsigned size)
{
	unsigned n = selected(d, ch);
	const struct ide_unit *u = &d->s.u[n];

	if (off == 0)
		return (data_in(d, ch, size));
	if (d->disk[ch * 2] == NULL && d->disk[ch * 2 + 1] == NULL)
		return (0xff); /* nothing on the cable */
	if (d->disk[n] == NULL)
		return (off == 6 ? d->s.device[ch] : 0);
	switch (off) {
	case 1: return (u->error);
	case 2: return (u->count[0]);
	case 3:
	case 4:
	case 5: return (u->lba[off - 3][0]);
	case 6: return (d->s.device[ch] | 0xa0);
	}
	irq_set(d, ch, false);
	return (u->status);
}

/* Task file writes go to both units, and push the older value back for 48-bit commands. */
static void
task_write(struct ide *d, unsigned ch, uint64_t off, uint8_t v)
{
	for (unsigned n = ch * 2; n < ch * 2 + 2; n++) {
		struct ide_unit *u = &d->s.u[n];
		uint8_t *r = off == 2 ? u->count : u->lba[off - 3];

		r[1] = r[0];
		r[0] = v;
	}
}

static void
reg_write(struct ide *d, unsigned ch, uint64_t off, unsigned size, uint64_t v)
{
	switch (off) {
	case 0:
		data_out(d, ch, size, v);
		break;
	case 1:
		d->s.u[ch * 2].features = d->s.u[ch * 2 + 1].features = (uint8_t)v;
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		task_write(d, ch, off, (uint8_t)v);
		break;
	case 6:
		d->s.device[ch] = (uint8_t)v;
		break;
	case 7:
		command(d, ch, (uint8_t)v);
	}
}

static void
control_write(struct ide *d, unsigned ch, uint8_t v)
{
	if ((v & CTL_RESET) != 0 && (d->s.control[ch] & CTL_RESET) == 0) {
		signature(d, ch * 2);
		signature(d, ch * 2 + 1);
		d->s.device[ch] = 0;
		d->s.irq[ch] = 0;
	}
	d->s.control[ch] = v;
	irq_set(d, ch, d->s.irq[ch]);
}

static uint64_t
control_read(struct ide *d, unsigned ch)
{
	unsigned n = selected(d, ch);

	if (d->disk[ch * 2] == NULL && d->disk[ch * 2 + 1] == NULL)
		return (0xff);
	return (d->disk[n] != NULL ? d->s.u[n].status : 0);
}

#define CHANNEL(ch)                                                                                \
	static uint64_t reg_read_##ch(struct device *d, uint64_t off, unsigned size)               \
	{                                                                                          \
		return (reg_read((struct ide *)d, ch, off, size));                                 \
	}                                                                                          \
	static void reg_write_##ch(struct device *d, uint64_t off, unsigned size, uint64_t v)      \
	{                                                                                          \
		reg_write((struct ide *)d, ch, off, size, v);                                      \
	}                                                                                          \
	static uint64_t control_read_##ch(struct device *d, uint64_t off, unsigned size)           \
	{                                                                                          \
		(void)off;                                                                         \
		(void)size;                                                                        \
		return (control_read((struct ide *)d, ch));                                        \
	}                                                                                          \
	static void control_write_##ch(struct device *d, uint64_t off, unsigned size, uint64_t v)  \
	{                                                                                          \
		(void)off;                                                                         \
		(void)size;                                                                        \
		control_write((struct ide *)d, ch, (uint8_t)v);                                    \
	}                                                                                          \
	static const struct bus_ops regs_##ch = {reg_read_##ch, reg_write_##ch};                   \
	static const struct bus_ops control_##ch = {control_read_##ch, control_write_##ch};
CHANNEL(0)
CHANNEL(1)

/* ---- life ---- */

static void
ide_reset(struct device *dev)
{
	struct ide *d = (struct ide *)dev;

	pci_fn_reset(&d->pci);
	memset(&d->s, 0, sizeof(d->s));
	for (unsigned n = 0; n < UNITS; n++)
		signature(d, n);
	irq_set(d, 0, false);
	irq_set(d, 1, false);
}

static bool
unit_is_sane(const struct ide *d, unsigned n)
{
	const struct ide_unit *u = &d->s.u[n];
	uint64_t sectors = d->disk[n] == NULL ? 0 : d->disk[n]->size / (d->cd[n] ? CD_SECTOR : SECTOR);

	return (u->pos <= u->len && u->len <= BUFFER && u->phase <= PACKET && u->multiple <= 16 &&
	    u->block_bytes <= 16 * SECTOR && u->at <= sectors && u->left <= sectors - u->at &&
	    (u->left == 0 || d->cd[n] || u->block_bytes >= SECTOR) &&
	    (u->phase == IDLE || d->disk[n] != NULL));
}

static int
ide_loaded(struct device *dev, struct err *e)
{
	struct ide *d = (struct ide *)dev;
	int rc;

	for (unsigned n = 0; n < UNITS; n++) {
		if (!unit_is_sane(d, n))
			return (err_set(e, EINVAL, "%s: a transfer that cannot be", dev->name));
	}
	if ((rc = pci_fn_loaded(&d->pci, e)) != 0)
		return (rc);
	irq_set(d, 0, d->s.irq[0] != 0);
	irq_set(d, 1, d->s.irq[1] != 0);
	return (0);
}

static void
ide_free(struct device *dev)
{
	struct ide *d = (struct ide *)dev;

	for (unsigned n = 0; n < UNITS; n++) {
		if (d->disk[n] != NULL)
			d->disk[n]->ops->close(d->disk[n]);
	}
	free(d);
}

static const struct device_class ide_class = {
    .kind = "piix3-ide",
    .version = 1,
    .state = {DEVICE_STATE(struct ide, pci.s), DEVICE_STATE(struct ide, s)},
    .reset = ide_reset,
    .loaded = ide_loaded,
    .free = ide_free,
};

int
ide_new(struct board *b, const struct ide_spec spec[4], struct err *e)
{
	static const struct pci_ident id = {.vendor = 0x8086, .device = 0x7010, .subvendor = 0x1af4,
	    .subsystem = 0x1100, .class_rev = 0x01010000, .header = 0x80};
	struct ide *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	for (unsigned n = 0; n < UNITS; n++) {
		d->disk[n] = spec[n].disk;
		d->cd[n] = spec[n].cd;
		(void)snprintf(d->serial[n], sizeof(d->serial[n]), "%s",
		    spec[n].serial != NULL ? spec[n].serial : "");
	}
	pci_init(&d->pci, PCI_DEVFN(1, 1), &id);
	d->pci.reset_cfg[0x41] = d->pci.reset_cfg[0x43] = 0x80; /* both channels decode */
	memset(d->pci.wmask + 0x40, 0xff, 8);
	if ((rc = pci_add(b, &d->pci, &ide_class, "ide", e)) != 0)
		return (rc);
	if (bus_add(b->pio, 0x1f0, 8, &d->pci.dev, &regs_0) != 0 ||
	    bus_add(b->pio, 0x170, 8, &d->pci.dev, &regs_1) != 0 ||
	    bus_add(b->pio, 0x3f6, 1, &d->pci.dev, &control_0) != 0 ||
	    bus_add(b->pio, 0x376, 1, &d->pci.dev, &control_1) != 0)
		return (err_set(e, EEXIST, "the disk controller's ports are taken"));
	return (0);
}
