/* SPDX-License-Identifier: MIT */
/* zoneadm: administer zones. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/units.h"
#include "smartbox/kern/zone.h"
#include "smartbox/kern/zone_run.h"
#include "smartbox/kern/zone_verify.h"
#include "smartbox/kern/zonecfg.h"

static const char zoneadm_usage[] =
    "usage: zoneadm [-z ZONE | -u UUID] SUBCOMMAND [OPTION]...\n"
    "Administer zones.\n"
    "  -z ZONE  the zone to work on\n"
    "  -u UUID  the same, by uuid\n"
    "subcommands:\n"
    "  list [-cinpv]             list running zones; -i installed, -c all configured ones too,\n"
    "                            -n without the global zone, -p parseable, -v a table\n"
    "  boot [-f] [-- BOOTARGS]   boot (-f: skip the verification)\n"
    "  halt                      stop at once\n"
    "  shutdown [-r] [-t SECONDS] [-- BOOTARGS]\n"
    "                            ask the zone's init, halt after SECONDS (default 60); -r boots again\n"
    "  reboot [-- BOOTARGS]      halt and boot\n"
    "  ready                     build everything, start no process\n"
    "  install [-x nodataset]    make the zone's directory and an empty root\n"
    "  uninstall [-F]            remove the zone's directory; -F does not ask\n"
    "  attach [-F]               the root is there already: verify it, mark installed\n"
    "  detach                    mark configured, keep the files\n"
    "  mark incomplete           say that the root is damaged\n"
    "  verify                    check the configuration against this system\n"
    "  help                      print this text\n";

APPLET(zoneadm, "administer zones");

/* What the options before the subcommand said. */
static struct {
	struct zone_env env;
	char name[ZONE_NAME_MAX + 1]; /* "" none */
} ctx;

/* --- messages --- */

static int
zone_failed(const struct err *e)
{
	return (applet_fail(e, "zone '%s'", ctx.name));
}

static int
no_more_args(int argc, char **argv)
{
	if (optind < argc)
		return (applet_usage("unexpected argument '%s'", argv[optind]));
	return (0);
}

/* The zone of -z, known to the index. */
static int
need_zone(struct zone_info *zi, const char *op)
{
	struct err e = ERR_INIT;

	if (ctx.name[0] == '\0')
		return (applet_usage("no zone specified"));
	if (geteuid() != 0)
		return (applet_fail(NULL, "only a privileged user may %s a zone.", op));
	if (strcmp(ctx.name, "global") == 0)
		return (applet_fail(NULL, "zone 'global': %s operation is invalid for the global zone.",
		    op));
	if (strncmp(ctx.name, "SUNW", 4) == 0)
		return (applet_fail(NULL,
		    "zone '%s': %s operation is invalid for zones starting with SUNW.", ctx.name, op));
	if (zone_info_get(&ctx.env, ctx.name, zi, &e) != 0)
		return (applet_fail(&e, "%s", ctx.name));
	return (0);
}

/* The same for those that want only its state. */
static int
need_state(enum zone_state *state, const char *op)
{
	struct zone_info zi;
	int rc = need_zone(&zi, op);

	if (rc == 0) {
		*state = zi.state;
		free(zi.zonepath);
	}
	return (rc);
}

/* --- list --- */

static const struct zone_info global_zone = {
    .name = "global", .brand = "smartbox", .zonepath = (char *)(uintptr_t) "/",
    .state = ZONE_RUNNING, .id = 0};

static void
print_parseable(const struct zone_info *z)
{
	char id[16] = "-";

	if (z->id >= 0)
		(void)snprintf(id, sizeof(id), "%d", z->id);
	(void)printf("%s:%s:%s:", id, z->name, zone_state_name(z->state));
	for (const char *p = z->zonepath; *p != '\0'; p++)
		(void)printf(*p == ':' ? "\\%c" : "%c", *p);
	(void)printf(":%s:%s:%s:%" PRIu32 "\n", z->uuid, z->brand,
	    z->id == 0 || !z->exclusive_ip ? "shared" : "excl", z->did);
}

static void
print_row(const struct zone_info *z)
{
	char id[16] = "-";

	if (z->id >= 0)
		(void)snprintf(id, sizeof(id), "%d", z->id);
	(void)printf("%4s %-16s %-10s %-30s %-8s %-6s\n", id, z->name, zone_state_name(z->state),
	    z->zonepath, z->brand, z->id == 0 || !z->exclusive_ip ? "shared" : "excl");
}

static void
print_zone(const struct zone_info *z, bool verbose, bool parseable)
{
	if (parseable)
		print_parseable(z);
	else if (verbose)
		print_row(z);
	else
		(void)printf("%s\n", z->name);
}

struct list_opts {
	bool verbose, parseable, no_global;
	enum zone_state floor;
};

