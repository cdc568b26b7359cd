/* SPDX-License-Identifier: MIT */
/*
 * PCI: configuration mechanism 1 on bus 0, functions with BARs, INTx and MSI-X.
 *
 * A device embeds struct pci_fn first, describes its BARs and capabilities while it is built, and
 * gets reads and writes of mapped BARs as ordinary bus accesses.  The i440FX host bridge and the
 * PIIX3 ISA bridge, whose registers firmware expects, live in vmx/pci.c.
 *
 * Interrupts without MSI-X go to lines 10 and 11, as SeaBIOS programs PIRQ A-D; our ACPI tables
 * say the same.
 */
#ifndef SMARTBOX_VMX_PCI_H
#define SMARTBOX_VMX_PCI_H

#include "smartbox/vmx/board.h"

#define PCI_DEVFN(dev, fn) ((unsigned)(dev) << 3 | (unsigned)(fn))

enum { PCI_MSIX_MAX = 16, PCI_BARS = 7 /* six and the ROM */, PCI_BAR_ROM = 6 };
enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEM, PCI_BAR_MEM64, PCI_BAR_ROMMEM };

struct pci_fn;

struct pci_bar {
	enum pci_bar_kind kind;
	bool prefetch;
	uint64_t size; /* a power of two */
	const struct bus_ops *ops;
	bool mapped; /* derived: the bus has it, at `at` */
	uint64_t at;
	/* Called when it was mapped (now true) or is about to be unmapped; may be NULL. */
	void (*moved)(struct pci_fn *fn, unsigned bar, bool now);
};

struct pci_state {
	uint8_t cfg[256];
	uint8_t intx; /* 1: we hold the line up */
	uint8_t reserved[7];
	struct pci_msix_entry {
		uint64_t addr;
		uint32_t data, control; /* control bit 0: masked */
	} msix[PCI_MSIX_MAX];
	uint32_t msix_pending;
	uint32_t reserved2;
};

struct pci_fn {
	struct device dev;
	struct pci_state s;
	unsigned devfn;
	uint8_t reset_cfg[256]; /* what cfg is after a reset */
	uint8_t wmask[256];	/* bits the guest may change */
	struct pci_bar bar[PCI_BARS];
	unsigned msix_vectors, msix_bar, msix_cap; /* cap 0: none */
	unsigned cap_end, cap_last;
	/* After a guest write to [off, off + len) took effect; lock held; may be NULL. */
	void (*cfg_written)(struct pci_fn *fn, unsigned off, unsigned len);
	/* Before a guest reads or after it writes a window capability; may be NULL. */
	void (*cfg_read)(struct pci_fn *fn, unsigned off, unsigned len);
	/* An MSI-X entry or mask changed: for those that bound it to a descriptor; may be NULL. */
	void (*msix_changed)(struct pci_fn *fn, unsigned vector);
};

struct pci_ident {
	uint16_t vendor, device, subvendor, subsystem;
	uint32_t class_rev; /* class, subclass, interface, revision: 0x01000000 */
	uint8_t header;	    /* 0x80: the device has more functions */
	uint8_t pin;	    /* 0 none, 1 INTA */
};

/* The host bridge 00:00.0 and the ISA bridge 00:01.0; sets b->pci. */
int pci_host_new(struct board *b, struct err *e);

/* Fill identity and masks; call before BARs and capabilities, and all of them before pci_add. */
void pci_init(struct pci_fn *fn, unsigned devfn, const struct pci_ident *id);
void pci_bar_init(struct pci_fn *fn, unsigned bar, enum pci_bar_kind kind, uint64_t size,
    const struct bus_ops *ops);
/* Returns the offset of a new capability of len bytes (id and next included). */
unsigned pci_cap_add(struct pci_fn *fn, uint8_t id, unsigned len);
/* MSI-X with its table and pending bits in a memory BAR of its own. */
void pci_msix_init(struct pci_fn *fn, unsigned vectors, unsigned bar);
/* Onto the board: as board_add (owned, also on failure). -EEXIST: the slot is taken. */
int pci_add(struct board *b, struct pci_fn *fn, const struct device_class *cls, const char *name,
    struct err *e);
struct pci_fn *pci_find(struct board *b, unsigned devfn);

/* For a class's reset and loaded: configuration to power-on values, ranges mapped as it says. */
void pci_fn_reset(struct pci_fn *fn);
int pci_fn_loaded(struct pci_fn *fn, struct err *e);

/* Give every BAR an address and switch decoding on: what firmware does, for boots without one. */
void pci_assign(struct board *b);

/* The function's lock is held. */
void pci_intx(struct pci_fn *fn, bool level);
bool pci_msix_enabled(const struct pci_fn *fn);
void pci_msix_fire(struct pci_fn *fn, unsigned vector);
unsigned pci_line(const struct pci_fn *fn); /* the GSI of its INTx pin */

#endif
