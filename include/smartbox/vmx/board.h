/* SPDX-License-Identifier: MIT */
/*
 * The board: guest memory, two buses, interrupt lines and the devices on them.  No KVM here.
 *
 * What the board needs from outside is struct board_host, six functions.  vmx/vm.c fills it with KVM;
 * tests and fuzz targets fill it with recorders, and drive the devices through the buses exactly as
 * a guest would.
 *
 * Invariants, cited by number:
 *  1. A device's state is read and written only with its lock held.  The bus takes it around every
 *     access; I/O threads and event loops take it themselves.
 *  2. Lock order: pci host -> device -> bus, irq.  A device never takes another device's lock, but
 *     for the pci host, which takes that of the function whose configuration it touches.
 *  3. Everything a guest can see of a device is in its state structure, of fixed-width fields
 *     and no pointers, with a version.  What can be derived (mapped ranges, host addresses) is not
 *     in it and is made anew by the class's `loaded`.
 *  4. No allocation, no log line and no unbounded loop per guest access.
 *  5. The set of devices is fixed before the first access and until board_free.
 */
#ifndef SMARTBOX_VMX_BOARD_H
#define SMARTBOX_VMX_BOARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/err.h"
#include "smartbox/vmx/bus.h"
#include "smartbox/vmx/gmem.h"

struct board;
struct device;
struct pci_host;

enum board_event { BOARD_RESET, BOARD_POWEROFF, BOARD_PANIC };

/* A guest write that becomes an eventfd increment without an exit to user space. */
struct doorbell {
	bool pio;
	uint64_t addr;
	unsigned len;	  /* 0: any */
	int match;	  /* value to match, -1: any */
	int fd;
};

struct board_host {
	void (*irq)(void *arg, unsigned gsi, bool level);
	void (*msi)(void *arg, uint64_t addr, uint32_t data);
	/* A descriptor whose increments fire the message, or -1; kept until the board goes. */
	int (*msi_fd)(void *arg, unsigned slot, uint64_t addr, uint32_t data);
	int (*doorbell)(void *arg, const struct doorbell *db, bool add); /* NULL: exits do */
	/* Show len bytes of host memory at gpa; NULL hva takes the slot away.  NULL: bus does. */
	int (*window)(void *arg, unsigned slot, uint64_t gpa, uint64_t len, void *hva);
	void (*event)(void *arg, enum board_event ev);
	uint64_t (*now_ns)(void *arg);	/* monotonic; NULL: the system's */
	int64_t (*wall_s)(void *arg);	/* seconds since 1970; NULL: the system's */
};

enum { DEVICE_PARTS = 3 };
struct device_part {
	size_t offset, size;
};

struct device_class {
	const char *kind;
	uint32_t version; /* of the state structures */
	/* The state: one structure, or one per layer (PCI, virtio, type). */
	struct device_part state[DEVICE_PARTS];
	void (*reset)(struct device *d); /* to power-on state; lock held */
	/* The state was filled from outside bytes: check every field, derive the rest; lock held. */
	int (*loaded)(struct device *d, struct err *e);
	void (*free)(struct device *d);
};
#define DEVICE_STATE(type, member) {offsetof(type, member), sizeof(((type *)0)->member)}

struct device {
	const struct device_class *cls;
	struct board *board;
	pthread_mutex_t lock;
	char name[24];
};

enum { BOARD_MAX_DEVICES = 64 };

struct board {
	struct gmem *mem; /* borrowed */
	struct bus *pio, *mmio;
	const struct board_host *host;
	void *host_arg;
	struct pci_host *pci; /* set by pci_host_new */
	struct device *dev[BOARD_MAX_DEVICES];
	unsigned ndevs;
	pthread_mutex_t irq_lock;
	uint32_t irq_users[24]; /* bit per source that holds the line up */
};

int board_new(struct gmem *mem, const struct board_host *host, void *arg, struct board **out,
    struct err *e);
void board_free(struct board *b); /* frees the devices; the memory is the caller's */

/*
 * Put a device (allocated by its module, zeroed, struct device first) on the board and reset it.
 * The device is the board's from the call on, also when it fails: freed through its class.
 */
int board_add(struct board *b, struct device *d, const struct device_class *cls, const char *name,
    struct err *e);
void board_reset(struct board *b);
struct device *board_find(struct board *b, const char *name);

/* An interrupt line shared by up to 32 sources: up while any holds it. */
void board_irq(struct board *b, unsigned gsi, unsigned source, bool level);
void board_irq_pulse(struct board *b, unsigned gsi); /* edge */
void board_event(struct board *b, enum board_event ev);
uint64_t board_now(struct board *b);
int64_t board_wall(struct board *b);

/*
 * The state of every device, as a sequence of tagged sections (kind, name, version, length, CRC).
 * The vCPUs must be stopped and the I/O drained.  load: -EINVAL, and the board must be reset or
 * thrown away then.
 */
int board_save(struct board *b, struct buf *out, struct err *e);
int board_load(struct board *b, const void *bytes, size_t len, struct err *e);

#endif
