/* SPDX-License-Identifier: MIT */
/*
 * The devices that a PC has at fixed ports.
 */
#ifndef SMARTBOX_VMX_ISA_H
#define SMARTBOX_VMX_ISA_H

#include "smartbox/vmx/board.h"
#include "smartbox/vmx/chr.h"

/* 16550A.  The chr is borrowed and may be NULL: a port with nothing behind it. */
int uart_new(struct board *b, const char *name, uint16_t port, unsigned irq, struct chr *c,
    struct err *e);

/* MC146818 with 128 bytes; the memory sizes of a PC's CMOS are filled in from the board. */
int rtc_new(struct board *b, unsigned cpus, struct err *e);
struct loop;
/* The periodic and alarm interrupts need a timer; without a loop they do not come. */
void rtc_attach(struct device *rtc, struct loop *l);

/* 8042 with a keyboard and a mouse, and port 0x92. */
int i8042_new(struct board *b, struct err *e);
void i8042_key(struct device *d, const uint8_t *scancodes, size_t n); /* set 2 */
/* A key by its number in set 1, 0x80 added to those with the prefix e0. */
void i8042_key_xt(struct device *d, uint8_t code, bool down);
void i8042_mouse(struct device *d, int dx, int dy, int dz, unsigned buttons);

/* ACPI power management at 0x600 (PIIX4 function 00:01.3). */
int pm_new(struct board *b, struct err *e);
void pm_power_button(struct device *d);

/* Ports 0x80, 0x402 and 0xb2; the descriptor (owned) gets the debug port's bytes, -1: nobody. */
int debugcon_new(struct board *b, int fd, struct err *e);

/* ---- fw_cfg: named items that firmware reads ---- */
int fwcfg_new(struct board *b, struct err *e);
/* While the guest does not run. The bytes are copied; a file of the same name is replaced. */
int fwcfg_add(struct device *d, uint16_t key, const void *bytes, size_t len);
int fwcfg_add_file(struct device *d, const char *name, const void *bytes, size_t len);

#endif
