/* SPDX-License-Identifier: MIT */
/* Aggregations on the consumer's side: see agg.h. Layouts of graphs: DTrace's. */
#include "agg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf.h"
#include "folded.h"
#include "sym.h"

/* --- snapshots --------------------------------------------------------------------------------- */

/* Values in the kernel begin with a marker, but for those whose first value is a count. */
static unsigned
marker(const struct agg_info *g)
{
	return (g->func == AGG_COUNT || g->func == AGG_AVG || g->func == AGG_STDDEV ? 0 : 1);
}

int64_t
agg_nvals(const struct agg_info *g)
{
	return ((int64_t)g->nvals - marker(g));
}

static bool
is_extreme(const struct agg_info *g)
{
	return (g->func == AGG_MIN || g->func == AGG_MAX);
}

static void
add128(int64_t sum[2], const int64_t more[2])
{
	unsigned __int128 a = (unsigned __int128)(uint64_t)sum[1] << 64 | (uint64_t)sum[0];

	a += (unsigned __int128)(uint64_t)more[1] << 64 | (uint64_t)more[0];
	sum[0] = (int64_t)a;
	sum[1] = (int64_t)(a >> 64);
}

/* Add one CPU's values; true when it has any. */
static bool
add_cpu(const struct agg *a, int64_t *sum, const int64_t *v, bool first)
{
	const struct agg_info *g = &a->id->agg;
	int64_t n = agg_nvals(g);

	if (is_extreme(g)) {
		if ((uint64_t)v[0] != *a->gen + 1)
			return (false);
		if (first || (g->func == AGG_MIN ? v[1] < sum[0] : v[1] > sum[0]))
			sum[0] = v[1];
		return (true);
	}
	if (v[0] == 0)
		return (false);
	v += marker(g);
	if (g->func == AGG_STDDEV) {
		sum[0] += v[0];
		sum[1] += v[1];
		add128(sum + 2, v + 2);
		return (true);
	}
	for (int64_t i = 0; i < n; i++)
		sum[i] = (int64_t)((uint64_t)sum[i] + (uint64_t)v[i]);
	return (true);
}

static const struct agg_entry *
find_base(const struct agg *a, const char *key)
{
	for (unsigned i = 0; i < a->nbase; i++)
		if (memcmp(a->base[i].key, key, a->id->key_size) == 0)
			return (&a->base[i]);
	return (NULL);
}

static void
subtract_base(const struct agg *a, struct agg_entry *e)
{
	const struct agg_entry *b = find_base(a, e->key);

	for (int64_t i = 0; b != NULL && i < agg_nvals(&a->id->agg); i++)
		e->vals[i] = (int64_t)((uint64_t)e->vals[i] - (uint64_t)b->vals[i]);
}

static int
append(struct agg_snap *s, const char *key, const int64_t *percpu)
{
	const struct agg *a = s->agg;
	const struct agg_info *g = &a->id->agg;
	size_t nv = (size_t)agg_nvals(g);
	struct agg_entry *v, e;
	bool any = false;

	if ((s->n & (s->n - 1)) == 0) {
		v = realloc(s->e, (s->n == 0 ? 1 : (size_t)s->n * 2) * sizeof(*v));
		if (v == NULL)
			return (-ENOMEM);
		s->e = v;
	}
	e.vals = calloc(1, nv * 8 + a->id->key_size + 8);
	if (e.vals == NULL)
		return (-ENOMEM);
	e.key = (char *)(e.vals + nv);
	memcpy(e.key, key, a->id->key_size);
	for (unsigned cpu = 0; cpu < a->ncpus; cpu++)
		any |= add_cpu(a, e.vals, percpu + (size_t)cpu * g->nvals, !any);
	if (!any && a->id->nkeys == 0) { /* nothing was ever aggregated */
		free(e.vals);
		return (0);
	}
	if (!is_extreme(g))
		subtract_base(a, &e);
	s->e[s->n++] = e;
	return (0);
}

static int
snapshot_hash(const struct agg *a, struct agg_snap *s, char *key, char *next, int64_t *vals)
{
	const void *from = NULL;
	int rc = 0;

	while (rc == 0 && bpf_next_key(a->fd, from, next) == 0) {
		if (bpf_lookup(a->fd, next, vals) == 0)
			rc = append(s, next, vals);
		memcpy(key, next, a->id->key_size);
		from = key;
	}
	return (rc);
}

