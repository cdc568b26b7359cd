/* SPDX-License-Identifier: MIT */
/*
 * PIIX4 power management, function 00:01.3: the ACPI fixed hardware.
 *
 *	base+0  status  (bit 0 timer, 8 power button; a written 1 clears)
 *	base+2  enable
 *	base+4  control (bit 0 SCI_EN, 10-12 sleep type, 13 sleep enable)
 *	base+8  timer, 3.579545 MHz, 24 bits
 *
 * base is 0x600 after reset, and where firmware moves it.  SMI_CMD is not announced, so ACPI is
 * always on and SCI_EN is set from the start.  Sleep type 0 with the enable bit is S5 by our _S5:
 * the machine ends.  The button sets its status bit and, if the guest enabled it, holds IRQ 9 up
 * until the guest clears the bit.
 *
 * Facts: ACPI 6.4, chapter 4.8.3; Intel 82371AB data sheet for 0x40, 0x58, 0x80.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/vmx/isa.h"
#include "smartbox/vmx/pci.h"

enum { SCI = 9 };
enum { ST_TIMER = 1, ST_BUTTON = 0x100, ST_MASK = 0x8531 };
enum { CNT_SCI_EN = 1, CNT_SLP_EN = 0x2000, CNT_KEEP = 0x1c07 };
enum { CFG_PMBASE = 0x40, CFG_DEVACTB = 0x58, CFG_PMREGMISC = 0x80 };
enum { PM_PORTS = 64 };

struct pm {
	struct pci_fn pci;
	struct pm_state {
		uint16_t status, enable, control, reserved;
	} s;
	uint16_t mapped; /* base on the bus; 0: none */
};

static void
sci_update(struct pm *p)
{
	board_irq(p->pci.dev.board, SCI, 0,
	    (p->s.status & p->s.enable & ST_MASK) != 0 && (p->s.control & CNT_SCI_EN) != 0);
}

static uint32_t
timer(struct pm *p)
{
	uint64_t ns = board_now(p->pci.dev.board);

	/* 3579545 Hz without overflow for 1000 years */
	return ((uint32_t)(ns / 1000000000 * 3579545 + ns % 1000000000 * 3579545 / 1000000000) &
	    0xffffff);
}

static uint64_t
pm_read(struct device *d, uint64_t off, unsigned size)
{
	struct pm *p = (struct pm *)d;

	(void)size;
	switch (off) {
	case 0: return (p->s.status | (size == 4 ? (uint32_t)p->s.enable << 16 : 0));
	case 2: return (p->s.enable);
	case 4: return (p->s.control);
	case 8: return (timer(p));
	}
	return (0);
}

static void
control_set(struct pm *p, uint16_t v)
{
	p->s.control = (v & CNT_KEEP) | CNT_SCI_EN;
	if ((v & CNT_SLP_EN) != 0 && (v >> 10 & 7) == 0)
		board_event(p->pci.dev.board, BOARD_POWEROFF);
}

static void
pm_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct pm *p = (struct pm *)d;

	switch (off) {
	case 0:
		p->s.status &= (uint16_t)~v;
		if (size == 4)
			p->s.enable = (uint16_t)(v >> 16);
		break;
	case 2:
		p->s.enable = (uint16_t)v;
		break;
	case 4:
		control_set(p, (uint16_t)v);
		break;
	}
	sci_update(p);
}

static const struct bus_ops pm_ops = {pm_read, pm_write};

static void
pm_remap(struct pm *p)
{
	const uint8_t *c = p->pci.s.cfg;
	uint16_t base = (uint16_t)((c[CFG_PMBASE] | c[CFG_PMBASE + 1] << 8) & 0xffc0);
	bool on = (c[CFG_PMREGMISC] & 1) != 0 && base != 0;

	if (p->mapped == (on ? base : 0))
		return;
	if (p->mapped != 0)
		bus_remove(p->pci.dev.board->pio, p->mapped, &p->pci.dev);
	p->mapped = 0;
	if (on && bus_add(p->pci.dev.board->pio, base, PM_PORTS, &p->pci.dev, &pm_ops) == 0)
		p->mapped = base;
}

static void
pm_cfg_written(struct pci_fn *fn, unsigned off, unsigned len)
{
	(void)off;
	(void)len;
	pm_remap((struct pm *)fn);
}

void
pm_power_button(struct device *d)
{
	struct pm *p = (struct pm *)d;

	(void)pthread_mutex_lock(&d->lock);
	p->s.status |= ST_BUTTON;
	sci_update(p);
	(void)pthread_mutex_unlock(&d->lock);
}

static void
pm_reset(struct device *d)
{
	struct pm *p = (struct pm *)d;

	pci_fn_reset(&p->pci);
	memset(&p->s, 0, sizeof(p->s));
	p->s.control = CNT_SCI_EN;
	pm_remap(p);
	sci_update(p);
}

static int
pm_loaded(struct device *d, struct err *e)
{
	struct pm *p = (struct pm *)d;
	int rc = pci_fn_loaded(&p->pci, e);

	pm_remap(p);
	sci_update(p);
	return (rc);
}

static const struct device_class pm_class = {
    .kind = "piix4-pm",
    .version = 1,
    .state = {DEVICE_STATE(struct pm, pci.s), DEVICE_STATE(struct pm, s)},
    .reset = pm_reset,
    .loaded = pm_loaded,
};

int
pm_new(struct board *b, struct err *e)
{
	static const struct pci_ident id = {
	    .vendor = 0x8086, .device = 0x7113, .subvendor = 0x1af4, .subsystem = 0x1100,
	    .class_rev = 0x06800003, .header = 0x80, .pin = 0};
	struct pm *p = calloc(1, sizeof(*p));
	uint8_t *c;

	if (p == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	pci_init(&p->pci, PCI_DEVFN(1, 3), &id);
	c = p->pci.reset_cfg;
	c[CFG_PMBASE] = 0x01;
	c[CFG_PMBASE + 1] = 0x06;
	c[CFG_DEVACTB + 3] = 0x02; /* APMC enabled: firmware then leaves SMM alone */
	c[CFG_PMREGMISC] = 1;
	memset(p->pci.wmask + 0x40, 0xff, 0xc0);
	p->pci.wmask[CFG_PMBASE] = 0xc0;
	p->pci.wmask[CFG_PMBASE + 2] = p->pci.wmask[CFG_PMBASE + 3] = 0;
	p->pci.cfg_written = pm_cfg_written;
	return (pci_add(b, &p->pci, &pm_class, "pm", e));
}
