/* SPDX-License-Identifier: MIT */
/*
 * zpool events: what happened to pools since they were imported.
 *
 * Each pool's poold keeps its own events; they are merged by time.  -f asks again, twice a second, for
 * those behind the last ones seen.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/fs/client.h"
#include "zpool_impl.h"

#define POLL_US 500000u

struct events_opts {
	bool verbose, scripted, follow, clear;
};

struct source {
	char *pool;
	uint64_t seen;
};

struct gathered {
	struct nvlist **v;
	size_t n;
};

/* --- printing --------------------------------------------------------------------------------- */

static void print_pairs(const struct nvlist *nv, int indent);

static const char *
state_name(uint64_t state)
{
	static const char *const name[] = {"UNKNOWN", "CLOSED", "OFFLINE", "REMOVED", "UNAVAIL",
	    "FAULTED", "DEGRADED", "ONLINE"};

	return (state < sizeof(name) / sizeof(name[0]) ? name[state] : "UNKNOWN");
}

static void
print_u64(const char *name, uint64_t v)
{
	if (strcmp(name, "vdev_state") == 0 || strcmp(name, "vdev_laststate") == 0)
		(void)printf("\"%s\" (0x%" PRIx64 ")", state_name(v), v);
	else
		(void)printf("0x%" PRIx64, v);
}

static void
print_array(const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)printf("0x%" PRIx64 " ", v[i]);
}

static void
print_value(const struct nvpair *p, int indent)
{
	const uint64_t *array;
	struct nvlist *nested;
	const char *text;
	uint64_t v;
	size_t n;

	if (nvpair_type(p) == NV_BOOLEAN)
		(void)printf("1");
	else if (nvpair_u64(p, &v) == 0)
		print_u64(nvpair_name(p), v);
	else if (nvpair_str(p, &text) == 0)
		(void)printf("\"%s\"", text);
	else if (nvpair_u64_array(p, &array, &n) == 0)
		print_array(array, n);
	else if (nvpair_nvlist(p, &nested) == 0) {
		(void)printf("(embedded nvlist)\n");
		print_pairs(nested, indent + 8);
		(void)printf("%*s(end %s)", indent, "", nvpair_name(p));
	}
}

static void
print_pairs(const struct nvlist *nv, int indent)
{
	for (struct nvpair *p = nv_next(nv, NULL); p != NULL; p = nv_next(nv, p)) {
		(void)printf("%*s%s = ", indent, "", nvpair_name(p));
		print_value(p, indent);
		(void)printf("\n");
	}
}

static void
event_time(const struct nvlist *nv, uint64_t at[2])
{
	const uint64_t *t;
	size_t n;

	at[0] = at[1] = 0;
	if (nv_get_u64_array(nv, "time", &t, &n) == 0 && n == 2)
		memcpy(at, t, 2 * sizeof(*t));
}