static int
parse_list(int argc, char **argv, struct list_opts *o)
{
	int c;

	*o = (struct list_opts){.floor = ZONE_READY};
	while ((c = applet_getopt(argc, argv, "cinpv")) != -1) {
		if (c == 'c')
			o->floor = ZONE_CONFIGURED;
		else if (c == 'i')
			o->floor = o->floor < ZONE_INSTALLED ? o->floor : ZONE_INSTALLED;
		else if (c == 'n')
			o->no_global = true;
		else if (c == 'p')
			o->parseable = true;
		else if (c == 'v')
			o->verbose = true;
		else
			return (2);
	}
	if (o->parseable && o->verbose)
		return (applet_usage("-p and -v are mutually exclusive"));
	if (ctx.name[0] != '\0' && o->floor != ZONE_READY)
		return (applet_usage("-z cannot be used with -c or -i"));
	return (no_more_args(argc, argv));
}

static int
list_one(const struct list_opts *o)
{
	struct err e = ERR_INIT;
	struct zone_info zi;

	if (strcmp(ctx.name, "global") == 0) {
		print_zone(&global_zone, o->verbose, o->parseable);
		return (0);
	}
	if (zone_info_get(&ctx.env, ctx.name, &zi, &e) != 0)
		return (applet_fail(&e, "%s", ctx.name));
	print_zone(&zi, o->verbose, o->parseable);
	free(zi.zonepath);
	return (0);
}

static int
list_inside(const struct list_opts *o, const char *self)
{
	struct zone_info z = global_zone;

	(void)snprintf(z.name, sizeof(z.name), "%s", self);
	z.exclusive_ip = true;
	z.id = 1;
	print_zone(&z, o->verbose, o->parseable);
	return (0);
}

/* Live zones in the order of their ids, the others behind them by name. */
static int
by_id(const void *a, const void *b)
{
	const struct zone_info *x = a, *y = b;
	unsigned i = (unsigned)x->id, j = (unsigned)y->id; /* -1 sorts last */

	return (i != j ? (i < j ? -1 : 1) : strcmp(x->name, y->name));
}

static int
do_list(int argc, char **argv)
{
	struct err e = ERR_INIT;
	char self[ZONE_NAME_MAX + 1];
	struct zone_list l;
	struct list_opts o;
	int rc = parse_list(argc, argv, &o);

	if (rc != 0)
		return (rc);
	if (o.verbose)
		(void)printf("%4s %-16s %-10s %-30s %-8s %-6s\n", "ID", "NAME", "STATUS", "PATH",
		    "BRAND", "IP");
	if (ctx.name[0] != '\0')
		return (list_one(&o));
	zone_of_self(self);
	if (strcmp(self, "global") != 0)
		return (list_inside(&o, self));
	if (zone_list_all(&ctx.env, &l, &e) != 0)
		return (applet_fail_plain(&e));
	if (!o.no_global)
		print_zone(&global_zone, o.verbose, o.parseable);
	if (l.n != 0)
		qsort(l.zones, l.n, sizeof(l.zones[0]), by_id);
	for (size_t i = 0; i < l.n; i++)
		if (l.zones[i].state >= o.floor)
			print_zone(&l.zones[i], o.verbose, o.parseable);
	zone_list_free(&l);
	return (0);
}

/* --- transitions of live zones --- */

/* Words behind "--" as one string, or NULL. */
static char *
boot_args(int argc, char **argv)
{
	size_t n = 1;
	char *s;

	if (optind >= argc)
		return (NULL);
	for (int i = optind; i < argc; i++)
		n += strlen(argv[i]) + 1;
	if ((s = calloc(1, n)) == NULL)
		return (NULL);
	for (int i = optind; i < argc; i++)
		(void)snprintf(s + strlen(s), n - strlen(s), "%s%s", i > optind ? " " : "", argv[i]);
	return (s);
}

/* Nothing to do is worth a line, and no failure. */
static int
settle(int rc, const struct err *e)
{
	if (rc == 0)
		return (0);
	(void)zone_failed(e);
	return (rc == -EALREADY ? 0 : 1);
}

static void
print_warning(const char *text, void *arg)
{
	(void)arg;
	applet_warn("zone '%s': %s", ctx.name, text);
}

static int
verify_zone(enum zone_state state, struct err *e)
{
	struct zonecfg *cfg;
	int rc = zonecfg_load(&ctx.env, ctx.name, &cfg, e);

	if (rc != 0)
		return (rc);
	rc = zone_verify(&ctx.env, cfg, state, print_warning, NULL, e);
	zonecfg_free(cfg);
	return (rc);
}

