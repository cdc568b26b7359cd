/* SPDX-License-Identifier: MIT */
/*
 * PIIX3 IDE, function 00:01.1: two channels, two units each, disks and CD-ROMs.
 *
 *	command --+--> PIO: data phases through the buffer, a piece at a time --> IRQ 14/15
 *	          +--> DMA: waits until the channel's bus master is started, then at one go between the
 *	               backend and the guest memory that its table of regions names --> IRQ 14/15
 *
 * For firmware, installers and systems without virtio.  Reads and writes of the backend happen inside
 * the guest's access: a slow disk slows that guest alone.
 *
 * Every register access indexes fixed arrays by fields that are bounded here: pos <= len <= BUFFER; a
 * transfer's sectors are held against the disk before the first byte moves, each region of a
 * table against RAM, and a table has at most PRDS entries.
 *
 * Facts: ATA/ATAPI-6, chapters 7 and 8; MMC-3 for packets (atapi.c); for the bus master Intel's 82371SB
 * data sheet, 2.6.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ata_impl.h"
#include "smartbox/vmx/blk.h"
#include "smartbox/vmx/ide.h"
#include "smartbox/vmx/pci.h"

enum { CHANNELS = 2, UNITS = 4, BUFFER = 65536, SECTOR = ATA_SECTOR, CD_SECTOR = ATA_CD_SECTOR };
enum { ST_ERR = 1, ST_DRQ = 8, ST_SEEK = 0x10, ST_READY = 0x40, ST_BUSY = 0x80 };
enum { ERR_ABORT = 4, ERR_ID = 0x10 };
enum { DEV_SLAVE = 0x10, DEV_LBA = 0x40, CTL_NO_IRQ = 2, CTL_RESET = 4 };
enum { BAR_MASTER = 4, MASTER_START = 1, MASTER_TO_MEMORY = 8 };
enum { MASTER_ACTIVE = 1, MASTER_ERROR = 2, MASTER_IRQ = 4, MASTER_DRIVES = 0x60 };
enum { PRDS = 8192, PRD_LAST = 0x8000, DMA_SEGS = 64 };
enum phase { IDLE, DATA_IN, DATA_OUT, PACKET, DMA_IN, DMA_OUT };

struct ide_unit {
	uint8_t error, count[2], lba[3][2], status, phase; /* [0] newest, [1] before it */
	uint8_t mode, multiple, features, dma; /* dma: of the packet that runs */
	uint32_t pos, len;     /* of the buffer */
	uint64_t at;	       /* next sector of the transfer */
	uint32_t left;	       /* sectors still to come */
	uint32_t block_bytes;  /* bytes between two interrupts */
	uint32_t limit;	       /* bytes of a packet's data piece */
	uint8_t command, reserved[3];
	struct atapi cd;
};

struct ide_master {
	uint8_t command, status, reserved[2];
	uint32_t table; /* guest address of the regions */
};

struct ide {
	struct pci_fn pci;
	struct ide_state {
		uint8_t device[CHANNELS], control[CHANNELS], irq[CHANNELS], reserved[2];
		struct ide_master master[CHANNELS];
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
	d->s.master[ch].status |= on ? MASTER_IRQ : 0;
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
	struct atapi cd = u->cd;

