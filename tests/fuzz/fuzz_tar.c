/* SPDX-License-Identifier: MIT */
/* The tar reader on arbitrary bytes: every member's name is terminated, content adds up. */
#include <stdlib.h>
#include <string.h>

#include "smartbox/machine/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	const uint8_t *data;
	size_t len;
};

static ssize_t
source_read(void *arg, void *buf, size_t len)
{
	struct source *s = arg;
	size_t n = s->len < len ? s->len : len;

	memcpy(buf, s->data, n);
	s->data += n;
	s->len -= n;
	return ((ssize_t)n);
}

static void
read_member(struct tar *t, const struct tar_entry *ent)
{
	uint64_t total = 0;
	char buf[777];
	ssize_t n;

	if (strlen(ent->name) == 0)
		abort();
	for (size_t i = 0; i < ent->nxattrs; i++)
		if (strlen(ent->xattrs[i].name) == 0)
			abort();
	while ((n = tar_data(t, buf, sizeof(buf), NULL)) > 0)
		total += (uint64_t)n;
	if (n == 0 && total != ent->size)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source s = {data, size};
	const struct tar_entry *ent;
	struct err e = ERR_INIT;
	struct tar *t;

	if (tar_new(source_read, &s, &t, &e) != 0)
		return (0);
	for (int i = 0; i < 1000 && tar_next(t, &ent, &e) == 1; i++)
		if (i % 2 == 0)
			read_member(t, ent);
	tar_free(t);
	return (0);
}
