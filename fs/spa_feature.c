/* SPDX-License-Identifier: MIT */
/*
 * Feature flags: which formats a pool uses, and which of them this engine reads, writes, makes.
 *
 * A feature is disabled (no entry), enabled (refcount 0) or active (refcount above 0) in one of two
 * zaps: features_for_write holds those that a reader need not know, features_for_read the others.
 * The refcount means something else for each; whoever changes what is counted calls
 * spa_feature_change in the same txg.  The labels list active ones that are needed to reach the meta
 * objset (LABEL).
 *
 * Facts: docs/zfs-format.md, "Features".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/zap.h"
#include "spa_impl.h"

enum {
	F_RO_COMPAT = 1, /* may be unknown to a reader */
	F_LABEL = 2,
	F_ACTIVE = 4,  /* active as soon as it is enabled */
	F_READ = 8,    /* we read a pool where it is active */
	F_WRITE = 16,  /* we write one, keeping its refcount */
	F_CREATE = 32, /* on in pools that we make */
	F_DROP = 64,   /* we write a pool where it is active after taking it out of use */
};

struct feature {
	const char *guid, *name, *description;
	const char *needs; /* guid of one other feature or NULL */
	unsigned flags;
};

static const struct feature table[] = {
    {"com.delphix:async_destroy", "async_destroy", "Destroy filesystems asynchronously.", NULL,
	F_RO_COMPAT | F_READ},
    {"com.delphix:empty_bpobj", "empty_bpobj", "Snapshots use less space.", NULL,
	F_RO_COMPAT | F_READ | F_WRITE | F_CREATE},
    {"org.illumos:lz4_compress", "lz4_compress", "LZ4 compression algorithm support.", NULL,
	F_ACTIVE | F_READ | F_WRITE | F_CREATE},
    {"com.joyent:multi_vdev_crash_dump", "multi_vdev_crash_dump",
	"Crash dumps to multiple vdev pools.", NULL, F_READ | F_WRITE},
    {"com.delphix:spacemap_histogram", "spacemap_histogram",
	"Spacemaps maintain space histograms.", NULL, F_RO_COMPAT | F_READ | F_WRITE | F_CREATE},
    {"com.delphix:enabled_txg", "enabled_txg", "Record txg at which a feature is enabled", NULL,
	F_RO_COMPAT | F_READ | F_WRITE | F_CREATE},
    {"com.delphix:hole_birth", "hole_birth", "Retain hole birth txg for more precise zfs send",
	"com.delphix:enabled_txg", F_LABEL | F_ACTIVE | F_READ | F_WRITE | F_CREATE},
    {"com.delphix:zpool_checkpoint", "zpool_checkpoint",
	"Pool state can be checkpointed, allowing rewind later.", NULL,
	F_RO_COMPAT | F_READ | F_WRITE | F_CREATE},
    {"com.delphix:spacemap_v2", "spacemap_v2", "Space maps representing large segments are more "
	"efficient.", NULL, F_RO_COMPAT | F_ACTIVE | F_READ | F_WRITE | F_CREATE},
    {"com.delphix:extensible_dataset", "extensible_dataset", "Enhanced dataset functionality, "
	"used by other features.", NULL, F_READ | F_WRITE | F_CREATE},
    {"com.delphix:bookmarks", "bookmarks", "\"zfs bookmark\" command",
	"com.delphix:extensible_dataset", F_RO_COMPAT | F_READ | F_WRITE | F_CREATE},
    {"com.joyent:filesystem_limits", "filesystem_limits", "Filesystem and snapshot limits.",
	"com.delphix:extensible_dataset", F_RO_COMPAT | F_READ | F_WRITE | F_CREATE},
    {"com.delphix:embedded_data", "embedded_data", "Blocks which compress very well use even less "
	"space.", "org.illumos:lz4_compress", F_LABEL | F_ACTIVE | F_READ | F_WRITE | F_CREATE},
    {"com.delphix:livelist", "livelist", "Improved clone deletion performance.",
	"com.delphix:extensible_dataset", F_RO_COMPAT | F_READ | F_DROP},
    {"com.delphix:log_spacemap", "log_spacemap", "Log metaslab changes on a single spacemap and "
	"flush them periodically.", "com.delphix:spacemap_v2",
	F_RO_COMPAT | F_ACTIVE | F_READ | F_WRITE},
    {"org.open-zfs:large_blocks", "large_blocks", "Support for blocks larger than 128KB.",
	"com.delphix:extensible_dataset", F_READ | F_WRITE | F_CREATE},
    {"org.zfsonlinux:large_dnode", "large_dnode", "Variable on-disk size of dnodes.",
	"com.delphix:extensible_dataset", F_READ | F_WRITE | F_CREATE},
    {"org.illumos:sha512", "sha512", "SHA-512/256 hash algorithm.",
	"com.delphix:extensible_dataset", F_READ | F_WRITE | F_CREATE},
    {"org.illumos:skein", "skein", "Skein hash algorithm.", "com.delphix:extensible_dataset",
	F_READ | F_WRITE | F_CREATE},
    {"org.illumos:edonr", "edonr", "Edon-R hash algorithm.", "com.delphix:extensible_dataset",
	F_READ | F_WRITE | F_CREATE},
    {"com.delphix:redaction_bookmarks", "redaction_bookmarks",
	"Support for bookmarks which store redaction lists for zfs redacted send/recv.", NULL, F_READ},
    {"com.delphix:redacted_datasets", "redacted_datasets",
	"Support for redacted datasets, produced by receiving a redacted zfs send stream.", NULL,
	F_READ},
    {"com.delphix:bookmark_written", "bookmark_written",
	"Additional accounting, enabling the written#<bookmark> property", NULL, F_READ | F_WRITE},
    {"com.delphix:device_removal", "device_removal",
	"Top-level vdevs can be removed, reducing logical pool size.", NULL,
	F_LABEL | F_READ | F_WRITE | F_CREATE},
    {"com.delphix:obsolete_counts", "obsolete_counts", "Reduce memory used by removed devices when "
	"their blocks are freed or remapped.", "com.delphix:device_removal",
	F_RO_COMPAT | F_READ | F_WRITE | F_CREATE},
    {"org.zfsonlinux:userobj_accounting", "userobj_accounting", "User/Group object accounting.",
	"com.delphix:extensible_dataset", F_RO_COMPAT | F_READ | F_WRITE | F_CREATE},
    {"com.datto:bookmark_v2", "bookmark_v2", "Support for larger bookmarks", NULL, F_READ | F_WRITE},
    {"com.datto:encryption", "encryption", "Support for dataset level encryption",
	"com.delphix:extensible_dataset", F_READ},
    {"org.zfsonlinux:project_quota", "project_quota", "space/object accounting based on "
	"project ID.", "com.delphix:extensible_dataset", F_RO_COMPAT | F_READ | F_WRITE | F_CREATE},
    {"org.zfsonlinux:allocation_classes", "allocation_classes",
	"Support for separate allocation classes.", NULL, F_RO_COMPAT | F_READ | F_WRITE},
    {"com.datto:resilver_defer", "resilver_defer", "Support for deferring new resilvers when one "
	"is already running.", NULL, F_RO_COMPAT | F_READ | F_WRITE},
    {"org.openzfs:device_rebuild", "device_rebuild", "Support for sequential mirror/dRAID device "
	"rebuilds", NULL, F_RO_COMPAT | F_READ},
    {"org.freebsd:zstd_compress", "zstd_compress", "zstd compression algorithm support.",
	"com.delphix:extensible_dataset", F_READ | F_WRITE | F_CREATE},
    {"org.openzfs:draid", "draid", "Support for distributed spare RAID", NULL, F_LABEL},
    {"com.fudosecurity:block_cloning", "block_cloning",
	"Support for block cloning via Block Reference Table.", NULL, F_RO_COMPAT | F_READ},
    {"org.openzfs:blake3", "blake3", "BLAKE3 hash algorithm.", "com.delphix:extensible_dataset",
	F_READ | F_WRITE | F_CREATE},
};
#define NFEATURES (sizeof(table) / sizeof(table[0]))

