/* SPDX-License-Identifier: MIT */
/*
 * The remote framebuffer protocol, server side.
 *
 *	version -> security -> [challenge] -> init -> messages
 *
 * The client asks for updates; one is answered when the picture differs from what the client was sent
 * last, tile by tile of 64 x 64.  Only one update is ever in the output, so a slow client gets fewer
 * pictures, not older ones, and the output is bounded by one full picture.
 *
 * Invariants:
 *  1. `shown` is what the client's picture is after everything in the output.
 *  2. A message is looked at when all of it is there; one longer than INPUT_MAX ends the session.
 *
 * Facts: RFC 6143; the QEMU extended key event and its encoding number from the rfbproto collection.
 */
#include "smartbox/vmx/rfb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zlib.h>

enum stage { S_VERSION, S_SECURITY, S_CHALLENGE, S_INIT, S_MESSAGES };
enum { TILE = 64, INPUT_MAX = 65536, CUT_MAX = 60000, KEYS = 256 };
enum { ENC_RAW = 0, ENC_ZRLE = 16, ENC_SIZE = -223, ENC_QEMU_KEYS = -258 };
enum { C_FORMAT = 0, C_ENCODINGS = 2, C_UPDATE = 3, C_KEY = 4, C_POINTER = 5, C_CUT = 6, C_QEMU = 255 };

struct pixel_format {
	uint8_t bpp, depth, big, true_colour;
	uint16_t max[3];   /* red, green, blue */
	uint8_t shift[3];
};

struct rfb {
	struct rfb_config c;
	enum stage stage;
	unsigned minor;
	uint8_t challenge[16];
	struct buf in, out;
	struct pixel_format pf;
	bool zrle, resizes, qemu_keys, keys_told;
	bool wanted, full;	/* an update was asked for; all of it */
	struct vga_frame now, shown;
	z_stream z;
	bool z_open;
	struct buf tiles; /* a rectangle before it is packed */
	int x, y;	  /* of the pointer */
	unsigned buttons;
	bool down[KEYS];
};

/* ---- output ---- */

static void
put8(struct buf *b, unsigned v)
{
	uint8_t x = (uint8_t)v;

	buf_add(b, &x, 1);
}

static void
put16(struct buf *b, unsigned v)
{
	put8(b, v >> 8);
	put8(b, v);
}

static void
put32(struct buf *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b, v & 0xffff);
}

