/* SPDX-License-Identifier: MIT */
/* modprobe: load kernel modules; the kernel itself calls it when it wants one. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/machine/kmod.h"

static const char modprobe_usage[] =
    "usage: modprobe [-nq] [-d DIR] MODULE [PARAMETER=VALUE]...\n"
    "       modprobe -a [-q] [-d DIR] MODULE...\n"
    "       modprobe -c [-d DIR]\n"
    "       modprobe -r MODULE...\n"
    "Load a kernel module by its name or by an alias, with the modules it needs.\n"
    "  -a      load each of several modules\n"
    "  -c      load what the devices of this machine ask for\n"
    "  -d DIR  modules of DIR instead of /lib/modules/RELEASE\n"
    "  -n      only print the files, in loading order\n"
    "  -q      say nothing about a module that does not exist\n"
    "  -r      unload\n";

APPLET(modprobe, "load kernel modules");

struct options {
	bool all, coldplug, dry, quiet, unload;
	const char *dir;
};

static int
print_path(const char *path, void *arg)
{
	(void)arg;
	printf("%s\n", path);
	return (0);
}

static int
load_one(struct kmod *k, const struct options *o, const char *name, const char *params)
{
	struct err e = ERR_INIT;
	int rc;

	rc = o->dry ? kmod_resolve(k, name, print_path, NULL, &e) : kmod_load(k, name, params, &e);
	if (rc == 0 || (rc == -ENOENT && o->quiet))
		return (rc == 0 ? 0 : 1);
	return (applet_fail_plain(&e));
}

/* "PARAMETER=VALUE..." as the kernel wants them: one string, spaces between. */
static int
load_with_params(struct kmod *k, const struct options *o, char **words)
{
	char params[4096] = "";
	size_t len = 0;

	for (char **w = words + 1; *w != NULL; w++) {
		if (len + strlen(*w) + 2 > sizeof(params))
			return (applet_fail(NULL, "parameters of '%s' are too long", words[0]));
		len += (size_t)snprintf(params + len, sizeof(params) - len, "%s ", *w);
	}
	return (load_one(k, o, words[0], params));
}

static int
load(const struct options *o, char **words)
{
	struct err e = ERR_INIT;
	struct kmod *k;
	int rc = 0;

	if (kmod_open(o->dir, &k, &e) != 0)
		return (o->quiet ? 1 : applet_fail_plain(&e));
	if (o->coldplug)
		rc = kmod_coldplug(k, "/sys/devices", &e) < 0 ? applet_fail_plain(&e) : 0;
	else if (o->all)
		for (; *words != NULL; words++)
			rc |= load_one(k, o, *words, NULL);
	else
		rc = load_with_params(k, o, words);
	kmod_close(k);
	return (rc);
}

static int
unload(char **words)
{
	struct err e = ERR_INIT;
	int rc = 0;

	for (; *words != NULL; words++)
		if (kmod_unload(*words, &e) != 0)
			rc = applet_fail_plain(&e);
	return (rc);
}

static int
modprobe_main(int argc, char **argv)
{
	struct options o = {0};
	int c;

	/* The kernel calls "modprobe -q -- NAME". */
	while ((c = applet_getopt(argc, argv, "acd:nqr")) != -1) {
		switch (c) {
		case 'a':
			o.all = true;
			break;
		case 'c':
			o.coldplug = true;
			break;
		case 'd':
			o.dir = optarg;
			break;
		case 'n':
			o.dry = true;
			break;
		case 'q':
			o.quiet = true;
			break;
		case 'r':
			o.unload = true;
			break;
		default:
			return (2);
		}
	}
	if (!o.coldplug && argv[optind] == NULL)
		return (applet_usage("which module?"));
	return (o.unload ? unload(argv + optind) : load(&o, argv + optind));
}
