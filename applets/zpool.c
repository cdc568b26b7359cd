/* SPDX-License-Identifier: MIT */
/*
 * zpool: make, find, show and end storage pools.
 *
 * create and import start a poold (fs/client.h), everything else asks it.  Options, columns,
 * messages and exit codes are OpenZFS's, because people and scripts know them; its "internal" words
 * for a message are kept where a script may look for them.
 */
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/bdev.h"
#include "smartbox/core/buf.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/pool_props.h"
#include "smartbox/fs/props.h"
#include "zpool_impl.h"

static const char zpool_usage[] = "";

APPLET(zpool, "create, find, show and end storage pools");

static struct buf command_line;

const char *
zpool_command_line(void)
{
	return (command_line.data != NULL ? command_line.data : "zpool");
}

/* "name=value" cut in two; 0, or 2 after a message. */
static int
split_prop(const char *arg, char *name, size_t size, const char **value)
{
	const char *eq = strchr(arg, '=');

	if (eq == NULL || (size_t)(eq - arg) >= size) {
		(void)applet_fail_bare(NULL, "missing '=' for property=value argument");
		return (2);
	}
	memcpy(name, arg, (size_t)(eq - arg));
	name[eq - arg] = '\0';
	*value = eq + 1;
	return (0);
}

static int
add_once(struct nvlist *nv, const char *name, const char *value)
{
	if (nv_has(nv, name)) {
		(void)applet_fail_bare(NULL, "property '%s' specified multiple times", name);
		return (2);
	}
	must(nv_add_str(nv, name, value));
	return (0);
}

int
zpool_parse_prop(struct nvlist *nv, const char *arg)
{
	struct err e = ERR_INIT;
	const struct pool_prop *p;
	const char *value;
	char name[128];

	if (split_prop(arg, name, sizeof(name), &value) != 0)
		return (2);
	if (pool_prop_check(name, value, true, &e) != 0)
		return (applet_fail_bare(&e, "property '%s'", name));
	p = pool_prop_find(name);
	return (add_once(nv, p != NULL ? p->name : name, value));
}

int
zpool_parse_fsprop(struct nvlist *nv, const char *arg)
{
	const struct fs_prop *p;
	const char *value;
	char name[256];

	if (split_prop(arg, name, sizeof(name), &value) != 0)
		return (2);
	p = fs_prop_find(name);
	if (p == NULL && !fs_prop_is_user(name))
		return (applet_fail_bare(NULL, "property '%s' is not a valid filesystem property",
		    name));
	return (add_once(nv, p != NULL ? p->name : name, value));
}

char *
zpool_take_prop(struct nvlist *nv, const char *name)
{
	const char *value = nv_str_or(nv, name, NULL);
	char *copy = NULL;

	if (value != NULL) {
		copy = strdup(value);
		must(copy == NULL ? -ENOMEM : 0);
		nv_remove(nv, name);
	}
	return (copy);
}

int
zpool_report_mounts(const struct nvlist *out)
{
	const char *why = nv_str_or(out, "no_device", NULL);

	if (why != NULL)
		(void)applet_fail_bare(NULL, "%s", why);
	why = nv_str_or(out, "not_mounted", NULL);
	return (why == NULL ? 0 : applet_fail_bare(NULL, "%s", why));
}

static bool
is_served(const char *name)
{
	struct err e = ERR_INIT;

	if (name_check_pool(name, &e) == 0 && pool_is_imported(name))
		return (true);
	(void)applet_fail_bare(NULL, "cannot open '%s': %s", name,
	    e.code != 0 ? e.msg : "no such pool");
	return (false);
}

int
zpool_each(int argc, char **argv, int (*fn)(const char *pool, void *arg), void *arg, size_t *count)
{
	struct err e = ERR_INIT;
	char **names = NULL;
	size_t n = (size_t)argc;
	int status = 0;

	if (argc == 0) {
		if (pool_names(&names, &e) != 0)
			return (applet_fail_plain(&e));
		for (n = 0; names[n] != NULL; n++)
			continue;
	}
	if (count != NULL)
		*count = n;
	for (size_t i = 0; i < n; i++) {
		const char *name = names != NULL ? names[i] : argv[i];

		if ((names == NULL && !is_served(name)) || fn(name, arg) != 0)
			status = 1;
	}
	free(names);
	return (status);
}

