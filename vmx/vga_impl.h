/* SPDX-License-Identifier: MIT */
/* The display's registers and memory, shared by vga.c (what the guest sees) and vga_draw.c. */
#ifndef VMX_VGA_IMPL_H
#define VMX_VGA_IMPL_H

#include "smartbox/vmx/pci.h"
#include "smartbox/vmx/vga.h"

enum { DISPI_ID, DISPI_X, DISPI_Y, DISPI_BPP, DISPI_ENABLE, DISPI_BANK, DISPI_VIRT_W, DISPI_VIRT_H,
	DISPI_X_OFF, DISPI_Y_OFF, DISPI_MEM, DISPI_COUNT };
enum { DISPI_ON = 1, DISPI_CAPS = 2, DISPI_DAC8 = 0x20, DISPI_LFB = 0x40, DISPI_NOCLEAR = 0x80 };

struct vga_regs {
	uint8_t misc, seq_i, gfx_i, crtc_i, attr_i, attr_flip, status;
	uint8_t seq[8], gfx[16], crtc[32], attr[32];
	uint8_t dac_mask, dac_read, dac_write, dac_part, dac_state, latch[4], reserved[3];
	uint8_t dac[768];
	uint16_t dispi_i, dispi[DISPI_COUNT];
};

struct vga {
	struct pci_fn pci;
	struct vga_regs s;
	uint8_t *vram; /* VGA_VRAM bytes, shown to the guest as they are */
};

#endif
