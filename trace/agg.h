/* SPDX-License-Identifier: MIT */
/*
 * Aggregations on the consumer's side: snapshots of the per-CPU maps, summed; sorted; printed.
 *
 * clear() must lose no event and the kernel goes on counting while we look.  So nothing in the kernel is
 * reset: what was there at the time of clear() is remembered and subtracted from later snapshots.  min and
 * max cannot be subtracted; they carry the number of the clear() that they belong to.
 */
#ifndef TRACE_AGG_H
#define TRACE_AGG_H

#include "fmt.h"
#include "ident.h"
#include "options.h"

struct agg_entry {
	char *key;
	int64_t *vals; /* without the marker: count; sum; count, sum; ...; buckets */
};

struct agg {
	struct ident *id;
	int fd;
	unsigned ncpus;
	int64_t normal;
	bool printed;
	struct agg_entry *base; /* at the last clear(), in order of keys */
	unsigned nbase;
	uint64_t *gen; /* the kernel's, for min and max */
};

struct agg_snap {
	const struct agg *agg;
	struct agg_entry *e;
	unsigned n;
};

int agg_snapshot(const struct agg *a, struct agg_snap *s);
void agg_snap_free(struct agg_snap *s);
int agg_clear(struct agg *a);
void agg_free(struct agg *a); /* what clear() remembered */
int agg_trunc(struct agg *a, const struct options *o, int64_t n, bool all);
/* Without a format (fmt NULL) DTrace's default layout. Several: joined by key. */
int agg_print(struct buf *out, struct agg *const *aggs, unsigned n, const struct fmt *fmt,
    const struct options *o, const struct fmt_ctx *ctx);
int64_t agg_nvals(const struct agg_info *g); /* without the marker */
void quantize_print(struct buf *out, const struct agg_info *g, const int64_t *v, int64_t normal);
/* Default form of a value in a key, or of a traced one. */
void value_print_key(struct buf *out, const struct value *v, const struct fmt_ctx *ctx);

#endif