static int
do_boot(int argc, char **argv)
{
	struct err e = ERR_INIT;
	enum zone_state state;
	bool force = false;
	char *args;
	int c, rc;

	while ((c = applet_getopt(argc, argv, "f")) != -1) {
		if (c != 'f')
			return (2);
		force = true;
	}
	if ((rc = need_state(&state, "boot")) != 0)
		return (rc);
	if (!force && state == ZONE_INSTALLED && verify_zone(state, &e) != 0)
		return (zone_failed(&e));
	args = boot_args(argc, argv);
	rc = zone_boot(&ctx.env, ctx.name, args, &e);
	free(args);
	return (settle(rc, &e));
}

static int
do_reboot(int argc, char **argv)
{
	struct err e = ERR_INIT;
	enum zone_state state;
	char *args;
	int rc;

	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if ((rc = need_state(&state, "reboot")) != 0)
		return (rc);
	args = boot_args(argc, argv);
	rc = zone_reboot(&ctx.env, ctx.name, args, &e);
	free(args);
	return (rc == 0 ? 0 : zone_failed(&e));
}

static int
do_halt(int argc, char **argv)
{
	struct err e = ERR_INIT;
	enum zone_state state;
	int rc;

	if (applet_getopt(argc, argv, "") != -1 || no_more_args(argc, argv) != 0)
		return (2);
	if ((rc = need_state(&state, "halt")) != 0)
		return (rc);
	rc = zone_halt(&ctx.env, ctx.name, &e);
	if (rc == -EALREADY)
		(void)err_set(&e, EALREADY, "is already halted.");
	return (settle(rc, &e));
}

static int
do_ready(int argc, char **argv)
{
	struct err e = ERR_INIT;
	enum zone_state state;
	int rc;

	if (applet_getopt(argc, argv, "") != -1 || no_more_args(argc, argv) != 0)
		return (2);
	if ((rc = need_state(&state, "ready")) != 0)
		return (rc);
	return (settle(zone_ready(&ctx.env, ctx.name, &e), &e));
}

static int
do_shutdown(int argc, char **argv)
{
	struct err e = ERR_INIT;
	uint64_t timeout = 60;
	enum zone_state state;
	bool restart = false;
	char *args;
	int c, rc;

	while ((c = applet_getopt(argc, argv, "rt:")) != -1) {
		if (c == 'r')
			restart = true;
		else if (c != 't')
			return (2);
		else if (units_parse_u64(optarg, 1, 86400, &timeout, &e) != 0)
			return (applet_usage("-t: %s", e.msg));
	}
	if ((rc = need_state(&state, "shutdown")) != 0)
		return (rc);
	args = boot_args(argc, argv);
	rc = zone_shutdown(&ctx.env, ctx.name, restart, args, (unsigned)timeout, &e);
	free(args);
	return (rc == 0 ? 0 : zone_failed(&e));
}

/* --- stored states --- */

static int
event(enum zone_event ev, struct err *e)
{
	return (zone_event_stored(&ctx.env, ctx.name, ev, e));
}

/* incomplete -> the tree -> installed; a failure leaves incomplete. */
static int
install(struct err *e)
{
	struct zonecfg *cfg;
	int rc;

	if ((rc = zonecfg_load(&ctx.env, ctx.name, &cfg, e)) != 0)
		return (rc);
	if ((rc = zone_verify(&ctx.env, cfg, ZONE_CONFIGURED, print_warning, NULL, e)) == 0 &&
	    (rc = event(ZONE_EV_INSTALL, e)) == 0 && (rc = zone_tree_make(cfg, e)) == 0)
		rc = event(ZONE_EV_INSTALLED, e);
	zonecfg_free(cfg);
	return (rc);
}

static int
do_install(int argc, char **argv)
{
	struct err e = ERR_INIT;
	enum zone_state state;
	enum zone_state to;
	int c, rc;

	while ((c = applet_getopt(argc, argv, "x:")) != -1) {
		if (c != 'x')
			return (2);
		if (strcmp(optarg, "nodataset") != 0)
			return (applet_usage("-x: '%s' is not 'nodataset'", optarg));
	}
	if (no_more_args(argc, argv) != 0)
		return (2);
	if ((rc = need_state(&state, "install")) != 0)
		return (rc);
	if (zone_state_next(state, ZONE_EV_INSTALL, &to, &e) != 0 || install(&e) != 0)
		return (zone_failed(&e));
	return (0);
}

