/* SPDX-License-Identifier: MIT */
/*
 * The plan of a compound stream: which snapshots of which filesystems, in which order, and the header
 * that tells the receiver what the whole looks like (so that it can rename and destroy).
 *
 * One walk under the pool's lock collects filesystems and their snapshots.  Then each filesystem's
 * increments follow one another, oldest first; a clone waits until its origin was planned.
 *
 *	flags			what is sent of a filesystem with snapshots a b c d, to d
 *	-i a			a..d
 *	-I a			a..b, b..c, c..d
 *	-R			(all or origin)..a, a..b, b..c, c..d
 *	-R -i a			a..d, and what is an origin of a clone in between
 *	-R, without a		as if -i had not been given
 */
#include "send_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- collecting ------------------------------------------------------------------------------- */

static int
grow(void **v, size_t n, size_t *room, size_t size)
{
	size_t want = *room == 0 ? 8 : 2 * *room;
	void *p;

	if (n < *room)
		return (0);
	if ((p = realloc(*v, want * size)) == NULL)
		return (-ENOMEM);
	*v = p;
	*room = want;
	return (0);
}

static int
add_fs(struct send_plan *p, struct dsl_dataset *ds)
{
	struct dsl_dataset *origin;
	struct plan_fs *f;
	int rc;

	if ((rc = grow((void **)&p->fs, p->nfs, &p->fs_room, sizeof(*p->fs))) != 0)
		return (rc);
	f = &p->fs[p->nfs++];
	*f = (struct plan_fs){.guid = dsl_guid(ds), .obj = ds->obj};
	dsl_name(ds, f->name);
	if (dir_phys(ds->dir)->origin_obj == 0 || dir_phys(ds->dir)->origin_obj == ds->dp->origin_obj)
		return (0);
	if ((rc = ds_hold_obj(ds->dp, dir_phys(ds->dir)->origin_obj, &origin)) != 0)
		return (rc);
	dsl_name(origin, f->origin);
	f->origin_guid = dsl_guid(origin);
	dsl_rele(origin);
	return (0);
}

static int
collect(struct dsl_dataset *ds, void *arg)
{
	struct send_plan *p = arg;
	struct plan_fs *f;
	int rc;

	if (!dsl_is_snapshot(ds))
		return (add_fs(p, ds));
	f = &p->fs[p->nfs - 1];
	if ((rc = grow((void **)&f->snap, f->nsnap, &f->room, sizeof(*f->snap))) != 0)
		return (rc);
	f->snap[f->nsnap] = (struct plan_snap){.name = strdup(ds->snapname), .guid = dsl_guid(ds),
	    .txg = ds_phys(ds)->creation_txg};
	return (f->snap[f->nsnap++].name == NULL ? -ENOMEM : 0);
}

static struct plan_snap *
find_snap(const struct plan_fs *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->nsnap; i++)
		if (strcmp(f->snap[i].name, name) == 0)
			return (&f->snap[i]);
	return (NULL);
}

/* The filesystem and the snapshot of a guid. */
static struct plan_fs *
find_guid(const struct send_plan *p, uint64_t guid, struct plan_snap **snap)
{
	size_t i, k;

	for (i = 0; i < p->nfs; i++)
		for (k = 0; k < p->fs[i].nsnap; k++)
			if (p->fs[i].snap[k].guid == guid) {
				*snap = &p->fs[i].snap[k];
				return (&p->fs[i]);
			}
	return (NULL);
}

/* Snapshots behind the last one to send are none of this stream's. */
static void
cut_behind(struct plan_fs *f, const struct plan_snap *last)
{
	size_t keep = (size_t)(last - f->snap) + 1;

	while (f->nsnap > keep)
		free(f->snap[--f->nsnap].name);
}

static int
check_tosnaps(struct send_plan *p, struct err *e)
{
	size_t i;

	for (i = 0; i < p->nfs; i++) {
		struct plan_snap *to = find_snap(&p->fs[i], p->tosnap);

		if (to != NULL) {
			cut_behind(&p->fs[i], to);
			continue;
		}
		p->fs[i].left_out = p->flags & PLAN_SKIP && i > 0;
		if (!p->fs[i].left_out)
			return (err_set(e, ENOENT, "cannot send %s@%s%s: snapshot %s@%s does not exist",
			    p->root, p->tosnap, p->flags & PLAN_RECURSIVE ? " recursively" : "",
			    p->fs[i].name, p->tosnap));
		while (p->fs[i].nsnap > 0)
			free(p->fs[i].snap[--p->fs[i].nsnap].name);
	}
	return (0);
}

