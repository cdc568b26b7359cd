/* SPDX-License-Identifier: MIT */
/* Space map words from strangers, replayed into a set of ranges as a metaslab does. Byte 0: the shift. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../fs/range_tree.h"
#include "../../fs/space_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay(void *arg, const struct space_entry *en)
{
	return (en->is_free ? range_remove(arg, en->off, en->len) : range_add(arg, en->off, en->len));
}

static int
sum(void *arg, uint64_t start, uint64_t size)
{
	uint64_t *total = arg;

	(void)start;
	*total += size;
	return (0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range_tree t = RANGE_TREE_INIT;
	uint64_t *words, total = 0;
	size_t n = size / 8;

	if (size < 9 || (words = malloc(n * 8)) == NULL)
		return (0);
	memcpy(words, data + 1, (size - 1) / 8 * 8);
	(void)space_map_decode(words, (size - 1) / 8, 9 + data[0] % 8, replay, &t);
	(void)range_walk(&t, sum, &total);
	if (total != t.bytes || range_longest(&t) > t.bytes)
		abort();
	range_clear(&t);
	free(words);
	return (0);
}
