/* SPDX-License-Identifier: MIT */
/*
 * zpool import: find pools on devices, list them, import them.
 *
 * The scan reads labels in this process; the import itself is a poold's, which gets the
 * configuration that the scan put together.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/spa.h"
#include "zpool_impl.h"

enum { DIRS_MAX = 1024, OPTIONS_MAX = 32, NAME_WIDTH_MIN = 10 };

struct guid_set {
	uint64_t guid[1024];
	size_t n;
};

struct import_opts {
	char *dirs[DIRS_MAX]; /* absolute; kept to the end */
	size_t ndirs;
	struct nvlist *props;
	const char *altroot, *cachefile;
	const char *options[OPTIONS_MAX]; /* of the mounts */
	size_t noptions;
	struct guid_set *cached; /* pools of the cache file; NULL: any */
	bool all, destroyed, force, missing_log_ok, no_mount, readonly;
	bool rewind, dryrun, extreme, to_checkpoint;
	uint64_t max_txg;
};

static void
add_guid(struct guid_set *g, uint64_t guid)
{
	if (g->n < sizeof(g->guid) / sizeof(g->guid[0]))
		g->guid[g->n++] = guid;
}

/* Pools that run here are not offered again. */
static int
note_guid(const char *pool, void *arg)
{
	struct guid_set *g = arg;
	struct nvlist *status;

	if (pool_call(pool, "pool.status", NULL, &status, NULL) != 0)
		return (0);
	add_guid(g, nv_u64_or(status, "guid", 0));
	nv_free(status);
	return (0);
}

static bool
has_guid(const struct guid_set *g, uint64_t guid)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->guid[i] == guid)
			return (true);
	return (false);
}

static bool
is_offered(const struct import_opts *o, const struct guid_set *g, const struct pool_found *f)
{
	return ((f->state == POOL_DESTROYED) == o->destroyed && !has_guid(g, f->guid) &&
	    (o->cached == NULL || has_guid(o->cached, f->guid)));
}

static bool is_degraded(const struct nvlist *node);

static const char *
node_state(const struct nvlist *node)
{
	if (nv_has(node, "missing"))
		return ("UNAVAIL  cannot open");
	if (strcmp(nv_str_or(node, "type", ""), "missing") == 0)
		return ("UNAVAIL  missing device");
	return (is_degraded(node) ? "DEGRADED" : "ONLINE");
}

static void
print_import_node(const struct nvlist *node, const char *name, const char *state, size_t width,
    size_t depth)
{
	const char *type = nv_str_or(node, "type", "");
	struct nvlist **child;
	char text[64];
	size_t n;

	if (name == NULL && !nv_has(node, "path")) {
		if (strcmp(type, "raidz") == 0)
			(void)snprintf(text, sizeof(text), "raidz%" PRIu64 "-%" PRIu64,
			    nv_u64_or(node, "nparity", 1), nv_u64_or(node, "id", 0));
		else
			(void)snprintf(text, sizeof(text), "%s-%" PRIu64, type,
			    nv_u64_or(node, "id", 0));
		name = text;
	}
	if (name == NULL)
		name = zpool_vdev_name(node, 0);
	(void)printf("\t%*s%-*s  %s\n", (int)depth, "", (int)(width - depth), name,
	    state != NULL ? state : node_state(node));
	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		print_import_node(child[i], NULL, NULL, width, depth + 2);
}

static size_t
import_width(const struct nvlist *node, size_t depth)
{
	size_t n, width = depth + (nv_has(node, "path") ? strlen(zpool_vdev_name(node, 0)) :
	    strlen(nv_str_or(node, "type", "")) + 3);
	struct nvlist **child;

	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++) {
		size_t w = import_width(child[i], depth + 2);

		if (w > width)
			width = w;
	}
	return (width);
}

static bool
is_degraded(const struct nvlist *node)
{
	struct nvlist **child;
	size_t n;

	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++)
		if (is_degraded(child[i]))
			return (true);
	return (nv_has(node, "missing"));
}

