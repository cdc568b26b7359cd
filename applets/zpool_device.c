/* SPDX-License-Identifier: MIT */
/*
 * zpool add, attach, checkpoint, clear, detach, initialize, offline, online, reguid, remove, reopen,
 * replace: a pool's devices.
 *
 * Each asks the pool's poold for one operation (docs/poold-protocol.md) and, with -w, waits for what the
 * operation started.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/units.h"
#include "smartbox/fs/client.h"
#include "zpool_impl.h"

/* The device as the pool knows it: a path that leads there is made the one that it has. */
static const char *
device_name(const char *arg, char path[PATH_MAX])
{
	if (arg[0] == '/' && realpath(arg, path) != NULL)
		return (path);
	return (arg);
}

static struct nvlist *
request_for(const char *device)
{
	struct nvlist *in = must_nv();
	char path[PATH_MAX];

	if (device != NULL)
		must(nv_add_str(in, "device", device_name(device, path)));
	must(nv_add_str(in, "history", zpool_command_line()));
	return (in);
}

/* The path as given may be the one that is stored (a link): tried when the resolved one is not known. */
static int
call(const char *pool, const char *op, struct nvlist *in, const char *device, struct nvlist **out,
    struct err *e)
{
	int rc = pool_call(pool, op, in, out, e);

	if (rc == -ENODEV && device != NULL && strcmp(nv_str_or(in, "device", ""), device) != 0) {
		must(nv_add_str(in, "device", device));
		*e = (struct err)ERR_INIT;
		rc = pool_call(pool, op, in, out, e);
	}
	nv_free(in);
	return (rc);
}

/* --- online, offline -------------------------------------------------------------------------- */

static int
offline_one(const char *pool, const char *device, bool temporary, bool fault)
{
	struct nvlist *in = request_for(device);
	struct err e = ERR_INIT;

	if (temporary)
		must(nv_add_boolean(in, "temporary"));
	if (fault)
		must(nv_add_boolean(in, "fault"));
	if (call(pool, "pool.offline", in, device, NULL, &e) == 0)
		return (0);
	return (applet_fail_bare(&e, "cannot %s %s", fault ? "fault" : "offline", device));
}

int
zpool_offline(int argc, char **argv)
{
	bool temporary = false, fault = false;
	int c, status = 0;

	while ((c = applet_getopt(argc, argv, "ft")) != -1) {
		if (c == '?')
			return (2);
		fault = fault || c == 'f';
		temporary = temporary || c == 't';
	}
	if (optind >= argc)
		return (applet_usage("missing pool name"));
	if (optind + 1 >= argc)
		return (applet_usage("missing device name"));
	for (int i = optind + 1; i < argc; i++)
		status |= offline_one(argv[optind], argv[i], temporary, fault);
	return (status);
}

static int
online_one(const char *pool, const char *device, bool expand)
{
	struct nvlist *in = request_for(device), *out = NULL;
	struct err e = ERR_INIT;
	const char *state;

	if (expand)
		must(nv_add_boolean(in, "expand"));
	if (call(pool, "pool.online", in, device, &out, &e) != 0)
		return (applet_fail_bare(&e, "cannot online %s", device));
	state = nv_str_or(out, "state", "ONLINE");
	if (strcmp(state, "ONLINE") != 0 && strcmp(state, "DEGRADED") != 0)
		(void)printf("warning: device '%s' onlined, but remains in faulted state\nuse 'zpool "
		    "replace' to replace devices that are no longer present\n", device);
	nv_free(out);
	return (0);
}

int
zpool_online(int argc, char **argv)
{
	bool expand = false;
	int c, status = 0;

	while ((c = applet_getopt(argc, argv, "e")) != -1) {
		if (c != 'e')
			return (2);
		expand = true;
	}
	if (optind >= argc)
		return (applet_usage("missing pool name"));
	if (optind + 1 >= argc)
		return (applet_usage("missing device name"));
	for (int i = optind + 1; i < argc; i++)
		status |= online_one(argv[optind], argv[i], expand);
	return (status);
}

/* --- attach, replace, detach ------------------------------------------------------------------ */

struct attach_opts {
	bool force, wait, replace;
};

static int
parse_ashift(const char *arg, uint64_t *ashift)
{
	if (strncmp(arg, "ashift=", 7) != 0)
		return (strchr(arg, '=') == NULL ? applet_usage("missing '=' for -o option") :
		    applet_fail_bare(NULL, "property '%s' is not valid here", arg));
	if (units_parse_u64(arg + 7, 0, 16, ashift, NULL) != 0 || (*ashift != 0 && *ashift < 9))
		return (applet_fail_bare(NULL, "invalid 'ashift=%s' property: only values between 9 and "
		    "16 are allowed", arg + 7));
	return (0);
}

