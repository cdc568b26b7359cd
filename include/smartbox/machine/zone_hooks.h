/* SPDX-License-Identifier: MIT */
/*
 * What a zone's supervisor asks of the rest of the machine when the zone boots and halts: its datasets,
 * its links and addresses, the files in its root that follow from its configuration.
 */
#ifndef SMARTBOX_MACHINE_ZONE_HOOKS_H
#define SMARTBOX_MACHINE_ZONE_HOOKS_H

#include "smartbox/kern/zoned.h"
#include "smartbox/machine/machine.h"

/* Fills the hooks that are ours and ctx; m is borrowed as long as the hooks are in use. */
void machine_zone_hooks(struct machine *m, struct zone_hooks *out);

#endif