int
agg_snapshot(const struct agg *a, struct agg_snap *s)
{
	size_t ks = a->id->key_size + 8;
	char *key = malloc(ks * 2);
	int64_t *vals = calloc(a->ncpus, (size_t)a->id->agg.nvals * 8);
	int rc = 0;

	*s = (struct agg_snap){a, NULL, 0};
	if (key == NULL || vals == NULL) {
		rc = -ENOMEM;
	} else if (a->id->nkeys == 0) {
		uint32_t zero = 0;

		if (bpf_lookup(a->fd, &zero, vals) == 0)
			rc = append(s, (char *)&zero, vals);
	} else {
		rc = snapshot_hash(a, s, key, key + ks, vals);
	}
	free(key);
	free(vals);
	return (rc);
}

static void
free_entries(struct agg_entry *e, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(e[i].vals);
	free(e);
}

void
agg_snap_free(struct agg_snap *s)
{
	free_entries(s->e, s->n);
	s->e = NULL;
	s->n = 0;
}

void
agg_free(struct agg *a)
{
	free_entries(a->base, a->nbase);
	a->base = NULL;
	a->nbase = 0;
}

int
agg_clear(struct agg *a)
{
	struct agg_snap s;
	struct agg bare = *a;
	int rc;

	if (is_extreme(&a->id->agg)) {
		(*a->gen)++;
		return (0);
	}
	bare.nbase = 0;
	if ((rc = agg_snapshot(&bare, &s)) != 0)
		return (rc);
	free_entries(a->base, a->nbase);
	a->base = s.e;
	a->nbase = s.n;
	return (0);
}

/* --- values ------------------------------------------------------------------------------------ */

static uint64_t
isqrt(unsigned __int128 n)
{
	unsigned __int128 r = 0, bit = (unsigned __int128)1 << 126;

	while (bit > n)
		bit >>= 2;
	for (; bit != 0; bit >>= 2) {
		if (n >= r + bit) {
			n -= r + bit;
			r = (r >> 1) + bit;
		} else {
			r >>= 1;
		}
	}
	return ((uint64_t)r);
}

static uint64_t
stddev(const int64_t *v, int64_t normal)
{
	unsigned __int128 sq = (unsigned __int128)(uint64_t)v[3] << 64 | (uint64_t)v[2], d;
	__int128 avg;

	if (v[0] == 0)
		return (0);
	sq /= (unsigned __int128)normal;
	avg = (__int128)v[1] / normal / v[0];
	if (avg < 0)
		avg = -avg;
	sq /= (unsigned __int128)v[0];
	d = (unsigned __int128)(avg * avg);
	return (sq > d ? isqrt(sq - d) : 0);
}

static int64_t
average(const int64_t *v, int64_t normal)
{
	return (v[0] != 0 ? v[1] / normal / v[0] : 0);
}

/* --- graphs ------------------------------------------------------------------------------------ */

static long double
magnitude(int64_t v)
{
	return (v < 0 ? -(long double)v : (long double)v);
}

static void
bar(struct buf *out, int n, int width, bool right)
{
	if (n > width)
		n = width;
	for (int i = 0; i < width; i++)
		buf_str(out, (right ? i >= width - n : i < n) ? "@" : " ");
}

struct signs {
	bool pos, neg;
	long double total;
};

static void
quantline(struct buf *out, int64_t v, int64_t normal, const struct signs *sg)
{
	int len;

	if (sg->neg && sg->pos) {
		len = sg->total != 0 ? (int)(20 * magnitude(v) / sg->total + 0.5L) : 0;
		bar(out, v < 0 ? len : 0, 20, true);
		buf_str(out, "|");
		bar(out, v > 0 ? len : 0, 20, false);
	} else {
		len = sg->total != 0 ? (int)(40 * magnitude(v) / sg->total + 0.5L) : 0;
		if (!sg->neg)
			buf_str(out, "|");
		bar(out, len, 40, sg->neg);
		if (sg->neg)
			buf_str(out, "|");
	}
	buf_printf(out, " %-9lld\n", (long long)(v / normal));
}

