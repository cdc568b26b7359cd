/* SPDX-License-Identifier: MIT */
/* setup: the first boot's questions; ends in a pool with SmartOS's layout. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/client.h"
#include "smartbox/machine/setup.h"
#include "smartbox/machine/sysconfig.h"

static const char setup_usage[] =
    "usage: setup [-n] [-f FILE]\n"
    "Make this machine's pool and configuration: ask on the terminal, or take answers from a file.\n"
    "  -f FILE  answers as JSON; \"-\" is standard input, \"auto\" looks where a first boot looks\n"
    "  -n       check the answers and say what would be done\n";

APPLET(setup, "set the machine up: pool, network, password");

static const char lock_path[] = "/run/setup.lock";

static void
say(const char *what)
{
	printf("setup: %s\n", what);
	(void)fflush(stdout);
}

/* --- the wizard ------------------------------------------------------------------------------- */

/* Ask one question; an empty answer takes what is there. False at the end of input. */
static bool
ask(const char *question, char *answer, size_t size)
{
	char line[512];

	if (*answer != '\0')
		printf("%s [%s]: ", question, answer);
	else
		printf("%s: ", question);
	(void)fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return (false);
	line[strcspn(line, "\n")] = '\0';
	if (*line != '\0')
		(void)snprintf(answer, size, "%s", line);
	return (true);
}

static void
terminal_echo(bool on)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t) != 0)
		return;
	t.c_lflag = on ? t.c_lflag | ECHO : t.c_lflag & ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
}

static bool
ask_password(struct setup_answers *a)
{
	char one[128], two[128];
	struct err e = ERR_INIT;
	bool ok;

	do {
		*one = *two = '\0';
		terminal_echo(false);
		ok = ask("Password of root (empty: none)", one, sizeof(one));
		printf("\n");
		ok = ok && (*one == '\0' || ask("Again", two, sizeof(two)));
		printf("\n");
		terminal_echo(true);
		if (!ok || *one == '\0')
			return (ok);
		if (strcmp(one, two) != 0)
			printf("These were two different passwords.\n");
	} while (strcmp(one, two) != 0);
	if (password_hash(one, NULL, a->password_hash, &e) != 0)
		printf("%s\n", e.msg);
	return (true);
}

static int
show_disks(const struct setup_disk *disks, int n)
{
	char size[32];
	int empty = 0;

	printf("\nDisks of this machine:\n");
	for (int i = 0; i < n; i++) {
		units_format_size(size, sizeof(size), disks[i].bytes);
		printf("  %-12s %8s  %s%s\n", disks[i].path + 5, size, disks[i].model,
		    disks[i].used ? "  (carries something)" : "");
		empty += !disks[i].used;
	}
	return (empty);
}

static bool
is_taken(const struct setup_answers *a, const char *path)
{
	for (unsigned i = 0; i < a->ndisks; i++)
		if (strcmp(a->disks[i], path) == 0)
			return (true);
	return (false);
}

/* Turn "vda vdb" into answers. Returns false with a message when a name is none of the disks. */
static bool
take_disks(struct setup_answers *a, char *words, const struct setup_disk *disks, int n)
{
	char *save;

	a->ndisks = 0;
	a->force = false;
	for (char *w = strtok_r(words, " ,", &save); w != NULL; w = strtok_r(NULL, " ,", &save)) {
		int i;

		for (i = 0; i < n && strcmp(disks[i].path + 5, w) != 0; i++)
			;
		if (i == n) {
			printf("There is no disk %s.\n", w);
			return (false);
		}
		if (is_taken(a, disks[i].path)) {
			printf("%s is named twice.\n", w);
			return (false);
		}
		a->force = a->force || disks[i].used;
		(void)snprintf(a->disks[a->ndisks++], SETUP_WORD, "%s", disks[i].path);
	}
	(void)snprintf(a->layout, sizeof(a->layout), "%s", a->ndisks > 1 ? "mirror" : "stripe");
	return (a->ndisks > 0);
}

static bool
ask_disks(struct setup_answers *a)
{
	struct setup_disk disks[SETUP_DISKS_MAX];
	struct err e = ERR_INIT;
	char words[512];
	int n;

	do {
		if ((n = setup_disks(disks, &e)) <= 0) {
			printf("No disk was found; a pool needs one.\n");
			return (false);
		}
		(void)show_disks(disks, n);
		*words = '\0';
		for (int i = 0; i < n; i++)
			if (!disks[i].used && strlen(words) + strlen(disks[i].path) < sizeof(words))
				(void)snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s",
				    *words != '\0' ? " " : "", disks[i].path + 5);
		if (!ask("Disks of the pool, mirrored when more than one", words, sizeof(words)))
			return (false);
	} while (!take_disks(a, words, disks, n));
	return (true);
}

