/* SPDX-License-Identifier: MIT */
/*
 * Creating and deleting machines, and what a cut leaves.
 *
 * A machine is a zone configuration, a dataset and their contents; no single write makes all of it.
 * The zone's configuration is the journal: its attr vm-unfinished names the operation under way, and
 * it is written before anything else is made and removed after everything else is done.
 *
 *	create                                                  a cut here leaves
 *	1 configuration with vm-unfinished=create               a configured zone   }
 *	2 state incomplete                                      an incomplete zone  } vm_recover()
 *	3 clone, with the user property vmadm:unfinished=on     both                } removes it
 *	  (kvm, bhyve: a new dataset and the disks' volumes, all with the property)
 *	4 config/, guest files                                  both                }
 *	5 state installed                                       the machine: the commit
 *	6 vm-unfinished removed, property off                   the machine
 *	7 boot                                                  the machine, booted by the next boot
 *
 *	delete
 *	1 halt                                                  the machine, stopped
 *	2 vm-unfinished=delete                                  }
 *	3 state incomplete, then the dataset destroyed          } vm_recover() goes on with it
 *	4 state configured, configuration deleted               }
 *
 * Invariants:
 *  1. A dataset that a create made is named by a configuration that says vm-unfinished=create, or by
 *     an installed zone.  Nothing of ours is without a name.
 *  2. Only a dataset with vmadm:unfinished=on, or of a zone with vm-unfinished=delete, is ever
 *     destroyed by recovery.  A dataset that was there before is not touched.
 *  3. Whoever works on a machine holds its lock; recovery skips what is locked.
 *
 * A create whose first boot fails removes the machine too: vmadm create succeeds or leaves nothing.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/kern/zone_run.h"
#include "smartbox/machine/image.h"
#include "smartbox/machine/prop.h"
#include "vm_impl.h"

/* --- from payload to machine ------------------------------------------------------------------ */

static json_int_t
get_int(const json_t *vm, const char *key, json_int_t def)
{
	const json_t *v = json_object_get(vm, key);

	return (json_is_integer(v) ? json_integer_value(v) : def);
}

static void
set_int(json_t *vm, const char *key, json_int_t n)
{
	(void)json_object_set_new(vm, key, json_integer(n));
}

static json_int_t
least(json_int_t a, json_int_t b)
{
	return (a < b ? a : b);
}

static json_int_t
most(json_int_t a, json_int_t b)
{
	return (a > b ? a : b);
}

/* Of virtual machines: what the guest has, and on top of it what its monitor may use. */
static void
derive_hvm(json_t *vm)
{
	json_int_t ram = get_int(vm, "ram", 256), more;
	json_int_t room = brand_letter(json_str(vm, "brand", "")) == 'K' ? 1024 : 1280;

	more = most(get_int(vm, "max_physical_memory", ram + room), ram + 256);
	set_int(vm, "ram", ram);
	set_int(vm, "max_physical_memory", more);
	set_int(vm, "max_locked_memory", most(least(get_int(vm, "max_locked_memory", more), more),
	    ram + 256));
	set_int(vm, "max_swap", most(get_int(vm, "max_swap", more), more));
	set_int(vm, "max_shm_memory", least(get_int(vm, "max_shm_memory", more), more));
}

/* Of zones: ram is another name of max_physical_memory; the rest follows and is clamped. */
void
vm_derive(json_t *vm)
{
	json_int_t phys = get_int(vm, "max_physical_memory", get_int(vm, "ram", 256));

	if (vm_brand_is_hvm(json_str(vm, "brand", ""))) {
		derive_hvm(vm);
		return;
	}
	(void)json_object_del(vm, "ram");
	set_int(vm, "max_physical_memory", phys);
	set_int(vm, "max_locked_memory", least(get_int(vm, "max_locked_memory", phys), phys));
	set_int(vm, "max_swap", most(get_int(vm, "max_swap", phys), most(phys, 256)));
	set_int(vm, "max_shm_memory", least(get_int(vm, "max_shm_memory", phys), phys));
	set_int(vm, "tmpfs", least(get_int(vm, "tmpfs", phys), phys));
}

