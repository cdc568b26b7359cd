/* SPDX-License-Identifier: MIT */
/*
 * virtio-net whose rings the kernel serves (vhost-net): frames go between the tap and the guest without
 * passing here.
 *
 *	guest's kick -> doorbell eventfd --> vhost worker <--> tap
 *	guest's interrupt <- transport <- I/O thread <- call eventfd --'
 *
 * We negotiate, place the rings and stop them.  A ring begins at last_avail and tells where it stopped,
 * so a saved machine goes on with or without the kernel's help.  It is an option, not the default: the
 * kernel then judges the guest's descriptors.
 *
 * Facts: Linux include/uapi/linux/vhost.h; Documentation on the tap's header size.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "smartbox/vmx/iothread.h"
#include "smartbox/vmx/virtio.h"
#include "virtio_net_impl.h"

enum { RX, TX, QUEUES, QUEUE_SIZE = 256 };

struct vhnet {
	struct virtio v;
	struct vnet_state s;
	struct gmem *mem;
	uint64_t kernel_features;
	int tap, vhost, call_fd[QUEUES];
	bool serving[QUEUES];
};

/* ---- rings ---- */

static int
memory_tell(struct vhnet *n)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region r[GMEM_MAX_REGIONS];
	} t;
	const struct gmem_region *r;
	unsigned count;

	memset(&t, 0, sizeof(t));
	r = gmem_regions(n->mem, &count);
	for (unsigned i = 0; i < count; i++) {
		if (!r[i].rom)
			t.r[t.head.nregions++] = (struct vhost_memory_region){
			    .guest_phys_addr = r[i].gpa, .memory_size = r[i].size,
			    .userspace_addr = (uint64_t)(uintptr_t)r[i].hva};
	}
	return (ioctl(n->vhost, VHOST_SET_MEM_TABLE, &t));
}

static int
ring_start(struct vhnet *n, unsigned q)
{
	const struct virtqueue *vq = &n->v.vq[q];
	struct vhost_vring_state size = {q, vq->s->size}, base = {q, vq->s->last_avail};
	struct vhost_vring_addr addr = {.index = q, .desc_user_addr = (uint64_t)(uintptr_t)vq->desc,
	    .avail_user_addr = (uint64_t)(uintptr_t)vq->avail,
	    .used_user_addr = (uint64_t)(uintptr_t)vq->used};
	struct vhost_vring_file kick = {q, n->v.kick_fd[q]}, call = {q, n->call_fd[q]};
	struct vhost_vring_file backend = {q, n->tap};

	if (vq->desc == NULL)
		return (0);
	if (ioctl(n->vhost, VHOST_SET_VRING_NUM, &size) != 0 ||
	    ioctl(n->vhost, VHOST_SET_VRING_BASE, &base) != 0 ||
	    ioctl(n->vhost, VHOST_SET_VRING_ADDR, &addr) != 0 ||
	    ioctl(n->vhost, VHOST_SET_VRING_KICK, &kick) != 0 ||
	    ioctl(n->vhost, VHOST_SET_VRING_CALL, &call) != 0 ||
	    ioctl(n->vhost, VHOST_NET_SET_BACKEND, &backend) != 0)
		return (-errno);
	n->serving[q] = true;
	return (0);
}

static void
ring_stop(struct vhnet *n, unsigned q)
{
	struct vhost_vring_file none = {q, -1};
	struct vhost_vring_state base = {q, 0};

	if (!n->serving[q])
		return;
	n->serving[q] = false;
	(void)ioctl(n->vhost, VHOST_NET_SET_BACKEND, &none); /* returns when nothing is in flight */
	if (ioctl(n->vhost, VHOST_GET_VRING_BASE, &base) == 0)
		n->v.vs.vq[q].last_avail = (uint16_t)base.num;
}

/* The header between tap and ring has the length that the driver negotiated. */
static void
vhnet_start(struct virtio *v)
{
	struct vhnet *n = (struct vhnet *)v;
	uint64_t features = v->vs.driver_features & n->kernel_features;
	int header = (int)vnet_header_len(v);

	vnet_offload(v, n->tap);
	if (ioctl(n->tap, TUNSETVNETHDRSZ, &header) != 0 ||
	    ioctl(n->vhost, VHOST_SET_FEATURES, &features) != 0 || ring_start(n, RX) != 0 ||
	    ring_start(n, TX) != 0)
		virtio_broken(v);
}

