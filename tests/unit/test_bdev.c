/* SPDX-License-Identifier: MIT */
/* Block devices: ranges, and the numbered invariants of fault injection (core/bdev_fault.c). */
#include <errno.h>
#include <string.h>

#include "smartbox/core/bdev.h"
#include "test.h"

enum { SIZE = 1 << 20, BLOCK = 4096 };

static struct bdev *
new_mem(void)
{
	struct bdev *bd = NULL;

	CHECK(bdev_mem_new("mem", SIZE, &bd, NULL) == 0);
	return (bd);
}

static int
put_block(struct bdev *bd, unsigned block, int byte)
{
	char buf[BLOCK];

	memset(buf, byte, sizeof(buf));
	return (bdev_write(bd, buf, sizeof(buf), (uint64_t)block * BLOCK));
}

/* The byte that fills the block, or -1 when it is a mixture. */
static int
get_block(struct bdev *bd, unsigned block)
{
	char buf[BLOCK];

	CHECK(bdev_read(bd, buf, sizeof(buf), (uint64_t)block * BLOCK) == 0);
	for (size_t i = 1; i < sizeof(buf); i++)
		if (buf[i] != buf[0])
			return (-1);
	return (buf[0]);
}

TEST(bdev_refuses_ranges_outside_and_writes_to_readonly)
{
	struct bdev *bd = new_mem();
	char c[16];

	CHECK(bdev_read(bd, c, 16, SIZE - 8) == -EINVAL);
	CHECK(bdev_read(bd, c, 16, UINT64_MAX - 4) == -EINVAL);
	CHECK(bdev_write(bd, c, 0, SIZE) == 0);
	bd->readonly = true;
	CHECK(bdev_write(bd, c, 16, 0) == -EROFS);
	bdev_close(bd);
}

static struct bdev *
cut_after_two_writes(struct fault_plan *plan)
{
	struct bdev *f = NULL;

	CHECK(bdev_fault_new(new_mem(), plan, &f, NULL) == 0);
	CHECK(put_block(f, 0, 'a') == 0 && bdev_flush(f) == 0);
	CHECK(put_block(f, 1, 'b') == 0);
	CHECK(get_block(f, 1) == 'b'); /* invariant 1 */
	CHECK(put_block(f, 2, 'c') == -EIO);
	CHECK(put_block(f, 0, 'd') == -EIO && bdev_flush(f) == -EIO); /* invariant 3 */
	return (bdev_fault_take(f));
}

TEST(bdev_fault_keeps_what_was_flushed)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct fault_plan plan = {.seed = seed, .cut_at = 3, .fail_at = UINT64_MAX};
		struct bdev *bd = cut_after_two_writes(&plan);

		CHECK(plan.is_cut && get_block(bd, 0) == 'a'); /* invariant 2 */
		CHECK(get_block(bd, 2) == 0);
		bdev_close(bd);
	}
}

TEST(bdev_fault_loses_keeps_and_tears_what_was_not_flushed)
{
	int lost = 0, kept = 0, torn = 0;

	for (uint64_t seed = 0; seed < 200; seed++) {
		struct fault_plan plan = {.seed = seed, .cut_at = 3, .fail_at = UINT64_MAX};
		struct bdev *bd = cut_after_two_writes(&plan);
		int b = get_block(bd, 1);

		lost += b == 0;
		kept += b == 'b';
		torn += b == -1;
		bdev_close(bd);
	}
	CHECK(lost > 10 && kept > 10 && torn > 10);
}

TEST(bdev_fault_fails_one_operation_only)
{
	struct fault_plan plan = {.cut_at = UINT64_MAX, .fail_at = 1, .fail_errno = ENOSPC};
	struct bdev *f = NULL;

	CHECK(bdev_fault_new(new_mem(), &plan, &f, NULL) == 0);
	CHECK(put_block(f, 0, 'a') == 0);
	CHECK(put_block(f, 1, 'b') == -ENOSPC);
	CHECK(put_block(f, 1, 'b') == 0);
	bdev_close(f);
}
