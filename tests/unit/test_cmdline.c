/* SPDX-License-Identifier: MIT */
/* machine/cmdline: words, values, quotes. */
#include "test.h"

#include "smartbox/machine/cmdline.h"

static const char line[] = "console=ttyS0 noimport run=\"/a b\" \"x=1 2\" noimportant console=tty0\n";

TEST(cmdline_last_of_a_repeated_word_wins)
{
	char v[32];

	CHECK(cmdline_find(line, "console", v, sizeof(v)));
	CHECK_STR(v, "tty0");
}

TEST(cmdline_bare_word_has_an_empty_value)
{
	char v[32] = "old";

	CHECK(cmdline_find(line, "noimport", v, sizeof(v)));
	CHECK_STR(v, "");
}

TEST(cmdline_quotes_keep_spaces_on_either_side_of_the_sign)
{
	char v[32];

	CHECK(cmdline_find(line, "run", v, sizeof(v)));
	CHECK_STR(v, "/a b");
	CHECK(cmdline_find(line, "x", v, sizeof(v)));
	CHECK_STR(v, "1 2");
}

TEST(cmdline_does_not_take_a_prefix_for_the_word)
{
	char v[32];

	CHECK(!cmdline_find(line, "con", v, sizeof(v)));
	CHECK(!cmdline_find(line, "noimpor", v, sizeof(v)));
}

TEST(cmdline_value_is_cut_to_the_buffer)
{
	char v[4];

	CHECK(cmdline_find("k=abcdef", "k", v, sizeof(v)));
	CHECK_STR(v, "abc");
}