static int
read_attach_opts(int argc, char **argv, struct attach_opts *o)
{
	uint64_t ashift; /* the group has its own: it is only looked at */
	int c, status;

	while ((c = applet_getopt(argc, argv, "fso:w")) != -1) {
		if (c == '?')
			return (2);
		o->force = o->force || c == 'f';
		o->wait = o->wait || c == 'w';
		if (c == 's')
			return (applet_fail_bare(NULL, "sequential reconstruction is not supported by "
			    "this version: leave -s away"));
		if (c == 'o' && (status = parse_ashift(optarg, &ashift)) != 0)
			return (status);
	}
	if (optind >= argc)
		return (applet_usage("missing pool name argument"));
	if (optind + 1 >= argc)
		return (applet_usage("missing <device> specification"));
	return (0);
}

static int
attach_or_replace(int argc, char **argv, struct attach_opts *o)
{
	struct nvlist *in, *leaf = NULL;
	struct err e = ERR_INIT;
	int status = read_attach_opts(argc, argv, o), n = argc - optind;
	const char *pool, *old;

	if (status != 0)
		return (status);
	if (n == 2 && !o->replace)
		return (applet_usage("missing <new_device> specification"));
	if (n > 3)
		return (applet_usage("too many arguments"));
	pool = argv[optind];
	old = argv[optind + 1];
	if (n == 3 && zpool_parse_device(pool, argv[optind + 2], &leaf) != 0)
		return (1);
	in = request_for(old);
	if (leaf != NULL)
		must(nv_add_nvlist(in, "leaf", leaf));
	if (o->force)
		must(nv_add_boolean(in, "force"));
	if (o->replace)
		must(nv_add_boolean(in, "replace"));
	nv_free(leaf);
	if (call(pool, "pool.attach", in, old, NULL, &e) != 0)
		return (n == 3 ? applet_fail_bare(&e, o->replace ? "cannot replace %s with %s" :
		    "cannot attach %2$s to %1$s", old, argv[optind + 2]) :
		    applet_fail_bare(&e, "cannot replace %s", old));
	return (o->wait ? zpool_wait_for(pool, o->replace ? "replace" : "resilver") : 0);
}

int
zpool_attach(int argc, char **argv)
{
	struct attach_opts o = {.replace = false};

	return (attach_or_replace(argc, argv, &o));
}

int
zpool_replace(int argc, char **argv)
{
	struct attach_opts o = {.replace = true};

	return (attach_or_replace(argc, argv, &o));
}

int
zpool_detach(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if (optind >= argc)
		return (applet_usage("missing pool name argument"));
	if (optind + 1 >= argc)
		return (applet_usage("missing <device> specification"));
	if (call(argv[optind], "pool.detach", request_for(argv[optind + 1]), argv[optind + 1], NULL,
	    &e) == 0)
		return (0);
	return (applet_fail_bare(&e, "cannot detach %s", argv[optind + 1]));
}

/* --- add, remove ------------------------------------------------------------------------------ */

struct add_opts {
	bool force, dryrun;
	unsigned names; /* ZPOOL_NAME_... */
	uint64_t ashift;
};

static int
read_add_opts(int argc, char **argv, struct add_opts *o)
{
	int c, status;

	while ((c = applet_getopt(argc, argv, "fgLno:P")) != -1) {
		if (c == '?')
			return (2);
		o->force = o->force || c == 'f';
		o->dryrun = o->dryrun || c == 'n';
		o->names |= zpool_name_option(c);
		if (c == 'o' && (status = parse_ashift(optarg, &o->ashift)) != 0)
			return (status);
	}
	if (optind >= argc)
		return (applet_usage("missing pool name argument"));
	return (optind + 1 >= argc ? applet_usage("missing vdev specification") : 0);
}

static int
send_add(const char *pool, const struct add_opts *o, const struct nvlist *tree)
{
	struct nvlist *in = request_for(NULL);
	struct err e = ERR_INIT;

	must(nv_add_nvlist(in, "vdev_tree", tree));
	if (o->ashift != 0)
		must(nv_add_u64(in, "ashift", o->ashift));
	if (o->force)
		must(nv_add_boolean(in, "force"));
	if (call(pool, "pool.add", in, NULL, NULL, &e) != 0)
		return (applet_fail_bare(&e, "cannot add to '%s'", pool));
	if (nv_has(tree, "l2cache"))
		(void)printf("note: this version keeps cache devices in the pool but does not use them\n");
	return (0);
}

