/* SPDX-License-Identifier: MIT */
/*
 * virtio-console: one port on a chr.
 *
 * Output that the chr has no room for stays in the ring, with how far its chain was taken; the chr
 * calls when there is room.  Input fills receive buffers as the guest offers them.
 *
 * Facts: VIRTIO 1.2, section 5.3.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/vmx/chr.h"
#include "smartbox/vmx/virtio.h"

enum { RX, TX };

struct vconsole {
	struct virtio v;
	struct vconsole_state {
		uint32_t tx_done; /* bytes of the chain at the head of TX that are out */
		uint32_t reserved;
	} s;
	struct chr *chr;
	struct vq_chain chain;
};

/* True when the whole chain is out. */
static bool
tx_chain(struct vconsole *c)
{
	uint8_t buf[512];
	size_t n;

	if (c->s.tx_done > c->chain.out_bytes)
		c->s.tx_done = c->chain.out_bytes; /* the guest changed the chain under us */
	while ((n = vq_chain_read(&c->chain, c->s.tx_done, buf, sizeof(buf))) > 0) {
		size_t done = chr_write(c->chr, buf, n);

		c->s.tx_done += (uint32_t)done;
		if (done < n)
			return (false);
	}
	c->s.tx_done = 0;
	return (true);
}

static void
tx(struct vconsole *c)
{
	struct virtqueue *q = &c->v.vq[TX];
	int rc;

	while ((rc = vq_pop(q, &c->chain)) > 0) {
		if (!tx_chain(c)) {
			vq_unpop(q);
			break;
		}
		vq_push(q, c->chain.head, 0);
	}
	if (rc < 0)
		virtio_broken(&c->v);
	virtio_used(&c->v, TX);
	vq_want_kicks(q, true);
}

static void
vconsole_kick(struct virtio *v, unsigned q)
{
	struct vconsole *c = (struct vconsole *)v;

	if (q == TX)
		tx(c);
	else if (c->chr != NULL)
		chr_kick_input(c->chr);
}

static size_t
rx_bytes(struct vconsole *c, const uint8_t *bytes, size_t len)
{
	struct virtqueue *q = &c->v.vq[RX];
	size_t taken = 0;
	int rc = 0;

	while (taken < len && (rc = vq_pop(q, &c->chain)) > 0) {
		size_t n = vq_chain_write(&c->chain, 0, bytes + taken, len - taken);

		vq_push(q, c->chain.head, (uint32_t)n);
		taken += n;
	}
	if (rc < 0)
		virtio_broken(&c->v);
	virtio_used(&c->v, RX);
	vq_want_kicks(q, true);
	return (taken);
}

static size_t
vconsole_input(void *arg, const uint8_t *bytes, size_t len)
{
	struct vconsole *c = arg;
	size_t n = 0;

	(void)pthread_mutex_lock(&c->v.pci.dev.lock);
	if (virtio_running(&c->v))
		n = rx_bytes(c, bytes, len);
	(void)pthread_mutex_unlock(&c->v.pci.dev.lock);
	return (n);
}

static void
vconsole_room(void *arg)
{
	struct vconsole *c = arg;

	(void)pthread_mutex_lock(&c->v.pci.dev.lock);
	if (virtio_running(&c->v))
		tx(c);
	(void)pthread_mutex_unlock(&c->v.pci.dev.lock);
}

static void
vconsole_stop(struct virtio *v)
{
	((struct vconsole *)v)->s.tx_done = 0;
}

static const struct virtio_class vconsole_class = {
    .kind = "virtio-console",
    .id = VIRTIO_ID_CONSOLE,
    .legacy_id = 0x1003,
    .pci_class = 0x07800000,
    .nqueues = 2,
    .queue_size = 64,
    .config_len = 12,
    .version = 1,
    .state = DEVICE_STATE(struct vconsole, s),
    .kick = vconsole_kick,
    .stop = vconsole_stop,
};

int
vconsole_new(struct board *b, unsigned devfn, struct chr *chr, struct iothread *io, struct err *e)
{
	struct vconsole *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	c->chr = chr;
	if ((rc = virtio_add(b, &c->v, &vconsole_class, devfn, "console", io, e)) == 0 && chr != NULL)
		chr_connect(chr, &(struct chr_client){vconsole_input, vconsole_room, c});
	return (rc);
}
