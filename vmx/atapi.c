/* SPDX-License-Identifier: MIT */
/*
 * The packet commands of a CD-ROM drive.
 *
 *	packet --> [ atapi_run ] --> done | bytes of an answer | sectors to send | failed (sense)
 *
 * The drive knows neither buffers nor registers: the controller moves what it is told to move.  The guest
 * may eject the medium; it stays out over a reset (an installer ejects the disc so that the next
 * boot is from the disk) until the guest closes the tray or the machine is started anew.
 *
 * Facts: MMC-3, chapter 6; SPC-3 for sense data.
 */
#include <string.h>

#include "ata_impl.h"

enum { SENSE_NONE = 0, SENSE_NOT_READY = 2, SENSE_ILLEGAL = 5, SENSE_ATTENTION = 6 };
enum { ASC_OPCODE = 0x20, ASC_RANGE = 0x21, ASC_CHANGED = 0x28,
	ASC_NO_MEDIUM = 0x3a, ASC_LOCKED = 0x53 };

static uint32_t
be16(const uint8_t *p)
{
	return ((uint32_t)p[0] << 8 | p[1]);
}

static uint32_t
be32(const uint8_t *p)
{
	return (be16(p) << 16 | be16(p + 2));
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Minute, second, frame of a sector, with the two seconds before the first. */
static void
put_msf(uint8_t *p, uint32_t lba)
{
	uint32_t f = lba + 150;

	p[0] = 0;
	p[1] = (uint8_t)(f / (75 * 60));
	p[2] = (uint8_t)(f / 75 % 60);
	p[3] = (uint8_t)(f % 75);
}

void
atapi_fail(struct atapi *a, uint8_t sense, uint8_t asc, struct atapi_reply *r)
{
	a->sense = sense;
	a->asc = asc;
	r->kind = ATAPI_FAILED;
}

static uint32_t
sectors_of(const struct blk_backend *disk)
{
	uint64_t n = disk->size / ATA_CD_SECTOR;

	return (n < UINT32_MAX ? (uint32_t)n : UINT32_MAX);
}

static void
read_sectors(struct atapi *a, const struct blk_backend *disk, uint32_t lba, uint32_t count,
    struct atapi_reply *r)
{
	uint32_t sectors = sectors_of(disk);

	if (lba > sectors || count > sectors - lba) {
		atapi_fail(a, SENSE_ILLEGAL, ASC_RANGE, r);
		return;
	}
	r->kind = count == 0 ? ATAPI_DONE : ATAPI_SECTORS;
	r->at = lba;
	r->count = count;
}

/* START STOP UNIT: bit 1 is about the tray, bit 0 says which way. */
static void
start_stop(struct atapi *a, const uint8_t *cdb, struct atapi_reply *r)
{
	if ((cdb[4] & 2) == 0)
		return;
	if ((cdb[4] & 1) != 0) {
		a->changed |= a->out;
		a->out = 0;
	} else if (a->locked) {
		atapi_fail(a, a->out ? SENSE_NOT_READY : SENSE_ILLEGAL, ASC_LOCKED, r);
	} else {
		a->out = 1;
	}
}

/* ---- answers that are bytes: each returns their number ---- */

static uint32_t
request_sense(struct atapi *a, uint8_t *b)
{
	b[0] = 0x70;
	b[2] = a->sense;
	b[7] = 10;
	b[12] = a->asc;
	a->sense = SENSE_NONE;
	a->asc = 0;
	return (18);
}

static uint32_t
inquiry(uint8_t *b)
{
	b[0] = 5;
	b[1] = 0x80;
	b[3] = 0x21;
	b[4] = 31;
	memcpy(b + 8, "SMARTBOXCD-ROM          1.0 ", 28);
	return (36);
}

static uint32_t
capacity(uint32_t sectors, uint8_t *b)
{
	put_be32(b, sectors != 0 ? sectors - 1 : 0);
	put_be32(b + 4, ATA_CD_SECTOR);
	return (8);
}

static void
put_address(uint8_t *p, uint32_t lba, bool msf)
{
	if (msf)
		put_msf(p, lba);
	else
		put_be32(p, lba);
}

/* One data track and the lead-out; or, format 1, the one session. */
static uint32_t
toc(uint32_t sectors, const uint8_t *cdb, uint8_t *b)
{
	bool msf = (cdb[1] & 2) != 0, session = (cdb[2] & 15) == 1 || cdb[9] >> 6 == 1;

	b[1] = session ? 10 : 18;
	b[2] = b[3] = 1;
	b[5] = 0x14;
	b[6] = 1;
	put_address(b + 8, 0, msf);
	if (session)
		return (12);
	b[13] = 0x14;
	b[14] = 0xaa;
	put_address(b + 16, sectors, msf);
	return (20);
}

/* GET CONFIGURATION: the header, and the profile list with CD-ROM. */
static uint32_t
configuration(const struct atapi *a, uint8_t *b)
{
	b[3] = 12;
	b[7] = a->out ? 0 : 8;
	b[10] = 3; /* persistent, current */
	b[11] = 4;
	b[13] = 8;
	b[14] = a->out ? 0 : 1;
	return (16);
}

/* GET EVENT STATUS NOTIFICATION: the media class alone. */
static uint32_t
event_status(struct atapi *a, uint8_t *b)
{
	b[1] = 6;
	b[2] = 4;
	b[3] = 0x10;
	b[4] = a->changed ? 2 : 0;
	b[5] = a->out ? 1 : 2;
	return (8);
}

/* MODE SENSE (10): the header and, when asked for, the capabilities page. */
static uint32_t
mode_sense(const uint8_t *cdb, uint8_t *b)
{
	unsigned page = cdb[2] & 0x3f;

	b[2] = 1;
	if (page != 0x2a && page != 0x3f) {
		b[1] = 6;
		return (8);
	}
	b[1] = 6 + 20;
	b[8] = 0x2a;
	b[9] = 18;
	b[8 + 4] = 0x10; /* multisession */
	b[8 + 6] = 0x29; /* tray, eject, lock */
	b[8 + 8] = 0x02;
	b[8 + 9] = 0xc2; /* 706 kB/s */
	return (28);
}

static uint32_t
answer_of(struct atapi *a, const struct blk_backend *disk, const uint8_t *cdb, uint8_t *b)
{
	switch (cdb[0]) {
	case 0x03: return (request_sense(a, b));
	case 0x12: return (inquiry(b));
	case 0x25: return (capacity(sectors_of(disk), b));
	case 0x43: return (toc(sectors_of(disk), cdb, b));
	case 0x46: return (configuration(a, b));
	case 0x4a: return (event_status(a, b));
	case 0x5a: return (mode_sense(cdb, b));
	}
	return (0);
}

/* How much of an answer the guest has room for. */
static uint32_t
allocation(const uint8_t *cdb)
{
	switch (cdb[0]) {
	case 0x03:
	case 0x12: return (cdb[4]);
	case 0x25: return (8);
	}
	return (be16(cdb + 7));
}

/* Without a medium these fail; the others answer all the same. */
static bool
needs_medium(uint8_t opcode)
{
	return (opcode == 0x00 || opcode == 0x25 || opcode == 0x28 || opcode == 0xa8 ||
	    opcode == 0x43 || opcode == 0x2b);
}

/* A drive without a disc, or with a new one of which the guest does not know yet. */
static bool
is_ready(struct atapi *a, uint8_t opcode, struct atapi_reply *r)
{
	if (!needs_medium(opcode))
		return (true);
	if (a->out) {
		atapi_fail(a, SENSE_NOT_READY, ASC_NO_MEDIUM, r);
		return (false);
	}
	if (a->changed) {
		a->changed = 0;
		atapi_fail(a, SENSE_ATTENTION, ASC_CHANGED, r);
		return (false);
	}
	return (true);
}

static void
run_bytes(struct atapi *a, const struct blk_backend *disk, const uint8_t *cdb, uint8_t *b,
    struct atapi_reply *r)
{
	uint32_t room = allocation(cdb);

	memset(b, 0, ATA_ANSWER);
	if ((r->len = answer_of(a, disk, cdb, b)) == 0) {
		atapi_fail(a, SENSE_ILLEGAL, ASC_OPCODE, r);
		return;
	}
	if (r->len > room)
		r->len = room;
	r->kind = r->len != 0 ? ATAPI_BYTES : ATAPI_DONE;
}

void
atapi_run(struct atapi *a, const struct blk_backend *disk, const uint8_t cdb[12], uint8_t *answer,
    struct atapi_reply *r)
{
	*r = (struct atapi_reply){.kind = ATAPI_DONE};
	if (!is_ready(a, cdb[0], r))
		return;
	switch (cdb[0]) {
	case 0x00: /* TEST UNIT READY */
	case 0x2b: /* SEEK */
		break;
	case 0x1b:
		start_stop(a, cdb, r);
		break;
	case 0x1e: /* PREVENT/ALLOW MEDIUM REMOVAL */
		a->locked = cdb[4] & 1;
		break;
	case 0x28:
		read_sectors(a, disk, be32(cdb + 2), be16(cdb + 7), r);
		break;
	case 0xa8:
		read_sectors(a, disk, be32(cdb + 2), be32(cdb + 6), r);
		break;
	default:
		run_bytes(a, disk, cdb, answer, r);
		return;
	}
	if (r->kind == ATAPI_DONE)
		a->sense = a->asc = 0;
}
