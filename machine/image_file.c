/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an image's file: looked at, counted, hashed, and fed to the unpacker.
 *
 * The bytes are nobody's we trust, so even what they are is found out by a process in a jail
 * (machine/unpack.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "image_impl.h"
#include "smartbox/core/file.h"
#include "smartbox/machine/manifest.h"

#define PEEK_BYTES (64u << 10)
#define PEEK_BZIP2_BYTES (1u << 20) /* which gives nothing before it has 900,000 bytes of plain text */

/* --- the first bytes -------------------------------------------------------------------------- */

int
image_cell(const struct machine *m, struct err *e)
{
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/imgadm-empty", m->zenv.run);
	if ((fd = file_mkdirs(path, 0555, e)) != 0)
		return (fd);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return (fd >= 0 ? fd : err_sys(e, errno, "cannot open '%s'", path));
}

static int
fill_head(struct image_peek *p, size_t want, struct err *e)
{
	char *head = realloc(p->head, want);
	ssize_t n = 1;

	if (head == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	p->head = head;
	while (p->len < want && n > 0) {
		n = p->under->read(p->under->arg, p->head + p->len, want - p->len, e);
		if (n < 0)
			return ((int)n);
		p->len += (size_t)n;
	}
	return (0);
}

int
image_peek(const struct machine *m, struct image_peek *p, bool *is_stream, struct err *e)
{
	int rc = fill_head(p, PEEK_BYTES, e), cell;

	if (rc == 0 && decomp_sniff(p->head, p->len) == DECOMP_BZIP2)
		rc = fill_head(p, PEEK_BZIP2_BYTES, e);
	if (rc != 0)
		return (rc);
	if ((cell = image_cell(m, e)) < 0)
		return (cell);
	*is_stream = unpack_is_zfs_stream(cell, p->head, p->len);
	(void)close(cell);
	return (0);
}

void
image_peek_free(struct image_peek *p)
{
	free(p->head);
	p->head = NULL;
}

ssize_t
image_peek_read(void *arg, void *buf, size_t len, struct err *e)
{
	struct image_peek *p = arg;
	size_t n = p->len - p->pos < len ? p->len - p->pos : len;

	if (n == 0)
		return (p->under->read(p->under->arg, buf, len, e));
	memcpy(buf, p->head + p->pos, n);
	p->pos += n;
	return ((ssize_t)n);
}

/* --- all of them ------------------------------------------------------------------------------ */

int
intake_open(struct intake *in, const struct machine *m, const json_t *manifest, const char *title,
    struct err *e)
{
	int rc = 0;

	*in = (struct intake){.algo = "", .want_size = manifest_size(manifest)};
	if (manifest_digest(manifest, &in->algo, &in->want))
		rc = digest_new(in->algo, &in->digest, e);
	if (rc == 0 && !m->quiet)
		in->bar = progress_new(title, in->want_size > 0 ? (uint64_t)in->want_size : 0);
	return (rc);
}

void
intake_close(struct intake *in)
{
	if (in->bar != NULL)
		progress_end(in->bar);
	digest_free(in->digest);
}

/* -EPIPE means that the unpacker stopped; it knows why. */
static int
feed(struct intake *in, const struct image_file *file, struct err *e)
{
	char buf[65536];
	ssize_t n;
	int rc;

	while ((n = file->read(file->arg, buf, sizeof(buf), e)) > 0) {
		in->size += n;
		if (in->want_size >= 0 && in->size > in->want_size)
			return (err_set(e, EBADMSG, "the file is larger than the manifest's %lld bytes",
			    (long long)in->want_size));
		if (in->digest != NULL)
			digest_add(in->digest, buf, (size_t)n);
		if ((rc = unpack_feed(in->unpack, buf, (size_t)n)) != 0)
			return (rc);
		progress_set(in->bar, (uint64_t)in->size);
	}
	return ((int)n);
}

static int
compare(struct intake *in, struct err *e)
{
	char hex[DIGEST_HEX_MAX];

	if (in->want_size >= 0 && in->size != in->want_size)
		return (err_set(e, EBADMSG, "the file has %lld bytes, the manifest says %lld",
		    (long long)in->size, (long long)in->want_size));
	if (in->digest == NULL)
		return (0);
	digest_hex(in->digest, hex);
	if (strcasecmp(hex, in->want) != 0)
		return (err_set(e, EBADMSG, "%s checksum of the file is %s, the manifest says %s",
		    in->algo, hex, in->want));
	return (0);
}

/* A wrong digest is said before what the unpacker stumbled over because of it. */
int
intake_run(struct intake *in, const struct image_file *file, struct err *e)
{
	struct err why = ERR_INIT;
	int fed = feed(in, file, e), rc;

	if (fed != 0 && fed != -EPIPE) {
		unpack_abort(in->unpack);
		return (fed);
	}
	rc = unpack_finish(in->unpack, NULL, &why);
	if (fed == 0 && compare(in, e) != 0)
		return (-EBADMSG);
	if (rc != 0)
		return (err_set(e, why.code, "cannot unpack: %s", why.msg));
	return (fed);
}