static int64_t
quantize_label(int i)
{
	if (i == 63)
		return (0);
	return (i > 63 ? (int64_t)(1ull << (i - 64)) : (int64_t)-(1ull << (62 - i)));
}

static uint64_t
ipow(uint64_t f, uint64_t n)
{
	uint64_t v = 1;

	while (n-- > 0)
		v *= f;
	return (v);
}

static void
llquantize_label(char *buf, size_t size, const struct agg_info *g, int i, bool negatives)
{
	int per = (int)(g->steps - g->steps / g->factor), nmag = (int)(g->high - g->low + 1);
	int mid = 1 + nmag * per, d = i - mid, mag, step;
	uint64_t next, v, low = ipow(g->factor, g->low), top = ipow(g->factor, (uint64_t)g->high + 1);

	if (d == 0) {
		if (low == 1)
			(void)snprintf(buf, size, "0");
		else
			(void)snprintf(buf, size, negatives ? "abs() < %llu" : "< %llu",
			    (unsigned long long)low);
		return;
	}
	if (d > nmag * per || -d > nmag * per) {
		(void)snprintf(buf, size, d > 0 ? ">= %llu" : "<= -%llu", (unsigned long long)top);
		return;
	}
	mag = ((d < 0 ? -d : d) - 1) / per;
	step = ((d < 0 ? -d : d) - 1) % per + (int)(g->steps / g->factor);
	next = ipow(g->factor, (uint64_t)((int)g->low + mag + 1));
	v = next >= g->steps ? next / g->steps * (uint64_t)step :
	    (uint64_t)step * next / g->steps;
	if (v < next / g->factor) /* fewer steps than the factor: the first begins with the magnitude */
		v = next / g->factor;
	(void)snprintf(buf, size, "%s%llu", d < 0 ? "-" : "", (unsigned long long)v);
}

static void
label(char *buf, size_t size, const struct agg_info *g, int i, int n, bool negatives)
{
	if (g->func == AGG_QUANTIZE)
		(void)snprintf(buf, size, "%lld", (long long)quantize_label(i));
	else if (g->func == AGG_LLQUANTIZE)
		llquantize_label(buf, size, g, i, negatives);
	else if (i == 0)
		(void)snprintf(buf, size, "< %lld", (long long)g->base);
	else if (i == n - 1)
		(void)snprintf(buf, size, ">= %lld", (long long)(g->base + (n - 2) * g->step));
	else
		(void)snprintf(buf, size, "%lld", (long long)(g->base + (i - 1) * g->step));
}

void
agg_bucket_label(char *buf, size_t size, const struct agg_info *g, int i)
{
	label(buf, size, g, i, (int)agg_nvals(g), true);
}

/* Rows of values that cannot occur: steps between whole numbers. */
static bool
impossible(const struct agg_info *g, int i)
{
	int per = (int)(g->steps - g->steps / g->factor), nmag = (int)(g->high - g->low + 1);
	int d = i - (1 + nmag * per), step;

	if (g->func != AGG_LLQUANTIZE || g->low != 0 || g->steps <= g->factor)
		return (false);
	d = d < 0 ? -d : d;
	if (d == 0 || d > per)
		return (false);
	step = d - 1 + (int)(g->steps / g->factor);
	return ((uint64_t)step * g->factor % g->steps != 0);
}

static void
bounds(const struct agg_info *g, const int64_t *v, int n, int *first, int *last)
{
	int nmag = (int)(g->high - g->low + 1);
	int mid = g->func == AGG_LLQUANTIZE ?
	    1 + nmag * (int)(g->steps - g->steps / g->factor) : 0;

	*first = 0;
	*last = n - 1;
	while (*first < n && v[*first] == 0)
		(*first)++;
	while (*last > 0 && v[*last] == 0)
		(*last)--;
	if (*first == n) {
		*first = g->func == AGG_QUANTIZE ? 62 : g->func == AGG_LQUANTIZE ? 0 : mid;
		*last = *first + 2;
	} else {
		*first -= *first > 0;
		*last += 1;
	}
	if (*last > n - 1)
		*last = n - 1;
	while (*first > 0 && impossible(g, *first))
		(*first)--;
	while (*last < n - 1 && impossible(g, *last))
		(*last)++;
}

