/* SPDX-License-Identifier: MIT */
/* What a guest says on its metadata line, in pieces; the host's half answers and stores. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/machine/mdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
get(void *arg, const char *key, struct buf *value)
{
	(void)arg;
	buf_str(value, key);
	buf_str(value, "\n.");
	return (key[0] == 'n' ? -2 : 0);
}

static int
keys(void *arg, struct buf *list)
{
	(void)arg;
	buf_str(list, "a\nb");
	return (0);
}

static int
put(void *arg, const char *key, const char *value, struct err *e)
{
	size_t *n = arg;

	if (key[0] == '\0' || (value != NULL && value[0] == '\0'))
		abort();
	*n += strlen(key) + (value != NULL ? strlen(value) : 0);
	return (key[0] == 's' ? err_set(e, 1, "no") : 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mdata_ops ops = {get, keys, put};
	struct buf out = BUF_INIT;
	size_t n = 0;
	struct mdata *m = mdata_new(&ops, &n);

	for (size_t at = 0; m != NULL && at < size;) {
		size_t piece = 1 + data[at] % 60;

		piece = piece < size - at ? piece : size - at;
		mdata_input(m, data + at, piece, &out);
		at += piece;
	}
	mdata_free(m);
	buf_free(&out);
	return (0);
}
