/* SPDX-License-Identifier: MIT */
/* virtio-rng gives as many bytes as the buffer has, and others the next time.
 * vmx: -r
 * expect: ok it is there
 * expect: written 40
 * expect: ok not all zero
 * expect: ok not the same again
 */
#include "virtio.h"

static struct vring r;
static u64 a[8], b[8];

int
main(void)
{
	u64 any = 0, same = 1;

	check("it is there", virtio_find(0x10051af4));
	virtio_queue(0, &r);
	virtio_go();
	virtio_desc(&r, 0, a, 64, 2);
	virtio_run(0, &r);
	say("written", virtio_written(&r));
	virtio_desc(&r, 0, b, 64, 2);
	virtio_run(0, &r);
	for (u32 i = 0; i < 8; i++) {
		any |= a[i];
		same &= a[i] == b[i];
	}
	check("not all zero", any != 0);
	check("not the same again", !same);
	return (0);
}
