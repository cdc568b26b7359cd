/* SPDX-License-Identifier: MIT */
/*
 * Properties: where a value comes from, and setting it.
 *
 * A dir has a zap of properties, a snapshot may have one.  Looking for "compression" at pool/a/b:
 *
 *	pool/a/b   "compression"          set here: local
 *	           "compression$inherit"  a received value is overridden: go on above
 *	           "compression$recvd"    received
 *	pool/a     the same, if the property is inheritable; then pool; then the default
 *
 * quota and reservation are in the dir itself too, where the accounts use them; refquota and
 * refreservation are looked up when needed.
 *
 * A mount point is inherited as a path: what is set at pool/a as /x is /x/b at pool/a/b.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl_impl.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/checksum.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/quota.h"

/* --- finding ---------------------------------------------------------------------------------- */

static int
zap_value(struct dsl_pool *dp, uint64_t zap, const char *name, struct prop_found *f)
{
	unsigned intlen;
	uint64_t num;
	int rc;

	f->text[0] = '\0';
	f->num = 0;
	if ((rc = zap_length(dp_mos(dp), zap, name, &intlen, &num)) != 0)
		return (rc);
	if (intlen == 8)
		return (zap_lookup(dp_mos(dp), zap, name, 8, 1, &f->num));
	if (intlen != 1 || num == 0 || num > sizeof(f->text))
		return (-EILSEQ);
	if ((rc = zap_lookup(dp_mos(dp), zap, name, 1, sizeof(f->text), f->text)) == 0)
		f->text[num - 1] = '\0';
	return (rc);
}

static int
suffixed(char *buf, size_t size, const char *name, const char *suffix)
{
	return ((size_t)snprintf(buf, size, "%s%s", name, suffix) < size ? 0 : -ENAMETOOLONG);
}

/* In one zap: 0 found, 1 not (go on above). */
static int
zap_level(struct dsl_pool *dp, uint64_t zap, const char *name, struct prop_found *f)
{
	char key[ZAP_NAME_MAX];
	uint64_t v;
	int rc;

	f->source = PROP_SRC_LOCAL;
	if ((rc = zap_value(dp, zap, name, f)) != -ENOENT)
		return (rc);
	if (suffixed(key, sizeof(key), name, "$inherit") != 0 ||
	    zap_lookup(dp_mos(dp), zap, key, 8, 1, &v) == 0)
		return (1);
	f->source = PROP_SRC_RECEIVED;
	if (suffixed(key, sizeof(key), name, "$recvd") != 0)
		return (1);
	rc = zap_value(dp, zap, key, f);
	return (rc == -ENOENT ? 1 : rc);
}

static void
set_default(const struct fs_prop *p, struct prop_found *f)
{
	f->source = PROP_SRC_DEFAULT;
	f->dir = NULL;
	f->num = p != NULL ? p->def : 0;
	(void)snprintf(f->text, sizeof(f->text), "%s",
	    p != NULL && p->def_text != NULL ? p->def_text : "");
}

int
dsl_prop_lookup(struct dsl_dataset *ds, const char *name, const struct fs_prop *p, struct prop_found *f)
{
	bool inherits = p == NULL || (p->attr & PROP_INHERIT), snap = dsl_is_snapshot(ds);
	struct dsl_dir *dd;
	int rc;

	f->dir = NULL;
	if (snap && ds_phys(ds)->props_zap != 0 &&
	    (rc = zap_level(ds->dp, ds_phys(ds)->props_zap, name, f)) <= 0)
		return (rc);
	for (dd = ds->dir; dd != NULL; dd = dd->parent) {
		bool above = snap || dd != ds->dir;

		if (above && !inherits)
			break;
		f->dir = dd;
		if ((rc = zap_level(ds->dp, dir_phys(dd)->props_zap, name, f)) < 0)
			return (rc);
		if (rc == 0) {
			if (above)
				f->source = PROP_SRC_INHERITED;
			return (0);
		}
	}
	set_default(p, f);
	return (p == NULL ? -ENOENT : 0);
}

static int
number_lookup(struct dsl_dataset *ds, const struct fs_prop *p, uint64_t *v)
{
	struct prop_found *f = malloc(sizeof(*f));
	int rc;

	if (f == NULL)
		return (-ENOMEM);
	if ((rc = dsl_prop_lookup(ds, p->name, p, f)) == 0)
		*v = f->num;
	free(f);
	return (rc);
}

int
dsl_prop_number(struct dsl_dataset *ds, const char *name, uint64_t *v)
{
	const struct fs_prop *p = fs_prop_find(name);
	struct prop_cached *c;
	int rc;

	if (p == NULL || p->kind == PROP_STRING)
		return (-EINVAL);
	c = &ds->cached[(size_t)(p - fs_prop_at(0)) % PROP_CACHE];
	if (c->p != p || c->generation != ds->dp->prop_generation) {
		if ((rc = number_lookup(ds, p, &c->value)) != 0) {
			c->p = NULL;
			return (rc);
		}
		c->p = p;
		c->generation = ds->dp->prop_generation;
	}
	*v = c->value;
	return (0);
}

