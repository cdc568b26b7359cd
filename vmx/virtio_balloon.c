/* SPDX-License-Identifier: MIT */
/*
 * virtio-balloon: pages that the guest gives up go back to the host.
 *
 * A page number is believed only as far as RAM goes; anything else is passed over.  Giving a page
 * back is punching a hole into the memfd: the guest reads zeros if it touches the page again, which
 * is its own affair.
 *
 * Facts: VIRTIO 1.2, section 5.5.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/vmx/virtio.h"

enum { INFLATE, DEFLATE, F_DEFLATE_ON_OOM = 2, PFN_SHIFT = 12, PAGE = 4096 };

struct vballoon {
	struct virtio v;
	struct vballoon_state {
		uint32_t pages, actual; /* asked for, given */
	} s;
	struct vq_chain chain;
};

/* Runs of neighbouring pages go in one call. */
static void
inflate(struct vballoon *b)
{
	uint64_t at = 0, len = 0;
	uint32_t pfn;

	for (size_t off = 0; vq_chain_read(&b->chain, off, &pfn, 4) == 4; off += 4) {
		uint64_t gpa = (uint64_t)pfn << PFN_SHIFT;

		if (len != 0 && gpa == at + len) {
			len += PAGE;
			continue;
		}
		if (len != 0)
			(void)gmem_discard(b->v.pci.dev.board->mem, at, len);
		at = gpa;
		len = PAGE;
	}
	if (len != 0)
		(void)gmem_discard(b->v.pci.dev.board->mem, at, len);
}

static void
vballoon_kick(struct virtio *v, unsigned q)
{
	struct vballoon *b = (struct vballoon *)v;
	int rc;

	while ((rc = vq_pop(&v->vq[q], &b->chain)) > 0) {
		if (q == INFLATE)
			inflate(b);
		vq_push(&v->vq[q], b->chain.head, 0);
	}
	if (rc < 0)
		virtio_broken(v);
	virtio_used(v, q);
	vq_want_kicks(&v->vq[q], true);
}

static void
vballoon_get(struct virtio *v, uint8_t *config)
{
	memcpy(config, &((struct vballoon *)v)->s, 8);
}

static void
vballoon_config(struct virtio *v, uint8_t *config, unsigned off, unsigned len)
{
	struct vballoon *b = (struct vballoon *)v;

	if (off >= 4)
		memcpy((uint8_t *)&b->s.actual + (off - 4), config + off, len);
}

static const struct virtio_class vballoon_class = {
    .kind = "virtio-balloon",
    .id = VIRTIO_ID_BALLOON,
    .legacy_id = 0x1002,
    .pci_class = 0x00ff0000,
    .nqueues = 2,
    .queue_size = 128,
    .config_len = 8,
    .version = 1,
    .state = DEVICE_STATE(struct vballoon, s),
    .kick = vballoon_kick,
    .config_get = vballoon_get,
    .config_set = vballoon_config,
};

int
vballoon_new(struct board *b, unsigned devfn, struct iothread *io, struct err *e)
{
	struct vballoon *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	d->v.device_features = VIRTIO_BIT(F_DEFLATE_ON_OOM);
	return (virtio_add(b, &d->v, &vballoon_class, devfn, "balloon", io, e));
}

void
vballoon_set(struct device *d, uint32_t pages)
{
	struct vballoon *b = (struct vballoon *)d;

	if (d == NULL)
		return;
	(void)pthread_mutex_lock(&d->lock);
	b->s.pages = pages;
	virtio_config_changed(&b->v);
	(void)pthread_mutex_unlock(&d->lock);
}

uint32_t
vballoon_actual(struct device *d)
{
	uint32_t n;

	(void)pthread_mutex_lock(&d->lock);
	n = ((struct vballoon *)d)->s.actual;
	(void)pthread_mutex_unlock(&d->lock);
	return (n);
}
