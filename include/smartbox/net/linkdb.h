/* SPDX-License-Identifier: MIT */
/*
 * The persistent links: a JSON file, replaced atomically under a lock, replayed at boot.
 *
 *	{ "links": { "stub0": { "class": "etherstub" },
 *		     "net0": { "class": "vnic", "over": "stub0", "mac": "2:8:20:...", "vid": 5,
 *			       "props": { "maxbw": "100M" } } } }
 *
 * The file is dladm/links.json below $SMARTBOX_ETC (default /etc).
 */
#ifndef SMARTBOX_NET_LINKDB_H
#define SMARTBOX_NET_LINKDB_H

#include <jansson.h>
#include <stdbool.h>

#include "smartbox/core/err.h"

/* A new reference to the "links" object (an empty one when there is no file). */
int linkdb_load(json_t **out, struct err *e);

int linkdb_put(const char *name, json_t *entry, struct err *e); /* steals entry */
int linkdb_remove(const char *name, struct err *e);		/* absent is fine */
/* value NULL removes; a link that is not in the file (a card) gets an entry for its properties. */
int linkdb_set_prop(const char *name, const char *class_name, const char *prop, const char *value,
    struct err *e);
/* Of a bridge's entry; a bridge that is not in the file (a temporary one) is left alone. */
int linkdb_set_member(const char *bridge, const char *member, bool add, struct err *e);

/*
 * Create every link of the file that is not there yet, stubs and bridges before vnics.  Goes on
 * after a failure and returns the first; `report` gets each sentence (may be NULL).
 */
int linkdb_replay(void (*report)(const char *name, const struct err *e), struct err *e);

#endif