int
dsl_prop_u64(struct dsl_dataset *ds, const char *prop, uint64_t *v)
{
	const struct fs_prop *p = fs_prop_find(prop);
	int rc = stat_u64(ds, p != NULL ? p->name : prop, v);

	return (rc == -ENOENT && p != NULL && !(p->attr & PROP_READONLY) && ds->bookmark == NULL ?
		    dsl_prop_number(ds, p->name, v) :
		    rc);
}

/* --- as text ---------------------------------------------------------------------------------- */

void
dsl_prop_source_text(struct dsl_dataset *ds, const struct prop_found *f, char *buf, size_t size)
{
	char name[DSL_NAME_MAX];

	(void)ds;
	switch (f->source) {
	case PROP_SRC_DEFAULT:
		(void)snprintf(buf, size, "default");
		break;
	case PROP_SRC_LOCAL:
		(void)snprintf(buf, size, "local");
		break;
	case PROP_SRC_RECEIVED:
		(void)snprintf(buf, size, "received");
		break;
	case PROP_SRC_INHERITED:
		(void)dir_name(f->dir, name, sizeof(name));
		(void)snprintf(buf, size, "inherited from %s", name);
	}
}

/* What is below the dir that the mount point is set at goes behind it. */
static int
mountpoint_text(struct dsl_dataset *ds, const struct prop_found *f, char *buf, size_t size)
{
	char name[DSL_NAME_MAX];
	size_t above = 0, n;
	const char *rest;

	if (f->text[0] != '/')
		return ((size_t)snprintf(buf, size, "%s", f->text) < size ? 0 : -EOVERFLOW);
	if (f->dir != NULL)
		above = dir_name(f->dir, name, sizeof(name));
	(void)dir_name(ds->dir, name, sizeof(name));
	rest = name + above;
	rest += *rest == '/';
	n = strlen(f->text);
	if (*rest == '\0')
		return ((size_t)snprintf(buf, size, "%s", f->text) < size ? 0 : -EOVERFLOW);
	if (f->text[n - 1] == '/')
		n--;
	return ((size_t)snprintf(buf, size, "%.*s/%s", (int)n, f->text, rest) < size ? 0 : -EOVERFLOW);
}

static int
found_text(struct dsl_dataset *ds, const struct fs_prop *p, const struct prop_found *f, bool raw,
    char *buf, size_t size)
{
	if (p != NULL && strcmp(p->name, "mountpoint") == 0)
		return (mountpoint_text(ds, f, buf, size));
	if (p != NULL && p->kind != PROP_STRING) {
		fs_prop_format(p, f->num, raw, buf, size);
		return (0);
	}
	return ((size_t)snprintf(buf, size, "%s", f->text) < size ? 0 : -EOVERFLOW);
}

static int
settable_text(struct dsl_dataset *ds, const char *name, const struct fs_prop *p, bool raw, char *buf,
    size_t size, char *source, size_t source_size)
{
	struct prop_found *f = malloc(sizeof(*f));
	int rc;

	if (f == NULL)
		return (-ENOMEM);
	if ((rc = dsl_prop_lookup(ds, name, p, f)) == 0 &&
	    (rc = found_text(ds, p, f, raw, buf, size)) == 0 && source != NULL)
		dsl_prop_source_text(ds, f, source, source_size);
	free(f);
	return (rc);
}

static int
written_since_text(struct dsl_dataset *ds, const char *snap, bool raw, char *buf, size_t size)
{
	struct dsl_dataset *head, *since;
	struct space_sum sum;
	int rc;

	if ((rc = ds_hold_head(ds->dir, &head)) != 0)
		return (rc);
	rc = ds_hold_snap(head, snap, &since);
	dsl_rele(head);
	if (rc != 0)
		return (rc);
	if ((rc = ds_written(ds, since, &sum)) == 0)
		fs_prop_format(fs_prop_find("written"), space_bytes(sum.used), raw, buf, size);
	dsl_rele(since);
	return (rc);
}

/* -ENOENT: not a number, or one that a filesystem cannot have. */
static int
owner_id(const char *who, uint64_t *id)
{
	char *end;

	errno = 0;
	*id = strtoull(who, &end, 10);
	return (*who < '0' || *who > '9' || *end != '\0' || errno != 0 ? -ENOENT : 0);
}

/* Space, objects and quotas of one owner: set means "local", as OpenZFS says of all of them. */
static int
owner_text(struct dsl_dataset *ds, const struct owner_prop *p, const char *who, bool raw, char *buf,
    size_t size, char *source, size_t source_size)
{
	uint64_t id, v;
	struct objset *os;
	int rc;

	if (ds->bookmark != NULL || dsl_head_kind(ds) != DSL_FILESYSTEM)
		return (-ENOENT);
	if ((rc = owner_id(who, &id)) != 0 || (rc = dsl_objset(ds, &os)) != 0 ||
	    (rc = owner_value(os, p, id, &v)) != 0)
		return (rc == -ENOTSUP ? -ENODATA : rc);
	if (p->quota && v == 0 && !raw)
		(void)snprintf(buf, size, "none");
	else if (p->objects && !raw)
		units_format_count(buf, size, v);
	else
		fs_prop_format(fs_prop_find("used"), v, raw, buf, size);
	if (source != NULL)
		(void)snprintf(source, source_size, "local");
	return (0);
}

