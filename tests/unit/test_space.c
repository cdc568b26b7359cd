/* SPDX-License-Identifier: MIT */
/* Range sets against a plain array, and space map words against the format's vectors. */
#include <errno.h>
#include <stdlib.h>

#include "../../fs/range_tree.h"
#include "../../fs/space_map.h"
#include "test.h"

#define CELLS 600

struct model {
	bool in[CELLS];
};

static int
mark(void *arg, uint64_t start, uint64_t size)
{
	struct model *m = arg;

	CHECK(size > 0 && start + size <= CELLS);
	CHECK(start == 0 || !m->in[start - 1]); /* touching ranges are one */
	for (uint64_t i = 0; i < size; i++)
		m->in[start + i] = true;
	return (0);
}

static bool
model_all(const struct model *m, uint64_t start, uint64_t size, bool what)
{
	for (uint64_t i = 0; i < size; i++) {
		if (m->in[start + i] != what)
			return (false);
	}
	return (true);
}

static void
check_find(const struct range_tree *t, const struct model *m)
{
	uint64_t from = test_rand() % CELLS, size = test_rand() % 20 + 1, at, want;
	bool found = range_find(t, from, size, &at);

	for (want = from; want + size <= CELLS && !model_all(m, want, size, true); want++)
		;
	CHECK(found == (want + size <= CELLS));
	if (found)
		CHECK_EQ(at, want);
}

TEST(range_tree_behaves_like_an_array_of_flags)
{
	struct range_tree t = RANGE_TREE_INIT;
	struct model m = {{false}};

	for (int i = 0; i < 60000; i++) {
		uint64_t start = test_rand() % CELLS, size = test_rand() % 24 + 1;
		bool add = test_rand() % 2 == 0;

		if (start + size > CELLS)
			size = CELLS - start;
		CHECK(range_overlaps(&t, start, size) == !model_all(&m, start, size, false));
		CHECK(range_contains(&t, start, size) == model_all(&m, start, size, true));
		if (add)
			CHECK_EQ(range_add(&t, start, size),
			    model_all(&m, start, size, false) ? 0 : -EEXIST);
		else
			CHECK_EQ(range_remove(&t, start, size),
			    model_all(&m, start, size, true) ? 0 : -ENOENT);
		if (model_all(&m, start, size, !add)) {
			for (uint64_t k = 0; k < size; k++)
				m.in[start + k] = add;
		}
		check_find(&t, &m);
		if (i % 1000 == 0) {
			struct model seen = {{false}};
			uint64_t bytes = 0;

			(void)range_walk(&t, mark, &seen);
			CHECK_MEM(&seen, &m, sizeof(m));
			for (int k = 0; k < CELLS; k++)
				bytes += m.in[k];
			CHECK_EQ(t.bytes, bytes);
		}
	}
	range_clear(&t);
	CHECK(t.bytes == 0 && t.count == 0);
}

TEST(range_tree_refuses_empty_and_wrapping_ranges)
{
	struct range_tree t = RANGE_TREE_INIT;

	CHECK_EQ(range_add(&t, 5, 0), -EINVAL);
	CHECK_EQ(range_add(&t, UINT64_MAX - 1, 5), -EINVAL);
	CHECK_EQ(range_remove(&t, 0, 1), -ENOENT);
}

TEST(range_tree_of_many_pieces_finds_the_longest)
{
	struct range_tree t = RANGE_TREE_INIT;
	uint64_t at;

	for (uint64_t i = 0; i < 50000; i++)
		CHECK(range_add(&t, i * 10, i == 31234 ? 9 : 1 + i % 7) == 0);
	CHECK_EQ(range_longest(&t), 9);
	CHECK(range_find(&t, 0, 8, &at) && at == 312340);
	CHECK(!range_find(&t, 312342, 8, &at));
	range_clear(&t);
}

struct seen {
	struct space_entry e[8];
	size_t n;
};

static int
collect(void *arg, const struct space_entry *en)
{
	struct seen *s = arg;

	CHECK(s->n < 8);
	s->e[s->n++] = *en;
	return (0);
}

/* Metaslab 0 of a pool of OpenZFS, ashift 9; then a log entry of vdev 0. */
TEST(space_map_words_decode_as_in_the_vectors)
{
	static const uint64_t w[] = {0x8004000000000005, 0x18, 0x800400000000000e, 0x190007,
	    0xc000000000000000, 0x38285, 0x9004000000000001, 0x198003};
	struct seen s = {.n = 0};

	CHECK(space_map_decode(w, 8, 9, collect, &s) == 0);
	CHECK_EQ(s.n, 4);
	CHECK(s.e[0].off == 0 && s.e[0].len == 25 * 512 && !s.e[0].is_free);
	CHECK(s.e[1].off == 25 * 512 && s.e[1].len == 8 * 512);
	CHECK(s.e[2].vdev == 0 && s.e[2].off == 0x38285ull * 512 && s.e[2].len == 512);
	CHECK(s.e[3].is_free && s.e[3].len == 4 * 512 && s.e[3].vdev == SPACE_NO_VDEV);
}

TEST(space_map_words_round_trip_long_runs)
{
	struct space_words w = {NULL, 0, 0};
	struct seen s = {.n = 0};

	CHECK(space_words_debug(&w, 77, 2, true) == 0);
	CHECK(space_words_add(&w, 1 << 20, 100 << 20, 9, true) == 0);
	CHECK_EQ(w.n, 1 + 7); /* 32768 sectors each */
	CHECK(space_map_decode(w.w, w.n, 9, collect, &s) == 0);
	CHECK_EQ(s.e[6].off + s.e[6].len, 101 << 20);
	CHECK_EQ(w.w[0], 0x900800000000004d);
	space_words_free(&w);
}

TEST(space_map_decoder_takes_any_words)
{
	uint64_t w[64];
	struct seen s;

	for (int i = 0; i < 3000; i++) {
		for (int k = 0; k < 4; k++)
			w[k] = test_rand();
		s.n = 0;
		(void)space_map_decode(w, 4, 9 + i % 8, collect, &s);
	}
	w[0] = 3ULL << 62;
	CHECK_EQ(space_map_decode(w, 1, 9, collect, &s), -EILSEQ);
}
