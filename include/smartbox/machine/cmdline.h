/* SPDX-License-Identifier: MIT */
/*
 * The kernel's command line: "noimport console=ttyS0 run=/test/main".
 */
#ifndef SMARTBOX_MACHINE_CMDLINE_H
#define SMARTBOX_MACHINE_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Find a word in a command line. "NAME" alone gives "", "NAME=VALUE" the value, which may be quoted as
 * a whole or from its '=' on; the last one wins. Writes at most size bytes, terminated.
 * Returns whether the word is there.
 */
bool cmdline_find(const char *line, const char *name, char *value, size_t size);

/* The same in /proc/cmdline. */
bool cmdline_get(const char *name, char *value, size_t size);

#endif
