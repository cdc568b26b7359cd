/* SPDX-License-Identifier: MIT */
/*
 * owners: how much space and how many objects each user, group and project has in an objset.
 *
 * Theory of operation
 *
 * Three zaps in the objset's root block map an id to the bytes of its objects (dnode slots and
 * blocks), and "obj-" id to their number.  OpenZFS keeps them, quotas and `zfs userspace` read them;
 * so in a dataset that has them they must stay exact.  New filesystems have them from the start; one
 * that an older engine made does not, says so in its flags, and is counted when somebody asks
 * (owners_count): object by object is touched, over as many txgs as it takes.
 *
 * The sums are kept by differences.  When a dnode is about to change for the first time in a txg, what
 * it counts for is noted (owner_note); when the txg is written and all its blocks are
 * accounted, the note is compared with what it counts for now, and the difference goes into the zaps.
 * A dnode whose flags do not say "counted" counts for nothing and is marked as it is counted.
 *
 * Facts: docs/zfs-format.md, "User accounting".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmu_impl.h"
#include "smartbox/fs/zap.h"

#define SA_MAGIC 0x2F505AU
#define SA_UID 24
#define SA_GID 32
#define SA_FLAGS 48
#define SA_PROJID 128
#define ZFS_PROJID (1ULL << 47)
#define COUNT_PER_TXG 4096
#define KINDS 3 /* user, group, project: object -1, -2, -3 */

struct note {
	uint64_t obj; /* 0: empty place */
	bool bytes_counted, object_counted;
	uint64_t bytes;
	uint64_t id[KINDS];
};

struct owner_notes {
	struct note *v; /* open addressing */
	size_t size, n;
};

struct change {
	unsigned kind;
	bool objects; /* their number, else bytes */
	uint64_t id;
	int64_t delta;
};

struct changes {
	struct change *v;
	size_t n, cap;
};

bool
owners_are_kept(const struct objset *os)
{
	return (os->ops != NULL && os->phys.userused.type != OT_NONE &&
	    os->phys.groupused.type != OT_NONE);
}

/* --- what a dnode counts for ------------------------------------------------------------------ */

static uint64_t
u64_at(const uint8_t *p, size_t off)
{
	uint64_t v;

	memcpy(&v, p + off, sizeof(v));
	return (v);
}

/* The owners from the attributes, which lie at fixed places; false: this object has none. */
static bool
read_ids(const struct dnode_phys *p, uint64_t id[KINDS])
{
	const uint8_t *bonus = dnode_bonus((struct dnode_phys *)p);
	uint32_t magic = 0, header;
	uint16_t info;

	memset(id, 0, KINDS * sizeof(id[0]));
	if (p->bonus_type != OT_SA)
		return (false);
	if (p->bonus_len >= 8)
		memcpy(&magic, bonus, sizeof(magic));
	if (magic != SA_MAGIC)
		return (true); /* not filled in yet: root's */
	memcpy(&info, bonus + 4, sizeof(info));
	header = (uint32_t)(info >> 10) << 3;
	if (header + SA_FLAGS + 8 > p->bonus_len)
		return (true);
	id[0] = u64_at(bonus, header + SA_UID);
	id[1] = u64_at(bonus, header + SA_GID);
	if ((u64_at(bonus, header + SA_FLAGS) & ZFS_PROJID) && header + SA_PROJID + 8 <= p->bonus_len)
		id[2] = u64_at(bonus, header + SA_PROJID);
	return (true);
}

static void
describe(const struct dnode_phys *p, uint64_t obj, struct note *n)
{
	bool owned = read_ids(p, n->id);

	n->obj = obj;
	n->bytes = dnode_phys_bytes(p) +
	    (p->flags & DN_USED_BYTES ? p->used : p->used << SECTOR_SHIFT);
	n->bytes_counted = owned && (p->flags & DN_USERUSED);
	n->object_counted = owned && (p->flags & DN_USEROBJUSED);
}

