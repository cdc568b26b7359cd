/* SPDX-License-Identifier: MIT */
/*
 * The machine's own configuration: /usbkey/config, lines KEY=VALUE as SmartOS has them.
 *
 *	hostname=box
 *	admin_nic=52:54:0:12:34:56	a MAC address or a link's name
 *	admin_ip=10.0.0.2		or "dhcp"; absent: no address
 *	admin_netmask=255.255.255.0
 *	admin_gateway=10.0.0.1
 *	dns_resolvers=10.0.0.1,9.9.9.9
 *
 * Keys that are not known are kept as they are. Values may stand in single or double quotes.
 */
#ifndef SMARTBOX_MACHINE_SYSCONFIG_H
#define SMARTBOX_MACHINE_SYSCONFIG_H

#include <stddef.h>

#include "smartbox/core/err.h"

#define SYSCONFIG_PATH "/usbkey/config"

struct sysconfig;

/* Parse a text; the error names the line. */
int sysconfig_parse(const char *text, struct sysconfig **out, struct err *e);
/* -ENOENT when there is no file. */
int sysconfig_load(const char *path, struct sysconfig **out, struct err *e);
int sysconfig_save(const struct sysconfig *c, const char *path, struct err *e);
void sysconfig_free(struct sysconfig *c); /* NULL is fine */

const char *sysconfig_get(const struct sysconfig *c, const char *key); /* borrowed; NULL: not set */
/* value NULL removes the key; a value with a newline is refused. */
int sysconfig_set(struct sysconfig *c, const char *key, const char *value, struct err *e);

/*
 * Make it so: host name, resolvers, the admin link's address and default route. Goes on after a
 * failure and returns the first. Needs the links of this machine to be there.
 */
int sysconfig_apply(const struct sysconfig *c, struct err *e);

/* "255.255.255.0" -> 24; -EINVAL when it is no mask. */
int sysconfig_mask_bits(const char *mask);

#endif