#define INTERVAL_MAX 1e9 /* seconds */

static bool
is_number(const char *s, double *v)
{
	char *end;

	if (!isdigit((unsigned char)s[0]))
		return (false);
	*v = strtod(s, &end);
	return (*end == '\0' && *v <= INTERVAL_MAX);
}

int
zpool_take_repeat(int *argc, char **argv, struct zpool_repeat *r)
{
	double last, before;

	*r = (struct zpool_repeat){0, 0};
	if (*argc == 0 || !is_number(argv[*argc - 1], &last))
		return (0);
	if (*argc > 1 && is_number(argv[*argc - 2], &before)) {
		*r = (struct zpool_repeat){before, (uint64_t)last};
		*argc -= 2;
		if (r->count == 0)
			return (applet_usage("count cannot be zero"));
	} else {
		r->interval = last;
		*argc -= 1;
	}
	return (r->interval > 0 ? 0 : applet_usage("interval cannot be zero"));
}

int
zpool_take_stamp(const char *arg, char *how)
{
	if (strcmp(arg, "d") != 0 && strcmp(arg, "u") != 0)
		return (applet_usage("-T takes 'd' or 'u'"));
	*how = arg[0];
	return (0);
}

void
zpool_print_stamp(char how)
{
	time_t now = time(NULL);
	char text[64] = "";
	struct tm tm;

	if (how == 'u') {
		(void)printf("%lld\n", (long long)now);
	} else if (how == 'd' && localtime_r(&now, &tm) != NULL) {
		(void)strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Z %Y", &tm);
		(void)printf("%s\n", text);
	}
}

int
zpool_repeat(const struct zpool_repeat *r, int (*fn)(void *arg), void *arg)
{
	int status = fn(arg);

	for (uint64_t i = 1; r->interval > 0 && (r->count == 0 || i < r->count); i++) {
		struct timespec ts = {(time_t)r->interval,
		    (long)((r->interval - (double)(time_t)r->interval) * 1e9)};

		(void)fflush(stdout);
		(void)nanosleep(&ts, NULL);
		(void)printf("\n");
		status = fn(arg);
	}
	return (status);
}

/* An operation without results, logged in the pool's history. */
static int
call_pool(const char *pool, const char *op, struct nvlist *args, struct err *e)
{
	int rc;

	must(nv_add_str(args, "history", zpool_command_line()));
	rc = pool_call(pool, op, args, NULL, e);
	nv_free(args);
	return (rc);
}

static int
destroy(int argc, char **argv)
{
	struct nvlist *args = must_nv();
	struct err e = ERR_INIT;
	int c;

	while ((c = applet_getopt(argc, argv, "f")) != -1) {
		if (c != 'f')
			return (2);
		must(nv_add_boolean(args, "force"));
	}
	if (optind >= argc)
		return (applet_usage("missing pool argument"));
	if (argc - optind > 1)
		return (applet_usage("too many arguments"));
	if (strchr(argv[optind], '/') != NULL) {
		(void)applet_fail_bare(NULL, "cannot open '%s': invalid character '/' in pool name",
		    argv[optind]);
		return (applet_fail_bare(NULL, "use 'zfs destroy' to destroy a dataset"));
	}
	if (!is_served(argv[optind]))
		return (1);
	if (call_pool(argv[optind], "pool.destroy", args, &e) == 0)
		return (0);
	if (e.code != EBUSY)
		return (applet_fail_bare(&e, "cannot destroy '%s'", argv[optind]));
	(void)applet_fail_bare(NULL, "%s", e.msg);
	return (applet_fail_bare(NULL, "could not destroy '%s': could not unmount datasets",
	    argv[optind]));
}

