/* SPDX-License-Identifier: MIT */
/* What is sent on a virtio console is in its file, in pieces as well.
 * vmx: -x file:@/con
 * expect: ok it is there
 * after: [ "$(cat con)" = "hello from the ring" ]
 */
#include "virtio.h"

static struct vring in, out;
static char hello[] = "hello ", rest[] = "from the ring\n";

int
main(void)
{
	check("it is there", virtio_find(0x10031af4));
	virtio_queue(0, &in);
	virtio_queue(1, &out);
	virtio_go();
	virtio_desc(&out, 0, hello, 6, 1);
	virtio_desc(&out, 1, rest, 14, 0);
	virtio_run(1, &out);
	return (0);
}
