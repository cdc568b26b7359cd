/* SPDX-License-Identifier: MIT */
/*
 * sums: fletcher4 and raidz's parities beside a plain copy, by one processor.
 *
 * 64 MiB in blocks of 128 KiB, so that all three read memory and not a cache. Time is the thread's own
 * processor time: what else the machine does costs caches, not minutes. Prints one line each:
 * NAME, MiB/s of ours, MiB/s of memcpy, best of ROUNDS, taken in turns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../fs/raidz_math.h"
#include "smartbox/fs/blkptr.h"
#include "smartbox/fs/checksum.h"

enum { BLOCK = 128 << 10, BLOCKS = 512, COLUMNS = 8, ROUNDS = 15 };

static uint8_t *from, *to;
static volatile uint64_t sink;

static double
cpu_seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

static void
copy(const uint8_t *block, uint8_t *room)
{
	memcpy(room, block, BLOCK);
	sink += room[0];
}

static void
fletcher(const uint8_t *block, uint8_t *room)
{
	struct cksum c;

	(void)room;
	if (checksum_compute(CK_FLETCHER4, false, NULL, block, BLOCK, &c) == 0)
		sink += c.w[0];
}

static void
parity(const uint8_t *block, uint8_t *room, unsigned p)
{
	const uint8_t *data[COLUMNS];
	size_t len[COLUMNS];
	uint8_t *out[RAIDZ_PARITY_MAX];
	struct raidz_columns c = {COLUMNS, data, len};

	for (unsigned i = 0; i < COLUMNS; i++) {
		len[i] = BLOCK / COLUMNS;
		data[i] = block + i * len[i];
	}
	for (unsigned i = 0; i < p; i++)
		out[i] = room + i * len[0];
	raidz_math()->parity(&c, p, out);
	sink += room[0];
}

static void
parity1(const uint8_t *block, uint8_t *room)
{
	parity(block, room, 1);
}

static void
parity2(const uint8_t *block, uint8_t *room)
{
	parity(block, room, 2);
}

static void
parity3(const uint8_t *block, uint8_t *room)
{
	parity(block, room, 3);
}

static double
speed(void (*fn)(const uint8_t *block, uint8_t *room))
{
	double start = cpu_seconds();

	for (unsigned i = 0; i < BLOCKS; i++)
		fn(from + (size_t)i * BLOCK, to + (size_t)i * BLOCK);
	return ((double)BLOCKS * BLOCK / (1 << 20) / (cpu_seconds() - start));
}

static const struct {
	const char *name;
	void (*fn)(const uint8_t *block, uint8_t *room);
} kinds[] = {{"fletcher4", fletcher}, {"raidz parity", parity1}, {"raidz2 parity", parity2},
	{"raidz3 parity", parity3}};

int
main(void)
{
	from = malloc((size_t)BLOCK * BLOCKS);
	to = malloc((size_t)BLOCK * BLOCKS);
	if (from == NULL || to == NULL)
		return (1);
	memset(to, 1, (size_t)BLOCK * BLOCKS);
	for (size_t i = 0; i < (size_t)BLOCK * BLOCKS; i++)
		from[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		double ours = 0, peer = 0, v;

		for (unsigned r = 0; r < ROUNDS; r++) {
			ours = (v = speed(kinds[k].fn)) > ours ? v : ours;
			peer = (v = speed(copy)) > peer ? v : peer;
		}
		(void)printf("%s:%.0f:%.0f\n", kinds[k].name, ours, peer);
	}
	return (0);
}
