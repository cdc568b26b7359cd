/* SPDX-License-Identifier: MIT */
/* What fs/zvol.h promises: sizes and reservations. */
#include <errno.h>

#include "smartbox/fs/zvol.h"
#include "test.h"

TEST(zvol_reserves_what_openzfs_reserves)
{
	struct zvol_init v = {.size = 25165824, .block_size = 8192};

	CHECK_EQ(zvol_reservation(&v, 1), 28049408);
	v.size = 33554432;
	CHECK_EQ(zvol_reservation(&v, 1), 36700160);
}

TEST(zvol_refuses_impossible_sizes)
{
	struct zvol_init v = {.size = 1 << 20, .block_size = 8192};
	struct err e = ERR_INIT;

	CHECK_EQ(zvol_check(&v, &e), 0);
	v.size += 512;
	CHECK_EQ(zvol_check(&v, &e), -EINVAL);
	CHECK_STR(e.msg, "'volsize' must be a multiple of volume block size");
	v.size = 0;
	CHECK_EQ(zvol_check(&v, NULL), -EINVAL);
	v = (struct zvol_init){.size = 3 << 20, .block_size = 3000};
	CHECK_EQ(zvol_check(&v, NULL), -EINVAL);
	v.block_size = 256 << 10;
	CHECK_EQ(zvol_check(&v, NULL), -EINVAL);
}
