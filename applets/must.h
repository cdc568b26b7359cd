/* SPDX-License-Identifier: MIT */
/* Tools end when memory does: they hold no state that this would hurt. */
#ifndef APPLETS_MUST_H
#define APPLETS_MUST_H

#include <errno.h>
#include <stdlib.h>

#include "smartbox/core/applet.h"
#include "smartbox/fs/nvlist.h"

static inline void
must(int rc)
{
	if (rc == 0)
		return;
	(void)applet_fail(NULL, "out of memory");
	exit(1);
}

static inline struct nvlist *
must_nv(void)
{
	struct nvlist *nv = nv_new();

	must(nv == NULL ? -ENOMEM : 0);
	return (nv);
}

#endif
