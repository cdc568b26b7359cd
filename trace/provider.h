/* SPDX-License-Identifier: MIT */
/*
 * Providers: where probes come from and how a program is attached to them.
 *
 * A provider answers a probe description with the probes that it has (session_probe for each), says what
 * their arguments are, and turns the enabled ones into targets.  A provider is a table in its own file
 * (prov_*.c) and a line in provider.c.
 */
#ifndef TRACE_PROVIDER_H
#define TRACE_PROVIDER_H

#include "gen.h"
#include "sema.h"

struct provider;
struct session;

struct probe {
	const struct provider *prov;
	const char *provname, *mod, *func, *name;
	unsigned id;		/* from 1: BEGIN, END, ERROR */
	struct probe *chain;	/* session_find's */
	uint64_t a, b;		/* the provider's own */
	void *priv;
	bool enabled;
	unsigned row;		/* among the enabled ones */
	uint64_t mask[ROW_UNITS / 64]; /* the units that it runs */
};

struct provider {
	const char *name;
	/* Make the probes that a description (globs; "" any) may match. Called before matching. */
	void (*provide)(struct session *s, const struct pdesc *pd);
	/* Types of args[]; n -1: none known. */
	const struct probe_arg *(*args)(struct session *s, const struct probe *p, int *n);
	/* Add the probe to a target (session_target), new or shared. */
	int (*enable)(struct session *s, struct probe *p, struct err *e);
	/* True when a description's provider field is ours even if no probe was made yet. */
	bool (*owns)(const char *field);
};

extern const struct provider prov_dtrace, prov_syscall, prov_profile, prov_stable, prov_rawtp,
    prov_sdt, prov_fbt, prov_pid, prov_usdt, prov_cpc;

/* prov_syscall.c: r8 = the call's number, from the registers that sys_exit comes with. */
void syscall_number_at_exit(struct gen *g);

#endif
