/* SPDX-License-Identifier: MIT */
/*
 * PCI: the configuration ports, the functions behind them, MSI-X, and the i440FX and PIIX3 bridges.
 *
 *	0xcf8  address latch (dword)	0xcf9  reset (byte)	0xcfc..f  data
 *
 * Each function has its configuration bytes and a mask of what the guest may change in them; a
 * write that touches command, BARs or MSI-X control has consequences, everything else is storage.
 * A BAR is on a bus only while decoding is on and its address is one that a BAR may have: not in
 * RAM, not on ROM or the interrupt controllers, not on another device (pci invariant 1).
 *
 * Facts: PCI Local Bus 3.0, chapters 3.2.2.3, 6 and 6.8.2; Intel 82441FX and 82371SB data sheets.
 */
#include "smartbox/vmx/pci.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CFG_COMMAND = 0x04,
	CFG_STATUS = 0x06,
	CFG_BAR0 = 0x10,
	CFG_ROM = 0x30,
	CFG_CAPS = 0x34,
	CFG_LINE = 0x3c,
	CFG_PIN = 0x3d,
};
enum { CMD_IO = 1, CMD_MEM = 2, CMD_MASTER = 4, CMD_NO_INTX = 0x400 };
enum { STATUS_INTX = 0x08, STATUS_CAPS = 0x10 };
enum { MSIX_ENABLE = 0x8000, MSIX_MASK_ALL = 0x4000 };
enum { MSIX_PBA = 0x800 };

struct pci_host {
	struct device dev;
	struct pci_host_state {
		uint32_t address;
		uint32_t reset_control;
	} s;
	struct pci_fn *fn[256];
};

static uint16_t
cfg16(const struct pci_fn *fn, unsigned off)
{
	return ((uint16_t)(fn->s.cfg[off] | fn->s.cfg[off + 1] << 8));
}

static uint32_t
cfg32(const struct pci_fn *fn, unsigned off)
{
	return (cfg16(fn, off) | (uint32_t)cfg16(fn, off + 2) << 16);
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v & 0xffff);
	put16(p + 2, v >> 16);
}

/* ---- building a function ---- */

void
pci_init(struct pci_fn *fn, unsigned devfn, const struct pci_ident *id)
{
	uint8_t *c = fn->reset_cfg;

	fn->devfn = devfn;
	put16(c, id->vendor);
	put16(c + 2, id->device);
	put32(c + 8, id->class_rev);
	c[0x0e] = id->header;
	put16(c + 0x2c, id->subvendor);
	put16(c + 0x2e, id->subsystem);
	c[CFG_PIN] = id->pin;
	put16(fn->wmask + CFG_COMMAND, CMD_IO | CMD_MEM | CMD_MASTER | CMD_NO_INTX);
	fn->wmask[0x0c] = 0xff; /* cache line, latency: storage */
	fn->wmask[0x0d] = 0xff;
	fn->wmask[CFG_LINE] = 0xff;
	fn->cap_end = 0x40;
}

static unsigned
bar_offset(unsigned bar)
{
	return (bar == PCI_BAR_ROM ? CFG_ROM : CFG_BAR0 + 4 * bar);
}

void
pci_bar_init(struct pci_fn *fn, unsigned bar, enum pci_bar_kind kind, uint64_t size,
    const struct bus_ops *ops)
{
	static const uint8_t type_bits[] = {
	    [PCI_BAR_IO] = 1, [PCI_BAR_MEM] = 0, [PCI_BAR_MEM64] = 4, [PCI_BAR_ROMMEM] = 0};
	unsigned off = bar_offset(bar);
	uint64_t mask = ~(size - 1);

	fn->bar[bar] = (struct pci_bar){.kind = kind, .size = size, .ops = ops};
	fn->reset_cfg[off] = type_bits[kind];
	put32(fn->wmask + off, (uint32_t)mask | (kind == PCI_BAR_ROMMEM ? 1 : 0));
	if (kind == PCI_BAR_MEM64)
		put32(fn->wmask + off + 4, (uint32_t)(mask >> 32));
}

unsigned
pci_cap_add(struct pci_fn *fn, uint8_t id, unsigned len)
{
	unsigned at = fn->cap_end;

	fn->reset_cfg[CFG_STATUS] |= STATUS_CAPS;
	fn->reset_cfg[fn->cap_last != 0 ? fn->cap_last + 1 : CFG_CAPS] = (uint8_t)at;
	fn->reset_cfg[at] = id;
	fn->cap_last = at;
	fn->cap_end = (at + len + 3) & ~3U;
	return (at);
}

