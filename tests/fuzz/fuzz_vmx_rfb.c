/* SPDX-License-Identifier: MIT */
/* A VNC client's bytes, in pieces, with and without a password, while the picture changes its size. */
#include <stdint.h>
#include <stdlib.h>

#include "smartbox/vmx/rfb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
frame(void *arg, struct vga_frame *f)
{
	unsigned *n = arg;
	unsigned w = 40 + *n % 3 * 30, h = 30 + *n % 5 * 20;

	(*n)++;
	if (f->cap == 0) {
		if ((f->px = calloc(200 * 200, 4)) == NULL)
			return (-1);
		f->cap = 200 * 200;
	}
	f->w = w;
	f->h = h;
	for (unsigned i = 0; i < w * h; i++)
		f->px[i] = i * (*n % 4) * 0x10203;
	return (0);
}

static void
key(void *arg, uint8_t code, bool down)
{
	(void)arg;
	(void)code;
	(void)down;
}

static void
pointer(void *arg, int dx, int dy, int dz, unsigned buttons)
{
	(void)arg;
	if (dx > 65535 || dx < -65535 || dy > 65535 || dy < -65535 || dz > 1 || dz < -1 || buttons > 7)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rfb_ops ops = {frame, key, pointer};
	unsigned n = 0;
	struct rfb_config c = {&ops, &n, "fuzz", size > 0 && data[0] == 'p' ? "secret" : NULL, "de",
	    size > 0 && data[0] == 'r' ? "not now" : NULL};
	struct rfb *r = rfb_new(&c);

	for (size_t at = size > 0; r != NULL && at < size;) {
		size_t piece = 1 + data[at] % 40, left = size - at;

		if (rfb_input(r, data + at, piece < left ? piece : left) != 0)
			break;
		at += piece;
		if (rfb_tick(r) != 0)
			break;
		rfb_sent(r, rfb_output(r)->len);
	}
	rfb_free(r);
	return (0);
}
