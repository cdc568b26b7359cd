/* SPDX-License-Identifier: MIT */
/*
 * Starting, stopping and snapshots of machines.
 *
 * autoboot is what makes a machine come back after a reboot of the host, so start sets it before it
 * boots the zone and stop clears it before it halts it: what was acknowledged holds after a power
 * cut, and a cut in between errs on the side of what the operator asked for.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/kern/zone_run.h"
#include "smartbox/machine/nictag.h"
#include "vm_impl.h"

enum { HVM_STOP_S = 180, ZONECFG_DISKS = 16 };

static const char *
state_word(enum zone_state s)
{
	return (s == ZONE_INSTALLED ? "stopped" : zone_state_name(s));
}

static int
set_autoboot(const struct machine *m, const char *name, bool on, struct err *e)
{
	struct zonecfg *c;
	int rc = zonecfg_load(&m->zenv, name, &c, e);

	if (rc != 0)
		return (rc);
	if (zonecfg_get_bool(c, "autoboot") != on &&
	    (rc = zonecfg_set(c, "autoboot", on ? "true" : "false", e)) == 0)
		rc = zonecfg_save(&m->zenv, c, e);
	zonecfg_free(c);
	return (rc);
}

/* Tags may have gone since the machine was made. */
static int
check_tags(const struct machine *m, const char *name, struct err *e)
{
	struct zonecfg_res *r = NULL;
	char link[LINK_NAME_MAX];
	struct zonecfg *c;
	int rc = zonecfg_load(&m->zenv, name, &c, e);

	if (rc != 0)
		return (rc);
	while (rc == 0 && (r = zonecfg_res_next(c, "net", r)) != NULL)
		if (zonecfg_res_get(r, "global-nic") != NULL)
			rc = nictag_link(m, zonecfg_res_get(r, "global-nic"), link, e);
	zonecfg_free(c);
	return (rc);
}

/* --- start and stop --------------------------------------------------------------------------- */

/* Of the machine's configuration; '\0' when it cannot be read. */
static bool
is_hvm(const struct machine *m, const char *name)
{
	struct zonecfg *c;
	bool yes;

	if (zonecfg_load(&m->zenv, name, &c, NULL) != 0)
		return (false);
	yes = vm_brand_is_hvm(zonecfg_get(c, "brand") != NULL ? zonecfg_get(c, "brand") : "");
	zonecfg_free(c);
	return (yes);
}

int
vm_start(const struct machine *m, const char *uuid, const char *extras, struct err *e)
{
	char name[ZONE_NAME_MAX + 1];
	int lock, rc;

	if ((lock = vm_hold(m, uuid, name, e)) < 0)
		return (lock);
	if (vm_zone_state(m, name) == ZONE_RUNNING)
		rc = err_set(e, EALREADY, "VM %s is already 'running'", uuid);
	else if ((rc = check_tags(m, name, e)) == 0 && (rc = set_autoboot(m, name, true, e)) == 0)
		rc = extras != NULL && !is_hvm(m, name)
		        ? err_set(e, EINVAL, "only kvm and bhyve machines take boot arguments")
		        : zone_boot(&m->zenv, name, extras, e);
	file_unlock(lock);
	return (rc);
}

static int
stop_locked(const struct machine *m, const char *uuid, const char *name, bool force,
    unsigned timeout_s, struct err *e)
{
	enum zone_state s = vm_zone_state(m, name);
	int rc = set_autoboot(m, name, false, e);

	if (rc != 0)
		return (rc);
	if (s <= ZONE_INSTALLED)
		return (err_set(e, EALREADY, "VM %s is already not 'running' (currently: %s)", uuid,
		    state_word(s)));
	if (timeout_s == 0 && is_hvm(m, name))
		timeout_s = HVM_STOP_S;
	return (force || s != ZONE_RUNNING
	        ? zone_halt(&m->zenv, name, e)
	        : zone_shutdown(&m->zenv, name, false, NULL, timeout_s, e));
}

int
vm_stop(const struct machine *m, const char *uuid, bool force, unsigned timeout_s, struct err *e)
{
	char name[ZONE_NAME_MAX + 1];
	int lock, rc;

	if ((lock = vm_hold(m, uuid, name, e)) < 0)
		return (lock);
	rc = stop_locked(m, uuid, name, force, timeout_s, e);
	file_unlock(lock);
	return (rc);
}