void
quantize_print(struct buf *out, const struct agg_info *g, const int64_t *v, int64_t normal)
{
	int n = (int)agg_nvals(g), first, last;
	struct signs sg = {false, false, 0};
	bool negatives = false;
	char text[64];

	bounds(g, v, n, &first, &last);
	for (int i = first; i <= last; i++) {
		sg.pos |= v[i] > 0;
		sg.neg |= v[i] < 0;
		sg.total += magnitude(v[i]);
	}
	for (int i = 0; i < n / 2; i++)
		negatives |= v[i] != 0;
	buf_printf(out, "\n%16s %41s %-9s\n", "value", "------------- Distribution -------------",
	    "count");
	for (int i = first; i <= last; i++) {
		if (impossible(g, i))
			continue;
		label(text, sizeof(text), g, i, n, negatives);
		buf_printf(out, "%16s ", text);
		quantline(out, v[i], normal, &sg);
	}
}

/* --- order ------------------------------------------------------------------------------------- */

struct order {
	const struct agg_snap *by; /* whose values decide */
	const struct agg_snap *keys;
	const struct options *o;
};

static int
compare_weighted(const struct agg_info *g, const int64_t *a, const int64_t *b)
{
	int n = (int)agg_nvals(g);
	long double ta = 0, tb = 0;
	int zero = g->func == AGG_QUANTIZE ? 63 : -1;

	for (int i = 0; i < n; i++) {
		long double w = g->func == AGG_QUANTIZE ? (long double)quantize_label(i) :
		    g->func == AGG_LQUANTIZE ? (long double)(i == 0 ? g->base - 1 :
		    g->base + (i - 1) * g->step) : (long double)(i - n / 2);

		ta += w * (long double)a[i];
		tb += w * (long double)b[i];
	}
	if (ta != tb)
		return (ta < tb ? -1 : 1);
	if (zero >= 0 && a[zero] != b[zero])
		return (a[zero] < b[zero] ? -1 : 1);
	return (0);
}

static int
compare_values(const struct agg_info *g, const int64_t *a, const int64_t *b)
{
	int64_t x = a[0], y = b[0];

	if (g->func == AGG_AVG) {
		x = average(a, 1);
		y = average(b, 1);
	} else if (g->func == AGG_STDDEV) {
		x = (int64_t)stddev(a, 1);
		y = (int64_t)stddev(b, 1);
	} else if (g->func >= AGG_QUANTIZE) {
		return (compare_weighted(g, a, b));
	}
	return (x < y ? -1 : x > y);
}

static int
compare_part(const struct key_part *k, const char *a, const char *b)
{
	uint64_t x = 0, y = 0, n = type_size(k->type);
	int c;

	if (type_is_scalar(k->type)) {
		memcpy(&x, a + k->off, n);
		memcpy(&y, b + k->off, n);
		return (x < y ? -1 : x > y);
	}
	if (type_is_string(k->type)) {
		c = strncmp(a + k->off, b + k->off, k->size);
		return (c < 0 ? -1 : c > 0);
	}
	if (type_resolve(k->type)->kind == TY_USYMADDR) {
		memcpy(&x, a + k->off, 8);
		memcpy(&y, b + k->off, 8);
		if (x != y)
			return (x < y ? -1 : 1);
		memcpy(&x, a + k->off + 8, 8);
		memcpy(&y, b + k->off + 8, 8);
		return (x < y ? -1 : x > y);
	}
	c = memcmp(a + k->off, b + k->off, k->size);
	return (c < 0 ? -1 : c > 0);
}

static int
compare_keys(const struct ident *id, const char *a, const char *b, uint64_t pos)
{
	for (unsigned i = 0; i < id->nkeys; i++) {
		int c = compare_part(&id->keys[(i + pos) % id->nkeys], a, b);

		if (c != 0)
			return (c);
	}
	return (0);
}

static int
compare_entries(const void *pa, const void *pb, void *arg)
{
	const struct agg_entry *a = pa, *b = pb;
	const struct order *or = arg;
	const struct ident *id = or->by->agg->id;
	uint64_t pos = or->o->v[O_AGGSORTKEYPOS];
	bool by_key = or->o->v[O_AGGSORTKEY] != 0;
	int k = compare_keys(id, a->key, b->key, pos), v, c;

	v = compare_values(&id->agg, a->vals, b->vals);
	c = by_key ? k != 0 ? k : v : v != 0 ? v : k;
	return (or->o->v[O_AGGSORTREV] != 0 ? -c : c);
}

