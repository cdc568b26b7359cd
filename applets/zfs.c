/* SPDX-License-Identifier: MIT */
/*
 * zfs: make, change and show datasets.
 *
 * Every command is one request to the poold of the pool that the name begins with.  With -e DIR
 * the pool is not imported: it is opened read-only in this process from the devices in DIR, for a
 * look into a pool that nobody serves (rescue).
 *
 * Options, columns, messages and exit codes are OpenZFS's, because people and scripts know them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/buf.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/label.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/poolops.h"
#include "smartbox/fs/props.h"
#include "zfs_impl.h"

static const char zfs_usage[] = "";

APPLET(zfs, "create, change and show datasets");

static struct buf command_line;

/* The pool opened by -e. */
static struct spa *rescue_spa;
static struct pool_session *rescue_session;

int
zfs_parse_prop(struct nvlist *nv, const char *arg)
{
	const char *eq = strchr(arg, '=');
	const struct fs_prop *p;
	char name[256], wire[256];

	if (eq == NULL || (size_t)(eq - arg) >= sizeof(name))
		return (applet_usage("missing '=' for property=value argument"));
	memcpy(name, arg, (size_t)(eq - arg));
	name[eq - arg] = '\0';
	p = fs_prop_find(name);
	if (p != NULL)
		(void)snprintf(name, sizeof(name), "%s", p->name);
	else if (zfs_owner_wire(name, wire, sizeof(wire)))
		(void)snprintf(name, sizeof(name), "%s", wire);
	if (nv_has(nv, name))
		return (applet_usage("property '%s' specified multiple times", name));
	must(nv_add_str(nv, name, eq + 1));
	return (0);
}

void
zfs_explain_missing(struct err *e)
{
	if (e != NULL && e->code == ENOENT && strcmp(e->msg, "no such pool") == 0)
		(void)err_set(e, ENOENT, "dataset does not exist");
}

int
zfs_ask(const char *dataset, const char *op, const struct nvlist *args, struct nvlist **out,
    struct err *e)
{
	struct nvlist *empty = NULL, *results;
	int rc;

	if (rescue_session == NULL) {
		rc = pool_call(dataset, op, args, out, e);
		if (rc != 0)
			zfs_explain_missing(e);
		return (rc);
	}
	results = must_nv();
	if (args == NULL)
		args = empty = must_nv();
	if (name_pool_length(dataset) != strlen(spa_name(rescue_spa)) ||
	    strncmp(dataset, spa_name(rescue_spa), name_pool_length(dataset)) != 0)
		rc = err_set(e, ENOENT, "dataset does not exist");
	else
		rc = poolops_call(rescue_session, op, args, results, e);
	nv_free(empty);
	if (out != NULL)
		*out = results;
	else
		nv_free(results);
	return (rc);
}

int
zfs_stream(const char *dataset, const char *op, const struct nvlist *args, int fd,
    void (*tell)(void *arg, const struct nvlist *nv), void *arg, struct nvlist **out, struct err *e)
{
	struct poolops_io io = {fd, tell, NULL, arg};
	int rc;

	if (rescue_session != NULL) {
		*out = must_nv();
		(void)signal(SIGPIPE, SIG_IGN);
		return (poolops_stream(rescue_session, op, args, *out, &io, e));
	}
	if ((rc = pool_stream(dataset, op, args, fd, tell, arg, out, e)) != 0)
		zfs_explain_missing(e);
	return (rc);
}

void
zfs_add_history(struct nvlist *args)
{
	must(nv_add_str(args, "history", command_line.data));
}

int
zfs_change(const char *dataset, const char *op, struct nvlist *args, struct nvlist **out,
    struct err *e)
{
	int rc;

	zfs_add_history(args);
	rc = zfs_ask(dataset, op, args, out, e);
	nv_free(args);
	return (rc);
}

char **
zfs_pools(size_t *n)
{
	struct err e = ERR_INIT;
	char **names;

	if (rescue_spa != NULL) {
		names = calloc(2, sizeof(*names));
		must(names == NULL ? -ENOMEM : 0);
		names[0] = (char *)(uintptr_t)spa_name(rescue_spa);
	} else if (pool_names(&names, &e) != 0) {
		(void)applet_fail_plain(&e);
		exit(1);
	}
	for (*n = 0; names[*n] != NULL; (*n)++)
		continue;
	return (names);
}

