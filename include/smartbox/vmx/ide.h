/* SPDX-License-Identifier: MIT */
/*
 * PIIX3 IDE: up to four disks and CD-ROMs, for guests and firmware without virtio.
 */
#ifndef SMARTBOX_VMX_IDE_H
#define SMARTBOX_VMX_IDE_H

#include "smartbox/vmx/board.h"

struct blk_backend;

struct ide_spec {
	struct blk_backend *disk; /* owned by ide_new, also on failure; NULL: no unit here */
	bool cd;
	const char *serial; /* copied; may be NULL */
};
int ide_new(struct board *b, const struct ide_spec spec[4], struct err *e);

#endif