static void
sort_entries(struct agg_snap *s, const struct options *o)
{
	struct order or = {s, s, o};

	/* musl and glibc have it */
	qsort_r(s->e, s->n, sizeof(*s->e), compare_entries, &or);
}

int
agg_trunc(struct agg *a, const struct options *o, int64_t n, bool all)
{
	static const struct options plain;
	struct agg_snap s;
	struct order or = {&s, &s, &plain};
	int64_t keep = n < 0 ? -n : n;
	int rc;

	(void)o;
	if ((rc = agg_snapshot(a, &s)) != 0)
		return (rc);
	qsort_r(s.e, s.n, sizeof(*s.e), compare_entries, &or);
	for (int64_t i = 0; i < (int64_t)s.n; i++) {
		int64_t rank = n < 0 ? i : (int64_t)s.n - 1 - i;

		if (!all && rank < keep)
			continue;
		if (a->id->nkeys != 0)
			(void)bpf_delete(a->fd, s.e[i].key);
	}
	agg_snap_free(&s);
	return (a->id->nkeys == 0 && (all || keep == 0) ? agg_clear(a) : 0);
}

/* --- printing ---------------------------------------------------------------------------------- */

static void
print_number(struct buf *out, uint64_t size, long long v)
{
	static const int width[9] = {[1] = 3, [2] = 5, [4] = 8, [8] = 16};

	buf_printf(out, " %*lld", size <= 8 ? width[size] : 16, v);
}

static void
symbol_text(const struct fmt_ctx *ctx, int fn, enum tykind kind, const uint64_t w[2], char *text,
    size_t size)
{
	if (fn == F_MOD)
		sym_kernel_mod(ctx->syms, w[0], text, size);
	else if (kind == TY_SYMADDR)
		sym_kernel_func(ctx->syms, w[0], text, size);
	else if (fn == F_UMOD)
		sym_user_mod(ctx->syms, (int)w[0], w[1], text, size);
	else if (fn == F_UADDR)
		sym_user(ctx->syms, (int)w[0], w[1], text, size);
	else
		sym_user_func(ctx->syms, (int)w[0], w[1], text, size);
}

void
value_print_key(struct buf *out, const struct value *v, const struct fmt_ctx *ctx)
{
	enum tykind k = type_resolve(v->type)->kind;
	uint64_t w[2] = {0, 0};
	char text[512];

	if (k == TY_STRING) {
		buf_printf(out, "  %-50.*s", (int)v->size, (const char *)v->data);
	} else if (k == TY_STACK || k == TY_USTACK) {
		sym_stack(ctx->syms, out, v->data, v->size, k == TY_USTACK, ctx->stackindent);
	} else if (k == TY_SYMADDR || k == TY_USYMADDR) {
		memcpy(w, v->data, k == TY_SYMADDR ? 8 : 16);
		symbol_text(ctx, v->fn, k, w, text, sizeof(text));
		buf_printf(out, "  %-50s", text);
	} else if (type_is_scalar(v->type)) {
		print_number(out, type_size(v->type), (long long)value_int(v));
	} else {
		buf_printf(out, "  %-50.*s", (int)v->size, (const char *)v->data);
	}
}

static void
print_agg_value(struct buf *out, const struct agg *a, const int64_t *v)
{
	switch (a->id->agg.func) {
	case AGG_AVG:
		buf_printf(out, " %16lld", (long long)average(v, a->normal));
		break;
	case AGG_STDDEV:
		buf_printf(out, " %16llu", (unsigned long long)stddev(v, a->normal));
		break;
	case AGG_QUANTIZE: case AGG_LQUANTIZE: case AGG_LLQUANTIZE:
		quantize_print(out, &a->id->agg, v, a->normal);
		break;
	default:
		buf_printf(out, " %16lld", (long long)(v[0] / a->normal));
		break;
	}
}

static struct value
key_value(const struct ident *id, unsigned i, const char *key)
{
	const struct key_part *k = &id->keys[i];
	uint64_t n = type_is_scalar(k->type) ? type_size(k->type) : k->size;

	return ((struct value){k->type, key + k->off, (uint32_t)n, k->fn});
}