/* Some statistics have a source, in OpenZFS: a count that nobody keeps, a block size that nobody chose. */
static void
stat_source(struct dsl_dataset *ds, const struct fs_prop *p, char *source, size_t size)
{
	bool count = strcmp(p->name, "filesystem_count") == 0 || strcmp(p->name, "snapshot_count") == 0;
	uint64_t v;

	if ((!count && strcmp(p->name, "volblocksize") != 0) || stat_u64(ds, p->name, &v) != 0)
		return;
	if (v == p->def)
		(void)snprintf(source, size, "default");
	else if (count)
		(void)snprintf(source, size, "local");
}

/* Of what is not in the table. */
static int
other_text(struct dsl_dataset *ds, const char *name, bool raw, char *buf, size_t size, char *source,
    size_t source_size)
{
	struct owner_prop owner;
	const char *who;

	if (owner_prop_parse(name, &owner, &who))
		return (owner_text(ds, &owner, who, raw, buf, size, source, source_size));
	if (strncmp(name, "written@", 8) == 0 && ds->bookmark == NULL)
		return (written_since_text(ds, name + 8, raw, buf, size));
	if (!fs_prop_is_user(name) || ds->bookmark != NULL)
		return (-ENOENT);
	return (settable_text(ds, name, NULL, raw, buf, size, source, source_size));
}

void
dsl_prop_ref(const char *name, struct dsl_prop_ref *r)
{
	r->prop = fs_prop_find(name);
	r->name = r->prop != NULL ? r->prop->name : name;
	r->stat = r->prop != NULL ? stat_find(r->name) : NULL;
}

int
dsl_prop_text_ref(struct dsl_dataset *ds, const struct dsl_prop_ref *r, bool raw, char *buf,
    size_t size, char *source, size_t source_size)
{
	const struct fs_prop *p = r->prop;
	int rc;

	if (source != NULL)
		(void)snprintf(source, source_size, "-");
	if (p == NULL)
		return (other_text(ds, r->name, raw, buf, size, source, source_size));
	if (!(p->types & dsl_kind(ds)))
		return (-ENOENT);
	if (dsl_is_snapshot(ds) && !(p->types & dsl_head_kind(ds)) && p->types != DSL_SNAPSHOT)
		return (-ENOENT);
	rc = stat_text(ds, r, raw, buf, size);
	if (rc == 0 && source != NULL)
		stat_source(ds, p, source, source_size);
	if (rc != -ENOENT || (p->attr & PROP_READONLY))
		return (rc);
	return (settable_text(ds, p->name, p, raw, buf, size, source, source_size));
}

int
dsl_prop_text(struct dsl_dataset *ds, const char *prop, bool raw, char *buf, size_t size,
    char *source, size_t source_size)
{
	struct dsl_prop_ref r;

	dsl_prop_ref(prop, &r);
	return (dsl_prop_text_ref(ds, &r, raw, buf, size, source, source_size));
}

/* --- user properties -------------------------------------------------------------------------- */

struct user_walk {
	struct dsl_dataset *ds;
	int (*fn)(const char *name, const char *value, const char *source, void *arg);
	void *arg;
	char **seen;
	size_t nseen;
};

static bool
user_seen(const struct user_walk *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->nseen; i++) {
		if (strcmp(w->seen[i], name) == 0)
			return (true);
	}
	return (false);
}

static int
user_remember(struct user_walk *w, const char *name)
{
	char **p = realloc(w->seen, (w->nseen + 1) * sizeof(*p));

	if (p == NULL)
		return (-ENOMEM);
	w->seen = p;
	if ((p[w->nseen] = strdup(name)) == NULL)
		return (-ENOMEM);
	w->nseen++;
	return (0);
}

static int
user_tell(struct user_walk *w, const char *name)
{
	char *value = malloc(ZAP_VALUE_MAX), source[DSL_NAME_MAX + 32];
	int rc = value == NULL ? -ENOMEM : user_remember(w, name);

	if (rc == 0)
		rc = dsl_prop_text(w->ds, name, true, value, ZAP_VALUE_MAX, source, sizeof(source));
	rc = rc == -ENOENT ? 0 : rc != 0 ? rc : w->fn(name, value, source, w->arg);
	free(value);
	return (rc);
}

static int
user_walk_zap(struct user_walk *w, uint64_t zap)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc = 0, stop = 0;

	if (zap == 0)
		return (0);
	zap_cursor_init(&c, dp_mos(w->ds->dp), zap, 0);
	while (stop == 0 && (rc = zap_cursor_next(&c, &ze)) == 0) {
		ze.name[strcspn(ze.name, "$")] = '\0';
		if (fs_prop_is_user(ze.name) && !user_seen(w, ze.name))
			stop = user_tell(w, ze.name);
	}
	zap_cursor_fini(&c);
	return (stop != 0 ? stop : rc == -ENOENT ? 0 : rc);
}

