/* SPDX-License-Identifier: MIT */
/* zonename: print the name of the current zone. */
#include <stdio.h>

#include "smartbox/core/applet.h"
#include "smartbox/kern/zone.h"

static const char zonename_usage[] =
    "usage: zonename\n"
    "Print the name of the zone that this runs in; \"global\" outside of all others.\n";

APPLET(zonename, "print the name of the current zone");

static int
zonename_main(int argc, char **argv)
{
	char name[ZONE_NAME_MAX + 1];

	if (argc > 1)
		return (applet_usage("unexpected argument '%s'", argv[1]));
	zone_of_self(name);
	(void)printf("%s\n", name);
	return (0);
}
