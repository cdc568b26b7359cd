/* SPDX-License-Identifier: MIT */
/* What the files of vmadm's library share: vm.c, vm_conf.c, vm_nic.c, vm_guest.c, vm_create.c, ... */
#ifndef MACHINE_VM_IMPL_H
#define MACHINE_VM_IMPL_H

#include <jansson.h>

#include "smartbox/kern/zonecfg.h"
#include "smartbox/machine/machine.h"
#include "smartbox/machine/vm.h"

#define VM_DATASET_MAX 256

/* --- vm.c --- */

/* The zone's name for a machine's uuid; -ENOENT. */
int vm_zonename(const struct machine *m, const char *uuid, char name[ZONE_NAME_MAX + 1],
    struct err *e);
/* Same, and one lock for all changes of it (a descriptor for file_unlock). */
int vm_hold(const struct machine *m, const char *uuid, char name[ZONE_NAME_MAX + 1], struct err *e);
/* The lock alone, for a machine that is not there yet. nonblock: -EWOULDBLOCK. */
int vm_lock(const struct machine *m, const char *uuid, bool nonblock, struct err *e);
enum zone_state vm_zone_state(const struct machine *m, const char *name);
/* POOL/ZONENAME */
void vm_dataset(const struct zonecfg *c, const struct machine *m, char *buf, size_t size);

/* --- vm_conf.c: properties in and out of a zone configuration --- */

int vm_conf_store(struct zonecfg *c, const json_t *vm, struct err *e);
int vm_conf_load(const struct zonecfg *c, json_t *vm, struct err *e);
/* Set the properties of the dataset (quota, compression, recordsize). */
int vm_dataset_store(const struct machine *m, const char *dataset, const json_t *vm, struct err *e);
/* As properties for a clone. */
int vm_dataset_props(const json_t *vm, struct nvlist *props);

/* --- vm_nic.c --- */

/* Bring nics into stored form: macs, names, one primary.  others: all machines, or NULL. */
int vm_nics_normalize(json_t *nics, const char *brand, struct err *e);
/* The forms that old clients read: ip, netmask, gateway. */
void vm_nics_show(json_t *nics);
int vm_nics_check(const struct machine *m, const json_t *vm, struct err *e);

/* --- vm_guest.c: files in the zonepath --- */

/* config/NAME of a zonepath as a JSON object; an empty one when unreadable. */
json_t *vm_file_load(const char *zonepath, const char *name);
int vm_file_save(const char *zonepath, const char *name, const json_t *j, struct err *e);
int vm_files_store(const char *zonepath, const json_t *vm, struct err *e);
void vm_files_load(const char *zonepath, json_t *vm);
/* hostname, hosts, resolv.conf below ZONEPATH/root; first: at creation, else only what is maintained. */
int vm_guest_write(const char *zonepath, const json_t *vm, bool first, struct err *e);
/* Create config/, empty it of what an image left, restrict the zonepath. */
int vm_zonepath_prepare(const char *zonepath, struct err *e);

/* --- vm_create.c --- */

/* Attr that says which operation is under way: "create", "delete". */
#define VM_UNFINISHED "vm-unfinished"
/* Finish an update that was cut; the caller holds the lock. */
int vm_update_recover(const struct machine *m, const char *name, struct err *e);
/* Sizes that follow from others: memory, swap, tmpfs. */
void vm_derive(json_t *vm);

#endif
