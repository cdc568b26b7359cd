/* SPDX-License-Identifier: MIT */
/* The table of link properties, for those who list them; changing is linkprop_set() in link.h. */
#ifndef SMARTBOX_NET_LINKPROP_H
#define SMARTBOX_NET_LINKPROP_H

#include <stddef.h>
#include <stdio.h>

#include "smartbox/core/err.h"
#include "smartbox/net/link.h"

struct nl_sock;

struct linkprop {
	const char *name, *perm, *def, *possible;
	int (*set)(struct nl_sock *s, struct link *l, const char *value, struct err *e);
	void (*show)(char *buf, size_t size, const struct link *l);
};

const struct linkprop *linkprop_table(void); /* ends with a NULL name */
int linkprop_check(const char *name, const struct linkprop **out, struct err *e);
/* "100M" (K, M, G; bare = M) to bits per second; at least 1.2M. */
int linkprop_parse_rate(const char *s, uint64_t *bits, struct err *e);

#endif
