/* SPDX-License-Identifier: MIT */
/*
 * Heat maps: a distribution over time.  Columns are steps of time, rows are buckets, and the darker
 * a cell the more fell into it (by logarithm: one among thousands is still seen).
 */
#include <stdio.h>
#include <string.h>

#include "folded.h"

enum { PLOT_W = 1000, LEFT = 120, TOP = 44, CELL_H = 14, FOOT = 56, MAX_COLS = 1000 };

static const char script[] =
    "const i=document.getElementById('info');"
    "document.documentElement.addEventListener('mouseover',e=>{"
    "const t=e.target.querySelector&&e.target.tagName==='rect'?e.target.querySelector('title'):null;"
    "i.textContent=t?t.textContent:''});\n";

struct range {
	unsigned first, last; /* buckets with something in them */
	int64_t most;
};

static struct range
range_of(const struct heatmap *h)
{
	struct range r = {h->nbuckets, 0, 0};

	for (unsigned c = 0; c < h->ncols; c++)
		for (unsigned b = 0; b < h->nbuckets; b++) {
			int64_t n = h->cols[c][b];

			if (n <= 0)
				continue;
			if (b < r.first)
				r.first = b;
			if (b > r.last)
				r.last = b;
			if (n > r.most)
				r.most = n;
		}
	if (r.first > r.last)
		r.first = r.last = 0;
	return (r);
}

static unsigned
bits(uint64_t n)
{
	return (n != 0 ? 64u - (unsigned)__builtin_clzll(n) : 0);
}

/* 0..255 by logarithm, a sixteenth of a power of two fine. */
static unsigned
darkness(int64_t n, int64_t most)
{
	unsigned top = bits((uint64_t)most) * 16, b = bits((uint64_t)n), v;

	v = b * 16;
	if (b > 5)
		v += (unsigned)((uint64_t)n >> (b - 5) & 15);
	return (top == 0 ? 0 : 40 + (v > top ? top : v) * 215 / (top + 1));
}

static void
rows(struct buf *out, const struct heatmap *h, const struct range *r)
{
	char label[64];

	for (unsigned b = r->first; b <= r->last; b++) {
		agg_bucket_label(label, sizeof(label), h->info, (int)b);
		buf_printf(out, "<text x=\"%d\" y=\"%u\" class=\"l\">", LEFT - 6,
		    TOP + (r->last - b + 1) * CELL_H - 3);
		xml_text(out, label + strspn(label, " "));
		buf_str(out, "</text>\n");
	}
}

static void
cells(struct buf *out, const struct heatmap *h, const struct range *r)
{
	double w = (double)PLOT_W / (h->ncols != 0 ? h->ncols : 1);
	char label[64];

	for (unsigned c = 0; c < h->ncols; c++)
		for (unsigned b = r->first; b <= r->last; b++) {
			int64_t n = h->cols[c][b];
			unsigned d = n > 0 ? darkness(n, r->most) : 0;

			if (n <= 0)
				continue;
			agg_bucket_label(label, sizeof(label), h->info, (int)b);
			buf_printf(out, "<rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%d\" "
			    "fill=\"rgb(255,%u,%u)\"><title>%.3g s: %lld at ", LEFT + c * w,
			    TOP + (r->last - b) * CELL_H, w, CELL_H, 255 - d * 2 / 3, 255 - d,
			    (double)c * (double)h->step_ns / 1e9, (long long)n);
			xml_text(out, label + strspn(label, " "));
			buf_str(out, "</title></rect>\n");
		}
}

void
heatmap_print(struct buf *out, const struct heatmap *h, const char *title)
{
	struct range r = range_of(h);
	unsigned plot = (r.last - r.first + 1) * CELL_H, height = TOP + plot + FOOT;
	double seconds = (double)h->ncols * (double)h->step_ns / 1e9;

	buf_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\">\n"
	    "<style>text{font:12px monospace}.l{text-anchor:end}.t{font:17px sans-serif;"
	    "text-anchor:middle}rect:hover{stroke:#000}</style>\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"#f8f8f8\"/>\n"
	    "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%u\" fill=\"#fff\"/>\n"
	    "<text class=\"t\" x=\"%d\" y=\"24\">", LEFT + PLOT_W + 20, height, LEFT, TOP, PLOT_W,
	    plot, LEFT + PLOT_W / 2);
	xml_text(out, title);
	buf_str(out, "</text>\n");
	rows(out, h, &r);
	cells(out, h, &r);
	for (int i = 0; i <= 5; i++)
		buf_printf(out, "<text x=\"%d\" y=\"%u\" class=\"l\">%.1f s</text>\n",
		    LEFT + i * PLOT_W / 5 + (i == 0 ? 30 : 0), TOP + plot + 16, seconds * i / 5);
	buf_printf(out, "<text id=\"info\" x=\"%d\" y=\"%u\"></text>\n<script><![CDATA[\n%s]]></script>\n"
	    "</svg>\n", LEFT, height - 12, script);
}
