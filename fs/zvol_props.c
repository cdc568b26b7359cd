/* SPDX-License-Identifier: MIT */
/*
 * Properties of volumes that hang together: the size and what is reserved for it.
 *
 * A volume whose refreservation is what its size needs ("zfs create -V" without -s) keeps that when it
 * is resized; one with another refreservation, or none, is sparse and keeps what it has.
 * "refreservation=auto" asks for the number, whatever it is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "poolops_impl.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/zvol.h"

struct volume {
	struct zvol_init now;
	uint64_t refreservation, copies;
};

/* 0 and whether it is one; unlike dsl_kind, which takes for a filesystem what it cannot read. */
static int
is_volume(struct dsl_dataset *ds, bool *yes)
{
	struct objset *os;
	int rc;

	*yes = false;
	if (dsl_is_snapshot(ds))
		return (0);
	if ((rc = dsl_objset(ds, &os)) == 0)
		*yes = objset_type(os) == OBJSET_ZVOL;
	return (rc);
}

/* -EINVAL: not a volume. */
static int
look_at(struct pool_session *s, const char *name, struct volume *v)
{
	struct dsl_dataset *ds;
	uint64_t block = 0;
	bool volume;
	int rc;

	spa_enter(s->spa);
	if ((rc = dsl_hold(s->spa, name, &ds, NULL)) == 0) {
		if ((rc = is_volume(ds, &volume)) == 0 && !volume)
			rc = -EINVAL;
		if (rc == 0 && (rc = dsl_prop_u64(ds, "volsize", &v->now.size)) == 0 &&
		    (rc = dsl_prop_u64(ds, "volblocksize", &block)) == 0 &&
		    (rc = dsl_prop_u64(ds, "refreservation", &v->refreservation)) == 0)
			rc = dsl_prop_u64(ds, "copies", &v->copies);
		dsl_rele(ds);
	}
	spa_exit(s->spa);
	v->now.block_size = (uint32_t)block;
	return (rc);
}

static int
new_size(const struct nvlist *props, const struct volume *v, struct zvol_init *want, struct err *e)
{
	const char *text = nv_str_or(props, "volsize", NULL);
	char unit[24];
	int rc;

	*want = v->now;
	if (text == NULL)
		return (0);
	if ((rc = units_parse_size(text, &want->size, e)) != 0)
		return (rc);
	if (want->size != 0 && want->size % want->block_size != 0) {
		units_format_count(unit, sizeof(unit), want->block_size);
		return (err_set(e, EINVAL, "'volsize' must be a multiple of volume block size (%s)", unit));
	}
	return (zvol_check(want, e));
}

static int
set_reservation(struct nvlist *props, const struct zvol_init *want, const struct volume *v)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%llu",
	    (unsigned long long)zvol_reservation(want, (unsigned)v->copies));
	return (nv_add_str(props, "refreservation", number));
}

int
volume_props(struct pool_session *s, const char *name, const struct nvlist *props,
    struct nvlist **out, struct err *e)
{
	const char *asked = nv_str_or(props, "refreservation", NULL);
	bool automatic = asked != NULL && strcmp(asked, "auto") == 0;
	struct zvol_init want;
	struct volume v;
	int rc;

	*out = NULL;
	if (!nv_has(props, "volsize") && !automatic)
		return (0);
	if ((rc = look_at(s, name, &v)) == -EINVAL)
		return (automatic ? err_set(e, EINVAL,
		    "'refreservation' can be 'auto' for volumes only") : 0);
	if (rc != 0)
		return (err_rc(e, rc, "'%s'", name));
	if ((rc = new_size(props, &v, &want, e)) != 0)
		return (rc);
	if (!automatic && (asked != NULL ||
	    v.refreservation != zvol_reservation(&v.now, (unsigned)v.copies)))
		return (0);
	if ((*out = nv_dup(props)) == NULL || set_reservation(*out, &want, &v) != 0) {
		nv_free(*out);
		*out = NULL;
		return (err_set(e, ENOMEM, "out of memory"));
	}
	return (0);
}