int
vm_reboot(const struct machine *m, const char *uuid, bool force, struct err *e)
{
	char name[ZONE_NAME_MAX + 1], answer[64];
	enum zone_state s;
	int lock, rc;

	if ((lock = vm_hold(m, uuid, name, e)) < 0)
		return (lock);
	s = vm_zone_state(m, name);
	if (s != ZONE_RUNNING)
		rc = err_set(e, EINVAL, "VM %s is not running (currently: %s)", uuid, state_word(s));
	else if (force && is_hvm(m, name))
		rc = vm_hvm_command(m, name, "reset", answer, sizeof(answer), e);
	else if ((rc = check_tags(m, name, e)) == 0)
		rc = force ? zone_reboot(&m->zenv, name, NULL, e)
		           : zone_shutdown(&m->zenv, name, true, NULL, is_hvm(m, name) ? HVM_STOP_S : 0, e);
	file_unlock(lock);
	return (rc);
}

int
vm_kill(const struct machine *m, const char *uuid, int signo, struct err *e)
{
	char name[ZONE_NAME_MAX + 1];
	struct zone_info zi;
	int rc;

	if ((rc = vm_zonename(m, uuid, name, e)) != 0 ||
	    (rc = zone_info_get(&m->zenv, name, &zi, e)) != 0)
		return (rc);
	free(zi.zonepath);
	if (zi.state != ZONE_RUNNING || zi.init_pid <= 0)
		return (err_set(e, EINVAL, "VM %s is not running (currently: %s)", uuid,
		    state_word(zi.state)));
	return (kill(zi.init_pid, signo) == 0 ? 0 : err_sys(e, errno, "cannot signal VM %s", uuid));
}

int
vm_console(const struct machine *m, const char *uuid, int *fd, struct err *e)
{
	char name[ZONE_NAME_MAX + 1];
	int rc = vm_zonename(m, uuid, name, e);

	return (rc != 0 ? rc : zone_console_open(&m->zenv, name, fd, e));
}

/* --- snapshots -------------------------------------------------------------------------------- */

static int
check_snapshot_name(const char *name, struct err *e)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:%-";
	size_t n = strlen(name);

	if (n >= 1 && n <= 64 && strspn(name, allowed) == n)
		return (0);
	return (err_set(e, EINVAL, "Invalid snapshot name \"%s\": 1 to 64 characters of A-Z a-z 0-9 _ . : "
	    "%% -", name));
}

static int
snapshot_dataset(const struct machine *m, const char *zone, const char *snap, char *buf, size_t size,
    bool *there, struct err *e)
{
	char dataset[VM_DATASET_MAX];
	struct zonecfg *c;
	int rc = check_snapshot_name(snap, e);

	if (rc != 0 || (rc = zonecfg_load(&m->zenv, zone, &c, e)) != 0)
		return (rc);
	vm_dataset(c, m, dataset, sizeof(dataset));
	zonecfg_free(c);
	(void)snprintf(buf, size, "%s@vmsnap-%s", dataset, snap);
	return (m->ds->exists(m->ds_ctx, buf, there, e));
}

struct snapshot {
	char zone[ZONE_NAME_MAX + 1], full[VM_DATASET_MAX + 80];
	bool there;
};

/* Lock the machine and look for its snapshot; the lock, a descriptor for file_unlock(). */
static int
hold_snapshot(const struct machine *m, const char *uuid, const char *name, struct snapshot *s,
    struct err *e)
{
	int rc, lock = vm_hold(m, uuid, s->zone, e);

	if (lock < 0)
		return (lock);
	rc = snapshot_dataset(m, s->zone, name, s->full, sizeof(s->full), &s->there, e);
	if (rc != 0)
		file_unlock(lock);
	return (rc != 0 ? rc : lock);
}

/* The same for one that must be there. */
static int
hold_existing(const struct machine *m, const char *uuid, const char *name, struct snapshot *s,
    struct err *e)
{
	int lock = hold_snapshot(m, uuid, name, s, e);

	if (lock < 0 || s->there)
		return (lock);
	file_unlock(lock);
	return (err_set(e, ENOENT, "No snapshot named \"%s\" for %s", name, uuid));
}

