/* SPDX-License-Identifier: MIT */
/*
 * virtio-net on a tap device.
 *
 *	TX: chain -> writev(tap)		header first, bounded by one frame
 *	RX: tap -> frame buffer -> chains	several with MRG_RXBUF, one without
 *
 * The tap speaks the same 12-byte header that a VERSION_1 driver does, so checksums and segmentation
 * are left to whoever can do them; which of them the tap may hand over is set from what the
 * driver negotiated.  A legacy driver without mergeable buffers uses 10 bytes of it.  A frame that
 * comes while no buffer is there waits in our buffer and the tap's queue behind it: the kernel drops, not we.
 *
 * Facts: VIRTIO 1.2, section 5.1; Linux include/uapi/linux/if_tun.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "smartbox/vmx/iothread.h"
#include "smartbox/vmx/virtio.h"
#include "virtio_net_impl.h"

enum { F_CSUM = 0, F_GUEST_CSUM = 1, F_MTU = 3, F_MAC = 5, F_GUEST_TSO4 = 7, F_GUEST_TSO6 = 8,
	F_HOST_TSO4 = 11, F_HOST_TSO6 = 12, F_MRG_RXBUF = 15, F_STATUS = 16 };
enum { RX, TX, HEADER = 12, HEADER_OLD = 10, FRAME_MAX = 65536 + HEADER, MERGE_MAX = 64,
	BATCH = 64 };

struct vnet {
	struct virtio v;
	struct vnet_state s;
	int tap;
	struct watch *watch; /* I/O thread's */
	bool watching, offload;
	uint8_t *frame; /* FRAME_MAX; frame_len bytes wait for buffers */
	size_t frame_len;
	struct vq_chain chain;
	struct iovec iov[VQ_SEGS];
};

unsigned
vnet_header_len(const struct virtio *v)
{
	return (virtio_has(v, VIRTIO_F_VERSION_1) || virtio_has(v, F_MRG_RXBUF) ? HEADER : HEADER_OLD);
}

/* ---- transmit ---- */

/* A header that asks for what the driver did not negotiate would be the host's problem. */
static bool
header_is_sane(const struct vnet *n, const uint8_t h[HEADER], size_t frame)
{
	unsigned gso = h[1] & 0x7f, hdr_len = h[2] | h[3] << 8;
	unsigned start = h[6] | h[7] << 8, off = h[8] | h[9] << 8;

	if ((h[0] & 1) != 0 && (!virtio_has(&n->v, F_CSUM) || start + off + 2 > frame))
		return (false);
	if (gso == 0)
		return (true);
	return (hdr_len <= frame && (h[0] & 1) != 0 &&
	    ((gso == 1 && virtio_has(&n->v, F_HOST_TSO4)) ||
		(gso == 4 && virtio_has(&n->v, F_HOST_TSO6))));
}

/* One frame; what makes no sense is dropped, as a switch would. */
static void
tx_frame(struct vnet *n)
{
	unsigned hlen = vnet_header_len(&n->v);
	uint8_t head[HEADER] = {0};
	int segs;

	if (vq_chain_read(&n->chain, 0, head, hlen) != hlen || n->chain.out_bytes < hlen + 14U ||
	    n->chain.out_bytes > FRAME_MAX)
		return;
	head[10] = head[11] = 0;
	if (!header_is_sane(n, head, n->chain.out_bytes - hlen))
		return;
	n->iov[0] = (struct iovec){head, HEADER};
	segs = vq_chain_slice(&n->chain, false, hlen, n->chain.out_bytes - hlen, n->iov + 1,
	    VQ_SEGS - 1);
	if (segs > 0)
		(void)!writev(n->tap, n->iov, segs + 1); /* a full tap drops */
}

