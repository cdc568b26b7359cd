/* SPDX-License-Identifier: MIT */
/*
 * zfs receive: a stream on standard input becomes datasets.
 *
 * The pool's server reads our standard input itself; here are only the options and what is told to the
 * user.  Messages are OpenZFS's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/fs/dsl.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/props.h"
#include "zfs_impl.h"

struct receive_opts {
	struct nvlist *args, *props;
	const char **exclude;
	size_t nexclude;
};

static void
show(void *arg, const struct nvlist *nv)
{
	const char *line = nv_str_or(nv, "line", NULL), *warning = nv_str_or(nv, "warning", NULL);

	(void)arg;
	if (line != NULL) {
		(void)printf("%s\n", line);
		(void)fflush(stdout);
	}
	if (warning != NULL)
		(void)applet_fail_bare(NULL, "%s", warning);
}

/* The sentence is one line; OpenZFS breaks some of its own. */
static void
break_line(char *text)
{
	static const char *const tails[] = {"must specify -F to overwrite it", "since most recent snapshot",
	    "match incremental source", "must destroy them to overwrite it", "must destroy it to overwrite it",
	    "Partially received snapshot is saved"};

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		char *at = strstr(text, tails[i]);

		if (at != NULL && at > text && at[-1] == ' ')
			at[-1] = '\n';
	}
}

static int
explain(const char *name, const struct nvlist *out, struct err *e)
{
	const char *token = out != NULL ? nv_str_or(out, "token", NULL) : NULL, *dot;
	size_t n;

	if (e->code == ENOENT && strcmp(e->msg, "dataset does not exist") == 0)
		return (applet_fail_bare(e, "cannot open '%s'", name));
	break_line(e->msg);
	if (token == NULL)
		return (applet_fail_bare(NULL, "%s", e->msg));
	n = strlen(e->msg);
	dot = n > 0 && e->msg[n - 1] == '.' ? "" : ".";
	return (applet_fail_bare(NULL, "%s%s\nA resuming stream can be generated on the sending system by "
	    "running:\n    zfs send -t %s", e->msg, dot, token));
}

static int
run(struct receive_opts *o, const char *name)
{
	struct nvlist *out = NULL;
	struct err e = ERR_INIT;
	int status = 0;

	must(nv_add_str(o->args, "name", name));
	if (nv_next(o->props, NULL) != NULL)
		must(nv_add_nvlist(o->args, "props", o->props));
	if (o->nexclude != 0)
		must(nv_add_str_array(o->args, "exclude", o->exclude, o->nexclude));
	zfs_add_history(o->args);
	if (zfs_stream(name, "fs.receive", o->args, STDIN_FILENO, show, NULL, &out, &e) != 0)
		status = explain(name, out, &e);
	else if (nv_has(out, "warned"))
		status = 1;
	nv_free(out);
	return (status);
}

/* origin= is no property here but which snapshot a clone shall hang on. */
static int
add_prop(struct receive_opts *o, const char *arg)
{
	if (strncmp(arg, "origin=", 7) != 0)
		return (zfs_parse_prop(o->props, arg));
	if (nv_has(o->args, "origin"))
		return (applet_usage("property 'origin' specified multiple times"));
	must(nv_add_str(o->args, "origin", arg + 7));
	return (0);
}

static int
add_exclude(struct receive_opts *o, const char *prop)
{
	const struct fs_prop *p = fs_prop_find(prop);
	const char **v = realloc(o->exclude, (o->nexclude + 1) * sizeof(*v));

	must(v == NULL ? -ENOMEM : 0);
	o->exclude = v;
	if (p == NULL && !fs_prop_is_user(prop))
		return (applet_usage("invalid property name '%s'", prop));
	if (nv_has(o->props, p != NULL ? p->name : prop))
		return (applet_usage("property '%s' specified multiple times", prop));
	v[o->nexclude++] = p != NULL ? p->name : prop;
	return (0);
}

static int
one_option(struct receive_opts *o, int c)
{
	static const struct {
		int c;
		const char *name;
	} flags[] = {{'F', "force"}, {'s', "resumable"}, {'n', "dryrun"}, {'v', "verbose"},
	    {'u', "nomount"}, {'d', "whole"}, {'e', "tail"}, {'h', "noholds"}, {'A', "abort"},
	    {'M', "unmount"}};

	if (c == 'o')
		return (add_prop(o, optarg));
	if (c == 'x')
		return (add_exclude(o, optarg));
	if (c == 'c')
		return (applet_fail_bare(NULL, "corrective receive is not supported by this version"));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (flags[i].c != c)
			continue;
		must(nv_add_boolean(o->args, flags[i].name));
		return (0);
	}
	return (2);
}

static int
check_operands(const struct receive_opts *o, int argc, char **argv)
{
	if (argc != 1)
		return (applet_usage(argc < 1 ? "missing snapshot argument" : "too many arguments"));
	if (nv_has(o->args, "whole") && nv_has(o->args, "tail"))
		return (applet_usage("-d and -e exclude each other"));
	if ((nv_has(o->args, "whole") || nv_has(o->args, "tail")) && strchr(argv[0], '@') != NULL)
		return (applet_usage("-d and -e take a filesystem"));
	if (nv_has(o->args, "abort") && (nv_count(o->args) != 1 || strchr(argv[0], '@') != NULL))
		return (applet_usage("-A takes a filesystem or volume and no other option"));
	if (!nv_has(o->args, "abort") && isatty(STDIN_FILENO))
		return (applet_fail_bare(NULL, "Error: Backup stream can not be read from a terminal.\n"
		    "You must redirect standard input."));
	return (0);
}

int
zfs_receive(int argc, char **argv)
{
	struct receive_opts o = {.args = must_nv(), .props = must_nv()};
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, "Ao:x:cdehnsuvFM")) != -1)
		status = one_option(&o, c);
	if (status == 0)
		status = check_operands(&o, argc - optind, argv + optind);
	if (status == 0)
		status = run(&o, argv[optind]);
	nv_free(o.args);
	nv_free(o.props);
	free(o.exclude);
	return (status);
}
