/* SPDX-License-Identifier: MIT */
/* The metadata protocol, both versions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "smartbox/machine/mdata.h"
#include "test.h"

struct store {
	char key[64], value[256];
	unsigned puts;
};

static int
store_get(void *arg, const char *key, struct buf *value)
{
	struct store *s = arg;

	if (strcmp(key, "broken") == 0)
		return (-EINVAL);
	if (strcmp(key, s->key) != 0)
		return (-ENOENT);
	buf_str(value, s->value);
	return (0);
}

static int
store_keys(void *arg, struct buf *list)
{
	buf_str(list, ((struct store *)arg)->key);
	return (0);
}

static int
store_put(void *arg, const char *key, const char *value, struct err *e)
{
	struct store *s = arg;

	s->puts++;
	if (strncmp(key, "sdc:", 4) == 0)
		return (err_set(e, EPERM, "Cannot update the \"sdc\" Namespace."));
	(void)snprintf(s->key, sizeof(s->key), "%s", key);
	(void)snprintf(s->value, sizeof(s->value), "%s", value != NULL ? value : "(deleted)");
	return (0);
}

static const struct mdata_ops ops = {store_get, store_keys, store_put};

/* What is answered to it; in a buffer of its own until the next call. */
static const char *
ask(struct store *s, const char *text)
{
	static struct buf out = BUF_INIT;
	struct mdata *m = mdata_new(&ops, s);

	out.len = 0;
	/* Byte by byte: a serial line keeps nothing together. */
	for (size_t i = 0; text[i] != '\0'; i++)
		mdata_input(m, text + i, 1, &out);
	buf_add(&out, "", 0);
	mdata_free(m);
	return (out.data != NULL ? out.data : "");
}

static const char *
frame(const char *body)
{
	static char text[1024];

	(void)snprintf(text, sizeof(text), "V2 %zu %08lx %s\n", strlen(body),
	    crc32(0, (const unsigned char *)body, (uInt)strlen(body)), body);
	return (text);
}

TEST(metadata_version_1_answers_in_lines_and_doubles_leading_dots)
{
	struct store s = {"root_authorized_keys", "one\n.two\nthree", 0};

	CHECK_STR(ask(&s, "\n"), "invalid command\n");
	CHECK_STR(ask(&s, "GET root_authorized_keys\n"), "SUCCESS\none\n..two\nthree\n.\n");
	CHECK_STR(ask(&s, "GET nothing\n"), "NOTFOUND\n");
	CHECK_STR(ask(&s, "GET broken\n"), "FAILURE\n");
	CHECK_STR(ask(&s, "GET\n"), "invalid command\n");
	CHECK_STR(ask(&s, "KEYS\n"), "SUCCESS\nroot_authorized_keys\n.\n");
	CHECK_STR(ask(&s, "NEGOTIATE V2\n"), "V2_OK\n");
	CHECK_STR(ask(&s, "NEGOTIATE V3\n"), "FAILURE\n");
}

TEST(metadata_version_2_frames_carry_length_and_sum)
{
	struct store s = {"x", "[]", 0};

	CHECK_STR(ask(&s, frame("dc4fae17 GET eA==")), "V2 21 265ae1d8 dc4fae17 SUCCESS W10=\n");
	CHECK(strstr(ask(&s, frame("dc4fae17 GET eQ==")), "dc4fae17 NOTFOUND\n") != NULL);
	CHECK(strstr(ask(&s, frame("dc4fae17 KEYS")), "dc4fae17 SUCCESS eA==\n") != NULL);
	CHECK_STR(ask(&s, "V2 21 265ae1d9 dc4fae17 GET eA==\n"), "");
	CHECK_STR(ask(&s, "V2 20 265ae1d8 dc4fae17 SUCCESS W10=\n"), "");
	CHECK_STR(ask(&s, frame("dc4fae1 GET eA==")), "");
	CHECK_STR(ask(&s, frame("dc4fae17 GET ===")), "");
	CHECK(strstr(ask(&s, frame("dc4fae17 WHAT eA==")), "dc4fae17 FAILURE ") != NULL);
}

TEST(metadata_put_and_delete_reach_the_machine)
{
	struct store s = {"", "", 0};

	/* base64("eA== W10=") */
	CHECK(strstr(ask(&s, frame("00000001 PUT ZUE9PSBXMTA9")), "00000001 SUCCESS T0s=\n") != NULL);
	CHECK_STR(s.key, "x");
	CHECK_STR(s.value, "[]");
	CHECK(strstr(ask(&s, frame("00000002 DELETE eA==")), "00000002 SUCCESS T0s=\n") != NULL);
	CHECK_STR(s.value, "(deleted)");
	/* base64("sdc:x"): refused, with the reason. */
	CHECK(strstr(ask(&s, frame("00000003 DELETE c2RjOng=")), "00000003 FAILURE Q2Fubm90") != NULL);
	s.puts = 0;
	CHECK(strstr(ask(&s, frame("00000004 PUT eA==")), "00000004 FAILURE") != NULL);
	CHECK_EQ(s.puts, 0);
}

TEST(metadata_lines_without_end_are_forgotten)
{
	static char much[300 << 10];
	struct store s = {"x", "1", 0};
	struct mdata *m = mdata_new(&ops, &s);
	struct buf out = BUF_INIT;

	memset(much, 'a', sizeof(much));
	mdata_input(m, much, sizeof(much), &out);
	mdata_input(m, "\nGET x\n", 7, &out);
	CHECK_STR(out.data, "SUCCESS\n1\n.\n");
	buf_free(&out);
	mdata_free(m);
}
