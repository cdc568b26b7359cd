/* SPDX-License-Identifier: MIT */
/*
 * Zone configurations from arbitrary bytes: as XML when they begin with '<', else as zonecfg commands.
 * What is accepted is written out, and read back to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "smartbox/kern/zonecfg.h"
#include "smartbox/kern/zonecfg_cmd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
collect(const char *text, size_t len, void *ctx)
{
	buf_add(ctx, text, len);
}

static void
xml(const char *text, size_t len)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct zonecfg *c, *again;

	if (zonecfg_parse_xml("fuzz", text, len, &c, NULL) != 0)
		return;
	(void)zonecfg_verify(c, NULL);
	zonecfg_format_xml(c, &a);
	if (zonecfg_parse_xml("again", a.data, a.len, &again, NULL) != 0)
		abort();
	zonecfg_format_xml(again, &b);
	if (strcmp(a.data, b.data) != 0)
		abort();
	buf_free(&a);
	buf_free(&b);
	zonecfg_free(c);
	zonecfg_free(again);
}

/* In a world where no file can be written: /dev/null is no directory. */
static void
run(const struct zone_env *env, const char *text, struct buf *exported)
{
	struct buf ignored = BUF_INIT;
	struct zonecfg_io io = {collect, NULL, &ignored}, out = {collect, NULL, exported};
	struct zonecfg_session *s, *t;
	struct buf twice = BUF_INIT;

	if (zonecfg_session_new(env, "fuzz", &io, &s, NULL) != 0)
		return;
	(void)zonecfg_session_line(s, text, NULL);
	(void)zonecfg_session_line(s, "cancel", NULL);
	io = out;
	if (zonecfg_session_has_zone(s) && zonecfg_session_line(s, "export", NULL) == 0 &&
	    exported->data != NULL) {
		io = (struct zonecfg_io){collect, NULL, &twice};
		if (zonecfg_session_new(env, "fuzz", &io, &t, NULL) != 0 ||
		    zonecfg_session_line(t, exported->data, NULL) != 0 ||
		    zonecfg_session_line(t, "export", NULL) != 0 ||
		    strcmp(twice.data, exported->data) != 0)
			abort();
		zonecfg_session_free(t);
	}
	zonecfg_session_free(s);
	buf_free(&twice);
	buf_free(&ignored);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zone_env env = {"/dev/null", "/dev/null", ""};
	struct buf exported = BUF_INIT;
	char *text;

	if (size > 0 && data[0] == '<') {
		xml((const char *)data, size);
		return (0);
	}
	/* `export -f` and `delete` touch files; everything else stays in memory. */
	if ((text = malloc(size + 1)) == NULL)
		return (0);
	memcpy(text, data, size);
	text[size] = '\0';
	if (strstr(text, "-f") == NULL)
		run(&env, text, &exported);
	free(text);
	buf_free(&exported);
	return (0);
}
