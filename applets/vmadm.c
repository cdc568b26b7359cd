/* SPDX-License-Identifier: MIT */
/*
 * vmadm: machines.
 *
 * Data goes to stdout; everything said about success and failure to stderr, as SmartOS's scripts
 * expect.  Exit codes: 0 done, also when there was nothing to do; 1 failed; 2 usage.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/core/units.h"
#include "smartbox/machine/prop.h"
#include "smartbox/machine/vm.h"
#include "vmadm_impl.h"

static const char vmadm_usage[] = "";

APPLET(vmadm, "manage machines");

#define DEFAULT_FIELDS "uuid,type,ram,state,alias"
#define DEFAULT_SORT "ram,uuid"

/* --- options and messages --------------------------------------------------------------------- */

static const struct option long_options[] = {{"file", 1, NULL, 'f'}, {"order", 1, NULL, 'o'},
    {"output", 1, NULL, 'o'}, {"sortby", 1, NULL, 's'}, {"signal", 1, NULL, 's'},
    {"parsable", 0, NULL, 'p'}, {"header", 0, NULL, 'H'}, {"json", 0, NULL, 'j'},
    {"unique", 0, NULL, '1'}, {"force", 0, NULL, 'F'}, {"timeout", 1, NULL, 't'},
    {"verbose", 0, NULL, 'v'}, {"debug", 0, NULL, 'd'}, {NULL, 0, NULL, 0}};

/* Options may stand before or behind the UUID; -v and -d are taken everywhere and mean nothing. */
static int
next_option(int argc, char **argv, const char *letters)
{
	char spec[32];
	int c;

	(void)snprintf(spec, sizeof(spec), ":vd%s", letters);
	opterr = 0;
	do
		c = getopt_long(argc, argv, spec, long_options, NULL);
	while (c == 'v' || c == 'd');
	if (c == '?' || c == ':' || (c != -1 && strchr(letters, c) == NULL)) {
		(void)applet_usage(c == ':' ? "option '%s' needs an argument" : "invalid option '%s'",
		    argv[optind - 1]);
		return ('?');
	}
	return (c);
}

static void
warn(void *arg, const char *text)
{
	(void)arg;
	(void)fprintf(stderr, "%s\n", text);
}

static void
init(struct machine *m)
{
	machine_init(m);
	m->say = warn;
}

static int
fail(const struct err *e)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "%s\n", e->msg);
	return (1);
}