/* --- notes ------------------------------------------------------------------------------------ */

static struct note *
place_of(const struct owner_notes *t, uint64_t obj)
{
	size_t i = (obj * 0x9e3779b97f4a7c15ULL) >> 32 & (t->size - 1);

	while (t->v[i].obj != 0 && t->v[i].obj != obj)
		i = (i + 1) & (t->size - 1);
	return (&t->v[i]);
}

static int
grow(struct owner_notes *t)
{
	struct owner_notes new = {NULL, t->size == 0 ? 64 : t->size * 2, t->n};
	size_t i;

	if (t->n * 2 < t->size)
		return (0);
	if ((new.v = calloc(new.size, sizeof(*new.v))) == NULL)
		return (-ENOMEM);
	for (i = 0; i < t->size; i++)
		if (t->v[i].obj != 0)
			*place_of(&new, t->v[i].obj) = t->v[i];
	free(t->v);
	*t = new;
	return (0);
}

int
owner_note(struct objset *os, uint64_t obj, const struct dnode_phys *p)
{
	struct note *n;

	if (os->notes == NULL && (os->notes = calloc(1, sizeof(*os->notes))) == NULL)
		return (-ENOMEM);
	if (grow(os->notes) != 0)
		return (-ENOMEM);
	n = place_of(os->notes, obj);
	if (n->obj != 0)
		return (0);
	os->notes->n++;
	n->obj = obj;
	if (p != NULL)
		describe(p, obj, n);
	return (0);
}

void
owners_forget(struct objset *os)
{
	if (os->notes == NULL)
		return;
	free(os->notes->v);
	free(os->notes);
	os->notes = NULL;
}

/* --- differences ------------------------------------------------------------------------------ */

static int
add_change(struct changes *c, unsigned kind, bool objects, uint64_t id, int64_t delta)
{
	struct change *v;

	if (c->n == c->cap) {
		c->cap = c->cap == 0 ? 64 : c->cap * 2;
		if ((v = realloc(c->v, c->cap * sizeof(*v))) == NULL)
			return (-ENOMEM);
		c->v = v;
	}
	c->v[c->n++] = (struct change){kind, objects, id, delta};
	return (0);
}

static int
add_note(struct objset *os, struct changes *c, const struct note *n, int sign)
{
	unsigned kinds = os->phys.projectused.type != OT_NONE ? KINDS : KINDS - 1, k;
	int rc = 0;

	for (k = 0; k < kinds && rc == 0; k++) {
		if (n->bytes_counted)
			rc = add_change(c, k, false, n->id[k], sign * (int64_t)n->bytes);
		if (rc == 0 && n->object_counted)
			rc = add_change(c, k, true, n->id[k], sign);
	}
	return (rc);
}

static int
compare_object(struct objset *os, struct changes *c, const struct note *old)
{
	struct note now = {0};
	struct dnode *dn;
	int rc;

	if ((rc = add_note(os, c, old, -1)) != 0)
		return (rc);
	if ((rc = dnode_hold(os, old->obj, &dn)) != 0)
		return (rc == -ENOENT ? 0 : rc);
	/* Its block is dirty in this txg, or there would be no note. */
	dn->phys->flags |= DN_USERUSED;
	if ((os->phys.flags | os->owner_goal) & OBJSET_USEROBJ)
		dn->phys->flags |= DN_USEROBJUSED;
	describe(dn->phys, old->obj, &now);
	dnode_rele(dn);
	return (add_note(os, c, &now, 1));
}

static int
by_key(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->kind != y->kind)
		return (x->kind < y->kind ? -1 : 1);
	if (x->objects != y->objects)
		return (x->objects ? 1 : -1);
	return (x->id < y->id ? -1 : x->id > y->id);
}

