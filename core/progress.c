/* SPDX-License-Identifier: MIT */
/* A progress line on a terminal: bar, bytes, rate, ETA. */
#include "smartbox/core/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/units.h"

enum { BAR = 24, REDRAW_MS = 100 };

struct progress {
	char what[40];
	uint64_t total, done;
	uint64_t start_ms, drawn_ms;
};

static uint64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

struct progress *
progress_new(const char *what, uint64_t total_bytes)
{
	struct progress *p;

	if (!isatty(STDERR_FILENO) || (p = calloc(1, sizeof(*p))) == NULL)
		return (NULL);
	(void)snprintf(p->what, sizeof(p->what), "%s", what);
	p->total = total_bytes;
	p->start_ms = now_ms();
	return (p);
}

static void
draw_bar(char bar[BAR + 1], uint64_t done, uint64_t total)
{
	int full = total != 0 ? (int)((double)done / (double)total * BAR) : 0;

	if (full > BAR)
		full = BAR;
	memset(bar, '=', (size_t)full);
	memset(bar + full, ' ', (size_t)(BAR - full));
	bar[BAR] = '\0';
}

static void
draw(const struct progress *p, uint64_t elapsed_ms)
{
	char done[16], rate[16], eta[24] = "", bar[BAR + 1];
	uint64_t per_s = p->done * 1000 / (elapsed_ms + 1);

	units_format_size(done, sizeof(done), p->done);
	units_format_size(rate, sizeof(rate), per_s);
	draw_bar(bar, p->done, p->total);
	if (p->total > p->done && per_s != 0)
		units_format_elapsed(eta, sizeof(eta), (p->total - p->done) / per_s);
	if (p->total != 0)
		(void)fprintf(stderr, "\r%-24.24s [%s] %3u%% %6s %6s/s %8s\033[K", p->what, bar,
		    (unsigned)((double)p->done / (double)p->total * 100), done, rate, eta);
	else
		(void)fprintf(stderr, "\r%-24.24s %6s %6s/s\033[K", p->what, done, rate);
}

void
progress_set(struct progress *p, uint64_t done_bytes)
{
	uint64_t now;

	if (p == NULL)
		return;
	p->done = done_bytes;
	now = now_ms();
	if (now - p->drawn_ms < REDRAW_MS)
		return;
	p->drawn_ms = now;
	draw(p, now - p->start_ms);
}

void
progress_end(struct progress *p)
{
	if (p == NULL)
		return;
	(void)fprintf(stderr, "\r\033[K");
	free(p);
}
