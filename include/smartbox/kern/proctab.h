/* SPDX-License-Identifier: MIT */
/*
 * The process table: one cheap pass over all processes, again and again.
 *
 * A table keeps its memory and what cannot change of a process (its zone) from one pass to the
 * next, so a pass costs one small read a process: /proc/PID/stat; the owner is that of the
 * directory.  The zone comes from the cgroup of each new process.
 *
 * Kernel threads are left out.
 */
#ifndef SMARTBOX_KERN_PROCTAB_H
#define SMARTBOX_KERN_PROCTAB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "smartbox/core/err.h"
#include "smartbox/kern/zone.h"

struct proc {
	pid_t pid;
	uid_t euid;
	uint64_t start;	  /* clock ticks after boot: with the pid the identity */
	uint64_t size_kb, rss_kb;
	uint64_t time_ms; /* user and system, all threads that are or were */
	double cpu;	  /* share of all CPUs, percent: of the interval, at first of its life */
	int on_cpu, priority, nice;
	unsigned nlwp, zone; /* index into the table's zones */
	char state;	     /* as /proc: R S D T t Z I X */
	char name[17];	     /* printable characters only */
};

struct proc_zone {
	int id; /* 0 global, -1 a zone that is not (or no longer) known to be live */
	char name[ZONE_NAME_MAX + 1];
};

struct proctab {
	struct proc *proc; /* ascending by pid */
	size_t nproc;
	struct proc_zone *zone;
	size_t nzone; /* [0] is global */
	uint64_t mem_total_kb;
	unsigned ncpu;
	double load[3];
	/* private */
	struct proc *old;
	size_t nold, cap, old_cap;
	uint64_t taken_ns;
	unsigned page_kb;
	char *dents; /* room for a part of the directory */
	int procfd;
	struct zone_env env;
};

int proctab_open(struct proctab *t, struct err *e);
void proctab_close(struct proctab *t);
/* Look at all processes now.  Those that vanish while we look are left out. */
int proctab_update(struct proctab *t, struct err *e);

/*
 * One line of /proc/PID/stat (len bytes, needs no NUL) into p, but cpu, euid and zone.
 * page_kb: the page size.  -EILSEQ when it is not such a line; 1 for a kernel thread.
 */
int proc_parse_stat(const char *buf, size_t len, unsigned page_kb, struct proc *p);

/* "sleep", "run", "cpu3", "zombie", "stop", "idle" as prstat shows them; buf of 8. */
void proc_state_name(const struct proc *p, char buf[8]);

#endif
