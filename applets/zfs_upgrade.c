/* SPDX-License-Identifier: MIT */
/*
 * zfs upgrade: the versions of filesystems, which are those of their files' attributes.
 *
 * All that we make has version 5, system attributes. Older ones are read; making them newer means to
 * write every file's attributes anew, which OpenZFS does little by little and we do not: it is refused.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/units.h"
#include "smartbox/fs/dsl.h"
#include "zfs_impl.h"

enum { CURRENT = 5 };

static const char *const versions[CURRENT] = {
	"Initial ZFS filesystem version",
	"Enhanced directory entries",
	"Case insensitive and filesystem user identifier (FUID)",
	"userquota, groupquota properties",
	"System attributes",
};

struct upgrade {
	uint64_t want;
	bool lists;	   /* show what is older, change nothing */
	bool is_recursive;
	unsigned upgraded, as_wanted, older;
	int status;
};

static int
print_versions(void)
{
	printf("The following filesystem versions are supported:\n\n");
	printf("VER  DESCRIPTION\n---  --------------------------------------------------------\n");
	for (unsigned i = 0; i < CURRENT; i++)
		printf("%2u   %s\n", i + 1, versions[i]);
	printf("\n");
	return (0);
}

static void
list_older(struct upgrade *u, const char *name, uint64_t version)
{
	if (u->older++ == 0)
		printf("The following filesystems are of older versions:\n\nVER  FILESYSTEM\n---  ------------\n");
	printf("%2u   %s\n", (unsigned)version, name);
}

static void
visit(struct upgrade *u, const char *name, const char *text)
{
	uint64_t version;

	if (units_parse_u64(text, 1, UINT64_MAX, &version, NULL) != 0)
		return; /* a volume, or not to be read */
	if (u->lists) {
		if (version < u->want)
			list_older(u, name, version);
	} else if (version == u->want) {
		u->as_wanted++;
	} else {
		u->status = version > u->want ?
		    applet_fail_bare(NULL, "cannot downgrade '%s' from version %u to %u", name, (unsigned)version,
		    (unsigned)u->want) :
		    applet_fail_bare(NULL, "cannot upgrade '%s': filesystem version %u is only read here", name,
		    (unsigned)version);
	}
}

/* "fs.list" answers with a byte and the cells of each row. */
static void
visit_rows(struct upgrade *u, const struct nvlist *out)
{
	const char *p, *end;
	const void *rows;
	size_t len;

	if (nv_get_bytes(out, "rows", &rows, &len) != 0)
		return;
	for (p = rows, end = p + len; p < end;) {
		const char *name = p + 1, *text = memchr(name, '\0', (size_t)(end - name));

		if (text == NULL || (p = memchr(text + 1, '\0', (size_t)(end - text - 1))) == NULL)
			return;
		visit(u, name, text + 1);
		p++;
	}
}

/* name NULL: all of the pool. */
static void
visit_tree(struct upgrade *u, const char *pool, const char *name)
{
	static const char *const columns[] = {"name", "version"};
	struct nvlist *args = must_nv(), *out = NULL;
	struct err e = ERR_INIT;

	must(nv_add_str_array(args, "columns", columns, 2));
	must(nv_add_u64(args, "types", DSL_FILESYSTEM));
	must(nv_add_boolean(args, "raw"));
	if (name != NULL)
		must(nv_add_str_array(args, "roots", &name, 1));
	if (name != NULL && !u->is_recursive)
		must(nv_add_u64(args, "depth", 0));
	if (zfs_ask(pool, "fs.list", args, &out, &e) != 0)
		u->status = applet_fail_bare(&e, "cannot open '%s'", pool);
	else if (nv_has(out, "missing"))
		u->status = applet_fail_bare(NULL, "cannot open '%s': dataset does not exist", name);
	else
		visit_rows(u, out);
	nv_free(args);
	nv_free(out);
}

static void
visit_all(struct upgrade *u)
{
	size_t n;
	char **pools = zfs_pools(&n);

	for (size_t i = 0; i < n; i++)
		visit_tree(u, pools[i], NULL);
	free(pools);
}

static int
list_all(struct upgrade *u)
{
	u->lists = true;
	printf("This system is currently running ZFS filesystem version %d.\n\n", CURRENT);
	visit_all(u);
	if (u->older == 0 && u->status == 0)
		printf("All filesystems are formatted with the current version.\n");
	return (u->status);
}

static int
parse_version(const char *text, uint64_t *version)
{
	if (strcmp(text, "current") == 0) {
		*version = CURRENT;
		return (0);
	}
	if (units_parse_u64(text, 1, CURRENT, version, NULL) != 0)
		return (applet_usage("invalid version '%s'", text));
	return (0);
}

int
zfs_upgrade(int argc, char **argv)
{
	struct upgrade u = {.want = CURRENT};
	bool all = false, shows = false;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "arvV:")) != -1) {
		if (c == 'V')
			status = parse_version(optarg, &u.want);
		else if (c == 'v')
			shows = true;
		else if (c == 'a')
			all = true;
		else if (c == 'r')
			u.is_recursive = true;
		else
			status = 2;
	}
	if (status != 0)
		return (status);
	if ((shows && (all || optind < argc)) || (all && optind < argc))
		return (applet_usage("too many arguments"));
	if (shows)
		return (print_versions());
	if (!all && optind == argc)
		return (list_all(&u));
	if (all)
		visit_all(&u);
	for (int i = optind; i < argc; i++)
		visit_tree(&u, argv[i], argv[i]);
	printf("%u filesystems upgraded\n", u.upgraded);
	if (u.as_wanted != 0)
		printf("%u filesystems already at this version\n", u.as_wanted);
	return (u.status);
}
