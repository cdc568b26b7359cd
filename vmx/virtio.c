/* SPDX-License-Identifier: MIT */
/*
 * virtio over PCI, modern and legacy.
 *
 *	BAR0  I/O, legacy registers (transitional types only)
 *	BAR1  MSI-X
 *	BAR4  memory, 16 KiB:  0x0000 common  0x1000 ISR  0x2000 device  0x3000 notify, 4 bytes a queue
 *
 *	reset --ACK,DRIVER--> features --FEATURES_OK--> queues --DRIVER_OK--> running
 *	  ^------------------------ status = 0 (stop; no thread in guest memory after) ---+
 *	                                          broken ring: NEEDS_RESET, queues are left alone
 *
 * A driver is legacy when it negotiates without VERSION_1 through BAR0; then its queues are one block at
 * a page number.  Facts: VIRTIO 1.2, 2.1-2.2, 4.1.3-4.1.5; for the legacy layout 4.1.4.10 and 2.7.2.
 */
#include "smartbox/vmx/virtio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "smartbox/vmx/iothread.h"

enum { BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4 };
enum { ISR_AT = 0x1000, DEVICE_AT = 0x2000, NOTIFY_AT = 0x3000, MODERN_SIZE = 0x4000 };
enum { NO_VECTOR = 0xffff };
enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };
enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_WINDOW };

bool
virtio_has(const struct virtio *v, unsigned feature)
{
	return ((v->vs.driver_features >> feature & 1) != 0);
}

bool
virtio_running(const struct virtio *v)
{
	return ((v->vs.status & VIRTIO_S_DRIVER_OK) != 0 && !v->broken);
}

/* ---- interrupts ---- */

static void
signal_vector(struct virtio *v, uint16_t vector, uint8_t isr)
{
	if (pci_msix_enabled(&v->pci)) {
		if (vector != NO_VECTOR)
			pci_msix_fire(&v->pci, vector);
		return;
	}
	v->vs.isr |= isr;
	pci_intx(&v->pci, true);
}

void
virtio_used(struct virtio *v, unsigned q)
{
	if (vq_should_signal(&v->vq[q]))
		signal_vector(v, v->vs.vq[q].vector, ISR_QUEUE);
}

void
virtio_interrupt(struct virtio *v, unsigned q)
{
	signal_vector(v, v->vs.vq[q].vector, ISR_QUEUE);
}

void
virtio_config_changed(struct virtio *v)
{
	v->vs.generation++;
	if ((v->vs.status & VIRTIO_S_DRIVER_OK) != 0)
		signal_vector(v, v->vs.config_vector, ISR_CONFIG);
}

void
virtio_broken(struct virtio *v)
{
	if (v->broken)
		return;
	v->broken = true;
	v->vs.status |= VIRTIO_S_NEEDS_RESET;
	virtio_config_changed(v);
}

/* ---- kicks ---- */

static void
queue_kick(struct virtio *v, unsigned q)
{
	if (q < v->nqueues && virtio_running(v) && v->vq[q].desc != NULL)
		v->vc->kick(v, q);
}

/* On the I/O thread: a kick came through the descriptor of queue q. */
static void
kick_arrived(struct loop *l, int fd, unsigned events, void *arg)
{
	struct virtio *v = arg;
	uint64_t n;

	(void)l;
	(void)events;
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	(void)pthread_mutex_lock(&v->pci.dev.lock);
	for (unsigned q = 0; q < v->nqueues; q++) {
		if (v->kick_fd[q] == fd)
			queue_kick(v, q);
	}
	(void)pthread_mutex_unlock(&v->pci.dev.lock);
}

/* The guest's write to a notify register reached us: no doorbell took it. */
static void
notified(struct virtio *v, unsigned q)
{
	uint64_t one = 1;

	if (q >= v->nqueues)
		return;
	if (v->io != NULL)
		(void)!write(v->kick_fd[q], &one, sizeof(one));
	else
		queue_kick(v, q);
}

