/* SPDX-License-Identifier: MIT */
/*
 * A SATA controller (AHCI 1.2): up to eight disks and CD-ROMs, for guests without virtio.
 */
#ifndef SMARTBOX_VMX_AHCI_H
#define SMARTBOX_VMX_AHCI_H

#include "smartbox/vmx/board.h"
#include "smartbox/vmx/ide.h"

enum { AHCI_PORTS = 8 };

/* A unit without a disk is an empty port; the backends are owned, also on failure. */
int ahci_new(struct board *b, unsigned devfn, const struct ide_spec spec[AHCI_PORTS], struct err *e);

#endif
