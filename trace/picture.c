/* SPDX-License-Identifier: MIT */
/*
 * What is drawn instead of printed: flame graphs and folded lines at the end, heat maps from samples taken
 * meanwhile, and the live view of --top.
 *
 * Aggregations in the kernel only grow; a sample is what was added since the one before.  When a
 * heat map has its full number of columns, neighbours are added up and the step doubles: memory is
 * bounded however long it takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "folded.h"
#include "session.h"
#include "smartbox/core/file.h"

enum { COLUMNS_MAX = 500, PATHS = 3 };

struct pictures {
	const char *path[PATHS]; /* by enum trace_picture */
	struct heatmap heat;
	int64_t *before; /* totals of the last sample */
	uint64_t next;	 /* sample */
	uint64_t top_ns, top_next, top_count;
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

static struct pictures *
pictures(struct session *s)
{
	if (s->pictures == NULL)
		s->pictures = calloc(1, sizeof(*s->pictures));
	return (s->pictures);
}

int
trace_picture(struct session *s, enum trace_picture kind, const char *path, struct err *e)
{
	struct pictures *p = pictures(s);

	if (p == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	p->path[kind] = path;
	return (0);
}

int
trace_top(struct session *s, uint64_t every_ns, struct err *e)
{
	struct pictures *p = pictures(s);

	if (p == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	p->top_ns = every_ns;
	return (0);
}

void
pictures_free(struct session *s)
{
	struct pictures *p = s->pictures;

	if (p == NULL)
		return;
	for (unsigned i = 0; i < p->heat.ncols; i++)
		free(p->heat.cols[i]);
	free(p->heat.cols);
	free(p->before);
	free(p);
	s->pictures = NULL;
}

static struct fmt_ctx
context(struct session *s)
{
	return ((struct fmt_ctx){s->syms, &s->types, (int)s->opt.v[O_STACKINDENT]});
}

/* --- heat map ---------------------------------------------------------------------------------- */

/* The distribution that is drawn: the first there is. */
static struct agg *
distribution(struct session *s)
{
	for (unsigned i = 0; i < s->naggs; i++)
		if (s->aggs[i].id != NULL && s->aggs[i].id->agg.func >= AGG_QUANTIZE)
			return (&s->aggs[i]);
	return (NULL);
}

static int64_t *
totals(const struct agg *a, unsigned n)
{
	int64_t *sum = calloc(n, sizeof(*sum));
	struct agg_snap snap;

	if (sum == NULL || agg_snapshot(a, &snap) != 0) {
		free(sum);
		return (NULL);
	}
	for (unsigned i = 0; i < snap.n; i++)
		for (unsigned b = 0; b < n; b++)
			sum[b] += snap.e[i].vals[b];
	agg_snap_free(&snap);
	return (sum);
}

static void
halve(struct heatmap *h)
{
	for (unsigned i = 0; i + 1 < h->ncols; i += 2) {
		for (unsigned b = 0; b < h->nbuckets; b++)
			h->cols[i][b] += h->cols[i + 1][b];
		free(h->cols[i + 1]);
		h->cols[i / 2] = h->cols[i];
	}
	h->ncols /= 2;
	h->step_ns *= 2;
}

static bool
begin_heat(struct session *s, struct pictures *p, const struct agg *a)
{
	p->heat.info = &a->id->agg;
	p->heat.nbuckets = (unsigned)agg_nvals(&a->id->agg);
	p->heat.step_ns = s->opt.v[O_AGGRATE] != 0 ? s->opt.v[O_AGGRATE] : 1000000000;
	p->heat.cols = calloc(COLUMNS_MAX, sizeof(*p->heat.cols));
	p->before = calloc(p->heat.nbuckets, sizeof(*p->before));
	p->next = now_ns() + p->heat.step_ns;
	return (p->heat.cols != NULL && p->before != NULL);
}

static void
sample(struct pictures *p, const struct agg *a)
{
	struct heatmap *h = &p->heat;
	int64_t *now = totals(a, h->nbuckets);

	if (now == NULL)
		return;
	for (unsigned b = 0; b < h->nbuckets; b++) {
		int64_t n = now[b];

		now[b] = n >= p->before[b] ? n - p->before[b] : n; /* it was cleared */
		p->before[b] = n;
	}
	if (h->ncols == COLUMNS_MAX)
		halve(h);
	h->cols[h->ncols++] = now;
}

static void
heat_tick(struct session *s, struct pictures *p, bool last)
{
	struct agg *a = distribution(s);

	if (p->path[TRACE_HEATMAP] == NULL || a == NULL ||
	    (p->heat.cols == NULL && !begin_heat(s, p, a)))
		return;
	if (!last && now_ns() < p->next)
		return;
	sample(p, a);
	p->next += p->heat.step_ns;
	a->printed = true;
}

/* --- top --------------------------------------------------------------------------------------- */

static unsigned
screen_rows(int fd, bool *terminal)
{
	struct winsize w;

	*terminal = ioctl(fd, TIOCGWINSZ, &w) == 0;
	return (*terminal && w.ws_row > 4 ? w.ws_row : 24);
}

/* The first `rows` lines of it. */
static size_t
cut(const char *text, size_t len, unsigned rows)
{
	size_t at = 0;

	while (rows-- > 0 && at < len) {
		const char *nl = memchr(text + at, '\n', len - at);

		at = nl != NULL ? (size_t)(nl - text) + 1 : len;
	}
	return (at);
}

static void
show_top(struct session *s, struct pictures *p)
{
	struct options o = s->opt;
	struct fmt_ctx ctx = context(s);
	struct buf text = BUF_INIT;
	bool terminal;
	unsigned rows = screen_rows(s->outfd, &terminal);

	o.v[O_AGGSORTREV] = 1;
	for (unsigned i = 0; i < s->naggs; i++) {
		struct agg *a = &s->aggs[i];

		if (a->id == NULL)
			continue;
		(void)agg_print(&text, &a, 1, NULL, &o, &ctx);
		(void)agg_clear(a);
		a->printed = true;
	}
	if (terminal)
		buf_str(&s->out, "\033[H\033[2J");
	buf_printf(&s->out, "trace: %.1f s, every %.1f s\n", (double)(p->top_count * p->top_ns) / 1e9,
	    (double)p->top_ns / 1e9);
	if (text.data != NULL)
		buf_add(&s->out, text.data, cut(text.data, text.len, rows - 2));
	buf_free(&text);
	consume_flush(s);
}

static void
top_tick(struct session *s, struct pictures *p)
{
	uint64_t now = now_ns();

	if (p->top_ns == 0)
		return;
	if (p->top_next == 0)
		p->top_next = now + p->top_ns;
	if (now < p->top_next)
		return;
	p->top_count++;
	p->top_next += p->top_ns;
	show_top(s, p);
}

void
pictures_tick(struct session *s)
{
	if (s->pictures == NULL)
		return;
	heat_tick(s, s->pictures, false);
	top_tick(s, s->pictures);
}

/*
 * Processes whose stacks are keys: their maps are read while they live. Twice a second is often
 * enough for those that do enough to be seen.
 */
static void
remember_keys(struct session *s, const struct agg *a)
{
	struct agg_snap snap;

	if (a->id == NULL || agg_snapshot(a, &snap) != 0)
		return;
	for (unsigned k = 0; k < a->id->nkeys; k++) {
		const struct key_part *part = &a->id->keys[k];

		if (type_resolve(part->type)->kind != TY_USTACK &&
		    type_resolve(part->type)->kind != TY_USYMADDR)
			continue;
		for (unsigned i = 0; i < snap.n; i++) {
			uint64_t pid;

			memcpy(&pid, snap.e[i].key + part->off, sizeof(pid));
			sym_remember(s->syms, (int)pid);
		}
	}
	agg_snap_free(&snap);
}

void
stacks_tick(struct session *s)
{
	uint64_t now = now_ns();

	if (!s->wants_ustack || now < s->stacks_next)
		return;
	s->stacks_next = now + 500000000;
	for (unsigned i = 0; i < s->naggs; i++)
		remember_keys(s, &s->aggs[i]);
}

/* --- files ------------------------------------------------------------------------------------- */

static int
write_out(struct session *s, struct buf *b, const char *path, struct err *e)
{
	int rc;

	if (buf_failed(b)) {
		buf_free(b);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	if (strcmp(path, "-") == 0)
		rc = io_write_full(s->outfd, b->data != NULL ? b->data : "", b->len);
	else
		rc = file_replace(path, b->data != NULL ? b->data : "", b->len, 0644, e);
	buf_free(b);
	return (rc);
}

static const char *
title_of(const struct session *s)
{
	const struct source *src = s->sources;

	return (src == NULL ? "trace" : src->name != NULL ? src->name :
	    src->text != NULL && strlen(src->text) < 100 ? src->text : "trace");
}

static int
draw_stacks(struct session *s, struct pictures *p, struct err *e)
{
	struct frame *root = frame_new("all");
	struct fmt_ctx ctx = context(s);
	struct buf b = BUF_INIT;
	unsigned found = 0;
	int rc = root != NULL ? 0 : err_set(e, ENOMEM, "out of memory");

	for (unsigned i = 0; rc == 0 && i < s->naggs; i++)
		if (agg_has_stack(&s->aggs[i])) {
			rc = folded_add(root, &s->aggs[i], &ctx);
			s->aggs[i].printed = true;
			found++;
		}
	if (rc == 0 && found == 0)
		rc = err_set(e, EINVAL, "no aggregation has a stack among its keys: nothing to draw");
	if (rc == 0 && p->path[TRACE_FOLDED] != NULL) {
		folded_print(&b, root);
		rc = write_out(s, &b, p->path[TRACE_FOLDED], e);
	}
	b = (struct buf)BUF_INIT;
	if (rc == 0 && p->path[TRACE_FLAME] != NULL) {
		flame_print(&b, root, title_of(s));
		rc = write_out(s, &b, p->path[TRACE_FLAME], e);
	}
	frame_free(root);
	return (rc);
}

int
pictures_finish(struct session *s, struct err *e)
{
	struct pictures *p = s->pictures;
	struct buf b = BUF_INIT;
	int rc = 0;

	if (p == NULL)
		return (0);
	if (p->path[TRACE_FLAME] != NULL || p->path[TRACE_FOLDED] != NULL)
		rc = draw_stacks(s, p, e);
	if (rc != 0 || p->path[TRACE_HEATMAP] == NULL)
		return (rc);
	heat_tick(s, p, true);
	if (p->heat.ncols == 0)
		return (err_set(e, EINVAL, "no aggregation is a distribution: nothing to draw"));
	heatmap_print(&b, &p->heat, title_of(s));
	return (write_out(s, &b, p->path[TRACE_HEATMAP], e));
}
