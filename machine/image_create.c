/* SPDX-License-Identifier: MIT */
/*
 * Making an image of a machine.
 *
 *	VM's dataset --@final--> zfs send --> pipe --> compressor, digest --> PREFIX.zfs.gz
 *	origin's manifest + what was given ------------------------------> PREFIX.imgmanifest
 *
 * A zone's image is its root dataset, a machine's its first disk.  The snapshot lives only as long
 * as it is sent; one of that name that is there already goes aside before (@final-MILLISECONDS).
 * An incremental image is the stream from the origin's @final.  A failure leaves no file and no
 * snapshot.
 */
#include "smartbox/machine/image_create.h"

#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "image_impl.h"
#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/core/uuid.h"
#include "smartbox/machine/manifest.h"
#include "smartbox/machine/vm.h"
#include "vm_impl.h"

#define STACK_BYTES (256u << 10)
#define DEPTH_MAX 1000
#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, in a gzip file */

/* --- where the bytes go ----------------------------------------------------------------------- */

struct sink {
	int fd;
	const char *how; /* the manifest's word */
	struct digest *digest;
	uint64_t bytes;
	z_stream z;
	bz_stream b;
	char out[65536];
};

static int
put(struct sink *s, size_t len, struct err *e)
{
	int rc = io_write_full(s->fd, s->out, len);

	digest_add(s->digest, s->out, len);
	s->bytes += len;
	return (err_rc(e, rc, "cannot write the image file"));
}

static int
sink_open(struct sink *s, const char *how, int fd, struct err *e)
{
	*s = (struct sink){.fd = fd, .how = how};
	if (strcmp(how, "gzip") == 0 &&
	    deflateInit2(&s->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
	    Z_DEFAULT_STRATEGY) != Z_OK)
		return (err_set(e, ENOMEM, "out of memory"));
	if (strcmp(how, "bzip2") == 0 && BZ2_bzCompressInit(&s->b, 9, 0, 0) != BZ_OK)
		return (err_set(e, ENOMEM, "out of memory"));
	return (digest_new("sha1", &s->digest, e));
}

static int
put_gzip(struct sink *s, char *buf, size_t len, struct err *e)
{
	int rc = 0, done = Z_OK;

	s->z.next_in = (Bytef *)buf;
	s->z.avail_in = (uInt)len;
	while (rc == 0 && (s->z.avail_in > 0 || (len == 0 && done != Z_STREAM_END))) {
		s->z.next_out = (Bytef *)s->out;
		s->z.avail_out = sizeof(s->out);
		done = deflate(&s->z, len == 0 ? Z_FINISH : Z_NO_FLUSH);
		rc = put(s, sizeof(s->out) - s->z.avail_out, e);
	}
	return (rc);
}

static int
put_bzip2(struct sink *s, char *buf, size_t len, struct err *e)
{
	int rc = 0, done = BZ_OK;

	s->b.next_in = buf;
	s->b.avail_in = (unsigned)len;
	while (rc == 0 && (s->b.avail_in > 0 || (len == 0 && done != BZ_STREAM_END))) {
		s->b.next_out = s->out;
		s->b.avail_out = sizeof(s->out);
		done = BZ2_bzCompress(&s->b, len == 0 ? BZ_FINISH : BZ_RUN);
		rc = put(s, sizeof(s->out) - s->b.avail_out, e);
	}
	return (rc);
}

/* len 0: the end.  At most sizeof(out). */
static int
sink_feed(struct sink *s, char *buf, size_t len, struct err *e)
{
	if (strcmp(s->how, "gzip") == 0)
		return (put_gzip(s, buf, len, e));
	if (strcmp(s->how, "bzip2") == 0)
		return (put_bzip2(s, buf, len, e));
	memcpy(s->out, buf, len);
	return (put(s, len, e));
}

static void
sink_close(struct sink *s)
{
	if (strcmp(s->how, "gzip") == 0)
		(void)deflateEnd(&s->z);
	if (strcmp(s->how, "bzip2") == 0)
		(void)BZ2_bzCompressEnd(&s->b);
	digest_free(s->digest);
}

