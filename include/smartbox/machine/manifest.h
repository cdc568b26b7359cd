/* SPDX-License-Identifier: MIT */
/*
 * Image manifests: version 2, and the legacy dsmanifest (version 1), which is upgraded.
 */
#ifndef SMARTBOX_MACHINE_MANIFEST_H
#define SMARTBOX_MACHINE_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>

#include "smartbox/core/err.h"

/*
 * Check `in` (borrowed) and give a version 2 manifest (*out, a new reference).  -EINVAL with
 * "invalid manifest: FIELD (what), FIELD (what)" naming every bad field.  Members that nobody knows
 * are kept, as IMGAPI servers add some.
 */
int manifest_normalize(const json_t *in, json_t **out, struct err *e);

/* The digest a manifest gives for files[0]: algorithm and lower-case hex, or false. */
bool manifest_digest(const json_t *manifest, const char **algo, const char **hex);
/* files[0].size in bytes, or -1 when it says none. */
json_int_t manifest_size(const json_t *manifest);

/* "NAME@VERSION" into buf. */
void manifest_label(const json_t *manifest, char *buf, size_t size);

#endif