static void
mark_origins(struct send_plan *p)
{
	struct plan_snap *snap;
	size_t i;

	for (i = 0; i < p->nfs; i++)
		if (p->fs[i].origin_guid != 0 && find_guid(p, p->fs[i].origin_guid, &snap) != NULL)
			snap->is_origin = true;
}

/* --- steps ------------------------------------------------------------------------------------ */

static int
name_snap(char buf[DSL_NAME_MAX], const struct plan_fs *f, const char *snap)
{
	return ((size_t)snprintf(buf, DSL_NAME_MAX, "%s@%s", f->name, snap) < DSL_NAME_MAX ? 0 :
	    -ENAMETOOLONG);
}

static int
add_step(struct send_plan *p, const struct plan_fs *f, const struct plan_snap *prev,
    const struct plan_snap *to)
{
	bool origin = prev == NULL && f->origin[0] != '\0' &&
	    (p->from_origin || (p->flags & PLAN_RECURSIVE));
	struct plan_step *s;
	int rc;

	if ((rc = grow((void **)&p->step, p->nstep, &p->step_room, sizeof(*p->step))) != 0)
		return (rc);
	s = &p->step[p->nstep++];
	*s = (struct plan_step){.is_clone = origin};
	if ((rc = name_snap(s->to, f, to->name)) != 0)
		return (rc);
	if (origin)
		memcpy(s->from, f->origin, sizeof(s->from));
	return (prev != NULL ? name_snap(s->from, f, prev->name) : 0);
}

static bool
is_wanted(const struct send_plan *p, const struct plan_fs *f, const struct plan_snap *s)
{
	return (s == &f->snap[f->nsnap - 1] || (p->flags & PLAN_ALL) ||
	    ((p->flags & PLAN_RECURSIVE) && s->is_origin));
}

static int
plan_fs(struct send_plan *p, struct plan_fs *f, struct err *e)
{
	struct plan_snap *from = find_snap(f, p->fromsnap), *prev = from;
	size_t i = from != NULL ? (size_t)(from - f->snap) + 1 : 0;
	int rc = 0;

	if (p->fromsnap[0] != '\0' && from == NULL && !(p->flags & PLAN_RECURSIVE))
		return (err_set(e, ENOENT, "incremental source (%s@%s) does not exist", f->name,
		    p->fromsnap));
	if (i == f->nsnap)
		return (err_set(e, EXDEV, "incremental source (%s@%s) is not earlier than it", f->name,
		    p->fromsnap));
	for (; i < f->nsnap && rc == 0; i++) {
		if (!is_wanted(p, f, &f->snap[i]))
			continue;
		rc = add_step(p, f, prev, &f->snap[i]);
		prev = &f->snap[i];
	}
	return (err_rc(e, rc, "'%s'", f->name));
}

/* In the walk's order, but origins before their clones. */
static int
plan_all(struct send_plan *p, struct err *e)
{
	struct plan_snap *snap;
	struct plan_fs *before;
	bool progress = true;
	size_t i;
	int rc;

	while (progress) {
		progress = false;
		for (i = 0; i < p->nfs; i++) {
			struct plan_fs *f = &p->fs[i];

			if (f->planned || f->left_out)
				continue;
			before = f->origin_guid != 0 ? find_guid(p, f->origin_guid, &snap) : NULL;
			if (before != NULL && before != f && !before->planned && !before->left_out)
				continue;
			if ((rc = plan_fs(p, f, e)) != 0)
				return (rc);
			f->planned = progress = true;
		}
	}
	return (0);
}

/* What each filesystem's parent has as its `from`: the receiver finds renamed ones by it. */
static void
note_parents(struct send_plan *p)
{
	size_t i, k;

	for (i = 1; i < p->nfs; i++) {
		size_t n = (size_t)(strrchr(p->fs[i].name, '/') - p->fs[i].name);

		for (k = i; k-- > 0;) {
			struct plan_snap *from;

			if (strlen(p->fs[k].name) != n || strncmp(p->fs[k].name, p->fs[i].name, n) != 0)
				continue;
			if (p->fromsnap[0] != '\0' && (from = find_snap(&p->fs[k], p->fromsnap)) != NULL)
				p->fs[i].parent_from_guid = from->guid;
			break;
		}
	}
}

int
send_plan_make(struct send_plan *p, struct err *e)
{
	int rc;

	rc = dsl_walk(p->spa, p->root, p->flags & PLAN_RECURSIVE ? -1 : 0,
	    DSL_FILESYSTEM | DSL_VOLUME | DSL_SNAPSHOT, collect, p, e);
	if (rc != 0 || (rc = check_tosnaps(p, e)) != 0)
		return (rc);
	mark_origins(p);
	note_parents(p);
	return (plan_all(p, e));
}

