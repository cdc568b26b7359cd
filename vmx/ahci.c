/* SPDX-License-Identifier: MIT */
/*
 * AHCI: command lists in guest memory, one drive a port.
 *
 *	PxCI bit --> command header --> table: command FIS, packet, regions (PRDT)
 *	                                  |
 *	     [ execute ] <----------------+        data: backend <--> regions, at one go
 *	         '--> received FIS, PxTFD, PRDBC, PxCI bit cleared --> PxIS --> IS --> interrupt
 *
 * A command runs to its end inside the write that issues it; a slow disk slows that guest alone.  So there
 * is never more than one under way and no queueing to offer.  After an error the port stops, its
 * bit in PxCI still set, until the driver takes ST away.
 *
 * Header, FIS and packet are copied before they are looked at; a transfer's sectors are held against the
 * disk, each region against RAM, before a byte moves.
 *
 * Facts: Serial ATA AHCI 1.3.1, chapters 3 to 6 and 10; Serial ATA 2.6, 10.3 for the FIS layouts.
 */
#include "smartbox/vmx/ahci.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ata_impl.h"
#include "smartbox/vmx/pci.h"

enum { BAR = 5, REGS_SIZE = 0x1000, PORT_AT = 0x100, PORT_SIZE = 0x80, SLOTS = 32, SEGS = 64 };
enum { H_CAP = 0x00, H_GHC = 0x04, H_IS = 0x08, H_PI = 0x0c, H_VS = 0x10 };
enum { GHC_RESET = 1, GHC_IRQ = 2 };
#define GHC_AHCI 0x80000000U
/* 64-bit addresses, AHCI alone, 3 Gb/s */
#define CAP (0x80040000U | 2U << 20 | (SLOTS - 1) << 8 | (AHCI_PORTS - 1))
enum { P_CLB = 0x00, P_CLBU = 0x04, P_FB = 0x08, P_FBU = 0x0c, P_IS = 0x10, P_IE = 0x14, P_CMD = 0x18, P_TFD = 0x20,
	P_SIG = 0x24, P_SSTS = 0x28, P_SCTL = 0x2c, P_SERR = 0x30, P_SACT = 0x34, P_CI = 0x38 };
enum { CMD_START = 1, CMD_OVERRIDE = 8, CMD_FIS = 0x10, CMD_FIS_ON = 0x4000, CMD_ON = 0x8000,
	CMD_KEPT = 0x0f000017 };
enum { IS_D2H = 1, IS_PIO = 2, IS_ERROR = 1 << 30 };
enum { ST_ERR = 1, ST_DRQ = 8, ST_READY = 0x50, ERR_ABORT = 4, ERR_ID = 0x10 };
enum { FIS_H2D = 0x27, FIS_D2H = 0x34, FIS_PIO = 0x5f, D2H_AT = 0x40, PIO_AT = 0x20, FIS_SIZE = 20 };
enum { SRST = 4 };

struct ahci_port {
	uint64_t list, fis; /* guest addresses */
	uint32_t is, ie, cmd, tfd, sctl, serr, ci;
	uint8_t mode, halted, srst, reserved[5];
	struct atapi cd;
};

struct ahci {
	struct pci_fn pci;
	struct ahci_state {
		uint32_t ghc, is;
		struct ahci_port port[AHCI_PORTS];
	} s;
	struct blk_backend *disk[AHCI_PORTS]; /* NULL: nobody there */
	bool cd[AHCI_PORTS];
	char serial[AHCI_PORTS][21];
};

/* A command as it runs. */
struct run {
	struct ahci *d;
	unsigned n;
	uint8_t fis[FIS_SIZE], packet[12];
	uint64_t table;
	unsigned regions;
	bool is_packet;
	uint32_t moved; /* bytes, for PRDBC */
	uint8_t error;
	bool pio_in;
};

/* ---- interrupts ---- */

static void
intr_update(struct ahci *d)
{
	for (unsigned n = 0; n < AHCI_PORTS; n++) {
		if ((d->s.port[n].is & d->s.port[n].ie) != 0)
			d->s.is |= 1U << n;
	}
	pci_intx(&d->pci, (d->s.ghc & GHC_IRQ) != 0 && d->s.is != 0);
}

/* ---- received FIS ---- */

static uint32_t
signature_of(const struct ahci *d, unsigned n)
{
	return (d->disk[n] == NULL ? 0xffffffff : d->cd[n] ? 0xeb140101 : 0x00000101);
}