/* ---- MSI-X ---- */

static void
msix_send(struct pci_fn *fn, unsigned v)
{
	const struct board_host *h = fn->dev.board->host;

	fn->s.msix_pending &= ~(1U << v);
	if (h->msi != NULL)
		h->msi(fn->dev.board->host_arg, fn->s.msix[v].addr, fn->s.msix[v].data);
}

static bool
msix_masked(const struct pci_fn *fn, unsigned v)
{
	return ((cfg16(fn, fn->msix_cap + 2) & MSIX_MASK_ALL) != 0 ||
	    (fn->s.msix[v].control & 1) != 0);
}

bool
pci_msix_enabled(const struct pci_fn *fn)
{
	return (fn->msix_cap != 0 && (cfg16(fn, fn->msix_cap + 2) & MSIX_ENABLE) != 0);
}

void
pci_msix_fire(struct pci_fn *fn, unsigned v)
{
	if (v >= fn->msix_vectors || !pci_msix_enabled(fn))
		return;
	if (msix_masked(fn, v))
		fn->s.msix_pending |= 1U << v;
	else
		msix_send(fn, v);
}

/* A mask or an entry changed: what waited may go now. */
static void
msix_changed(struct pci_fn *fn, unsigned v)
{
	if (fn->msix_changed != NULL)
		fn->msix_changed(fn, v);
	if ((fn->s.msix_pending & 1U << v) != 0 && pci_msix_enabled(fn) && !msix_masked(fn, v))
		msix_send(fn, v);
}

static uint64_t
msix_read(struct device *d, uint64_t off, unsigned size)
{
	struct pci_fn *fn = (struct pci_fn *)d;
	uint64_t v = 0;

	if (off >= MSIX_PBA)
		return (off == MSIX_PBA ? fn->s.msix_pending : 0);
	if (off + size <= fn->msix_vectors * sizeof(fn->s.msix[0]))
		memcpy(&v, (uint8_t *)fn->s.msix + off, size);
	return (v);
}

static void
msix_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct pci_fn *fn = (struct pci_fn *)d;
	unsigned entry = (unsigned)(off / sizeof(fn->s.msix[0]));

	if (size < 4 || off % size != 0 || off + size > fn->msix_vectors * sizeof(fn->s.msix[0]))
		return;
	memcpy((uint8_t *)fn->s.msix + off, &v, size);
	fn->s.msix[entry].control &= 1;
	msix_changed(fn, entry);
}

static const struct bus_ops msix_ops = {msix_read, msix_write};

void
pci_msix_init(struct pci_fn *fn, unsigned vectors, unsigned bar)
{
	unsigned cap = pci_cap_add(fn, 0x11, 12);

	fn->msix_vectors = vectors < PCI_MSIX_MAX ? vectors : PCI_MSIX_MAX;
	fn->msix_bar = bar;
	fn->msix_cap = cap;
	put16(fn->reset_cfg + cap + 2, fn->msix_vectors - 1);
	put16(fn->wmask + cap + 2, MSIX_ENABLE | MSIX_MASK_ALL);
	put32(fn->reset_cfg + cap + 4, bar);
	put32(fn->reset_cfg + cap + 8, MSIX_PBA | bar);
	pci_bar_init(fn, bar, PCI_BAR_MEM, 4096, &msix_ops);
}

/* ---- BARs on the buses ---- */

static bool
overlaps(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
	return (a < b + blen && b < a + alen);
}

/* pci invariant 1. */
static bool
bar_may_lie_at(const struct pci_fn *fn, uint64_t at, uint64_t len)
{
	const struct gmem_region *r;
	unsigned n;

	if (at == 0 || at + len < at || at >> 46 != 0 || overlaps(at, len, 0xfec00000, 0x1400000))
		return (false);
	r = gmem_regions(fn->dev.board->mem, &n);
	for (unsigned i = 0; i < n; i++) {
		if (overlaps(at, len, r[i].gpa, r[i].size))
			return (false);
	}
	return (at >= 0x100000);
}