static void
print_event(const struct nvlist *nv, const struct events_opts *o)
{
	char text[64] = "";
	uint64_t at[2];
	struct tm tm;
	time_t t;

	event_time(nv, at);
	t = (time_t)at[0];
	if (localtime_r(&t, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%b %e %Y %H:%M:%S", &tm);
	(void)printf("%s.%09" PRIu64 "%c%s\n", text, at[1], o->scripted ? '\t' : ' ',
	    nv_str_or(nv, "class", ""));
	if (o->verbose) {
		print_pairs(nv, 8);
		(void)printf("\n");
	}
}

/* --- gathering -------------------------------------------------------------------------------- */

static int
by_time(const void *a, const void *b)
{
	struct nvlist *const *x = a, *const *y = b;
	uint64_t s[2], t[2];

	event_time(*x, s);
	event_time(*y, t);
	if (s[0] != t[0])
		return (s[0] < t[0] ? -1 : 1);
	return (s[1] < t[1] ? -1 : s[1] > t[1]);
}

static void
take(struct gathered *g, struct nvlist **v, size_t n)
{
	struct nvlist **all = realloc(g->v, (g->n + n) * sizeof(*all));

	must(all == NULL ? -ENOMEM : 0);
	g->v = all;
	for (size_t i = 0; i < n; i++) {
		g->v[g->n] = nv_dup(v[i]);
		must(g->v[g->n++] == NULL ? -ENOMEM : 0);
	}
}

static int
ask(struct source *s, struct gathered *g)
{
	struct nvlist *in = must_nv(), *out, **v;
	struct err e = ERR_INIT;
	size_t n = 0;
	int rc;

	must(nv_add_u64(in, "after", s->seen));
	rc = pool_call(s->pool, "pool.events", in, &out, &e);
	nv_free(in);
	if (rc != 0)
		return (applet_fail_bare(&e, "cannot get event of '%s'", s->pool));
	if (nv_get_nvlist_array(out, "events", &v, &n) == 0 && n > 0) {
		take(g, v, n);
		s->seen = nv_u64_or(v[n - 1], "eid", s->seen);
	}
	nv_free(out);
	return (0);
}

static int
show(struct source *s, size_t n, const struct events_opts *o)
{
	struct gathered g = {NULL, 0};
	int status = 0;

	for (size_t i = 0; i < n; i++)
		status |= ask(&s[i], &g);
	if (g.n > 0)
		qsort(g.v, g.n, sizeof(struct nvlist *), by_time);
	for (size_t i = 0; i < g.n; i++) {
		print_event(g.v[i], o);
		nv_free(g.v[i]);
	}
	free(g.v);
	(void)fflush(stdout);
	return (status);
}

static int
clear_one(const char *pool, void *arg)
{
	struct nvlist *in = must_nv(), *out;
	struct err e = ERR_INIT;
	uint64_t *sum = arg;
	int rc;

	must(nv_add_boolean(in, "clear"));
	rc = pool_call(pool, "pool.events", in, &out, &e);
	nv_free(in);
	if (rc != 0)
		return (applet_fail_bare(&e, "cannot clear events of '%s'", pool));
	*sum += nv_u64_or(out, "cleared", 0);
	nv_free(out);
	return (0);
}

static int
clear_all(void)
{
	uint64_t sum = 0;
	int status = zpool_each(0, NULL, clear_one, &sum, NULL);

	(void)printf("cleared %" PRIu64 " events\n", sum);
	return (status);
}

struct sources {
	struct source *v;
	size_t n;
};

static int
add_source(const char *pool, void *arg)
{
	struct sources *s = arg;
	struct source *v = realloc(s->v, (s->n + 1) * sizeof(*v));

	must(v == NULL ? -ENOMEM : 0);
	s->v = v;
	v[s->n] = (struct source){strdup(pool), 0};
	must(v[s->n++].pool == NULL ? -ENOMEM : 0);
	return (0);
}

static int
show_all(int argc, char **argv, const struct events_opts *o)
{
	struct sources s = {NULL, 0};
	int status = zpool_each(argc, argv, add_source, &s, NULL);

	if (status == 0 && !o->scripted)
		(void)printf("%-30s %s\n", "TIME", "CLASS");
	if (status == 0)
		status = show(s.v, s.n, o);
	while (status == 0 && o->follow) {
		(void)usleep(POLL_US);
		status = show(s.v, s.n, o);
	}
	for (size_t i = 0; i < s.n; i++)
		free(s.v[i].pool);
	free(s.v);
	return (status);
}

int
zpool_events(int argc, char **argv)
{
	struct events_opts o = {false, false, false, false};
	int c;

	while ((c = applet_getopt(argc, argv, "cfHv")) != -1) {
		if (c == '?')
			return (2);
		o.clear = o.clear || c == 'c';
		o.follow = o.follow || c == 'f';
		o.scripted = o.scripted || c == 'H';
		o.verbose = o.verbose || c == 'v';
	}
	if (argc - optind > 1)
		return (applet_usage("too many arguments"));
	if (o.clear && (optind < argc || o.follow))
		return (applet_usage("invalid options combined with -c"));
	return (o.clear ? clear_all() : show_all(argc - optind, argv + optind, &o));
}
