/* SPDX-License-Identifier: MIT */
/*
 * A stream of any bytes, read record by record to its end or its first error.  What a record says of
 * lengths holds for its payload; a BEGIN's payload is an nvlist or refused.  (What a pool makes of the
 * records: fuzz_receive.)
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_records.h"
#include "smartbox/fs/nvlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(const struct stream_record *r, const void *payload, size_t len)
{
	struct nvlist *nv;

	if (len != stream_payload_len(r) || (len != 0 && payload == NULL))
		abort();
	if (r->type == DRR_BEGIN && len != 0 && nv_unpack(payload, len, &nv, NULL) == 0)
		nv_free(nv);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	struct bytes b = {copy, size, 0};
	struct stream_in in = {.read = give, .arg = &b};
	struct stream_record r;
	void *payload;
	size_t len;

	if (copy == NULL)
		return (0);
	memcpy(copy, data, size);
	if (size % 2 == 0)
		drop_sums(copy, size);
	while (stream_next(&in, &r, &payload, &len, NULL) == 0) {
		look_at(&r, payload, len);
		free(payload);
		payload = NULL;
	}
	free(copy);
	return (0);
}
