/* SPDX-License-Identifier: MIT */
/*
 * zfs create and zfs clone.
 *
 * With -n the same request is made, marked as a dry run: poold checks names and properties and says
 * what a volume would reserve.  -v and -P print what was asked for in the order in which it was said.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/units.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/names.h"
#include "zfs_impl.h"

int
zfs_request_end(int status, struct zfs_request *f)
{
	nv_free(f->args);
	nv_free(f->props);
	return (status);
}

int
zfs_submit(struct zfs_request *f, const char *dataset, const char *op, struct nvlist **out,
    struct err *e)
{
	struct nvlist *args = f->args;

	if (nv_next(f->props, NULL) != NULL)
		must(nv_add_nvlist(args, "props", f->props));
	f->args = NULL;
	return (zfs_change(dataset, op, args, out, e));
}

/* --- create ----------------------------------------------------------------------------------- */

struct create {
	struct zfs_request r;
	struct nvlist *said; /* what -v prints: numbers and texts, in the order they were given */
	const char *name, *volsize;
	bool parents, dryrun, verbose, plain, sparse, nomount;
};

static int
report_create(const char *name, struct nvlist *out, int rc, const struct err *e)
{
	int status = rc != 0 ? applet_fail_bare(e, "cannot create '%s'", name) :
	    out == NULL ? 0 : zfs_report_mounts(out, "filesystem successfully created, but not mounted");

	nv_free(out);
	return (status);
}

static int
take_prop(struct create *c, const char *arg)
{
	char name[256];
	int status = zfs_parse_prop(c->r.props, arg);

	if (status != 0)
		return (status);
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg, "="), arg);
	must(nv_add_str(c->said, name, strchr(arg, '=') + 1));
	return (0);
}

static int
take_blocksize(struct create *c, const char *text)
{
	struct err e = ERR_INIT;
	char exact[32];
	uint64_t size;

	if (units_parse_size(text, &size, &e) != 0)
		return (applet_usage("bad volume block size '%s': %s", text, e.msg));
	(void)snprintf(exact, sizeof(exact), "%" PRIu64, size);
	must(nv_add_str(c->r.props, "volblocksize", exact));
	must(nv_add_u64(c->said, "volblocksize", size));
	return (0);
}

static int
take_volsize(struct create *c, const char *text)
{
	struct err e = ERR_INIT;
	uint64_t size;

	if (units_parse_size(text, &size, &e) != 0)
		return (applet_usage("bad volume size '%s': %s", text, e.msg));
	c->volsize = text;
	must(nv_add_u64(c->said, "volsize", size));
	return (0);
}

static int
take_option(struct create *c, int letter)
{
	switch (letter) {
	case 'p': c->parents = true; return (0);
	case 'n': c->dryrun = true; return (0);
	case 'v': c->verbose = true; return (0);
	case 'P': c->verbose = c->plain = true; return (0);
	case 'u': c->nomount = true; return (0);
	case 's': c->sparse = true; return (0);
	case 'o': return (take_prop(c, optarg));
	case 'b': return (take_blocksize(c, optarg));
	case 'V': return (take_volsize(c, optarg));
	default: return (2);
	}
}

static int
check_options(const struct create *c, int argc)
{
	if (c->volsize == NULL && (c->sparse || nv_has(c->r.props, "volblocksize")))
		return (applet_usage("'-s' and '-b' can only be used when creating a volume"));
	if (c->volsize != NULL && c->nomount)
		return (applet_usage("'-u' can only be used when creating a filesystem"));
	if (argc == 1)
		return (0);
	return (argc > 1 ? applet_usage("too many arguments") :
	    applet_usage("missing %s argument", c->volsize != NULL ? "volume" : "filesystem"));
}

/* A volume has whole blocks: its size is rounded up, as OpenZFS does. */
static void
add_volsize(struct create *c)
{
	uint64_t size = nv_u64_or(c->said, "volsize", 0), block = 16 << 10;

	(void)units_parse_size(nv_str_or(c->r.props, "volblocksize", "16K"), &block, NULL);
	if (block != 0 && size % block != 0 && size <= UINT64_MAX - block)
		size += block - size % block;
	must(nv_add_u64(c->said, "volsize", size));
	must(nv_add_u64(c->r.args, "volsize", size));
}