static int
export_one(const char *pool, void *arg)
{
	const bool *force = arg;
	struct nvlist *args = must_nv();
	struct err e = ERR_INIT;

	if (*force)
		must(nv_add_boolean(args, "force"));
	if (call_pool(pool, "pool.export", args, &e) == 0)
		return (0);
	if (e.code == EBUSY)
		return (applet_fail_bare(NULL, "%s", e.msg));
	return (applet_fail_bare(&e, "cannot export '%s'", pool));
}

static int
export(int argc, char **argv)
{
	bool force = false, all = false;
	int c;

	while ((c = applet_getopt(argc, argv, "af")) != -1) {
		if (c == '?')
			return (2);
		all = all || c == 'a';
		force = force || c == 'f';
	}
	if (all && optind < argc)
		return (applet_usage("too many arguments"));
	if (!all && optind >= argc)
		return (applet_usage("missing pool argument"));
	return (zpool_each(argc - optind, argv + optind, export_one, &force, NULL));
}

struct setting {
	char prop[128];
	const char *value;
};

static int
set_one(const char *pool, void *arg)
{
	const struct setting *s = arg;
	struct nvlist *args = must_nv();
	struct err e = ERR_INIT;

	must(nv_add_str(args, "prop", s->prop));
	must(nv_add_str(args, "value", s->value));
	if (call_pool(pool, "pool.set", args, &e) == 0)
		return (0);
	return (applet_fail_bare(&e, "cannot set property for '%s'", pool));
}

static int
set(int argc, char **argv)
{
	struct setting s;

	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if (optind >= argc)
		return (applet_usage("missing property=value argument"));
	if (optind + 1 >= argc)
		return (applet_usage("missing pool name"));
	if (split_prop(argv[optind], s.prop, sizeof(s.prop), &s.value) != 0)
		return (2);
	return (zpool_each(argc - optind - 1, argv + optind + 1, set_one, &s, NULL));
}

static int
sync_one(const char *pool, void *arg)
{
	struct err e = ERR_INIT;

	(void)arg;
	if (pool_call(pool, "pool.sync", NULL, NULL, &e) == 0)
		return (0);
	return (applet_fail_bare(&e, "sync '%s' failed", pool));
}

static int
do_sync(int argc, char **argv)
{
	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	return (zpool_each(argc - optind, argv + optind, sync_one, NULL, NULL));
}

struct history_opts {
	bool internal, is_long;
};

