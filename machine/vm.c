/* SPDX-License-Identifier: MIT */
/*
 * Finding and loading machines.
 *
 * Every zone of a known brand is a machine, as in SmartOS, whoever configured it.  A machine object is
 * put together from the zone's configuration, its line in the zone list, the files in its zonepath and
 * its dataset; what a listing does not show is not loaded (VM_FILES, VM_DATASET).
 */
#include "smartbox/machine/vm.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/machine/prop.h"
#include "vm_impl.h"

#define VMSNAP "vmsnap-"

/* --- finding ---------------------------------------------------------------------------------- */

int
vm_zonename(const struct machine *m, const char *uuid, char name[ZONE_NAME_MAX + 1], struct err *e)
{
	struct zone_list l;
	int rc = zone_list_all(&m->zenv, &l, e);

	if (rc != 0)
		return (rc);
	rc = -ENOENT;
	for (size_t i = 0; i < l.n && rc != 0; i++)
		if (strcmp(l.zones[i].uuid, uuid) == 0) {
			memcpy(name, l.zones[i].name, ZONE_NAME_MAX + 1);
			rc = 0;
		}
	zone_list_free(&l);
	return (rc == 0 ? 0 : err_set(e, ENOENT, "VM %s not found", uuid));
}

int
vm_lock(const struct machine *m, const char *uuid, bool nonblock, struct err *e)
{
	char path[PATH_MAX];
	int rc;

	if ((rc = file_mkdirs(m->zenv.run, 0755, e)) != 0)
		return (rc);
	(void)snprintf(path, sizeof(path), "%s/vm.%s.config.lockfile", m->zenv.run, uuid);
	return (file_lock(path, false, nonblock, e));
}

int
vm_hold(const struct machine *m, const char *uuid, char name[ZONE_NAME_MAX + 1], struct err *e)
{
	int lock, rc;

	if ((rc = vm_zonename(m, uuid, name, e)) != 0)
		return (rc);
	if ((lock = vm_lock(m, uuid, false, e)) < 0)
		return (lock);
	/* It may have gone while we waited. */
	if ((rc = vm_zonename(m, uuid, name, e)) != 0) {
		file_unlock(lock);
		return (rc);
	}
	return (lock);
}

enum zone_state
vm_zone_state(const struct machine *m, const char *name)
{
	struct zone_info zi;
	enum zone_state s;

	if (zone_info_get(&m->zenv, name, &zi, NULL) != 0)
		return (ZONE_CONFIGURED);
	s = zi.state;
	free(zi.zonepath);
	return (s);
}

/* The zonepath is /POOL/ZONENAME; its first component names the pool. */
void
vm_dataset(const struct zonecfg *c, const struct machine *m, char *buf, size_t size)
{
	const char *attr = zonecfg_attr(c, "zfs-filesystem");

	if (attr != NULL)
		(void)snprintf(buf, size, "%s", attr);
	else
		(void)snprintf(buf, size, "%s/%s", m->pool, zonecfg_name(c));
}

/* --- loading ---------------------------------------------------------------------------------- */

static void
set_str(json_t *vm, const char *key, const char *s)
{
	(void)json_object_set_new(vm, key, json_string(s));
}

static void
set_time(json_t *vm, const char *key, time_t t)
{
	char text[32];
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000Z", &tm) > 0)
		set_str(vm, key, text);
}

static const char *
type_of_brand(const char *brand)
{
	switch (brand_letter(brand)) {
	case 'L':
		return ("LX");
	case 'K':
		return ("KVM");
	case 'H':
		return ("BHYVE");
	default:
		return ("OS");
	}
}

static const char *
state_shown(const struct zonecfg *c, enum zone_state s)
{
	const char *unfinished = zonecfg_attr(c, VM_UNFINISHED);

	if (zonecfg_attr(c, "failed") != NULL)
		return ("failed");
	if (unfinished != NULL && strcmp(unfinished, "create") == 0)
		return ("provisioning");
	return (s == ZONE_INSTALLED ? "stopped" : zone_state_name(s));
}

