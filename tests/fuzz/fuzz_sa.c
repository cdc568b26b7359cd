/* SPDX-License-Identifier: MIT */
/*
 * A znode's bonus of any bytes: every attribute found lies inside it.  The registry is the usual one,
 * with the layouts of files, symlinks and devices.
 */
#include <stdlib.h>
#include <string.h>

#include "../../fs/sa_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sa *
tables(void)
{
	static const uint16_t file[] = {5, 6, 4, 12, 13, 7, 11, 0, 1, 2, 3, 8, 21, 16, 19};
	static const uint16_t link[] = {5, 6, 4, 12, 13, 7, 11, 0, 1, 2, 3, 8, 16, 19, 17};
	static const uint16_t many[] = {17, 19, 20, 17, 19, 20, 17, 19, 20};
	struct sa *sa = sa_test_new();

	if (sa == NULL || sa_test_layout(sa, file, 15) < 0 || sa_test_layout(sa, link, 15) < 0 ||
	    sa_test_layout(sa, many, 9) < 0)
		abort();
	return (sa);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sa *sa;
	struct sa_place place[SA_MAX_ATTRS];
	uint8_t *copy = malloc(size + 1);
	int n;

	if (sa == NULL)
		sa = tables();
	if (copy == NULL)
		return (0);
	memcpy(copy, data, size);
	n = sa_parse(sa, copy, size, place);
	for (int i = 0; i < n; i++) {
		if ((size_t)place[i].off + place[i].len > size)
			abort();
	}
	free(copy);
	return (0);
}