static void
print_history_time(const struct nvlist *r)
{
	time_t t = (time_t)nv_u64_or(r, "history time", 0);
	char text[64] = "";
	struct tm tm;

	if (nv_has(r, "history time") && localtime_r(&t, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%F.%T", &tm);
	(void)printf("%s", text);
}

/* false: a record of a kind that is not shown. */
static bool
print_history_what(const struct nvlist *r, bool internal)
{
	const char *command = nv_str_or(r, "history command", NULL);
	const char *event = nv_str_or(r, "internal_name", NULL);

	if (command == NULL && (!internal || event == NULL))
		return (false);
	print_history_time(r);
	if (command != NULL) {
		(void)printf(" %s", command);
		return (true);
	}
	(void)printf(" [txg:%llu] %s", (unsigned long long)nv_u64_or(r, "history txg", 0), event);
	if (nv_has(r, "dsname"))
		(void)printf(" %s (%llu)", nv_str_or(r, "dsname", ""),
		    (unsigned long long)nv_u64_or(r, "dsid", 0));
	(void)printf(" %s", nv_str_or(r, "history internal str", ""));
	return (true);
}

static void
print_history_who(const struct nvlist *r)
{
	(void)printf(" [");
	if (nv_has(r, "history who")) {
		uid_t uid = (uid_t)nv_u64_or(r, "history who", 0);
		struct passwd *pw = getpwuid(uid);

		(void)printf("user %u ", (unsigned)uid);
		if (pw != NULL)
			(void)printf("(%s) ", pw->pw_name);
	}
	if (nv_has(r, "history hostname"))
		(void)printf("on %s", nv_str_or(r, "history hostname", ""));
	if (nv_has(r, "history zone"))
		(void)printf(":%s", nv_str_or(r, "history zone", ""));
	(void)printf("]");
}

static int
history_one(const char *pool, void *arg)
{
	const struct history_opts *o = arg;
	struct nvlist *out, **rec = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	(void)printf("History for '%s':\n", pool);
	if (pool_call(pool, "pool.history", NULL, &out, &e) != 0)
		return (applet_fail_bare(&e, "cannot get history for '%s'", pool));
	(void)nv_get_nvlist_array(out, "records", &rec, &n);
	for (size_t i = 0; i < n; i++) {
		if (!print_history_what(rec[i], o->internal))
			continue;
		if (o->is_long)
			print_history_who(rec[i]);
		(void)printf("\n");
	}
	(void)printf("\n");
	nv_free(out);
	return (0);
}

static int
history(int argc, char **argv)
{
	struct history_opts o = {false, false};
	int c;

	while ((c = applet_getopt(argc, argv, "il")) != -1) {
		if (c == '?')
			return (2);
		o.internal = o.internal || c == 'i';
		o.is_long = o.is_long || c == 'l';
	}
	return (zpool_each(argc - optind, argv + optind, history_one, &o, NULL));
}

/* A pool that runs here keeps its labels, whatever the options. */
static int
check_label(const struct nvlist *label, const char *path, bool force, struct err *e)
{
	uint64_t state = nv_u64_or(label, "state", POOL_ACTIVE);
	const char *pool = nv_str_or(label, "name", "");

	if (zpool_label_in_use(label))
		return (err_set(e, EBUSY, "%s is a member (ACTIVE) of pool \"%s\". Offline the disk first "
		    "to clear its label.", path, pool));
	if (state == POOL_DESTROYED || force)
		return (0);
	(void)applet_fail_bare(NULL, "use '-f' to override the following error:");
	return (err_set(e, EBUSY, "%s is a member of %s pool \"%s\"", path, state == POOL_EXPORTED ? "exported" : "potentially active", pool));
}

static int
clear_label(struct bdev *bd, const char *path, bool force, struct err *e)
{
	struct nvlist *label;
	int rc;

	if (label_read(bd, &label, NULL) != 0)
		return (err_set(e, ENOENT, "failed to read label from %s", path));
	if ((rc = check_label(label, path, force, e)) == 0)
		rc = err_rc(e, label_clear(bd), "failed to clear label for %s", path);
	nv_free(label);
	return (rc);
}

static int
labelclear(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct bdev *bd;
	bool force = false;
	int c, rc;

	while ((c = applet_getopt(argc, argv, "f")) != -1) {
		if (c != 'f')
			return (2);
		force = true;
	}
	if (optind + 1 != argc)
		return (applet_usage(optind < argc ? "too many arguments" : "missing vdev name"));
	if (bdev_open(argv[optind], BDEV_EXCL, &bd, &e) != 0)
		return (applet_fail_bare(NULL, "%s", e.msg));
	rc = clear_label(bd, argv[optind], force, &e);
	bdev_close(bd);
	return (rc == 0 ? 0 : applet_fail_bare(NULL, "%s", e.msg));
}

static int
version(int argc, char **argv)
{
	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if (optind < argc)
		return (applet_usage("too many arguments"));
	(void)printf("zfs-smartbox-%s\n", applet_version());
	return (0);
}

static const struct subcmd zpool_commands[] = {
	{"version", version, "", "show the version of this program"},
	{"create", zpool_create, "[-fnd] [-o PROPERTY=VALUE]... [-O FS-PROPERTY=VALUE]... "
	    "[-m MOUNTPOINT] [-R ROOT] POOL VDEV...", "make a pool of files, partitions or disks"},
	{"destroy", destroy, "[-f] POOL", "end a pool; its data is lost"},
	{"import", zpool_import, "[-aDfFlmNnsX] [--rewind-to-checkpoint] [-d DIR|DEVICE]... "
	    "[-c CACHEFILE] [-o PROPERTY=VALUE|OPTION,...]... [-R ROOT] [-T TXG] [POOL|ID [NEW-NAME]]", "list the pools that are found, or import"},
	{"export", export, "[-af] POOL...", "unmount and let go of a pool"},
	{"list", zpool_list, "[-gHLpPv] [-o COLUMN,...] [-T d|u] [POOL]... [INTERVAL [COUNT]]",
	    "space and health of pools"},
	{"status", zpool_status, "[-DegiLpPstvx] [-T d|u] [POOL]... [INTERVAL [COUNT]]",
	    "devices, states and errors"},
	{"iostat", zpool_iostat, "[-gHLnpPvy] [-T d|u] [POOL]... [INTERVAL [COUNT]]",
	    "what is read and written"},
	{"scrub", zpool_scrub, "[-s|-p] [-w] POOL...", "verify and repair all data of a pool"},
	{"resilver", zpool_resilver, "POOL...", "begin the running resilver anew"},
	{"wait", zpool_wait, "[-Hp] [-T d|u] [-t ACTIVITY,...] POOL [INTERVAL]", "until nothing is going on in a pool"},
	{"add", zpool_add, "[-fgLnP] [-o ashift=N] POOL VDEV...", "more devices for a pool"},
	{"remove", zpool_remove, "[-npw] POOL DEVICE... | -s POOL", "take a device out, its data to the others"},
	{"attach", zpool_attach, "[-fsw] [-o ashift=N] POOL DEVICE NEW-DEVICE",
	    "make a mirror of a device, or a mirror wider"},
	{"detach", zpool_detach, "POOL DEVICE", "take a device out of a mirror"},
	{"replace", zpool_replace, "[-fsw] [-o ashift=N] POOL DEVICE [NEW-DEVICE]",
	    "put a new device in the place of an old one"},
	{"online", zpool_online, "[-e] POOL DEVICE...", "use a device again"},
	{"offline", zpool_offline, "[-ft] POOL DEVICE...", "stop using a device"},
	{"clear", zpool_clear, "POOL [DEVICE]", "forget errors, use faulted devices again"},
	{"reopen", zpool_reopen, "[-n] [POOL]...", "look for devices that were not there"},
	{"trim", zpool_trim, "[-dw] [-r RATE] [-c|-s] POOL [DEVICE]...", "tell devices which of their space is free"},
	{"upgrade", zpool_upgrade, "[-v] | -a | POOL...", "enable the features that new pools have"},
	{"reguid", zpool_reguid, "POOL", "give a pool a new number"},
	{"get", zpool_get, "[-Hp] [-o FIELD,...] all|PROPERTY,... [POOL]...", "show properties"},
	{"set", set, "PROPERTY=VALUE POOL...", "change a property"},
	{"history", history, "[-il] [POOL]...", "what was done to a pool"},
	{"checkpoint", zpool_checkpoint, "[-d [-w]] POOL", "a state to which the whole pool can return"},
	{"split", zpool_split, "[-gLnP] [-o PROPERTY=VALUE]... [-R ROOT] POOL NEW-POOL [DEVICE]...",
	    "one side of each mirror becomes a pool"},
	{"initialize", zpool_initialize, "[-c|-s] [-w] POOL [DEVICE]...", "write to all space that is free"},
	{"events", zpool_events, "[-vHf] [POOL] | -c", "what happened to pools since they were imported"},
	{"sync", do_sync, "[POOL]...", "write everything out now"},
	{"labelclear", labelclear, "[-f] DEVICE", "remove a pool's labels from a device"},
	{NULL, NULL, NULL, NULL},
};

static int
zpool_main(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0))
		return (version(1, argv));
	if (applet_refuse_control(argc, argv) != 0)
		return (1);
	buf_str(&command_line, "zpool");
	for (int i = 1; i < argc; i++)
		buf_printf(&command_line, " %s", argv[i]);
	return (subcmd_run(zpool_commands, argc, argv));
}
