/* SPDX-License-Identifier: MIT */
/* Block pointers: fields at their bits, embedded payloads, refusal of impossible ones. */
#include <errno.h>

#include "smartbox/fs/blkptr.h"
#include "smartbox/fs/compress.h"
#include "test.h"

static struct blkptr
good(void)
{
	struct blkptr bp = {0};
	struct dva d = {.vdev = 1, .asize_sectors = 8, .offset = 0x7000};

	bp_dva_set(&bp, 0, &d);
	/* lsize 16 KiB, psize 4 KiB, lz4, fletcher4, type 19, level 0, little-endian */
	bp.w[6] = 31 | 7ULL << 16 | 15ULL << 32 | 7ULL << 40 | 19ULL << 48 | 1ULL << 63;
	bp.w[10] = 100;
	bp.w[11] = 1;
	return (bp);
}

TEST(bp_fields_are_where_the_format_has_them)
{
	struct blkptr bp = good();
	struct dva d = bp_dva(&bp, 0);

	CHECK(d.vdev == 1 && d.asize_sectors == 8 && d.offset == 0x7000 && !d.gang);
	CHECK_EQ(bp.w[0], 0x100000008);
	CHECK_EQ(bp.w[1], 0x38);
	CHECK_EQ(bp_lsize(&bp), 16384);
	CHECK_EQ(bp_psize(&bp), 4096);
	CHECK_EQ(bp_copies(&bp), 1);
	CHECK_EQ(bp_asize(&bp), 4096);
	CHECK(!bp_is_hole(&bp) && bp_is_little(&bp) && bp_verify(&bp, 2) == 0);
	CHECK_EQ(bp_physical_birth(&bp), 100);
}

TEST(bp_embedded_payload_fills_all_words_but_two)
{
	uint8_t in[112], out[112] = {0};
	struct blkptr bp;

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i + 1);
	for (uint32_t n = 1; n <= sizeof(in); n++) {
		bp_embedded_make(&bp, OT_PLAIN_FILE, COMP_LZ4, 3000, in, n, 77);
		CHECK(bp_is_embedded(&bp) && !bp_is_hole(&bp) && bp_is_little(&bp));
		CHECK_EQ(bp_verify(&bp, 1), 0);
		CHECK_EQ(bp_lsize(&bp), 3000);
		CHECK_EQ(bp_psize(&bp), n);
		CHECK_EQ(bp_birth(&bp), 77);
		CHECK_EQ(bp_fill(&bp), 1);
		CHECK_EQ(bp_asize(&bp), 0);
		bp_embedded_get(&bp, out);
		CHECK_MEM(out, in, n);
	}
}

TEST(bp_verify_refuses_what_cannot_be)
{
	struct blkptr bp = good();

	bp.w[6] = bits_set(bp.w[6], 32, 7, 1); /* compress "on" */
	CHECK_EQ(bp_verify(&bp, 2), -EILSEQ);
	bp = good();
	bp.w[6] = bits_set(bp.w[6], 40, 8, 0); /* checksum "inherit" */
	CHECK_EQ(bp_verify(&bp, 2), -EILSEQ);
	bp = good();
	CHECK_EQ(bp_verify(&bp, 1), -EILSEQ); /* no such vdev */
	bp.w[6] = bits_set(bp.w[6], 16, 16, 32); /* psize > lsize */
	CHECK_EQ(bp_verify(&bp, 2), -EILSEQ);
	bp = (struct blkptr){0};
	CHECK(bp_is_hole(&bp) && bp_verify(&bp, 1) == 0);
}

TEST(dmu_types_know_data_from_metadata)
{
	CHECK(!dmu_type_is_metadata(OT_PLAIN_FILE) && !dmu_type_is_metadata(OT_ZVOL));
	CHECK(dmu_type_is_metadata(OT_DNODE) && dmu_type_is_metadata(OT_SA));
	CHECK(dmu_type_is_metadata(OT_ZAP_METADATA) && !dmu_type_is_metadata(0x83));
}
