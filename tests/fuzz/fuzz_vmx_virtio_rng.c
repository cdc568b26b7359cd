/* SPDX-License-Identifier: MIT */
/* virtio-rng: the transport and the ring with nothing behind them. */
#include "fuzz_vmx.h"

static int
build(struct vmx_bench *b)
{
	return (vrng_new(b->board, SLOT, NULL, NULL));
}

FUZZ_TARGET(.build = build)
