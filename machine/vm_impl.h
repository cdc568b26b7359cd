/* SPDX-License-Identifier: MIT */
/* What the files of vmadm's library share: vm.c, vm_conf.c, vm_nic.c, vm_guest.c, vm_create.c, ... */
#ifndef MACHINE_VM_IMPL_H
#define MACHINE_VM_IMPL_H

#include <jansson.h>
#include <sys/un.h>

#include "smartbox/kern/zonecfg.h"
#include "smartbox/kern/zoned.h"
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

/* The user property that a create puts on what it makes. */
#define VM_MARK "vmadm:unfinished"

/* --- vm_disk.c: volumes of kvm and bhyve machines --- */

bool vm_brand_is_hvm(const char *brand);
/* The volume behind a disk's path, or NULL. */
const char *vm_disk_volume(const json_t *disk);
/*
 * Bring disks from number `first` on into stored form: model, image, path; never a path of `taken`
 * (may be NULL), whose volume is still there.
 */
int vm_disks_normalize(const struct machine *m, const json_t *vm, size_t first, const json_t *taken,
    struct err *e);
/* Those that are not there yet. */
int vm_disks_create(const struct machine *m, const json_t *disks, bool marked, struct err *e);
/* An update's disks: is the change allowed; keep in `after` of shown values those that change. */
int vm_disks_changes(const json_t *before, json_t *after, bool running, struct err *e);
/* Give volumes that are there the size, compression and refreservation that `disks` name. */
int vm_disks_apply(const struct machine *m, const json_t *disks, struct err *e);
/* But not those that `except` (may be NULL) has too. */
int vm_disks_destroy(const struct machine *m, const json_t *disks, const json_t *except,
    bool need_mark, struct err *e);
void vm_disks_unmark(const struct machine *m, const json_t *disks);
void vm_disks_show(const struct machine *m, json_t *disks); /* sizes, asked of the pool */
/* The disks in a configuration; a new array. */
json_t *vm_conf_disks(const struct zonecfg *c);

/* --- vm_hvm.c: running one --- */

/* The hook: what to execute for a kvm or bhyve zone. */
int vm_hvm_program(const struct machine *m, const struct zone_hook_args *a, const char *bootargs,
    struct zone_program *out, struct err *e);

/* --- vm_monitor.c: talking to one that runs --- */

/* One line to the monitor, one line back. */
int vm_hvm_command(const struct machine *m, const char *name, const char *command, char *answer,
    size_t size, struct err *e);
/* The picture on the display, into a file as PPM. */
int vm_hvm_picture(const struct machine *m, const char *name, const char *path, struct err *e);
/* vnc_port and vnc_password as they are now. */
int vm_hvm_display(const struct machine *m, const char *name, const json_t *vm, struct err *e);
/* A socket that listens on vnc_port. */
int vm_hvm_vnc_socket(const json_t *vm, struct err *e);
/* <run>/vm/NAME.SUFFIX, and a unix socket with that address. */
int vm_hvm_path(const struct machine *m, const char *name, const char *suffix, char *buf,
    size_t size, struct err *e);
int vm_hvm_socket(const struct machine *m, const char *name, const char *suffix,
    struct sockaddr_un *sun, struct err *e);

/* --- vm_mdata.c: what guests are told --- */

/* Start the process that answers a guest; *fd: the other end, for the second serial port. */
int vm_mdata_start(const char *uuid, int *fd, struct err *e);

#endif
