/* SPDX-License-Identifier: MIT */
/*
 * A progress line (bar, bytes, rate, ETA) on a terminal; nothing in a pipe.
 */
#ifndef SMARTBOX_CORE_PROGRESS_H
#define SMARTBOX_CORE_PROGRESS_H

#include <stdint.h>

struct progress;

/* total 0: unknown.  Draws on stderr, at most ten times a second, only when it is a terminal. */
struct progress *progress_new(const char *what, uint64_t total_bytes);
void progress_set(struct progress *p, uint64_t done_bytes); /* p may be NULL */
void progress_end(struct progress *p);			     /* clears the line, frees */

#endif