int
dsl_user_props(struct dsl_dataset *ds,
    int (*fn)(const char *name, const char *value, const char *source, void *arg), void *arg)
{
	struct user_walk w = {ds, fn, arg, NULL, 0};
	struct dsl_dir *dd;
	int rc = 0;

	if (ds->bookmark != NULL)
		return (0);
	if (dsl_is_snapshot(ds))
		rc = user_walk_zap(&w, ds_phys(ds)->props_zap);
	for (dd = ds->dir; dd != NULL && rc == 0; dd = dd->parent)
		rc = user_walk_zap(&w, dir_phys(dd)->props_zap);
	while (w.nseen > 0)
		free(w.seen[--w.nseen]);
	free(w.seen);
	return (rc);
}

/* --- checking what shall be set --------------------------------------------------------------- */

struct prop_value {
	const struct fs_prop *p; /* NULL: a user property */
	const char *name, *text;
	uint64_t num;
	bool is_owner; /* a quota of one owner: */
	struct owner_prop owner;
	uint64_t id;
};

static int
owner_of_pair(const struct nvlist *props, const struct nvpair *pair, const char *who,
    struct prop_value *v, struct err *e)
{
	v->is_owner = true;
	v->text = "none";
	if (!v->owner.quota)
		return (err_set(e, EINVAL, "property '%s' is readonly", v->name));
	if (owner_id(who, &v->id) != 0)
		return (err_set(e, EINVAL, "property '%s' has an invalid user/group name", v->name));
	if (nv_get_str(props, nvpair_name(pair), &v->text) != 0)
		return (nv_get_u64(props, nvpair_name(pair), &v->num) == 0 ? 0 :
		    err_set(e, EINVAL, "property '%s' has a value of the wrong type", v->name));
	return (strcmp(v->text, "none") == 0 ? 0 : units_parse_size(v->text, &v->num, e));
}

static int
value_of_pair(const struct nvlist *props, const struct nvpair *pair, struct prop_value *v,
    struct err *e)
{
	char number[24];
	const char *who;

	v->is_owner = false;
	v->name = nvpair_name(pair);
	v->num = 0;
	if ((v->p = fs_prop_find(v->name)) != NULL)
		v->name = v->p->name;
	else if (owner_prop_parse(v->name, &v->owner, &who))
		return (owner_of_pair(props, pair, who, v, e));
	else if (!fs_prop_is_user(v->name))
		return (err_set(e, EINVAL, "invalid property '%s'", v->name));
	if (nv_get_str(props, nvpair_name(pair), &v->text) == 0)
		return (v->p != NULL ? fs_prop_parse(v->p, v->text, &v->num, e) : 0);
	if (v->p == NULL || v->p->kind == PROP_STRING ||
	    nv_get_u64(props, nvpair_name(pair), &v->num) != 0)
		return (err_set(e, EINVAL, "property '%s' has a value of the wrong type", v->name));
	v->text = NULL;
	if (v->p->kind == PROP_CHOICE)
		return (0);
	(void)snprintf(number, sizeof(number), "%" PRIu64, v->num);
	return (v->num == v->p->def ? 0 : fs_prop_parse(v->p, number, &v->num, e));
}

static int
need_feature(struct spa *spa, const struct prop_value *v, const char *guid, struct err *e)
{
	if (spa_feature_enabled(spa, guid))
		return (0);
	return (err_set(e, ENOTSUP, "this value of '%s' needs pool feature '%s', which is not enabled",
	    v->name, strchr(guid, ':') + 1));
}

/* What a value needs of the pool; dedup names its checksum in the low byte, "verify" above it. */
static const struct value_need {
	const char *prop;
	unsigned mask, value;
	const char *guid;
} value_needs[] = {
    {"filesystem_limit", 0, 0, "com.joyent:filesystem_limits"},
    {"snapshot_limit", 0, 0, "com.joyent:filesystem_limits"},
    {"compression", 0x7f, COMP_ZSTD, "org.freebsd:zstd_compress"},
    {"compression", 0x7f, COMP_LZ4, "org.illumos:lz4_compress"},
    {"checksum", 0xff, CK_SHA512, "org.illumos:sha512"},
    {"checksum", 0xff, CK_SKEIN, "org.illumos:skein"},
    {"checksum", 0xff, CK_EDONR, "org.illumos:edonr"},
    {"checksum", 0xff, CK_BLAKE3, "org.openzfs:blake3"},
    {"dedup", 0xff, CK_SHA512, "org.illumos:sha512"},
    {"dedup", 0xff, CK_SKEIN, "org.illumos:skein"},
    {"dedup", 0xff, CK_EDONR, "org.illumos:edonr"},
    {"dedup", 0xff, CK_BLAKE3, "org.openzfs:blake3"},
};

/* No keys, no tables of Unicode, no filesystems without system attributes. */
static bool
is_unsupported(const struct prop_value *v)
{
	return (((strcmp(v->name, "encryption") == 0 || strcmp(v->name, "normalization") == 0) && v->num != 0) ||
	    (strcmp(v->name, "version") == 0 && v->num != 5));
}

