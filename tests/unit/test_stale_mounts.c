/* SPDX-License-Identifier: MIT */
/* What fs/stale_mounts.h promises of the kernel's list of mounts. */
#include "smartbox/fs/stale_mounts.h"
#include "test.h"

static bool
parse(const char *text, char *path, size_t size)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "%s", text);
	return (stale_mounts_parse(line, "tank", path, size));
}

TEST(stale_mounts_are_those_of_the_pool_through_fuse)
{
	char path[128];

	CHECK(parse("40 29 0:35 / /tank/a\\040b rw,nosuid shared:1 - fuse.zfs tank/a\\040b rw", path,
	    sizeof(path)));
	CHECK_STR(path, "/tank/a b");
	CHECK(parse("40 29 0:35 / /mnt rw - fuse tank rw,user_id=0", path, sizeof(path)));
	CHECK_STR(path, "/mnt");
	CHECK(!parse("40 29 0:35 / /mnt rw - fuse.zfs tanker rw", path, sizeof(path)));
	CHECK(!parse("40 29 0:35 / /mnt rw - ext4 tank rw", path, sizeof(path)));
	CHECK(!parse("40 29 0:35 / /mnt rw", path, sizeof(path)));
	CHECK(!parse("40 29 - fuse", path, sizeof(path)));
	CHECK(!parse("40 29 - fuse tank", path, sizeof(path)));
	CHECK(!parse("40 29 0:35 / /a-path-too-long rw - fuse tank rw", path, 8));
}