static bool
is_uuid(const char *s)
{
	return (strlen(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-');
}

/* The next operand, which must look like a UUID. */
static int
take_uuid(int argc, char **argv, const char **uuid)
{
	if (optind >= argc || !is_uuid(argv[optind]))
		return (applet_usage("Invalid or missing UUID for %s", argv[0]));
	*uuid = argv[optind++];
	return (0);
}

/* Only a UUID and nothing else. */
static int
only_uuid(int argc, char **argv, const char **uuid)
{
	int rc;

	if (next_option(argc, argv, "") != -1)
		return (2);
	if ((rc = take_uuid(argc, argv, uuid)) == 0 && optind < argc)
		rc = applet_usage("unexpected argument '%s'", argv[optind]);
	return (rc);
}

/* --- payloads --------------------------------------------------------------------------------- */

static int
read_payload(const char *file, json_t **out)
{
	struct err e = ERR_INIT;
	int rc;

	if (file == NULL || strcmp(file, "-") == 0) {
		if (isatty(STDIN_FILENO))
			return (applet_usage("no payload: give -f FILE, or JSON on standard input"));
		rc = json_parse_stream("standard input", stdin, out, &e);
	} else if ((rc = json_parse_file(file, out, &e)) == -ENOENT) {
		(void)fprintf(stderr, "File: %s does not exist.\n", file);
		return (1);
	}
	if (rc != 0) {
		(void)fprintf(stderr, "Invalid JSON payload: %s\n", e.msg);
		return (1);
	}
	if (!json_is_object(*out)) {
		json_decref(*out);
		(void)fprintf(stderr, "Invalid JSON payload: not an object\n");
		return (1);
	}
	return (0);
}

/* KEY=VALUE arguments win over the file. */
static int
add_pairs(json_t *payload, int argc, char **argv)
{
	for (; optind < argc; optind++) {
		const char *arg = argv[optind], *eq = strchr(arg, '=');
		char key[128];

		if (eq == NULL || eq == arg || (size_t)(eq - arg) >= sizeof(key))
			return (applet_usage("'%s' is not PROPERTY=VALUE", arg));
		memcpy(key, arg, (size_t)(eq - arg));
		key[eq - arg] = '\0';
		(void)json_object_set_new(payload, key, json_string(eq + 1));
	}
	return (0);
}

/* --- create, update, delete ------------------------------------------------------------------- */

static int
do_create(int argc, char **argv)
{
	char uuid[UUID_STRLEN + 1] = "";
	const char *file = NULL;
	struct err e = ERR_INIT;
	struct machine m;
	json_t *payload;
	int c, rc;

	while ((c = next_option(argc, argv, "f:")) != -1)
		if (c == '?')
			return (2);
		else
			file = optarg;
	if (optind < argc)
		return (applet_usage("unexpected argument '%s'", argv[optind]));
	if ((rc = read_payload(file, &payload)) != 0)
		return (rc);
	init(&m);
	rc = vm_create(&m, payload, uuid, &e);
	json_decref(payload);
	if (rc != 0)
		return (fail(&e));
	(void)fprintf(stderr, "Successfully created VM %s\n", uuid);
	return (0);
}

static int
do_update(int argc, char **argv)
{
	const char *uuid, *file = NULL;
	struct err e = ERR_INIT;
	struct machine m;
	json_t *payload = NULL;
	int c, rc;

	while ((c = next_option(argc, argv, "f:")) != -1)
		if (c == '?')
			return (2);
		else
			file = optarg;
	if ((rc = take_uuid(argc, argv, &uuid)) != 0)
		return (rc);
	if (file != NULL || optind == argc)
		rc = read_payload(file, &payload);
	else
		payload = json_object();
	if (rc == 0)
		rc = add_pairs(payload, argc, argv);
	if (rc == 0) {
		init(&m);
		rc = vm_update(&m, uuid, payload, &e) != 0 ? fail(&e) : 0;
		if (rc == 0)
			(void)fprintf(stderr, "Successfully updated VM %s\n", uuid);
	}
	json_decref(payload);
	return (rc);
}

static int
do_delete(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *uuid;
	struct machine m;
	int rc;

	if ((rc = only_uuid(argc, argv, &uuid)) != 0)
		return (rc);
	init(&m);
	if (vm_delete(&m, uuid, &e) != 0) {
		(void)fprintf(stderr, "Failed to delete VM %s: %s\n", uuid, e.msg);
		return (1);
	}
	(void)fprintf(stderr, "Successfully deleted VM %s\n", uuid);
	return (0);
}

/* Remove what was left half made or half deleted; init calls it before zones boot. */
static int
do_recover(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct machine m;
	int n;

	if (next_option(argc, argv, "") != -1)
		return (2);
	init(&m);
	if ((n = vm_recover(&m, &e)) < 0)
		return (fail(&e));
	(void)fprintf(stderr, "Removed %d unfinished VM%s\n", n, n == 1 ? "" : "s");
	return (0);
}

/* --- validate --------------------------------------------------------------------------------- */

static bool
pool_exists(void *ctx, const char *pool)
{
	const struct machine *m = ctx;

	return (m->ds->pool_is_imported(m->ds_ctx, pool));
}

static int
print_verdict(const struct verdict *v, const char *action, const char *brand)
{
	json_t *j;

	if (json_array_size(v->bad_values) + json_array_size(v->bad_properties) +
	        json_array_size(v->missing_properties) == 0) {
		(void)printf("VALID '%s' payload for %s brand VMs.\n", action, brand);
		return (0);
	}
	j = json_pack("{s:O, s:O, s:O}", "bad_values", v->bad_values, "bad_properties", v->bad_properties,
	    "missing_properties", v->missing_properties);
	json_print(stderr, j);
	json_decref(j);
	return (1);
}

static int
validate(const json_t *payload, const char *action, const char *brand)
{
	struct machine m;
	struct verdict v;
	int rc;

	if (brand_letter(brand) == '\0') {
		(void)fprintf(stderr, "{\n  \"bad_brand\": \"%s\"\n}\n", brand);
		return (1);
	}
	init(&m);
	(void)payload_check(payload, strcmp(action, "create") == 0 ? PAYLOAD_CREATE : PAYLOAD_UPDATE, brand,
	    pool_exists, &m, &v);
	rc = print_verdict(&v, action, brand);
	verdict_free(&v);
	return (rc);
}

static int
do_validate(int argc, char **argv)
{
	const char *action, *brand = NULL, *file = NULL;
	json_t *payload;
	int c, rc;

	while ((c = next_option(argc, argv, "f:")) != -1)
		if (c == '?')
			return (2);
		else
			file = optarg;
	action = optind < argc ? argv[optind++] : "";
	if (strcmp(action, "create") != 0 && strcmp(action, "update") != 0)
		return (applet_usage("validate what? 'create' or 'update BRAND'"));
	if (optind < argc)
		brand = argv[optind++];
	else if (strcmp(action, "update") == 0)
		return (applet_usage("validate update needs the brand"));
	if ((rc = read_payload(file, &payload)) != 0)
		return (rc);
	rc = validate(payload, action, brand != NULL ? brand : json_str(payload, "brand", "undefined"));
	json_decref(payload);
	return (rc);
}

/* --- get, list, lookup ------------------------------------------------------------------------ */

static int
do_get(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *uuid;
	struct machine m;
	json_t *vm;
	int rc;

	if ((rc = only_uuid(argc, argv, &uuid)) != 0)
		return (rc);
	init(&m);
	if (vm_load(&m, uuid, VM_ALL, &vm, &e) != 0)
		return (fail(&e));
	json_print(stdout, vm);
	json_decref(vm);
	return (0);
}

/* Load what is needed and keep what matches; 0, or an exit code. */
static int
query(const struct vm_query *q, unsigned needs, json_t **out)
{
	struct err e = ERR_INIT;
	struct machine m;
	json_t *all;
	int rc;

	init(&m);
	if (vm_load_all(&m, needs | vm_query_needs(q), &all, &e) != 0)
		return (fail(&e));
	rc = vm_query_run(q, all, out, &e);
	json_decref(all);
	return (rc != 0 ? fail(&e) : 0);
}

static int
do_list(int argc, char **argv)
{
	struct vm_list_opts o = {DEFAULT_FIELDS, DEFAULT_SORT, false, true};
	struct err e = ERR_INIT;
	bool force_header = false;
	struct vm_query q;
	unsigned needs = 0;
	json_t *vms;
	int c, rc;

	while ((c = next_option(argc, argv, "Hho:ps:")) != -1)
		switch (c) {
		case 'H': o.header = false; break;
		case 'h': force_header = true; break;
		case 'o': o.fields = optarg; break;
		case 'p': o.parsable = true; break;
		case 's': o.sort = optarg; break;
		default: return (2);
		}
	o.header = force_header || (o.header && !o.parsable);
	if (vm_list_check(&o, &needs, &e) != 0 ||
	    vm_query_parse(argv + optind, argc - optind, "filter", &q, &e) != 0)
		return (fail(&e));
	if ((rc = query(&q, needs, &vms)) != 0)
		return (rc);
	vm_list_print(vms, &o);
	json_decref(vms);
	return (0);
}

/* Only the members that -o names; a machine with none of them is left out. */
static json_t *
pick_members(const json_t *vms, const char *fields)
{
	json_t *out = json_array(), *vm;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)vms, i, vm) {
		json_t *o = json_object();

		for (const char *s = fields; *s != '\0';) {
			size_t n = strcspn(s, ",");
			char key[128];

			(void)snprintf(key, sizeof(key), "%.*s", (int)n, s);
			if (json_object_get(vm, key) != NULL)
				(void)json_object_set(o, key, json_object_get(vm, key));
			s += n + (s[n] == ',');
		}
		if (json_object_size(o) > 0)
			(void)json_array_append(out, o);
		json_decref(o);
	}
	return (out);
}