/* Values that not every pool can hold, and what this engine does not write. */
static int
check_supported(struct spa *spa, const struct prop_value *v, struct err *e)
{
	size_t i;
	int rc = 0;

	if (strcmp(v->name, "recordsize") == 0 && v->num > BLOCK_OLD_MAX_BYTES)
		return (need_feature(spa, v, "org.open-zfs:large_blocks", e));
	if (strcmp(v->name, "dnodesize") == 0 && v->num != 0)
		return (need_feature(spa, v, "org.zfsonlinux:large_dnode", e));
	for (i = 0; i < sizeof(value_needs) / sizeof(value_needs[0]) && rc == 0; i++) {
		const struct value_need *n = &value_needs[i];

		if (strcmp(v->name, n->prop) == 0 && (v->num & n->mask) == n->value)
			rc = need_feature(spa, v, n->guid, e);
	}
	if (rc == 0 && is_unsupported(v))
		return (err_set(e, ENOTSUP, "this value of '%s' is not supported", v->name));
	return (rc);
}

static int
check_limit(struct dsl_dataset *ds, const struct prop_value *v, struct err *e)
{
	struct dsl_dir_phys *d = dir_phys(ds->dir);
	uint64_t avail = dir_available(ds->dir, 0), grow = 0, quota = ds_quota(ds);

	if (v->num == 0)
		return (0);
	if (strcmp(v->name, "quota") == 0 && (v->num < d->used || v->num < d->reserved))
		return (err_set(e, ENOSPC, "size is less than current used or reserved space"));
	if (strcmp(v->name, "refquota") == 0 &&
	    (v->num < ds_phys(ds)->referenced || v->num < ds_reserved(ds)))
		return (err_set(e, ENOSPC, "size is less than current used or reserved space"));
	if (strcmp(v->name, "reservation") == 0 && v->num > d->used && v->num > d->reserved)
		grow = v->num - (d->used > d->reserved ? d->used : d->reserved);
	if (strcmp(v->name, "refreservation") == 0) {
		uint64_t has = ds_reserved(ds), unique = ds_phys(ds)->unique;

		has = has > unique ? has : unique;
		grow = v->num > has ? v->num - has : 0;
		if (quota != 0 && v->num > quota)
			grow = UINT64_MAX;
	}
	if (grow > avail || (strcmp(v->name, "reservation") == 0 && d->quota != 0 && v->num > d->quota))
		return (err_set(e, ENOSPC, "size is greater than available space"));
	return (0);
}

static int
check_owner(struct dsl_dataset *ds, unsigned kind, const struct prop_value *v, struct err *e)
{
	struct objset *os;
	uint64_t old;
	int rc;

	if (kind != DSL_FILESYSTEM || ds == NULL)
		return (err_set(e, EINVAL, "'%s' does not apply to datasets of this type", v->name));
	if ((rc = dsl_objset(ds, &os)) != 0)
		return (err_rc(e, rc, "its objects cannot be read"));
	if ((rc = owner_value(os, &(struct owner_prop){v->owner.kind, v->owner.objects, false}, v->id,
	    &old)) == -ENOTSUP)
		return (err_set(e, ENOTSUP, "pool and or dataset must be upgraded to set this property "
		    "or value"));
	return (err_rc(e, rc, "'%s'", v->name));
}

static int
check_one(struct spa *spa, struct dsl_dataset *ds, unsigned kind, const struct prop_value *v,
    struct err *e)
{
	int rc;

	if (v->is_owner)
		return (check_owner(ds, kind, v, e));
	if (v->p == NULL)
		return (strlen(v->text) < ZAP_VALUE_MAX ?
			    0 :
			    err_set(e, E2BIG, "the value of '%s' is too long", v->name));
	if (v->p->attr & PROP_READONLY)
		return (err_set(e, EINVAL, "'%s' is readonly", v->name));
	if ((v->p->attr & PROP_SETONCE) && ds != NULL)
		return (err_set(e, EINVAL, "'%s' can only be set when a dataset is created", v->name));
	if (!(v->p->types & kind) || kind == DSL_SNAPSHOT)
		return (err_set(e, EINVAL, "'%s' does not apply to datasets of this type", v->name));
	if ((rc = check_supported(spa, v, e)) != 0)
		return (rc);
	return (ds == NULL ? 0 : check_limit(ds, v, e));
}

int
dsl_prop_check_all(struct spa *spa, struct dsl_dataset *ds, unsigned kind, const struct nvlist *props,
    struct err *e)
{
	struct nvpair *pair = NULL;
	struct prop_value v;
	int rc;

	while (props != NULL && (pair = nv_next(props, pair)) != NULL) {
		if ((rc = value_of_pair(props, pair, &v, e)) != 0 ||
		    (rc = check_one(spa, ds, kind, &v, e)) != 0)
			return (rc);
	}
	return (0);
}

/* A number among props; 0: it is not there, or "none". */
static uint64_t
number_among(const struct nvlist *props, const char *name)
{
	struct nvpair *pair = NULL;
	struct prop_value v;

	while (props != NULL && (pair = nv_next(props, pair)) != NULL)
		if (strcmp(nvpair_name(pair), name) == 0 && value_of_pair(props, pair, &v, NULL) == 0)
			return (v.num);
	return (0);
}

int
dsl_prop_check_room(const struct dsl_dir *parent, const struct nvlist *props, struct err *e)
{
	uint64_t avail = dir_available(parent, 0), quota = number_among(props, "quota");
	uint64_t whole = number_among(props, "reservation"), own = number_among(props, "refreservation");
	uint64_t refquota = number_among(props, "refquota");

	if (quota != 0 && quota < avail)
		avail = quota;
	if (own > avail || (refquota != 0 && own > refquota))
		return (err_set(e, ENOSPC, "out of space"));
	if (whole > avail)
		return (err_set(e, ENOSPC, "size is greater than available space"));
	return (0);
}

