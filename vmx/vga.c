/* SPDX-License-Identifier: MIT */
/*
 * The display as the guest sees it.
 *
 *	ports 3b0-3df	VGA registers		a0000-bffff	windows into video memory, through the planes
 *	ports 1ce-1d0	dispi: linear modes	BAR0		video memory itself, as the guest sees it
 *	BAR2		the same registers as memory: 400 = ports 3c0-3df, 500 = dispi
 *
 * Video memory is kept as the hardware interleaves it: byte 4n + p is address n of plane p.  In chain-4
 * (256 colours) guest address a is byte a; in odd/even (text) address a is byte 4 (a / 2) + (a & 1), so a
 * text cell's character and attribute are the planes 0 and 1 of one address and its font is plane 2.
 *
 * Every index from the guest is masked to the size of its array; every address to that of video memory.
 * Drawing (vga_draw.c) works on a copy of the registers and reads the memory as it finds it: a guest
 * that draws meanwhile gets a torn picture, as on a screen.
 *
 * Facts: the VGA registers as FreeVGA documents them; dispi and the BARs: QEMU's standard-vga.txt.
 */
#include "vga_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PORTS = 0x3b0, PORTS_LEN = 0x30, DISPI_PORT = 0x1ce, DISPI_PORTS = 4,
	WINDOW = 0xa0000, WINDOW_LEN = 0x20000, BAR_VRAM = 0, BAR_REGS = 2, REGS_LEN = 4096,
	REGS_VGA = 0x400, REGS_DISPI = 0x500 };
enum { GFX_ROTATE = 3, GFX_READ_MAP = 4, GFX_MODE = 5, GFX_MISC = 6, GFX_DONT_CARE = 7, GFX_MASK = 8,
	SEQ_MAP_MASK = 2, SEQ_MEMORY = 4, CRTC_PROTECT = 0x11 };

static struct vga *
vga_of(struct device *d)
{
	return ((struct vga *)d);
}

/* ---- dispi ---- */

static bool
dispi_bpp_is_known(uint16_t bpp)
{
	return (bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32);
}

/* A mode begins: what was asked for is cut to what there is. */
static void
dispi_start(struct vga *v)
{
	uint16_t *r = v->s.dispi;
	unsigned bytes = (r[DISPI_BPP] + 7U) / 8;

	if (r[DISPI_VIRT_W] < r[DISPI_X])
		r[DISPI_VIRT_W] = r[DISPI_X];
	r[DISPI_X_OFF] = r[DISPI_Y_OFF] = 0;
	r[DISPI_VIRT_H] = bytes * r[DISPI_VIRT_W] == 0 ? 0 :
	    (uint16_t)(VGA_VRAM / (bytes * r[DISPI_VIRT_W]) > 0xffff ? 0xffff :
		VGA_VRAM / (bytes * r[DISPI_VIRT_W]));
	if ((r[DISPI_ENABLE] & DISPI_NOCLEAR) == 0)
		memset(v->vram, 0, (size_t)bytes * r[DISPI_VIRT_W] * r[DISPI_Y] % VGA_VRAM);
}

static uint16_t
dispi_read(const struct vga *v)
{
	const uint16_t *r = v->s.dispi;

	switch (v->s.dispi_i) {
	case DISPI_ID: return (0xb0c5);
	case DISPI_MEM: return (VGA_VRAM >> 16);
	case DISPI_X: return ((r[DISPI_ENABLE] & DISPI_CAPS) != 0 ? VGA_MAX_WIDTH : r[DISPI_X]);
	case DISPI_Y: return ((r[DISPI_ENABLE] & DISPI_CAPS) != 0 ? VGA_MAX_HEIGHT : r[DISPI_Y]);
	case DISPI_BPP: return ((r[DISPI_ENABLE] & DISPI_CAPS) != 0 ? 32 : r[DISPI_BPP]);
	}
	return (v->s.dispi_i < DISPI_COUNT ? r[v->s.dispi_i] : 0);
}