/* What stands beside the tree belongs to the layout that -n prints. */
static void
take_aux(const struct nvlist *status, struct nvlist *tree)
{
	static const char *const lists[] = {"l2cache", "spares"};
	struct nvlist **v;
	size_t n;

	for (int i = 0; i < 2; i++)
		if (nv_get_nvlist_array(status, lists[i], &v, &n) == 0)
			must(nv_add_nvlist_array(tree, lists[i], v, n));
}

int
zpool_add(int argc, char **argv)
{
	struct add_opts o = {.force = false};
	struct nvlist *there, *pool_tree, *tree;
	struct err e = ERR_INIT;
	int status = read_add_opts(argc, argv, &o);
	const char *pool = argv[optind];

	if (status != 0)
		return (status);
	if (pool_call(pool, "pool.status", NULL, &there, &e) != 0)
		return (applet_fail_bare(&e, "cannot open '%s'", pool));
	if (nv_get_nvlist(there, "tree", &pool_tree) != 0)
		pool_tree = NULL;
	else
		take_aux(there, pool_tree);
	status = zpool_parse_vdevs(argc - optind - 1, argv + optind + 1, o.force, pool_tree, &tree);
	if (status == 0) {
		if (o.dryrun)
			zpool_print_layout(pool, pool_tree, tree, o.names);
		else
			status = send_add(pool, &o, tree);
		nv_free(tree);
	}
	nv_free(there);
	return (status);
}

struct remove_opts {
	bool dryrun, parseable, stop, wait;
};

/* The node of this name in the tree that pool.status gives; NULL: none. */
static const struct nvlist *
find_node(const struct nvlist *node, const char *name)
{
	const struct nvlist *found = NULL;
	struct nvlist **child;
	const char *own = nv_str_or(node, "name", ""), *slash = strrchr(own, '/');
	size_t n;

	if (strcmp(own, name) == 0 || (slash != NULL && strcmp(slash + 1, name) == 0))
		return (node);
	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n && found == NULL; i++)
		found = find_node(child[i], name);
	return (found);
}

/* -n: what its mapping would take. */
static int
estimate(const char *pool, const char *device, bool parseable)
{
	struct nvlist *status, *tree;
	const struct nvlist *node;
	struct err e = ERR_INIT;
	char text[32];

	if (pool_call(pool, "pool.status", NULL, &status, &e) != 0)
		return (applet_fail_bare(&e, "cannot open '%s'", pool));
	node = nv_get_nvlist(status, "tree", &tree) == 0 ? find_node(tree, device) : NULL;
	if (node == NULL) {
		nv_free(status);
		return (applet_fail_bare(NULL, "cannot determine indirect size of %s: no such device in pool",
		    device));
	}
	units_format_size(text, sizeof(text), nv_u64_or(node, "mapping", 0));
	if (parseable)
		(void)printf("%s %llu\n", device, (unsigned long long)nv_u64_or(node, "mapping", 0));
	else
		(void)printf("Memory that will be used after removing %s: %s\n", device, text);
	nv_free(status);
	return (0);
}

static int
cancel_removal(const char *pool)
{
	struct nvlist *in = request_for(NULL);
	struct err e = ERR_INIT;

	must(nv_add_boolean(in, "cancel"));
	if (call(pool, "pool.remove", in, NULL, NULL, &e) == 0)
		return (0);
	return (applet_fail_bare(&e, "cannot cancel removal"));
}

static int
remove_device(const char *pool, const char *device)
{
	struct err e = ERR_INIT;

	if (call(pool, "pool.remove", request_for(device), device, NULL, &e) == 0)
		return (0);
	return (applet_fail_bare(&e, "cannot remove %s", device));
}

static int
read_remove_opts(int argc, char **argv, struct remove_opts *o)
{
	int c;

	while ((c = applet_getopt(argc, argv, "npsw")) != -1) {
		if (c == '?')
			return (2);
		o->dryrun = o->dryrun || c == 'n';
		o->parseable = o->parseable || c == 'p';
		o->stop = o->stop || c == 's';
		o->wait = o->wait || c == 'w';
	}
	if (optind >= argc)
		return (applet_usage("missing pool name argument"));
	if (o->stop && o->wait)
		return (applet_usage("invalid option combination: -w cannot be used with -s"));
	if (o->stop && optind + 1 < argc)
		return (applet_usage("too many arguments"));
	return (!o->stop && optind + 1 >= argc ? applet_usage("missing device") : 0);
}

