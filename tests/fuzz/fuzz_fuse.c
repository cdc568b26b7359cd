/* SPDX-License-Identifier: MIT */
/*
 * A FUSE message of any bytes: the parser finds whole structures and ended strings, or refuses.
 * The header's length is set right, as the kernel does; the rest is the input's.
 */
#include <stdlib.h>
#include <string.h>

#include "../../fs/fuse_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuse_req r;
	char *msg = malloc(size + 1);
	size_t sum = 0;

	if (msg == NULL)
		return (0);
	memcpy(msg, data, size);
	if (size >= sizeof(uint32_t))
		memcpy(msg, &(uint32_t){(uint32_t)size}, sizeof(uint32_t));
	if (fuse_req_parse(msg, size, (size & 1) != 0, &r) == 0) {
		sum += r.name != NULL ? strlen(r.name) : 0;
		sum += r.name2 != NULL ? strlen(r.name2) : 0;
		for (size_t i = 0; i < r.data_len; i++)
			sum += ((const uint8_t *)r.data)[i];
	}
	free(msg);
	return (sum == SIZE_MAX ? 1 : 0);
}
