/* SPDX-License-Identifier: MIT */
/*
 * Compression of single blocks, in the pool format's framing.
 *
 * Formats: docs/zfs-format.md, "Compression".  Decoders take any bytes.
 */
#ifndef SMARTBOX_FS_COMPRESS_H
#define SMARTBOX_FS_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum compress_id {
	COMP_INHERIT, COMP_ON, COMP_OFF, COMP_LZJB, COMP_EMPTY, COMP_GZIP_1, COMP_GZIP_6 = 10,
	COMP_GZIP_9 = 13, COMP_ZLE, COMP_LZ4, COMP_ZSTD, COMP_IDS,
};

/*
 * A resolved compression choice is the id in the low 7 bits and, for zstd, the level above them
 * (as the property stores it): 1..19, 101..: the "fast" levels.  0 means the default (3).
 */
static inline unsigned compress_id_of(unsigned choice) { return (choice & 0x7f); }
static inline unsigned compress_level_of(unsigned choice) { return (choice >> 7); }

/*
 * Pack src (lsize bytes) into at most dlen bytes of dst.  Returns the packed size, or 0 when it
 * does not fit (then the block is stored as it is) or the algorithm is off or unknown.
 */
size_t compress_block(unsigned choice, const void *src, size_t lsize, void *dst, size_t dlen);

/*
 * Unpack psize bytes (padding behind the packed data allowed) into exactly lsize bytes.
 * 0, -EILSEQ for damaged data, -ENOTSUP for an unknown id, -ENOMEM.
 */
int decompress_block(unsigned id, const void *src, size_t psize, void *dst, size_t lsize);

const char *compress_name(unsigned id); /* "lz4", "gzip-6"; "?" when unknown */
bool is_all_zero(const void *p, size_t len);

#endif