/* OpenZFS's words where scripts look for them: "action:", "config:" and the states. */
static void
print_action(const struct pool_found *f, bool degraded)
{
	if (f->why != NULL)
		(void)printf(" status: %s.\n", f->why);
	else if (degraded)
		(void)printf(" status: One or more devices are missing from the system.\n");
	if (!f->complete)
		(void)printf(" action: The pool cannot be imported. "
		    "Attach the missing devices and try again.\n");
	else if (f->state == POOL_DESTROYED)
		(void)printf(" action: The pool was destroyed, "
		    "but can be imported using the '-Df' flags.\n");
	else if (degraded)
		(void)printf(" action: The pool can be imported despite missing devices.\n");
	else
		(void)printf(" action: The pool can be imported "
		    "using its name or numeric identifier.\n");
}

static void
print_found(const struct pool_found *f, bool is_first)
{
	const char *state;
	struct nvlist *tree;
	size_t width;

	if (nv_get_nvlist(f->config, "vdev_tree", &tree) != 0)
		return;
	state = !f->complete ? "UNAVAIL" : is_degraded(tree) ? "DEGRADED" : "ONLINE";
	(void)printf("%s   pool: %s\n     id: %" PRIu64 "\n  state: %s%s\n", is_first ? "" : "\n",
	    f->name, f->guid, state, f->state == POOL_DESTROYED ? " (DESTROYED)" : "");
	print_action(f, is_degraded(tree));
	(void)printf(" config:\n\n");
	width = import_width(tree, 0);
	if (width < strlen(f->name))
		width = strlen(f->name);
	print_import_node(tree, f->name, state,
	    width < NAME_WIDTH_MIN ? NAME_WIDTH_MIN : width, 0);
}

static int
list_found(const struct import_opts *o, const struct guid_set *g, const struct pool_scan *scan)
{
	bool is_first = true;

	for (size_t i = 0; i < scan->npool; i++) {
		if (!is_offered(o, g, &scan->pool[i]))
			continue;
		print_found(&scan->pool[i], is_first);
		is_first = false;
	}
	if (is_first)
		(void)applet_fail_bare(NULL, "no pools available to import");
	return (0);
}

/* A pool that another machine had last, and did not export, needs -f. */
static int
check_owner(const struct import_opts *o, const struct pool_found *f)
{
	if (o->force || f->state != POOL_ACTIVE || f->hostid == 0 ||
	    f->hostid == (uint64_t)(uint32_t)gethostid())
		return (0);
	(void)applet_fail_bare(NULL, "cannot import '%s': pool was previously in use from another system.",
	    f->name);
	(void)applet_fail_bare(NULL, "Last accessed by %s (hostid=%" PRIx64 ")",
	    f->hostname != NULL ? f->hostname : "<unknown>", f->hostid);
	return (applet_fail_bare(NULL,
	    "The pool can be imported, use 'zpool import -f' to import the pool."));
}

