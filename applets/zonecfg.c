/* SPDX-License-Identifier: MIT */
/* zonecfg: describe zones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/buf.h"
#include "smartbox/kern/zonecfg_cmd.h"

static const char zonecfg_usage[] =
    "usage: zonecfg -z ZONE | -u UUID [COMMAND[; COMMAND]...]\n"
    "       zonecfg -z ZONE | -u UUID -f FILE\n"
    "       zonecfg help\n"
    "Describe a zone: its directory, links, file systems and limits.\n"
    "  -f FILE  read commands from FILE, one a line (- is standard input)\n"
    "  -u UUID  the zone, by uuid\n"
    "  -z ZONE  the zone; it need not exist yet\n"
    "Without commands, asks for them.  `help` explains them.\n";

APPLET(zonecfg, "describe zones");

struct place { /* for messages: where a command came from */
	const char *file;
	unsigned line;
};

static void
print(const char *text, size_t len, void *ctx)
{
	(void)ctx;
	(void)fwrite(text, 1, len, stdout);
}

static bool
ask(const char *question, void *ctx)
{
	char answer[16];

	(void)ctx;
	(void)printf("%s (y/[n])? ", question);
	(void)fflush(stdout);
	return (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y'));
}

static int
failed(const struct place *at, const struct err *e)
{
	(void)fflush(stdout);
	if (at != NULL && at->file != NULL)
		return (applet_fail(e, "%s:%u", at->file, at->line));
	return (applet_fail_plain(e));
}

/* The commands of the command line; they are committed at the end. */
static int
from_arguments(struct zonecfg_session *s, int argc, char **argv)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	int rc;

	for (int i = 0; i < argc; i++)
		buf_printf(&b, "%s%s", i != 0 ? " " : "", argv[i]);
	if (buf_failed(&b))
		return (applet_fail(NULL, "out of memory"));
	rc = zonecfg_session_line(s, b.data, &e);
	buf_free(&b);
	if (rc == 0)
		rc = zonecfg_session_finish(s, &e);
	return (rc < 0 ? failed(NULL, &e) : 0);
}

/* The first error ends a file: what follows was written for a state that is not there. */
static int
from_file(struct zonecfg_session *s, const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct place at = {f == stdin ? "standard input" : path, 0};
	struct err e = ERR_INIT;
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	if (f == NULL)
		return (applet_fail(NULL, "cannot open %s", path));
	while (rc == 0 && getline(&line, &size, f) >= 0) {
		at.line++;
		rc = zonecfg_session_line(s, line, &e);
	}
	if (rc == 0)
		rc = zonecfg_session_finish(s, &e);
	free(line);
	if (f != stdin)
		(void)fclose(f);
	return (rc < 0 ? failed(&at, &e) : 0);
}

/* Errors are said and the session goes on; its end commits, or asks what to do. */
static int
interactive(struct zonecfg_session *s)
{
	struct err e = ERR_INIT;
	char prompt[160], *line = NULL;
	size_t size = 0;
	int rc = 0;

	for (;;) {
		zonecfg_session_prompt(s, prompt, sizeof(prompt));
		(void)fputs(prompt, stdout);
		(void)fflush(stdout);
		if (getline(&line, &size, stdin) < 0) {
			(void)printf("\n");
			if (zonecfg_session_finish(s, &e) != 0)
				rc = failed(NULL, &e);
			break;
		}
		rc = zonecfg_session_line(s, line, &e);
		if (rc == 1)
			break;
		if (rc < 0)
			(void)failed(NULL, &e);
		e = (struct err)ERR_INIT;
	}
	free(line);
	return (rc == 1 ? 0 : rc);
}

static int
run(const struct zone_env *env, const char *name, const char *file, int argc, char **argv)
{
	struct zonecfg_io io = {print, isatty(0) && file == NULL ? ask : NULL, NULL};
	struct zonecfg_session *s;
	struct err e = ERR_INIT;
	int rc;

	if (zonecfg_session_new(env, name, &io, &s, &e) != 0)
		return (applet_fail_plain(&e));
	if (argc > 0) {
		rc = from_arguments(s, argc, argv);
	} else if (file != NULL) {
		rc = from_file(s, file);
	} else {
		if (!zonecfg_session_has_zone(s))
			(void)printf("%s: No such zone configured\n"
				     "Use 'create' to begin configuring a new zone.\n", name);
		rc = interactive(s);
	}
	zonecfg_session_free(s);
	return (rc);
}

static int
zonecfg_main(int argc, char **argv)
{
	char by_uuid[ZONE_NAME_MAX + 1];
	const char *name = NULL, *file = NULL;
	struct err e = ERR_INIT;
	struct zone_env env;
	int c;

	zone_env_init(&env);
	if (argc > 1 && strcmp(argv[1], "help") == 0) {
		(void)fputs(zonecfg_help(), stdout);
		return (0);
	}
	while ((c = applet_getopt(argc, argv, "f:u:z:")) != -1) {
		if (c == 'f')
			file = optarg;
		else if (c == 'z')
			name = optarg;
		else if (c != 'u')
			return (2);
		else if (zone_name_by_uuid(&env, optarg, by_uuid, &e) != 0)
			return (applet_fail_plain(&e));
		else
			name = by_uuid;
	}
	if (name == NULL)
		return (applet_usage("no zone specified"));
	if (file != NULL && optind < argc)
		return (applet_usage("-f does not go with commands"));
	if (geteuid() != 0)
		return (applet_fail(NULL, "only a privileged user may configure a zone."));
	return (run(&env, name, file, argc - optind, argv + optind));
}