int
zfs_report_mounts(const struct nvlist *out, const char *what)
{
	const char *why = nv_str_or(out, "no_device", NULL);

	/* Worth a line, no failure: the volume is there, for guests and for a kernel with the driver. */
	if (why != NULL)
		(void)applet_fail_bare(NULL, "%s", why);
	if ((why = nv_str_or(out, "not_mounted", NULL)) == NULL)
		return (0);
	(void)applet_fail_bare(NULL, "%s", why);
	return (what != NULL ? applet_fail_bare(NULL, "%s", what) : 1);
}

void
zfs_print_dependents(const struct nvlist *out)
{
	const char *const *names;
	size_t n;

	if (nv_get_str_array(out, "dependents", &names, &n) == 0)
		for (size_t i = 0; i < n; i++)
			(void)applet_fail_bare(NULL, "%s", names[i]);
}

static int
rename_dataset(int argc, char **argv)
{
	struct zfs_request f = {must_nv(), must_nv()};
	struct nvlist *out = NULL;
	struct err e = ERR_INIT;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "pruf")) != -1) {
		if (c == '?')
			status = 2;
		else
			must(nv_add_boolean(f.args, c == 'p' ? "parents" : c == 'r' ? "recursive" :
			    c == 'u' ? "nomount" : "force"));
	}
	if (status == 0 && nv_has(f.args, "parents") &&
	    (nv_has(f.args, "recursive") || nv_has(f.args, "nomount")))
		status = applet_usage(nv_has(f.args, "recursive") ? "-p and -r options are mutually "
		    "exclusive" : "-u and -p options are mutually exclusive");
	argc -= optind;
	argv += optind;
	if (status == 0 && argc != 2)
		status = applet_usage(argc < 1 ? "missing source dataset argument" :
		    argc < 2 ? "missing target dataset argument" : "too many arguments");
	if (status == 0 && nv_has(f.args, "recursive") && strchr(argv[0], '@') == NULL)
		status = applet_usage("source dataset for recursive rename must be a snapshot");
	if (status != 0)
		return (zfs_request_end(status, &f));
	must(nv_add_str(f.args, "from", argv[0]));
	if (argv[1][0] == '@' && strchr(argv[0], '@') != NULL) {
		char to[2 * DSL_NAME_MAX];

		(void)snprintf(to, sizeof(to), "%.*s%s", (int)strcspn(argv[0], "@"), argv[0], argv[1]);
		must(nv_add_str(f.args, "to", to));
	} else {
		must(nv_add_str(f.args, "to", argv[1]));
	}
	if (zfs_submit(&f, argv[0], "fs.rename", &out, &e) == 0)
		status = zfs_report_mounts(out, NULL);
	else if (e.code == ENOENT && strcmp(e.msg, "dataset does not exist") == 0)
		status = applet_fail_bare(&e, "cannot open '%s'", argv[0]);
	else if (e.code == EBUSY && strncmp(e.msg, "cannot unmount", 14) == 0)
		status = applet_fail_bare(NULL, "%s", e.msg);
	else
		status = applet_fail_bare(&e, "cannot rename '%s'", argv[0]);
	nv_free(out);
	return (zfs_request_end(status, &f));
}

/* Which one it is: "dataset 'x' does not exist", else the first of those named. */
static void
report_missing(const struct err *e, const char *name)
{
	static const char lead[] = "dataset '";
	size_t n = strcspn(name, "@");

	if (strncmp(e->msg, lead, sizeof(lead) - 1) == 0) {
		name = e->msg + sizeof(lead) - 1;
		n = strcspn(name, "'");
	}
	(void)applet_fail_bare(NULL, "cannot open '%.*s': dataset does not exist", (int)n, name);
}

static int
report_snapshot(const struct nvlist *out, char **argv, struct err *e)
{
	const char *const *names;
	size_t n = 0;

	if (e->code == ENOENT) {
		report_missing(e, argv[0]);
		return (applet_usage("no snapshots were created"));
	}
	if (nv_get_str_array(out, "existing", &names, &n) == 0)
		for (size_t i = 0; i < n; i++)
			(void)applet_fail_bare(e, "cannot create snapshot '%s'", names[i]);
	else
		(void)applet_fail_bare(e, "cannot create snapshot '%s'", argv[0]);
	return (applet_fail_bare(NULL, "no snapshots were created"));
}