static void
print_rewind(const char *name, uint64_t now_at, uint64_t was_at, bool dryrun)
{
	uint64_t lost = was_at > now_at ? was_at - now_at : 0;
	time_t t = (time_t)now_at;
	char when[64] = "";
	struct tm tm;

	if (localtime_r(&t, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%c", &tm);
	if (dryrun)
		(void)printf("Would be able to return %s to its state as of %s.\n", name, when);
	else
		(void)printf("Pool %s returned to its state as of %s.\n", name, when);
	if (lost > 120)
		(void)printf("%s approximately %" PRIu64 " minutes of transactions.\n",
		    dryrun ? "Would discard" : "Discarded", (lost + 30) / 60);
	else if (lost > 0)
		(void)printf("%s approximately %" PRIu64 " seconds of transactions.\n",
		    dryrun ? "Would discard" : "Discarded", lost);
}

static void
report_rewind(const struct nvlist *out, const char *name)
{
	const uint64_t *at;
	size_t n;

	if (out != NULL && nv_get_u64_array(out, "rewound", &at, &n) == 0 && n == 2)
		print_rewind(name, at[0], at[1], false);
}

/* -n: would it work?  Nothing is written. */
static int
try_import(const struct import_opts *o, const struct pool_found *f)
{
	struct spa_import_opts so = {.config = f->config, .readonly = true, .force = true,
	    .missing_log_ok = o->missing_log_ok, .rewind = o->rewind, .extreme = o->extreme,
	    .max_txg = o->max_txg, .to_checkpoint = o->to_checkpoint};
	struct err e = ERR_INIT;
	uint64_t now_at, was_at;
	struct spa *spa;

	if (spa_import(&so, &spa, &e) != 0)
		return (applet_fail_bare(&e, "cannot import '%s'", f->name));
	if (spa_rewound(spa, &now_at, &was_at))
		print_rewind(f->name, now_at, was_at, true);
	spa_close(spa);
	return (0);
}

static int
import_found(const struct import_opts *o, const struct pool_found *f, const char *new_name)
{
	const char *name = new_name != NULL ? new_name : f->name;
	struct nvlist *r, *out = NULL;
	struct err e = ERR_INIT;
	int status;

	if (pool_is_imported(name)) {
		(void)applet_fail_bare(NULL, "cannot import '%s': a pool with that name already exists",
		    f->name);
		return (applet_fail_bare(NULL,
		    "use the form 'zpool import <pool | id> <newpool>' to give it a new name"));
	}
	if (check_owner(o, f) != 0)
		return (1);
	r = must_nv();
	must(nv_add_str(r, "op", "import"));
	must(nv_add_str(r, "name", f->name));
	must(nv_add_nvlist(r, "config", f->config));
	must(nv_add_nvlist(r, "props", o->props));
	must(nv_add_str(r, "history", zpool_command_line()));
	if (new_name != NULL)
		must(nv_add_str(r, "new_name", new_name));
	if (o->altroot != NULL)
		must(nv_add_str(r, "altroot", o->altroot));
	if (o->readonly)
		must(nv_add_boolean(r, "readonly"));
	if (o->force || o->destroyed)
		must(nv_add_boolean(r, "force"));
	if (o->missing_log_ok)
		must(nv_add_boolean(r, "missing_log_ok"));
	if (o->noptions != 0)
		must(nv_add_str_array(r, "options", o->options, o->noptions));
	if (o->no_mount)
		must(nv_add_boolean(r, "nomount"));
	if (o->rewind)
		must(nv_add_boolean(r, "rewind"));
	if (o->extreme)
		must(nv_add_boolean(r, "extreme"));
	if (o->max_txg != 0)
		must(nv_add_u64(r, "max_txg", o->max_txg));
	if (o->to_checkpoint)
		must(nv_add_boolean(r, "to_checkpoint"));
	if (o->dryrun) {
		nv_free(r);
		return (try_import(o, f));
	}
	status = pool_start(r, &out, &e) != 0 ? applet_fail_bare(&e, "cannot import '%s'", f->name) :
	    zpool_report_mounts(out);
	report_rewind(out, name);
	nv_free(out);
	nv_free(r);
	return (status);
}

static int
import_all(const struct import_opts *o, const struct guid_set *g, const struct pool_scan *scan)
{
	size_t n = 0;
	int status = 0;

	for (size_t i = 0; i < scan->npool; i++) {
		if (!is_offered(o, g, &scan->pool[i]))
			continue;
		n++;
		if (import_found(o, &scan->pool[i], NULL) != 0)
			status = 1;
	}
	if (n == 0)
		(void)applet_fail_bare(NULL, "no pools available to import");
	return (status);
}

static bool
is_named(const struct pool_found *f, const char *what)
{
	char *end;
	uint64_t guid = strtoull(what, &end, 10);

	return (strcmp(f->name, what) == 0 || (*what != '\0' && *end == '\0' && guid == f->guid));
}

static int
import_named(const struct import_opts *o, const struct guid_set *g, const struct pool_scan *scan,
    const char *what, const char *new_name)
{
	const struct pool_found *found = NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < scan->npool; i++) {
		const struct pool_found *f = &scan->pool[i];

		if (!is_offered(o, g, f) || !is_named(f, what))
			continue;
		if (found != NULL) {
			(void)applet_fail_bare(NULL, "cannot import '%s': more than one matching pool",
			    what);
			return (applet_fail_bare(NULL, "import by numeric ID instead"));
		}
		found = f;
	}
	if (found == NULL && pool_is_imported(what)) {
		(void)applet_fail_bare(NULL,
		    "cannot import '%s': a pool with that name is already created/imported,", what);
		return (applet_fail_bare(NULL, "and no additional pools with that name were found"));
	}
	if (found == NULL)
		return (applet_fail_bare(NULL, "cannot import '%s': no such pool available", what));
	if (new_name != NULL && name_check_pool(new_name, &e) != 0)
		return (applet_fail_bare(&e, "cannot import '%s'", new_name));
	return (import_found(o, found, new_name));
}

/* A property, or options for the mounts, which poold knows. */
static int
parse_import_prop(struct import_opts *o, char *arg)
{
	char *save;

	if (strchr(arg, '=') != NULL)
		return (zpool_parse_prop(o->props, arg));
	for (char *w = strtok_r(arg, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
		if (o->noptions == OPTIONS_MAX)
			return (applet_usage("too many mount options"));
		o->options[o->noptions++] = w;
	}
	return (0);
}

/* poold works from "/": paths must be absolute. */
static int
add_dir(struct import_opts *o, const char *dir)
{
	if (o->ndirs == DIRS_MAX)
		return (applet_usage("more than %d directories", DIRS_MAX));
	if ((o->dirs[o->ndirs] = realpath(dir, NULL)) == NULL)
		return (applet_fail_bare(NULL, "cannot open '%s': %s", dir, strerror(errno)));
	o->ndirs++;
	return (0);
}

/* --- the cache file --------------------------------------------------------------------------- */

/* Paths of the devices of a configuration, those that are there: to be looked at like -d DEVICE. */
static int
add_cached_devices(struct import_opts *o, const struct nvlist *node)
{
	const char *path = nv_str_or(node, "path", NULL);
	struct nvlist **child;
	int status = 0;
	size_t n;

	if (path != NULL && access(path, F_OK) == 0 && (status = add_dir(o, path)) != 0)
		return (status);
	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n && status == 0; i++)
		status = add_cached_devices(o, child[i]);
	return (status);
}

/* As OpenZFS writes them: an nvlist, pool -> its configuration. */
static int
read_cache(struct import_opts *o)
{
	static struct guid_set cached;
	struct nvlist *all, *config, *tree;
	struct nvpair *p = NULL;
	struct err e = ERR_INIT;
	int status = 0;
	size_t len;
	char *text;

	if (file_read(o->cachefile, 64 << 20, &text, &len, &e) != 0)
		return (applet_fail_bare(NULL, "%s", e.msg));
	if (nv_unpack(text, len, &all, &e) != 0) {
		free(text);
		return (applet_fail_bare(NULL, "failed to parse cache file '%s': %s", o->cachefile, e.msg));
	}
	while (status == 0 && (p = nv_next(all, p)) != NULL) {
		if (nvpair_nvlist(p, &config) != 0 || nv_get_nvlist(config, "vdev_tree", &tree) != 0)
			continue;
		add_guid(&cached, nv_u64_or(config, "pool_guid", 0));
		status = add_cached_devices(o, tree);
	}
	nv_free(all);
	free(text);
	o->cached = &cached;
	return (status);
}

static int
parse_txg(struct import_opts *o, const char *arg)
{
	char *end;

	errno = 0;
	o->max_txg = strtoull(arg, &end, 0);
	if (errno != 0 || *end != '\0' || o->max_txg == 0)
		return (applet_usage("invalid txg value"));
	o->rewind = o->extreme = true;
	return (0);
}

static int
read_import_opts(int argc, char **argv, struct import_opts *o)
{
	bool load_keys = false, scan = false;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "aDc:d:fFlmNno:R:sT:X")) != -1) {
		switch (c) {
		case 'a': o->all = true; break;
		case 'c': o->cachefile = optarg; break;
		case 'l': load_keys = true; break; /* there are none */
		case 'D': o->destroyed = true; break;
		case 'f': o->force = true; break;
		case 'F': o->rewind = true; break;
		case 'n': o->dryrun = true; break;
		case 's': scan = true; break; /* we look at every device anyway */
		case 'T': status = parse_txg(o, optarg); break;
		case 'X': o->extreme = true; break;
		case 'm': o->missing_log_ok = true; break;
		case 'N': o->no_mount = true; break;
		case 'R': must(nv_add_str(o->props, "altroot", optarg)); break;
		case 'o': status = parse_import_prop(o, optarg); break;
		case 'd': status = add_dir(o, optarg); break;
		default: return (2);
		}
	}
	if (status == 0 && o->cachefile != NULL && (o->ndirs != 0 || scan))
		status = applet_usage("-c is incompatible with %s", scan ? "-s" : "-d");
	if (status == 0 && load_keys && o->no_mount)
		status = applet_usage("-l is incompatible with -N");
	if (status == 0 && (o->dryrun || o->extreme) && !o->rewind)
		status = applet_usage("-n or -X only meaningful with -F");
	if (status == 0 && o->to_checkpoint && (o->rewind || o->max_txg != 0))
		status = applet_usage("--rewind-to-checkpoint cannot be combined with -F or -T");
	return (status);
}

