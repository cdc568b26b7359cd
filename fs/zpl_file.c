/* SPDX-License-Identifier: MIT */
/*
 * Contents of files: reading, writing, changing the length, holes.
 *
 * A small file is one block, as long as the file rounded up to 512, so that it wastes nothing.  It
 * grows with the file (the data is rewritten) until it is recordsize; from then on the file has blocks
 * of that size for ever, whatever the property says later (zpl invariant 4).  A block that was made
 * under a larger recordsize and is no power of two grows to the next one before there is a second.
 *
 * SIZE is authoritative: what the blocks have behind it is zero (zpl invariant 3), because shortening
 * frees the range behind the new end and zeroes the rest of its block.
 */
#include <errno.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>

#include "zpl_impl.h"

#define FILE_SIZE_MAX INT64_MAX

static int
hold_file(struct zpl *z, uint64_t obj, struct sa_handle *h)
{
	int rc = znode_hold(z, obj, h);

	if (rc == 0 && !S_ISREG(znode_mode(h))) {
		rc = S_ISDIR(znode_mode(h)) ? -EISDIR : -EINVAL;
		sa_rele(h);
	}
	return (rc);
}

/* --- block size ------------------------------------------------------------------------------- */

static uint64_t
pow2_above(uint64_t v)
{
	uint64_t p = SECTOR_SIZE;

	while (p < v)
		p <<= 1;
	return (p);
}

/* The block size a file should have that is now `block` (in one block) and shall reach `end`. */
static uint64_t
wanted_block_size(uint64_t block, uint64_t record, uint64_t end)
{
	uint64_t limit = block > record ? pow2_above(block) : record;
	uint64_t size = end < limit ? end : limit;

	return ((size + SECTOR_SIZE - 1) / SECTOR_SIZE * SECTOR_SIZE);
}

static int
grow_block(struct zpl *z, uint64_t obj, uint64_t end)
{
	struct dmu_info info;
	uint64_t want;
	int rc;

	if ((rc = dmu_object_info(z->os, obj, &info)) != 0)
		return (rc);
	if (end <= info.block_size || info.max_blkid > 0 || info.levels > 1)
		return (0);
	want = wanted_block_size(info.block_size, objset_policy(z->os)->record_size, end);
	if (want <= info.block_size)
		return (0);
	return (dmu_object_set_block_size(z->os, obj, (uint32_t)want));
}

/* --- reading ---------------------------------------------------------------------------------- */

int
zpl_read(struct zpl *z, uint64_t obj, uint64_t off, size_t len, void *buf)
{
	struct sa_handle h;
	uint64_t size;
	int rc = hold_file(z, obj, &h);

	if (rc != 0)
		return (rc);
	size = sa_u64(&h, SA_SIZE, 0);
	sa_rele(&h);
	if (off >= size)
		return (0);
	if (len > size - off)
		len = size - off;
	if (len > INT32_MAX)
		len = INT32_MAX & ~4095;
	rc = dmu_read(z->os, obj, off, len, buf);
	return (rc != 0 ? rc : (int)len);
}

int
zpl_seek(struct zpl *z, uint64_t obj, bool hole, uint64_t *off)
{
	struct sa_handle h;
	uint64_t size;
	int rc = hold_file(z, obj, &h);

	if (rc != 0)
		return (rc);
	size = sa_u64(&h, SA_SIZE, 0);
	sa_rele(&h);
	if (*off >= size)
		return (-ENXIO);
	rc = dmu_offset_next(z->os, obj, hole, off);
	if (rc == -ENXIO && hole)
		rc = 0, *off = size;
	if (rc == 0 && *off >= size) {
		*off = size; /* the end counts as a hole */
		rc = hole ? 0 : -ENXIO;
	}
	return (rc);
}

