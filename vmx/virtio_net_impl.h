/* SPDX-License-Identifier: MIT */
/* What the two servers of a virtio-net card share: virtio_net.c (ours) and vhost_net.c (the kernel's). */
#ifndef VMX_VIRTIO_NET_IMPL_H
#define VMX_VIRTIO_NET_IMPL_H

#include "smartbox/vmx/virtio.h"

struct vnet_state {
	uint8_t mac[6];
	uint16_t mtu;
};

uint64_t vnet_features(const struct vnet_spec *s);
unsigned vnet_header_len(const struct virtio *v);
/* Tell the tap what the driver takes. */
void vnet_offload(const struct virtio *v, int tap);
void vnet_config_fill(const struct vnet_state *s, uint8_t *c);

#endif
