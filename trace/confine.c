/* SPDX-License-Identifier: MIT */
/* A session for a program that came from a zone: whose it is.  What it may say is scope.c's. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "session.h"

static int
namespace_of(int pid, const char *kind, struct stat *st, struct err *e)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	return (stat(path, st) == 0 ? 0 : err_sys(e, errno, "%s", path));
}

int
trace_confine(struct session *s, const struct trace_grant *g, struct err *e)
{
	struct zone_scope *sc = calloc(1, sizeof(*sc));
	struct stat st;
	int rc;

	if (sc == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	s->scope = sc;
	if ((rc = namespace_of(g->init_pid, "pid", &st, e)) != 0 ||
	    (rc = trace_zone(s, g->init_pid, e)) != 0)
		return (rc);
	sc->name = g->name;
	sc->user = g->user;
	sc->proc = g->proc;
	sc->id_base = g->id_base;
	sc->dev = (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev); /* the kernel's own form */
	sc->ino = st.st_ino;
	symbols_without_kernel(s->syms);
	return (0);
}

int
trace_confined_pid(struct session *s, int inside, int outside, struct err *e)
{
	struct zone_scope *sc = s->scope;
	struct stat st;
	int rc;

	if (sc->npids == SCOPE_PIDS)
		return (err_set(e, E2BIG, "too many processes"));
	if (!sc->proc)
		return (err_set(e, EPERM, "failed to grab pid %d: the zone lacks the privilege "
		    "dtrace_proc", inside));
	if (inside <= 0)
		return (err_set(e, EINVAL, "invalid pid: %d", inside));
	trace_set_target(s, inside);
	/* Held first, then looked at: a number that is used again is another process of the zone at worst. */
	if ((rc = trace_grab(s, outside, e)) != 0)
		return (rc);
	if (namespace_of(outside, "uts", &st, NULL) != 0 || (uint32_t)st.st_ino != s->zone_ns)
		return (err_set(e, ESRCH, "failed to grab pid %d: No such process", inside));
	sc->pids[sc->npids].inside = inside;
	sc->pids[sc->npids++].outside = outside;
	return (0);
}