int
zpool_remove(int argc, char **argv)
{
	struct remove_opts o = {.dryrun = false};
	int status = read_remove_opts(argc, argv, &o), rc;
	const char *pool = argv[optind];

	if (status != 0)
		return (status);
	if (o.stop && o.dryrun)
		return (applet_fail_bare(NULL, "stop request ignored"));
	if (o.stop)
		return (cancel_removal(pool));
	for (int i = optind + 1; i < argc; i++) {
		rc = o.dryrun ? estimate(pool, argv[i], o.parseable) : remove_device(pool, argv[i]);
		status = rc != 0 ? rc : status;
	}
	return (status == 0 && o.wait && !o.dryrun ? zpool_wait_for(pool, "remove") : status);
}

/* --- clear, reopen, reguid -------------------------------------------------------------------- */

int
zpool_clear(int argc, char **argv)
{
	const char *device;
	struct err e = ERR_INIT;
	int c;

	while ((c = applet_getopt(argc, argv, "FnX")) != -1)
		return (c == '?' ? 2 : applet_fail_bare(NULL, "-%c rewinds a pool that cannot be opened; "
		    "this version does not", c));
	if (optind >= argc)
		return (applet_usage("missing pool name"));
	if (argc - optind > 2)
		return (applet_usage("too many arguments"));
	device = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (call(argv[optind], "pool.clear", request_for(device), device, NULL, &e) == 0)
		return (0);
	return (device != NULL ? applet_fail_bare(&e, "cannot clear errors for %s", device) :
	    applet_fail_bare(&e, "cannot clear errors for '%s'", argv[optind]));
}

static int
simple_one(const char *pool, void *arg)
{
	struct err e = ERR_INIT;
	const char *verb = arg;
	char op[32];

	(void)snprintf(op, sizeof(op), "pool.%s", verb);
	if (call(pool, op, request_for(NULL), NULL, NULL, &e) == 0)
		return (0);
	return (applet_fail_bare(&e, "cannot %s '%s'", verb, pool));
}

/* --- initialize, trim ------------------------------------------------------------------------- */

/* What goes over the free space of devices in the background. */
struct work_opts {
	const char *op, *verb, *gerund; /* "pool.trim", "trim", "trimming" */
	uint64_t rate;
	bool cancel, suspend, wait;
};

static int
work_one(const char *pool, const char *device, const struct work_opts *o)
{
	struct nvlist *in = request_for(device);
	struct err e = ERR_INIT;

	if (o->cancel)
		must(nv_add_boolean(in, "cancel"));
	if (o->suspend)
		must(nv_add_boolean(in, "suspend"));
	if (o->rate != 0)
		must(nv_add_u64(in, "rate", o->rate));
	if (call(pool, o->op, in, device, NULL, &e) == 0)
		return (0);
	if (device == NULL)
		device = pool;
	return (o->cancel || o->suspend ? applet_fail_bare(&e, "cannot %s %s '%s'",
	    o->cancel ? "cancel" : "suspend", o->gerund, device) :
	    applet_fail_bare(&e, "cannot %s '%s'", o->verb, device));
}

static int
work_all(int argc, char **argv, const struct work_opts *o)
{
	int status = 0;

	if (argc < 1)
		return (applet_usage("missing pool name argument"));
	if (o->wait && (o->cancel || o->suspend))
		return (applet_usage("-w cannot be used with -c or -s"));
	if (argc == 1)
		status = work_one(argv[0], NULL, o);
	for (int i = 1; i < argc; i++)
		status |= work_one(argv[0], argv[i], o);
	return (status == 0 && o->wait ? zpool_wait_for(argv[0], o->verb) : status);
}

static const struct option initialize_names[] = {{"cancel", 0, NULL, 'c'}, {"suspend", 0, NULL, 's'},
    {"wait", 0, NULL, 'w'}, {NULL, 0, NULL, 0}};
static const struct option trim_names[] = {{"cancel", 0, NULL, 'c'}, {"rate", 1, NULL, 'r'},
    {"secure", 0, NULL, 'd'}, {"suspend", 0, NULL, 's'}, {"wait", 0, NULL, 'w'}, {NULL, 0, NULL, 0}};

