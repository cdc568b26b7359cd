/* SPDX-License-Identifier: MIT */
/*
 * The first boot: from empty disks to SmartOS's layout.
 *
 * Answers come from a wizard or from a JSON file:
 *
 *	{ "pool": "zones",				optional, default "zones"
 *	  "layout": "mirror",				stripe or mirror; default: mirror when 2 or more
 *	  "disks": ["vda", "vdb"],			names below /dev, or paths; "all" for every empty disk
 *	  "force": false,				take disks that carry something
 *	  "hostname": "box",
 *	  "root_password": "secret",			or "root_password_hash": "$6$..."; absent: no password
 *	  "admin_nic": "52:54:0:12:34:56",
 *	  "admin_ip": "dhcp",				or an address
 *	  "admin_netmask": "255.255.255.0", "admin_gateway": "10.0.0.1",
 *	  "dns_resolvers": "10.0.0.1,9.9.9.9" }
 *
 * The layout: POOL/config on /etc/zones, POOL/usbkey on /usbkey, POOL/opt on /opt, POOL/var on /var,
 * POOL/cores on /cores.
 */
#ifndef SMARTBOX_MACHINE_SETUP_H
#define SMARTBOX_MACHINE_SETUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/machine/password.h"

#define SETUP_POOL "zones" /* unless an answer file says otherwise */

enum { SETUP_DISKS_MAX = 64, SETUP_WORD = 128 };

struct setup_answers {
	char pool[SETUP_WORD], layout[16];
	char disks[SETUP_DISKS_MAX][SETUP_WORD]; /* paths */
	unsigned ndisks;
	bool force;
	char hostname[SETUP_WORD], password_hash[PASSWORD_HASH_SIZE];
	char admin_nic[SETUP_WORD], admin_ip[SETUP_WORD], admin_netmask[SETUP_WORD],
	    admin_gateway[SETUP_WORD], dns_resolvers[512];
};

/* A disk that a pool could be made of. */
struct setup_disk {
	char path[SETUP_WORD];
	char model[64];
	uint64_t bytes;
	bool used; /* mounted, or carries a file system, a partition table or a pool */
};

/* The whole disks of this machine, by name; no CD drives, no RAM, no loops. Returns their number. */
int setup_disks(struct setup_disk disks[SETUP_DISKS_MAX], struct err *e);

/* Check a JSON object and fill; an error names the key, what was wrong and what is allowed. */
int setup_answers_from_json(const json_t *j, struct setup_answers *out, struct err *e);

/*
 * Find an answer file: `hint` (the kernel's answers=, may be NULL or ""), /etc/answers.json in the image,
 * then every disk that begins with the line "#smartbox-answers" or carries a FAT or ISO file system with
 * smartbox.json in it. Returns 0; -ENOENT there is none; another error when there is one that is wrong.
 */
int setup_answers_find(const char *hint, struct setup_answers *out, struct err *e);

/* Make the pool, the datasets and the first files. What it does is told to `say`, a line each. */
int setup_apply(const struct setup_answers *a, void (*say)(const char *what), struct err *e);

/* Does the machine have its configuration? It is written last, so what is before it is there too. */
bool setup_is_finished(void);

/* "dhcp", "" or an IP address. */
bool setup_is_address(const char *text);

/*
 * After an import: what the image expects on the pool, e.g. folders of an empty /var, the password file.
 * Harmless to repeat.
 */
int setup_settle(struct err *e);

#endif
