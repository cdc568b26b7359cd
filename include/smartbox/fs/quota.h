/* SPDX-License-Identifier: MIT */
/*
 * Space and objects by owner, and quotas on them: the properties "userused@1001",
 * "groupobjquota@100", "projectquota@7" of a filesystem.
 *
 * Ids in names are numbers here; tools turn names of users into them.  Called with the pool's lock held.
 */
#ifndef SMARTBOX_FS_QUOTA_H
#define SMARTBOX_FS_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct objset;

enum owner_kind { OWNER_USER, OWNER_GROUP, OWNER_PROJECT, OWNER_KINDS };

struct owner_prop {
	enum owner_kind kind;
	bool objects; /* counts objects, else bytes */
	bool quota;   /* a limit, else what is used */
};

/* "userquota@bob": true, *who points at "bob".  *who may be empty. */
bool owner_prop_parse(const char *name, struct owner_prop *p, const char **who);
/* "userquota@" */
const char *owner_prop_prefix(const struct owner_prop *p);

/* 0: *value, which is 0 for an owner that has nothing; -ENOTSUP: this filesystem does not count it. */
int owner_value(struct objset *os, const struct owner_prop *p, uint64_t id, uint64_t *value);
/* 0 takes the quota away.  -ENOTSUP as above; in a sync task. */
int owner_quota_set(struct objset *os, const struct owner_prop *p, uint64_t id, uint64_t value);
/* All that are not 0; non-zero from fn ends it. */
int owner_walk(struct objset *os, const struct owner_prop *p,
    int (*fn)(uint64_t id, uint64_t value, void *arg), void *arg);

#endif