/* Until it is one, or nothing where nothing is allowed. */
static bool
ask_address(const char *question, char *answer, size_t size)
{
	for (;;) {
		if (!ask(question, answer, size))
			return (false);
		if (strcmp(answer, "none") == 0)
			*answer = '\0';
		if (setup_is_address(answer))
			return (true);
		printf("'%s' is not an address.\n", answer);
		*answer = '\0';
	}
}

static bool
ask_netmask(struct setup_answers *a)
{
	do {
		(void)snprintf(a->admin_netmask, sizeof(a->admin_netmask), "255.255.255.0");
		if (!ask("Netmask", a->admin_netmask, sizeof(a->admin_netmask)))
			return (false);
	} while (sysconfig_mask_bits(a->admin_netmask) < 0 &&
	    printf("'%s' is not a netmask.\n", a->admin_netmask) > 0);
	return (true);
}

static bool
ask_network(struct setup_answers *a)
{
	(void)snprintf(a->admin_ip, sizeof(a->admin_ip), "dhcp");
	if (!ask("Name of this machine", a->hostname, sizeof(a->hostname)) ||
	    !ask_address("Address (dhcp, none, or an IP address)", a->admin_ip, sizeof(a->admin_ip)))
		return (false);
	if (*a->admin_ip == '\0' || strcmp(a->admin_ip, "dhcp") == 0)
		return (true);
	return (ask_netmask(a) &&
	    ask_address("Gateway", a->admin_gateway, sizeof(a->admin_gateway)) &&
	    ask("Resolvers, with commas between", a->dns_resolvers, sizeof(a->dns_resolvers)));
}

/* Five questions and a last one. False: the operator wants a shell. */
static bool
wizard(struct setup_answers *a)
{
	char yes[16] = "";

	*a = (struct setup_answers){.pool = SETUP_POOL, .hostname = "smartbox"};
	if (pool_is_imported(SETUP_POOL)) { /* a first boot that was cut */
		printf("\nThis machine's pool has no configuration yet; end of input gives a shell.\n\n");
		return (ask_network(a) && ask_password(a));
	}
	printf("\nThis machine has no pool yet. A few questions make one; end of input gives a shell.\n\n");
	if (!ask_network(a) || !ask_password(a) || !ask_disks(a))
		return (false);
	printf("\nA %s of", a->layout);
	for (unsigned i = 0; i < a->ndisks; i++)
		printf(" %s", a->disks[i] + 5);
	printf(" will be made%s.\n", a->force ? "; WHAT IS ON THEM IS LOST" : "");
	return (ask("Type yes to go on", yes, sizeof(yes)) && strcmp(yes, "yes") == 0);
}

/* --- commands --------------------------------------------------------------------------------- */

static int
read_answers(const char *file, struct setup_answers *a, struct err *e)
{
	json_t *j;
	int rc;

	if (strcmp(file, "auto") == 0)
		return (setup_answers_find(NULL, a, e));
	rc = strcmp(file, "-") == 0 ? json_parse_stream("standard input", stdin, &j, e) :
				      json_parse_file(file, &j, e);
	if (rc != 0)
		return (rc);
	rc = setup_answers_from_json(j, a, e);
	json_decref(j);
	return (rc);
}

static int
apply(const struct setup_answers *a)
{
	struct sysconfig *c;
	struct err e = ERR_INIT;

	if (setup_apply(a, say, &e) != 0)
		return (applet_fail(&e, "cannot set the machine up"));
	if (sysconfig_load(SYSCONFIG_PATH, &c, &e) != 0)
		return (applet_fail_plain(&e));
	if (sysconfig_apply(c, &e) != 0)
		applet_warn("%s", e.msg);
	sysconfig_free(c);
	say("done");
	return (0);
}

static int
from_terminal(void)
{
	struct setup_answers a;
	struct err e = ERR_INIT;
	int lock;

	/* The wizard is on every console; the first that is answered wins. */
	if (!wizard(&a)) {
		printf("\n");
		(void)execl("/bin/sh", "-sh", (char *)NULL);
		return (1);
	}
	if ((lock = file_lock(lock_path, false, true, &e)) < 0)
		return (applet_fail(NULL, "another console is setting the machine up"));
	if (setup_is_finished())
		return (applet_fail(NULL, "another console has set the machine up"));
	return (apply(&a));
}

static int
setup_main(int argc, char **argv)
{
	struct setup_answers a;
	struct err e = ERR_INIT;
	const char *file = NULL;
	bool dry = false;
	int c;

	while ((c = applet_getopt(argc, argv, "f:n")) != -1) {
		switch (c) {
		case 'f':
			file = optarg;
			break;
		case 'n':
			dry = true;
			break;
		default:
			return (2);
		}
	}
	if (argv[optind] != NULL)
		return (applet_usage("'%s' is not wanted", argv[optind]));
	if (file == NULL)
		return (dry ? applet_usage("-n needs -f") : from_terminal());
	if (read_answers(file, &a, &e) != 0)
		return (applet_fail_plain(&e));
	if (dry) {
		printf("%s: %s of %u disks\n", a.pool, a.layout, a.ndisks);
		return (0);
	}
	return (apply(&a));
}
