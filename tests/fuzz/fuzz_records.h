/* SPDX-License-Identifier: MIT */
/* A fuzzer's bytes as a send stream, for those that read and those that receive one. */
#ifndef FUZZ_RECORDS_H
#define FUZZ_RECORDS_H

#include <errno.h>
#include <string.h>

#include "smartbox/fs/stream.h"

struct bytes {
	const uint8_t *p;
	size_t n, pos;
};

static inline int
give(void *arg, void *buf, size_t len)
{
	struct bytes *b = arg;

	if (b->n - b->pos < len)
		return (-EPIPE);
	memcpy(buf, b->p + b->pos, len);
	b->pos += len;
	return (0);
}

/* A record without a sum is believed, so what lies behind a changed one is reached. */
static inline void
drop_sums(uint8_t *p, size_t n)
{
	struct stream_record r;
	size_t at = 0, len;

	while (n - at >= sizeof(r)) {
		memcpy(&r, p + at, sizeof(r));
		if (r.type != DRR_BEGIN)
			memset(&r.u.any.sum, 0, sizeof(r.u.any.sum));
		if (r.type == DRR_END)
			memset(&r.u.end.sum, 0, sizeof(r.u.end.sum));
		memcpy(p + at, &r, sizeof(r));
		at += sizeof(r);
		len = stream_payload_len(&r);
		if (len > n - at)
			return;
		at += len;
	}
}

#endif