static void
print_plan(const struct create *c)
{
	const char *would = c->dryrun ? "would " : "";
	struct nvpair *p = NULL;

	if (c->parents && c->plain)
		(void)printf("create_ancestors\t%s\n", c->name);
	else if (c->parents)
		(void)printf("%screate ancestors of %s\n", would, c->name);
	if (c->plain)
		(void)printf("create\t%s\n", c->name);
	else
		(void)printf("%screate %s\n", would, c->name);
	while ((p = nv_next(c->said, p)) != NULL) {
		const char *key = nvpair_name(p), *text = nv_str_or(c->said, key, NULL);

		(void)printf(c->plain ? "property\t%s\t" : "\t%s=", key);
		if (text != NULL)
			(void)printf("%s\n", text);
		else
			(void)printf("%" PRIu64 "\n", nv_u64_or(c->said, key, 0));
	}
}

/* What it will reserve is poold's to say, before anything is made. */
static int
plan(struct create *c, struct err *e)
{
	struct zfs_request r = {nv_dup(c->r.args), nv_dup(c->r.props)};
	struct nvlist *out = NULL;
	int rc;

	must(r.args == NULL || r.props == NULL ? -ENOMEM : nv_add_boolean(r.args, "dryrun"));
	rc = zfs_submit(&r, c->name, "fs.create", &out, e);
	if (rc == 0 && nv_has(out, "exists"))
		c->verbose = false;
	if (rc == 0 && nv_has(out, "refreservation") && !nv_has(c->said, "refreservation"))
		must(nv_add_u64(c->said, "refreservation", nv_u64_or(out, "refreservation", 0)));
	nv_free(out);
	return (zfs_request_end(rc, &r));
}

static int
make(struct create *c)
{
	struct nvlist *out = NULL;
	struct err e = ERR_INIT;
	int rc = 0;

	if (name_check_dataset(c->name, DSL_FILESYSTEM | DSL_VOLUME, &e) != 0)
		return (report_create(c->name, NULL, -EINVAL, &e));
	must(nv_add_str(c->r.args, "name", c->name));
	if (c->parents)
		must(nv_add_boolean(c->r.args, "parents"));
	if (c->nomount)
		must(nv_add_boolean(c->r.args, "nomount"));
	if (c->sparse)
		must(nv_add_boolean(c->r.args, "sparse"));
	if (c->volsize != NULL)
		add_volsize(c);
	if (c->dryrun || c->verbose)
		rc = plan(c, &e);
	if (rc == 0 && c->verbose)
		print_plan(c);
	if (rc == 0 && !c->dryrun)
		rc = zfs_submit(&c->r, c->name, "fs.create", &out, &e);
	if (rc == -ENOENT && strcmp(e.msg, "dataset does not exist") == 0)
		(void)err_set(&e, ENOENT, "no such pool '%.*s'", (int)name_pool_length(c->name), c->name);
	return (report_create(c->name, out, rc, &e));
}

int
zfs_create(int argc, char **argv)
{
	struct create c = {.r = {must_nv(), must_nv()}, .said = must_nv()};
	int letter, status = 0;

	while (status == 0 && (letter = applet_getopt(argc, argv, "PV:b:no:psuv")) != -1)
		status = take_option(&c, letter);
	if (status == 0)
		status = check_options(&c, argc - optind);
	if (status == 0) {
		c.name = argv[optind];
		status = make(&c);
	}
	nv_free(c.said);
	return (zfs_request_end(status, &c.r));
}

/* --- clone ------------------------------------------------------------------------------------ */

int
zfs_clone(int argc, char **argv)
{
	struct zfs_request f = {must_nv(), must_nv()};
	struct nvlist *out = NULL;
	struct err e = ERR_INIT;
	int c, rc, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "po:")) != -1) {
		if (c == 'p')
			must(nv_add_boolean(f.args, "parents"));
		else
			status = c == 'o' ? zfs_parse_prop(f.props, optarg) : 2;
	}
	argc -= optind;
	argv += optind;
	if (status == 0 && argc != 2)
		status = applet_usage(argc < 1 ? "missing source dataset argument" :
		    argc < 2 ? "missing target dataset argument" : "too many arguments");
	if (status != 0)
		return (zfs_request_end(status, &f));
	if (name_pool_length(argv[0]) != name_pool_length(argv[1]) ||
	    strncmp(argv[0], argv[1], name_pool_length(argv[0])) != 0)
		return (zfs_request_end(applet_fail_bare(NULL, "cannot create '%s': source and target pools differ",
		    argv[1]), &f));
	must(nv_add_str(f.args, "origin", argv[0]));
	must(nv_add_str(f.args, "name", argv[1]));
	rc = zfs_submit(&f, argv[1], "fs.clone", &out, &e);
	if (rc == 0) {
		status = zfs_report_mounts(out, "filesystem successfully cloned, but not mounted");
		nv_free(out);
		return (zfs_request_end(status, &f));
	}
	return (zfs_request_end(report_create(argv[1], out, rc, &e), &f));
}
