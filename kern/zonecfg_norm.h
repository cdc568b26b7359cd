/* SPDX-License-Identifier: MIT */
/* The value checks of zone configurations; each is a norm_fn. */
#ifndef KERN_ZONECFG_NORM_H
#define KERN_ZONECFG_NORM_H

#include "zonecfg_impl.h"

norm_fn norm_text, norm_word, norm_zonename, norm_zonepath, norm_iptype, norm_attr_type, norm_uint,
    norm_ncpus, norm_cpu_range, norm_mac, norm_vlan, norm_hostid, norm_uuid, norm_rctl_name,
    norm_rctl_value;

/* "1.5" to 150. */
int ncpus_to_percent(const char *in, uint64_t *pct, struct err *e);

#endif