/* The only long option; cut out of the arguments. */
static bool
take_long(int *argc, char **argv, const char *name)
{
	bool found = false;
	int n = 1;

	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], name) == 0)
			found = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	*argc = n;
	return (found);
}

static int
import_scanned(const struct import_opts *o, int argc, char **argv)
{
	static struct guid_set running;
	struct pool_scan scan = {NULL, 0};
	struct err e = ERR_INIT;
	int status;

	(void)zpool_each(0, NULL, note_guid, &running, NULL);
	if (o->cached != NULL && o->ndirs == 0)
		; /* nothing of it is there: nothing is found */
	else if (pool_scan(o->ndirs != 0 ? (const char *const *)o->dirs : NULL, o->ndirs, &scan, &e) != 0)
		return (applet_fail_bare(&e, "cannot look for pools"));
	if (o->all)
		status = import_all(o, &running, &scan);
	else if (argc == 0)
		status = list_found(o, &running, &scan);
	else
		status = import_named(o, &running, &scan, argv[0], argc > 1 ? argv[1] : NULL);
	pool_scan_free(&scan);
	return (status);
}

int
zpool_import(int argc, char **argv)
{
	struct import_opts o = {.props = must_nv()};
	char *readonly, *altroot;
	int status;

	o.to_checkpoint = take_long(&argc, argv, "--rewind-to-checkpoint");
	status = read_import_opts(argc, argv, &o);
	argc -= optind;
	argv += optind;
	if (status == 0 && (argc > 2 || (o.all && argc > 0)))
		status = applet_usage("too many arguments");
	free(zpool_take_prop(o.props, "cachefile"));
	readonly = zpool_take_prop(o.props, "readonly");
	altroot = zpool_take_prop(o.props, "altroot");
	o.readonly = readonly != NULL && strcmp(readonly, "on") == 0;
	o.altroot = altroot;
	if (status == 0 && altroot != NULL && altroot[0] != '/')
		status = applet_fail_bare(NULL, "bad alternate root '%s'", altroot);
	if (status == 0 && o.cachefile != NULL)
		status = read_cache(&o);
	if (status == 0)
		status = import_scanned(&o, argc, argv);
	free(readonly);
	free(altroot);
	nv_free(o.props);
	return (status);
}