static json_t *
default_of(const struct prop *p)
{
	switch (p->type) {
	case PROP_INT:
		return (json_integer(strtoll(p->def, NULL, 10)));
	case PROP_BOOL:
		return (json_boolean(strcmp(p->def, "true") == 0));
	case PROP_LIST:
		return (json_pack("[s]", p->def));
	default:
		return (json_string(p->def));
	}
}

static void
apply_defaults(json_t *vm, char brand)
{
	for (const struct prop *p = vm_props; p->name != NULL; p++) {
		const json_t *v = json_object_get(vm, p->name);

		if (p->def != NULL && (v == NULL || json_is_null(v)) && p->store != STORE_NONE &&
		    p->store != STORE_MIB && brands_include(p->create, brand))
			(void)json_object_set_new(vm, p->name, default_of(p));
	}
}

static void
set_now(json_t *vm, const char *key)
{
	struct timespec now;
	char text[40], stamp[24];
	struct tm tm;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text, sizeof(text), "%s.%03ldZ", stamp, now.tv_nsec / 1000000);
	(void)json_object_set_new(vm, key, json_string(text));
}

static void
set_identity(json_t *vm)
{
	char uuid[UUID_STRLEN + 1];

	if (json_str(vm, "uuid", NULL) == NULL) {
		uuid_generate(uuid);
		(void)json_object_set_new(vm, "uuid", json_string(uuid));
	}
	if (json_str(vm, "zonename", "")[0] == '\0')
		(void)json_object_set(vm, "zonename", json_object_get(vm, "uuid"));
	if (json_str(vm, "hostname", "")[0] == '\0')
		(void)json_object_set(vm, "hostname", json_object_get(vm, "zonename"));
	set_now(vm, "create_timestamp");
}

static bool
pool_exists(void *ctx, const char *pool)
{
	const struct machine *m = ctx;

	return (m->ds->pool_is_imported(m->ds_ctx, pool));
}

static void
warn_dropped(const struct machine *m, const json_t *dropped)
{
	size_t i;
	json_t *name;

	json_array_foreach((json_t *)(uintptr_t)dropped, i, name)
		machine_say(m, "warning: ignoring property '%s'", json_string_value(name));
}

/* Accepting what is not done would be a silent half. */
static int
check_supported(const json_t *payload, struct err *e)
{
	const json_t *v = json_object_get(payload, "delegate_dataset");

	if (v == NULL || json_is_false(v) || json_is_null(v) ||
	    (json_is_string(v) && strcmp(json_string_value(v), "true") != 0))
		return (0);
	return (err_set(e, ENOTSUP, "Invalid value(s) for: delegate_dataset (true is not supported yet, "
	    "allowed is false)"));
}

static int
check_brand(const char *brand, struct err *e)
{
	if (brand_letter(brand) != '\0')
		return (0);
	return (err_set(e, ENOTSUP, "Invalid brand while validating payload: \"%s\"", brand));
}