static void
tx(struct vnet *n)
{
	struct virtqueue *q = &n->v.vq[TX];
	int rc;

	do {
		vq_want_kicks(q, false);
		for (unsigned i = 0; (rc = vq_pop(q, &n->chain)) > 0;) {
			tx_frame(n);
			vq_push(q, n->chain.head, 0);
			if (++i % BATCH == 0)
				virtio_used(&n->v, TX);
		}
		if (rc < 0)
			virtio_broken(&n->v);
		virtio_used(&n->v, TX);
		vq_want_kicks(q, true);
	} while (!vq_is_empty(q));
}

/* ---- receive ---- */

/* The waiting frame into buffers: true when it is gone, false when there are not enough. */
static bool
rx_frame(struct vnet *n)
{
	struct virtqueue *q = &n->v.vq[RX];
	bool merge = virtio_has(&n->v, F_MRG_RXBUF);
	unsigned hlen = vnet_header_len(&n->v), used = 0;
	uint16_t heads[MERGE_MAX], count;
	uint32_t written[MERGE_MAX];
	uint8_t *p = n->frame + (HEADER - hlen);
	size_t len = n->frame_len - (HEADER - hlen), done = 0;
	struct vq_chain *c = &n->chain;
	uint8_t *count_at = NULL;
	int rc;

	memmove(p, n->frame, hlen); /* a shorter header moves up to the frame */
	while (done < len) {
		if (used == MERGE_MAX || (used > 0 && !merge))
			goto out; /* does not fit: dropped */
		if ((rc = vq_pop(q, c)) <= 0) {
			while (used-- > 0)
				vq_unpop(q);
			if (rc < 0)
				virtio_broken(&n->v);
			memmove(n->frame, p, hlen);
			return (false);
		}
		if (used == 0 && hlen == HEADER && c->nin > 0 && c->iov[c->nout].iov_len >= HEADER)
			count_at = (uint8_t *)c->iov[c->nout].iov_base + 10;
		written[used] = (uint32_t)vq_chain_write(c, 0, p + done, len - done);
		done += written[used];
		heads[used++] = c->head;
	}
	count = (uint16_t)used;
	if (count_at != NULL)
		memcpy(count_at, &count, 2);
out:
	if (used > 0)
		vq_push_many(q, heads, written, used);
	return (true);
}

static void
tap_watch(struct vnet *n, bool on)
{
	if (n->watch != NULL && n->watching != on) {
		n->watching = on;
		watch_events(n->watch, on ? LOOP_READ : 0);
	}
}

static void
rx(struct vnet *n)
{
	for (unsigned i = 0; i < BATCH; i++) {
		if (n->frame_len == 0) {
			ssize_t got = read(n->tap, n->frame, FRAME_MAX);

			if (got < HEADER + 14)
				break;
			n->frame_len = (size_t)got;
		}
		if (!rx_frame(n)) {
			vq_want_kicks(&n->v.vq[RX], true);
			if (vq_is_empty(&n->v.vq[RX])) {
				tap_watch(n, false); /* until the guest offers buffers */
				break;
			}
			if (n->v.broken || ++i >= BATCH)
				break;
			continue;
		}
		n->frame_len = 0;
	}
	virtio_used(&n->v, RX);
}

static void
tap_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vnet *n = arg;
	uint8_t sink[2048];

	(void)l;
	(void)events;
	(void)pthread_mutex_lock(&n->v.pci.dev.lock);
	if (virtio_running(&n->v))
		rx(n);
	else
		(void)!read(fd, sink, sizeof(sink)); /* nobody is at home: a down link */
	(void)pthread_mutex_unlock(&n->v.pci.dev.lock);
}

static void
vnet_kick(struct virtio *v, unsigned q)
{
	struct vnet *n = (struct vnet *)v;

	if (q == TX) {
		tx(n);
	} else if (!n->watching || n->frame_len > 0 || n->watch == NULL) {
		tap_watch(n, true);
		rx(n);
	}
}

/* ---- life ---- */