/* --- the stream ------------------------------------------------------------------------------- */

struct sender {
	const struct machine *m;
	const char *snap, *from; /* from NULL: all of it */
	int fd;
	int rc;
	struct err err;
};

static void *
sender_main(void *arg)
{
	struct sender *s = arg;

	s->rc = s->m->ds->send(s->m->ds_ctx, s->snap, s->from, s->fd, &s->err);
	(void)close(s->fd);
	return (NULL);
}

static int
drain(int fd, struct sink *s, struct err *e)
{
	static char buf[65536];
	ssize_t n;
	int rc = 0;

	do {
		do
			n = read(fd, buf, sizeof(buf));
		while (n < 0 && errno == EINTR);
		rc = n < 0 ? err_sys(e, errno, "cannot read the stream") : sink_feed(s, buf, (size_t)n, e);
	} while (rc == 0 && n > 0);
	return (rc);
}

static int
send_into(struct sender *s, struct sink *sink, struct err *e)
{
	pthread_attr_t attr;
	pthread_t thread;
	int wire[2], rc;

	if (pipe2(wire, O_CLOEXEC) != 0)
		return (err_sys(e, errno, "cannot make a pipe"));
	s->fd = wire[1];
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&thread, &attr, sender_main, s);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0) {
		(void)close(wire[0]);
		(void)close(wire[1]);
		return (err_sys(e, rc, "cannot start a thread"));
	}
	rc = drain(wire[0], sink, e);
	(void)close(wire[0]); /* if we gave up: the sender sees it */
	(void)pthread_join(thread, NULL);
	return (rc == 0 && s->rc != 0 ? err_set(e, -s->rc, "%s", s->err.msg) : rc);
}

static int
describe_file(struct sink *s, const struct machine *m, const char *snap, json_t *manifest, struct err *e)
{
	char hex[DIGEST_HEX_MAX], guid[32];
	int rc = m->ds->get(m->ds_ctx, snap, "guid", guid, sizeof(guid), e);

	if (rc != 0)
		return (rc);
	digest_hex(s->digest, hex);
	(void)json_object_set_new(manifest, "files", json_pack("[{s:s, s:I, s:s, s:s}]", "sha1", hex, "size",
	    (json_int_t)s->bytes, "compression", s->how, "dataset_guid", guid));
	return (0);
}

static int
write_file(const struct machine *m, const char *snap, const char *from, const char *how, const char *path,
    json_t *manifest, struct err *e)
{
	struct sender s = {.m = m, .snap = snap, .from = from, .err = ERR_INIT};
	struct sink *sink = calloc(1, sizeof(*sink));
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), rc;

	if (fd < 0 || sink == NULL) {
		rc = fd < 0 ? err_sys(e, errno, "cannot create '%s'", path) : err_set(e, ENOMEM, "out of memory");
	} else {
		machine_say(m, "Sending image file to \"%s\"", path);
		if ((rc = sink_open(sink, how, fd, e)) == 0 && (rc = send_into(&s, sink, e)) == 0)
			rc = describe_file(sink, m, snap, manifest, e);
		sink_close(sink);
	}
	if (fd >= 0)
		(void)close(fd);
	free(sink);
	if (rc != 0 && fd >= 0)
		(void)unlink(path);
	return (rc);
}

/* --- the snapshot ----------------------------------------------------------------------------- */

