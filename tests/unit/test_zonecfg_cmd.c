/* SPDX-License-Identifier: MIT */
/* zonecfg's language: words, quotes, scopes; nothing reaches the disk before it should. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/kern/zonecfg_cmd.h"

static struct buf printed;

static void
collect(const char *text, size_t len, void *ctx)
{
	(void)ctx;
	buf_add(&printed, text, len);
}

static bool answer;

static bool
ask(const char *question, void *ctx)
{
	(void)question;
	(void)ctx;
	return (answer);
}

static struct zonecfg_io io = {collect, NULL, NULL};
static struct zone_env env;

static struct zonecfg_session *
session(const char *name)
{
	struct zonecfg_session *s;

	(void)snprintf(env.etc, sizeof(env.etc), "%s/etc", test_dir());
	(void)snprintf(env.run, sizeof(env.run), "%s/run", test_dir());
	(void)file_mkdirs(env.etc, 0755, NULL);
	CHECK_EQ(zonecfg_session_new(&env, name, &io, &s, NULL), 0);
	return (s);
}

/* Run and compare what was printed. */
static void
says(struct zonecfg_session *s, const char *line, int want, const char *text)
{
	struct err e = ERR_INIT;
	int rc = zonecfg_session_line(s, line, &e);

	CHECK_STR(rc < 0 ? e.msg : printed.data != NULL ? printed.data : "", text);
	CHECK_EQ(rc, want);
	buf_free(&printed);
}

TEST(zonecfg_quotes_protect_separators_and_backslashes_quotes)
{
	struct zonecfg_session *s = session("q");

	says(s, "create; set bootargs=\"a;b # c \\\" d\\\\\"", 0, "");
	says(s, "info bootargs", 0, "bootargs: a;b # c \" d\\\n");
	says(s, "set bootargs = two words  ", 0, "");
	says(s, "info bootargs", 0, "bootargs: two words\n");
	says(s, "# a comment; set bootargs=no\ninfo bootargs", 0, "bootargs: two words\n");
	says(s, "set bootargs=\"open", -EINVAL, "a quote does not end");
	zonecfg_session_free(s);
}

TEST(zonecfg_a_failing_command_stops_the_line_and_changes_nothing)
{
	struct zonecfg_session *s = session("f");

	says(s, "create; set autoboot=true; set autoboot=maybe; set bootargs=x", -EINVAL,
	    "autoboot: 'maybe' is not one of true, false");
	says(s, "info autoboot; info bootargs", 0, "autoboot: true\nbootargs: \n");
	says(s, "add fs; set dir=/d; end", -EINVAL, "fs: required property 'special' is missing");
	says(s, "cancel; info fs", -ENOENT, "no fs resource matches");
	zonecfg_session_free(s);
}

TEST(zonecfg_scopes_are_kept)
{
	struct zonecfg_session *s = session("s");
	char prompt[160];

	says(s, "end", -EINVAL, "'end' is not allowed in the global scope");
	says(s, "info", -ENOENT, "s: No such zone configured");
	says(s, "create; add device", 0, "");
	zonecfg_session_prompt(s, prompt, sizeof(prompt));
	CHECK_STR(prompt, "zonecfg:s:device> ");
	says(s, "commit", -EINVAL, "'commit' is not allowed in the resource scope");
	says(s, "set match=/dev/kvm; end; info device", 0, "device:\n\tmatch: /dev/kvm\n");
	says(s, "add device; set match=/dev/kvm; end", -EEXIST,
	    "a device resource with match '/dev/kvm' already exists");
	zonecfg_session_free(s);
}

TEST(zonecfg_remove_of_several_asks)
{
	struct zonecfg_session *s = session("r");

	says(s, "create; add net; set physical=net0; end; add net; set physical=net1; end", 0, "");
	says(s, "remove net", -EPERM, "input is not from a terminal and -F is not specified");
	io.ask = ask;
	answer = false;
	says(s, "remove net", -ECANCELED, "not confirmed");
	answer = true;
	says(s, "remove net; info net", -ENOENT, "no net resource matches");
	io.ask = NULL;
	says(s, "remove net", -ENOENT, "no net resource matches");
	says(s, "remove -F net", 0, "");
	zonecfg_session_free(s);
}

TEST(zonecfg_commits_at_the_end_and_not_before)
{
	struct zonecfg_session *s = session("c");
	struct zone_info zi;

	says(s, "create; set zonepath=/zones/c", 0, "");
	CHECK_EQ(zone_info_get(&env, "c", &zi, NULL), -ENOENT);
	CHECK_EQ(zonecfg_session_finish(s, NULL), 0);
	CHECK_EQ(zone_info_get(&env, "c", &zi, NULL), 0);
	free(zi.zonepath);
	says(s, "set autoboot=true; exit -F", 1, "");
	zonecfg_session_free(s);
	s = session("c");
	says(s, "info autoboot", 0, "autoboot: false\n");
	says(s, "delete -F; create; set zonepath=/zones/c; exit", 1, "");
	zonecfg_session_free(s);
	CHECK_EQ(zone_info_get(&env, "c", &zi, NULL), 0);
	CHECK_EQ(zi.did, 2);
	free(zi.zonepath);
}
