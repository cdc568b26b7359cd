/* SPDX-License-Identifier: MIT */
/*
 * Zone configurations: what `zonecfg` edits, <etc>/zones/NAME.xml holds and a boot reads.
 *
 * A configuration is a set of global properties and an ordered list of resources, each with its own
 * properties; one table in kern/zonecfg.c names them all, says which are required, how they are
 * checked and under which XML element and attribute they are stored.  Values are strings, checked when
 * set.  Aliases (cpu-shares, cpu-cap, max-lwps, max-physical-memory, ...) read and write the rctl they
 * stand for.
 *
 * Resource types and properties: fs {dir special raw type options[]}, net {physical address
 * allowed-address defrouter global-nic mac-addr vlan-id property[name=value]}, device {match}, rctl
 * {name value[]}, attr {name type value}, dataset {name}, dedicated-cpu {ncpus importance}, capped-cpu
 * {ncpus}, capped-memory {physical swap locked}, security-flags {lower default upper}, admin {user
 * auths}.  Property names of net that SmartOS uses (ip, ips, gateway, gateways, netmask, primary,
 * nic_tag, mtu, ...) are name/value pairs: zonecfg_res_pair().
 */
#ifndef SMARTBOX_KERN_ZONECFG_H
#define SMARTBOX_KERN_ZONECFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/err.h"
#include "smartbox/kern/zone.h"

struct zonecfg;
struct zonecfg_res;

/* An empty configuration: brand "joyent", ip-type exclusive, autoboot false, fresh uuid. */
int zonecfg_new(const char *name, struct zonecfg **out, struct err *e);
int zonecfg_dup(const struct zonecfg *c, struct zonecfg **out, struct err *e);
void zonecfg_free(struct zonecfg *c);

/* -ENOENT "NAME: No such zone configured". */
int zonecfg_load(const struct zone_env *env, const char *name, struct zonecfg **out, struct err *e);
/*
 * Verify, then write NAME.xml and the index line durably (a new zone: state configured, a did is
 * given).  A renamed zone (zonename set) must not be live; files move with it.
 */
int zonecfg_save(const struct zone_env *env, struct zonecfg *c, struct err *e);
/* Forget the zone: refused (-EINVAL) unless configured.  Removes XML, index line, id range. */
int zonecfg_delete(const struct zone_env *env, const char *name, struct err *e);
/*
 * Remove XML files that have no line in the index, as a save or delete leaves one that is killed in
 * between, where `unwanted` says so (an admin's templates have no line either).  Their number.
 */
int zonecfg_sweep(const struct zone_env *env, bool (*unwanted)(const struct zonecfg *),
    struct err *e);

/* The XML text; messages say NAME:LINE. */
int zonecfg_parse_xml(const char *name, const char *buf, size_t len, struct zonecfg **out,
    struct err *e);
void zonecfg_format_xml(const struct zonecfg *c, struct buf *out);
/* Required properties, exclusions, one primary nic and the like: everything that needs no system. */
int zonecfg_verify(const struct zonecfg *c, struct err *e);

/*
 * Global properties: zonename zonepath brand autoboot bootargs ip-type hostid pool limitpriv fs-allowed
 * scheduling-class uuid debugid, and the aliases cpu-shares cpu-cap max-lwps max-processes
 * max-msg-ids max-sem-ids max-shm-ids max-shm-memory zfs-io-priority max-physical-memory max-swap
 * max-locked-memory.
 */
const char *zonecfg_get(const struct zonecfg *c, const char *prop); /* borrowed; NULL: not set */
int zonecfg_set(struct zonecfg *c, const char *prop, const char *value, struct err *e);
int zonecfg_clear(struct zonecfg *c, const char *prop, struct err *e);
uint64_t zonecfg_get_u64(const struct zonecfg *c, const char *prop, uint64_t def);
bool zonecfg_get_bool(const struct zonecfg *c, const char *prop);
const char *zonecfg_name(const struct zonecfg *c);

/* Resources.  NULL `prev` starts; returns NULL behind the last. */
struct zonecfg_res *zonecfg_res_next(const struct zonecfg *c, const char *type,
    const struct zonecfg_res *prev);
struct zonecfg_res *zonecfg_res_find(const struct zonecfg *c, const char *type, const char *prop,
    const char *value);
int zonecfg_res_add(struct zonecfg *c, const char *type, struct zonecfg_res **out, struct err *e);
void zonecfg_res_remove(struct zonecfg *c, struct zonecfg_res *r);
const char *zonecfg_res_type(const struct zonecfg_res *r);
const char *zonecfg_res_get(const struct zonecfg_res *r, const char *prop); /* NULL: not set */
int zonecfg_res_set(struct zonecfg_res *r, const char *prop, const char *value, struct err *e);
/* List properties (fs options, rctl value): the i-th entry or NULL; append. */
const char *zonecfg_res_list(const struct zonecfg_res *r, size_t i);
int zonecfg_res_append(struct zonecfg_res *r, const char *value, struct err *e);
/* Name/value pairs of a net resource. */
const char *zonecfg_res_pair(const struct zonecfg_res *r, const char *name); /* NULL: not there */
int zonecfg_res_set_pair(struct zonecfg_res *r, const char *name, const char *value,
    struct err *e); /* value NULL removes */
/* The i-th pair; false behind the last. */
bool zonecfg_res_pair_at(const struct zonecfg_res *r, size_t i, const char **name,
    const char **value);

/* attr resources by name. */
const char *zonecfg_attr(const struct zonecfg *c, const char *name);
int zonecfg_set_attr(struct zonecfg *c, const char *name, const char *type, const char *value,
    struct err *e); /* value NULL removes; type string, boolean, int, uint */

#endif