static void
fis_post(struct ahci *d, unsigned n, unsigned at, const uint8_t *fis)
{
	if ((d->s.port[n].cmd & CMD_FIS) != 0)
		(void)gmem_write(d->pci.dev.board->mem, d->s.port[n].fis + at, fis, FIS_SIZE);
}

/* The drive's first message after a reset: its signature. */
static void
signature_post(struct ahci *d, unsigned n)
{
	uint32_t sig = signature_of(d, n);
	uint8_t f[FIS_SIZE] = {FIS_D2H, 0, d->cd[n] ? 0 : ST_READY, 1, (uint8_t)(sig >> 8),
	    (uint8_t)(sig >> 16), (uint8_t)(sig >> 24), 0, 0, 0, 0, 0, (uint8_t)sig};

	if (d->disk[n] == NULL)
		return;
	d->s.port[n].tfd = f[2] | 1U << 8;
	fis_post(d, n, D2H_AT, f);
}

static void
port_reset(struct ahci *d, unsigned n)
{
	struct ahci_port *p = &d->s.port[n];

	p->ci = 0;
	p->halted = p->srst = 0;
	p->tfd = 0x7f;
	p->mode = 0;
	signature_post(d, n);
}

/* ---- data ---- */

static int
segs_move(struct run *r, struct iovec *iov, unsigned n, uint64_t at, bool write)
{
	struct blk_backend *b = r->d->disk[r->n];

	return (write ? b->ops->writev(b, iov, n, at) : b->ops->readv(b, iov, n, at));
}

/* A region of the table: its host address and length; -EFAULT when not in RAM. */
static int
region_get(struct run *r, unsigned i, struct iovec *out)
{
	struct gmem *mem = r->d->pci.dev.board->mem;
	struct {
		uint64_t addr;
		uint32_t reserved, count;
	} e;

	if (i >= r->regions || gmem_read(mem, r->table + 0x80 + 16ULL * i, &e, sizeof(e)) != 0)
		return (-EFAULT);
	out->iov_len = (e.count & 0x3fffff) + 1UL;
	out->iov_base = gmem_ptr(mem, e.addr, out->iov_len);
	return (out->iov_base != NULL ? 0 : -EFAULT);
}

/* len bytes between the disk from byte `at` on, or the buffer `from`, and the regions. */
static int
move(struct run *r, uint64_t at, const uint8_t *from, uint64_t len, bool write)
{
	struct iovec iov[SEGS];
	unsigned n = 0;
	uint64_t batch = 0;
	int rc = 0;

	for (unsigned i = 0; len > 0 && rc == 0; i++) {
		if ((rc = region_get(r, i, &iov[n])) != 0)
			break;
		if (iov[n].iov_len > len)
			iov[n].iov_len = len;
		len -= iov[n].iov_len;
		r->moved += (uint32_t)iov[n].iov_len;
		if (from != NULL) {
			memcpy(iov[n].iov_base, from, iov[n].iov_len);
			from += iov[n].iov_len;
			continue;
		}
		batch += iov[n++].iov_len;
		if (n == SEGS || len == 0) {
			rc = segs_move(r, iov, n, at, write);
			at += batch;
			batch = n = 0;
		}
	}
	return (rc);
}

/* ---- commands ---- */

static uint64_t
fis_lba(const uint8_t *f, bool ext)
{
	uint64_t low = f[4] | (uint64_t)f[5] << 8 | (uint64_t)f[6] << 16;

	if (!ext)
		return (low | (uint64_t)(f[7] & 15) << 24);
	return (low | (uint64_t)f[8] << 24 | (uint64_t)f[9] << 32 | (uint64_t)f[10] << 40);
}

static uint32_t
fis_count(const uint8_t *f, bool ext)
{
	uint32_t n = ext ? f[12] | (uint32_t)f[13] << 8 : f[12];

	return (n != 0 ? n : ext ? 65536 : 256);
}

static void
do_transfer(struct run *r, bool ext, bool write)
{
	struct blk_backend *b = r->d->disk[r->n];
	uint64_t sectors = b->size / ATA_SECTOR, at = fis_lba(r->fis, ext);
	uint32_t count = fis_count(r->fis, ext);

	if (at >= sectors || count > sectors - at)
		r->error = ERR_ID | ERR_ABORT;
	else if ((write && b->readonly) ||
	    move(r, at * ATA_SECTOR, NULL, (uint64_t)count * ATA_SECTOR, write) != 0)
		r->error = ERR_ABORT;
}

