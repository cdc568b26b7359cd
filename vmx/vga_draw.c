/* SPDX-License-Identifier: MIT */
/*
 * Drawing the screen: from registers and video memory to pixels.
 *
 *	dispi on			linear, 8 to 32 bits
 *	graphics, 256 colours		mode 13h and its kin: a byte a pixel
 *	graphics, else			four planes: a bit a pixel in each
 *	text				cells of 8 dots, font in plane 2, cursor
 *
 * Sizes come from the guest's registers and are cut to what a picture may be; addresses are masked
 * to video memory, so there is no mode in which drawing reads beyond it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vga_impl.h"

enum { VRAM_MASK = VGA_VRAM - 1, CELL_W = 8, FONT_GLYPH = 32 };

struct screen {
	const struct vga_regs *s;
	const uint8_t *vram;
	struct vga_frame *f;
	uint32_t palette[256];
	uint32_t start, pitch; /* of the picture in video memory, bytes */
};

static int
frame_size(struct vga_frame *f, unsigned w, unsigned h)
{
	size_t need;

	w = w < 8 ? 8 : w > VGA_MAX_WIDTH ? VGA_MAX_WIDTH : w;
	h = h < 8 ? 8 : h > VGA_MAX_HEIGHT ? VGA_MAX_HEIGHT : h;
	need = (size_t)w * h;
	if (need > f->cap) {
		uint32_t *px = realloc(f->px, need * sizeof(*px));

		if (px == NULL)
			return (-ENOMEM);
		f->px = px;
		f->cap = need;
	}
	f->w = w;
	f->h = h;
	return (0);
}

void
vga_frame_free(struct vga_frame *f)
{
	free(f->px);
	*f = (struct vga_frame){NULL, 0, 0, 0};
}

static uint8_t
at(const struct screen *c, uint32_t addr)
{
	return (c->vram[addr & VRAM_MASK]);
}

/* ---- colours ---- */

static void
palette_make(struct screen *c)
{
	unsigned shift = (c->s->dispi[DISPI_ENABLE] & DISPI_DAC8) != 0 ? 0 : 2;

	for (unsigned i = 0; i < 256; i++) {
		const uint8_t *d = c->s->dac + 3 * i;

		c->palette[i] = (uint32_t)(uint8_t)(d[0] << shift) << 16 |
		    (uint32_t)(uint8_t)(d[1] << shift) << 8 | (uint8_t)(d[2] << shift);
	}
}

/* A colour of 16 goes through the attribute controller to one of 256. */
static uint32_t
colour16(const struct screen *c, unsigned i)
{
	unsigned x = c->s->attr[i & 15] & 0x3f;

	if ((c->s->attr[0x10] & 0x80) != 0)
		x = (x & 0x0f) | (c->s->attr[0x14] & 3) << 4;
	return (c->palette[x | (c->s->attr[0x14] & 0x0c) << 4]);
}

/* ---- the CRTC's geometry ---- */

static unsigned
lines(const struct screen *c)
{
	const uint8_t *r = c->s->crtc;

	return (1U + (r[0x12] | (r[7] & 2) << 7 | (r[7] & 0x40) << 3));
}

static unsigned
columns(const struct screen *c)
{
	return (1U + c->s->crtc[1]);
}

static void
crtc_geometry(struct screen *c)
{
	c->start = (uint32_t)(c->s->crtc[0x0c] << 8 | c->s->crtc[0x0d]) << 2;
	c->pitch = (uint32_t)c->s->crtc[0x13] << 3;
}

/* How often a line of memory is shown: cells' height, or doubled scan lines. */
static unsigned
repeat(const struct screen *c)
{
	unsigned n = (c->s->crtc[9] & 0x1fU) + 1;

	return ((c->s->crtc[9] & 0x80) != 0 ? 2 * n : n);
}

/* ---- text ---- */

static const uint8_t *
glyph(const struct screen *c, unsigned ch, bool second)
{
	uint8_t sel = c->s->seq[3];
	unsigned font = second ? (sel >> 5 & 1) | (sel >> 1 & 6) : (sel >> 4 & 1) | (sel << 1 & 6);

	return (c->vram + ((font * 0x8000U + ch * FONT_GLYPH * 4 + 2) & VRAM_MASK));
}

static void
draw_cell(struct screen *c, unsigned col, unsigned row, unsigned height, uint32_t addr)
{
	uint8_t ch = at(c, addr), attr = at(c, addr + 1);
	bool blinks = (c->s->attr[0x10] & 8) != 0;
	uint32_t fg = colour16(c, attr & 15), bg = colour16(c, attr >> 4 & (blinks ? 7 : 15));
	const uint8_t *g = glyph(c, ch, (attr & 8) == 0);

	for (unsigned y = 0; y < height; y++) {
		uint32_t *p = c->f->px + (size_t)(row * height + y) * c->f->w + (size_t)col * CELL_W;
		uint8_t bits = y < FONT_GLYPH ? g[y * 4] : 0;

		for (unsigned x = 0; x < CELL_W; x++)
			p[x] = (bits >> (7 - x) & 1) != 0 ? fg : bg;
	}
}

