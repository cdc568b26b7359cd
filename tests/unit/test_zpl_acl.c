/* SPDX-License-Identifier: MIT */
/*
 * Trivial access control lists: the bytes that OpenZFS writes for a mode, and what they mean.
 */
#include <sys/stat.h>

#include "../../fs/zpl_impl.h"
#include "test.h"

struct ace {
	uint16_t type, flags;
	uint32_t mask;
};

TEST(acl_trivial_of_common_modes_is_what_openzfs_writes)
{
	static const struct ace dir755[] = {
	    {0, 0x1000, 0x001e01ff}, {0, 0x2040, 0x001200a9}, {0, 0x4000, 0x001200a9}};
	static const struct ace file644[] = {
	    {0, 0x1000, 0x001e01df}, {0, 0x2040, 0x00120089}, {0, 0x4000, 0x00120089}};
	uint8_t buf[ACL_TRIVIAL_MAX];
	uint64_t count;

	CHECK_EQ(acl_trivial(S_IFDIR | 0755, buf, &count), 24);
	CHECK_EQ(count, 3);
	CHECK_MEM(buf, dir755, 24);
	CHECK_EQ(acl_trivial(S_IFREG | 0644, buf, &count), 24);
	CHECK_MEM(buf, file644, 24);
}

/* Evaluate as NFSv4 does: the first entry that mentions a right for this caller decides. */
static unsigned
granted(const struct ace *a, uint64_t n, bool owner, bool group)
{
	static const uint32_t rights[3] = {0x20, 0x2, 0x1}; /* x w r */
	unsigned rwx = 0;

	for (unsigned b = 0; b < 3; b++) {
		for (uint64_t i = 0; i < n; i++) {
			bool applies = a[i].flags == 0x4000 || (a[i].flags == 0x1000 && owner) ||
			    (a[i].flags == 0x2040 && group);

			if (!applies || !(a[i].mask & rights[b]))
				continue;
			if (a[i].type == 0)
				rwx |= 1u << b;
			break;
		}
	}
	return (rwx);
}

TEST(acl_trivial_grants_what_the_mode_grants_for_all_modes)
{
	for (uint32_t mode = 0; mode < 01000; mode++) {
		struct ace ace[6];
		uint64_t n;

		CHECK(acl_trivial(S_IFREG | mode, (uint8_t *)ace, &n) <= sizeof(ace));
		CHECK_EQ(granted(ace, n, true, true), mode >> 6);
		CHECK_EQ(granted(ace, n, true, false), mode >> 6);
		CHECK_EQ(granted(ace, n, false, true), mode >> 3 & 7);
		CHECK_EQ(granted(ace, n, false, false), mode & 7);
	}
}

TEST(acl_flags_are_those_seen_on_openzfs_files)
{
	uint64_t base = ZF_ARCHIVE | ZF_AV_MODIFIED;

	CHECK_EQ(acl_flags(base, S_IFREG | 0644), 0x40800000004);
	CHECK_EQ(acl_flags(base, S_IFDIR | 0755), 0x40800000144);
	CHECK_EQ(acl_flags(base, S_IFLNK | 0777), 0x40800000104);
}