static void
do_identify(struct run *r)
{
	struct ahci *d = r->d;
	struct ata_who w = {.disk = d->disk[r->n], .serial = d->serial[r->n], .ultra = true,
	    .mode = d->s.port[r->n].mode};
	uint8_t b[ATA_SECTOR];

	if (d->cd[r->n])
		ata_identify_cd(&w, b);
	else
		ata_identify_disk(&w, b);
	r->pio_in = true;
	if (move(r, 0, b, sizeof(b), false) != 0)
		r->error = ERR_ABORT;
}

static void
do_features(struct run *r)
{
	uint8_t mode = r->fis[12];

	if (r->fis[3] != 3)
		return;
	if (mode <= 0x0c || (mode >= 0x20 && mode <= 0x22) || (mode >= 0x40 && mode <= 0x45))
		r->d->s.port[r->n].mode = mode;
	else
		r->error = ERR_ABORT;
}

static void
do_packet(struct run *r)
{
	struct atapi *cd = &r->d->s.port[r->n].cd;
	uint8_t answer[ATA_ANSWER];
	struct atapi_reply a;
	int rc = 0;

	if (!r->is_packet) {
		r->error = ERR_ABORT;
		return;
	}
	atapi_run(cd, r->d->disk[r->n], r->packet, answer, &a);
	if (a.kind == ATAPI_BYTES)
		rc = move(r, 0, answer, a.len, false);
	else if (a.kind == ATAPI_SECTORS)
		rc = move(r, (uint64_t)a.at * ATA_CD_SECTOR, NULL, (uint64_t)a.count * ATA_CD_SECTOR,
		    false);
	if (rc != 0)
		atapi_fail(cd, 3, 0x11, &a); /* medium error, read */
	if (a.kind == ATAPI_FAILED)
		r->error = (uint8_t)(cd->sense << 4 | ERR_ABORT);
}

static void
cd_command(struct run *r)
{
	switch (r->fis[2]) {
	case 0xa0: do_packet(r); break;
	case 0xa1: do_identify(r); break;
	case 0xef: do_features(r); break;
	case 0x00:
	case 0xe0:
	case 0xe1: break;
	default: r->error = ERR_ABORT;
	}
}

static void
disk_command(struct run *r)
{
	struct blk_backend *b = r->d->disk[r->n];

	switch (r->fis[2]) {
	case 0x20: r->pio_in = true; do_transfer(r, false, false); break;
	case 0x24: r->pio_in = true; do_transfer(r, true, false); break;
	case 0xc8: do_transfer(r, false, false); break;
	case 0x25: do_transfer(r, true, false); break;
	case 0x30:
	case 0xca: do_transfer(r, false, true); break;
	case 0x34:
	case 0x35: do_transfer(r, true, true); break;
	case 0xe7:
	case 0xea: r->error = b->ops->flush(b) != 0 ? ERR_ABORT : 0; break;
	case 0xec: do_identify(r); break;
	case 0xef: do_features(r); break;
	case 0x00:
	case 0x10: /* RECALIBRATE */
	case 0x40: /* READ VERIFY */
	case 0x42:
	case 0x91: /* INITIALIZE PARAMETERS */
	case 0xe0:
	case 0xe1:
	case 0xe3: break;
	default: r->error = ERR_ABORT;
	}
}

/* ---- the end of a command ---- */

static void
answer_fis(struct run *r, uint8_t status, uint8_t f[FIS_SIZE])
{
	memcpy(f, r->fis, 14); /* addresses and counts come back as they went */
	f[1] = 0x40;	       /* interrupt */
	f[2] = status;
	f[3] = r->error;
	f[11] = f[14] = f[15] = 0;
	if (r->is_packet)
		f[12] = 3;
}

static void
complete(struct run *r)
{
	struct ahci_port *p = &r->d->s.port[r->n];
	uint8_t status = (uint8_t)(ST_READY | (r->error != 0 ? ST_ERR : 0)), f[FIS_SIZE] = {0};

	answer_fis(r, status, f);
	p->tfd = status | (uint32_t)r->error << 8;
	if (r->pio_in && r->error == 0) {
		f[0] = FIS_PIO;
		f[1] = 0x60;
		f[2] = ST_READY | ST_DRQ;
		f[15] = status;
		f[16] = (uint8_t)r->moved;
		f[17] = (uint8_t)(r->moved >> 8);
		fis_post(r->d, r->n, PIO_AT, f);
		p->is |= IS_PIO;
		return;
	}
	f[0] = FIS_D2H;
	fis_post(r->d, r->n, D2H_AT, f);
	p->is |= IS_D2H | (r->error != 0 ? IS_ERROR : 0U);
	p->halted = r->error != 0;
}

