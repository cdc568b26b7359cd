/* SPDX-License-Identifier: MIT */
/*
 * The state machine of zones, as a table.
 *
 *	              install            ready              boot
 *	 configured ----------> installed -------> ready -------------> running
 *	     ^  |  ^               |  ^  ^           |                   |  |
 *	     |  |  |      detach   |  |  |           | halt        halt, |  | init exits
 *	     |  |  +---------------+  |  |           |         shutdown  |  |
 *	     |  v   uninstall         |  |           v                   v  v
 *	  incomplete <----------------+  +--------- down <-------- shutting_down
 *	                                  torn down       init gone
 *
 * Three states are stored (configured, incomplete, installed), the others last as long as the zone's
 * processes and are reported by its supervisor.  A power cut therefore leaves installed zones
 * installed, and whatever was being installed or removed incomplete.
 *
 * Invariants:
 *  1. Every pair (state, event) has exactly one entry: a next state, "already", or a refusal.
 *  2. No event leads from a stored state to another without the index being rewritten first.
 *  3. `incomplete` is left by uninstall only.
 */
#include "smartbox/kern/zone.h"

#include <errno.h>
#include <string.h>

static const char *const state_names[ZONE_NSTATES] = {
    "configured", "incomplete", "installed", "ready", "running", "shutting_down", "down",
};

/* The operator's word for the event, as in "must be installed before boot". */
static const char *const event_names[ZONE_NEVENTS] = {
    [ZONE_EV_INSTALL] = "install",	   [ZONE_EV_INSTALLED] = "install",
    [ZONE_EV_ATTACH] = "attach",	   [ZONE_EV_DETACH] = "detach",
    [ZONE_EV_UNINSTALL] = "uninstall",	   [ZONE_EV_UNINSTALLED] = "uninstall",
    [ZONE_EV_MARK] = "mark",		   [ZONE_EV_DELETE] = "delete",
    [ZONE_EV_VERIFY] = "verify",	   [ZONE_EV_READY] = "ready",
    [ZONE_EV_BOOT] = "boot",		   [ZONE_EV_SHUTDOWN] = "shutdown",
    [ZONE_EV_REBOOT] = "reboot",	   [ZONE_EV_HALT] = "halt",
    [ZONE_EV_INIT_EXITED] = "init exit",   [ZONE_EV_TORN_DOWN] = "tear down",
};

/* What is not a next state. */
enum {
	ALREADY = -1,	 /* "is already <state>." */
	INVALID = -2,	 /* "<op> operation is invalid for <state> zones." */
	INCOMPLETE = -3, /* "zone is incomplete; uninstall required." */
	MUST = -16,	 /* MUST - s: "must be <s> before <op>." */
	NOT_RUNNING = -4,
};
#define MUST_BE(s) (MUST - (s))

#define C ZONE_CONFIGURED
#define X ZONE_INCOMPLETE
#define I ZONE_INSTALLED
#define Y ZONE_READY
#define R ZONE_RUNNING
#define S ZONE_SHUTTING_DOWN
#define D ZONE_DOWN

static const signed char transitions[ZONE_NEVENTS][ZONE_NSTATES] = {
    /*			   configured	 incomplete  installed    ready    running  shutting down */
    [ZONE_EV_INSTALL]	  = {X,		 INCOMPLETE, ALREADY,	  INVALID, INVALID, INVALID, INVALID},
    [ZONE_EV_INSTALLED]	  = {INVALID,	 I,	     ALREADY,	  INVALID, INVALID, INVALID, INVALID},
    [ZONE_EV_ATTACH]	  = {I,		 INCOMPLETE, ALREADY,	  INVALID, INVALID, INVALID, INVALID},
    [ZONE_EV_DETACH]	  = {MUST_BE(I), INCOMPLETE, C,		  INVALID, INVALID, INVALID, INVALID},
    [ZONE_EV_UNINSTALL]	  = {ALREADY,	 X,	     X,		  INVALID, INVALID, INVALID, INVALID},
    [ZONE_EV_UNINSTALLED] = {ALREADY,	 C,	     INVALID,	  INVALID, INVALID, INVALID, INVALID},
    [ZONE_EV_MARK]	  = {X,		 ALREADY,    X,		  INVALID, INVALID, INVALID, INVALID},
    [ZONE_EV_DELETE]	  = {C,		 INVALID,    INVALID,	  INVALID, INVALID, INVALID, INVALID},
    [ZONE_EV_VERIFY]	  = {C,		 INCOMPLETE, I,		  Y,	   R,	    S,	     D},
    [ZONE_EV_READY]	  = {MUST_BE(I), INCOMPLETE, Y,		  ALREADY, INVALID, INVALID, INVALID},
    [ZONE_EV_BOOT]	  = {MUST_BE(I), INCOMPLETE, R,		  R,	   ALREADY, INVALID, INVALID},
    [ZONE_EV_SHUTDOWN]	  = {MUST_BE(R), MUST_BE(R), MUST_BE(R),  MUST_BE(R), S,    ALREADY, ALREADY},
    [ZONE_EV_REBOOT]	  = {MUST_BE(R), MUST_BE(R), NOT_RUNNING, S,	   S,	    S,	     S},
    [ZONE_EV_HALT]	  = {MUST_BE(I), INCOMPLETE, ALREADY,	  S,	   S,	    S,	     S},
    [ZONE_EV_INIT_EXITED] = {INVALID,	 INVALID,    INVALID,	  D,	   D,	    D,	     ALREADY},
    [ZONE_EV_TORN_DOWN]	  = {INVALID,	 INVALID,    ALREADY,	  I,	   I,	    I,	     I},
};

#undef C
#undef X
#undef I
#undef Y
#undef R
#undef S
#undef D

const char *
zone_state_name(enum zone_state s)
{
	return ((unsigned)s < ZONE_NSTATES ? state_names[s] : "unknown");
}

const char *
zone_event_name(enum zone_event ev)
{
	return ((unsigned)ev < ZONE_NEVENTS ? event_names[ev] : "unknown");
}

int
zone_state_parse(const char *s, enum zone_state *out)
{
	for (int i = 0; i < ZONE_NSTATES; i++) {
		if (strcmp(s, state_names[i]) == 0) {
			*out = (enum zone_state)i;
			return (0);
		}
	}
	return (-EINVAL);
}

static int
refuse(enum zone_state from, enum zone_event ev, int why, struct err *e)
{
	switch (why) {
	case ALREADY:
		return (err_set(e, EALREADY, "is already %s.", zone_state_name(from)));
	case INCOMPLETE:
		return (err_set(e, EINVAL, "zone is incomplete; uninstall required."));
	case NOT_RUNNING:
		return (err_set(e, EINVAL, "not running"));
	case INVALID:
		return (err_set(e, EINVAL, "%s operation is invalid for %s zones.",
		    zone_event_name(ev), zone_state_name(from)));
	default:
		return (err_set(e, EINVAL, "must be %s before %s.",
		    zone_state_name((enum zone_state)(MUST - why)), zone_event_name(ev)));
	}
}

int
zone_state_next(enum zone_state from, enum zone_event ev, enum zone_state *to, struct err *e)
{
	int next;

	if ((unsigned)from >= ZONE_NSTATES || (unsigned)ev >= ZONE_NEVENTS)
		return (err_set(e, EINVAL, "unknown state or event"));
	next = transitions[ev][from];
	if (next < 0)
		return (refuse(from, ev, next, e));
	*to = (enum zone_state)next;
	return (0);
}
