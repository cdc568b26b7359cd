/* SPDX-License-Identifier: MIT */
/* What the files of images share: image.c (all of it), image_file.c (bytes), image_stream.c (zfs streams). */
#ifndef MACHINE_IMAGE_IMPL_H
#define MACHINE_IMAGE_IMPL_H

#include "smartbox/core/progress.h"
#include "smartbox/machine/digest.h"
#include "smartbox/machine/image.h"
#include "smartbox/machine/unpack.h"

#define IMAGE_MARK "imgadm:installing"

/* "POOL/UUID", "POOL/UUID@final" */
void image_dataset(const struct machine *m, const char *uuid, char *buf, size_t size);
void image_final(const struct machine *m, const char *uuid, char *buf, size_t size);
/* An install that failed: dataset and entry go. */
void image_discard(const struct machine *m, const char *uuid);

/* --- image_file.c ----------------------------------------------------------------------------- */

/* A file whose first bytes were looked at. */
struct image_peek {
	const struct image_file *under;
	char *head;
	size_t len, pos;
};

/* image_peek_free in any case. */
int image_peek(const struct machine *m, struct image_peek *p, bool *is_stream, struct err *e);
void image_peek_free(struct image_peek *p);
ssize_t image_peek_read(void *arg, void *buf, size_t len, struct err *e); /* arg: struct image_peek */
/* An empty directory to lock an unpacker up in that makes no files; a descriptor. */
int image_cell(const struct machine *m, struct err *e);

struct intake {
	struct unpack *unpack; /* started by the caller; intake_run ends it */
	struct digest *digest; /* NULL: the manifest gives none */
	struct progress *bar;
	const char *algo, *want; /* hex */
	json_int_t want_size;
	json_int_t size;
};

/* title: of the progress bar. */
int intake_open(struct intake *in, const struct machine *m, const json_t *manifest, const char *title,
    struct err *e);
/* All of the file through the unpacker; -EBADMSG: it is not the file that the manifest means. */
int intake_run(struct intake *in, const struct image_file *file, struct err *e);
void intake_close(struct intake *in);

/* --- image_stream.c --------------------------------------------------------------------------- */

int image_build_stream(const struct machine *m, const json_t *manifest, const struct image_file *file,
    const char *source, struct err *e);

#endif