static bool
bar_wanted(const struct pci_fn *fn, unsigned i, uint64_t *at)
{
	const struct pci_bar *bar = &fn->bar[i];
	unsigned cmd = cfg16(fn, CFG_COMMAND), off = bar_offset(i);
	uint32_t low = cfg32(fn, off);

	switch (bar->kind) {
	case PCI_BAR_NONE:
		return (false);
	case PCI_BAR_IO:
		*at = low & ~3U & 0xffff;
		return ((cmd & CMD_IO) != 0 && *at >= 0x100 && low >> 16 == 0);
	case PCI_BAR_ROMMEM:
		*at = low & ~0x7ffU;
		return ((cmd & CMD_MEM) != 0 && (low & 1) != 0 && bar_may_lie_at(fn, *at, bar->size));
	case PCI_BAR_MEM64:
		*at = (low & ~15U) | (uint64_t)cfg32(fn, off + 4) << 32;
		break;
	case PCI_BAR_MEM:
		*at = low & ~15U;
		break;
	}
	return ((cmd & CMD_MEM) != 0 && bar_may_lie_at(fn, *at, bar->size));
}

static struct bus *
bar_bus(const struct pci_fn *fn, const struct pci_bar *bar)
{
	return (bar->kind == PCI_BAR_IO ? fn->dev.board->pio : fn->dev.board->mmio);
}

static void
bar_unmap(struct pci_fn *fn, unsigned i)
{
	struct pci_bar *bar = &fn->bar[i];

	if (!bar->mapped)
		return;
	bar->mapped = false;
	if (bar->moved != NULL)
		bar->moved(fn, i, false);
	bus_remove(bar_bus(fn, bar), bar->at, &fn->dev);
}

static void
bar_map(struct pci_fn *fn, unsigned i, uint64_t at)
{
	struct pci_bar *bar = &fn->bar[i];

	if (bus_add(bar_bus(fn, bar), at, bar->size, &fn->dev, bar->ops) != 0)
		return;
	bar->at = at;
	bar->mapped = true;
	if (bar->moved != NULL)
		bar->moved(fn, i, true);
}

static void
bars_remap(struct pci_fn *fn)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		uint64_t at = 0;
		bool want = bar_wanted(fn, i, &at);

		if (want && fn->bar[i].mapped && fn->bar[i].at == at)
			continue;
		bar_unmap(fn, i);
		if (want)
			bar_map(fn, i, at);
	}
}

/* ---- INTx ---- */

unsigned
pci_line(const struct pci_fn *fn)
{
	unsigned pirq = ((fn->devfn >> 3) - 1 + fn->s.cfg[CFG_PIN] - 1) & 3;

	return (pirq < 2 ? 10 : 11);
}

static void
intx_update(struct pci_fn *fn)
{
	bool up = fn->s.intx != 0 && (cfg16(fn, CFG_COMMAND) & CMD_NO_INTX) == 0;

	if (fn->s.cfg[CFG_PIN] == 0)
		return;
	fn->s.cfg[CFG_STATUS] =
	    (uint8_t)((fn->s.cfg[CFG_STATUS] & ~STATUS_INTX) | (fn->s.intx ? STATUS_INTX : 0));
	board_irq(fn->dev.board, pci_line(fn), fn->devfn >> 3, up);
}

void
pci_intx(struct pci_fn *fn, bool level)
{
	fn->s.intx = level;
	intx_update(fn);
}

/* ---- configuration accesses ---- */

static bool
touches(unsigned off, unsigned len, unsigned from, unsigned to)
{
	return (off < to && off + len > from);
}

static void
cfg_write(struct pci_fn *fn, unsigned off, unsigned len, uint32_t v)
{
	for (unsigned i = 0; i < len; i++) {
		uint8_t m = fn->wmask[off + i], b = (uint8_t)(v >> 8 * i);

		fn->s.cfg[off + i] = (uint8_t)((fn->s.cfg[off + i] & ~m) | (b & m));
	}
	if (touches(off, len, CFG_COMMAND, CFG_COMMAND + 2) ||
	    touches(off, len, CFG_BAR0, CFG_BAR0 + 24) || touches(off, len, CFG_ROM, CFG_ROM + 4))
		bars_remap(fn);
	if (touches(off, len, CFG_COMMAND, CFG_COMMAND + 2))
		intx_update(fn);
	if (fn->msix_cap != 0 && touches(off, len, fn->msix_cap + 2, fn->msix_cap + 4)) {
		for (unsigned i = 0; i < fn->msix_vectors; i++)
			msix_changed(fn, i);
	}
	if (fn->cfg_written != NULL)
		fn->cfg_written(fn, off, len);
}

static uint32_t
cfg_read(struct pci_fn *fn, unsigned off, unsigned len)
{
	uint32_t v = 0;

	if (fn->cfg_read != NULL)
		fn->cfg_read(fn, off, len);
	for (unsigned i = 0; i < len; i++)
		v |= (uint32_t)fn->s.cfg[off + i] << 8 * i;
	return (v);
}