static void
print_lookup(const json_t *vms, bool as_json, const char *fields)
{
	json_t *picked, *vm;
	size_t i;

	if (!as_json) {
		json_array_foreach((json_t *)(uintptr_t)vms, i, vm)
			(void)puts(json_str(vm, "uuid", ""));
		return;
	}
	picked = fields != NULL ? pick_members(vms, fields) : json_incref((json_t *)(uintptr_t)vms);
	json_print(stdout, picked);
	json_decref(picked);
}

static int
do_lookup(int argc, char **argv)
{
	bool as_json = false, unique = false;
	const char *fields = NULL;
	struct err e = ERR_INIT;
	struct vm_query q;
	json_t *vms;
	int c, rc;

	while ((c = next_option(argc, argv, "1jo:")) != -1)
		switch (c) {
		case '1': unique = true; break;
		case 'j': as_json = true; break;
		case 'o': fields = optarg; break;
		default: return (2);
		}
	if (fields != NULL && !as_json) {
		(void)fprintf(stderr, "Cannot specify -o without -j\n");
		return (1);
	}
	if (vm_query_parse(argv + optind, argc - optind, "lookup", &q, &e) != 0)
		return (fail(&e));
	if ((rc = query(&q, as_json ? VM_ALL : 0, &vms)) != 0)
		return (rc);
	if (unique && json_array_size(vms) != 1) {
		(void)fprintf(stderr, "Requested unique lookup but found %zu results.\n",
		    json_array_size(vms));
		rc = 1;
	} else
		print_lookup(vms, as_json, fields);
	json_decref(vms);
	return (rc);
}