/* A FIS without a command is a write of the control register: soft reset on and off. */
static void
control(struct run *r)
{
	struct ahci_port *p = &r->d->s.port[r->n];
	bool srst = (r->fis[15] & SRST) != 0;

	if (p->srst && !srst) {
		p->mode = 0;
		signature_post(r->d, r->n);
		p->is |= IS_D2H;
	}
	p->srst = srst;
}

static bool
run_load(struct run *r, unsigned slot)
{
	struct gmem *mem = r->d->pci.dev.board->mem;
	uint32_t h[4];

	if (gmem_read(mem, r->d->s.port[r->n].list + 32ULL * slot, h, sizeof(h)) != 0)
		return (false);
	r->table = ((uint64_t)h[3] << 32 | h[2]) & ~127ULL;
	r->regions = h[0] >> 16;
	r->is_packet = (h[0] & 0x20) != 0;
	return (gmem_read(mem, r->table, r->fis, sizeof(r->fis)) == 0 &&
	    gmem_read(mem, r->table + 0x40, r->packet, sizeof(r->packet)) == 0 && r->fis[0] == FIS_H2D);
}

static void
slot_run(struct ahci *d, unsigned n, unsigned slot)
{
	struct run r = {.d = d, .n = n};
	struct ahci_port *p = &d->s.port[n];

	if (!run_load(&r, slot)) {
		r.error = ERR_ABORT;
		complete(&r);
		return;
	}
	if ((r.fis[1] & 0x80) == 0) {
		control(&r);
	} else {
		if (d->cd[n])
			cd_command(&r);
		else
			disk_command(&r);
		(void)gmem_write(d->pci.dev.board->mem, p->list + 32ULL * slot + 4, &r.moved, 4);
		complete(&r);
	}
	if (!p->halted)
		p->ci &= ~(1U << slot);
}

static void
port_run(struct ahci *d, unsigned n)
{
	struct ahci_port *p = &d->s.port[n];

	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if ((p->cmd & CMD_START) == 0 || p->halted || d->disk[n] == NULL)
			break;
		if ((p->ci & 1U << slot) != 0)
			slot_run(d, n, slot);
	}
	intr_update(d);
}

/* ---- registers ---- */

static void
cmd_write(struct ahci *d, unsigned n, uint32_t v)
{
	struct ahci_port *p = &d->s.port[n];
	uint32_t was = p->cmd;

	p->cmd = v & CMD_KEPT;
	if ((v & CMD_OVERRIDE) != 0)
		p->tfd &= ~0x88U;
	if ((v & CMD_START) != 0)
		p->cmd |= CMD_ON;
	if ((v & CMD_FIS) != 0)
		p->cmd |= CMD_FIS_ON;
	if ((v & CMD_START) == 0) {
		p->ci = 0;
		p->halted = 0;
	}
	if ((v & CMD_FIS) != 0 && (was & CMD_FIS) == 0)
		signature_post(d, n);
	port_run(d, n);
}

static void
port_write(struct ahci *d, unsigned n, unsigned at, uint32_t v)
{
	struct ahci_port *p = &d->s.port[n];

	switch (at) {
	case P_CLB: p->list = (p->list & ~0xffffffffULL) | (v & ~1023U); break;
	case P_CLBU: p->list = (p->list & 0xffffffff) | (uint64_t)v << 32; break;
	case P_FB: p->fis = (p->fis & ~0xffffffffULL) | (v & ~255U); break;
	case P_FBU: p->fis = (p->fis & 0xffffffff) | (uint64_t)v << 32; break;
	case P_IS: p->is &= ~v; break;
	case P_IE: p->ie = v; break;
	case P_CMD: cmd_write(d, n, v); break;
	case P_SCTL:
		if ((p->sctl & 15) == 1 && (v & 15) == 0)
			port_reset(d, n);
		p->sctl = v & 0xfff;
		break;
	case P_SERR: p->serr &= ~v; break;
	case P_CI:
		p->ci |= (p->cmd & CMD_START) != 0 ? v : 0;
		port_run(d, n);
		break;
	}
	intr_update(d);
}

static uint32_t
port_read(struct ahci *d, unsigned n, unsigned at)
{
	const struct ahci_port *p = &d->s.port[n];

	switch (at) {
	case P_CLB: return ((uint32_t)p->list);
	case P_CLBU: return ((uint32_t)(p->list >> 32));
	case P_FB: return ((uint32_t)p->fis);
	case P_FBU: return ((uint32_t)(p->fis >> 32));
	case P_IS: return (p->is);
	case P_IE: return (p->ie);
	case P_CMD: return (p->cmd);
	case P_TFD: return (p->tfd);
	case P_SIG: return (signature_of(d, n));
	case P_SSTS: return (d->disk[n] != NULL && (p->sctl & 15) == 0 ? 0x123 : 0);
	case P_SCTL: return (p->sctl);
	case P_SERR: return (p->serr);
	case P_CI: return (p->ci);
	}
	return (0);
}