/* The entry of another aggregation with the same key; NULL it has none. */
static const int64_t *
joined(const struct agg_snap *s, const struct ident *id, const char *key)
{
	for (unsigned i = 0; i < s->n; i++)
		if (compare_keys(id, s->e[i].key, key, 0) == 0)
			return (s->e[i].vals);
	return (NULL);
}

struct row {
	const struct agg_snap *snaps;
	unsigned n;
	const char *key;
	const int64_t *vals[64];
	const struct ident *keys;
};

static void
print_plain(struct buf *out, const struct row *r, const struct fmt_ctx *ctx)
{
	for (unsigned i = 0; i < r->keys->nkeys; i++) {
		struct value v = key_value(r->keys, i, r->key);

		value_print_key(out, &v, ctx);
	}
	for (unsigned i = 0; i < r->n; i++)
		print_agg_value(out, r->snaps[i].agg, r->vals[i]);
	buf_str(out, "\n");
}

static void
format_agg(struct buf *out, const struct conv *c, const struct agg *a, const int64_t *vals,
    const struct fmt_ctx *ctx)
{
	static const int dyn[2] = {-1, -1};
	int64_t x = a->id->agg.func == AGG_AVG ? average(vals, a->normal) :
	    a->id->agg.func == AGG_STDDEV ? (int64_t)stddev(vals, a->normal) :
	    vals[0] / a->normal;
	struct value v = {ctx->types->t_int64, &x, 8, 0};

	if (a->id->agg.func >= AGG_QUANTIZE)
		quantize_print(out, &a->id->agg, vals, a->normal);
	else
		fmt_value(out, c, &v, dyn, ctx);
}

static void
print_format(struct buf *out, const struct fmt *f, const struct row *r, const struct fmt_ctx *ctx)
{
	static const int dyn[2] = {-1, -1};
	unsigned key = 0, agg = 0;

	for (unsigned i = 0; i < f->nconvs; i++) {
		const struct conv *c = &f->convs[i];

		buf_add(out, c->lit, c->litlen);
		if (c->conv == '%')
			buf_str(out, "%");
		if (c->conv == 0 || c->conv == '%')
			continue;
		if (c->flags & FMT_AGG) {
			format_agg(out, c, r->snaps[agg].agg, r->vals[agg], ctx);
			agg += agg + 1 < r->n;
		} else if (key < r->keys->nkeys) {
			struct value v = key_value(r->keys, key++, r->key);

			fmt_value(out, c, &v, dyn, ctx);
		}
	}
}

/* The keys that any of the aggregations has, as entries of the one that decides the order. */
static int
unite(struct agg_snap *by, const struct agg_snap *snaps, unsigned n)
{
	static int64_t zero[4096];

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; &snaps[i] != by && k < snaps[i].n; k++) {
			const char *key = snaps[i].e[k].key;
			struct agg_entry *v;
			size_t nv = (size_t)agg_nvals(&by->agg->id->agg);

			if (joined(by, by->agg->id, key) != NULL)
				continue;
			v = realloc(by->e, ((size_t)by->n + 1) * 2 * sizeof(*v));
			if (v == NULL)
				return (-ENOMEM);
			by->e = v;
			v = &by->e[by->n];
			if ((v->vals = calloc(1, nv * 8 + by->agg->id->key_size + 8)) == NULL)
				return (-ENOMEM);
			v->key = (char *)(v->vals + nv);
			for (unsigned p = 0; p < by->agg->id->nkeys; p++) {
				const struct key_part *to = &by->agg->id->keys[p];
				const struct key_part *from = &snaps[i].agg->id->keys[p];

				memcpy(v->key + to->off, key + from->off,
				    to->size < from->size ? to->size : from->size);
			}
			by->n++;
		}
	}
	(void)zero;
	return (0);
}

static void
print_rows(struct buf *out, const struct agg_snap *by, const struct agg_snap *snaps, unsigned n,
    const struct fmt *fmt, const struct fmt_ctx *ctx)
{
	static const int64_t zero[4096];

	for (unsigned i = 0; i < by->n; i++) {
		struct row r = {snaps, n, by->e[i].key, {0}, by->agg->id};

		for (unsigned k = 0; k < n; k++) {
			r.vals[k] = &snaps[k] == by ? by->e[i].vals :
			    joined(&snaps[k], snaps[k].agg->id, by->e[i].key);
			if (r.vals[k] == NULL)
				r.vals[k] = zero;
		}
		if (fmt != NULL)
			print_format(out, fmt, &r, ctx);
		else
			print_plain(out, &r, ctx);
	}
}

