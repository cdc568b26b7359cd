/* SPDX-License-Identifier: MIT */
/*
 * Changing a machine.
 *
 * An update ends up in three places: the zone's configuration, files in config/, properties of the
 * dataset.  To make it one step, the whole new machine object is first written to a journal,
 * <etc>/zones/NAME.update.json; then the three places are written from it, then it is removed.
 * Writing them again changes nothing, so after a cut vm_update_recover() just does it again: before the
 * journal's rename the machine is the old one, after it the new one.
 *
 * A failure that is not a cut (a full pool) is answered by writing the old object back.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/kern/zone_run.h"
#include "smartbox/machine/prop.h"
#include "vm_impl.h"

/* --- the verbs -------------------------------------------------------------------------------- */

/* The member that names an element of the array in update_ and remove_. */
static const char *
key_member(const char *what)
{
	return (strcmp(what, "nics") == 0 ? "mac" : strcmp(what, "filesystems") == 0 ? "target" : "path");
}

static json_int_t
index_of(const json_t *list, const char *member, const char *key)
{
	size_t i;
	json_t *o;

	json_array_foreach((json_t *)(uintptr_t)list, i, o)
		if (strcasecmp(json_str(o, member, ""), key) == 0)
			return ((json_int_t)i);
	return (-1);
}

static json_t *
member_array(json_t *vm, const char *what)
{
	json_t *list = json_object_get(vm, what);

	if (!json_is_array(list)) {
		list = json_array();
		(void)json_object_set_new(vm, what, list);
	}
	return (list);
}

/* A new primary nic takes the flag from the old one. */
static void
steal_primary(json_t *list, const json_t *item)
{
	size_t i;
	json_t *o;

	if (!json_bool(item, "primary", false))
		return;
	json_array_foreach(list, i, o)
		(void)json_object_del(o, "primary");
}

static void
add_items(json_t *vm, const char *what, json_t *items)
{
	json_t *list = member_array(vm, what), *item;
	size_t i;

	json_array_foreach(items, i, item) {
		steal_primary(list, item);
		(void)json_array_append(list, item);
	}
}

/* New addresses in one form replace those in the other. */
static void
merge_item(json_t *old, json_t *item)
{
	const char *key;
	json_t *v;

	if (json_object_get(item, "ip") != NULL)
		(void)json_object_del(old, "ips");
	if (json_object_get(item, "gateway") != NULL)
		(void)json_object_del(old, "gateways");
	json_object_foreach(item, key, v) {
		if (json_is_null(v))
			(void)json_object_del(old, key);
		else
			(void)json_object_set(old, key, v);
	}
}

static int
update_items(json_t *vm, const char *what, json_t *items, struct err *e)
{
	const char *member = key_member(what);
	json_t *list = member_array(vm, what), *item;
	size_t i;

	json_array_foreach(items, i, item) {
		const char *key = json_str(item, member, "");
		json_int_t at = index_of(list, member, key);

		if (key[0] == '\0')
			return (err_set(e, EINVAL, "update_%s.%zu: missing .%s, which names the element",
			    what, i, member));
		if (at < 0)
			return (err_set(e, ENOENT, "update_%s.%zu: no element with %s \"%s\"", what, i,
			    member, key));
		steal_primary(list, item);
		merge_item(json_array_get(list, (size_t)at), item);
	}
	return (0);
}

static void
remove_items(json_t *vm, const char *what, const json_t *keys)
{
	json_t *list = member_array(vm, what), *key;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)keys, i, key) {
		json_int_t at = index_of(list, key_member(what), json_string_value(key));

		if (at >= 0)
			(void)json_array_remove(list, (size_t)at);
	}
}

static void
remove_keys(json_t *vm, const char *what, const json_t *keys)
{
	json_t *o = json_object_get(vm, what), *key;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)keys, i, key)
		(void)json_object_del(o, json_string_value(key));
}

static void
set_keys(json_t *vm, const char *what, json_t *values)
{
	json_t *o = json_object_get(vm, what);

	if (!json_is_object(o)) {
		o = json_object();
		(void)json_object_set_new(vm, what, o);
	}
	(void)json_object_update(o, values);
}

/* One verb; removals are applied in a pass before the others, so that set_ wins over remove_. */
static int
apply_verb(json_t *vm, const char *key, json_t *v, bool removals, struct err *e)
{
	bool flat;

	if (strncmp(key, "remove_", 7) == 0) {
		flat = prop_find(vm_props, key + 7)->type == PROP_FLAT;
		if (removals && flat)
			remove_keys(vm, key + 7, v);
		else if (removals)
			remove_items(vm, key + 7, v);
		return (0);
	}
	if (removals)
		return (0);
	if (strncmp(key, "set_", 4) == 0)
		set_keys(vm, key + 4, v);
	else if (strncmp(key, "add_", 4) == 0)
		add_items(vm, key + 4, v);
	else
		return (update_items(vm, key + 7, v, e));
	return (0);
}