/* --- the header ------------------------------------------------------------------------------- */

static bool
prop_is_sent(const char *name, bool of_snapshot)
{
	const struct fs_prop *f = fs_prop_find(name);

	if (f == NULL)
		return (fs_prop_is_user(name));
	return (!(f->attr & (PROP_READONLY | PROP_SETONCE)) &&
	    !(of_snapshot && (f->attr & PROP_ZERO_NONE)));
}

static int
copy_value(struct objset *mos, uint64_t zap, const struct zap_entry *ze, const char *name,
    struct nvlist *nv)
{
	char *text;
	int rc;

	if (ze->intlen == 8)
		return (nv_add_u64(nv, name, ze->first));
	if ((text = malloc(ZAP_VALUE_MAX + 1)) == NULL)
		return (-ENOMEM);
	text[ZAP_VALUE_MAX] = '\0';
	if ((rc = zap_lookup(mos, zap, ze->name, 1, ZAP_VALUE_MAX, text)) == 0)
		rc = nv_add_str(nv, name, text);
	free(text);
	return (rc);
}

/* A received value counts when nothing local hides it; with -b nothing else counts. */
static int
add_prop(struct objset *mos, uint64_t zap, struct zap_entry *ze, bool received_only, bool of_snapshot,
    struct nvlist *nv)
{
	char name[ZAP_NAME_MAX], hidden[ZAP_NAME_MAX + 16];
	size_t n = strcspn(ze->name, "$");
	bool received = strcmp(ze->name + n, "$recvd") == 0;
	unsigned intlen;
	uint64_t num;

	if ((ze->name[n] != '\0' && !received) || (received_only && !received))
		return (0);
	(void)snprintf(name, sizeof(name), "%.*s", (int)n, ze->name);
	(void)snprintf(hidden, sizeof(hidden), "%s$inherit", name);
	if (!prop_is_sent(name, of_snapshot))
		return (0);
	if (received && !received_only && (zap_length(mos, zap, name, &intlen, &num) == 0 ||
	    zap_length(mos, zap, hidden, &intlen, &num) == 0))
		return (0);
	return (copy_value(mos, zap, ze, name, nv));
}

static int
props_of_zap(struct send_plan *p, uint64_t zap, bool of_snapshot, struct nvlist *nv)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	if (zap == 0 || !(p->flags & (PLAN_RECURSIVE | PLAN_PROPS | PLAN_BACKUP)))
		return (0);
	zap_cursor_init(&c, p->spa->mos, zap, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0)
		if ((rc = add_prop(p->spa->mos, zap, &ze, (p->flags & PLAN_BACKUP) != 0, of_snapshot,
		    nv)) != 0)
			break;
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? 0 : rc);
}

static int
holds_of_zap(struct spa *spa, uint64_t zap, struct nvlist *nv)
{
	struct zap_cursor c;
	struct zap_entry ze;
	int rc;

	if (zap == 0)
		return (0);
	zap_cursor_init(&c, spa->mos, zap, 0);
	while ((rc = zap_cursor_next(&c, &ze)) == 0)
		if ((rc = nv_add_u64(nv, ze.name, ze.first)) != 0)
			break;
	zap_cursor_fini(&c);
	return (rc == -ENOENT ? 0 : rc);
}

struct fs_lists {
	struct nvlist *snaps, *props, *holds, *one;
};

static int
header_snap(struct send_plan *p, const struct plan_fs *f, const struct plan_snap *s,
    struct fs_lists *l)
{
	char name[DSL_NAME_MAX];
	struct dsl_dataset *ds;
	int rc;

	if ((rc = nv_add_u64(l->snaps, s->name, s->guid)) != 0 || (rc = name_snap(name, f, s->name)) != 0 ||
	    (rc = dsl_hold(p->spa, name, &ds, NULL)) != 0)
		return (rc);
	if ((l->one = nv_new()) == NULL ||
	    (rc = props_of_zap(p, ds_phys(ds)->props_zap, true, l->one)) != 0 ||
	    (rc = nv_add_nvlist(l->props, s->name, l->one)) != 0)
		rc = rc != 0 ? rc : -ENOMEM;
	nv_free(l->one);
	if (rc == 0 && (p->flags & PLAN_HOLDS) && ds_phys(ds)->userrefs_zap != 0) {
		if ((l->one = nv_new()) == NULL ||
		    (rc = holds_of_zap(p->spa, ds_phys(ds)->userrefs_zap, l->one)) != 0 ||
		    (rc = nv_add_nvlist(l->holds, s->name, l->one)) != 0)
			rc = rc != 0 ? rc : -ENOMEM;
		nv_free(l->one);
	}
	dsl_rele(ds);
	return (rc);
}

