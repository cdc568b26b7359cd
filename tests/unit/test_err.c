/* SPDX-License-Identifier: MIT */
/* What include/smartbox/core/err.h promises. */
#include <errno.h>
#include <string.h>

#include "smartbox/core/err.h"
#include "test.h"

TEST(err_set_returns_the_negative_code_and_keeps_the_sentence)
{
	struct err e = ERR_INIT;

	CHECK(err_set(&e, ENOENT, "no '%s'", "x") == -ENOENT);
	CHECK(e.code == ENOENT && strcmp(e.msg, "no 'x'") == 0);
	CHECK(err_set(NULL, EIO, "nobody listens") == -EIO);
}

TEST(err_wrap_puts_what_this_level_knows_in_front)
{
	struct err e = ERR_INIT;

	(void)err_sys(&e, ENODEV, "link '%s'", "e0");
	CHECK(err_wrap(&e, "cannot create vnic '%s'", "net0") == -ENODEV);
	CHECK(strcmp(e.msg, "cannot create vnic 'net0': link 'e0': No such device") == 0);
}

TEST(err_sentences_are_one_line_and_bounded)
{
	struct err e = ERR_INIT;
	char big[4096];

	(void)err_set(&e, EINVAL, "a\nb\x1b[31m");
	CHECK(strcmp(e.msg, "a?b?[31m") == 0);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)err_set(&e, EINVAL, "%s", big);
	(void)err_wrap(&e, "%s", big);
	CHECK(strlen(e.msg) == sizeof(e.msg) - 1);
}

TEST(err_rc_passes_success_through)
{
	struct err e = ERR_INIT;

	CHECK(err_rc(&e, 0, "fine") == 0 && e.code == 0);
	CHECK(err_rc(&e, -ENOSPC, "disk") == -ENOSPC && e.code == ENOSPC);
}