static void
vhnet_stop(struct virtio *v)
{
	ring_stop((struct vhnet *)v, RX);
	ring_stop((struct vhnet *)v, TX);
}

static void
vhnet_kick(struct virtio *v, unsigned q)
{
	uint64_t one = 1;

	(void)!write(v->kick_fd[q], &one, sizeof(one));
}

static void
called(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vhnet *n = arg;
	uint64_t count;

	(void)l;
	(void)events;
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return;
	(void)pthread_mutex_lock(&n->v.pci.dev.lock);
	if (virtio_running(&n->v))
		virtio_interrupt(&n->v, fd == n->call_fd[TX] ? TX : RX);
	(void)pthread_mutex_unlock(&n->v.pci.dev.lock);
}

/* ---- life ---- */

static void
vhnet_config(struct virtio *v, uint8_t *c)
{
	vnet_config_fill(&((struct vhnet *)v)->s, c);
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void
vhnet_free(struct virtio *v)
{
	struct vhnet *n = (struct vhnet *)v;

	close_fd(n->vhost);
	close_fd(n->tap);
	close_fd(n->call_fd[RX]);
	close_fd(n->call_fd[TX]);
}

static const struct virtio_class vhnet_class = {
    .kind = "vhost-net",
    .id = VIRTIO_ID_NET,
    .legacy_id = 0x1000,
    .pci_class = 0x02000000,
    .nqueues = QUEUES,
    .queue_size = QUEUE_SIZE,
    .config_len = 12,
    .version = 1,
    .state = DEVICE_STATE(struct vhnet, s),
    .served_outside = true,
    .kick = vhnet_kick,
    .start = vhnet_start,
    .stop = vhnet_stop,
    .config_get = vhnet_config,
    .free = vhnet_free,
};

static int
kernel_open(struct vhnet *n, struct err *e)
{
	if (ioctl(n->vhost, VHOST_SET_OWNER) != 0 ||
	    ioctl(n->vhost, VHOST_GET_FEATURES, &n->kernel_features) != 0 || memory_tell(n) != 0)
		return (err_sys(e, errno, "vhost-net"));
	for (unsigned q = 0; q < QUEUES; q++) {
		if ((n->call_fd[q] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
			return (err_sys(e, errno, "eventfd"));
	}
	return (0);
}

/* Bits of the ring that the kernel must know; those of checksums are the tap's. */
static uint64_t
ring_bits(void)
{
	return (VIRTIO_BIT(15) /* mergeable buffers */ | VIRTIO_BIT(VIRTIO_F_RING_INDIRECT) |
	    VIRTIO_BIT(VIRTIO_F_RING_EVENT_IDX) | VIRTIO_BIT(VIRTIO_F_VERSION_1));
}

int
vhnet_new(struct board *b, unsigned devfn, const struct vnet_spec *s, int vhost_fd,
    struct iothread *io, struct err *e)
{
	struct vhnet *n = calloc(1, sizeof(*n));
	char name[24];
	int rc;

	if (n == NULL) {
		(void)close(s->tap_fd);
		(void)close(vhost_fd);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	n->mem = b->mem;
	n->tap = s->tap_fd;
	n->vhost = vhost_fd;
	n->call_fd[RX] = n->call_fd[TX] = -1;
	memcpy(n->s.mac, s->mac, sizeof(n->s.mac));
	n->s.mtu = s->mtu;
	rc = kernel_open(n, e);
	if (rc == 0 && (~n->kernel_features & ring_bits()) != 0)
		rc = err_set(e, ENOTSUP, "this kernel's vhost-net is too old");
	if (rc != 0) {
		vhnet_free(&n->v);
		free(n);
		return (rc);
	}
	n->v.device_features = vnet_features(s);
	(void)snprintf(name, sizeof(name), "net%u", devfn >> 3);
	if ((rc = virtio_add(b, &n->v, &vhnet_class, devfn, name, io, e)) != 0)
		return (rc);
	for (unsigned q = 0; q < QUEUES; q++) {
		if (loop_fd(iothread_loop(io), n->call_fd[q], LOOP_READ, called, n) == NULL)
			return (err_set(e, ENOMEM, "out of memory"));
	}
	return (0);
}