static void
doorbells(struct virtio *v, unsigned bar, bool add)
{
	const struct board_host *h = v->pci.dev.board->host;

	if (v->io == NULL || h->doorbell == NULL)
		return;
	for (unsigned q = 0; q < v->nqueues; q++) {
		struct doorbell db = {.fd = v->kick_fd[q], .match = -1};

		if (bar == BAR_LEGACY) {
			db.pio = true;
			db.addr = v->pci.bar[bar].at + 0x10;
			db.len = 2;
			db.match = (int)q;
		} else {
			db.addr = v->pci.bar[bar].at + NOTIFY_AT + 4 * q;
			db.len = 2;
		}
		(void)h->doorbell(v->pci.dev.board->host_arg, &db, add);
	}
}

static void
bar_moved(struct pci_fn *fn, unsigned bar, bool now)
{
	doorbells((struct virtio *)fn, bar, now);
}

/* ---- reset and start ---- */

static void
transport_reset(struct virtio *v)
{
	if (v->vc->stop != NULL && (v->vs.status & VIRTIO_S_DRIVER_OK) != 0)
		v->vc->stop(v);
	memset(&v->vs, 0, sizeof(v->vs));
	v->broken = false;
	v->vs.config_vector = NO_VECTOR;
	for (unsigned q = 0; q < v->nqueues; q++) {
		v->vs.vq[q].vector = NO_VECTOR;
		v->vs.vq[q].size = v->vc->queue_size;
		vq_disable(&v->vq[q]);
		v->vq[q].broken = false;
	}
	pci_intx(&v->pci, false);
}

static void
transport_start(struct virtio *v)
{
	for (unsigned q = 0; q < v->nqueues; q++)
		v->vq[q].event_idx = virtio_has(v, VIRTIO_F_RING_EVENT_IDX);
	if (v->vc->start != NULL)
		v->vc->start(v);
	for (unsigned q = 0; q < v->nqueues; q++)
		queue_kick(v, q); /* what was made available before DRIVER_OK */
}

static void
status_set(struct virtio *v, uint8_t status)
{
	uint8_t was = v->vs.status;

	if (status == 0) {
		transport_reset(v);
		return;
	}
	if ((status & VIRTIO_S_FEATURES_OK) != 0 && (was & VIRTIO_S_FEATURES_OK) == 0 &&
	    (v->vs.driver_features & ~v->device_features) != 0)
		status &= (uint8_t)~VIRTIO_S_FEATURES_OK;
	v->vs.status = status | (was & VIRTIO_S_NEEDS_RESET);
	if ((status & VIRTIO_S_DRIVER_OK) != 0 && (was & VIRTIO_S_DRIVER_OK) == 0)
		transport_start(v);
}

/* ---- device configuration ---- */

static uint64_t
config_read(struct virtio *v, uint64_t off, unsigned size)
{
	uint64_t out = 0;

	if (v->vc->config_get != NULL)
		v->vc->config_get(v, v->config);
	if (off + size <= v->vc->config_len)
		memcpy(&out, v->config + off, size);
	return (out);
}

static void
config_write(struct virtio *v, uint64_t off, unsigned size, uint64_t value)
{
	if (v->vc->config_set == NULL || off + size > v->vc->config_len)
		return;
	memcpy(v->config + off, &value, size);
	v->vc->config_set(v, v->config, (unsigned)off, size);
}

/* ---- the common configuration ---- */

static struct vq_state *
selected(struct virtio *v)
{
	if (v->vs.queue_sel < v->nqueues)
		return (&v->vs.vq[v->vs.queue_sel]);
	v->nowhere = (struct vq_state){.vector = NO_VECTOR};
	return (&v->nowhere);
}

enum common {
	C_DFSEL = 0x00,
	C_DF = 0x04,
	C_GFSEL = 0x08,
	C_GF = 0x0c,
	C_CONFIG_VECTOR = 0x10,
	C_NUM_QUEUES = 0x12,
	C_STATUS = 0x14,
	C_GENERATION = 0x15,
	C_QSEL = 0x16,
	C_QSIZE = 0x18,
	C_QVECTOR = 0x1a,
	C_QENABLE = 0x1c,
	C_QNOTIFY = 0x1e,
	C_QDESC = 0x20,
	C_QAVAIL = 0x28,
	C_QUSED = 0x30,
	C_END = 0x38,
};

static uint64_t
feature_half(uint64_t features, uint32_t sel)
{
	return (sel < 2 ? (uint32_t)(features >> 32 * sel) : 0);
}

