/* SPDX-License-Identifier: MIT */
/*
 * Bookmarks: what is left of a snapshot when only "which blocks are newer than it" is asked.
 *
 * A head has a zap of them (key com.delphix:bookmarks of its zapified object): name -> words.  The first
 * form has three: guid, txg and time of the snapshot; that is what incremental sends need, and what we
 * write.  Later forms add sizes.  Format: docs/zfs-format.md, "Bookmarks".
 */
#include <errno.h>
#include <string.h>

#include "dsl_impl.h"

int
ds_bookmark_lookup(struct dsl_dataset *head, const char *name, uint64_t words[BOOKMARK_WORDS])
{
	struct objset *mos = dp_mos(head->dp);
	uint64_t zap, num;
	unsigned intlen;
	int rc;

	memset(words, 0, BOOKMARK_WORDS * sizeof(*words));
	if (!dsl_is_zapified(head->dp, head->obj))
		return (-ENOENT);
	if ((rc = zap_lookup(mos, head->obj, BOOKMARKS_KEY, 8, 1, &zap)) != 0 ||
	    (rc = zap_length(mos, zap, name, &intlen, &num)) != 0)
		return (rc);
	if (intlen != 8 || num < 3 || num > BOOKMARK_WORDS)
		return (-EILSEQ);
	return (zap_lookup(mos, zap, name, 8, num, words));
}