/* "EPOCH[.x] WSTATUS", written by the supervisor when init ended. */
static void
load_exit(const char *zonepath, json_t *vm)
{
	char path[PATH_MAX];
	char *text;
	long long when;
	size_t len;
	int status;

	(void)snprintf(path, sizeof(path), "%s/lastexited", zonepath);
	if (file_read(path, 256, &text, &len, NULL) != 0)
		return;
	if (sscanf(text, "%lld%*[.0-9] %d", &when, &status) == 2 ||
	    sscanf(text, "%lld %d", &when, &status) == 2) {
		int code = status == -1 ? 0 : (status & 0x7f) == 0 ? status >> 8 : -(status & 0x7f);

		(void)json_object_set_new(vm, "exit_status", json_integer(code));
		set_time(vm, "exit_timestamp", (time_t)when);
	}
	free(text);
}

static void
load_live(const struct zone_info *zi, json_t *vm)
{
	char path[PATH_MAX];
	struct stat st;

	if (zi->id >= 0)
		(void)json_object_set_new(vm, "zoneid", json_integer(zi->id));
	if (zi->state != ZONE_RUNNING) {
		load_exit(zi->zonepath, vm);
		return;
	}
	if (zi->init_pid > 0)
		(void)json_object_set_new(vm, "pid", json_integer(zi->init_pid));
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)zi->init_pid);
	if (zi->init_pid > 0 && stat(path, &st) == 0)
		set_time(vm, "boot_timestamp", st.st_ctime);
}

static void
load_modified(const struct machine *m, const char *name, json_t *vm)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/zones/%s.xml", m->zenv.etc, name);
	if (stat(path, &st) == 0)
		set_time(vm, "last_modified", st.st_mtime);
}

static void
load_memory(json_t *vm)
{
	json_t *phys = json_object_get(vm, "max_physical_memory");

	if (phys != NULL && !json_bool(vm, "hvm", false))
		(void)json_object_set(vm, "ram", phys);
}

static int
add_snapshot(const struct dataset_row *row, void *arg)
{
	json_t *list = arg, *snap;
	const char *at = strchr(row->name, '@');

	if (at == NULL || strncmp(at + 1, VMSNAP, strlen(VMSNAP)) != 0)
		return (0);
	snap = json_pack("{s:s, s:I}", "name", at + 1 + strlen(VMSNAP), "size",
	    (json_int_t)(row->used >> 20));
	set_time(snap, "created_at", (time_t)row->created);
	return (json_array_insert_new(list, 0, snap)); /* newest first */
}

static void
load_dataset(const struct machine *m, const char *dataset, json_t *vm)
{
	json_t *snaps = json_array();
	char text[64];

	if (m->ds->get(m->ds_ctx, dataset, "quota", text, sizeof(text), NULL) == 0)
		(void)json_object_set_new(vm, "quota",
		    json_integer((json_int_t)(strtoull(text, NULL, 10) >> 30)));
	if (m->ds->get(m->ds_ctx, dataset, "compression", text, sizeof(text), NULL) == 0)
		set_str(vm, "zfs_root_compression", text);
	if (m->ds->get(m->ds_ctx, dataset, "recordsize", text, sizeof(text), NULL) == 0)
		(void)json_object_set_new(vm, "zfs_root_recsize",
		    json_integer((json_int_t)strtoull(text, NULL, 10)));
	vm_disks_show(m, json_object_get(vm, "disks"));
	(void)m->ds->list(m->ds_ctx, dataset, add_snapshot, snaps, NULL);
	(void)json_object_set_new(vm, "snapshots", snaps);
}

static void
set_default_list(json_t *vm, const char *key)
{
	if (json_object_get(vm, key) == NULL)
		(void)json_object_set_new(vm, key, json_array());
}