static uint64_t
common_read(struct virtio *v, uint64_t off, unsigned size)
{
	const struct vq_state *q = selected(v);

	switch (off) {
	case C_DFSEL: return (v->vs.device_feature_sel);
	case C_DF: return (feature_half(v->device_features, v->vs.device_feature_sel));
	case C_GFSEL: return (v->vs.driver_feature_sel);
	case C_GF: return (feature_half(v->vs.driver_features, v->vs.driver_feature_sel));
	case C_CONFIG_VECTOR: return (v->vs.config_vector);
	case C_NUM_QUEUES: return (v->nqueues);
	case C_STATUS: return (v->vs.status);
	case C_GENERATION: return (v->vs.generation);
	case C_QSEL: return (v->vs.queue_sel);
	case C_QSIZE: return (q->size);
	case C_QVECTOR: return (q->vector);
	case C_QENABLE: return (q->ready);
	case C_QNOTIFY: return (v->vs.queue_sel);
	case C_QDESC: return (q->desc);
	case C_QDESC + 4: return (q->desc >> 32);
	case C_QAVAIL: return (q->avail);
	case C_QAVAIL + 4: return (q->avail >> 32);
	case C_QUSED: return (q->used);
	case C_QUSED + 4: return (q->used >> 32);
	}
	(void)size;
	return (0);
}

static void
set_half(uint64_t *where, bool high, unsigned size, uint64_t v)
{
	if (size == 8)
		*where = v;
	else if (high)
		*where = (*where & 0xffffffff) | v << 32;
	else
		*where = (*where & ~0xffffffffULL) | (uint32_t)v;
}

static uint16_t
vector_checked(const struct virtio *v, uint64_t vector)
{
	return (vector < v->pci.msix_vectors ? (uint16_t)vector : NO_VECTOR);
}

static void
queue_enable(struct virtio *v, unsigned q)
{
	v->vs.vq[q].ready = 1;
	if (vq_enable(&v->vq[q]) != 0)
		virtio_broken(v);
	/* A driver may enable a queue after DRIVER_OK. */
	v->vq[q].event_idx = virtio_has(v, VIRTIO_F_RING_EVENT_IDX);
}

/* Size and addresses stand still while a queue is enabled. */
static void
queue_write(struct virtio *v, uint64_t off, unsigned size, uint64_t value)
{
	struct vq_state *q = selected(v);

	if (off == C_QVECTOR) {
		q->vector = vector_checked(v, value);
		return;
	}
	if (q->ready || v->vs.queue_sel >= v->nqueues)
		return;
	if (off == C_QSIZE) {
		if (value != 0 && value <= v->vc->queue_size && (value & (value - 1)) == 0)
			q->size = (uint16_t)value;
	} else if (off == C_QENABLE) {
		if (value == 1)
			queue_enable(v, v->vs.queue_sel);
	} else if (off >= C_QDESC && size >= 4) {
		uint64_t *field = off < C_QAVAIL ? &q->desc : off < C_QUSED ? &q->avail : &q->used;

		set_half(field, (off & 4) != 0, size, value);
	}
}

static void
common_write(struct virtio *v, uint64_t off, unsigned size, uint64_t value)
{
	switch (off) {
	case C_DFSEL:
		v->vs.device_feature_sel = (uint32_t)value;
		break;
	case C_GFSEL:
		v->vs.driver_feature_sel = (uint32_t)value;
		break;
	case C_GF:
		if (v->vs.driver_feature_sel < 2 && (v->vs.status & VIRTIO_S_FEATURES_OK) == 0)
			set_half(&v->vs.driver_features, v->vs.driver_feature_sel == 1, 4, value);
		break;
	case C_CONFIG_VECTOR:
		v->vs.config_vector = vector_checked(v, value);
		break;
	case C_STATUS:
		status_set(v, (uint8_t)value);
		break;
	case C_QSEL:
		v->vs.queue_sel = (uint16_t)value;
		break;
	default:
		if (off >= C_QSIZE && off < C_END)
			queue_write(v, off, size, value);
	}
}

/* ---- the modern BAR ---- */

static uint8_t
isr_take(struct virtio *v)
{
	uint8_t isr = v->vs.isr;

	v->vs.isr = 0;
	pci_intx(&v->pci, false);
	return (isr);
}

