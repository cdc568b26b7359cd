/* SPDX-License-Identifier: MIT */
/*
 * Image sources: the servers in imgadm.conf, and what they have.
 *
 * A source is {type, url, insecure}; types imgapi and dsapi (the oldest protocol, version 1
 * manifests).  The order counts: the first source that has an image wins.
 */
#ifndef SMARTBOX_MACHINE_IMGSRC_H
#define SMARTBOX_MACHINE_IMGSRC_H

#include <jansson.h>

#include "smartbox/machine/image.h"
#include "smartbox/machine/machine.h"

#define IMGSRC_DEFAULT_URL "https://images.smartos.org"

/* The configured sources, an array of {type, url, insecure?}; the default one when none is set. */
int imgsrc_load(const struct machine *m, json_t **out, struct err *e);
int imgsrc_save(const struct machine *m, const json_t *sources, struct err *e);

/* "images.example.com/" -> "http://images.example.com".  -EINVAL what cannot be a source. */
int imgsrc_clean_url(const char *type, const char *in, char *out, size_t size, struct err *e);
int imgsrc_new(const char *type, const char *url, bool insecure, json_t **out, struct err *e);

/* Does it answer as its type should? */
int imgsrc_ping(const json_t *source, struct err *e);
/* All manifests, normalized; bad ones are left out.  A new array. */
int imgsrc_list(const json_t *source, json_t **out, struct err *e);
/* One manifest, normalized; -ENOENT. */
int imgsrc_get(const json_t *source, const char *uuid, json_t **out, struct err *e);
/*
 * The first of `sources` that has it, active.  *manifest is a new reference, *source borrowed.
 * -ENOENT nobody has it.  A source that fails is passed over; its sentence is said (machine_say).
 */
int imgsrc_find(const struct machine *m, const json_t *sources, const char *uuid,
    json_t **manifest, json_t **source, struct err *e);

/* The image's bytes, as they arrive.  Free with imgsrc_close. */
struct imgsrc_stream;
int imgsrc_open(const json_t *source, const json_t *manifest, struct imgsrc_stream **out,
    struct err *e);
ssize_t imgsrc_read(void *stream, void *buf, size_t len, struct err *e); /* an image_read_fn */
void imgsrc_close(struct imgsrc_stream *s);

#endif