static int
snapshot(int argc, char **argv)
{
	struct zfs_request f = {must_nv(), must_nv()};
	struct nvlist *out = NULL;
	struct err e = ERR_INIT;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "ro:")) != -1) {
		if (c == 'r')
			must(nv_add_boolean(f.args, "recursive"));
		else
			status = c == 'o' ? zfs_parse_prop(f.props, optarg) : 2;
	}
	argc -= optind;
	argv += optind;
	if (status == 0 && argc < 1)
		status = applet_usage("missing snapshot argument");
	for (int i = 0; status == 0 && i < argc; i++)
		if (strchr(argv[i], '@') == NULL)
			status = applet_usage("'%s': missing '@' delimiter in snapshot name", argv[i]);
	if (status != 0)
		return (zfs_request_end(status, &f));
	must(nv_add_str_array(f.args, "names", (const char *const *)argv, (size_t)argc));
	if (zfs_submit(&f, argv[0], "fs.snapshot", &out, &e) != 0)
		status = report_snapshot(out != NULL ? out : f.props, argv, &e);
	nv_free(out);
	return (zfs_request_end(status, &f));
}

static int
set(int argc, char **argv)
{
	struct nvlist *props = must_nv();
	int i, status = 0;

	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	for (i = optind; status == 0 && i < argc && strchr(argv[i], '=') != NULL; i++)
		status = zfs_parse_prop(props, argv[i]);
	if (status == 0 && i == optind)
		status = applet_usage("missing property=value argument(s)");
	else if (status == 0 && i == argc)
		status = applet_usage("missing dataset(s)");
	for (; status != 2 && i < argc; i++) {
		struct nvlist *args = must_nv(), *out = NULL;
		struct err e = ERR_INIT;

		must(nv_add_str(args, "name", argv[i]));
		must(nv_add_nvlist(args, "props", props));
		if (zfs_change(argv[i], "fs.set", args, &out, &e) == 0)
			status |= zfs_report_mounts(out, "property may be set but unable to remount filesystem");
		else if (e.code == ENOENT && strcmp(e.msg, "dataset does not exist") == 0)
			status = applet_fail_bare(&e, "cannot open '%s'", argv[i]);
		else
			status = applet_fail_bare(&e, "cannot set property for '%s'", argv[i]);
		nv_free(out);
	}
	nv_free(props);
	return (status);
}

/* Some cannot be inherited at all; say so before asking. */
static int
check_inherit(const char *name)
{
	const struct fs_prop *p = fs_prop_find(name);

	if (p == NULL)
		return (fs_prop_is_user(name) ? 0 : applet_usage("invalid property '%s'", name));
	if (p->attr & PROP_READONLY)
		return (applet_usage("'%s' property is read-only", p->name));
	if ((p->attr & PROP_INHERIT) != 0)
		return (0);
	(void)applet_fail_bare(NULL, "'%s' property cannot be inherited", p->name);
	if (strcmp(p->name, "quota") == 0 || strcmp(p->name, "reservation") == 0 ||
	    strcmp(p->name, "refquota") == 0 || strcmp(p->name, "refreservation") == 0)
		(void)applet_fail_bare(NULL, "use 'zfs set %s=none' to clear", p->name);
	return (1);
}

static int
inherit_one(const struct nvlist *args, const char *dataset)
{
	struct nvlist *mine = nv_dup(args), *out = NULL;
	struct err e = ERR_INIT;
	int status;

	must(mine == NULL ? -ENOMEM : nv_add_str(mine, "name", dataset));
	if (zfs_change(dataset, "fs.inherit", mine, &out, &e) == 0)
		status = zfs_report_mounts(out, NULL);
	else if (e.code == ENOENT && strcmp(e.msg, "dataset does not exist") == 0)
		status = applet_fail_bare(&e, "cannot open '%s'", dataset);
	else
		status = applet_fail_bare(&e, "cannot inherit %s for '%s'",
		    nv_str_or(args, "prop", ""), dataset);
	nv_free(out);
	return (status);
}

static int
inherit(int argc, char **argv)
{
	struct nvlist *args = must_nv();
	const struct fs_prop *p;
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "rS")) != -1) {
		if (c == '?')
			status = 2;
		else
			must(nv_add_boolean(args, c == 'r' ? "recursive" : "received"));
	}
	argc -= optind;
	argv += optind;
	if (status == 0 && argc < 2)
		status = applet_usage(argc < 1 ? "missing property argument" : "missing dataset argument");
	if (status == 0)
		status = check_inherit(argv[0]);
	if (status == 0) {
		p = fs_prop_find(argv[0]);
		must(nv_add_str(args, "prop", p != NULL ? p->name : argv[0]));
		for (int i = 1; i < argc; i++)
			status |= inherit_one(args, argv[i]);
	}
	nv_free(args);
	return (status);
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