static bool
confirm(const char *question)
{
	char answer[16];

	(void)printf("%s (y/[n])? ", question);
	(void)fflush(stdout);
	return (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y'));
}

static int
uninstall(const struct zone_info *zi, struct err *e)
{
	int rc = event(ZONE_EV_UNINSTALL, e);

	if (rc == 0 && (rc = zone_tree_remove(zi->zonepath, e)) == 0)
		rc = event(ZONE_EV_UNINSTALLED, e);
	return (rc);
}

static int
do_uninstall(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct zone_info zi;
	bool force = false;
	char question[128];
	int c, rc;

	while ((c = applet_getopt(argc, argv, "F")) != -1) {
		if (c != 'F')
			return (2);
		force = true;
	}
	if (no_more_args(argc, argv) != 0)
		return (2);
	if ((rc = need_zone(&zi, "uninstall")) != 0)
		return (rc);
	(void)snprintf(question, sizeof(question), "Are you sure you want to uninstall zone %s",
	    zi.name);
	if (zi.state == ZONE_CONFIGURED)
		rc = applet_fail(NULL, "zone '%s': is already in state 'configured'.", ctx.name);
	else if (!force && !isatty(0))
		rc = applet_fail(NULL,
		    "zone '%s': input is not from a terminal and -F is not specified.", ctx.name);
	else if (!force && !confirm(question))
		rc = 1;
	else if (uninstall(&zi, &e) != 0)
		rc = zone_failed(&e);
	free(zi.zonepath);
	return (rc);
}

static int
do_attach(int argc, char **argv)
{
	struct err e = ERR_INIT;
	enum zone_state state;
	bool force = false;
	int c, rc;

	while ((c = applet_getopt(argc, argv, "F")) != -1) {
		if (c != 'F')
			return (2);
		force = true;
	}
	if (no_more_args(argc, argv) != 0)
		return (2);
	if ((rc = need_state(&state, "attach")) != 0)
		return (rc);
	if ((!force && state == ZONE_CONFIGURED && verify_zone(ZONE_INSTALLED, &e) != 0) ||
	    event(ZONE_EV_ATTACH, &e) != 0)
		return (zone_failed(&e));
	return (0);
}

/* Subcommands that are one event and nothing else. */
static int
plain_event(int argc, char **argv, const char *op, enum zone_event ev)
{
	struct err e = ERR_INIT;
	enum zone_state state;
	enum zone_state to;
	int rc;

	if (no_more_args(argc, argv) != 0)
		return (2);
	if ((rc = need_state(&state, op)) != 0)
		return (rc);
	/* The live state counts too: a running zone is refused here. */
	if (zone_state_next(state, ev, &to, &e) != 0 || event(ev, &e) != 0)
		return (zone_failed(&e));
	return (0);
}

static int
do_detach(int argc, char **argv)
{
	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	return (plain_event(argc, argv, "detach", ZONE_EV_DETACH));
}

static int
do_mark(int argc, char **argv)
{
	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if (optind >= argc || strcmp(argv[optind], "incomplete") != 0)
		return (applet_usage("mark: the state must be 'incomplete'"));
	optind++;
	return (plain_event(argc, argv, "mark", ZONE_EV_MARK));
}

static int
do_verify(int argc, char **argv)
{
	struct err e = ERR_INIT;
	enum zone_state state;
	enum zone_state to;
	int rc;

	if (applet_getopt(argc, argv, "") != -1 || no_more_args(argc, argv) != 0)
		return (2);
	if ((rc = need_state(&state, "verify")) != 0)
		return (rc);
	if (zone_state_next(state, ZONE_EV_VERIFY, &to, &e) != 0 || verify_zone(state, &e) != 0)
		return (zone_failed(&e));
	return (0);
}

static int
do_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)fputs(zoneadm_usage, stdout);
	return (0);
}

static const struct subcmd zoneadm_commands[] = {
    {"list", do_list, "[-cinpv]", NULL},
    {"boot", do_boot, "[-f] [-- BOOTARGS]", NULL},
    {"halt", do_halt, "", NULL},
    {"shutdown", do_shutdown, "[-r] [-t SECONDS] [-- BOOTARGS]", NULL},
    {"reboot", do_reboot, "[-- BOOTARGS]", NULL},
    {"ready", do_ready, "", NULL},
    {"install", do_install, "[-x nodataset]", NULL},
    {"uninstall", do_uninstall, "[-F]", NULL},
    {"attach", do_attach, "[-F]", NULL},
    {"detach", do_detach, "", NULL},
    {"mark", do_mark, "incomplete", NULL},
    {"verify", do_verify, "", NULL},
    {"help", do_help, "", NULL},
    {NULL, NULL, NULL, NULL},
};

static int
zoneadm_main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	int c;

	zone_env_init(&ctx.env);
	while ((c = applet_getopt(argc, argv, "z:u:")) != -1) {
		if (c == 'z' && strlen(optarg) <= ZONE_NAME_MAX)
			memcpy(ctx.name, optarg, strlen(optarg) + 1);
		else if (c == 'z')
			return (applet_usage("-z: zone name too long"));
		else if (c != 'u')
			return (2);
		else if (zone_name_by_uuid(&ctx.env, optarg, ctx.name, &e) != 0)
			return (applet_fail_plain(&e));
	}
	/* subcmd_run wants the subcommand in argv[1]. */
	return (subcmd_run(zoneadm_commands, argc - optind + 1, argv + optind - 1));
}
