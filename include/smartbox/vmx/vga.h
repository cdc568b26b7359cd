/* SPDX-License-Identifier: MIT */
/*
 * The display: PCI 1234:1111 with VGA registers, text and graphics modes, and the linear modes of the
 * "dispi" registers.
 */
#ifndef SMARTBOX_VMX_VGA_H
#define SMARTBOX_VMX_VGA_H

#include "smartbox/vmx/board.h"

enum { VGA_MAX_WIDTH = 2560, VGA_MAX_HEIGHT = 1600, VGA_VRAM = 16 << 20 };

int vga_new(struct board *b, unsigned devfn, struct err *e);

/* A picture: 0x00RRGGBB, w * h of them. */
struct vga_frame {
	uint32_t *px;
	unsigned w, h;
	size_t cap; /* pixels that px has room for */
};
/* What the screen shows now; any thread.  -ENOMEM.  The frame is the caller's, zeroed at first. */
int vga_render(struct device *d, struct vga_frame *f);
void vga_frame_free(struct vga_frame *f);

#endif
