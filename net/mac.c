/* SPDX-License-Identifier: MIT */
/* Ethernet addresses as text, as illumos writes them (no leading zeros) and as Linux does. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "smartbox/core/uuid.h"
#include "smartbox/net/link.h"

int
mac_parse(const char *s, struct mac_addr *out, struct err *e)
{
	const char *p = s;
	struct mac_addr m;

	for (int i = 0; i < 6; i++) {
		char *end;
		unsigned long v = strtoul(p, &end, 16);

		if (end == p || end - p > 2 || v > 0xff || *end != (i < 5 ? ':' : '\0'))
			return (err_set(e, EINVAL, "'%s' is not a MAC address", s));
		m.b[i] = (uint8_t)v;
		p = end + 1;
	}
	if (m.b[0] & 1)
		return (err_set(e, EINVAL, "MAC address '%s' is a multicast address", s));
	*out = m;
	return (0);
}

void
mac_format(char buf[18], const struct mac_addr *m, bool leading_zeros)
{
	(void)snprintf(buf, 18, leading_zeros ? "%02x:%02x:%02x:%02x:%02x:%02x" : "%x:%x:%x:%x:%x:%x",
	    m->b[0], m->b[1], m->b[2], m->b[3], m->b[4], m->b[5]);
}

void
mac_random(struct mac_addr *out)
{
	random_bytes(out->b, sizeof(out->b));
	out->b[0] = 0x02;
	out->b[1] = 0x08;
	out->b[2] = 0x20;
}
