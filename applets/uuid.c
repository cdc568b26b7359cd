/* SPDX-License-Identifier: MIT */
/* uuid: print random UUIDs. */
#include <stdio.h>

#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/units.h"
#include "smartbox/core/uuid.h"

static const char uuid_usage[] =
    "usage: uuid [-n COUNT] [-v 4]\n"
    "Print version 4 (random) UUIDs, one a line.\n"
    "  -n COUNT  how many (default 1)\n"
    "  -v 4      the version; there is no other\n";

APPLET(uuid, "print random UUIDs");

static int
uuid_main(int argc, char **argv)
{
	char text[UUID_STRLEN + 1];
	struct err e = ERR_INIT;
	uint64_t n = 1, version = 4;
	int c;

	while ((c = applet_getopt(argc, argv, "n:v:")) != -1) {
		if (c == '?')
			return (2);
		if (c == 'n' && units_parse_u64(optarg, 1, 1000000, &n, &e) != 0)
			return (applet_usage("-n %s: %s", optarg, e.msg));
		if (c == 'v' && units_parse_u64(optarg, 4, 4, &version, &e) != 0)
			return (applet_usage("-v %s: only version 4 is made here", optarg));
	}
	if (optind < argc)
		return (applet_usage("unexpected argument '%s'", argv[optind]));
	while (n-- > 0) {
		uuid_generate(text);
		(void)puts(text);
	}
	return (0);
}
