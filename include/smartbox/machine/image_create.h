/* SPDX-License-Identifier: MIT */
/* Making an image of a stopped machine: a file and a manifest.  Theory: machine/image_create.c. */
#ifndef SMARTBOX_MACHINE_IMAGE_CREATE_H
#define SMARTBOX_MACHINE_IMAGE_CREATE_H

#include <jansson.h>
#include <stdbool.h>

#include "smartbox/machine/machine.h"

struct image_create {
	const char *vm; /* uuid */
	const json_t *base; /* an object: what the manifest shall say; at least name and version */
	const char *path;   /* a directory or the beginning of the files' names; NULL: NAME-VERSION */
	const char *compression; /* "none", "gzip", "bzip2" */
	bool incremental; /* from the machine's image */
	unsigned max_depth; /* of origins; 0: any */
};

/*
 * *manifest is a new reference.  -ESRCH: no such machine; -EBUSY: it is not stopped; -ENOLINK: it has no
 * image to start from; -EMLINK: too many origins; -EINVAL: the manifest would not be valid.
 */
int image_create(const struct machine *m, const struct image_create *o, json_t **manifest,
    struct err *e);

#endif
