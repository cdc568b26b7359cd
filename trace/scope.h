/* SPDX-License-Identifier: MIT */
/*
 * Tracing for a zone: what a program that came from inside may say, and what it sees.
 *
 * A zone is not trusted: its programs run in the kernel of all.  They are compiled outside from their
 * text, and:
 *  1. every probe fires for tasks of the zone only (the programs compare the task's uts namespace, which the
 *     zone cannot leave); ticks run in the broker, not in whatever task a timer interrupts;
 *  2. expressions are integers and strings: no pointer, structure or array is ever a value, so nothing can be
 *     followed into the kernel's memory.  The list of what is allowed is a list of what is, not of what is not:
 *     nodes, built-in variables, functions, options, providers;
 *  3. user memory is that of the task that the probe fires in, so clauses of BEGIN, END, ERROR and tick, which
 *     run in the broker, may not read any;
 *  4. kernel addresses neither come out (arg0 of profile) nor become names (%a, sym()).
 *
 * Process, thread and user ids are the zone's own.
 */
#ifndef TRACE_SCOPE_H
#define TRACE_SCOPE_H

#include "sema.h"

enum { SCOPE_PIDS = 16 };

struct zone_scope {
	const char *name;
	bool user, proc;   /* the privileges dtrace_user, dtrace_proc */
	uint32_t id_base;  /* first host id of the zone's users */
	uint64_t dev, ino; /* of its pid namespace, as the kernel numbers them */
	struct {
		int inside, outside;
	} pids[SCOPE_PIDS]; /* processes that were shown to be the zone's: -p, -c */
	unsigned npids;
};

struct provider;
bool scope_has_provider(const struct zone_scope *sc, const struct provider *pv);
/* -EPERM with the reason, or 0: an option by name, its value within bounds. */
int scope_option(const char *name, const char *value, struct err *e);
/* Refuse (comp_error) what a zone may not do.  in_broker: the unit runs for a probe of rule 3. */
void scope_check(struct comp *c, const struct unit *u, bool in_broker);
/* The process that the zone calls pid; 0: none that it may name. */
int scope_pid(const struct zone_scope *sc, int inside);

#endif