/* Of a stream that is not recursive only what it carries is listed. */
static bool
is_listed(const struct send_plan *p, const struct plan_fs *f, size_t i)
{
	struct plan_snap *from = find_snap(f, p->fromsnap);

	if ((p->flags & PLAN_RECURSIVE) || i + 1 == f->nsnap)
		return (true);
	return ((p->flags & PLAN_ALL) && (from == NULL || &f->snap[i] > from));
}

static int
fs_props(struct send_plan *p, const struct plan_fs *f, struct nvlist *nv)
{
	struct nvlist *props = nv_new();
	struct dsl_dataset *ds;
	int rc = props == NULL ? -ENOMEM : dsl_hold(p->spa, f->name, &ds, NULL);

	if (rc == 0) {
		rc = props_of_zap(p, dir_phys(ds->dir)->props_zap, false, props);
		dsl_rele(ds);
	}
	if (rc == 0)
		rc = nv_add_nvlist(nv, "props", props);
	nv_free(props);
	return (rc);
}

static int
fill_fs(struct send_plan *p, const struct plan_fs *f, struct fs_lists *l, struct nvlist *nv)
{
	size_t i;
	int rc;

	if ((rc = nv_add_str(nv, "name", f->name)) != 0 ||
	    (rc = nv_add_u64(nv, "parentfromsnap", f->parent_from_guid)) != 0 ||
	    (f->origin_guid != 0 && (rc = nv_add_u64(nv, "origin", f->origin_guid)) != 0) ||
	    (rc = fs_props(p, f, nv)) != 0)
		return (rc);
	for (i = 0; i < f->nsnap && rc == 0; i++)
		if (is_listed(p, f, i))
			rc = header_snap(p, f, &f->snap[i], l);
	if (rc != 0 || (rc = nv_add_nvlist(nv, "snaps", l->snaps)) != 0 ||
	    (rc = nv_add_nvlist(nv, "snapprops", l->props)) != 0)
		return (rc);
	return (p->flags & PLAN_HOLDS ? nv_add_nvlist(nv, "snapholds", l->holds) : 0);
}

static int
header_fs(struct send_plan *p, const struct plan_fs *f, struct nvlist *fss)
{
	struct fs_lists l = {nv_new(), nv_new(), nv_new(), NULL};
	struct nvlist *nv = nv_new();
	char key[32];
	int rc = nv == NULL || l.snaps == NULL || l.props == NULL || l.holds == NULL ? -ENOMEM : 0;

	(void)snprintf(key, sizeof(key), "0x%llx", (unsigned long long)f->guid);
	if (rc == 0 && (rc = fill_fs(p, f, &l, nv)) == 0)
		rc = nv_add_nvlist(fss, key, nv);
	nv_free(l.snaps);
	nv_free(l.props);
	nv_free(l.holds);
	nv_free(nv);
	return (rc);
}

int
send_plan_header(struct send_plan *p, struct nvlist **out)
{
	struct nvlist *nv, *fss;
	size_t i;
	int rc = 0;

	*out = NULL;
	if (!(p->flags & (PLAN_RECURSIVE | PLAN_PROPS | PLAN_BACKUP | PLAN_HOLDS)))
		return (0);
	nv = nv_new();
	fss = nv_new();
	if (nv == NULL || fss == NULL)
		rc = -ENOMEM;
	if (rc == 0 && p->fromsnap[0] != '\0')
		rc = nv_add_str(nv, "fromsnap", p->fromsnap);
	if (rc == 0)
		rc = nv_add_str(nv, "tosnap", p->tosnap);
	if (rc == 0 && !(p->flags & PLAN_RECURSIVE))
		rc = nv_add_boolean(nv, "not_recursive");
	for (i = 0; i < p->nfs && rc == 0; i++)
		if (!p->fs[i].left_out)
			rc = header_fs(p, &p->fs[i], fss);
	if (rc == 0)
		rc = nv_add_nvlist(nv, "fss", fss);
	nv_free(fss);
	if (rc != 0)
		nv_free(nv);
	else
		*out = nv;
	return (rc);
}

void
send_plan_free(struct send_plan *p)
{
	while (p->nfs > 0) {
		struct plan_fs *f = &p->fs[--p->nfs];

		while (f->nsnap > 0)
			free(f->snap[--f->nsnap].name);
		free(f->snap);
	}
	free(p->fs);
	free(p->step);
}