void
zpl_write_prepare(struct zpl *z, uint64_t obj, uint64_t off, size_t len)
{
	struct sa_handle h;

	if (hold_file(z, obj, &h) != 0)
		return;
	sa_rele(&h);
	dmu_write_prepare(z->os, obj, off, len);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Size (if it grew) and, unless keep_times, the times of a change of contents. */
static int
file_changed(struct zpl *z, struct sa_handle *h, uint64_t size, bool keep_times)
{
	struct sa_value v[3];
	uint64_t now[2];
	unsigned n = 0;

	if (size != sa_u64(h, SA_SIZE, 0))
		v[n++] = (struct sa_value){SA_SIZE, &size, 8};
	if (!keep_times) {
		zpl_now(z, now);
		v[n++] = (struct sa_value){SA_MTIME, now, 16};
		v[n++] = (struct sa_value){SA_CTIME, now, 16};
	}
	return (n == 0 ? 0 : sa_set(h, v, n));
}

int
zpl_write(struct zpl *z, uint64_t obj, uint64_t off, size_t len, const void *buf, bool keep_times)
{
	struct sa_handle h;
	uint64_t end, size;
	int rc;

	if (__builtin_add_overflow(off, len, &end) || end > FILE_SIZE_MAX)
		return (-EFBIG);
	if ((rc = zpl_may_change(z, len + ZPL_META_BYTES)) != 0 ||
	    (rc = hold_file(z, obj, &h)) != 0)
		return (rc);
	size = sa_u64(&h, SA_SIZE, 0);
	if ((rc = zpl_quota_check_znode(z, &h)) == 0 && len != 0 &&
	    (rc = grow_block(z, obj, end)) == 0 &&
	    (rc = dmu_write(z->os, obj, off, len, buf)) == 0)
		rc = file_changed(z, &h, end > size ? end : size, keep_times);
	if (rc == 0 && len != 0)
		zlog_write(z, &h, off, len);
	sa_rele(&h);
	return (rc);
}

int
zpl_truncate(struct zpl *z, uint64_t obj, uint64_t size)
{
	struct sa_handle h;
	uint64_t old;
	int rc;

	if (size > FILE_SIZE_MAX)
		return (-EFBIG);
	if ((rc = hold_file(z, obj, &h)) != 0)
		return (rc);
	old = sa_u64(&h, SA_SIZE, 0);
	rc = size > old ? zpl_may_change(z, ZPL_META_BYTES) : zpl_may_free(z);
	if (rc == 0 && size > old && (rc = zpl_quota_check_znode(z, &h)) == 0)
		rc = grow_block(z, obj, size);
	else if (rc == 0 && size < old)
		rc = dmu_free_range(z->os, obj, size, UINT64_MAX);
	if (rc == 0)
		rc = file_changed(z, &h, size, true);
	sa_rele(&h);
	return (rc);
}

/* --- fallocate -------------------------------------------------------------------------------- */

/* Zero [off, off+len) as far as the file reaches. */
static int
punch(struct zpl *z, uint64_t obj, uint64_t off, uint64_t len, uint64_t size)
{
	if (off >= size)
		return (0);
	if (len >= size - off)
		len = UINT64_MAX; /* nothing but zeros behind the end: free whole blocks */
	return (dmu_free_range(z->os, obj, off, len));
}

/* Zeroed as far as the file reached; then perhaps longer. */
static void
log_fallocate(struct zpl *z, const struct sa_handle *h, bool punches, uint64_t off, uint64_t len,
    uint64_t old_size)
{
	uint64_t size = sa_u64(h, SA_SIZE, 0);

	if (punches && off < old_size)
		zlog_truncate(z, h, off, len < old_size - off ? len : old_size - off);
	if (size > old_size)
		zlog_truncate(z, h, size, 0);
}

/*
 * Copy on write cannot promise room for a later overwrite: mode 0 checks that there is room now and
 * sets the size, as OpenZFS does.
 */
int
zpl_fallocate(struct zpl *z, uint64_t obj, int mode, uint64_t off, uint64_t len)
{
	bool punches = (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0;
	struct sa_handle h;
	uint64_t end, size;
	int rc;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return (-EOPNOTSUPP);
	if (len == 0 || __builtin_add_overflow(off, len, &end) || end > FILE_SIZE_MAX)
		return (len == 0 ? -EINVAL : -EFBIG);
	rc = punches ? zpl_may_free(z) : zpl_may_change(z, len + ZPL_META_BYTES);
	if (rc != 0 || (rc = hold_file(z, obj, &h)) != 0)
		return (rc);
	size = sa_u64(&h, SA_SIZE, 0);
	rc = punches ? punch(z, obj, off, len, size) : zpl_quota_check_znode(z, &h);
	if ((mode & FALLOC_FL_KEEP_SIZE) || (mode & FALLOC_FL_PUNCH_HOLE) || end < size)
		end = size;
	if (rc == 0 && end > size)
		rc = grow_block(z, obj, end);
	if (rc == 0 && (rc = file_changed(z, &h, end, false)) == 0)
		log_fallocate(z, &h, punches, off, len, size);
	sa_rele(&h);
	return (rc);
}