/* The function and register that the latch and a data port name; NULL: nobody. */
static struct pci_fn *
selected(struct pci_host *h, uint64_t port, unsigned size, unsigned *off)
{
	uint32_t a = h->s.address;

	*off = (a & 0xfc) + (unsigned)(port & 3);
	if ((a & 0x80000000) == 0 || (a >> 16 & 0xff) != 0 || *off + size > 256)
		return (NULL);
	return (h->fn[a >> 8 & 0xff]);
}

static uint64_t
host_read(struct device *d, uint64_t off, unsigned size)
{
	struct pci_host *h = (struct pci_host *)d;
	struct pci_fn *fn;
	unsigned reg;
	uint32_t v;

	if (off < 4)
		return (off == 0 && size == 4 ? h->s.address : off == 1 ? h->s.reset_control : ~0U);
	if ((off & 3) + size > 4 || (fn = selected(h, off, size, &reg)) == NULL)
		return (~0ULL);
	(void)pthread_mutex_lock(&fn->dev.lock);
	v = cfg_read(fn, reg, size);
	(void)pthread_mutex_unlock(&fn->dev.lock);
	return (v);
}

static void
reset_control(struct pci_host *h, uint8_t v)
{
	bool rising = (v & 4) != 0 && (h->s.reset_control & 4) == 0;

	h->s.reset_control = v & 0x0e;
	if (rising)
		board_event(h->dev.board, BOARD_RESET);
}

static void
host_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct pci_host *h = (struct pci_host *)d;
	struct pci_fn *fn;
	unsigned reg;

	if (off == 0 && size == 4)
		h->s.address = (uint32_t)v & 0x80fffffc;
	else if (off == 1 && size == 1)
		reset_control(h, (uint8_t)v);
	if (off < 4 || (off & 3) + size > 4 || (fn = selected(h, off, size, &reg)) == NULL)
		return;
	(void)pthread_mutex_lock(&fn->dev.lock);
	cfg_write(fn, reg, size, (uint32_t)v);
	(void)pthread_mutex_unlock(&fn->dev.lock);
}

static const struct bus_ops host_ops = {host_read, host_write};

static void
host_reset(struct device *d)
{
	memset(&((struct pci_host *)d)->s, 0, sizeof(struct pci_host_state));
}

static const struct device_class host_class = {
    .kind = "pci-host",
    .version = 1,
    .state = {DEVICE_STATE(struct pci_host, s)},
    .reset = host_reset,
};

/* ---- life of a function ---- */

void
pci_fn_reset(struct pci_fn *fn)
{
	for (unsigned i = 0; i < PCI_BARS; i++)
		bar_unmap(fn, i);
	memset(&fn->s, 0, sizeof(fn->s));
	memcpy(fn->s.cfg, fn->reset_cfg, sizeof(fn->s.cfg));
	for (unsigned i = 0; i < PCI_MSIX_MAX; i++)
		fn->s.msix[i].control = 1;
	intx_update(fn);
}

int
pci_fn_loaded(struct pci_fn *fn, struct err *e)
{
	for (unsigned i = 0; i < 256; i++) {
		uint8_t fixed = (uint8_t)~fn->wmask[i];

		if (i != CFG_STATUS && (fn->s.cfg[i] & fixed) != (fn->reset_cfg[i] & fixed))
			return (err_set(e, EINVAL, "%s: configuration byte %#x is not ours",
			    fn->dev.name, i));
	}
	for (unsigned i = 0; i < PCI_BARS; i++)
		bar_unmap(fn, i);
	fn->s.intx = fn->s.intx != 0;
	fn->s.msix_pending &= (1U << fn->msix_vectors) - 1;
	bars_remap(fn);
	intx_update(fn);
	for (unsigned i = 0; i < fn->msix_vectors; i++)
		msix_changed(fn, i);
	return (0);
}

int
pci_add(struct board *b, struct pci_fn *fn, const struct device_class *cls, const char *name,
    struct err *e)
{
	struct pci_host *h = b->pci;

	unsigned devfn = fn->devfn;
	int rc;

	if (devfn > 255 || h->fn[devfn] != NULL) {
		if (cls->free != NULL)
			cls->free(&fn->dev);
		else
			free(fn);
		return (err_set(e, EEXIST, "PCI slot %u.%u is taken", devfn >> 3, devfn & 7));
	}
	if ((rc = board_add(b, &fn->dev, cls, name, e)) == 0)
		h->fn[devfn] = fn;
	return (rc);
}