int
zpool_initialize(int argc, char **argv)
{
	struct work_opts o = {.op = "pool.initialize", .verb = "initialize", .gerund = "initializing"};
	int c;

	while ((c = applet_getopt_long(argc, argv, "csw", initialize_names)) != -1) {
		if (c == '?')
			return (2);
		o.cancel = o.cancel || c == 'c';
		o.suspend = o.suspend || c == 's';
		o.wait = o.wait || c == 'w';
	}
	if (o.cancel && o.suspend)
		return (applet_usage("-c cannot be combined with other options"));
	return (work_all(argc - optind, argv + optind, &o));
}

int
zpool_trim(int argc, char **argv)
{
	struct work_opts o = {.op = "pool.trim", .verb = "trim", .gerund = "trimming"};
	bool secure = false;
	int c;

	while ((c = applet_getopt_long(argc, argv, "cdr:sw", trim_names)) != -1) {
		if (c == '?')
			return (2);
		o.cancel = o.cancel || c == 'c';
		o.suspend = o.suspend || c == 's';
		o.wait = o.wait || c == 'w';
		secure = secure || c == 'd';
		if (c == 'r' && (units_parse_size(optarg, &o.rate, NULL) != 0 || o.rate == 0))
			return (applet_usage("invalid value for rate"));
	}
	if (o.cancel && o.suspend)
		return (applet_usage("-c cannot be combined with other options"));
	if ((secure || o.rate != 0) && (o.cancel || o.suspend))
		return (applet_usage("-%c cannot be combined with the -c or -s options",
		    secure ? 'd' : 'r'));
	if (secure)
		return (applet_fail_bare(NULL, "secure trim is not supported by this version"));
	return (work_all(argc - optind, argv + optind, &o));
}

/* A discard is over when the command returns. */
int
zpool_checkpoint(int argc, char **argv)
{
	static const struct option names[] = {{"discard", 0, NULL, 'd'}, {"wait", 0, NULL, 'w'},
	    {NULL, 0, NULL, 0}};
	bool discard = false, wait = false;
	struct err e = ERR_INIT;
	struct nvlist *in;
	int c;

	while ((c = applet_getopt_long(argc, argv, "dw", names)) != -1) {
		if (c == '?')
			return (2);
		discard = discard || c == 'd';
		wait = wait || c == 'w';
	}
	if (wait && !discard)
		return (applet_usage("--wait only valid when used with --discard"));
	if (optind >= argc)
		return (applet_usage("missing pool argument"));
	if (argc - optind > 1)
		return (applet_usage("too many arguments"));
	in = request_for(NULL);
	if (discard)
		must(nv_add_boolean(in, "discard"));
	if (call(argv[optind], "pool.checkpoint", in, NULL, NULL, &e) == 0)
		return (0);
	return (applet_fail_bare(&e, discard ? "cannot discard checkpoint in '%s'" :
	    "cannot checkpoint '%s'", argv[optind]));
}

static int
upgrade_one(const char *pool, void *arg)
{
	if (simple_one(pool, arg) != 0)
		return (1);
	(void)printf("Enabled on '%s' the features that new pools have; see 'zpool get all %s'.\n", pool,
	    pool);
	return (0);
}

static int
name_one(const char *pool, void *arg)
{
	(void)arg;
	(void)printf("  %s\n", pool);
	return (0);
}

int
zpool_upgrade(int argc, char **argv)
{
	bool all = false, about = false;
	int c;

	while ((c = applet_getopt(argc, argv, "aV:v")) != -1) {
		if (c == '?')
			return (2);
		all = all || c == 'a';
		about = about || c == 'v';
		if (c == 'V')
			return (applet_fail_bare(NULL, "only pools with feature flags are written: there is "
			    "no other version to upgrade to"));
	}
	(void)printf("This system supports ZFS pool feature flags.\n\n");
	if (all || optind < argc)
		return (zpool_each(all ? 0 : argc - optind, argv + optind, upgrade_one, "upgrade", NULL));
	if (about) {
		(void)printf("'zpool get all POOL' shows the features of a pool.\n");
		return (0);
	}
	(void)printf("All pools are formatted using feature flags:\n\n");
	return (zpool_each(0, argv, name_one, NULL, NULL));
}

int
zpool_reopen(int argc, char **argv)
{
	int c;

	while ((c = applet_getopt(argc, argv, "n")) != -1)
		if (c != 'n')
			return (2);
	return (zpool_each(argc - optind, argv + optind, simple_one, "reopen", NULL));
}

int
zpool_reguid(int argc, char **argv)
{
	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if (optind >= argc)
		return (applet_usage("missing pool name"));
	if (argc - optind > 1)
		return (applet_usage("too many arguments"));
	return (zpool_each(1, argv + optind, simple_one, "reguid", NULL));
}