	memset(u, 0, sizeof(*u));
	u->cd = cd;
	u->error = 1; /* diagnostics passed */
	u->count[0] = u->lba[0][0] = 1;
	if (d->cd[n]) {
		u->lba[1][0] = 0x14;
		u->lba[2][0] = 0xeb;
	}
	u->status = d->disk[n] == NULL ? 0 : d->cd[n] ? 0 : ST_READY | ST_SEEK;
}

static void
identify(struct ide *d, unsigned n)
{
	struct ata_who w = {.disk = d->disk[n], .serial = d->serial[n],
	    .multiple = d->s.u[n].multiple, .mode = d->s.u[n].mode};

	if (d->cd[n])
		ata_identify_cd(&w, d->s.buffer[n / 2]);
	else
		ata_identify_disk(&w, d->s.buffer[n / 2]);
	offer(d, n, DATA_IN, SECTOR, true);
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

/* ---- the bus master ---- */

/* What a transfer has still to move. */
struct dma {
	struct ide *d;
	unsigned n;
	bool to_memory;
	uint8_t *from;	/* NULL: the disk */
	uint64_t at;	/* byte of the disk */
	uint64_t left;
	struct iovec iov[DMA_SEGS];
	unsigned segs;
};

static int
dma_flush(struct dma *m)
{
	struct blk_backend *b = m->d->disk[m->n];
	uint64_t bytes = 0;
	int rc;

	for (unsigned i = 0; i < m->segs; i++)
		bytes += m->iov[i].iov_len;
	if (m->segs == 0)
		return (0);
	rc = m->to_memory ? b->ops->readv(b, m->iov, m->segs, m->at) :
			    b->ops->writev(b, m->iov, m->segs, m->at);
	m->at += bytes;
	m->segs = 0;
	return (rc);
}

static int
dma_region(struct dma *m, uint32_t addr, uint32_t len)
{
	void *p = gmem_ptr(m->d->pci.dev.board->mem, addr, len);

	if (p == NULL)
		return (-EFAULT);
	if (len > m->left)
		len = (uint32_t)m->left;
	m->left -= len;
	if (m->from != NULL) {
		memcpy(p, m->from, len);
		m->from += len;
		return (0);
	}
	m->iov[m->segs++] = (struct iovec){p, len};
	return (m->segs == DMA_SEGS ? dma_flush(m) : 0);
}

/* Along the table: address, length (0: 64 KiB), flags. */
static int
dma_walk(struct dma *m)
{
	uint64_t table = m->d->s.master[m->n / 2].table;
	int rc = 0;

	for (unsigned i = 0; i < PRDS && m->left > 0 && rc == 0; i++) {
		struct {
			uint32_t addr;
			uint16_t len, flags;
		} prd;

		if (gmem_read(m->d->pci.dev.board->mem, table + 8ULL * i, &prd, 8) != 0)
			return (-EFAULT);
		rc = dma_region(m, prd.addr & ~1U, (prd.len & ~1U) != 0 ? prd.len & ~1U : 65536);
		if ((prd.flags & PRD_LAST) != 0)
			break;
	}
	return (rc != 0 ? rc : m->left != 0 ? -EFAULT : dma_flush(m));
}

static void packet_done(struct ide *d, unsigned n);

static void
dma_end(struct ide *d, unsigned n, int rc)
{
	struct ide_master *m = &d->s.master[n / 2];

	m->status &= (uint8_t)~MASTER_ACTIVE;
	d->s.u[n].left = 0;
	if (rc != 0) {
		m->status |= MASTER_ERROR;
		finish(d, n, ERR_ABORT);
	} else if (d->cd[n]) {
		packet_done(d, n);
	} else {
		finish(d, n, 0);
	}
}

/* Both a command and the start bit are there: move everything. */
static void
dma_run(struct ide *d, unsigned ch)
{
	unsigned n = selected(d, ch);
	struct ide_unit *u = &d->s.u[n];
	unsigned unit_bytes = d->cd[n] ? CD_SECTOR : SECTOR;
	struct dma m = {.d = d, .n = n, .to_memory = u->phase == DMA_IN};

	if ((d->s.master[ch].command & MASTER_START) == 0 ||
	    (u->phase != DMA_IN && u->phase != DMA_OUT))
		return;
	m.at = u->at * unit_bytes;
	m.left = (uint64_t)u->left * unit_bytes;
	if (u->left == 0) { /* an answer in the buffer */
		m.from = d->s.buffer[ch];
		m.left = u->len;
	}
	if (((d->s.master[ch].command & MASTER_TO_MEMORY) != 0) != m.to_memory)
		dma_end(d, n, -EINVAL);
	else
		dma_end(d, n, dma_walk(&m));
}

static void
dma_offer(struct ide *d, unsigned n, enum phase phase)
{
	struct ide_unit *u = &d->s.u[n];

	u->phase = (uint8_t)phase;
	u->status = ST_READY | ST_SEEK | ST_DRQ;
	u->error = 0;
	dma_run(d, n / 2);
}

static void
do_dma(struct ide *d, unsigned n, bool ext, bool write)
{
	if (write && d->disk[n]->readonly)
		finish(d, n, ERR_ABORT);
	else if (transfer_begin(d, n, ext, 1))
		dma_offer(d, n, write ? DMA_OUT : DMA_IN);
	else
		finish(d, n, ERR_ID | ERR_ABORT);
}

static void
master_command(struct ide *d, unsigned ch, uint8_t v)
{
	struct ide_master *m = &d->s.master[ch];

	m->command = v & (MASTER_START | MASTER_TO_MEMORY);
	if ((v & MASTER_START) == 0) {
		m->status &= (uint8_t)~MASTER_ACTIVE;
		return;
	}
	m->status |= MASTER_ACTIVE;
	dma_run(d, ch);
}

static uint64_t
master_read(struct device *dev, uint64_t off, unsigned size)
{
	const struct ide_master *m = &((struct ide *)dev)->s.master[off >> 3 & 1];
	uint64_t all = m->command | (uint64_t)m->status << 16 | (uint64_t)m->table << 32;

	(void)size;
	return (all >> 8 * (off & 7));
}

static void
master_write(struct device *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ide *d = (struct ide *)dev;
	unsigned ch = off >> 3 & 1;
	struct ide_master *m = &d->s.master[ch];

	switch (off & 7) {
	case 0:
		master_command(d, ch, (uint8_t)v);
		break;
	case 2:
		m->status = (uint8_t)((m->status & ~MASTER_DRIVES & ~(v & (MASTER_ERROR | MASTER_IRQ))) |
		    (v & MASTER_DRIVES));
		break;
	case 4:
		if (size == 4)
			m->table = (uint32_t)v & ~3U;
		break;
	}
}

static const struct bus_ops master_ops = {master_read, master_write};

/* ---- packet commands of the CD ---- */

static void
packet_failed(struct ide *d, unsigned n)
{
	finish(d, n, (uint8_t)(d->s.u[n].cd.sense << 4 | ERR_ABORT));
	d->s.u[n].count[0] = 3;
}

static void
packet_done(struct ide *d, unsigned n)
{
	finish(d, n, 0);
	d->s.u[n].count[0] = 3; /* status */
}

/* Let the guest fetch len bytes of the buffer. */
static void
packet_send(struct ide *d, unsigned n, uint32_t len)
{
	struct ide_unit *u = &d->s.u[n];

	offer(d, n, DATA_IN, len, true);
	u->lba[1][0] = (uint8_t)len;
	u->lba[2][0] = (uint8_t)(len >> 8);
	u->count[0] = 2; /* to the host */
}

/* A piece of as many sectors as the guest wants to have at once. */
static void
cd_read_next(struct ide *d, unsigned n)
{
	struct ide_unit *u = &d->s.u[n];
	uint32_t count = u->limit / CD_SECTOR;

	if (count == 0)
		count = 1;
	if (count > u->left)
		count = u->left;
	if (buffer_io(d, n, count * CD_SECTOR, CD_SECTOR, false) != 0) {
		struct atapi_reply r;

		u->left = 0;
		atapi_fail(&u->cd, 3, 0x11, &r); /* medium error, read */
		packet_failed(d, n);
		return;
	}
	u->at += count;
	u->left -= count;
	packet_send(d, n, count * CD_SECTOR);
}

static void
cd_read(struct ide *d, unsigned n, const struct atapi_reply *r)
{
	struct ide_unit *u = &d->s.u[n];

	u->at = r->at;
	u->left = r->count;
	if (u->dma)
		dma_offer(d, n, DMA_IN);
	else
		cd_read_next(d, n);
}

static void
packet_run(struct ide *d, unsigned n)
{
	struct ide_unit *u = &d->s.u[n];
	uint8_t cdb[12], *b = d->s.buffer[n / 2];
	struct atapi_reply r;

	memcpy(cdb, b, sizeof(cdb));
	atapi_run(&u->cd, d->disk[n], cdb, b, &r);
	switch (r.kind) {
	case ATAPI_DONE:
		packet_done(d, n);
		break;
	case ATAPI_FAILED:
		packet_failed(d, n);
		break;
	case ATAPI_SECTORS:
		cd_read(d, n, &r);
		break;
	case ATAPI_BYTES:
		u->pos = 0;
		u->len = r.len;
		u->left = 0;
		if (u->dma)
			dma_offer(d, n, DMA_IN);
		else
			packet_send(d, n, r.len);
	}
}

/* PACKET: twelve bytes come; the byte count registers say how much at once, features whether by DMA. */
static void
packet_begin(struct ide *d, unsigned n)
{
	struct ide_unit *u = &d->s.u[n];
	uint32_t limit = u->lba[1][0] | (uint32_t)u->lba[2][0] << 8;

	u->dma = u->features & 1;
	u->left = 0;
	u->limit = limit != 0 ? limit : 0xf800;
	offer(d, n, PACKET, 12, false);
	u->count[0] = 1; /* command */
}

/* ---- commands ---- */

/* Transfer mode: PIO, or multiword DMA 0 to 2.  The rest is accepted and means nothing here. */
static void
set_features(struct ide *d, unsigned n)
{
	struct ide_unit *u = &d->s.u[n];
	uint8_t mode = u->count[0];

	if (u->features != 3) {
		finish(d, n, 0);
	} else if (mode <= 0x0c || (mode >= 0x20 && mode <= 0x22)) {
		u->mode = mode;
		finish(d, n, 0);
	} else {
		finish(d, n, ERR_ABORT);
	}
}

static void
cd_command(struct ide *d, unsigned n, uint8_t c)
{
	switch (c) {
	case 0xa0: packet_begin(d, n); break;
	case 0xa1: identify(d, n); break;
	case 0x08: /* DEVICE RESET */
		signature(d, n);
		break;
	case 0xec: /* IDENTIFY DEVICE: refused, with the signature */
		signature(d, n);
		finish(d, n, ERR_ABORT);
		break;
	case 0xef: set_features(d, n); break;
	case 0xe1: finish(d, n, 0); break;
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
	case 0xc8:
	case 0xc9: do_dma(d, n, false, false); break;
	case 0x25: do_dma(d, n, true, false); break;
	case 0xca:
	case 0xcb: do_dma(d, n, false, true); break;
	case 0x35: do_dma(d, n, true, true); break;
	case 0xe7:
	case 0xea: finish(d, n, d->disk[n]->ops->flush(d->disk[n]) != 0 ? ERR_ABORT : 0); break;
	case 0xec: identify(d, n); break;
	case 0xef: set_features(d, n); break;
	case 0x10: /* RECALIBRATE */
	case 0x40: /* READ VERIFY */
	case 0x70: /* SEEK */
	case 0x91: /* INITIALIZE PARAMETERS */
	case 0xe0:
	case 0xe1:
	case 0xe3:
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
	struct atapi cd[UNITS];

	pci_fn_reset(&d->pci);
	for (unsigned n = 0; n < UNITS; n++)
		cd[n] = (struct atapi){.out = d->s.u[n].cd.out};
	memset(&d->s, 0, sizeof(d->s));
	for (unsigned n = 0; n < UNITS; n++) {
		d->s.u[n].cd = cd[n]; /* a medium that is out stays out */
		signature(d, n);
	}
	irq_set(d, 0, false);
	irq_set(d, 1, false);
}

static bool
unit_is_sane(const struct ide *d, unsigned n)
{
	const struct ide_unit *u = &d->s.u[n];
	uint64_t sectors = d->disk[n] == NULL ? 0 : d->disk[n]->size / (d->cd[n] ? CD_SECTOR : SECTOR);

	return (u->pos <= u->len && u->len <= BUFFER && u->phase <= DMA_OUT && u->multiple <= 16 &&
	    u->block_bytes <= 16 * SECTOR && u->at <= sectors && u->left <= sectors - u->at &&
	    (u->left == 0 || d->cd[n] || u->block_bytes >= SECTOR) &&
	    u->limit <= 0xffff && (u->phase == IDLE || d->disk[n] != NULL) &&
	    ((u->phase != DATA_OUT && u->phase != DMA_OUT) ||
		(!d->cd[n] && !d->disk[n]->readonly)));
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
    .version = 2,
    .state = {DEVICE_STATE(struct ide, pci.s), DEVICE_STATE(struct ide, s)},
    .reset = ide_reset,
    .loaded = ide_loaded,
    .free = ide_free,
};

int
ide_new(struct board *b, const struct ide_spec spec[4], struct err *e)
{
	static const struct pci_ident id = {.vendor = 0x8086, .device = 0x7010, .subvendor = 0x1af4,
	    .subsystem = 0x1100, .class_rev = 0x01018000, .header = 0x80};
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
	pci_bar_init(&d->pci, BAR_MASTER, PCI_BAR_IO, 16, &master_ops);
	if ((rc = pci_add(b, &d->pci, &ide_class, "ide", e)) != 0)
		return (rc);
	if (bus_add(b->pio, 0x1f0, 8, &d->pci.dev, &regs_0) != 0 ||
	    bus_add(b->pio, 0x170, 8, &d->pci.dev, &regs_1) != 0 ||
	    bus_add(b->pio, 0x3f6, 1, &d->pci.dev, &control_0) != 0 ||
	    bus_add(b->pio, 0x376, 1, &d->pci.dev, &control_1) != 0)
		return (err_set(e, EEXIST, "the disk controller's ports are taken"));
	return (0);
}