/* --- one entry per symbol ---------------------------------------------------------------------- */

/*
 * Keys that are addresses stand for functions or modules: entries whose keys print alike are added up, in the
 * first of them.
 */
struct named {
	char *text;
	unsigned i;
};

static bool
has_symbols(const struct ident *id)
{
	for (unsigned i = 0; i < id->nkeys; i++) {
		enum tykind k = type_resolve(id->keys[i].type)->kind;

		if (k == TY_SYMADDR || (k == TY_USYMADDR && id->keys[i].fn != F_UADDR))
			return (true);
	}
	return (false);
}

static int
by_text(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = strcmp(x->text, y->text);

	return (c != 0 ? c : x->i < y->i ? -1 : 1);
}

static void
add_entry(const struct agg_info *g, struct agg_entry *to, const struct agg_entry *e)
{
	if (is_extreme(g)) {
		if (g->func == AGG_MIN ? e->vals[0] < to->vals[0] : e->vals[0] > to->vals[0])
			to->vals[0] = e->vals[0];
		return;
	}
	if (g->func == AGG_STDDEV) {
		to->vals[0] += e->vals[0];
		to->vals[1] += e->vals[1];
		add128(to->vals + 2, e->vals + 2);
		return;
	}
	for (int64_t i = 0; i < agg_nvals(g); i++)
		to->vals[i] = (int64_t)((uint64_t)to->vals[i] + (uint64_t)e->vals[i]);
}

static char *
key_text(const struct agg_snap *s, unsigned e, const struct fmt_ctx *ctx)
{
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < s->agg->id->nkeys; i++) {
		struct value v = key_value(s->agg->id, i, s->e[e].key);

		value_print_key(&b, &v, ctx);
	}
	buf_add(&b, "", 1);
	return (buf_take(&b));
}

static void
join_symbols(struct agg_snap *s, const struct fmt_ctx *ctx)
{
	struct named *v = has_symbols(s->agg->id) ? calloc(s->n + 1, sizeof(*v)) : NULL;
	unsigned n = 0, first = 0;

	for (; v != NULL && n < s->n; n++) {
		v[n].i = n;
		if ((v[n].text = key_text(s, n, ctx)) == NULL)
			break;
	}
	if (v != NULL && n == s->n && n > 0) {
		qsort(v, n, sizeof(*v), by_text);
		for (unsigned i = 1; i < n; i++) {
			if (strcmp(v[i].text, v[first].text) != 0) {
				first = i;
				continue;
			}
			add_entry(&s->agg->id->agg, &s->e[v[first].i], &s->e[v[i].i]);
			free(s->e[v[i].i].vals);
			s->e[v[i].i].vals = NULL;
		}
		s->n = 0;
		for (unsigned i = 0; i < n; i++)
			if (s->e[i].vals != NULL)
				s->e[s->n++] = s->e[i];
	}
	for (unsigned i = 0; v != NULL && i < n; i++)
		free(v[i].text);
	free(v);
}

int
agg_print(struct buf *out, struct agg *const *aggs, unsigned n, const struct fmt *fmt,
    const struct options *o, const struct fmt_ctx *ctx)
{
	struct agg_snap *snaps = calloc(n, sizeof(*snaps)), *by;
	int rc = snaps != NULL ? 0 : -ENOMEM;

	for (unsigned i = 0; rc == 0 && i < n; i++)
		if ((rc = agg_snapshot(aggs[i], &snaps[i])) == 0)
			join_symbols(&snaps[i], ctx);
	if (rc == 0) {
		by = &snaps[o->v[O_AGGSORTPOS] < n ? o->v[O_AGGSORTPOS] : 0];
		rc = unite(by, snaps, n);
		if (rc == 0) {
			sort_entries(by, o);
			print_rows(out, by, snaps, n, fmt, ctx);
		}
	}
	for (unsigned i = 0; snaps != NULL && i < n; i++)
		agg_snap_free(&snaps[i]);
	free(snaps);
	return (rc);
}