static void
dispi_write(struct vga *v, uint16_t x)
{
	uint16_t *r = v->s.dispi, i = v->s.dispi_i;
	bool on = (r[DISPI_ENABLE] & DISPI_ON) != 0;

	switch (i) {
	case DISPI_X:
		if (!on && x <= VGA_MAX_WIDTH)
			r[i] = x & 0xfff8;
		break;
	case DISPI_Y:
		if (!on && x <= VGA_MAX_HEIGHT)
			r[i] = x;
		break;
	case DISPI_BPP:
		if (!on && dispi_bpp_is_known(x))
			r[i] = x;
		break;
	case DISPI_ENABLE:
		r[i] = x;
		if ((x & DISPI_ON) != 0 && !on)
			dispi_start(v);
		break;
	case DISPI_VIRT_W:
		if (x >= r[DISPI_X])
			r[i] = x;
		break;
	case DISPI_BANK:
	case DISPI_X_OFF:
	case DISPI_Y_OFF:
		r[i] = x;
	}
}

/* ---- the palette ---- */

static uint8_t
dac_read(struct vga *v)
{
	uint8_t x = v->s.dac[(v->s.dac_read * 3U + v->s.dac_part) % 768];

	if (++v->s.dac_part == 3) {
		v->s.dac_part = 0;
		v->s.dac_read++;
	}
	return (x);
}

static void
dac_write(struct vga *v, uint8_t x)
{
	bool wide = (v->s.dispi[DISPI_ENABLE] & DISPI_DAC8) != 0;

	v->s.dac[(v->s.dac_write * 3U + v->s.dac_part) % 768] = wide ? x : x & 0x3f;
	if (++v->s.dac_part == 3) {
		v->s.dac_part = 0;
		v->s.dac_write++;
	}
}

/* ---- registers: ports 3b0 to 3df ---- */

static void
attr_write(struct vga *v, uint8_t x)
{
	if (!v->s.attr_flip)
		v->s.attr_i = x & 0x3f;
	else
		v->s.attr[v->s.attr_i & 31] = x;
	v->s.attr_flip = !v->s.attr_flip;
}

static void
crtc_write(struct vga *v, uint8_t x)
{
	unsigned i = v->s.crtc_i & 31;

	/* Registers 0 to 7 can be locked, but for the line compare bit of 7. */
	if (i < 8 && (v->s.crtc[CRTC_PROTECT] & 0x80) != 0) {
		if (i == 7)
			v->s.crtc[7] = (uint8_t)((v->s.crtc[7] & ~0x10) | (x & 0x10));
		return;
	}
	v->s.crtc[i] = x;
}

/* Colour or monochrome: the CRTC and status ports move. */
static bool
is_here(const struct vga *v, unsigned port)
{
	bool colour = (v->s.misc & 1) != 0;

	return (port >= 0x3d0 ? colour : port < 0x3c0 ? !colour : true);
}

static uint8_t
port_read(struct vga *v, unsigned port)
{
	if (!is_here(v, port))
		return (0xff);
	switch (port) {
	case 0x3c0: return (v->s.attr_flip ? 0 : v->s.attr_i);
	case 0x3c1: return (v->s.attr[v->s.attr_i & 31]);
	case 0x3c2: return (0);
	case 0x3c4: return (v->s.seq_i);
	case 0x3c5: return (v->s.seq[v->s.seq_i & 7]);
	case 0x3c6: return (v->s.dac_mask);
	case 0x3c7: return (v->s.dac_state);
	case 0x3c8: return (v->s.dac_write);
	case 0x3c9: return (dac_read(v));
	case 0x3cc: return (v->s.misc);
	case 0x3ce: return (v->s.gfx_i);
	case 0x3cf: return (v->s.gfx[v->s.gfx_i & 15]);
	case 0x3b4:
	case 0x3d4: return (v->s.crtc_i);
	case 0x3b5:
	case 0x3d5: return (v->s.crtc[v->s.crtc_i & 31]);
	case 0x3ba:
	case 0x3da:
		v->s.attr_flip = 0;
		return (v->s.status ^= 9); /* retrace comes and goes with every look */
	}
	return (0xff);
}