#define DISABLED UINT64_MAX

struct spa_feature_state {
	uint64_t refs[NFEATURES]; /* DISABLED or the refcount */
};

static size_t
feature_index(const char *guid)
{
	size_t i;

	for (i = 0; i < NFEATURES; i++)
		if (strcmp(table[i].guid, guid) == 0)
			return (i);
	return (NFEATURES);
}

const char *
spa_feature_guid(const char *name)
{
	size_t i;

	for (i = 0; i < NFEATURES; i++)
		if (strcmp(table[i].name, name) == 0)
			return (table[i].guid);
	return (NULL);
}

static uint64_t
refs_of(const struct spa *spa, size_t i)
{
	return (i < NFEATURES && spa->features != NULL ? spa->features->refs[i] : DISABLED);
}

bool
spa_feature_enabled(const struct spa *spa, const char *guid)
{
	return (refs_of(spa, feature_index(guid)) != DISABLED);
}

bool
spa_feature_active(const struct spa *spa, const char *guid)
{
	uint64_t refs = refs_of(spa, feature_index(guid));

	return (refs != DISABLED && refs != 0);
}

void
spa_feature_walk(const struct spa *spa, void (*fn)(const char *guid, const char *name, char state,
    void *arg), void *arg)
{
	size_t i;

	for (i = 0; i < NFEATURES; i++) {
		uint64_t refs = refs_of(spa, i);

		fn(table[i].guid, table[i].name, refs == DISABLED ? 'd' : refs == 0 ? 'e' : 'a', arg);
	}
}

