/* SPDX-License-Identifier: MIT */
/*
 * Volumes: object 1 holds the data, object 2 is a zap whose "size" is the number of bytes.
 *
 * A volume that is not sparse reserves what it takes when every block is written: the data and
 * the tree of indirect blocks above it, each of which is stored copies + 1 times.  The number is
 * OpenZFS's, found by experiment: 24 MiB of 8 KiB blocks reserve 28049408 bytes (22 blocks of
 * 128 KiB more), 32 MiB reserve 36700160 (24 more).
 */
#include "smartbox/fs/zvol.h"

#include <errno.h>

#include "smartbox/fs/zap.h"

enum {
	ZVOL_DATA_OBJ = 1, ZVOL_ZAP_OBJ = 2,
	TYPE_ZVOL = 23, TYPE_ZVOL_PROP = 24,
	BLOCK_MIN = 512, BLOCK_MAX = 128 << 10,
	INDIRECT_SHIFT = 17, POINTER_SHIFT = 7, /* sizeof(struct blkptr) = 1 << 7 */
};

int
zvol_check(const struct zvol_init *v, struct err *e)
{
	if (v->block_size < BLOCK_MIN || v->block_size > BLOCK_MAX ||
	    (v->block_size & (v->block_size - 1)) != 0)
		return (err_set(e, EINVAL, "'volblocksize' must be power of 2 from 512B to 128K"));
	if (v->size == 0)
		return (err_set(e, EINVAL, "'volsize' cannot be zero"));
	if (v->size % v->block_size != 0)
		return (err_set(e, EINVAL, "'volsize' must be a multiple of volume block size"));
	if (v->size > INT64_MAX)
		return (err_set(e, EFBIG, "'volsize' is too large"));
	return (0);
}

int
zvol_init_objset(struct objset *os, void *arg)
{
	const struct zvol_init *v = arg;
	int rc;

	if ((rc = dmu_object_claim(os, ZVOL_DATA_OBJ, TYPE_ZVOL, v->block_size, 0, 0)) != 0 ||
	    (rc = zap_create_claim(os, ZVOL_ZAP_OBJ, TYPE_ZVOL_PROP, 0, 0)) != 0)
		return (rc);
	return (zap_update(os, ZVOL_ZAP_OBJ, "size", 8, 1, &v->size));
}

uint64_t
zvol_reservation(const struct zvol_init *v, unsigned copies)
{
	unsigned fanout = 1u << (INDIRECT_SHIFT - POINTER_SHIFT);
	unsigned meta_copies = copies + 1 < 3 ? copies + 1 : 3;
	uint64_t n = v->size / v->block_size, indirect = 7; /* of the meta dnode, L0 to L6 */

	while (n > 1) {
		n = (n + fanout - 1) / fanout;
		indirect += n;
	}
	return (v->size * copies + ((indirect * meta_copies) << INDIRECT_SHIFT));
}