static const struct subcmd zfs_commands[] = {
	{"version", version, "", "show the version of this program"},
	{"create", zfs_create, "[-Pnpuv] [-o PROPERTY=VALUE]... FILESYSTEM | "
	    "[-Pnpsv] [-b BLOCKSIZE] [-o PROPERTY=VALUE]... -V SIZE VOLUME", "make a dataset"},
	{"destroy", zfs_destroy, "[-fnpRrv] FILESYSTEM|VOLUME | "
	    "[-dfnpRrv] DATASET@SNAP[%SNAP][,SNAP[%SNAP]]... | DATASET#BOOKMARK", "remove datasets or snapshots"},
	{"snapshot", snapshot, "[-r] [-o PROPERTY=VALUE]... DATASET@SNAP...",
	    "keep the state of datasets"},
	{"rollback", zfs_rollback, "[-rRf] SNAPSHOT", "go back to a snapshot"},
	{"clone", zfs_clone, "[-p] [-o PROPERTY=VALUE]... SNAPSHOT DATASET",
	    "make a writable dataset of a snapshot"},
	{"rename", rename_dataset, "[-fp] DATASET DATASET | -u [-f] FILESYSTEM FILESYSTEM | "
	    "-r SNAPSHOT SNAPSHOT",
	    "give another name"},
	{"list", zfs_list, "[-Hp] [-r|-d DEPTH] [-o COLUMN,...] [-s COLUMN]... [-S COLUMN]... "
	    "[-t TYPE,...] [DATASET]...", "show datasets"},
	{"get", zfs_get, "[-rHp] [-d DEPTH] [-o FIELD,...] [-t TYPE,...] [-s SOURCE,...] "
	    "all|PROPERTY,... [DATASET]...", "show properties"},
	{"set", set, "PROPERTY=VALUE... DATASET...", "change properties"},
	{"inherit", inherit, "[-rS] PROPERTY DATASET...", "take a property from the parent again"},
	{"send", zfs_send, "[-DLPRVbcehnpsvw] [-i|-I SNAPSHOT|BOOKMARK] SNAPSHOT|FILESYSTEM | "
	    "[-PVnv] -t TOKEN | -S [-LPVcenvw] FILESYSTEM", "write a snapshot as a stream"},
	{"upgrade", zfs_upgrade, "[-v] | [-r] [-V VERSION] -a|FILESYSTEM...",
	    "show versions, or take the newest"},
	{"userspace", zfs_userspace, "[-Hinp] [-o FIELD,...] [-s FIELD]... [-S FIELD]... "
	    "[-t TYPE,...] FILESYSTEM|SNAPSHOT|PATH", "show space and quotas of users"},
	{"groupspace", zfs_groupspace, "[-Hinp] [-o FIELD,...] [-s FIELD]... [-S FIELD]... "
	    "[-t TYPE,...] FILESYSTEM|SNAPSHOT|PATH", "show space and quotas of groups"},
	{"projectspace", zfs_projectspace, "[-Hp] [-o FIELD,...] [-s FIELD]... [-S FIELD]... "
	    "FILESYSTEM|SNAPSHOT|PATH", "show space and quotas of projects"},
	{"allow", zfs_allow, "DATASET | [-dglu] WHO,... PERMISSION,... DATASET | "
	    "[-dl] -e PERMISSION,... DATASET | -c PERMISSION,... DATASET | "
	    "-s @SET PERMISSION,... DATASET", "show or delegate permissions"},
	{"unallow", zfs_unallow, "[-dglu] WHO,... [PERMISSION,...] DATASET | "
	    "[-dl] -e [PERMISSION,...] DATASET | -c [PERMISSION,...] DATASET | "
	    "-s @SET [PERMISSION,...] DATASET", "take permissions away"},
	{"project", zfs_project, "[-d|-r] FILE|DIRECTORY... | -C [-kr] FILE|DIRECTORY... | "
	    "-c [-0] [-d|-r] [-p ID] FILE|DIRECTORY... | [-p ID] [-rs] FILE|DIRECTORY...",
	    "list, clear, check, set the project of files"},
	{"receive", zfs_receive, "[-FMhnsuv] [-o PROPERTY=VALUE]... [-o origin=SNAPSHOT] "
	    "[-x PROPERTY]... [-d|-e] FILESYSTEM|VOLUME|SNAPSHOT | -A FILESYSTEM|VOLUME",
	    "make datasets of a stream"},
	{"promote", zfs_promote, "CLONE", "a clone takes over its origin's snapshots"},
	{"bookmark", zfs_bookmark, "SNAPSHOT|BOOKMARK BOOKMARK",
	    "remember a snapshot's time for incremental sends"},
	{"hold", zfs_hold, "[-r] TAG SNAPSHOT...", "keep snapshots from being destroyed"},
	{"holds", zfs_holds, "[-Hpr] SNAPSHOT...", "show the tags of snapshots"},
	{"release", zfs_release, "[-r] TAG SNAPSHOT...", "take a tag away"},
	{"diff", zfs_diff, "[-FHth] SNAPSHOT [SNAPSHOT|FILESYSTEM]", "show what changed"},
	{"mount", zfs_mount, "[-Oflv] [-o OPTION,...] -a|FILESYSTEM", "mount, or show what is mounted"},
	{"unmount", zfs_unmount, "[-fu] -a|FILESYSTEM|MOUNTPOINT", "unmount"},
	{"wait", zfs_wait, "[-t ACTIVITY,...] FILESYSTEM", "until nothing is going on in a filesystem"},
	{"share", zfs_refused, "-a|FILESYSTEM", "refused: nothing is shared here"},
	{"unshare", zfs_refused, "-a|FILESYSTEM|MOUNTPOINT", NULL},
	{"load-key", zfs_refused, "DATASET", "refused: encrypted datasets are not supported"},
	{"unload-key", zfs_refused, "DATASET", NULL},
	{"change-key", zfs_refused, "DATASET", NULL},
	{"program", zfs_refused, "POOL SCRIPT", "refused: no channel programs"},
	{"redact", zfs_refused, "SNAPSHOT BOOKMARK SNAPSHOT...", "refused: no redaction"},
	{"zone", zfs_refused, "NAMESPACE FILESYSTEM", "refused: zonecfg gives datasets to zones"},
	{"unzone", zfs_refused, "NAMESPACE FILESYSTEM", NULL},
	{"jail", zfs_refused, "JAIL FILESYSTEM", NULL},
	{"unjail", zfs_refused, "JAIL FILESYSTEM", NULL},
	{"umount", zfs_unmount, "[-fu] -a|FILESYSTEM|MOUNTPOINT", NULL},
	{"recv", zfs_receive, "[-FMhnsuv] [-d|-e] FILESYSTEM|VOLUME|SNAPSHOT", NULL},
	{"snap", snapshot, "[-r] [-o PROPERTY=VALUE]... DATASET@SNAP...", NULL},
	{NULL, NULL, NULL, NULL},
};