static uint64_t
modern_read(struct device *d, uint64_t off, unsigned size)
{
	struct virtio *v = (struct virtio *)d;

	if (off < ISR_AT)
		return (common_read(v, off, size));
	if (off < DEVICE_AT)
		return (off == ISR_AT ? isr_take(v) : 0);
	return (off < NOTIFY_AT ? config_read(v, off - DEVICE_AT, size) : 0);
}

static void
modern_write(struct device *d, uint64_t off, unsigned size, uint64_t value)
{
	struct virtio *v = (struct virtio *)d;

	if (off < ISR_AT)
		common_write(v, off, size, value);
	else if (off >= NOTIFY_AT)
		notified(v, (unsigned)(off - NOTIFY_AT) / 4);
	else if (off >= DEVICE_AT)
		config_write(v, off - DEVICE_AT, size, value);
}

static const struct bus_ops modern_ops = {modern_read, modern_write};

/* ---- the legacy BAR ---- */

enum legacy {
	L_HOST_FEATURES = 0x00,
	L_GUEST_FEATURES = 0x04,
	L_PFN = 0x08,
	L_SIZE = 0x0c,
	L_SEL = 0x0e,
	L_NOTIFY = 0x10,
	L_STATUS = 0x12,
	L_ISR = 0x13,
	L_CONFIG_VECTOR = 0x14,
	L_QVECTOR = 0x16,
};

/* The device's configuration begins behind the vectors when MSI-X is on. */
static unsigned
legacy_config(const struct virtio *v)
{
	return (pci_msix_enabled(&v->pci) ? 0x18 : 0x14);
}

/* One block: descriptors, available ring, then the used ring on the next page. */
static void
legacy_place(struct virtio *v, uint32_t pfn)
{
	struct vq_state *q = selected(v);
	uint64_t base = (uint64_t)pfn << 12;

	if (v->vs.queue_sel >= v->nqueues)
		return;
	vq_disable(&v->vq[v->vs.queue_sel]);
	q->ready = 0;
	q->last_avail = q->last_used = q->signalled = q->signalled_ok = 0;
	q->size = v->vc->queue_size;
	q->desc = base;
	q->avail = base + 16ULL * q->size;
	q->used = (q->avail + 6 + 2ULL * q->size + 4095) & ~4095ULL;
	v->vs.legacy = 1;
	if (pfn != 0)
		queue_enable(v, v->vs.queue_sel);
}

static uint64_t
legacy_read(struct device *d, uint64_t off, unsigned size)
{
	struct virtio *v = (struct virtio *)d;
	const struct vq_state *q = selected(v);

	if (off >= legacy_config(v))
		return (config_read(v, off - legacy_config(v), size));
	switch (off) {
	case L_HOST_FEATURES: return ((uint32_t)v->device_features);
	case L_GUEST_FEATURES: return ((uint32_t)v->vs.driver_features);
	case L_PFN: return (q->ready ? q->desc >> 12 : 0);
	case L_SIZE: return (v->vs.queue_sel < v->nqueues ? v->vc->queue_size : 0);
	case L_SEL: return (v->vs.queue_sel);
	case L_STATUS: return (v->vs.status);
	case L_ISR: return (isr_take(v));
	case L_CONFIG_VECTOR: return (v->vs.config_vector);
	case L_QVECTOR: return (q->vector);
	}
	return (0);
}

static void
legacy_write(struct device *d, uint64_t off, unsigned size, uint64_t value)
{
	struct virtio *v = (struct virtio *)d;

	if (off >= legacy_config(v)) {
		config_write(v, off - legacy_config(v), size, value);
		return;
	}
	switch (off) {
	case L_GUEST_FEATURES:
		v->vs.driver_features = (uint32_t)value & v->device_features;
		break;
	case L_PFN:
		legacy_place(v, (uint32_t)value);
		break;
	case L_SEL:
		v->vs.queue_sel = (uint16_t)value;
		break;
	case L_NOTIFY:
		notified(v, (unsigned)value);
		break;
	case L_STATUS:
		status_set(v, (uint8_t)value);
		break;
	case L_CONFIG_VECTOR:
		v->vs.config_vector = vector_checked(v, value);
		break;
	case L_QVECTOR:
		selected(v)->vector = vector_checked(v, value);
		break;
	}
}

static const struct bus_ops legacy_ops = {legacy_read, legacy_write};

