/* SPDX-License-Identifier: MIT */
/*
 * Nic tags: names for networks, which machines use instead of links.
 *
 * A tag is, in this order: an etherstub, bridge or other link of that name; a key TAG_nic=MAC (or
 * =LINK) in /usbkey/config; a word of etherstub=a,b there.
 */
#ifndef SMARTBOX_MACHINE_NICTAG_H
#define SMARTBOX_MACHINE_NICTAG_H

#include "smartbox/machine/machine.h"
#include "smartbox/net/link.h"

/* The link that a tag stands for; -ENOENT `Invalid nic tag "t"`. */
int nictag_link(const struct machine *m, const char *tag, char link[LINK_NAME_MAX], struct err *e);

#endif