int
dsl_prop_check_new(struct spa *spa, unsigned kind, const struct nvlist *props, struct err *e)
{
	return (dsl_prop_check_all(spa, NULL, kind, props, e));
}

/* --- setting, in a sync task ------------------------------------------------------------------ */

static int
props_zap(struct dsl_dataset *ds, uint64_t *zap)
{
	int rc;

	*zap = dir_phys(ds->dir)->props_zap;
	if (!dsl_is_snapshot(ds))
		return (0);
	*zap = ds_phys(ds)->props_zap;
	if (*zap != 0)
		return (0);
	if ((rc = ds_dirty(ds)) == 0 && (rc = zap_create(dp_mos(ds->dp), OT_DSL_PROPS, 0, 0, zap)) == 0)
		ds_phys(ds)->props_zap = *zap;
	return (rc);
}

static int64_t
unused_of(uint64_t reserved, uint64_t unique)
{
	return (reserved > unique ? (int64_t)(reserved - unique) : 0);
}

/* What lies behind the new end of a volume is freed. */
static int
resize_volume(struct dsl_dataset *ds, struct objset *os, uint64_t bytes)
{
	int rc;

	if ((rc = dmu_free_range(os, 1, bytes, UINT64_MAX)) != 0 ||
	    (rc = zap_update(os, 2, "size", 8, 1, &bytes)) != 0)
		return (rc);
	return (ds_sync(ds));
}

/* What else a value changes.  The old value is still in the zap. */
static int
prop_take_effect(struct dsl_dataset *ds, const char *name, uint64_t num)
{
	uint64_t unique = ds_phys(ds)->unique;
	struct space_sum d = {0, 0, 0};
	struct objset *os;
	int rc;

	if ((strcmp(name, "checksum") == 0 || strcmp(name, "dedup") == 0) &&
	    checksum_is_keyed((unsigned)num & 0xff))
		return (spa_salt_make(ds->dp->spa));
	if (strcmp(name, "filesystem_limit") == 0 || strcmp(name, "snapshot_limit") == 0)
		return (dir_limit_set(ds->dir));
	if (strcmp(name, "quota") == 0) {
		if ((rc = dir_dirty(ds->dir)) == 0)
			dir_phys(ds->dir)->quota = num;
		return (rc);
	}
	if (strcmp(name, "reservation") == 0)
		return (dir_set_reserved(ds->dir, num));
	if (strcmp(name, "refreservation") == 0) {
		d.used = unused_of(num, unique) - unused_of(ds_reserved(ds), unique);
		return (dir_charge(ds->dir, DD_REFRSRV, &d));
	}
	if (strcmp(name, "volsize") != 0 || bp_is_hole(&ds_phys(ds)->bp))
		return (0);
	if ((rc = dsl_objset(ds, &os)) == 0 && objset_type(os) == OBJSET_ZVOL)
		rc = resize_volume(ds, os, num);
	return (rc);
}

int
dsl_prop_set_one(struct dsl_dataset *ds, const char *name, const struct fs_prop *p, uint64_t num,
    const char *text)
{
	struct objset *mos = dp_mos(ds->dp);
	char key[ZAP_NAME_MAX];
	uint64_t zap;
	int rc;

	if (p != NULL && (rc = prop_take_effect(ds, name, num)) != 0)
		return (rc);
	ds->dp->prop_generation++;
	if ((rc = props_zap(ds, &zap)) != 0)
		return (rc);
	if (suffixed(key, sizeof(key), name, "$inherit") == 0 &&
	    (rc = zap_remove(mos, zap, key)) != 0 && rc != -ENOENT)
		return (rc);
	if (p != NULL && p->kind != PROP_STRING)
		return (zap_update(mos, zap, name, 8, 1, &num));
	return (zap_update(mos, zap, name, 1, strlen(text) + 1, text));
}

/* Set at creation, but kept elsewhere (master node, block size of the volume's object). */
static bool
is_kept_in_objset(const struct fs_prop *p)
{
	return (p != NULL && (p->attr & PROP_SETONCE) && strcmp(p->name, "volblocksize") != 0);
}

static int
set_owner(struct dsl_dataset *ds, const struct prop_value *v)
{
	struct objset *os;
	int rc = dsl_objset(ds, &os);

	ds->dp->prop_generation++;
	return (rc != 0 ? rc : owner_quota_set(os, &v->owner, v->id, v->num));
}

int
dsl_prop_set_all(struct dsl_dataset *ds, const struct nvlist *props)
{
	struct nvpair *pair = NULL;
	struct prop_value v;
	int rc;

	while (props != NULL && (pair = nv_next(props, pair)) != NULL) {
		if ((rc = value_of_pair(props, pair, &v, NULL)) != 0)
			return (rc);
		if (v.is_owner) {
			if ((rc = set_owner(ds, &v)) != 0)
				return (rc);
			continue;
		}
		if (!is_kept_in_objset(v.p) &&
		    (rc = dsl_prop_set_one(ds, v.name, v.p, v.num, v.text)) != 0)
			return (rc);
	}
	return (0);
}