/* ---- the window in configuration space: for firmware that maps no BAR ---- */

struct window {
	uint64_t off;
	unsigned len;
	const struct bus_ops *ops;
};

static bool
window_target(struct virtio *v, struct window *w)
{
	const uint8_t *c = v->pci.s.cfg + v->window_cap;
	const struct pci_bar *bar;
	uint32_t off, len;

	memcpy(&off, c + 8, 4);
	memcpy(&len, c + 12, 4);
	if (c[4] >= PCI_BAR_ROM || (len != 1 && len != 2 && len != 4) || off % len != 0)
		return (false);
	bar = &v->pci.bar[c[4]];
	*w = (struct window){off, len, bar->ops};
	return (bar->kind != PCI_BAR_NONE && off < bar->size && len <= bar->size - off);
}

static void
window_read(struct pci_fn *fn, unsigned off, unsigned len)
{
	struct virtio *v = (struct virtio *)fn;
	struct window w;
	uint64_t x;

	if (off + len <= v->window_cap + 16 || off >= v->window_cap + 20 || !window_target(v, &w))
		return;
	x = w.ops->read(&fn->dev, w.off, w.len);
	memcpy(fn->s.cfg + v->window_cap + 16, &x, w.len);
}

static void
window_write(struct pci_fn *fn, unsigned off, unsigned len)
{
	struct virtio *v = (struct virtio *)fn;
	struct window w;
	uint64_t x = 0;

	/* A whole pass over the registers (pci_assign) is not the guest writing the window. */
	if (off + len <= v->window_cap + 16 || off >= v->window_cap + 20 || len > 4 ||
	    !window_target(v, &w))
		return;
	memcpy(&x, fn->s.cfg + v->window_cap + 16, w.len);
	w.ops->write(&fn->dev, w.off, w.len, x);
}

/* ---- life ---- */

static void
virtio_reset(struct device *d)
{
	struct virtio *v = (struct virtio *)d;

	transport_reset(v);
	pci_fn_reset(&v->pci);
}

static int
queue_loaded(struct virtio *v, unsigned q, struct err *e)
{
	struct vq_state *s = &v->vs.vq[q];

	v->vq[q].event_idx = virtio_has(v, VIRTIO_F_RING_EVENT_IDX);
	v->vq[q].broken = false;
	vq_disable(&v->vq[q]);
	s->vector = vector_checked(v, s->vector);
	if (s->ready && vq_enable(&v->vq[q]) != 0)
		return (err_set(e, EINVAL, "%s: queue %u does not lie in RAM", v->pci.dev.name, q));
	return (0);
}

static int
virtio_loaded(struct device *d, struct err *e)
{
	struct virtio *v = (struct virtio *)d;
	int rc;

	if ((v->vs.driver_features & ~v->device_features) != 0)
		return (err_set(e, EINVAL, "%s: features that are not offered", d->name));
	v->broken = (v->vs.status & VIRTIO_S_NEEDS_RESET) != 0;
	v->vs.config_vector = vector_checked(v, v->vs.config_vector);
	for (unsigned q = 0; q < v->nqueues; q++) {
		if ((rc = queue_loaded(v, q, e)) != 0)
			return (rc);
	}
	if ((rc = pci_fn_loaded(&v->pci, e)) != 0)
		return (rc);
	if (virtio_running(v))
		transport_start(v);
	return (0);
}

static void
virtio_free(struct device *d)
{
	struct virtio *v = (struct virtio *)d;

	if (v->vc->stop != NULL && virtio_running(v)) {
		(void)pthread_mutex_lock(&d->lock);
		v->vc->stop(v);
		(void)pthread_mutex_unlock(&d->lock);
	}
	if (v->vc->free != NULL)
		v->vc->free(v);
	for (unsigned q = 0; q < v->nqueues; q++) {
		if (v->kick_fd[q] >= 0)
			(void)close(v->kick_fd[q]);
	}
	free((void *)(uintptr_t)d->cls);
	free(v);
}

