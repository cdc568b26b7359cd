/* SPDX-License-Identifier: MIT */
/*
 * Checksums of the pool format, and the checksum that a block carries in its own tail.
 *
 * Algorithms and the order of their words: docs/zfs-format.md, "Checksums".
 */
#ifndef SMARTBOX_FS_CHECKSUM_H
#define SMARTBOX_FS_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum checksum_id {
	CK_INHERIT, CK_ON, CK_OFF, CK_LABEL, CK_GANG, CK_ZILOG, CK_FLETCHER2, CK_FLETCHER4,
	CK_SHA256, CK_ZILOG2, CK_NOPARITY, CK_SHA512, CK_SKEIN, CK_EDONR, CK_BLAKE3, CK_IDS,
};

struct cksum {
	uint64_t w[4];
};

static inline bool
cksum_equal(const struct cksum *a, const struct cksum *b)
{
	return (((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]) |
	    (a->w[3] ^ b->w[3])) == 0);
}

/*
 * What bp checksum `id` gives over `len` bytes (a multiple of 512 on disk; any multiple of 16 here).
 * swap: the block was written by a host of the other byte order.  salt: the pool's 32 bytes for the
 * keyed algorithms; NULL when the pool has none.  Returns 0 or -ENOTSUP (an algorithm we lack).
 */
int checksum_compute(unsigned id, bool swap, const uint8_t *salt, const void *data, size_t len,
    struct cksum *out);
const char *checksum_name(unsigned id); /* "fletcher4"; "?" when unknown */
bool checksum_is_keyed(unsigned id); /* needs the pool's salt */
/* Good enough to tell blocks apart by it (nopwrite, dedup), and used for metadata when chosen. */
bool checksum_is_strong(unsigned id);

/* Running fletcher4 over little-endian u32 words: continues *acc; len a multiple of 4 (streams). */
void fletcher4_add(struct cksum *acc, const void *data, size_t len);
/* The plain C twin of the vector code, for tests to compare with. */
void fletcher4_add_scalar(struct cksum *acc, const void *data, size_t len);
void fletcher4_add_swapped(struct cksum *acc, const void *data, size_t len);
void fletcher2_add(struct cksum *acc, const void *data, size_t len, bool swap);

/* SHA-256 (FIPS 180-4). */
struct sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[64];
};
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_end(struct sha256 *s, uint8_t digest[32]);
void sha256_blocks_scalar(uint32_t h[8], const uint8_t *p, size_t nblocks);

/* SHA-512 (or with the other start values SHA-512/256). */
struct sha512 {
	uint64_t h[8];
	uint64_t bytes;
	uint8_t block[128];
};
void sha512_init(struct sha512 *s);
void sha512_256_init(struct sha512 *s);
void sha512_add(struct sha512 *s, const void *data, size_t len);
void sha512_end(struct sha512 *s, uint8_t digest[64]); /* SHA-512/256: the first 32 bytes */

/*
 * Embedded checksum: the last 40 bytes of a label area, uberblock slot or gang header are a magic
 * number and a SHA-256 of the whole area with *verifier* in the place of the sum; the verifier says
 * where the area belongs, so that a block in the wrong place fails.
 */
#define ECK_MAGIC 0x0210da7ab10c7a11ULL
#define ECK_SIZE 40

void eck_seal(void *area, size_t len, const struct cksum *verifier);
/* swapped (may be NULL): set when the writer had the other byte order. */
bool eck_valid(const void *area, size_t len, const struct cksum *verifier, bool *swapped);

#endif