static void
draw_cursor(struct screen *c, unsigned cols, unsigned rows, unsigned height)
{
	const uint8_t *r = c->s->crtc;
	uint32_t pos = (uint32_t)(r[0x0e] << 8 | r[0x0f]) << 2, off = pos - c->start;
	unsigned top = r[0x0a] & 0x1f, end = r[0x0b] & 0x1f, row, col;

	if ((r[0x0a] & 0x20) != 0 || pos < c->start || c->pitch == 0)
		return;
	row = off / c->pitch;
	col = off % c->pitch / 4;
	if (row >= rows || col >= cols)
		return;
	for (unsigned y = top; y <= end && y < height; y++) {
		uint32_t *p = c->f->px + (size_t)(row * height + y) * c->f->w + (size_t)col * CELL_W;

		for (unsigned x = 0; x < CELL_W; x++)
			p[x] = colour16(c, at(c, pos + 1) & 15);
	}
}

static int
draw_text(struct screen *c)
{
	unsigned height = (c->s->crtc[9] & 0x1fU) + 1, cols = columns(c), rows = lines(c) / height;

	if (height < 2 || rows == 0 || frame_size(c->f, cols * CELL_W, rows * height) != 0)
		return (-ENOMEM);
	memset(c->f->px, 0, (size_t)c->f->w * c->f->h * 4);
	if (cols > c->f->w / CELL_W)
		cols = c->f->w / CELL_W;
	if (rows > c->f->h / height)
		rows = c->f->h / height;
	for (unsigned row = 0; row < rows; row++)
		for (unsigned col = 0; col < cols; col++)
			draw_cell(c, col, row, height, c->start + row * c->pitch + 4 * col);
	draw_cursor(c, cols, rows, height);
	return (0);
}

/* ---- VGA graphics ---- */

static int
draw_256(struct screen *c)
{
	unsigned n = repeat(c);

	if (frame_size(c->f, columns(c) * 4, lines(c) / n) != 0)
		return (-ENOMEM);
	for (unsigned y = 0; y < c->f->h; y++)
		for (unsigned x = 0; x < c->f->w; x++)
			c->f->px[(size_t)y * c->f->w + x] =
			    c->palette[at(c, c->start + y * c->pitch + x) & c->s->dac_mask];
	return (0);
}

static void
draw_planes_8(const struct screen *c, uint32_t *p, uint32_t addr)
{
	uint8_t b[4] = {at(c, addr), at(c, addr + 1), at(c, addr + 2), at(c, addr + 3)};
	uint8_t enable = c->s->attr[0x12];

	for (unsigned x = 0; x < 8; x++) {
		unsigned i = 0;

		for (unsigned k = 0; k < 4; k++)
			i |= (b[k] >> (7 - x) & 1U) << k;
		p[x] = colour16(c, i & enable);
	}
}

static int
draw_16(struct screen *c)
{
	unsigned n = repeat(c), cols = columns(c);

	if (frame_size(c->f, cols * 8, lines(c) / n) != 0)
		return (-ENOMEM);
	if (cols > c->f->w / 8)
		cols = c->f->w / 8;
	for (unsigned y = 0; y < c->f->h; y++)
		for (unsigned x = 0; x < cols; x++)
			draw_planes_8(c, c->f->px + (size_t)y * c->f->w + 8 * x,
			    c->start + y * c->pitch + 4 * x);
	return (0);
}

/* ---- linear modes ---- */

static uint32_t
pixel_of(const struct screen *c, uint32_t a, unsigned bpp)
{
	unsigned x = at(c, a), r, g, b;

	if (bpp == 8)
		return (c->palette[x]);
	x |= (unsigned)at(c, a + 1) << 8;
	if (bpp == 15 || bpp == 16) {
		r = bpp == 15 ? x >> 10 & 31 : x >> 11;
		g = bpp == 15 ? (x >> 5 & 31) << 3 : (x >> 5 & 63) << 2;
		b = x & 31;
		return (r << 19 | g << 8 | b << 3);
	}
	return (x | (uint32_t)at(c, a + 2) << 16);
}

static int
draw_linear(struct screen *c)
{
	const uint16_t *r = c->s->dispi;
	unsigned bpp = r[DISPI_BPP], bytes = (bpp + 7) / 8;
	uint32_t start;

	if (frame_size(c->f, r[DISPI_X], r[DISPI_Y]) != 0)
		return (-ENOMEM);
	c->pitch = r[DISPI_VIRT_W] * bytes;
	start = r[DISPI_Y_OFF] * c->pitch + r[DISPI_X_OFF] * bytes;
	for (unsigned y = 0; y < c->f->h; y++) {
		uint32_t *p = c->f->px + (size_t)y * c->f->w, a = start + y * c->pitch;

		for (unsigned x = 0; x < c->f->w; x++, a += bytes)
			p[x] = pixel_of(c, a, bpp);
	}
	return (0);
}

/* ---- choosing ---- */

static int
draw_blank(struct screen *c)
{
	if (frame_size(c->f, 640, 400) != 0)
		return (-ENOMEM);
	memset(c->f->px, 0, (size_t)c->f->w * c->f->h * 4);
	return (0);
}

int
vga_render(struct device *d, struct vga_frame *f)
{
	struct vga *v = (struct vga *)d;
	struct vga_regs s;
	struct screen c = {.s = &s, .vram = v->vram, .f = f};

	(void)pthread_mutex_lock(&d->lock);
	s = v->s;
	(void)pthread_mutex_unlock(&d->lock);
	palette_make(&c);
	crtc_geometry(&c);
	if ((s.dispi[DISPI_ENABLE] & DISPI_ON) != 0)
		return (draw_linear(&c));
	if ((s.attr_i & 0x20) == 0 || (s.seq[1] & 0x20) != 0)
		return (draw_blank(&c)); /* the screen is off */
	if ((s.gfx[6] & 1) == 0)
		return (draw_text(&c));
	return ((s.gfx[5] & 0x40) != 0 ? draw_256(&c) : draw_16(&c));
}