static void
cap_init(struct virtio *v, uint8_t type, uint32_t off, uint32_t len, unsigned extra)
{
	unsigned at = pci_cap_add(&v->pci, 0x09, 16 + extra);
	uint8_t *c = v->pci.reset_cfg + at;

	c[2] = (uint8_t)(16 + extra);
	c[3] = type;
	c[4] = BAR_MODERN;
	memcpy(c + 8, &off, 4);
	memcpy(c + 12, &len, 4);
	if (type == CAP_NOTIFY)
		c[16] = 4; /* multiplier */
	if (type == CAP_WINDOW) {
		v->window_cap = at;
		c[4] = 0;
		v->pci.wmask[at + 4] = 0xff;
		memset(v->pci.wmask + at + 8, 0xff, 12);
	}
}

static void
pci_side(struct virtio *v, unsigned devfn)
{
	const struct virtio_class *vc = v->vc;
	const struct pci_ident id = {
	    .vendor = 0x1af4,
	    .device = (uint16_t)(vc->legacy_id != 0 ? vc->legacy_id : 0x1040 + vc->id),
	    .subvendor = 0x1af4,
	    .subsystem = (uint16_t)(vc->legacy_id != 0 ? vc->id : 0x1100),
	    .class_rev = vc->pci_class | (vc->legacy_id != 0 ? 0 : 1),
	    .pin = 1};

	pci_init(&v->pci, devfn, &id);
	if (vc->legacy_id != 0) {
		pci_bar_init(&v->pci, BAR_LEGACY, PCI_BAR_IO, 128, &legacy_ops);
		v->pci.bar[BAR_LEGACY].moved = bar_moved;
	}
	pci_msix_init(&v->pci, v->nqueues + 1U, BAR_MSIX);
	pci_bar_init(&v->pci, BAR_MODERN, PCI_BAR_MEM64, MODERN_SIZE, &modern_ops);
	v->pci.bar[BAR_MODERN].moved = bar_moved;
	cap_init(v, CAP_COMMON, 0, C_END, 0);
	cap_init(v, CAP_NOTIFY, NOTIFY_AT, 4U * v->nqueues, 4);
	cap_init(v, CAP_ISR, ISR_AT, 1, 0);
	if (vc->config_len != 0)
		cap_init(v, CAP_DEVICE, DEVICE_AT, vc->config_len, 0);
	cap_init(v, CAP_WINDOW, 0, 0, 4);
	v->pci.cfg_read = window_read;
	v->pci.cfg_written = window_write;
}

/* A class of this type: the transport's functions with the type's name and state. */
static struct device_class *
class_new(const struct virtio_class *vc)
{
	struct device_class *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return (NULL);
	*c = (struct device_class){.kind = vc->kind, .version = vc->version,
	    .state = {DEVICE_STATE(struct virtio, pci.s), DEVICE_STATE(struct virtio, vs), vc->state},
	    .reset = virtio_reset, .loaded = virtio_loaded, .free = virtio_free};
	return (c);
}

static int
kicks_open(struct virtio *v, struct err *e)
{
	for (unsigned q = 0; q < v->nqueues && v->io != NULL; q++) {
		if ((v->kick_fd[q] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
			return (err_sys(e, errno, "eventfd"));
		if (v->vc->served_outside)
			continue;
		if (loop_fd(iothread_loop(v->io), v->kick_fd[q], LOOP_READ, kick_arrived, v) == NULL)
			return (err_set(e, ENOMEM, "out of memory"));
	}
	return (0);
}

int
virtio_add(struct board *b, struct virtio *v, const struct virtio_class *vc, unsigned devfn,
    const char *name, struct iothread *io, struct err *e)
{
	struct device_class *cls = class_new(vc);
	int rc;

	v->vc = vc;
	v->io = io;
	v->nqueues = vc->nqueues;
	v->device_features |= VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_RING_EVENT_IDX) |
	    VIRTIO_BIT(VIRTIO_F_RING_INDIRECT);
	for (unsigned q = 0; q < v->nqueues; q++) {
		v->kick_fd[q] = -1;
		v->vq[q].s = &v->vs.vq[q];
		v->vq[q].mem = b->mem;
	}
	if (cls == NULL) {
		v->pci.dev.cls = NULL;
		virtio_free(&v->pci.dev);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	v->pci.dev.cls = cls;
	if ((rc = kicks_open(v, e)) != 0) {
		virtio_free(&v->pci.dev);
		return (rc);
	}
	pci_side(v, devfn);
	return (pci_add(b, &v->pci, cls, name, e));
}