struct pci_fn *
pci_find(struct board *b, unsigned devfn)
{
	return (devfn < 256 ? b->pci->fn[devfn] : NULL);
}

/* ---- addresses for boots without firmware ---- */

struct pci_space {
	uint64_t io, mem;
};

static void
assign_bar(struct pci_fn *fn, unsigned i, struct pci_space *sp)
{
	struct pci_bar *bar = &fn->bar[i];
	uint64_t *next = bar->kind == PCI_BAR_IO ? &sp->io : &sp->mem;
	uint64_t align = bar->kind == PCI_BAR_IO || bar->size > 4096 ? bar->size : 4096;
	uint8_t *p = fn->s.cfg + bar_offset(i);

	*next = (*next + align - 1) & ~(align - 1);
	put32(p, (uint32_t)*next | (p[0] & 15));
	*next += bar->size;
}

static void
assign_fn(struct pci_fn *fn, struct pci_space *sp)
{
	(void)pthread_mutex_lock(&fn->dev.lock);
	for (unsigned i = 0; i < PCI_BAR_ROM; i++) {
		if (fn->bar[i].kind != PCI_BAR_NONE)
			assign_bar(fn, i, sp);
	}
	if (fn->s.cfg[CFG_PIN] != 0)
		fn->s.cfg[CFG_LINE] = (uint8_t)pci_line(fn);
	fn->s.cfg[CFG_COMMAND] |= (CMD_IO | CMD_MEM) & fn->wmask[CFG_COMMAND];
	bars_remap(fn);
	if (fn->cfg_written != NULL)
		fn->cfg_written(fn, 0, 256);
	(void)pthread_mutex_unlock(&fn->dev.lock);
}

void
pci_assign(struct board *b)
{
	struct pci_space sp = {.io = 0xc000, .mem = GMEM_HOLE};

	for (unsigned i = 0; i < 256; i++) {
		if (b->pci->fn[i] != NULL)
			assign_fn(b->pci->fn[i], &sp);
	}
}

/* ---- the bridges ---- */

static void
bridge_reset(struct device *d)
{
	pci_fn_reset((struct pci_fn *)d);
}

static int
bridge_loaded(struct device *d, struct err *e)
{
	return (pci_fn_loaded((struct pci_fn *)d, e));
}

static const struct device_class bridge_class = {
    .kind = "pci-bridge",
    .version = 1,
    .state = {DEVICE_STATE(struct pci_fn, s)},
    .reset = bridge_reset,
    .loaded = bridge_loaded,
};

/* 0x59-0x5f PAM and 0x72 SMRAM are storage: 0xc0000-0xfffff is RAM whatever they say. */
static int
i440fx_new(struct board *b, struct err *e)
{
	static const struct pci_ident id = {
	    .vendor = 0x8086, .device = 0x1237, .subvendor = 0x1af4, .subsystem = 0x1100,
	    .class_rev = 0x06000002};
	struct pci_fn *fn = calloc(1, sizeof(*fn));

	if (fn == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	pci_init(fn, PCI_DEVFN(0, 0), &id);
	memset(fn->wmask + 0x50, 0xff, 0x30);
	return (pci_add(b, fn, &bridge_class, "i440fx", e));
}

static int
piix3_new(struct board *b, struct err *e)
{
	static const struct pci_ident id = {
	    .vendor = 0x8086, .device = 0x7000, .subvendor = 0x1af4, .subsystem = 0x1100,
	    .class_rev = 0x06010000, .header = 0x80};
	static const uint8_t pirq[4] = {10, 10, 11, 11};
	struct pci_fn *fn = calloc(1, sizeof(*fn));

	if (fn == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	pci_init(fn, PCI_DEVFN(1, 0), &id);
	memcpy(fn->reset_cfg + 0x60, pirq, sizeof(pirq));
	memset(fn->wmask + 0x4c, 0xff, 0x80);
	return (pci_add(b, fn, &bridge_class, "piix3", e));
}

int
pci_host_new(struct board *b, struct err *e)
{
	struct pci_host *h = calloc(1, sizeof(*h));
	int rc;

	if (h == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = board_add(b, &h->dev, &host_class, "pci-host", e)) != 0)
		return (rc);
	b->pci = h;
	if (bus_add(b->pio, 0xcf8, 8, &h->dev, &host_ops) != 0)
		return (err_set(e, EEXIST, "port 0xcf8 is taken"));
	if ((rc = i440fx_new(b, e)) != 0)
		return (rc);
	return (piix3_new(b, e));
}
