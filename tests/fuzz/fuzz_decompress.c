/* SPDX-License-Identifier: MIT */
/* Packed blocks from strangers. Byte 0: the algorithm; 1 and 2: the size it should unpack to, in sectors. */
#include <stdint.h>
#include <stdlib.h>

#include "smartbox/fs/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t lsize;
	uint8_t *out;

	if (size < 3)
		return (0);
	lsize = ((size_t)(data[1] | data[2] << 8) % 512 + 1) * 512;
	if ((out = malloc(lsize)) == NULL)
		return (0);
	(void)decompress_block(data[0] % (COMP_IDS + 1), data + 3, size - 3, out, lsize);
	free(out);
	return (0);
}
