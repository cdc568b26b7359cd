/* SPDX-License-Identifier: MIT */
/* The options of -x, #pragma D option and setopt(): one table. */
#ifndef TRACE_OPTIONS_H
#define TRACE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"

enum option {
	O_BUFSIZE, O_AGGSIZE, O_DYNVARSIZE, O_STRSIZE, O_SPECSIZE, O_NSPEC, O_SCRATCHSIZE,
	O_STACKFRAMES, O_USTACKFRAMES, O_MAXFRAMES, O_JSTACKFRAMES, O_JSTACKSTRSIZE, O_PRINTSIZE,
	O_PCAPSIZE, O_STATUSRATE, O_SWITCHRATE, O_AGGRATE, O_CLEANRATE, O_QUIET, O_FLOWINDENT,
	O_AGGSORTKEY, O_AGGSORTKEYPOS, O_AGGSORTPOS, O_AGGSORTREV, O_AGGHIST, O_AGGPACK, O_AGGZOOM,
	O_RAWBYTES, O_STACKINDENT, O_QUIETRESIZE, O_BUFPOLICY, O_BUFRESIZE, O_CPU, O_DESTRUCTIVE,
	O_GRABANON, O_NORESOLVE, O_LOCKMEM, O_BPFLOG, O_BPFLOGSIZE, O_AGGPERCPU, O_ARGREF, O_CPP,
	O_DEFAULTARGS, O_DROPTAGS, O_EMPTY, O_ERRTAGS, O_ZDEFS, O_VERBOSE, O_PSPEC, O_UNODEFS,
	O_FOLLOW, O_IGNORED, O_COUNT,
};
enum { POLICY_SWITCH, POLICY_RING, POLICY_FILL };

struct options {
	uint64_t v[O_COUNT];
	char evaltime[16];
};

void options_init(struct options *o);
void options_environment(struct options *o);
/* running: only those that setopt() may change. Errors are DTrace's words. */
int options_set(struct options *o, const char *name, const char *value, bool running, struct err *e);

#endif
