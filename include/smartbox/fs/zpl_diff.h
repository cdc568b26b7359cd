/* SPDX-License-Identifier: MIT */
/*
 * What changed between two states of a filesystem, as names.
 */
#ifndef SMARTBOX_FS_ZPL_DIFF_H
#define SMARTBOX_FS_ZPL_DIFF_H

#include <stdint.h>

#include "smartbox/fs/dsl.h"

struct zpl_change {
	char what;	/* '+', '-', 'M', 'R' */
	uint32_t mode;	/* of the file, with its type */
	int64_t ctime[2];
	int64_t links;	/* of 'M': links more or fewer */
	const char *path, *new_path; /* from the filesystem's root, "/" first; new_path: of 'R' */
};
typedef int zpl_change_fn(const struct zpl_change *c, void *arg); /* non-zero ends it */

/*
 * Both are snapshots, `from` the earlier one.  Pool's lock held; cost: the blocks of dnodes that differ.
 * -EIO and the like; an object whose name cannot be found is shown by its number.
 */
int zpl_diff(struct dsl_dataset *from, struct dsl_dataset *to, zpl_change_fn *fn, void *arg,
    struct err *e);

#endif
