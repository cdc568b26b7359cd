/* SPDX-License-Identifier: MIT */
/* imgadm create: an image of a stopped machine. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imgadm_impl.h"
#include "smartbox/core/applet.h"
#include "smartbox/core/json.h"
#include "smartbox/core/uuid.h"
#include "smartbox/machine/image_create.h"

/* "field=value": JSON if it reads as such, else text. */
static int
add_field(json_t *base, const char *arg)
{
	const char *eq = strchr(arg, '=');
	json_t *value;
	char key[64];

	if (eq == NULL || eq == arg || (size_t)(eq - arg) >= sizeof(key))
		return (applet_usage("invalid argument '%s' (must be of the form FIELD=VALUE)", arg));
	(void)snprintf(key, sizeof(key), "%.*s", (int)(eq - arg), arg);
	value = json_loads(eq + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	/* A version of 1.0 is text. */
	if (value == NULL || json_is_real(value) || strcmp(key, "version") == 0 || strcmp(key, "name") == 0) {
		json_decref(value);
		value = json_string(eq + 1);
	}
	(void)json_object_set_new(base, key, value);
	return (0);
}

static int
load_base(const char *path, json_t *base, struct err *e)
{
	json_t *given = NULL;
	int rc;

	rc = json_parse_file(strcmp(path, "-") == 0 ? "/dev/stdin" : path, &given, e);
	if (rc == 0 && !json_is_object(given))
		rc = err_set(e, EINVAL, "%s: not an object", path);
	if (rc == 0)
		(void)json_object_update(base, given);
	json_decref(given);
	return (rc);
}

struct opts {
	struct image_create o;
	const char *manifest;
	bool quiet;
};

static int
refuse(const char *what)
{
	return (applet_fail_bare(NULL, "imgadm create: error (NotSupported): %s is not supported by this version", what));
}

static int
one_option(struct opts *p, int c)
{
	switch (c) {
	case 'c': p->o.compression = optarg; return (0);
	case 'i': p->o.incremental = true; return (0);
	case 'm': p->manifest = optarg; return (0);
	case 'o': p->o.path = optarg; return (0);
	case 'q': p->quiet = true; return (0);
	case 'd': p->o.max_depth = (unsigned)strtoul(optarg, NULL, 10); return (0);
	case 's': return (refuse("a prepare script (-s)"));
	case 'p': return (refuse("publishing (-p)"));
	default: return (2);
	}
}

static int
parse(struct opts *p, int argc, char **argv, json_t *base)
{
	static const struct option long_options[] = {{"max-origin-depth", required_argument, NULL, 'd'},
	    {NULL, 0, NULL, 0}};
	int c, status = 0;

	opterr = 0;
	while (status == 0 && (c = getopt_long(argc, argv, "+:c:im:o:p:qs:", long_options, NULL)) != -1)
		status = c == ':' || c == '?' ? applet_usage(c == ':' ? "missing argument for '%c' option" :
		    "invalid option '%c'", optopt) : one_option(p, c);
	if (status == 0 && strcmp(p->o.compression, "none") != 0 && strcmp(p->o.compression, "gzip") != 0 &&
	    strcmp(p->o.compression, "bzip2") != 0)
		status = applet_usage("invalid compression '%s': one of none, gzip, bzip2", p->o.compression);
	if (status == 0 && optind >= argc)
		status = applet_usage("missing the machine's UUID");
	if (status == 0)
		p->o.vm = argv[optind];
	for (int i = optind + 1; status == 0 && i < argc; i++)
		status = add_field(base, argv[i]);
	return (status);
}

static const char *
code_of(const struct err *e)
{
	return (e->code == ESRCH    ? "VmNotFound"
	            : e->code == EBUSY  ? "VmNotStopped"
	            : e->code == ENOLINK ? "VmHasNoOrigin"
	            : e->code == EMLINK ? "MaxOriginDepth"
	            : e->code == EINVAL ? "InvalidManifest"
	                                : "InternalError");
}

static int
create(struct machine *m, struct opts *p, struct err *e)
{
	json_t *manifest;

	m->quiet = p->quiet;
	if (image_create(m, &p->o, &manifest, e) != 0)
		return (-1);
	(void)printf("Manifest:\n");
	json_print(stdout, manifest);
	json_decref(manifest);
	return (0);
}

int
imgadm_create(struct machine *m, int argc, char **argv)
{
	struct opts p = {.o = {.compression = "none"}};
	json_t *base = json_object(), *given;
	struct err e = ERR_INIT;
	int status = parse(&p, argc, argv, base);

	if (status == 0 && p.manifest != NULL) { /* the arguments go over it */
		given = json_copy(base);
		if (load_base(p.manifest, base, &e) != 0)
			status = 1;
		(void)json_object_update(base, given);
		json_decref(given);
	}
	p.o.base = base;
	if (status == 0 && !uuid_is_valid(p.o.vm))
		status = applet_fail_bare(NULL, "imgadm create: error (InvalidUUID): invalid uuid: \"%s\"", p.o.vm);
	else if (status == 0 && create(m, &p, &e) != 0)
		status = 1;
	if (e.code != 0)
		(void)applet_fail_bare(NULL, "imgadm create: error (%s): %s", code_of(&e), e.msg);
	json_decref(base);
	return (status);
}