static unsigned
get16(const uint8_t *p)
{
	return ((unsigned)p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return ((uint32_t)get16(p) << 16 | get16(p + 2));
}

/* ---- pixels ---- */

static uint32_t
pixel_for(const struct pixel_format *f, uint32_t xrgb)
{
	uint32_t out = 0;

	for (unsigned i = 0; i < 3; i++)
		out |= ((xrgb >> (16 - 8 * i) & 0xff) * f->max[i] / 255) << f->shift[i];
	return (out);
}

static void
put_bytes(struct buf *b, uint32_t v, unsigned bytes, bool big)
{
	for (unsigned i = 0; i < bytes; i++)
		put8(b, v >> 8 * (big ? bytes - 1 - i : i));
}

static void
put_pixel(struct rfb *r, struct buf *b, uint32_t xrgb)
{
	put_bytes(b, pixel_for(&r->pf, xrgb), r->pf.bpp / 8, r->pf.big);
}

/* ZRLE's compressed pixel: three bytes when the fourth carries nothing. */
static void
put_cpixel(struct rfb *r, struct buf *b, uint32_t xrgb)
{
	uint32_t v = pixel_for(&r->pf, xrgb), used = 0;

	for (unsigned i = 0; i < 3; i++)
		used |= (uint32_t)r->pf.max[i] << r->pf.shift[i];
	if (r->pf.bpp != 32 || r->pf.depth > 24)
		put_bytes(b, v, r->pf.bpp / 8, r->pf.big);
	else if ((used & 0xff000000) == 0)
		put_bytes(b, v, 3, r->pf.big);
	else if ((used & 0xff) == 0)
		put_bytes(b, v >> 8, 3, r->pf.big);
	else
		put_bytes(b, v, 4, r->pf.big);
}

/* ---- ZRLE ---- */

struct tile {
	const uint32_t *px; /* its first pixel in the frame */
	unsigned stride, w, h;
	uint32_t colour[16];
	unsigned ncolours; /* 17: more than a palette holds */
};

static unsigned
colour_index(const struct tile *t, uint32_t c)
{
	unsigned i = 0;

	while (i < t->ncolours && t->colour[i] != c)
		i++;
	return (i);
}

static void
tile_colours(struct tile *t)
{
	uint32_t last = ~0U;

	t->ncolours = 0;
	for (unsigned y = 0; y < t->h; y++)
		for (unsigned x = 0; x < t->w; x++) {
			uint32_t c = t->px[(size_t)y * t->stride + x];

			if (c == last || colour_index(t, c) < t->ncolours)
				continue;
			if (t->ncolours == 16) {
				t->ncolours = 17;
				return;
			}
			t->colour[t->ncolours++] = last = c;
		}
}

static void
put_indices(struct buf *b, const struct tile *t)
{
	unsigned bits = t->ncolours <= 2 ? 1 : t->ncolours <= 4 ? 2 : 4;

	for (unsigned y = 0; y < t->h; y++) {
		unsigned byte = 0, have = 0;

		for (unsigned x = 0; x < t->w; x++) {
			byte = byte << bits | colour_index(t, t->px[(size_t)y * t->stride + x]);
			if ((have += bits) == 8) {
				put8(b, byte);
				byte = have = 0;
			}
		}
		if (have != 0)
			put8(b, byte << (8 - have));
	}
}

static void
put_tile(struct rfb *r, struct buf *b, struct tile *t)
{
	tile_colours(t);
	put8(b, t->ncolours == 17 ? 0 : t->ncolours);
	for (unsigned i = 0; t->ncolours != 17 && i < t->ncolours; i++)
		put_cpixel(r, b, t->colour[i]);
	if (t->ncolours == 17) {
		for (unsigned y = 0; y < t->h; y++)
			for (unsigned x = 0; x < t->w; x++)
				put_cpixel(r, b, t->px[(size_t)y * t->stride + x]);
	} else if (t->ncolours > 1) {
		put_indices(b, t);
	}
}

/* One stream for the whole session, flushed after each rectangle. */
static int
put_packed(struct rfb *r)
{
	uint8_t chunk[16384];
	size_t at = r->out.len;
	uint32_t len;

	put32(&r->out, 0);
	if (!r->z_open && deflateInit2(&r->z, 3, Z_DEFLATED, 15, 7, Z_DEFAULT_STRATEGY) != Z_OK)
		return (-ENOMEM);
	r->z_open = true;
	r->z.next_in = (Bytef *)r->tiles.data;
	r->z.avail_in = (uInt)r->tiles.len;
	do {
		r->z.next_out = chunk;
		r->z.avail_out = sizeof(chunk);
		(void)deflate(&r->z, Z_SYNC_FLUSH);
		buf_add(&r->out, chunk, sizeof(chunk) - r->z.avail_out);
	} while (r->z.avail_out == 0);
	if (buf_failed(&r->out))
		return (-ENOMEM);
	len = (uint32_t)(r->out.len - at - 4);
	for (unsigned i = 0; i < 4; i++)
		((uint8_t *)r->out.data)[at + i] = (uint8_t)(len >> (24 - 8 * i));
	return (0);
}

/* ---- updates ---- */

static void
put_head(struct buf *b, unsigned x, unsigned y, unsigned w, unsigned h, int32_t encoding)
{
	put16(b, x);
	put16(b, y);
	put16(b, w);
	put16(b, h);
	put32(b, (uint32_t)encoding);
}

static unsigned
least(unsigned a, unsigned b)
{
	return (a < b ? a : b);
}

static int
put_rect(struct rfb *r, unsigned x, unsigned y, unsigned w, unsigned h)
{
	const uint32_t *px = r->now.px + (size_t)y * r->now.w + x;

	put_head(&r->out, x, y, w, h, r->zrle ? ENC_ZRLE : ENC_RAW);
	if (!r->zrle) {
		for (unsigned i = 0; i < h; i++)
			for (unsigned k = 0; k < w; k++)
				put_pixel(r, &r->out, px[(size_t)i * r->now.w + k]);
		return (0);
	}
	r->tiles.len = 0;
	for (unsigned k = 0; k < w; k += TILE) {
		struct tile t = {.px = px + k, .stride = r->now.w, .w = least(TILE, w - k), .h = h};

		put_tile(r, &r->tiles, &t);
	}
	return (buf_failed(&r->tiles) ? -ENOMEM : put_packed(r));
}

static bool
tile_differs(const struct rfb *r, unsigned x, unsigned y)
{
	unsigned w = least(TILE, r->now.w - x), h = least(TILE, r->now.h - y);

	for (unsigned i = 0; i < h; i++) {
		size_t at = (size_t)(y + i) * r->now.w + x;

		if (memcmp(r->now.px + at, r->shown.px + at, w * sizeof(uint32_t)) != 0)
			return (true);
	}
	return (false);
}

/* Neighbouring tiles of one row that are new, as one rectangle each; their number. */
static int
put_rows(struct rfb *r)
{
	int n = 0;

	for (unsigned y = 0; y < r->now.h; y += TILE) {
		for (unsigned x = 0; x < r->now.w; x += TILE) {
			unsigned first = x;
			int rc;

			while (x < r->now.w && (r->full || tile_differs(r, x, y)))
				x += TILE;
			if (x == first)
				continue;
			if ((rc = put_rect(r, first, y, least(x, r->now.w) - first,
				 least(TILE, r->now.h - y))) != 0)
				return (rc);
			n++;
		}
	}
	return (n);
}

static int
keep_shown(struct rfb *r)
{
	size_t n = (size_t)r->now.w * r->now.h;

	if (n > r->shown.cap) {
		uint32_t *px = realloc(r->shown.px, n * sizeof(*px));

		if (px == NULL)
			return (-ENOMEM);
		r->shown.px = px;
		r->shown.cap = n;
	}
	memcpy(r->shown.px, r->now.px, n * sizeof(uint32_t));
	r->shown.w = r->now.w;
	r->shown.h = r->now.h;
	return (0);
}

/* A picture of another size: told, or cut to what the client knows. */
static int
fit_size(struct rfb *r, unsigned *extra)
{
	if (r->now.w == r->shown.w && r->now.h == r->shown.h)
		return (0);
	if (!r->resizes)
		return (-EPROTO); /* hanging up lets it connect anew, with the new size */
	put_head(&r->out, 0, 0, r->now.w, r->now.h, ENC_SIZE);
	r->full = true;
	(*extra)++;
	return (0);
}

int
rfb_tick(struct rfb *r)
{
	unsigned extra = 0;
	size_t head;
	int n, rc;

	if (r->stage != S_MESSAGES || !r->wanted || r->out.len > 0)
		return (0);
	if ((rc = r->c.ops->frame(r->c.arg, &r->now)) != 0)
		return (rc);
	head = r->out.len;
	put16(&r->out, 0);
	put16(&r->out, 0);
	if (r->qemu_keys && !r->keys_told) {
		put_head(&r->out, 0, 0, 0, 0, ENC_QEMU_KEYS);
		extra++;
	}
	if ((rc = fit_size(r, &extra)) != 0 || (n = rc = put_rows(r)) < 0 || (rc = keep_shown(r)) != 0)
		return (rc);
	if (buf_failed(&r->out))
		return (-ENOMEM);
	n += (int)extra;
	if (n == 0) {
		r->out.len = head; /* nothing new: the request waits */
		return (0);
	}
	((uint8_t *)r->out.data)[head + 2] = (uint8_t)(n >> 8);
	((uint8_t *)r->out.data)[head + 3] = (uint8_t)n;
	r->keys_told = r->keys_told || r->qemu_keys;
	r->wanted = r->full = false;
	return (0);
}

/* ---- keys and pointer ---- */

static void
key(struct rfb *r, uint8_t code, bool down)
{
	if (code == 0 || (!down && !r->down[code]))
		return;
	r->down[code] = down;
	r->c.ops->key(r->c.arg, code, down);
}

static void
keys_release(struct rfb *r)
{
	for (unsigned i = 1; i < KEYS; i++)
		key(r, (uint8_t)i, false);
}

/* Buttons of the protocol: 1 left, 2 middle, 4 right, 8 and 16 the wheel. */
static void
pointer(struct rfb *r, unsigned mask, int x, int y)
{
	unsigned buttons = (mask & 1) | (mask & 4) >> 1 | (mask & 2) << 1;
	int dz = (mask & 8) != 0 ? -1 : (mask & 16) != 0 ? 1 : 0;

	if (x == r->x && y == r->y && buttons == r->buttons && dz == 0)
		return;
	r->c.ops->pointer(r->c.arg, x - r->x, y - r->y, dz, buttons);
	r->x = x;
	r->y = y;
	r->buttons = buttons;
}

/* ---- messages: how many bytes were taken, 0 not all there, negative the end ---- */

static int
msg_format(struct rfb *r, const uint8_t *p, size_t len)
{
	struct pixel_format f;

	if (len < 20)
		return (0);
	f = (struct pixel_format){p[4], p[5], p[6], p[7], {(uint16_t)get16(p + 8), (uint16_t)get16(p + 10),
	    (uint16_t)get16(p + 12)}, {p[14], p[15], p[16]}};
	if ((f.bpp != 8 && f.bpp != 16 && f.bpp != 32) || f.true_colour == 0)
		return (-EPROTO);
	for (unsigned i = 0; i < 3; i++)
		if (f.shift[i] >= f.bpp || f.max[i] > 255)
			return (-EPROTO);
	r->pf = f;
	r->full = true;
	return (20);
}

static int
msg_encodings(struct rfb *r, const uint8_t *p, size_t len)
{
	unsigned n;

	if (len < 4 || len < 4 + 4U * (n = get16(p + 2)))
		return (0);
	r->zrle = r->resizes = r->qemu_keys = false;
	for (unsigned i = 0; i < n; i++) {
		int32_t e = (int32_t)get32(p + 4 + 4 * i);

		r->zrle = r->zrle || e == ENC_ZRLE;
		r->resizes = r->resizes || e == ENC_SIZE;
		r->qemu_keys = r->qemu_keys || e == ENC_QEMU_KEYS;
	}
	return ((int)(4 + 4 * n));
}

static int
msg_update(struct rfb *r, const uint8_t *p, size_t len)
{
	if (len < 10)
		return (0);
	r->wanted = true;
	r->full = r->full || p[1] == 0;
	return (10);
}

static int
msg_key(struct rfb *r, const uint8_t *p, size_t len)
{
	if (len < 8)
		return (0);
	key(r, keymap_code(r->c.keymap, get32(p + 4)), p[1] != 0);
	return (8);
}

static int
msg_pointer(struct rfb *r, const uint8_t *p, size_t len)
{
	if (len < 6)
		return (0);
	pointer(r, p[1], (int)get16(p + 2), (int)get16(p + 4));
	return (6);
}

static int
msg_cut(struct rfb *r, const uint8_t *p, size_t len)
{
	uint32_t n;

	(void)r;
	if (len < 8)
		return (0);
	if ((n = get32(p + 4)) > CUT_MAX)
		return (-EPROTO);
	return (len < 8 + n ? 0 : (int)(8 + n));
}

/* The key itself, whatever it means: 0x80 stands for the prefix. */
static int
msg_qemu(struct rfb *r, const uint8_t *p, size_t len)
{
	uint32_t code;

	if (len < 12)
		return (0);
	code = get32(p + 8);
	if (p[1] != 0)
		return (-EPROTO);
	if (code != 0 && code < KEYS)
		key(r, (uint8_t)code, get16(p + 2) != 0);
	return (12);
}

static int
message(struct rfb *r, const uint8_t *p, size_t len)
{
	switch (p[0]) {
	case C_FORMAT: return (msg_format(r, p, len));
	case C_ENCODINGS: return (msg_encodings(r, p, len));
	case C_UPDATE: return (msg_update(r, p, len));
	case C_KEY: return (msg_key(r, p, len));
	case C_POINTER: return (msg_pointer(r, p, len));
	case C_CUT: return (msg_cut(r, p, len));
	case C_QEMU: return (msg_qemu(r, p, len));
	}
	return (-EPROTO);
}

/* ---- the handshake ---- */

static bool
has_password(const struct rfb *r)
{
	return (r->c.password != NULL && r->c.password[0] != '\0');
}

static int
ask_password(struct rfb *r)
{
	if (getrandom(r->challenge, sizeof(r->challenge), 0) != (ssize_t)sizeof(r->challenge))
		return (-EIO);
	buf_add(&r->out, r->challenge, sizeof(r->challenge));
	r->stage = S_CHALLENGE;
	return (0);
}

/* No security type at all, and a sentence that viewers show. */
static int
refuse(struct rfb *r)
{
	size_t len = strlen(r->c.refusal);

	put_bytes(&r->out, 0, r->minor >= 7 ? 1 : 4, true);
	put32(&r->out, (uint32_t)len);
	buf_add(&r->out, r->c.refusal, len);
	return (-EPROTO);
}

static int
step_version(struct rfb *r, const uint8_t *p, size_t len)
{
	unsigned type = has_password(r) ? 2 : 1;

	if (len < 12)
		return (0);
	if (memcmp(p, "RFB 003.00", 10) != 0 || p[11] != '\n')
		return (-EPROTO);
	r->minor = p[10] == '8' ? 8 : p[10] == '7' ? 7 : 3;
	if (r->c.refusal != NULL)
		return (refuse(r));
	if (r->minor >= 7) {
		put8(&r->out, 1);
		put8(&r->out, type);
		r->stage = S_SECURITY;
		return (12);
	}
	put32(&r->out, type);
	r->stage = S_INIT;
	return (type == 2 && ask_password(r) != 0 ? -EIO : 12);
}

static int
step_security(struct rfb *r, const uint8_t *p)
{
	if (p[0] != (has_password(r) ? 2 : 1))
		return (-EPROTO);
	if (p[0] == 2)
		return (ask_password(r) != 0 ? -EIO : 1);
	if (r->minor >= 8)
		put32(&r->out, 0);
	r->stage = S_INIT;
	return (1);
}

/* VNC turns the bits of each byte of the key around. */
static void
make_key(const char *password, uint8_t out[8])
{
	memset(out, 0, 8);
	for (unsigned i = 0; i < 8 && password[i] != '\0'; i++)
		for (unsigned k = 0; k < 8; k++)
			out[i] |= (uint8_t)(((uint8_t)password[i] >> k & 1) << (7 - k));
}

static int
step_challenge(struct rfb *r, const uint8_t *p, size_t len)
{
	static const char why[] = "wrong password";
	uint8_t k[8], want[16], differ = 0;

	if (len < 16)
		return (0);
	make_key(r->c.password, k);
	des_encrypt(k, r->challenge, want);
	des_encrypt(k, r->challenge + 8, want + 8);
	for (unsigned i = 0; i < 16; i++)
		differ |= want[i] ^ p[i];
	put32(&r->out, differ != 0);
	if (differ != 0 && r->minor >= 8) {
		put32(&r->out, sizeof(why) - 1);
		buf_add(&r->out, why, sizeof(why) - 1);
	}
	r->stage = S_INIT;
	return (differ != 0 ? -EACCES : 16);
}

static int
step_init(struct rfb *r)
{
	size_t name = strlen(r->c.name);
	int rc;

	if ((rc = r->c.ops->frame(r->c.arg, &r->now)) != 0 || (rc = keep_shown(r)) != 0)
		return (rc);
	put16(&r->out, r->now.w);
	put16(&r->out, r->now.h);
	put8(&r->out, r->pf.bpp);
	put8(&r->out, r->pf.depth);
	put8(&r->out, r->pf.big);
	put8(&r->out, r->pf.true_colour);
	for (unsigned i = 0; i < 3; i++)
		put16(&r->out, r->pf.max[i]);
	for (unsigned i = 0; i < 3; i++)
		put8(&r->out, r->pf.shift[i]);
	buf_add(&r->out, "\0\0", 3);
	put32(&r->out, (uint32_t)name);
	buf_add(&r->out, r->c.name, name);
	r->full = true;
	r->stage = S_MESSAGES;
	return (1);
}

static int
step(struct rfb *r, const uint8_t *p, size_t len)
{
	switch (r->stage) {
	case S_VERSION: return (step_version(r, p, len));
	case S_SECURITY: return (step_security(r, p));
	case S_CHALLENGE: return (step_challenge(r, p, len));
	case S_INIT: return (step_init(r));
	case S_MESSAGES: break;
	}
	return (message(r, p, len));
}

int
rfb_input(struct rfb *r, const uint8_t *bytes, size_t len)
{
	size_t at = 0;
	int n = 0;

	buf_add(&r->in, bytes, len);
	if (buf_failed(&r->in))
		return (-ENOMEM);
	while (at < r->in.len && (n = step(r, (uint8_t *)r->in.data + at, r->in.len - at)) > 0)
		at += (size_t)n;
	if (n < 0)
		return (n);
	memmove(r->in.data, r->in.data + at, r->in.len - at);
	r->in.len -= at;
	return (r->in.len > INPUT_MAX + 4U * 65536 ? -EPROTO : 0);
}

/* ---- life ---- */

bool
rfb_is_in(const struct rfb *r)
{
	return (r->stage == S_MESSAGES);
}

const struct buf *
rfb_output(const struct rfb *r)
{
	return (&r->out);
}

void
rfb_sent(struct rfb *r, size_t n)
{
	memmove(r->out.data, r->out.data + n, r->out.len - n);
	r->out.len -= n;
}

struct rfb *
rfb_new(const struct rfb_config *c)
{
	struct rfb *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return (NULL);
	r->c = *c;
	r->pf = (struct pixel_format){32, 24, 0, 1, {255, 255, 255}, {16, 8, 0}};
	buf_add(&r->out, "RFB 003.008\n", 12);
	return (r);
}

void
rfb_free(struct rfb *r)
{
	if (r == NULL)
		return;
	keys_release(r);
	if (r->z_open)
		(void)deflateEnd(&r->z);
	buf_free(&r->in);
	buf_free(&r->out);
	buf_free(&r->tiles);
	vga_frame_free(&r->now);
	vga_frame_free(&r->shown);
	free(r);
}
