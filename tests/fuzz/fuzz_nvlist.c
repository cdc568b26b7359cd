/* SPDX-License-Identifier: MIT */
/* Name-value lists from strangers: what decodes must encode, and decode to the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/nvlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
round_trip(const struct nvlist *nv, int (*pack)(const struct nvlist *, void **, size_t *))
{
	struct nvlist *again;
	void *one, *two;
	size_t n, m;

	if (pack(nv, &one, &n) != 0)
		return;
	if (nv_unpack(one, n, &again, NULL) != 0)
		abort();
	if (pack(again, &two, &m) != 0 || n != m || memcmp(one, two, n) != 0)
		abort();
	nv_free(again);
	free(one);
	free(two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvlist *nv;
	struct err e;

	if (nv_unpack(data, size, &nv, &e) != 0)
		return (0);
	round_trip(nv, nv_pack);
	round_trip(nv, nv_pack_native);
	nv_free(nv);
	return (0);
}