static void
port_write(struct vga *v, unsigned port, uint8_t x)
{
	if (!is_here(v, port))
		return;
	switch (port) {
	case 0x3c0: attr_write(v, x); break;
	case 0x3c2: v->s.misc = x & 0xef; break;
	case 0x3c4: v->s.seq_i = x & 7; break;
	case 0x3c5: v->s.seq[v->s.seq_i & 7] = x; break;
	case 0x3c6: v->s.dac_mask = x; break;
	case 0x3c7:
		v->s.dac_read = x;
		v->s.dac_part = 0;
		v->s.dac_state = 3;
		break;
	case 0x3c8:
		v->s.dac_write = x;
		v->s.dac_part = 0;
		v->s.dac_state = 0;
		break;
	case 0x3c9: dac_write(v, x); break;
	case 0x3ce: v->s.gfx_i = x & 15; break;
	case 0x3cf: v->s.gfx[v->s.gfx_i & 15] = x; break;
	case 0x3b4:
	case 0x3d4: v->s.crtc_i = x & 31; break;
	case 0x3b5:
	case 0x3d5: crtc_write(v, x); break;
	}
}

/* Wider accesses are bytes of neighbouring ports: index and data in one go. */
static uint64_t
ports_read(struct device *d, uint64_t off, unsigned size)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < size; i++)
		x |= (uint64_t)port_read(vga_of(d), PORTS + (unsigned)off + i) << 8 * i;
	return (x);
}

static void
ports_write(struct device *d, uint64_t off, unsigned size, uint64_t x)
{
	for (unsigned i = 0; i < size; i++)
		port_write(vga_of(d), PORTS + (unsigned)off + i, (uint8_t)(x >> 8 * i));
}

/* 1ce is the index; 1cf and 1d0 are the data. */
static uint64_t
dispi_ports_read(struct device *d, uint64_t off, unsigned size)
{
	(void)size;
	return (off == 0 ? vga_of(d)->s.dispi_i : dispi_read(vga_of(d)));
}

static void
dispi_ports_write(struct device *d, uint64_t off, unsigned size, uint64_t x)
{
	(void)size;
	if (off == 0)
		vga_of(d)->s.dispi_i = (uint16_t)x;
	else
		dispi_write(vga_of(d), (uint16_t)x);
}

static const struct bus_ops ports_ops = {ports_read, ports_write};
static const struct bus_ops dispi_ops = {dispi_ports_read, dispi_ports_write};

/* ---- BAR2 ---- */

static uint64_t
regs_read(struct device *d, uint64_t off, unsigned size)
{
	struct vga *v = vga_of(d);

	if (off >= REGS_VGA && off + size <= REGS_VGA + 0x20)
		return (ports_read(d, off - REGS_VGA + 0x10, size));
	if (off >= REGS_DISPI && off < REGS_DISPI + 2 * DISPI_COUNT) {
		v->s.dispi_i = (uint16_t)((off - REGS_DISPI) / 2);
		return (dispi_read(v));
	}
	return (0);
}

static void
regs_write(struct device *d, uint64_t off, unsigned size, uint64_t x)
{
	struct vga *v = vga_of(d);

	if (off >= REGS_VGA && off + size <= REGS_VGA + 0x20) {
		ports_write(d, off - REGS_VGA + 0x10, size, x);
	} else if (off >= REGS_DISPI && off < REGS_DISPI + 2 * DISPI_COUNT) {
		v->s.dispi_i = (uint16_t)((off - REGS_DISPI) / 2);
		dispi_write(v, (uint16_t)x);
	}
}

static const struct bus_ops regs_ops = {regs_read, regs_write};

/* ---- the windows at a0000 ---- */