/* -e DIR: the one pool whose devices are there, read-only, in this process. */
static int
open_rescue(const char *dir)
{
	struct pool_session_opts so = {.spa = NULL};
	struct spa_import_opts io = {.readonly = true, .force = true, .missing_log_ok = true};
	struct pool_scan scan = {NULL, 0};
	struct err e = ERR_INIT;
	int rc;

	if (pool_scan(&dir, 1, &scan, &e) != 0)
		return (applet_fail_bare(&e, "cannot look for a pool in '%s'", dir));
	if (scan.npool != 1) {
		pool_scan_free(&scan);
		return (applet_fail_bare(NULL, "%s pool in '%s'", scan.npool == 0 ? "no" :
		    "more than one", dir));
	}
	io.config = scan.pool[0].config;
	if ((rc = spa_import(&io, &rescue_spa, &e)) == 0) {
		so.spa = rescue_spa;
		rc = pool_session_new(&so, &rescue_session, &e);
	}
	pool_scan_free(&scan);
	return (rc == 0 ? 0 : applet_fail_bare(&e, "cannot open the pool in '%s'", dir));
}

static int
zfs_main(int argc, char **argv)
{
	int status;

	if (argc == 2 && (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0))
		return (version(1, argv));
	if (applet_refuse_control(argc, argv) != 0)
		return (1);
	buf_str(&command_line, "zfs");
	for (int i = 1; i < argc; i++)
		buf_printf(&command_line, " %s", argv[i]);
	if (argc < 2 || strcmp(argv[1], "-e") != 0)
		return (subcmd_run(zfs_commands, argc, argv));
	if (argc < 4)
		return (applet_usage("-e needs a directory and a command"));
	if ((status = open_rescue(argv[2])) == 0) {
		argv[2] = argv[0];
		status = subcmd_run(zfs_commands, argc - 2, argv + 2);
		pool_session_free(rescue_session);
		spa_close(rescue_spa);
	}
	return (status);
}
