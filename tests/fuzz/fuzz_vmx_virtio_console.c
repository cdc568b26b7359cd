/* SPDX-License-Identifier: MIT */
/* virtio-console, both ways. */
#include "fuzz_vmx.h"

static struct chr *chr;

static int
build(struct vmx_bench *b)
{
	struct vmx_char none = VMX_CHAR_NONE;

	if (chr_new(&none, NULL, &chr, NULL) != 0)
		return (-1);
	return (vconsole_new(b->board, SLOT, chr, NULL, NULL));
}

static void
host(struct vmx_bench *b, uint8_t byte)
{
	uint8_t sink[256];

	(void)b;
	if ((byte & 3) == 0)
		(void)chr_take(chr, sink, byte);
	else
		(void)chr_feed(chr, &byte, 1);
}

static void
end(struct vmx_bench *b)
{
	(void)b;
	chr_free(chr);
}

FUZZ_TARGET(.build = build, .host = host, .end = end)