void
spa_features_free(struct spa *spa)
{
	free(spa->features);
	spa->features = NULL;
}

static int
features_new(struct spa *spa)
{
	size_t i;

	if ((spa->features = calloc(1, sizeof(*spa->features))) == NULL)
		return (-ENOMEM);
	for (i = 0; i < NFEATURES; i++)
		spa->features->refs[i] = DISABLED;
	return (0);
}

/* --- changing --------------------------------------------------------------------------------- */

static int
feature_write(struct spa *spa, size_t i, uint64_t refs)
{
	uint64_t zap = table[i].flags & F_RO_COMPAT ? spa->obj.features_write
						    : spa->obj.features_read;
	bool was = refs_of(spa, i) != DISABLED && refs_of(spa, i) != 0;
	int rc = zap_update(spa->mos, zap, table[i].guid, 8, 1, &refs);

	if (rc != 0)
		return (rc);
	if ((table[i].flags & F_LABEL) && was != (refs != 0))
		spa_config_dirty(spa);
	spa->features->refs[i] = refs;
	return (0);
}

int
spa_feature_change(struct spa *spa, const char *guid, int delta)
{
	size_t i = feature_index(guid);
	uint64_t refs = refs_of(spa, i);

	if (refs == DISABLED)
		return (-ENOENT);
	if (delta < 0 && refs < (uint64_t)-delta)
		return (-ERANGE);
	return (feature_write(spa, i, refs + (uint64_t)(int64_t)delta));
}

/* With enabled_txg on, each feature's first txg is recorded, and the records are counted. */
static int
record_enabling(struct spa *spa, size_t i)
{
	uint64_t txg = spa->txg;
	int rc;

	if (!spa_feature_enabled(spa, "com.delphix:enabled_txg"))
		return (0);
	if (spa->obj.features_txg == 0 &&
	    ((rc = zap_create(spa->mos, OT_ZAP_METADATA, OT_NONE, 0, &spa->obj.features_txg)) != 0 ||
	    (rc = zap_add(spa->mos, MOS_DIRECTORY, "feature_enabled_txg", 8, 1,
	    &spa->obj.features_txg)) != 0))
		return (rc);
	if ((rc = zap_update(spa->mos, spa->obj.features_txg, table[i].guid, 8, 1, &txg)) != 0)
		return (rc);
	return (spa_feature_change(spa, "com.delphix:enabled_txg", 1));
}

int
spa_feature_enable(struct spa *spa, const char *guid)
{
	size_t i = feature_index(guid);
	int rc;

	if (i == NFEATURES || !(table[i].flags & F_WRITE))
		return (-ENOTSUP);
	if (refs_of(spa, i) != DISABLED)
		return (0);
	if (table[i].needs != NULL && (rc = spa_feature_enable(spa, table[i].needs)) != 0)
		return (rc);
	if ((rc = feature_write(spa, i, table[i].flags & F_ACTIVE ? 1 : 0)) != 0)
		return (rc);
	rc = zap_update(spa->mos, spa->obj.features_desc, guid, 1, strlen(table[i].description) + 1,
	    table[i].description);
	return (rc != 0 ? rc : record_enabling(spa, i));
}

int
spa_features_upgrade(struct spa *spa)
{
	int rc = 0;

	for (size_t i = 0; i < NFEATURES && rc == 0; i++)
		if (table[i].flags & F_CREATE)
			rc = spa_feature_enable(spa, table[i].guid);
	return (rc);
}

