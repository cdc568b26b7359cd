/* SPDX-License-Identifier: MIT */
/*
 * Images that are zfs streams: volumes, images that hang on an origin, SmartOS's own.
 *
 *	file --> hash --> decompressor (a process in a jail) --> pipe --> the pool's server
 *
 * Steps as in machine/image.c, but 3 and 4 are one zfs receive, in a thread, and the snapshot that comes with
 * the stream has another name until the digest is known to be right:
 *
 *	3+4 receive POOL/UUID@imgadm-incoming, with the mark	nothing, or a marked dataset without @final
 *	5 compare size, digest, and that it is what the manifest says
 *	6 write the entry
 *	7 rename the snapshot to @final				this is the commit
 *	8 take the mark off
 *
 * The pool's server checks every record of the stream; it is as little trusted as an archive.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image_impl.h"
#include "smartbox/core/json.h"

#define INCOMING "imgadm-incoming"
#define STACK_BYTES (256u << 10)

struct receiver {
	const struct machine *m;
	char snap[256], origin[256]; /* origin "": none */
	struct nvlist *props;
	int fd;
	int rc;
	struct err err;
};

static void *
receiver_main(void *arg)
{
	struct receiver *r = arg;

	r->rc = r->m->ds->receive(r->m->ds_ctx, r->snap, r->origin[0] != '\0' ? r->origin : NULL, r->props,
	    r->fd, &r->err);
	(void)close(r->fd); /* who still writes is told */
	return (NULL);
}

static int
start_thread(struct receiver *r, pthread_t *t, struct err *e)
{
	pthread_attr_t attr;
	int rc;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(t, &attr, receiver_main, r);
	(void)pthread_attr_destroy(&attr);
	return (rc == 0 ? 0 : err_sys(e, rc, "cannot start a thread"));
}

/* The decompressor writes to `out`, of which nobody else may have a copy when it ends. */
static int
start_unpacker(const struct machine *m, int out, struct unpack **u, struct err *e)
{
	int cell = image_cell(m, e), rc;

	if (cell < 0)
		return (cell);
	rc = unpack_start_plain(cell, out, u, e);
	(void)close(cell);
	return (rc);
}

/* A wrong digest explains everything; then who received knows best. */
static int
pick_error(int fed, const struct receiver *r, struct err *e)
{
	if (fed == -EBADMSG || r->rc == 0)
		return (fed);
	return (err_set(e, -r->rc, "%s", r->err.msg));
}

static int
run_pipeline(struct receiver *r, struct intake *in, const struct image_file *file, struct err *e)
{
	pthread_t thread;
	int wire[2], rc;

	if (pipe2(wire, O_CLOEXEC) != 0)
		return (err_sys(e, errno, "cannot make a pipe"));
	r->fd = wire[0];
	rc = start_unpacker(r->m, wire[1], &in->unpack, e);
	(void)close(wire[1]);
	if (rc == 0 && (rc = start_thread(r, &thread, e)) != 0)
		unpack_abort(in->unpack);
	if (rc != 0) {
		(void)close(wire[0]);
		return (rc);
	}
	rc = intake_run(in, file, e);
	(void)pthread_join(thread, NULL);
	return (pick_error(rc, r, e));
}

static int
receive(struct receiver *r, const json_t *manifest, const struct image_file *file, struct err *e)
{
	struct intake in = {.unpack = NULL};
	char title[256];
	int rc;

	image_dataset(r->m, json_str(manifest, "uuid", ""), title, sizeof(title));
	if ((r->props = nv_new()) == NULL || nv_add_str(r->props, IMAGE_MARK, "on") != 0)
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = intake_open(&in, r->m, manifest, title, e)) == 0)
		rc = run_pipeline(r, &in, file, e);
	intake_close(&in);
	nv_free(r->props);
	return (rc);
}

/* The manifest says what a VM may expect of a clone. */
static int
check_kind(const struct machine *m, const json_t *manifest, const char *name, struct err *e)
{
	bool want_volume = strcmp(json_str(manifest, "type", ""), "zvol") == 0;
	char type[32];
	int rc = m->ds->get(m->ds_ctx, name, "type", type, sizeof(type), e);

	if (rc != 0)
		return (rc);
	if ((strcmp(type, "volume") == 0) == want_volume)
		return (0);
	return (err_set(e, EBADMSG, "the stream is of a %s, but the manifest's type is %s", type,
	    json_str(manifest, "type", "-")));
}

int
image_build_stream(const struct machine *m, const json_t *manifest, const struct image_file *file,
    const char *source, struct err *e)
{
	const char *uuid = json_str(manifest, "uuid", ""), *origin = json_str(manifest, "origin", NULL);
	struct receiver r = {.m = m, .err = ERR_INIT};
	char name[200], final[256];
	int rc;

	image_dataset(m, uuid, name, sizeof(name));
	image_final(m, uuid, final, sizeof(final));
	(void)snprintf(r.snap, sizeof(r.snap), "%s@%s", name, INCOMING);
	if (origin != NULL)
		image_final(m, origin, r.origin, sizeof(r.origin));
	if ((rc = receive(&r, manifest, file, e)) == 0 && (rc = check_kind(m, manifest, name, e)) == 0 &&
	    (rc = image_set_manifest(m, manifest, source, e)) == 0)
		rc = m->ds->rename(m->ds_ctx, r.snap, final, e);
	if (rc != 0) {
		image_discard(m, uuid);
		return (rc);
	}
	(void)m->ds->set(m->ds_ctx, name, IMAGE_MARK, "off", NULL);
	return (0);
}
