/* SPDX-License-Identifier: MIT */
/*
 * fs.userspace: what every user, group or project of a filesystem has and may have.
 *
 * in	name, kind (0 users, 1 groups, 2 projects)
 * out	"used", "quota", "objused", "objquota": u64 arrays, id and value in turn; one that this filesystem
 *	does not count is not there
 */
#include <errno.h>
#include <stdlib.h>

#include "poolops_impl.h"
#include "smartbox/fs/quota.h"

struct pairs {
	uint64_t *v;
	size_t n, cap;
};

static int
add_pair(uint64_t id, uint64_t value, void *arg)
{
	struct pairs *p = arg;

	if (p->n + 2 > p->cap) {
		size_t cap = p->cap == 0 ? 64 : 2 * p->cap;
		uint64_t *v = realloc(p->v, cap * sizeof(*v));

		if (v == NULL)
			return (-ENOMEM);
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = id;
	p->v[p->n++] = value;
	return (0);
}

static int
put_table(struct objset *os, const struct owner_prop *op, const char *key, struct nvlist *out)
{
	struct pairs p = {NULL, 0, 0};
	int rc = owner_walk(os, op, add_pair, &p);

	if (rc == 0)
		rc = add_pair(0, 0, &p); /* never empty; the reader drops it */
	if (rc == 0)
		rc = nv_add_u64_array(out, key, p.v, p.n);
	free(p.v);
	return (rc == -ENOTSUP ? 0 : rc);
}

static int
put_tables(struct dsl_dataset *ds, enum owner_kind kind, struct nvlist *out)
{
	static const char *const key[] = {"used", "quota", "objused", "objquota"};
	struct objset *os;
	unsigned i;
	int rc = dsl_objset(ds, &os);

	for (i = 0; i < 4 && rc == 0; i++)
		rc = put_table(os, &(struct owner_prop){kind, i >= 2, i % 2 == 1}, key[i], out);
	return (rc);
}

int
op_fs_userspace(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	uint64_t kind = nv_u64_or(in, "kind", OWNER_USER);
	struct dsl_dataset *ds;
	const char *name;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	if (kind >= OWNER_KINDS)
		return (err_set(e, EINVAL, "argument 'kind' is out of range"));
	spa_enter(s->spa);
	if ((rc = dsl_count_owners(s->spa, name, e)) == 0 &&
	    (rc = dsl_hold(s->spa, name, &ds, e)) == 0) {
		if (dsl_head_kind(ds) != DSL_FILESYSTEM)
			rc = err_set(e, EINVAL, "operation not applicable to datasets of this type");
		else
			rc = err_rc(e, put_tables(ds, (enum owner_kind)kind, out), "'%s'", name);
		dsl_rele(ds);
	}
	spa_exit(s->spa);
	return (rc);
}

/* --- fs.allow, fs.permissions ----------------------------------------------------------------- */

/* in: name, who, perms (strings); flag take.  who as on disk: "ul$1001" (docs/zfs-format.md). */
int
op_fs_allow(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct dsl_deleg d = {.take = arg_flag(in, "take")};
	const char *name;
	int rc;

	(void)out;
	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	if (nv_get_str_array(in, "who", &d.who, &d.nwho) != 0)
		return (err_set(e, EINVAL, "argument 'who' is missing"));
	if (nv_get_str_array(in, "perms", &d.perm, &d.nperm) != 0)
		d.nperm = 0;
	spa_enter(s->spa);
	rc = dsl_deleg_set(s->spa, name, &d, e);
	spa_exit(s->spa);
	return (rc);
}

static int
add_permission(const char *dataset, const char *who, const char *perm, void *arg)
{
	struct strlist *l = arg;
	int rc;

	if ((rc = strlist_add(l, dataset)) != 0 || (rc = strlist_add(l, who)) != 0)
		return (rc);
	return (strlist_add(l, perm));
}

/* out: permissions: dataset, who, permission, ... of it and all above it */
int
op_fs_permissions(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct strlist l = STRLIST_INIT;
	struct dsl_dataset *ds;
	const char *name;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0)
		return (rc);
	spa_enter(s->spa);
	if ((rc = dsl_hold(s->spa, name, &ds, e)) == 0) {
		if ((rc = dsl_deleg_walk(ds, add_permission, &l)) == 0)
			rc = strlist_to_nv(&l, out, "permissions");
		rc = err_rc(e, rc, "'%s'", name);
		dsl_rele(ds);
	}
	spa_exit(s->spa);
	strlist_free(&l);
	return (rc);
}