static int
zap_make(struct spa *spa, const char *key, uint64_t *obj)
{
	int rc = zap_create(spa->mos, OT_ZAP_METADATA, OT_NONE, 0, obj);

	return (rc != 0 ? rc : zap_add(spa->mos, MOS_DIRECTORY, key, 8, 1, obj));
}

int
spa_features_create(struct spa *spa, bool none)
{
	size_t i;
	int rc;

	if ((rc = features_new(spa)) != 0 ||
	    (rc = zap_make(spa, "features_for_read", &spa->obj.features_read)) != 0 ||
	    (rc = zap_make(spa, "features_for_write", &spa->obj.features_write)) != 0 ||
	    (rc = zap_make(spa, "feature_descriptions", &spa->obj.features_desc)) != 0)
		return (rc);
	for (i = 0; i < NFEATURES && !none && rc == 0; i++)
		if (table[i].flags & F_CREATE)
			rc = spa_feature_enable(spa, table[i].guid);
	return (rc);
}

/* --- the salt of keyed checksums ---------------------------------------------------------------- */

int
spa_salt_make(struct spa *spa)
{
	int rc;

	if (spa->has_salt)
		return (0);
	spa_random(spa, spa->salt, sizeof(spa->salt));
	rc = zap_add(spa->mos, MOS_DIRECTORY, "org.illumos:checksum_salt", 1, sizeof(spa->salt),
	    spa->salt);
	spa->has_salt = rc == 0;
	return (rc);
}

/* --- loading and judging ---------------------------------------------------------------------- */

/* One entry of a feature zap: remember, or refuse when it is active and too new for us. */
static int
judge(struct spa *spa, const struct zap_entry *ze, bool for_read, struct err *e)
{
	size_t i = feature_index(ze->name);
	unsigned flags = i < NFEATURES ? table[i].flags : 0;

	if (i < NFEATURES)
		spa->features->refs[i] = ze->first;
	if (ze->first == 0)
		return (0);
	if (for_read && !(flags & F_READ))
		return (err_set(e, ENOTSUP, "pool '%s' uses feature %s, which is not supported",
		    spa->name, ze->name));
	if (!spa->readonly && !(flags & (F_WRITE | F_DROP)))
		return (err_set(e, ENOTSUP, "pool '%s' uses feature %s, which this version does not "
		    "write: import with -o readonly=on", spa->name, ze->name));
	return (0);
}

static int
load_zap(struct spa *spa, const char *key, uint64_t *obj, bool for_read, struct err *e)
{
	struct zap_entry ze;
	uint64_t cookie = 0;
	int rc, bad = 0;

	if ((rc = spa_directory_get(spa, key, obj)) != 0 || *obj == 0)
		return (rc);
	while ((rc = zap_next(spa->mos, *obj, &cookie, &ze)) == 0 && bad == 0)
		bad = judge(spa, &ze, for_read, e);
	if (bad != 0)
		return (bad);
	return (rc == -ENOENT ? 0 : err_rc(e, rc, "%s cannot be read", key));
}

int
spa_features_load(struct spa *spa, struct err *e)
{
	int rc;

	if (features_new(spa) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = load_zap(spa, "features_for_read", &spa->obj.features_read, true, e)) != 0 ||
	    (rc = load_zap(spa, "features_for_write", &spa->obj.features_write, false, e)) != 0)
		return (rc);
	if ((rc = spa_directory_get(spa, "feature_descriptions", &spa->obj.features_desc)) != 0 ||
	    (rc = spa_directory_get(spa, "feature_enabled_txg", &spa->obj.features_txg)) != 0)
		return (err_rc(e, rc, "the object directory cannot be read"));
	return (0);
}

int
spa_features_label(struct spa *spa, struct nvlist *config)
{
	struct nvlist *list = nv_new();
	size_t i;
	int rc = list == NULL ? -ENOMEM : 0;

	for (i = 0; i < NFEATURES && rc == 0; i++)
		if ((table[i].flags & F_LABEL) && refs_of(spa, i) != DISABLED && refs_of(spa, i) != 0)
			rc = nv_add_boolean(list, table[i].guid);
	if (rc == 0)
		rc = nv_add_nvlist(config, "features_for_read", list);
	nv_free(list);
	return (rc);
}