/* A machine object with everything that a payload leaves open filled in. */
static int
build_machine(const struct machine *m, const json_t *payload, json_t **out, struct err *e)
{
	const char *brand = json_str(payload, "brand", "joyent");
	json_t *vm = NULL, *dropped = NULL;
	struct verdict v;
	int rc = payload_check(payload, PAYLOAD_CREATE, brand, pool_exists, (void *)(uintptr_t)m, &v);

	if (rc != 0)
		rc = err_set(e, EINVAL, "%s", v.why.msg);
	verdict_free(&v);
	if (rc != 0 || (rc = check_brand(brand, e)) != 0 || (rc = check_supported(payload, e)) != 0)
		return (rc);
	if ((vm = json_deep_copy(payload)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	payload_coerce(vm, PAYLOAD_CREATE, brand, &dropped);
	warn_dropped(m, dropped);
	json_decref(dropped);
	apply_defaults(vm, brand_letter(brand));
	set_identity(vm);
	vm_derive(vm);
	if (json_object_get(vm, "nics") == NULL)
		(void)json_object_set_new(vm, "nics", json_array());
	rc = vm_nics_normalize(json_object_get(vm, "nics"), brand, e);
	if (rc == 0 && vm_brand_is_hvm(brand))
		rc = vm_disks_normalize(m, vm, 0, NULL, e);
	if (rc != 0) {
		json_decref(vm);
		return (rc);
	}
	*out = vm;
	return (0);
}

/* --- may it be made? -------------------------------------------------------------------------- */

static int
check_free(const struct machine *m, const json_t *vm, struct err *e)
{
	const char *uuid = json_str(vm, "uuid", ""), *name = json_str(vm, "zonename", "");
	char found[ZONE_NAME_MAX + 1];
	struct zone_info zi;

	if (zone_name_check(name, e) != 0)
		return (err_wrap(e, "Invalid value(s) for: zonename"));
	if (vm_zonename(m, uuid, found, NULL) == 0)
		return (err_set(e, EEXIST, "VM with UUID %s already exists", uuid));
	if (zone_info_get(&m->zenv, name, &zi, NULL) == 0) {
		free(zi.zonepath);
		return (err_set(e, EEXIST, "zone '%s' already exists", name));
	}
	return (0);
}

static int
check_image(const struct machine *m, const json_t *vm, struct err *e)
{
	const char *uuid = json_str(vm, "image_uuid", ""), *os, *type;
	json_t *image;
	int rc;

	if (uuid[0] == '\0' && vm_brand_is_hvm(json_str(vm, "brand", "")))
		return (0); /* its disks have images */
	rc = image_get(m, uuid, &image, e);
	if (rc == -ENOENT)
		return (err_set(e, EINVAL,
		    "Invalid value(s) for: image_uuid (image %s is not installed, see imgadm list)", uuid));
	if (rc != 0)
		return (rc);
	os = json_str(json_object_get(image, "manifest"), "os", "linux");
	type = json_str(json_object_get(image, "manifest"), "type", "lx-dataset");
	if (strcmp(os, "linux") != 0 && strcmp(os, "other") != 0)
		rc = err_set(e, EINVAL, "Invalid value(s) for: image_uuid (image %s is for os %s, "
		    "allowed are linux, other)", uuid, os);
	else if (strcmp(type, "zvol") == 0)
		rc = err_set(e, EINVAL, "Invalid value(s) for: image_uuid (image %s is of type zvol, "
		    "allowed are zone-dataset, lx-dataset, docker, other)", uuid);
	json_decref(image);
	return (rc);
}

static int
check_sources(const json_t *vm, struct err *e)
{
	json_t *list = json_object_get(vm, "filesystems"), *fs;
	size_t i;

	json_array_foreach(list, i, fs) {
		const char *source = json_str(fs, "source", "");

		if (source[0] != '/')
			return (err_set(e, EINVAL, "Invalid value(s) for: filesystems.%zu.source (\"%s\" "
			    "must be an absolute path)", i, source));
		if (access(source, F_OK) != 0)
			return (err_set(e, ENOENT, "missing requested filesystem: %s", source));
	}
	return (0);
}

static int
check_machine(const struct machine *m, const json_t *vm, struct err *e)
{
	int rc;

	if ((rc = check_free(m, vm, e)) != 0 || (rc = check_image(m, vm, e)) != 0 ||
	    (rc = check_sources(vm, e)) != 0)
		return (rc);
	return (vm_nics_check(m, vm, e));
}

/* --- steps ------------------------------------------------------------------------------------ */

struct job {
	const struct machine *m;
	const json_t *vm;
	const char *name; /* zonename */
	char dataset[VM_DATASET_MAX];
	char zonepath[PATH_MAX];
};

static int
job_init(struct job *j, const struct machine *m, const json_t *vm, struct err *e)
{
	char mp[PATH_MAX / 2];
	const char *pool = json_str(vm, "zpool", m->pool);
	int rc = machine_mountpoint(m, pool, mp, sizeof(mp), e);

	if (rc != 0)
		return (rc);
	j->m = m;
	j->vm = vm;
	j->name = json_str(vm, "zonename", "");
	(void)snprintf(j->dataset, sizeof(j->dataset), "%s/%s", pool, j->name);
	(void)snprintf(j->zonepath, sizeof(j->zonepath), "%s/%s", strcmp(mp, "/") == 0 ? "" : mp, j->name);
	return (0);
}

static int
write_config(const struct job *j, struct err *e)
{
	struct zonecfg *c;
	int rc = zonecfg_new(j->name, &c, e);

	if (rc != 0)
		return (rc);
	if ((rc = zonecfg_set(c, "zonepath", j->zonepath, e)) == 0 &&
	    (rc = vm_conf_store(c, j->vm, e)) == 0 &&
	    (rc = zonecfg_set_attr(c, "vm-version", "uint", "1", e)) == 0 &&
	    (rc = zonecfg_set_attr(c, "zfs-filesystem", "string", j->dataset, e)) == 0 &&
	    (rc = zonecfg_set_attr(c, VM_UNFINISHED, "string", "create", e)) == 0)
		rc = zonecfg_save(&j->m->zenv, c, e);
	zonecfg_free(c);
	return (rc);
}

static int
clone_image(const struct job *j, struct err *e)
{
	char snap[VM_DATASET_MAX], idmap[32];
	struct nvlist *props = nv_new();
	uint32_t base;
	int rc;

	(void)snprintf(snap, sizeof(snap), "%.*s/%s@final", (int)strcspn(j->dataset, "/"), j->dataset,
	    json_str(j->vm, "image_uuid", ""));
	if ((rc = zone_range_get(&j->m->zenv, j->name, &base, e)) != 0)
		goto out;
	(void)snprintf(idmap, sizeof(idmap), "%u:%u", base, ZONE_IDS);
	if (props == NULL || nv_add_str(props, VM_MARK, "on") != 0 ||
	    nv_add_str(props, "smartbox:idmap", idmap) != 0 || vm_dataset_props(j->vm, props) != 0) {
		rc = err_set(e, ENOMEM, "out of memory");
		goto out;
	}
	rc = j->m->ds->clone(j->m->ds_ctx, snap, j->dataset, props, e);
out:
	nv_free(props);
	return (rc);
}

static int
make_owned_dir(const struct job *j, const char *name, uint32_t owner, struct err *e)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", j->zonepath, name);
	return (mkdir(path, 0755) == 0 && chown(path, owner, owner) == 0 ? 0 : err_sys(e, errno, "%s", path));
}

/* The machine's own dataset holds its configuration; root/ is the wall behind its monitor: empty. */
static int
make_hvm(const struct job *j, struct err *e)
{
	struct nvlist *props = nv_new();
	uint32_t base;
	int rc = 0;

	if (props == NULL || nv_add_str(props, VM_MARK, "on") != 0 || vm_dataset_props(j->vm, props) != 0)
		rc = err_set(e, ENOMEM, "out of memory");
	if (rc != 0 || (rc = j->m->ds->create(j->m->ds_ctx, j->dataset, props, e)) != 0 ||
	    (rc = zone_range_get(&j->m->zenv, j->name, &base, e)) != 0)
		goto out;
	if ((rc = make_owned_dir(j, "root", base, e)) == 0 &&
	    (rc = make_owned_dir(j, "root/tmp", base, e)) == 0)
		rc = vm_disks_create(j->m, json_object_get(j->vm, "disks"), true, e);
out:
	nv_free(props);
	return (rc);
}

static int
make_datasets(const struct job *j, struct err *e)
{
	return (vm_brand_is_hvm(json_str(j->vm, "brand", "")) ? make_hvm(j, e) : clone_image(j, e));
}

static int
fill_dataset(const struct job *j, struct err *e)
{
	int rc;

	if ((rc = vm_zonepath_prepare(j->zonepath, e)) != 0 ||
	    (rc = vm_files_store(j->zonepath, j->vm, e)) != 0)
		return (rc);
	if (vm_brand_is_hvm(json_str(j->vm, "brand", "")))
		return (0);
	return (vm_guest_write(j->zonepath, j->vm, true, e));
}

/* Step 6: from here on it is a machine like any other. */
static int
clear_marks(const struct machine *m, const char *name, struct err *e)
{
	char dataset[VM_DATASET_MAX];
	struct zonecfg *c;
	json_t *disks;
	int rc = zonecfg_load(&m->zenv, name, &c, e);

	if (rc != 0)
		return (rc);
	vm_dataset(c, m, dataset, sizeof(dataset));
	disks = vm_conf_disks(c);
	if ((rc = zonecfg_set_attr(c, VM_UNFINISHED, "string", NULL, e)) == 0)
		rc = zonecfg_save(&m->zenv, c, e);
	zonecfg_free(c);
	if (rc == 0) { /* of no consequence without the attr (invariant 2) */
		(void)m->ds->set(m->ds_ctx, dataset, VM_MARK, "off", NULL);
		vm_disks_unmark(m, disks);
	}
	json_decref(disks);
	return (rc);
}

/* --- removing --------------------------------------------------------------------------------- */

/* Invariant 2: a create's dataset must carry our mark. */
static int
destroy_dataset(const struct machine *m, const char *dataset, bool need_mark, struct err *e)
{
	char mark[16] = "";
	bool there;
	int rc = m->ds->exists(m->ds_ctx, dataset, &there, e);

	if (rc != 0 || !there)
		return (rc);
	if (need_mark && (m->ds->get(m->ds_ctx, dataset, VM_MARK, mark, sizeof(mark), NULL) != 0 ||
	                     strcmp(mark, "on") != 0))
		return (0);
	return (m->ds->destroy(m->ds_ctx, dataset, e));
}

/* An event that may have happened already. */
static int
stored_event(const struct machine *m, const char *name, enum zone_event ev, struct err *e)
{
	int rc = zone_event_stored(&m->zenv, name, ev, e);

	return (rc == -EALREADY ? 0 : rc);
}

/* Steps 3 and 4 of delete; also undoes a create from any step before its commit. */
static int
remove_machine(const struct machine *m, const char *name, bool need_mark, struct err *e)
{
	char dataset[VM_DATASET_MAX];
	struct zonecfg *c;
	json_t *disks;
	int rc = zonecfg_load(&m->zenv, name, &c, e);

	if (rc != 0)
		return (rc);
	vm_dataset(c, m, dataset, sizeof(dataset));
	disks = vm_conf_disks(c);
	zonecfg_free(c);
	rc = stored_event(m, name, ZONE_EV_UNINSTALL, e);
	if (rc == 0)
		rc = vm_disks_destroy(m, disks, NULL, need_mark, e);
	json_decref(disks);
	if (rc != 0 || (rc = destroy_dataset(m, dataset, need_mark, e)) != 0 ||
	    (rc = stored_event(m, name, ZONE_EV_UNINSTALLED, e)) != 0)
		return (rc);
	return (zonecfg_delete(&m->zenv, name, e));
}

static int
mark_deleting(const struct machine *m, const char *name, struct err *e)
{
	struct zonecfg *c;
	int rc = zonecfg_load(&m->zenv, name, &c, e);

	if (rc != 0)
		return (rc);
	if ((rc = zonecfg_set_attr(c, VM_UNFINISHED, "string", "delete", e)) == 0)
		rc = zonecfg_save(&m->zenv, c, e);
	zonecfg_free(c);
	return (rc);
}

/* --- create ----------------------------------------------------------------------------------- */

static int
boot_first(const struct job *j, struct err *e)
{
	int rc;

	if (!json_bool(j->vm, "autoboot", true))
		return (0);
	if ((rc = zone_boot(&j->m->zenv, j->name, NULL, e)) != 0 && rc != -EALREADY)
		return (err_wrap(e, "cannot boot the new zone"));
	return (0);
}

static int
provision(const struct job *j, struct err *e)
{
	int rc;

	if ((rc = write_config(j, e)) != 0)
		return (rc);
	if ((rc = zone_event_stored(&j->m->zenv, j->name, ZONE_EV_INSTALL, e)) != 0 ||
	    (rc = make_datasets(j, e)) != 0 || (rc = fill_dataset(j, e)) != 0 ||
	    (rc = zone_event_stored(&j->m->zenv, j->name, ZONE_EV_INSTALLED, e)) != 0 ||
	    (rc = clear_marks(j->m, j->name, e)) != 0)
		(void)remove_machine(j->m, j->name, true, NULL);
	else if ((rc = boot_first(j, e)) != 0) {
		(void)zone_halt(&j->m->zenv, j->name, NULL);
		if (mark_deleting(j->m, j->name, NULL) == 0)
			(void)remove_machine(j->m, j->name, false, NULL);
	}
	return (rc);
}

int
vm_create(const struct machine *m, const json_t *payload, char uuid[UUID_STRLEN + 1], struct err *e)
{
	struct job j;
	json_t *vm;
	int lock = -1, rc;

	if ((rc = build_machine(m, payload, &vm, e)) != 0)
		return (rc);
	(void)snprintf(uuid, UUID_STRLEN + 1, "%s", json_str(vm, "uuid", ""));
	if ((lock = rc = vm_lock(m, uuid, false, e)) < 0)
		goto out;
	if ((rc = job_init(&j, m, vm, e)) == 0 && (rc = check_machine(m, vm, e)) == 0)
		rc = provision(&j, e);
out:
	if (lock >= 0)
		file_unlock(lock);
	json_decref(vm);
	return (rc);
}

/* --- delete ----------------------------------------------------------------------------------- */

static bool
is_indestructible(const struct machine *m, const char *name)
{
	struct zonecfg *c;
	bool yes;

	if (zonecfg_load(&m->zenv, name, &c, NULL) != 0)
		return (false);
	yes = zonecfg_attr(c, "indestructible-zoneroot") != NULL;
	zonecfg_free(c);
	return (yes);
}

int
vm_delete(const struct machine *m, const char *uuid, struct err *e)
{
	char name[ZONE_NAME_MAX + 1];
	int lock, rc = 0;

	if ((lock = vm_hold(m, uuid, name, e)) < 0)
		return (lock);
	if (is_indestructible(m, name))
		rc = err_set(e, EPERM, "indestructible_zoneroot is set");
	else if (vm_zone_state(m, name) > ZONE_INSTALLED)
		rc = zone_halt(&m->zenv, name, e);
	if (rc == 0 || rc == -EALREADY)
		rc = mark_deleting(m, name, e);
	if (rc == 0)
		rc = remove_machine(m, name, false, e);
	file_unlock(lock);
	return (rc);
}

/* --- recovery --------------------------------------------------------------------------------- */

/* 1: something was removed, 0: nothing to do. */
static int
recover_zone(const struct machine *m, const char *name, enum zone_state state, const char *op)
{
	if (strcmp(op, "delete") == 0 && state <= ZONE_INSTALLED)
		return (remove_machine(m, name, false, NULL) == 0);
	if (strcmp(op, "create") != 0)
		return (0);
	if (state >= ZONE_INSTALLED) /* committed: step 6 was lost */
		return (clear_marks(m, name, NULL) == 0 ? 0 : -1);
	return (remove_machine(m, name, true, NULL) == 0);
}

static int
recover_one(const struct machine *m, const struct zone_info *zi)
{
	struct zonecfg *c;
	char op[16];
	int lock, n = 0;

	if (zonecfg_load(&m->zenv, zi->name, &c, NULL) != 0)
		return (0);
	(void)snprintf(op, sizeof(op), "%s",
	    zonecfg_attr(c, VM_UNFINISHED) != NULL ? zonecfg_attr(c, VM_UNFINISHED) : "");
	zonecfg_free(c);
	if ((lock = vm_lock(m, zi->uuid, true, NULL)) < 0)
		return (0);
	if (op[0] == '\0')
		(void)vm_update_recover(m, zi->name, NULL);
	/* Looked at again under the lock: the create may have ended in between. */
	if (zonecfg_load(&m->zenv, zi->name, &c, NULL) == 0) {
		if (zonecfg_attr(c, VM_UNFINISHED) != NULL)
			n = recover_zone(m, zi->name, vm_zone_state(m, zi->name), op);
		zonecfg_free(c);
	}
	file_unlock(lock);
	return (n > 0 ? n : 0);
}

static bool
is_unfinished(const struct zonecfg *c)
{
	return (zonecfg_attr(c, VM_UNFINISHED) != NULL);
}

int
vm_recover(const struct machine *m, struct err *e)
{
	struct zone_list l;
	int rc, n = zonecfg_sweep(&m->zenv, is_unfinished, e);

	if (n < 0 || (rc = zone_list_all(&m->zenv, &l, e)) != 0)
		return (n < 0 ? n : rc);
	for (size_t i = 0; i < l.n; i++)
		n += recover_one(m, &l.zones[i]);
	zone_list_free(&l);
	return (n);
}
