/* SPDX-License-Identifier: MIT */
/* Serial port with a reader and a writer. */
#include "fuzz_vmx.h"

static struct chr *chr;

static int
build(struct vmx_bench *b)
{
	struct vmx_char none = VMX_CHAR_NONE;

	if (chr_new(&none, NULL, &chr, NULL) != 0)
		return (-1);
	return (uart_new(b->board, "com1", 0x3f8, 4, chr, NULL));
}

static void
host(struct vmx_bench *b, uint8_t byte)
{
	uint8_t sink[64];

	(void)b;
	if ((byte & 3) == 0)
		(void)chr_take(chr, sink, byte >> 2);
	else
		(void)chr_feed(chr, &byte, 1);
}

static void
end(struct vmx_bench *b)
{
	(void)b;
	chr_free(chr);
}

FUZZ_TARGET(.build = build, .port = 0x3f8, .ports = 8, .host = host, .end = end)