static int
take_final(const struct machine *m, const char *snap, struct err *e)
{
	struct timespec now;
	char aside[320];
	bool there;
	int rc;

	if ((rc = m->ds->exists(m->ds_ctx, snap, &there, e)) != 0)
		return (rc);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)snprintf(aside, sizeof(aside), "%s-%lld", snap,
	    (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	if (there && (rc = m->ds->rename(m->ds_ctx, snap, aside, e)) != 0)
		return (rc);
	machine_say(m, "Snapshotting to \"%s\"", snap);
	return (m->ds->snapshot(m->ds_ctx, snap, e));
}

/* --- the manifest ----------------------------------------------------------------------------- */

/* Of HVM machines the first disk, of others the whole machine. */
static const json_t *
source_of(const json_t *vm, bool *is_hvm)
{
	*is_hvm = vm_brand_is_hvm(json_str(vm, "brand", ""));
	return (*is_hvm ? json_array_get(json_object_get(vm, "disks"), 0) : vm);
}

static void
inherit(json_t *manifest, const json_t *origin)
{
	static const char *const keys[] = {"type", "os", "requirements", "users", "billing_tags", "traits",
	    "generate_passwords", "inherited_directories", "nic_driver", "disk_driver", "cpu_type",
	    "image_size"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(origin, keys[i]) != NULL)
			(void)json_object_set(manifest, keys[i], json_object_get(origin, keys[i]));
}

static void
require_brand(json_t *manifest, const char *brand)
{
	json_t *old = json_object_get(manifest, "requirements");
	json_t *requirements = json_is_object(old) ? json_copy(old) : json_object();

	(void)json_object_set_new(requirements, "brand", json_string(brand));
	(void)json_object_set_new(manifest, "requirements", requirements);
}

/* base: what the caller says, over what the origin's manifest (NULL: there is none) has. */
static json_t *
make_manifest(const json_t *vm, const json_t *origin, const struct image_create *o)
{
	char uuid[UUID_STRLEN + 1];
	json_t *manifest;

	uuid_generate(uuid);
	manifest = json_pack("{s:i, s:s}", "v", 2, "uuid", uuid);
	if (origin != NULL)
		inherit(manifest, origin);
	require_brand(manifest, json_str(vm, "brand", ""));
	if (o->incremental)
		(void)json_object_set(manifest, "origin", json_object_get(origin, "uuid"));
	(void)json_object_update(manifest, (json_t *)(uintptr_t)o->base);
	return (manifest);
}

/* Of a new image that hangs on this one: the images down to the base, itself included. */
static unsigned
count_origins(const struct machine *m, const char *image)
{
	char at[UUID_STRLEN + 1];
	unsigned depth = 1;
	json_t *entry;

	(void)snprintf(at, sizeof(at), "%s", image);
	while (depth < DEPTH_MAX && image_get(m, at, &entry, NULL) == 0) {
		(void)snprintf(at, sizeof(at), "%s",
		    json_str(json_object_get(entry, "manifest"), "origin", ""));
		json_decref(entry);
		depth++;
	}
	return (depth);
}

static int
check_depth(const struct machine *m, const struct image_create *o, const char *image, struct err *e)
{
	if (!o->incremental || o->max_depth == 0)
		return (0);
	return (count_origins(m, image) <= o->max_depth ? 0 :
	    err_set(e, EMLINK, "image would exceed the maximum origin depth of %u", o->max_depth));
}

/* --- all of it -------------------------------------------------------------------------------- */

/* "NAME-VERSION", lower-case, in the current directory; a directory: inside it. */
static void
pick_prefix(const struct image_create *o, const json_t *manifest, char *buf, size_t size)
{
	char slug[256];
	struct stat st;
	char *p;

	(void)snprintf(slug, sizeof(slug), "%s-%s", json_str(manifest, "name", ""),
	    json_str(manifest, "version", ""));
	for (p = slug; *p != '\0'; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) :
		    (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("._-", *p) != NULL ? *p : '-';
	if (o->path == NULL)
		(void)snprintf(buf, size, "%s", slug);
	else if (stat(o->path, &st) == 0 && S_ISDIR(st.st_mode))
		(void)snprintf(buf, size, "%s/%s", o->path, slug);
	else
		(void)snprintf(buf, size, "%s", o->path);
}

static const char *
ending_of(const char *how)
{
	return (strcmp(how, "gzip") == 0 ? ".gz" : strcmp(how, "bzip2") == 0 ? ".bz2" : "");
}

static int
save_manifest(const struct machine *m, const char *prefix, const json_t *manifest, struct err *e)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s.imgmanifest", prefix);
	machine_say(m, "Saving manifest to \"%s\"", path);
	return (json_save_file(path, manifest, 0644, e));
}

static int
make_files(const struct machine *m, const struct image_create *o, const char *dataset, const char *image,
    json_t *manifest, struct err *e)
{
	char prefix[PATH_MAX - 32], path[PATH_MAX], snap[256], from[256];
	int rc;

	pick_prefix(o, manifest, prefix, sizeof(prefix));
	(void)snprintf(path, sizeof(path), "%s.%s%s", prefix,
	    strcmp(json_str(manifest, "type", ""), "zvol") == 0 ? "zvol" : "zfs", ending_of(o->compression));
	(void)snprintf(snap, sizeof(snap), "%s@final", dataset);
	image_final(m, image, from, sizeof(from));
	if ((rc = take_final(m, snap, e)) != 0)
		return (rc);
	rc = write_file(m, snap, o->incremental ? from : NULL, o->compression, path, manifest, e);
	(void)m->ds->destroy(m->ds_ctx, snap, NULL);
	if (rc == 0 && (rc = save_manifest(m, prefix, manifest, e)) != 0)
		(void)unlink(path);
	return (rc);
}

static int
check_manifest(const json_t *manifest, struct err *e)
{
	json_t *normal = NULL;
	int rc = manifest_normalize(manifest, &normal, e);

	json_decref(normal);
	return (rc);
}

/* vm: a stopped machine.  origin: its image's manifest, or NULL. */
static int
create_from(const struct machine *m, const struct image_create *o, const json_t *vm, const json_t *origin,
    json_t **out, struct err *e)
{
	bool is_hvm;
	const json_t *source = source_of(vm, &is_hvm);
	const char *dataset = json_str(source, "zfs_filesystem", NULL);
	const char *image = json_str(source, "image_uuid", "");
	json_t *manifest;
	int rc;

	if (dataset == NULL)
		return (err_set(e, ENODEV, "VM %s has no disk", o->vm));
	if ((rc = check_depth(m, o, image, e)) != 0)
		return (rc);
	manifest = make_manifest(vm, origin, o);
	if (is_hvm && json_object_get(manifest, "type") == NULL)
		(void)json_object_set_new(manifest, "type", json_string("zvol"));
	if ((rc = check_manifest(manifest, e)) == 0)
		rc = make_files(m, o, dataset, image, manifest, e);
	if (rc == 0)
		*out = manifest;
	else
		json_decref(manifest);
	return (rc);
}

int
image_create(const struct machine *m, const struct image_create *o, json_t **manifest, struct err *e)
{
	json_t *vm, *entry = NULL;
	const char *image;
	bool is_hvm;
	int rc;

	if ((rc = vm_load(m, o->vm, VM_DATASET, &vm, NULL)) != 0)
		return (err_set(e, ESRCH, "VM %s not found", o->vm));
	image = json_str(source_of(vm, &is_hvm), "image_uuid", NULL);
	if (strcmp(json_str(vm, "state", ""), "stopped") != 0 &&
	    strcmp(json_str(vm, "state", ""), "installed") != 0)
		rc = err_set(e, EBUSY, "VM %s is not stopped", o->vm);
	else if ((image == NULL || image_get(m, image, &entry, NULL) != 0) && o->incremental)
		rc = err_set(e, ENOLINK, "cannot create an incremental image: VM %s has no origin image", o->vm);
	if (rc == 0 && entry != NULL)
		machine_say(m, "Inheriting from origin image %s (%s %s)", image,
		    json_str(json_object_get(entry, "manifest"), "name", "-"),
		    json_str(json_object_get(entry, "manifest"), "version", "-"));
	if (rc == 0)
		rc = create_from(m, o, vm, json_object_get(entry, "manifest"), manifest, e);
	json_decref(entry);
	json_decref(vm);
	return (rc);
}