void
vnet_offload(const struct virtio *v, int tap)
{
	unsigned offload = 0;

	if (virtio_has(v, F_GUEST_CSUM)) {
		offload |= TUN_F_CSUM;
		offload |= virtio_has(v, F_GUEST_TSO4) ? TUN_F_TSO4 : 0;
		offload |= virtio_has(v, F_GUEST_TSO6) ? TUN_F_TSO6 : 0;
	}
	(void)ioctl(tap, TUNSETOFFLOAD, offload);
}

static void
vnet_start(struct virtio *v)
{
	struct vnet *n = (struct vnet *)v;

	if (n->offload)
		vnet_offload(v, n->tap);
}

static void
vnet_stop(struct virtio *v)
{
	struct vnet *n = (struct vnet *)v;

	n->frame_len = 0;
	tap_watch(n, true);
}

void
vnet_config_fill(const struct vnet_state *s, uint8_t *c)
{
	uint16_t up = 1, pairs = 1;

	memcpy(c, s->mac, 6);
	memcpy(c + 6, &up, 2);
	memcpy(c + 8, &pairs, 2);
	memcpy(c + 10, &s->mtu, 2);
}

static void
vnet_config(struct virtio *v, uint8_t *c)
{
	vnet_config_fill(&((struct vnet *)v)->s, c);
}

static void
vnet_free(struct virtio *v)
{
	struct vnet *n = (struct vnet *)v;

	if (n->tap >= 0)
		(void)close(n->tap);
	free(n->frame);
}

static const struct virtio_class vnet_class = {
    .kind = "virtio-net",
    .id = VIRTIO_ID_NET,
    .legacy_id = 0x1000,
    .pci_class = 0x02000000,
    .nqueues = 2,
    .queue_size = 256,
    .config_len = 12,
    .version = 1,
    .state = DEVICE_STATE(struct vnet, s),
    .kick = vnet_kick,
    .start = vnet_start,
    .stop = vnet_stop,
    .config_get = vnet_config,
    .free = vnet_free,
};

uint64_t
vnet_features(const struct vnet_spec *s)
{
	uint64_t f = VIRTIO_BIT(F_MAC) | VIRTIO_BIT(F_STATUS) | VIRTIO_BIT(F_MRG_RXBUF);

	if (s->mtu != 0)
		f |= VIRTIO_BIT(F_MTU);
	if (s->offload)
		f |= VIRTIO_BIT(F_CSUM) | VIRTIO_BIT(F_GUEST_CSUM) | VIRTIO_BIT(F_GUEST_TSO4) |
		    VIRTIO_BIT(F_GUEST_TSO6) | VIRTIO_BIT(F_HOST_TSO4) | VIRTIO_BIT(F_HOST_TSO6);
	return (f);
}

int
vnet_new(struct board *b, unsigned devfn, const struct vnet_spec *s, struct iothread *io,
    struct err *e)
{
	struct vnet *n = calloc(1, sizeof(*n));
	char name[24];
	int rc;

	if (n == NULL || (n->frame = malloc(FRAME_MAX)) == NULL) {
		free(n);
		(void)close(s->tap_fd);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	n->tap = s->tap_fd;
	n->offload = s->offload;
	memcpy(n->s.mac, s->mac, 6);
	n->s.mtu = s->mtu;
	(void)fcntl(n->tap, F_SETFL, fcntl(n->tap, F_GETFL) | O_NONBLOCK);
	n->v.device_features = vnet_features(s);
	(void)snprintf(name, sizeof(name), "net%u", devfn >> 3);
	if ((rc = virtio_add(b, &n->v, &vnet_class, devfn, name, io, e)) != 0 || io == NULL)
		return (rc);
	n->watch = loop_fd(iothread_loop(io), n->tap, LOOP_READ, tap_ready, n);
	n->watching = n->watch != NULL;
	return (n->watch != NULL ? 0 : err_set(e, EINVAL, "the tap descriptor cannot be watched"));
}