static void
host_reset(struct ahci *d)
{
	for (unsigned n = 0; n < AHCI_PORTS; n++) {
		struct atapi cd = {.out = d->s.port[n].cd.out}; /* a medium that is out stays out */

		d->s.port[n] = (struct ahci_port){.cd = cd};
		port_reset(d, n);
	}
	d->s.ghc = GHC_AHCI;
	d->s.is = 0;
	intr_update(d);
}

static uint32_t
host_read(struct ahci *d, unsigned at)
{
	switch (at) {
	case H_CAP: return (CAP);
	case H_GHC: return (d->s.ghc);
	case H_IS: return (d->s.is);
	case H_PI: return ((1U << AHCI_PORTS) - 1);
	case H_VS: return (0x00010200);
	}
	return (0);
}

static void
host_write(struct ahci *d, unsigned at, uint32_t v)
{
	if (at == H_GHC && (v & GHC_RESET) != 0)
		host_reset(d);
	else if (at == H_GHC)
		d->s.ghc = GHC_AHCI | (v & GHC_IRQ);
	else if (at == H_IS)
		d->s.is &= ~v;
	intr_update(d);
}

static uint64_t
ahci_read(struct device *dev, uint64_t off, unsigned size)
{
	struct ahci *d = (struct ahci *)dev;
	unsigned at = (unsigned)off & ~3U, n = (at - PORT_AT) / PORT_SIZE;
	uint32_t v = 0;

	(void)size;
	if (at < PORT_AT)
		v = host_read(d, at);
	else if (n < AHCI_PORTS)
		v = port_read(d, n, (at - PORT_AT) % PORT_SIZE);
	return (v >> 8 * (off & 3));
}

static void
ahci_write(struct device *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ahci *d = (struct ahci *)dev;
	unsigned at = (unsigned)off, n = (at - PORT_AT) / PORT_SIZE;

	if (size < 4 || at % 4 != 0)
		return;
	if (at < PORT_AT)
		host_write(d, at, (uint32_t)v);
	else if (n < AHCI_PORTS)
		port_write(d, n, (at - PORT_AT) % PORT_SIZE, (uint32_t)v);
}

static const struct bus_ops ahci_ops = {ahci_read, ahci_write};

/* ---- life ---- */

static void
ahci_reset(struct device *dev)
{
	pci_fn_reset(&((struct ahci *)dev)->pci);
	host_reset((struct ahci *)dev);
}

static int
ahci_loaded(struct device *dev, struct err *e)
{
	struct ahci *d = (struct ahci *)dev;
	int rc;

	if ((rc = pci_fn_loaded(&d->pci, e)) != 0)
		return (rc);
	intr_update(d);
	return (0);
}

static void
ahci_free(struct device *dev)
{
	struct ahci *d = (struct ahci *)dev;

	for (unsigned n = 0; n < AHCI_PORTS; n++) {
		if (d->disk[n] != NULL)
			d->disk[n]->ops->close(d->disk[n]);
	}
	free(d);
}

static const struct device_class ahci_class = {
    .kind = "ahci",
    .version = 1,
    .state = {DEVICE_STATE(struct ahci, pci.s), DEVICE_STATE(struct ahci, s)},
    .reset = ahci_reset,
    .loaded = ahci_loaded,
    .free = ahci_free,
};

int
ahci_new(struct board *b, unsigned devfn, const struct ide_spec spec[AHCI_PORTS], struct err *e)
{
	static const struct pci_ident id = {.vendor = 0x8086, .device = 0x2922, .subvendor = 0x1af4,
	    .subsystem = 0x1100, .class_rev = 0x01060102, .pin = 1};
	struct ahci *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	for (unsigned n = 0; n < AHCI_PORTS; n++) {
		d->disk[n] = spec[n].disk;
		d->cd[n] = spec[n].cd;
		(void)snprintf(d->serial[n], sizeof(d->serial[n]), "%s",
		    spec[n].serial != NULL ? spec[n].serial : "");
	}
	pci_init(&d->pci, devfn, &id);
	pci_bar_init(&d->pci, BAR, PCI_BAR_MEM, REGS_SIZE, &ahci_ops);
	return (pci_add(b, &d->pci, &ahci_class, "ahci", e));
}