static void
apply_value(json_t *vm, const char *key, json_t *v)
{
	if (json_is_null(v) && strcmp(key, "quota") == 0)
		(void)json_object_set_new(vm, key, json_integer(0));
	else if (json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0))
		(void)json_object_del(vm, key);
	else
		(void)json_object_set(vm, key, v);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void
follow(json_t *vm, const json_t *payload, const char *key, json_int_t before, json_int_t after)
{
	json_int_t old = json_int(vm, key, before);

	if (json_object_get(payload, key) == NULL)
		(void)json_object_set_new(vm, key, json_integer(old - before + after));
}

/* The guest's memory and what its monitor has on top of it: a new cap follows from new memory. */
static void
follow_ram(json_t *vm, const json_t *payload)
{
	static const char *const follow_it[] = {"max_physical_memory", "max_locked_memory", "max_swap",
	    "max_shm_memory"};

	for (size_t i = 0; json_object_get(payload, "ram") != NULL && i < 4; i++)
		if (json_object_get(payload, follow_it[i]) == NULL)
			(void)json_object_del(vm, follow_it[i]);
}

/* A changed cap keeps the distance of swap and locked memory, and the proportion of tmpfs. */
static void
follow_memory(json_t *vm, const json_t *payload, json_int_t before)
{
	json_t *cap = json_object_get(payload, "max_physical_memory");
	json_int_t after;

	if (vm_brand_is_hvm(json_str(vm, "brand", ""))) {
		follow_ram(vm, payload);
		return;
	}
	if (cap == NULL)
		cap = json_object_get(payload, "ram");
	if (!json_is_integer(cap) || before <= 0)
		return;
	after = json_integer_value(cap);
	(void)json_object_set(vm, "max_physical_memory", cap);
	follow(vm, payload, "max_locked_memory", before, after);
	follow(vm, payload, "max_swap", before, after);
	follow(vm, payload, "max_shm_memory", before, after);
	if (json_object_get(payload, "tmpfs") == NULL)
		(void)json_object_set_new(vm, "tmpfs",
		    json_integer(json_int(vm, "tmpfs", before) * after / before));
}

/* --- the journal ------------------------------------------------------------------------------ */

static void
journal_path(const struct machine *m, const char *name, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/zones/%s.update.json", m->zenv.etc, name);
}

/* Write the three places.  Idempotent. */
static int
write_places(const struct machine *m, const char *name, const json_t *vm, struct err *e)
{
	char dataset[VM_DATASET_MAX];
	struct zonecfg *c;
	json_t *disks;
	int rc = zonecfg_load(&m->zenv, name, &c, e);

	if (rc != 0)
		return (rc);
	vm_dataset(c, m, dataset, sizeof(dataset));
	disks = vm_conf_disks(c);
	if ((rc = vm_dataset_store(m, dataset, vm, e)) == 0 &&
	    (rc = vm_disks_create(m, json_object_get(vm, "disks"), false, e)) == 0 &&
	    (rc = vm_disks_apply(m, json_object_get(vm, "disks"), e)) == 0 &&
	    (rc = vm_disks_destroy(m, disks, json_object_get(vm, "disks"), false, e)) == 0 &&
	    (rc = vm_files_store(zonecfg_get(c, "zonepath"), vm, e)) == 0 &&
	    (rc = vm_conf_store(c, vm, e)) == 0 && (rc = zonecfg_save(&m->zenv, c, e)) == 0)
		rc = zone_caps_apply(&m->zenv, c, e);
	json_decref(disks);
	zonecfg_free(c);
	return (rc);
}

static int
commit(const struct machine *m, const char *name, const json_t *before, const json_t *after,
    struct err *e)
{
	char path[PATH_MAX];
	int rc;

	journal_path(m, name, path, sizeof(path));
	if ((rc = json_save_file(path, after, 0600, e)) != 0)
		return (rc);
	if ((rc = write_places(m, name, after, e)) != 0)
		(void)write_places(m, name, before, NULL);
	(void)file_remove(path, NULL);
	return (rc);
}

int
vm_update_recover(const struct machine *m, const char *name, struct err *e)
{
	char path[PATH_MAX];
	json_t *vm;
	int rc;

	journal_path(m, name, path, sizeof(path));
	if ((rc = json_parse_file(path, &vm, NULL)) == -ENOENT)
		return (0);
	if (rc == 0) {
		rc = write_places(m, name, vm, e);
		json_decref(vm);
	}
	return (rc == 0 ? file_remove(path, e) : rc);
}

/* --- update ----------------------------------------------------------------------------------- */

static int
apply(json_t *vm, const json_t *payload, struct err *e)
{
	json_int_t memory = json_int(vm, "max_physical_memory", 0);
	const char *key;
	json_t *v;
	int rc = 0;

	json_object_foreach((json_t *)(uintptr_t)payload, key, v) {
		if (prop_find(vm_props, key) != NULL)
			apply_value(vm, key, v);
		else
			rc = apply_verb(vm, key, v, true, e);
	}
	json_object_foreach((json_t *)(uintptr_t)payload, key, v)
		if (rc == 0 && prop_find(vm_props, key) == NULL)
			rc = apply_verb(vm, key, v, false, e);
	if (rc != 0)
		return (rc);
	follow_memory(vm, payload, memory);
	vm_derive(vm);
	return (0);
}

