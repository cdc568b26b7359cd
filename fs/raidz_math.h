/* SPDX-License-Identifier: MIT */
/* The arithmetic of raidz, by the fastest means that this processor has. Theory: fs/raidz_math.c. */
#ifndef FS_RAIDZ_MATH_H
#define FS_RAIDZ_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAIDZ_PARITY_MAX 3

/* The data of one stripe: column i has len[i] bytes, multiples of 64, never longer than the one before. */
struct raidz_columns {
	unsigned n;
	const uint8_t *const *data;
	const size_t *len;
};

struct raidz_math {
	const char *name;
	/* p parities of len[0] bytes each, of columns continued with zeros, in one pass over the data. */
	void (*parity)(const struct raidz_columns *c, unsigned p, uint8_t *const *out);
	/* dst ^= c * src; len a multiple of 64 */
	void (*mul_xor)(uint8_t *dst, const uint8_t *src, size_t len, uint8_t c);
};

/* Measured at the first call. */
const struct raidz_math *raidz_math(void);
/* All that run here, the scalar twin first; NULL behind the last. */
const struct raidz_math *raidz_math_at(unsigned i);

uint8_t gf_mul(uint8_t a, uint8_t b);

#endif