/* --- start, stop ------------------------------------------------------------------------------ */

/* Nothing to do is told and is a success. */
static int
finish(int rc, const struct err *e, const char *fmt, const char *uuid)
{
	if (rc != 0 && rc != -EALREADY)
		return (fail(e));
	if (rc == -EALREADY)
		(void)fprintf(stderr, "%s\n", e->msg);
	else {
		(void)fprintf(stderr, fmt, uuid);
		(void)fputc('\n', stderr);
	}
	return (0);
}

/* "disk=PATH,MODEL" and "cdrom=PATH,MODEL" */
static int
check_media(const char *w)
{
	static const char *const models[] = {",virtio", ",scsi", ",ide", ",ahci"};
	const char *model = strrchr(w, ',');
	size_t i = 0;

	if (model == NULL)
		return (applet_usage("'%s': a model is needed, as in ,ide", w));
	while (i < 4 && strcmp(model, models[i]) != 0)
		i++;
	if (i == 4)
		return (applet_usage("'%s': the model is virtio, scsi, ide or ahci", w));
	if (w[strcspn(w, "=") + 1] != '/')
		return (applet_usage("'%s': the path begins with /, at the machine's root", w));
	return (0);
}

static int
check_extra(const char *w, bool *order)
{
	const char *wrong;

	if (strncmp(w, "disk=", 5) == 0 || strncmp(w, "cdrom=", 6) == 0)
		return (check_media(w));
	if (strncmp(w, "order=", 6) != 0)
		return (applet_usage("Invalid argument to start: %s", w));
	if (*order)
		return (applet_usage("order may be given once"));
	*order = true;
	wrong = prop_boot_order_wrong(w);
	return (wrong != NULL ? applet_usage("'%s' %s", w, wrong) : 0);
}

/* order= once; disk= and cdrom= with a model, as often as there are. */
static int
start_extras(int argc, char **argv, char *buf, size_t size)
{
	bool order = false;
	size_t len = 0;
	int rc;

	buf[0] = '\0';
	for (; optind < argc; optind++) {
		const char *w = argv[optind];

		if ((rc = check_extra(w, &order)) != 0)
			return (rc);
		if (strchr(w, ' ') != NULL || len + strlen(w) + 2 > size)
			return (applet_usage("'%s' is too long or has a space", w));
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len > 0 ? " " : "", w);
	}
	return (0);
}

static int
do_start(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *uuid;
	char extras[900];
	struct machine m;
	int rc;

	if (next_option(argc, argv, "") != -1)
		return (2);
	if ((rc = take_uuid(argc, argv, &uuid)) != 0 ||
	    (rc = start_extras(argc, argv, extras, sizeof(extras))) != 0)
		return (rc);
	init(&m);
	rc = vm_start(&m, uuid, extras[0] != '\0' ? extras : NULL, &e);
	return (finish(rc, &e, "Successfully started VM %s", uuid));
}

