/* SPDX-License-Identifier: MIT */
/*
 * virtio-rng: the host's random bytes.  At most 4 KiB a request and 64 KiB a second, so that a guest
 * cannot buy the host's time with it; a dry bucket leaves requests in the ring until the next second.
 *
 * Facts: VIRTIO 1.2, section 5.4.
 */
#include <errno.h>
#include <stdlib.h>

#include "smartbox/core/uuid.h"
#include "smartbox/vmx/iothread.h"
#include "smartbox/vmx/virtio.h"

enum { REQUEST_MAX = 4096, PER_SECOND = 65536 };

struct vrng {
	struct virtio v;
	struct vq_chain chain;
	uint32_t left; /* bytes of this second */
};

static void
vrng_kick(struct virtio *v, unsigned q)
{
	struct vrng *r = (struct vrng *)v;
	uint8_t bytes[REQUEST_MAX];
	int rc = 0;

	while (r->left > 0 && (rc = vq_pop(&v->vq[q], &r->chain)) > 0) {
		size_t n = r->chain.in_bytes < REQUEST_MAX ? r->chain.in_bytes : REQUEST_MAX;

		random_bytes(bytes, n);
		(void)vq_chain_write(&r->chain, 0, bytes, n);
		vq_push(&v->vq[q], r->chain.head, (uint32_t)n);
		r->left -= n < r->left ? (uint32_t)n : r->left;
	}
	if (rc < 0)
		virtio_broken(v);
	virtio_used(v, q);
	vq_want_kicks(&v->vq[q], true);
}

static void
vrng_second(struct loop *l, void *arg)
{
	struct vrng *r = arg;
	bool dry;

	(void)l;
	(void)pthread_mutex_lock(&r->v.pci.dev.lock);
	dry = r->left == 0;
	r->left = PER_SECOND;
	if (dry && virtio_running(&r->v))
		vrng_kick(&r->v, 0);
	(void)pthread_mutex_unlock(&r->v.pci.dev.lock);
}

static const struct virtio_class vrng_class = {
    .kind = "virtio-rng",
    .id = VIRTIO_ID_RNG,
    .legacy_id = 0x1005,
    .pci_class = 0x00ff0000,
    .nqueues = 1,
    .queue_size = 64,
    .version = 1,
    .kick = vrng_kick,
};

int
vrng_new(struct board *b, unsigned devfn, struct iothread *io, struct err *e)
{
	struct vrng *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	r->left = PER_SECOND;
	if ((rc = virtio_add(b, &r->v, &vrng_class, devfn, "rng", io, e)) == 0 && io != NULL)
		(void)loop_timer(iothread_loop(io), 1000, 1000, vrng_second, r);
	return (rc);
}