/* What a machine's snapshot consists of: its dataset's, and one of every volume that is a disk of it. */
struct parts {
	char name[1 + ZONECFG_DISKS][VM_DATASET_MAX + 80];
	const char *list[1 + ZONECFG_DISKS];
	size_t n;
};

static int
parts_of(const struct machine *m, const struct snapshot *s, struct parts *p, struct err *e)
{
	struct zonecfg *c;
	json_t *disks, *d;
	size_t i;
	int rc = zonecfg_load(&m->zenv, s->zone, &c, e);

	if (rc != 0)
		return (rc);
	(void)snprintf(p->name[0], sizeof(p->name[0]), "%s", s->full);
	p->n = 1;
	disks = vm_brand_is_hvm(zonecfg_get(c, "brand")) ? vm_conf_disks(c) : NULL;
	json_array_foreach(disks, i, d)
		if (vm_disk_volume(d) != NULL && p->n <= ZONECFG_DISKS)
			(void)snprintf(p->name[p->n++], sizeof(p->name[0]), "%s%s", vm_disk_volume(d),
			    strchr(s->full, '@'));
	for (i = 0; i < p->n; i++)
		p->list[i] = p->name[i];
	json_decref(disks);
	zonecfg_free(c);
	return (0);
}

/* One after another; the machine's own dataset, which says that the snapshot exists, comes last. */
static int
each_part(const struct machine *m, const struct snapshot *s,
    int (*fn)(void *ctx, const char *snap, struct err *e), struct err *e)
{
	struct parts p;
	int rc = parts_of(m, s, &p, e);

	for (size_t i = p.n; rc == 0 && i-- > 0;) {
		bool there;

		if ((rc = m->ds->exists(m->ds_ctx, p.name[i], &there, e)) == 0 && there)
			rc = fn(m->ds_ctx, p.name[i], e);
	}
	return (rc);
}

static int
take_snapshot(const struct machine *m, const struct snapshot *s, struct err *e)
{
	struct parts p;
	int rc = parts_of(m, s, &p, e);

	if (rc != 0)
		return (rc);
	if (p.n == 1)
		return (m->ds->snapshot(m->ds_ctx, s->full, e));
	return (m->ds->snapshots(m->ds_ctx, p.list, p.n, e));
}

int
vm_snapshot_create(const struct machine *m, const char *uuid, const char *name, struct err *e)
{
	struct snapshot s;
	int rc, lock = hold_snapshot(m, uuid, name, &s, e);

	if (lock < 0)
		return (lock);
	rc = s.there ? err_set(e, EEXIST, "snapshot with name \"%s\" already exists.", name) :
		       take_snapshot(m, &s, e);
	file_unlock(lock);
	return (rc);
}

int
vm_snapshot_delete(const struct machine *m, const char *uuid, const char *name, struct err *e)
{
	struct snapshot s;
	int rc, lock = hold_existing(m, uuid, name, &s, e);

	if (lock < 0)
		return (lock);
	rc = each_part(m, &s, m->ds->destroy, e);
	file_unlock(lock);
	return (rc);
}

/* The machine is down while its root changes under it, and up afterwards, as vmadm has it. */
static int
rollback_locked(const struct machine *m, const struct snapshot *s, struct err *e)
{
	const char *zone = s->zone;
	int rc;

	if (vm_zone_state(m, zone) > ZONE_INSTALLED && (rc = zone_halt(&m->zenv, zone, e)) != 0 &&
	    rc != -EALREADY)
		return (rc);
	if ((rc = each_part(m, s, m->ds->rollback, e)) != 0 ||
	    (rc = check_tags(m, zone, e)) != 0 || (rc = set_autoboot(m, zone, true, e)) != 0)
		return (rc);
	return (zone_boot(&m->zenv, zone, NULL, e));
}

int
vm_snapshot_rollback(const struct machine *m, const char *uuid, const char *name, struct err *e)
{
	struct snapshot s;
	int rc, lock = hold_existing(m, uuid, name, &s, e);

	if (lock < 0)
		return (lock);
	rc = rollback_locked(m, &s, e);
	file_unlock(lock);
	return (rc);
}
