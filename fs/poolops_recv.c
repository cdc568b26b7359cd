/* SPDX-License-Identifier: MIT */
/* fs.receive. */
#include <errno.h>
#include "poolops_stream.h"
int
op_fs_receive(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct poolops_io *io, struct err *e)
{
	(void)s; (void)in; (void)out; (void)io;
	return (err_set(e, ENOTSUP, "receive"));
}
