/* SPDX-License-Identifier: MIT */
/*
 * The properties of pools: one table, used by the pool operations and by zpool.
 * Facts: zpoolprops(7) and the output of zpool get all of OpenZFS 2.1.
 */
#ifndef SMARTBOX_FS_POOL_PROPS_H
#define SMARTBOX_FS_POOL_PROPS_H

#include <stdbool.h>
#include <stddef.h>

#include "smartbox/core/err.h"

enum pool_prop_kind { POOL_NUMBER, POOL_CHOICE, POOL_STRING };
enum {
	POOL_PROP_READONLY = 1, /* a statistic */
	POOL_PROP_IMPORT = 2,	/* may be given when the pool is created or imported only */
	POOL_PROP_HIDDEN = 4,	/* not in "get all" */
};

struct pool_prop {
	const char *name, *alias, *heading;
	enum pool_prop_kind kind;
	unsigned attr;
	const char *def;	   /* NULL: "-" */
	const char *const *words; /* choices, ends with NULL */
};

const struct pool_prop *pool_prop_find(const char *name); /* by name or alias */
const struct pool_prop *pool_prop_at(size_t i);		   /* in the order of get all; NULL at the end */
bool pool_prop_is_feature(const char *name);		   /* feature@NAME */
/*
 * May this property get that value?  0 or -EINVAL with the reason.  creating: at create or import.
 */
int pool_prop_check(const char *name, const char *value, bool creating, struct err *e);

#endif
