/* SPDX-License-Identifier: MIT */
/*
 * virtio over PCI: modern (VIRTIO 1.2, section 4.1) and, where the type has a transitional id, the
 * legacy registers in an I/O BAR.
 *
 * A device type is a struct virtio_class and a struct that embeds struct virtio first.  The
 * transport keeps features, status, queues and interrupts; the type gets `kick` when a queue has
 * something, and calls virtio_used when it has pushed.
 *
 * Threads: a queue's kicks arrive on the device's I/O thread (vmx/iothread.h) through an eventfd,
 * or, when there is none (tests), inside the guest's write.  Either way with the lock held.
 */
#ifndef SMARTBOX_VMX_VIRTIO_H
#define SMARTBOX_VMX_VIRTIO_H

#include "smartbox/vmx/pci.h"
#include "smartbox/vmx/virtqueue.h"

enum { VIRTIO_MAX_QUEUES = 8, VIRTIO_CONFIG_MAX = 64 };

#define VIRTIO_F_RING_INDIRECT	28
#define VIRTIO_F_RING_EVENT_IDX 29
#define VIRTIO_F_VERSION_1	32
#define VIRTIO_BIT(n)		(1ULL << (n))

enum {
	VIRTIO_ID_NET = 1,
	VIRTIO_ID_BLK = 2,
	VIRTIO_ID_CONSOLE = 3,
	VIRTIO_ID_RNG = 4,
	VIRTIO_ID_BALLOON = 5,
	VIRTIO_ID_VSOCK = 19,
};

enum { VIRTIO_S_DRIVER_OK = 4, VIRTIO_S_FEATURES_OK = 8, VIRTIO_S_NEEDS_RESET = 64 };

struct virtio;
struct iothread;

struct virtio_class {
	const char *kind;
	uint16_t id;
	uint16_t legacy_id;	 /* PCI device id of the transitional form; 0: none */
	uint32_t pci_class;	 /* class, subclass, interface, revision 0 */
	uint8_t nqueues;
	uint16_t queue_size;	 /* of each queue, a power of two */
	uint16_t config_len;
	struct device_part state; /* the type's own, after struct virtio; size 0: none */
	uint32_t version;
	bool served_outside; /* kick_fd is another process's to read, not our I/O thread's */
	void (*free)(struct virtio *v); /* what the type holds; not the memory */
	/* Queue q may have something for us. */
	void (*kick)(struct virtio *v, unsigned q);
	/* DRIVER_OK was set: features are fixed, queues enabled. */
	void (*start)(struct virtio *v);
	/* Reset: return only when no thread touches the guest's memory for this device any more. */
	void (*stop)(struct virtio *v);
	/* Fill the config space image before a read; react after the guest wrote it. */
	void (*config_get)(struct virtio *v, uint8_t *config);
	void (*config_set)(struct virtio *v, uint8_t *config, unsigned off, unsigned len);
};

struct virtio_state {
	uint64_t driver_features;
	uint32_t device_feature_sel, driver_feature_sel;
	uint16_t queue_sel, config_vector;
	uint8_t status, isr, generation, legacy;
	struct vq_state vq[VIRTIO_MAX_QUEUES];
};

struct virtio {
	struct pci_fn pci;
	struct virtio_state vs;
	const struct virtio_class *vc;
	uint64_t device_features; /* offered; set before virtio_add */
	struct virtqueue vq[VIRTIO_MAX_QUEUES];
	struct vq_state nowhere; /* what an out-of-range selector selects */
	unsigned nqueues;
	uint8_t config[VIRTIO_CONFIG_MAX];
	unsigned window_cap;	    /* the PCI_CFG capability */
	int kick_fd[VIRTIO_MAX_QUEUES];
	bool doorbells; /* the host takes kicks to kick_fd */
	struct iothread *io;	    /* borrowed; NULL: kicks are handled where they happen */
	bool broken;
};

/*
 * Put an initialised device (type's fields, device_features) into a slot.  io may be NULL.
 */
int virtio_add(struct board *b, struct virtio *v, const struct virtio_class *vc, unsigned devfn,
    const char *name, struct iothread *io, struct err *e);
bool virtio_has(const struct virtio *v, unsigned feature);
bool virtio_running(const struct virtio *v); /* DRIVER_OK and nothing broken */
/* Pushes were made on queue q: interrupt if the driver wants one. */
void virtio_used(struct virtio *v, unsigned q);
/* Interrupt for queue q, whatever the ring says: who served it has judged that. */
void virtio_interrupt(struct virtio *v, unsigned q);
/* The configuration changed. */
void virtio_config_changed(struct virtio *v);
/* The driver broke the rules: say so and stop looking at its queues. */
void virtio_broken(struct virtio *v);

/* ---- the types: create, put on the board; the descriptors are owned on success and failure ---- */

struct blk_backend;
struct chr;

struct vblk_spec {
	struct blk_backend *disk; /* owned */
	const char *serial;
	unsigned workers; /* threads beside the I/O thread; 0: everything in line */
	int (*enter)(void *arg); /* a worker's first act (its seccomp filter); may be NULL */
	void *enter_arg;
};
int vblk_new(struct board *b, unsigned devfn, const struct vblk_spec *s, struct iothread *io,
    struct err *e);

struct vhblk_spec {
	int fd;	       /* a connected vhost-user-blk socket; owned */
	int broker_fd; /* gives another when the server dies; -1: none; owned */
};
/* A disk served by another process; io is needed. */
int vhblk_new(struct board *b, unsigned devfn, const struct vhblk_spec *s, struct iothread *io,
    struct err *e);

struct vnet_spec {
	int tap_fd;
	uint8_t mac[6];
	uint16_t mtu;
	bool offload; /* the descriptor takes a virtio_net header of 12 bytes and TUNSETOFFLOAD */
};
int vnet_new(struct board *b, unsigned devfn, const struct vnet_spec *s, struct iothread *io,
    struct err *e);

/* The same card served by the kernel: vhost_fd is an open /dev/vhost-net, owned; io is needed. */
int vhnet_new(struct board *b, unsigned devfn, const struct vnet_spec *s, int vhost_fd,
    struct iothread *io, struct err *e);

int vrng_new(struct board *b, unsigned devfn, struct iothread *io, struct err *e);
int vballoon_new(struct board *b, unsigned devfn, struct iothread *io, struct err *e);
/* Ask the guest to give up so many pages of 4 KiB; NULL device: no balloon. */
void vballoon_set(struct device *d, uint32_t pages);
uint32_t vballoon_actual(struct device *d);

struct vvsock_spec {
	uint64_t cid;	  /* the guest's */
	int listen_fd;	  /* host clients that say "CONNECT port"; owned; -1: none */
	const char *path; /* a guest's connection to port N goes to the socket PATH_N; copied */
	int (*dial)(void *arg, uint32_t port); /* instead of path: a connected descriptor or -1 */
	void *dial_arg;
};
int vvsock_new(struct board *b, unsigned devfn, const struct vvsock_spec *s, struct iothread *io,
    struct err *e);
/* For tests without a thread: look at every socket; client (-1: none) is a new one of the host's. */
void vvsock_poll(struct device *d, int client);

int vconsole_new(struct board *b, unsigned devfn, struct chr *c, struct iothread *io,
    struct err *e);

#endif
