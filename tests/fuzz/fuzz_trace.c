/* SPDX-License-Identifier: MIT */
/*
 * D programs from arbitrary bytes: parsed, checked, compiled to eBPF, never loaded.  The first byte says
 * whether it is a script or a text of the command line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/trace/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const args[] = {"script", "one", "2"};
	struct session *s;
	FILE *sink;
	char *text;

	if (size < 1 || (text = malloc(size)) == NULL)
		return (0);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (trace_new(&s, NULL) == 0) {
		trace_without_kernel(s);
		(void)trace_option(s, "argref", NULL, NULL);
		(void)trace_source(s, TRACE_NAME, data[0] == 'n' ? NULL : "fuzz", text,
		    strlen(text), 3, args, NULL);
		if (trace_compile(s, NULL) == 0 && (sink = fopen("/dev/null", "w")) != NULL) {
			trace_disassemble(s, sink);
			(void)fclose(sink);
		}
		trace_free(s);
	}
	free(text);
	return (0);
}