static int
apply(struct objset *os, const struct change *c, int64_t delta)
{
	uint64_t zap = USERUSED_OBJECT - c->kind, sum = 0;
	char key[24];
	int rc;

	if (delta == 0)
		return (0);
	(void)snprintf(key, sizeof(key), "%s%llx", c->objects ? "obj-" : "",
	    (unsigned long long)c->id);
	if ((rc = zap_lookup(os, zap, key, 8, 1, &sum)) != 0 && rc != -ENOENT)
		return (rc);
	sum += (uint64_t)delta;
	if (sum == 0)
		return (rc == 0 ? zap_remove(os, zap, key) : 0);
	return (zap_update(os, zap, key, 8, 1, &sum));
}

static int
apply_all(struct objset *os, struct changes *c)
{
	size_t i, j;
	int64_t sum;
	int rc = 0;

	if (c->n > 0)
		qsort(c->v, c->n, sizeof(*c->v), by_key);
	for (i = 0; i < c->n && rc == 0; i = j) {
		for (sum = 0, j = i; j < c->n && by_key(&c->v[i], &c->v[j]) == 0; j++)
			sum += c->v[j].delta;
		rc = apply(os, &c->v[i], sum);
	}
	return (rc);
}

int
owners_sync(struct objset *os)
{
	struct changes c = {NULL, 0, 0};
	size_t i;
	int rc = 0;

	if (os->notes == NULL)
		return (0);
	for (i = 0; i < os->notes->size && rc == 0; i++)
		if (os->notes->v[i].obj != 0)
			rc = compare_object(os, &c, &os->notes->v[i]);
	if (rc == 0)
		rc = apply_all(os, &c);
	free(c.v);
	owners_forget(os);
	return (rc);
}

/* --- beginning -------------------------------------------------------------------------------- */

static int
start_table(struct objset *os, unsigned kind, const struct dnode_phys *p)
{
	uint64_t obj = owners_table(kind);
	int rc;

	if (p->type != OT_NONE)
		return (0);
	rc = dnode_make_special(os, obj, OT_USERGROUP_USED);
	return (rc != 0 ? rc : zap_format(os, obj, 0));
}

static int
start_tables(struct objset *os, uint64_t flags)
{
	int rc;

	os->owner_goal = flags;
	if ((rc = start_table(os, 0, &os->phys.userused)) != 0 ||
	    (rc = start_table(os, 1, &os->phys.groupused)) != 0)
		return (rc);
	return (flags & OBJSET_PROJECT ? start_table(os, 2, &os->phys.projectused) : 0);
}

int
owners_begin(struct objset *os, uint64_t flags)
{
	int rc = start_tables(os, flags);

	if (rc == 0)
		objset_set_flags(os, os->phys.flags | flags);
	return (rc);
}

/* Dirtying an object notes what it counts for; the sync compares, and counts it if nobody did. */
static int
touch(struct objset *os, uint64_t obj)
{
	struct dnode *dn;
	int rc = dnode_hold(os, obj, &dn);

	if (rc != 0)
		return (rc == -ENOENT ? 0 : rc);
	rc = dnode_dirty(dn);
	dnode_rele(dn);
	return (rc);
}

/*
 * Projects are begun with users or not at all: objects whose users are counted would have to count as
 * not counted for projects only, which no flag of theirs can say.
 */
int
owners_count(struct objset *os, uint64_t flags, uint64_t *obj)
{
	unsigned n;
	int rc;

	if (os->phys.userused.type != OT_NONE && os->phys.projectused.type == OT_NONE)
		flags &= ~(uint64_t)OBJSET_PROJECT;
	if ((rc = start_tables(os, flags)) != 0)
		return (rc);
	for (n = 0; n < COUNT_PER_TXG; n++) {
		if ((rc = dmu_object_next(os, obj)) == -ESRCH) {
			objset_set_flags(os, os->phys.flags | flags);
			return (0);
		}
		if (rc != 0 || (rc = touch(os, *obj)) != 0)
			return (rc);
	}
	return (1);
}
