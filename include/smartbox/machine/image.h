/* SPDX-License-Identifier: MIT */
/*
 * Installed images: datasets POOL/UUID with a snapshot @final, and their manifests.
 *
 * An image is shown to callers as the JSON object {manifest, zpool, source?, clones, cloneNames}.
 */
#ifndef SMARTBOX_MACHINE_IMAGE_H
#define SMARTBOX_MACHINE_IMAGE_H

#include <jansson.h>

#include "smartbox/machine/machine.h"

/* Bytes of an image file: gives up to len, 0 at the end, -errno with e set. */
typedef ssize_t image_read_fn(void *arg, void *buf, size_t len, struct err *e);

struct image_file {
	image_read_fn *read;
	void *arg;
};

/* All images of the default pool, an array in order of their names.  A new reference. */
int image_list(const struct machine *m, json_t **out, struct err *e);
/* One; -ENOENT "image \"U\" was not found". */
int image_get(const struct machine *m, const char *uuid, json_t **out, struct err *e);
/* Is it there, whole? */
int image_is_installed(const struct machine *m, const char *uuid, bool *yes, struct err *e);

/*
 * Install: unpack the file into a new dataset, check size and digest, take @final.  manifest is
 * borrowed and normalized already; source the URL it came from, or NULL.  Waits for another install
 * of the same image; -EEXIST (no sentence) when that one has done the work meanwhile, or the image was
 * there.  On failure nothing is left.
 */
int image_install(const struct machine *m, const json_t *manifest, const struct image_file *file,
    const char *source, struct err *e);

/* -EBUSY names the clones that stand in the way; -ENOENT. */
int image_delete(const struct machine *m, const char *uuid, struct err *e);

/* Remove what installs that were cut have left; the number of removed datasets or -errno. */
int image_recover(const struct machine *m, struct err *e);

/* Rewrite the manifest of an installed image. */
int image_set_manifest(const struct machine *m, const json_t *manifest, const char *source,
    struct err *e);

#endif
