/* SPDX-License-Identifier: MIT */
/* Manifests from arbitrary bytes: what is accepted is accepted again unchanged. */
#include <stdlib.h>

#include "smartbox/core/json.h"
#include "smartbox/machine/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *in = NULL, *once = NULL, *twice = NULL;
	const char *algo, *hex;
	char label[64];
	struct err e = ERR_INIT;

	if (json_parse("fuzz", (const char *)data, size, &in, &e) != 0)
		return (0);
	if (manifest_normalize(in, &once, &e) == 0) {
		(void)manifest_digest(once, &algo, &hex);
		(void)manifest_size(once);
		manifest_label(once, label, sizeof(label));
		if (manifest_normalize(once, &twice, &e) != 0 || !json_equal(once, twice))
			abort();
	}
	json_decref(twice);
	json_decref(once);
	json_decref(in);
	return (0);
}