struct stop_opts {
	bool force;
	uint64_t timeout;
	const char *uuid;
};

static int
stop_options(int argc, char **argv, const char *letters, struct stop_opts *o)
{
	struct err e = ERR_INIT;
	int c, rc;

	while ((c = next_option(argc, argv, letters)) != -1) {
		if (c == '?')
			return (2);
		if (c == 'F')
			o->force = true;
		else if (units_parse_u64(optarg, 1, 86400, &o->timeout, &e) != 0)
			return (applet_usage("timeout %s: %s", optarg, e.msg));
	}
	if ((rc = take_uuid(argc, argv, &o->uuid)) == 0 && optind < argc)
		rc = applet_usage("unexpected argument '%s'", argv[optind]);
	return (rc);
}

static int
do_stop(int argc, char **argv)
{
	struct stop_opts o = {false, 0, NULL};
	struct err e = ERR_INIT;
	struct machine m;
	int rc;

	if ((rc = stop_options(argc, argv, "Ft:", &o)) != 0)
		return (rc);
	init(&m);
	rc = vm_stop(&m, o.uuid, o.force, (unsigned)o.timeout, &e);
	return (finish(rc, &e, "Successfully completed stop for VM %s", o.uuid));
}

static int
do_reboot(int argc, char **argv)
{
	struct stop_opts o = {false, 0, NULL};
	struct err e = ERR_INIT;
	struct machine m;
	int rc;

	if ((rc = stop_options(argc, argv, "F", &o)) != 0)
		return (rc);
	init(&m);
	rc = vm_reboot(&m, o.uuid, o.force, &e);
	return (finish(rc, &e, "Successfully completed reboot for VM %s", o.uuid));
}

/* The button on the case: what SmartOS's daemon calls reset is reboot -F of its vmadm. */
static int
do_reset(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *uuid;
	struct machine m;
	int rc;

	if ((rc = only_uuid(argc, argv, &uuid)) != 0)
		return (rc);
	init(&m);
	rc = vm_reboot(&m, uuid, true, &e);
	return (finish(rc, &e, "Successfully completed reset for VM %s", uuid));
}

/* --- kill ------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int number;
} signals[] = {{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"ILL", SIGILL}, {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT}, {"BUS", SIGBUS}, {"FPE", SIGFPE}, {"KILL", SIGKILL}, {"USR1", SIGUSR1},
    {"SEGV", SIGSEGV}, {"USR2", SIGUSR2}, {"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"TERM", SIGTERM},
    {"CHLD", SIGCHLD}, {"CONT", SIGCONT}, {"STOP", SIGSTOP}, {"TSTP", SIGTSTP}, {"WINCH", SIGWINCH},
    {"PWR", SIGPWR}};
#define NSIGNALS (sizeof(signals) / sizeof(signals[0]))

/* "TERM", "SIGTERM" or "15"; 0 when it is none. */
static int
parse_signal(const char *s)
{
	uint64_t n;

	if (units_parse_u64(s, 1, 64, &n, NULL) == 0)
		return ((int)n);
	if (strncasecmp(s, "SIG", 3) == 0)
		s += 3;
	for (size_t i = 0; i < NSIGNALS; i++)
		if (strcasecmp(signals[i].name, s) == 0)
			return (signals[i].number);
	return (0);
}

static void
signal_name(int signo, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%d", signo);
	for (size_t i = 0; i < NSIGNALS; i++)
		if (signals[i].number == signo)
			(void)snprintf(buf, size, "SIG%s", signals[i].name);
}

