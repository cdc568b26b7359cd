/* SPDX-License-Identifier: MIT */
/*
 * The trivial access control list: NFSv4 entries that say just what the mode says.
 *
 * Every znode carries one, because OpenZFS checks access by it on systems with NFSv4 ACLs.  We check
 * the mode (the Linux kernel does, for FUSE), so all that matters here is to write what OpenZFS
 * would.  Three entries, OWNER@, GROUP@, EVERYONE@, allow what the mode allows; and since an allow
 * entry for everybody covers the owner and the group as well, a class with fewer rights than one
 * behind it is denied the difference first.
 *
 * Format: docs/zfs-format.md, "ACL".
 */
#include <string.h>
#include <sys/stat.h>

#include "zpl_impl.h"

enum { ACE_ALLOW = 0, ACE_DENY = 1 };
enum { ACE_OWNER = 0x1000, ACE_GROUP = 0x2040, ACE_EVERYONE = 0x4000 };

#define ACE_READ 0x1u
#define ACE_WRITE (0x2u | 0x4u | 0x40u) /* data, append, delete child */
#define ACE_EXECUTE 0x20u
#define ACE_OWNER_BASE 0x1e0198u
#define ACE_OTHER_BASE 0x120088u

/* Three bits of a mode as an access mask. */
static uint32_t
ace_rights(unsigned rwx)
{
	return ((rwx & 4 ? ACE_READ : 0) | (rwx & 2 ? ACE_WRITE : 0) | (rwx & 1 ? ACE_EXECUTE : 0));
}

static uint8_t *
ace_put(uint8_t *p, uint16_t type, uint16_t flags, uint32_t mask)
{
	memcpy(p, &type, 2);
	memcpy(p + 2, &flags, 2);
	memcpy(p + 4, &mask, 4);
	return (p + 8);
}

size_t
acl_trivial(uint32_t mode, uint8_t buf[ACL_TRIVIAL_MAX], uint64_t *count)
{
	unsigned u = mode >> 6 & 7, g = mode >> 3 & 7, o = mode & 7;
	unsigned owner_early = u & ~g & o; /* or the group's denial would hit the owner */
	unsigned owner_deny = ~u & (g | o), group_deny = ~g & o;
	uint8_t *p = buf;

	if (owner_early != 0)
		p = ace_put(p, ACE_ALLOW, ACE_OWNER, ace_rights(owner_early));
	if (owner_deny != 0)
		p = ace_put(p, ACE_DENY, ACE_OWNER, ace_rights(owner_deny));
	if (group_deny != 0)
		p = ace_put(p, ACE_DENY, ACE_GROUP, ace_rights(group_deny));
	p = ace_put(p, ACE_ALLOW, ACE_OWNER, ACE_OWNER_BASE | ace_rights(u));
	p = ace_put(p, ACE_ALLOW, ACE_GROUP, ACE_OTHER_BASE | ace_rights(g));
	p = ace_put(p, ACE_ALLOW, ACE_EVERYONE, ACE_OTHER_BASE | ace_rights(o));
	*count = (uint64_t)(p - buf) / 8;
	return ((size_t)(p - buf));
}

uint64_t
acl_flags(uint64_t flags, uint32_t mode)
{
	flags |= ZF_ACL_TRIVIAL;
	if (S_ISDIR(mode))
		flags |= ZF_ACL_AUTO_INHERIT;
	if ((mode & 0111) == 0111)
		return (flags | ZF_NO_EXECS_DENIED);
	return (flags & ~ZF_NO_EXECS_DENIED);
}