/* Where in its planes an address of the window lies; false: another window is on. */
static bool
window_at(const struct vga *v, uint32_t off, uint32_t *addr)
{
	static const struct {
		uint32_t at, len;
	} map[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
	unsigned i = v->s.gfx[GFX_MISC] >> 2 & 3;

	if (off < map[i].at || off - map[i].at >= map[i].len)
		return (false);
	*addr = off - map[i].at;
	if ((v->s.dispi[DISPI_ENABLE] & DISPI_ON) != 0)
		*addr += (uint32_t)v->s.dispi[DISPI_BANK] << 16;
	return (true);
}

static uint8_t *
plane_byte(struct vga *v, uint32_t addr, unsigned plane)
{
	return (&v->vram[(addr * 4 + plane) & (VGA_VRAM - 1)]);
}

static bool
is_linear(const struct vga *v)
{
	return ((v->s.seq[SEQ_MEMORY] & 8) != 0 || (v->s.dispi[DISPI_ENABLE] & DISPI_ON) != 0);
}

static uint8_t
read_compare(const struct vga *v)
{
	uint8_t out = 0xff;

	for (unsigned p = 0; p < 4; p++) {
		uint8_t want = (v->s.gfx[2] >> p & 1) != 0 ? 0xff : 0;

		if ((v->s.gfx[GFX_DONT_CARE] >> p & 1) != 0)
			out &= (uint8_t)~(v->s.latch[p] ^ want);
	}
	return (out);
}

static uint8_t
byte_read(struct vga *v, uint32_t off)
{
	uint32_t a;

	if (!window_at(v, off, &a))
		return (0xff);
	if (is_linear(v))
		return (v->vram[a & (VGA_VRAM - 1)]);
	if ((v->s.gfx[GFX_MODE] & 0x10) != 0)
		return (*plane_byte(v, a >> 1, (v->s.gfx[GFX_READ_MAP] & 2) | (a & 1)));
	for (unsigned p = 0; p < 4; p++)
		v->s.latch[p] = *plane_byte(v, a, p);
	return ((v->s.gfx[GFX_MODE] & 8) != 0 ? read_compare(v)
					      : v->s.latch[v->s.gfx[GFX_READ_MAP] & 3]);
}

static uint8_t
rotate(uint8_t x, unsigned n)
{
	return ((uint8_t)(x >> n | x << (8 - n)));
}

/* What the data manager makes of a byte for one plane, before mask and function. */
static uint8_t
plane_value(const struct vga *v, uint8_t x, unsigned p)
{
	uint8_t set = (v->s.gfx[0] >> p & 1) != 0 ? 0xff : 0;

	switch (v->s.gfx[GFX_MODE] & 3) {
	case 0:
		return ((v->s.gfx[1] >> p & 1) != 0 ? set : rotate(x, v->s.gfx[GFX_ROTATE] & 7));
	case 2: return ((x >> p & 1) != 0 ? 0xff : 0);
	default: return (set);
	}
}

static uint8_t
combine(const struct vga *v, uint8_t x, uint8_t latch)
{
	switch (v->s.gfx[GFX_ROTATE] >> 3 & 3) {
	case 1: return (x & latch);
	case 2: return (x | latch);
	case 3: return (x ^ latch);
	}
	return (x);
}

static void
planes_write(struct vga *v, uint32_t a, uint8_t x)
{
	unsigned mode = v->s.gfx[GFX_MODE] & 3;
	uint8_t mask = v->s.gfx[GFX_MASK];

	if (mode == 3)
		mask &= rotate(x, v->s.gfx[GFX_ROTATE] & 7);
	for (unsigned p = 0; p < 4; p++) {
		uint8_t latch = v->s.latch[p], y;

		if ((v->s.seq[SEQ_MAP_MASK] >> p & 1) == 0)
			continue;
		y = mode == 1 ? latch : combine(v, plane_value(v, x, p), latch);
		if (mode != 1)
			y = (uint8_t)((y & mask) | (latch & ~mask));
		*plane_byte(v, a, p) = y;
	}
}

static void
byte_write(struct vga *v, uint32_t off, uint8_t x)
{
	uint32_t a;

	if (!window_at(v, off, &a))
		return;
	if ((v->s.dispi[DISPI_ENABLE] & DISPI_ON) != 0) {
		v->vram[a & (VGA_VRAM - 1)] = x;
	} else if (is_linear(v)) {
		if ((v->s.seq[SEQ_MAP_MASK] >> (a & 3) & 1) != 0)
			v->vram[a & (VGA_VRAM - 1)] = x;
	} else if ((v->s.gfx[GFX_MODE] & 0x10) != 0) {
		if ((v->s.seq[SEQ_MAP_MASK] >> (a & 1) & 1) != 0)
			*plane_byte(v, a >> 1, a & 1) = x;
	} else {
		planes_write(v, a, x);
	}
}

static uint64_t
window_read(struct device *d, uint64_t off, unsigned size)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < size; i++)
		x |= (uint64_t)byte_read(vga_of(d), (uint32_t)off + i) << 8 * i;
	return (x);
}