/* -s SIG, or -SIG as kill(1) has it. */
static int
do_kill(int argc, char **argv)
{
	const char *uuid = NULL;
	struct err e = ERR_INIT;
	int signo = SIGTERM;
	struct machine m;
	char name[16];

	for (int i = 1; i < argc; i++) {
		const char *word = NULL;

		if (strcmp(argv[i], "-s") == 0 || strcmp(argv[i], "--signal") == 0)
			word = ++i < argc ? argv[i] : "";
		else if (argv[i][0] == '-')
			word = argv[i] + 1;
		if (word == NULL && uuid == NULL)
			uuid = argv[i];
		else if (word == NULL)
			return (applet_usage("unexpected argument '%s'", argv[i]));
		else if ((signo = parse_signal(word)) == 0)
			return (applet_usage("unknown signal '%s'", word));
	}
	if (uuid == NULL || !is_uuid(uuid))
		return (applet_usage("Invalid or missing UUID for kill"));
	init(&m);
	if (vm_kill(&m, uuid, signo, &e) != 0)
		return (fail(&e));
	signal_name(signo, name, sizeof(name));
	(void)fprintf(stderr, "Sent signal \"%s\" to init process for VM %s\n", name, uuid);
	return (0);
}

/* --- console ---------------------------------------------------------------------------------- */

enum escape { LINE_START, IN_LINE, AFTER_ESCAPE };

/* CTRL-] and then '.' at the beginning of a line leave; true when they did. */
static bool
send_keys(int fd, const char *buf, ssize_t n, enum escape *state)
{
	for (ssize_t i = 0; i < n; i++) {
		char c = buf[i];

		if (*state == AFTER_ESCAPE && c == '.')
			return (true);
		if (*state == LINE_START && c == 0x1d) {
			*state = AFTER_ESCAPE;
			continue;
		}
		if (*state == AFTER_ESCAPE)
			(void)io_write_full(fd, "\x1d", 1);
		*state = c == '\r' || c == '\n' ? LINE_START : IN_LINE;
		if (io_write_full(fd, &c, 1) != 0)
			return (true);
	}
	return (false);
}

static void
relay(int fd)
{
	struct pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {fd, POLLIN, 0}};
	enum escape state = LINE_START;
	char buf[4096];
	ssize_t n;

	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		if (p[1].revents != 0) {
			if ((n = read(fd, buf, sizeof(buf))) <= 0)
				return;
			(void)io_write_full(STDOUT_FILENO, buf, (size_t)n);
		}
		if (p[0].revents != 0) {
			if ((n = read(STDIN_FILENO, buf, sizeof(buf))) <= 0)
				p[0].fd = -1; /* input is over, output may go on */
			else if (send_keys(fd, buf, n, &state))
				return;
		}
	}
}