static void
fill(const struct machine *m, const struct zonecfg *c, const struct zone_info *zi, unsigned what,
    json_t *vm)
{
	const char *brand = json_str(vm, "brand", "");
	char dataset[VM_DATASET_MAX];

	vm_dataset(c, m, dataset, sizeof(dataset));
	(void)json_object_set_new(vm, "v", json_integer(1));
	set_str(vm, "type", type_of_brand(brand));
	(void)json_object_set_new(vm, "hvm", json_boolean(strchr("KH", brand_letter(brand)) != NULL));
	set_str(vm, "state", state_shown(c, zi->state));
	set_str(vm, "zone_state", zone_state_name(zi->state));
	set_str(vm, "zonepath", zi->zonepath);
	set_str(vm, "zfs_filesystem", dataset);
	(void)json_object_set_new(vm, "zpool", json_stringn(dataset, strcspn(dataset, "/")));
	(void)json_object_set_new(vm, "zonedid", json_integer(zi->did));
	if (json_object_get(vm, "firewall_enabled") == NULL)
		(void)json_object_set_new(vm, "firewall_enabled", json_false());
	set_default_list(vm, "resolvers");
	load_live(zi, vm);
	load_modified(m, zi->name, vm);
	load_memory(vm);
	vm_nics_show(json_object_get(vm, "nics"));
	if (what & VM_FILES)
		vm_files_load(zi->zonepath, vm);
	if (what & VM_DATASET)
		load_dataset(m, dataset, vm);
}

static int
load_zone(const struct machine *m, const struct zone_info *zi, unsigned what, json_t **out,
    struct err *e)
{
	struct zonecfg *c;
	json_t *vm;
	int rc = zonecfg_load(&m->zenv, zi->name, &c, e);

	if (rc != 0)
		return (rc);
	if ((vm = json_object()) == NULL)
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = vm_conf_load(c, vm, e)) == 0) {
		fill(m, c, zi, what, vm);
		*out = json_incref(vm);
	}
	json_decref(vm);
	zonecfg_free(c);
	return (rc);
}

int
vm_load(const struct machine *m, const char *uuid, unsigned what, json_t **out, struct err *e)
{
	struct zone_list l;
	const struct zone_info *zi = NULL;
	int rc = zone_list_all(&m->zenv, &l, e);

	if (rc != 0)
		return (rc);
	for (size_t i = 0; i < l.n && zi == NULL; i++)
		if (strcmp(l.zones[i].uuid, uuid) == 0)
			zi = &l.zones[i];
	if (zi == NULL)
		rc = err_set(e, ENOENT, "zoneadm: %s: No such zone configured", uuid);
	else
		rc = load_zone(m, zi, what, out, e);
	zone_list_free(&l);
	return (rc);
}

int
vm_load_all(const struct machine *m, unsigned what, json_t **out, struct err *e)
{
	struct zone_list l;
	json_t *all = json_array();
	int rc = zone_list_all(&m->zenv, &l, e);

	if (rc != 0) {
		json_decref(all);
		return (rc);
	}
	for (size_t i = 0; i < l.n; i++) {
		struct err why = ERR_INIT;
		json_t *vm;

		if (brand_letter(l.zones[i].brand) == '\0')
			continue;
		/* One broken configuration must not hide the others. */
		if (load_zone(m, &l.zones[i], what, &vm, &why) != 0)
			machine_say(m, "warning: %s", why.msg);
		else
			(void)json_array_append_new(all, vm);
	}
	zone_list_free(&l);
	*out = all;
	return (0);
}

unsigned
vm_field_needs(const char *field)
{
	static const char *const files[] = {"customer_metadata", "internal_metadata", "tags", "routes"};
	static const char *const dataset[] = {"disks", "quota", "snapshots", "zfs_root_compression",
	    "zfs_root_recsize"};
	size_t n = strcspn(field, ".");

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strlen(files[i]) == n && strncmp(files[i], field, n) == 0)
			return (VM_FILES);
	for (size_t i = 0; i < sizeof(dataset) / sizeof(dataset[0]); i++)
		if (strlen(dataset[i]) == n && strncmp(dataset[i], field, n) == 0)
			return (VM_DATASET);
	return (0);
}
