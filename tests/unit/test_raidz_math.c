/* SPDX-License-Identifier: MIT */
/* The arithmetic of raidz: every implementation that runs here says what the scalar twin says. */
#include <stdlib.h>

#include "../../fs/raidz_math.h"
#include "test.h"

enum { COLUMNS = 9, COLUMN_BYTES = 4096 };

static uint8_t data[COLUMNS][COLUMN_BYTES], got[3][COLUMN_BYTES], want[3][COLUMN_BYTES];

static void
fill(void)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		for (unsigned k = 0; k < COLUMN_BYTES; k++)
			data[i][k] = (uint8_t)test_rand();
}

static void
check_parity(const struct raidz_math *m, unsigned n, unsigned p, size_t len, unsigned shorter)
{
	const uint8_t *in[COLUMNS];
	uint8_t *const a[] = {got[0], got[1], got[2]}, *const b[] = {want[0], want[1], want[2]};
	size_t size[COLUMNS];
	struct raidz_columns c = {n, in, size};

	for (unsigned i = 0; i < n; i++) {
		in[i] = data[i];
		size[i] = i < n - shorter ? len : len - 512;
	}
	m->parity(&c, p, a);
	raidz_math_at(0)->parity(&c, p, b);
	for (unsigned j = 0; j < p; j++)
		CHECK(memcmp(got[j], want[j], len) == 0);
}

TEST(every_raidz_parity_is_that_of_the_scalar_twin)
{
	fill();
	for (unsigned i = 1; raidz_math_at(i) != NULL; i++)
		for (unsigned p = 1; p <= 3; p++)
			for (unsigned n = 1; n <= COLUMNS; n++)
				for (unsigned shorter = 0; shorter < n; shorter++)
					check_parity(raidz_math_at(i), n, p, 512 * (1 + n % 7), shorter);
}

TEST(every_raidz_product_is_that_of_the_scalar_twin)
{
	fill();
	for (unsigned i = 1; raidz_math_at(i) != NULL; i++)
		for (unsigned c = 0; c < 256; c++) {
			memcpy(got[0], data[1], COLUMN_BYTES);
			memcpy(want[0], data[1], COLUMN_BYTES);
			raidz_math_at(i)->mul_xor(got[0], data[0], COLUMN_BYTES, (uint8_t)c);
			raidz_math_at(0)->mul_xor(want[0], data[0], COLUMN_BYTES, (uint8_t)c);
			CHECK(memcmp(got[0], want[0], COLUMN_BYTES) == 0);
		}
}

TEST(the_raidz_arithmetic_that_is_used_is_one_that_runs_here)
{
	bool found = false;

	for (unsigned i = 0; raidz_math_at(i) != NULL; i++)
		found |= raidz_math_at(i) == raidz_math();
	CHECK(found);
}