/* --- the calls -------------------------------------------------------------------------------- */

/* Tell whoever has a dataset open at or below dd. */
static void
notify_below(struct dsl_pool *dp, const char *name)
{
	struct dsl_dataset *top, *ds;
	struct dsl_listener *l, *next;
	size_t i;

	if (dsl_hold(dp->spa, name, &top, NULL) != 0)
		return;
	for (i = 0; i < DIR_BUCKETS; i++) {
		for (ds = dp->datasets[i]; ds != NULL; ds = ds->hash_next) {
			if (!dir_is_within(ds->dir, top->dir))
				continue;
			ds_apply_policy(ds);
			for (l = ds->listeners; l != NULL; l = next) {
				next = l->next;
				l->fn(ds, DSL_EVENT_PROPS, l->arg);
			}
		}
	}
	dsl_rele(top);
}

struct set_arg {
	const char *name;
	const struct nvlist *props;
	const char *inherit; /* instead of props */
	bool received;
};

static int
set_check(struct spa *spa, void *arg, struct err *e)
{
	const struct set_arg *a = arg;
	struct dsl_dataset *ds;
	int rc;

	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if ((rc = dsl_hold(spa, a->name, &ds, e)) != 0)
		return (rc);
	rc = dsl_prop_check_all(spa, ds, dsl_kind(ds), a->props, e);
	dsl_rele(ds);
	return (rc);
}

static int
set_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct set_arg *a = arg;
	struct dsl_dataset *ds;
	int rc;

	if ((rc = dsl_hold(spa, a->name, &ds, e)) != 0)
		return (rc);
	rc = dsl_prop_set_all(ds, a->props);
	dsl_rele(ds);
	return (err_rc(e, rc, "'%s'", a->name));
}

int
dsl_prop_set(struct spa *spa, const char *name, const struct nvlist *props, struct err *e)
{
	struct set_arg a = {name, props, NULL, false};
	int rc = spa_sync_task(spa, set_check, set_sync, &a, e);

	if (rc == 0)
		notify_below(spa->dsl, name);
	return (rc);
}

/* --- received values ---------------------------------------------------------------------------- */

struct receive_arg {
	const char *name;
	struct nvlist *legal; /* those that may be set */
};

/* Drop what an earlier stream said and this one does not say. */
static int
forget_received(struct dsl_pool *dp, uint64_t zap, const struct nvlist *props)
{
	struct nvlist *gone = nv_new();
	struct nvpair *p = NULL;
	struct zap_cursor c;
	struct zap_entry ze;
	int rc = gone == NULL ? -ENOMEM : 0;

	zap_cursor_init(&c, dp_mos(dp), zap, 0);
	while (rc == 0 && (rc = zap_cursor_next(&c, &ze)) == 0) {
		size_t n = strcspn(ze.name, "$");
		char name[ZAP_NAME_MAX];

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, ze.name);
		if (strcmp(ze.name + n, "$recvd") == 0 && !nv_has(props, name))
			rc = nv_add_boolean(gone, ze.name);
	}
	zap_cursor_fini(&c);
	rc = rc == -ENOENT ? 0 : rc;
	while (rc == 0 && (p = nv_next(gone, p)) != NULL)
		rc = zap_remove(dp_mos(dp), zap, nvpair_name(p));
	nv_free(gone);
	return (rc);
}

/* A received value rules when nothing local is there and it was not overridden by -x. */
static bool
received_rules(struct dsl_pool *dp, uint64_t zap, const char *name)
{
	char key[ZAP_NAME_MAX];
	unsigned intlen;
	uint64_t num;

	return (zap_length(dp_mos(dp), zap, name, &intlen, &num) == -ENOENT &&
	    suffixed(key, sizeof(key), name, "$inherit") == 0 &&
	    zap_length(dp_mos(dp), zap, key, &intlen, &num) == -ENOENT);
}

static int
receive_one(struct dsl_dataset *ds, uint64_t zap, const struct prop_value *v)
{
	struct objset *mos = dp_mos(ds->dp);
	char key[ZAP_NAME_MAX];
	int rc;

	if ((rc = suffixed(key, sizeof(key), v->name, "$recvd")) != 0)
		return (rc);
	if (v->p != NULL && received_rules(ds->dp, zap, v->name) &&
	    (rc = prop_take_effect(ds, v->name, v->num)) != 0)
		return (rc);
	ds->dp->prop_generation++;
	if (v->p != NULL && v->p->kind != PROP_STRING)
		return (zap_update(mos, zap, key, 8, 1, &v->num));
	return (zap_update(mos, zap, key, 1, strlen(v->text) + 1, v->text));
}

static int
receive_props(struct dsl_dataset *ds, const struct nvlist *props)
{
	struct nvpair *pair = NULL;
	struct prop_value v;
	uint64_t zap, zero = 0;
	int rc;

	if ((rc = props_zap(ds, &zap)) != 0 || (rc = forget_received(ds->dp, zap, props)) != 0 ||
	    (rc = zap_update(dp_mos(ds->dp), zap, "$hasrecvd", 8, 1, &zero)) != 0)
		return (rc);
	while (rc == 0 && (pair = nv_next(props, pair)) != NULL)
		if ((rc = value_of_pair(props, pair, &v, NULL)) == 0 && !is_kept_in_objset(v.p))
			rc = receive_one(ds, zap, &v);
	return (rc);
}