static int
do_console(int argc, char **argv)
{
	struct termios saved, raw;
	struct err e = ERR_INIT;
	const char *uuid;
	struct machine m;
	int fd, rc;
	bool tty;

	if ((rc = only_uuid(argc, argv, &uuid)) != 0)
		return (rc);
	init(&m);
	if (vm_console(&m, uuid, &fd, &e) != 0)
		return (fail(&e));
	tty = tcgetattr(STDIN_FILENO, &saved) == 0;
	if (tty) {
		raw = saved;
		cfmakeraw(&raw);
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	relay(fd);
	if (tty)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	(void)close(fd);
	return (0);
}

/* --- what only kvm and bhyve have ------------------------------------------------------------- */

static int
do_info(int argc, char **argv)
{
	struct err e = ERR_INIT;
	char types[256] = "";
	const char *uuid;
	struct machine m;
	json_t *info;
	int rc;

	if (next_option(argc, argv, "") != -1)
		return (2);
	if ((rc = take_uuid(argc, argv, &uuid)) != 0)
		return (rc);
	for (; optind < argc; optind++)
		(void)snprintf(types + strlen(types), sizeof(types) - strlen(types), "%s%s",
		    types[0] != '\0' ? "," : "", argv[optind]);
	init(&m);
	if (vm_info(&m, uuid, types, &info, &e) != 0) {
		(void)fprintf(stderr, "Unable to get VM info for VM %s: %s\n", uuid, e.msg);
		return (1);
	}
	json_print(stdout, info);
	json_decref(info);
	return (0);
}

/* A UUID and one word behind it. */
static int
take_word(int argc, char **argv, const char *missing, const char **uuid, const char **word)
{
	int rc;

	if (next_option(argc, argv, "") != -1)
		return (2);
	if ((rc = take_uuid(argc, argv, uuid)) != 0)
		return (rc);
	if (optind + 1 != argc)
		return (applet_usage("%s", missing));
	*word = argv[optind];
	return (0);
}

static int
do_sysrq(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *uuid, *what;
	struct machine m;
	int rc;

	if ((rc = take_word(argc, argv, "nmi or screenshot is needed", &uuid, &what)) != 0)
		return (rc);
	init(&m);
	if (vm_sysrq(&m, uuid, what, &e) != 0)
		return (fail(&e));
	(void)fprintf(stderr, strcmp(what, "nmi") == 0 ? "Sent NMI to VM %s\n"
	                                               : "Sent screenshot sysrq to VM %s\n", uuid);
	return (0);
}

/* --- snapshots -------------------------------------------------------------------------------- */

static int
snapshot(int argc, char **argv,
    int (*fn)(const struct machine *m, const char *uuid, const char *name, struct err *e),
    const char *done)
{
	struct err e = ERR_INIT;
	const char *uuid, *name;
	struct machine m;
	int rc;

	if ((rc = take_word(argc, argv, "one snapshot name is needed", &uuid, &name)) != 0)
		return (rc);
	init(&m);
	if (fn(&m, uuid, name, &e) != 0)
		return (fail(&e));
	(void)fprintf(stderr, "%s snapshot %s for VM %s\n", done, name, uuid);
	return (0);
}

static int
do_create_snapshot(int argc, char **argv)
{
	return (snapshot(argc, argv, vm_snapshot_create, "Created"));
}

static int
do_rollback_snapshot(int argc, char **argv)
{
	return (snapshot(argc, argv, vm_snapshot_rollback, "Rolled back"));
}

static int
do_delete_snapshot(int argc, char **argv)
{
	return (snapshot(argc, argv, vm_snapshot_delete, "Deleted"));
}

/* --- commands --------------------------------------------------------------------------------- */

static const struct subcmd commands[] = {
    {"create", do_create, "[-f FILE]", "create a machine from a JSON payload"},
    {"get", do_get, "UUID", "everything about a machine, as JSON"},
    {"list", do_list, "[-p] [-H] [-o FIELD,...] [-s FIELD,...] [KEY=VALUE]...", "list machines"},
    {"lookup", do_lookup, "[-j] [-1] [-o FIELD,...] [KEY=VALUE]...", "find machines"},
    {"update", do_update, "UUID [-f FILE] [PROPERTY=VALUE]...", "change a machine"},
    {"delete", do_delete, "UUID", "remove a machine and its data"},
    {"start", do_start, "UUID [order=ORDER] [disk=PATH,MODEL]... [cdrom=PATH,MODEL]...", "boot a machine"},
    {"stop", do_stop, "UUID [-F] [-t SECONDS]", "shut a machine down; -F at once"},
    {"reboot", do_reboot, "UUID [-F]", "shut down and boot; -F at once"},
    {"reset", do_reset, "UUID", "same as reboot -F"},
    {"kill", do_kill, "[-s SIGNAL | -SIGNAL] UUID", "signal a machine's first process"},
    {"console", do_console, "UUID", "a machine's console; leave with CTRL-] ."},
    {"info", do_info, "UUID [TYPE,...]", "what the monitor of a kvm or bhyve machine says"},
    {"sysrq", do_sysrq, "UUID nmi|screenshot", "an NMI, or a picture of the display"},
    {"create-snapshot", do_create_snapshot, "UUID NAME", "snapshot a machine"},
    {"rollback-snapshot", do_rollback_snapshot, "UUID NAME", "go back to a snapshot, and start"},
    {"delete-snapshot", do_delete_snapshot, "UUID NAME", "remove a snapshot"},
    {"validate", do_validate, "create [-f FILE] | update BRAND [-f FILE]", "check a payload"},
    {"recover", do_recover, "", "remove what a power cut left half made"},
    {"boot", do_start, "UUID [order=ORDER] [disk=PATH,MODEL]... [cdrom=PATH,MODEL]...", "same as start"},
    {"halt", do_stop, "UUID [-F] [-t SECONDS]", "same as stop"},
    {"destroy", do_delete, "UUID", "same as delete"},
    {"json", do_get, "UUID", "same as get"},
    {NULL, NULL, NULL, NULL},
};

static int
vmadm_main(int argc, char **argv)
{
	return (subcmd_run(commands, argc, argv));
}
