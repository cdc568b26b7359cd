/* SPDX-License-Identifier: MIT */
/*
 * Virtual machines as vmadm knows them: a zone, its dataset, its links and its metadata as one thing.
 *
 * Callers see a machine as a JSON object with the properties of machine/prop.h.  Every changing call
 * takes the machine's lock; what it leaves when it is cut is described in machine/vm_create.c.
 */
#ifndef SMARTBOX_MACHINE_VM_H
#define SMARTBOX_MACHINE_VM_H

#include <jansson.h>
#include <stdbool.h>

#include "smartbox/core/uuid.h"
#include "smartbox/machine/machine.h"

/* What of a machine to load; each costs something beside its configuration. */
enum {
	VM_FILES = 1,	/* metadata, tags, routes: three files in the zonepath */
	VM_DATASET = 2, /* quota, snapshots: asks the pool */
	VM_ALL = 3,
};

/* New references.  vm_load: -ENOENT "zoneadm: UUID: No such zone configured". */
int vm_load(const struct machine *m, const char *uuid, unsigned what, json_t **out, struct err *e);
int vm_load_all(const struct machine *m, unsigned what, json_t **out, struct err *e);
/* What a field name (of a listing, a filter) needs loaded. */
unsigned vm_field_needs(const char *field);

/* payload is borrowed.  Warnings (dropped properties) are said through machine_say. */
int vm_create(const struct machine *m, const json_t *payload, char uuid[UUID_STRLEN + 1],
    struct err *e);
int vm_update(const struct machine *m, const char *uuid, const json_t *payload, struct err *e);
int vm_delete(const struct machine *m, const char *uuid, struct err *e);
/* Remove what creates and deletes that were cut have left; their number or -errno. */
int vm_recover(const struct machine *m, struct err *e);

/*
 * start, stop: 0; -EALREADY with SmartOS's sentence when there is nothing to do (which vmadm takes
 * as success).  timeout_s 0: default.
 */
/* extras: "order=cd,once=d cdrom=PATH,ide" for a kvm or bhyve machine; NULL: none. */
int vm_start(const struct machine *m, const char *uuid, const char *extras, struct err *e);
int vm_stop(const struct machine *m, const char *uuid, bool force, unsigned timeout_s, struct err *e);
int vm_reboot(const struct machine *m, const char *uuid, bool force, struct err *e);
/* A signal to the machine's first process. */
int vm_kill(const struct machine *m, const char *uuid, int signo, struct err *e);
/*
 * kvm and bhyve: what the monitor knows, keyed by type (types NULL or "all": everything); and the
 * requests "nmi", "screenshot".
 */
int vm_info(const struct machine *m, const char *uuid, const char *types, json_t **out, struct err *e);
int vm_sysrq(const struct machine *m, const char *uuid, const char *request, struct err *e);
/* A stream socket with the console's bytes. */
int vm_console(const struct machine *m, const char *uuid, int *fd, struct err *e);

int vm_snapshot_create(const struct machine *m, const char *uuid, const char *name, struct err *e);
/* Stops the machine, rolls back, starts it. */
int vm_snapshot_rollback(const struct machine *m, const char *uuid, const char *name,
    struct err *e);
int vm_snapshot_delete(const struct machine *m, const char *uuid, const char *name, struct err *e);

#endif