static int
receive_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct receive_arg *a = arg;
	struct dsl_dataset *ds;
	int rc = dsl_hold(spa, a->name, &ds, e);

	if (rc != 0)
		return (rc);
	rc = receive_props(ds, a->legal);
	dsl_rele(ds);
	return (err_rc(e, rc, "'%s'", a->name));
}

/* Which of them may be set here. */
static int
sort_out(struct spa *spa, struct dsl_dataset *ds, const struct nvlist *props,
    struct nvlist *legal, struct nvlist *refused)
{
	unsigned kind = dsl_kind(ds);
	struct nvpair *pair = NULL;
	int rc = 0;

	while (rc == 0 && (pair = nv_next(props, pair)) != NULL) {
		struct err why = ERR_INIT;
		struct prop_value v;

		if (value_of_pair(props, pair, &v, &why) == 0 &&
		    check_one(spa, ds, kind, &v, &why) == 0)
			rc = nv_add_pair(legal, pair);
		else if (refused != NULL)
			rc = nv_add_str(refused, nvpair_name(pair), why.msg);
	}
	return (rc);
}

int
dsl_prop_receive(struct spa *spa, const char *name, const struct nvlist *props,
    struct nvlist *refused, struct err *e)
{
	struct receive_arg a = {name, nv_new()};
	struct dsl_dataset *ds;
	int rc;

	if (a.legal == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = dsl_hold(spa, name, &ds, e)) == 0) {
		rc = err_rc(e, sort_out(spa, ds, props, a.legal, refused), "'%s'", name);
		dsl_rele(ds);
	}
	if (rc == 0)
		rc = spa_sync_task(spa, NULL, receive_sync, &a, e);
	if (rc == 0)
		notify_below(spa->dsl, name);
	nv_free(a.legal);
	return (rc);
}

static int
inherit_check(struct spa *spa, void *arg, struct err *e)
{
	const struct set_arg *a = arg;
	const struct fs_prop *p = fs_prop_find(a->inherit);
	struct dsl_dataset *ds;
	int rc;

	if (spa_is_readonly(spa))
		return (err_set(e, EROFS, "pool '%s' is read-only", spa_name(spa)));
	if (p == NULL && !fs_prop_is_user(a->inherit))
		return (err_set(e, EINVAL, "invalid property '%s'", a->inherit));
	if (p != NULL && (p->attr & PROP_READONLY))
		return (err_set(e, EINVAL, "'%s' is readonly", p->name));
	if (p != NULL && !(p->attr & PROP_INHERIT) && !a->received)
		return (err_set(e, EINVAL, "'%s' cannot be inherited", p->name));
	if ((rc = dsl_hold(spa, a->name, &ds, e)) != 0)
		return (rc);
	if (dsl_is_snapshot(ds) && p != NULL)
		rc = err_set(e, EINVAL, "'%s' cannot be changed on a snapshot", p->name);
	dsl_rele(ds);
	return (rc);
}

/* Without `received` a received value is hidden, not forgotten. */
static int
inherit_in_zap(struct dsl_pool *dp, uint64_t zap, const char *name, bool received)
{
	char recvd[ZAP_NAME_MAX], inherit[ZAP_NAME_MAX];
	uint64_t zero = 0, num;
	unsigned intlen;
	int rc;

	if ((rc = suffixed(recvd, sizeof(recvd), name, "$recvd")) != 0 ||
	    (rc = suffixed(inherit, sizeof(inherit), name, "$inherit")) != 0)
		return (rc);
	dp->prop_generation++;
	if ((rc = zap_remove(dp_mos(dp), zap, name)) != 0 && rc != -ENOENT)
		return (rc);
	if (!received && zap_length(dp_mos(dp), zap, recvd, &intlen, &num) == 0)
		return (zap_update(dp_mos(dp), zap, inherit, 8, 1, &zero));
	rc = zap_remove(dp_mos(dp), zap, inherit);
	return (rc == -ENOENT ? 0 : rc);
}

static int
inherit_sync(struct spa *spa, void *arg, struct err *e)
{
	const struct set_arg *a = arg;
	const struct fs_prop *p = fs_prop_find(a->inherit);
	struct dsl_dataset *ds;
	uint64_t zap;
	int rc;

	if ((rc = dsl_hold(spa, a->name, &ds, e)) != 0)
		return (rc);
	if ((rc = props_zap(ds, &zap)) == 0)
		rc = inherit_in_zap(spa->dsl, zap, p != NULL ? p->name : a->inherit, a->received);
	dsl_rele(ds);
	return (err_rc(e, rc, "'%s'", a->name));
}

int
dsl_prop_inherit(struct spa *spa, const char *name, const char *prop, bool received, struct err *e)
{
	struct set_arg a = {name, NULL, prop, received};
	int rc = spa_sync_task(spa, inherit_check, inherit_sync, &a, e);

	if (rc == 0)
		notify_below(spa->dsl, name);
	return (rc);
}

uint64_t
dsl_prop_generation(const struct dsl_dataset *ds)
{
	return (ds->dp->prop_generation);
}