static void
window_write(struct device *d, uint64_t off, unsigned size, uint64_t x)
{
	for (unsigned i = 0; i < size; i++)
		byte_write(vga_of(d), (uint32_t)off + i, (uint8_t)(x >> 8 * i));
}

static const struct bus_ops window_ops = {window_read, window_write};

/* ---- BAR0: only where the host cannot show the memory itself ---- */

static uint64_t
vram_read(struct device *d, uint64_t off, unsigned size)
{
	uint64_t x = 0;

	memcpy(&x, vga_of(d)->vram + off, size);
	return (x);
}

static void
vram_write(struct device *d, uint64_t off, unsigned size, uint64_t x)
{
	memcpy(vga_of(d)->vram + off, &x, size);
}

static const struct bus_ops vram_ops = {vram_read, vram_write};

static void
vram_moved(struct pci_fn *fn, unsigned bar, bool now)
{
	const struct board_host *h = fn->dev.board->host;
	struct vga *v = (struct vga *)fn;

	if (h->window != NULL)
		(void)h->window(fn->dev.board->host_arg, 0, fn->bar[bar].at, VGA_VRAM,
		    now ? v->vram : NULL);
}

/* ---- life ---- */

static void
vga_reset(struct device *d)
{
	struct vga *v = vga_of(d);

	pci_fn_reset(&v->pci);
	memset(&v->s, 0, sizeof(v->s));
	v->s.misc = 1;
	v->s.dac_mask = 0xff;
	v->s.gfx[GFX_MASK] = 0xff;
	v->s.dispi[DISPI_BPP] = 8;
	(void)madvise(v->vram, VGA_VRAM, MADV_DONTNEED);
}

static int
vga_loaded(struct device *d, struct err *e)
{
	struct vga *v = vga_of(d);

	if (v->s.dispi[DISPI_X] > VGA_MAX_WIDTH || v->s.dispi[DISPI_Y] > VGA_MAX_HEIGHT ||
	    !dispi_bpp_is_known(v->s.dispi[DISPI_BPP]) || v->s.dac_part > 2)
		return (err_set(e, EINVAL, "%s: no such mode", d->name));
	return (pci_fn_loaded(&v->pci, e));
}

static void
vga_free(struct device *d)
{
	struct vga *v = vga_of(d);

	if (v->vram != NULL)
		(void)munmap(v->vram, VGA_VRAM);
	free(v);
}

static const struct device_class vga_class = {
    .kind = "vga",
    .version = 1, /* video memory is not part of it yet */
    .state = {DEVICE_STATE(struct vga, pci.s), DEVICE_STATE(struct vga, s)},
    .reset = vga_reset,
    .loaded = vga_loaded,
    .free = vga_free,
};

static int
ranges(struct board *b, struct vga *v, struct err *e)
{
	if (bus_add(b->pio, PORTS, PORTS_LEN, &v->pci.dev, &ports_ops) != 0 ||
	    bus_add(b->pio, DISPI_PORT, DISPI_PORTS, &v->pci.dev, &dispi_ops) != 0 ||
	    bus_add(b->mmio, WINDOW, WINDOW_LEN, &v->pci.dev, &window_ops) != 0)
		return (err_set(e, EEXIST, "the display's ports are taken"));
	return (0);
}

int
vga_new(struct board *b, unsigned devfn, struct err *e)
{
	const struct pci_ident id = {.vendor = 0x1234, .device = 0x1111, .subvendor = 0x1af4,
	    .subsystem = 0x1100, .class_rev = 0x03000002};
	struct vga *v = calloc(1, sizeof(*v));
	int rc;

	if (v == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	v->vram = mmap(NULL, VGA_VRAM, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (v->vram == MAP_FAILED) {
		free(v);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	pci_init(&v->pci, devfn, &id);
	pci_bar_init(&v->pci, BAR_VRAM, PCI_BAR_MEM, VGA_VRAM, &vram_ops);
	v->pci.bar[BAR_VRAM].prefetch = true;
	v->pci.bar[BAR_VRAM].moved = vram_moved;
	pci_bar_init(&v->pci, BAR_REGS, PCI_BAR_MEM, REGS_LEN, &regs_ops);
	if ((rc = pci_add(b, &v->pci, &vga_class, "vga", e)) != 0)
		return (rc);
	return (ranges(b, v, e));
}
