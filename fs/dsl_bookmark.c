/* SPDX-License-Identifier: MIT */
/*
 * Bookmarks: what is left of a snapshot when only "which blocks are newer than it" is asked.
 *
 * A head has a zap of them (key com.delphix:bookmarks of its zapified object): name -> words.  The first
 * form has three: guid, txg and time of the snapshot; that is what incremental sends need, and what we
 * write.  Later forms add sizes.  Format: docs/zfs-format.md, "Bookmarks".
 */
#include <errno.h>
#include <stdio.h>
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

/* --- making ----------------------------------------------------------------------------------- */

#define BOOKMARK_FIRST 3 /* words that we write: the form that every pool reads */
#define FEATURE_BOOKMARKS "com.delphix:bookmarks"

struct bookmark_arg {
	const char *source, *name; /* a snapshot or bookmark; fs#mark */
};

/* What a bookmark keeps of its source. */
static int
source_words(struct spa *spa, const char *source, uint64_t w[BOOKMARK_WORDS], struct err *e)
{
	char fs[DSL_NAME_MAX];
	struct dsl_dataset *ds;
	int rc;

	if (strchr(source, '#') != NULL) {
		(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(source, "#"), source);
		if ((rc = dsl_hold(spa, fs, &ds, e)) != 0)
			return (rc);
		rc = ds_bookmark_lookup(ds, strchr(source, '#') + 1, w);
		dsl_rele(ds);
		return (rc == -ENOENT ? err_set(e, ENOENT, "bookmark '%s' does not exist", source) :
					err_rc(e, rc, "'%s'", source));
	}
	if ((rc = dsl_hold(spa, source, &ds, e)) != 0)
		return (rc);
	if (dsl_is_snapshot(ds)) {
		w[BM_GUID] = dsl_guid(ds);
		w[BM_TXG] = ds_phys(ds)->creation_txg;
		w[BM_TIME] = ds_phys(ds)->creation_time;
	} else {
		rc = err_set(e, EINVAL, "'%s' is not a snapshot", source);
	}
	dsl_rele(ds);
	return (rc);
}

static int
hold_head_of(struct spa *spa, const char *name, struct dsl_dataset **head, struct err *e)
{
	char fs[DSL_NAME_MAX];

	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if (strchr(name, '#') == NULL)
		return (err_set(e, EINVAL, "'%s' is no name of a bookmark", name));
	(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(name, "#"), name);
	return (dsl_hold(spa, fs, head, e));
}

static int
create_check(struct spa *spa, void *arg, struct err *e)
{
	const struct bookmark_arg *a = arg;
	uint64_t w[BOOKMARK_WORDS] = {0}, old[BOOKMARK_WORDS];
	struct dsl_dataset *head;
	int rc;

	if (!spa_feature_enabled(spa, FEATURE_BOOKMARKS))
		return (err_set(e, ENOTSUP, "bookmark feature not enabled"));
	if ((rc = source_words(spa, a->source, w, e)) != 0 ||
	    (rc = hold_head_of(spa, a->name, &head, e)) != 0)
		return (rc);
	if (ds_bookmark_lookup(head, strchr(a->name, '#') + 1, old) == 0)
		rc = err_set(e, EEXIST, "bookmark exists");
	dsl_rele(head);
	return (rc);
}

static int
bookmark_zap(struct dsl_dataset *head, uint64_t *zap)
{
	struct dsl_pool *dp = head->dp;
	int rc;

	if ((rc = dsl_zapify(dp, head->obj)) != 0)
		return (rc);
	rc = zap_lookup(dp_mos(dp), head->obj, BOOKMARKS_KEY, 8, 1, zap);
	if (rc != -ENOENT)
		return (rc);
	if ((rc = zap_create(dp_mos(dp), OT_ZAP_METADATA, 0, 0, zap)) != 0 ||
	    (rc = zap_add(dp_mos(dp), head->obj, BOOKMARKS_KEY, 8, 1, zap)) != 0)
		return (rc);
	return (spa_feature_change(dp->spa, FEATURE_BOOKMARKS, 1));
}

static int
create_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct bookmark_arg *a = arg;
	uint64_t w[BOOKMARK_WORDS] = {0}, zap;
	struct dsl_dataset *head;
	int rc;

	if ((rc = source_words(spa, a->source, w, e)) != 0 ||
	    (rc = hold_head_of(spa, a->name, &head, e)) != 0)
		return (rc);
	if ((rc = bookmark_zap(head, &zap)) == 0)
		rc = zap_add(spa->mos, zap, strchr(a->name, '#') + 1, 8, BOOKMARK_FIRST, w);
	dsl_rele(head);
	return (err_rc(e, rc, "cannot create bookmark '%s'", a->name));
}

int
dsl_bookmark(struct spa *spa, const char *source, const char *name, struct err *e)
{
	struct bookmark_arg a = {source, name};

	return (spa_sync_task(spa, create_check, create_sync, &a, e));
}

/* --- destroying ------------------------------------------------------------------------------- */

static int
destroy_check(struct spa *spa, void *arg, struct err *e)
{
	uint64_t w[BOOKMARK_WORDS];
	struct dsl_dataset *head;
	const char *name = arg;
	int rc;

	if ((rc = hold_head_of(spa, name, &head, e)) != 0)
		return (rc);
	rc = ds_bookmark_lookup(head, strchr(name, '#') + 1, w);
	if (rc == 0 && w[BM_REDACTION] != 0)
		rc = err_set(e, ENOTSUP, "redaction bookmarks are not supported by this version");
	else if (rc != 0)
		rc = err_set(e, ENOENT, "bookmark '%s' does not exist", name);
	dsl_rele(head);
	return (rc);
}

static int
destroy_entry(struct dsl_dataset *head, const char *mark)
{
	struct objset *mos = dp_mos(head->dp);
	uint64_t zap, n;
	int rc;

	if ((rc = bookmarks_uncount_one(head, mark)) != 0 ||
	    (rc = zap_lookup(mos, head->obj, BOOKMARKS_KEY, 8, 1, &zap)) != 0 ||
	    (rc = zap_remove(mos, zap, mark)) != 0 || (rc = zap_count(mos, zap, &n)) != 0 || n > 0)
		return (rc);
	if ((rc = zap_destroy(mos, zap)) != 0 || (rc = zap_remove(mos, head->obj, BOOKMARKS_KEY)) != 0)
		return (rc);
	return (spa_feature_change(head->dp->spa, FEATURE_BOOKMARKS, -1));
}

static int
destroy_sync(struct spa *spa, void *arg, struct err *e)
{
	struct dsl_dataset *head;
	const char *name = arg;
	int rc;

	if ((rc = hold_head_of(spa, name, &head, e)) != 0)
		return (rc);
	rc = destroy_entry(head, strchr(name, '#') + 1);
	dsl_rele(head);
	return (err_rc(e, rc, "cannot destroy bookmark '%s'", name));
}

int
dsl_destroy_bookmark(struct spa *spa, const char *name, struct err *e)
{
	return (spa_sync_task(spa, destroy_check, destroy_sync, (void *)(uintptr_t)name, e));
}
