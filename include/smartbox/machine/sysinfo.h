/* SPDX-License-Identifier: MIT */
/* What this machine is: SmartOS's sysinfo, as one JSON object. */
#ifndef SMARTBOX_MACHINE_SYSINFO_H
#define SMARTBOX_MACHINE_SYSINFO_H

#include <jansson.h>

#include "smartbox/machine/machine.h"

/*
 * A new object.  Values that the machine does not tell are left out; counts that SmartOS gives as
 * strings are strings.
 */
int sysinfo_collect(const struct machine *m, json_t **out, struct err *e);

#endif
