/* SPDX-License-Identifier: MIT */
/* The frame's own promises. */
#include "test.h"

#include <unistd.h>

TEST(test_dir_is_a_folder_of_its_own)
{
	CHECK(access(test_dir(), R_OK | W_OK | X_OK) == 0);
	CHECK(strstr(test_dir(), "smartbox-test.") != NULL);
}

TEST(test_rand_does_not_repeat_at_once)
{
	uint64_t a = test_rand(), b = test_rand();

	CHECK(a != b);
}