static int
check_payload(const struct machine *m, const json_t *payload, const char *brand, json_t **out,
    struct err *e)
{
	struct verdict v;
	json_t *dropped, *name;
	size_t i;
	int rc = payload_check(payload, PAYLOAD_UPDATE, brand, NULL, NULL, &v);

	if (rc != 0)
		rc = err_set(e, EINVAL, "%s", v.why.msg);
	verdict_free(&v);
	if (rc != 0)
		return (rc);
	if ((*out = json_deep_copy(payload)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	payload_coerce(*out, PAYLOAD_UPDATE, brand, &dropped);
	json_array_foreach(dropped, i, name)
		machine_say(m, "warning: ignoring property '%s'", json_string_value(name));
	json_decref(dropped);
	return (0);
}

static bool
touches_nics(const json_t *payload)
{
	return (json_object_get(payload, "add_nics") != NULL ||
	    json_object_get(payload, "update_nics") != NULL ||
	    json_object_get(payload, "remove_nics") != NULL);
}

static bool
is_running(const json_t *vm)
{
	return (strcmp(json_str(vm, "zone_state", ""), "running") == 0);
}

/* Disks come and go only while nobody has them open; a new one gets its model, image and path. */
static int
check_hvm(const struct machine *m, const json_t *before, const json_t *payload, const json_t *after,
    struct err *e)
{
	size_t removed = json_array_size(json_object_get(payload, "remove_disks"));
	size_t had = json_array_size(json_object_get(before, "disks"));
	bool changes = removed > 0 || json_object_get(payload, "add_disks") != NULL;
	json_int_t ram = json_int(after, "ram", 0);
	int rc;

	if (changes && strcmp(json_str(before, "state", ""), "stopped") != 0)
		return (err_set(e, EINVAL, "updates to disks are only allowed when state is 'stopped', currently: "
		    "'%s'", json_str(before, "state", "")));
	if (json_int(payload, "max_physical_memory", ram) < ram)
		return (err_set(e, EINVAL, "vm.max_physical_memory (%lld) cannot be lower than vm.ram (%lld)",
		    (long long)json_int(payload, "max_physical_memory", 0), (long long)ram));
	if ((rc = vm_disks_normalize(m, after, had - (removed < had ? removed : had),
	         json_object_get(before, "disks"), e)) != 0)
		return (rc);
	return (vm_disks_changes(json_object_get(before, "disks"), json_object_get(after, "disks"),
	    is_running(before), e));
}

/* What a running monitor hears of a change; everything else it learns at the next start. */
static int
tell_monitor(const struct machine *m, const char *name, const json_t *before, const json_t *payload,
    const json_t *after, struct err *e)
{
	int rc = 0;

	if (is_running(before) && (json_object_get(payload, "vnc_port") != NULL ||
	                              json_object_get(payload, "vnc_password") != NULL))
		rc = vm_hvm_display(m, name, after, e);
	return (rc != 0 ? err_wrap(e, "stored, but not in use yet") : 0);
}

static int
update_locked(const struct machine *m, const char *name, const json_t *before, const json_t *payload,
    struct err *e)
{
	const char *brand = json_str(before, "brand", "");
	json_t *clean = NULL, *after = json_deep_copy(before);
	int rc = after == NULL ? err_set(e, ENOMEM, "out of memory")
	                       : check_payload(m, payload, brand, &clean, e);

	if (rc == 0)
		rc = apply(after, clean, e);
	if (rc == 0 && vm_brand_is_hvm(brand))
		rc = check_hvm(m, before, clean, after, e);
	if (rc == 0)
		rc = vm_nics_normalize(json_object_get(after, "nics"), brand, e);
	if (rc == 0 && touches_nics(clean))
		rc = vm_nics_check(m, after, e);
	if (rc == 0)
		rc = commit(m, name, before, after, e);
	if (rc == 0)
		rc = vm_brand_is_hvm(brand)
		         ? tell_monitor(m, name, before, clean, after, e)
		         : vm_guest_write(json_str(before, "zonepath", ""), after, false, e);
	json_decref(clean);
	json_decref(after);
	return (rc);
}

int
vm_update(const struct machine *m, const char *uuid, const json_t *payload, struct err *e)
{
	char name[ZONE_NAME_MAX + 1];
	json_t *before = NULL;
	int lock, rc;

	if ((lock = vm_hold(m, uuid, name, e)) < 0)
		return (lock);
	/* Finish what a cut update began, or this one would build on half of it. */
	if ((rc = vm_update_recover(m, name, e)) == 0 &&
	    (rc = vm_load(m, uuid, VM_ALL, &before, e)) == 0)
		rc = update_locked(m, name, before, payload, e);
	json_decref(before);
	file_unlock(lock);
	return (rc);
}
