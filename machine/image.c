/* SPDX-License-Identifier: MIT */
/*
 * Installed images.
 *
 * An image is POOL/UUID with a snapshot @final, its root file system below root/, and a database entry
 * <var>/imgadm/images/POOL-UUID.json.  The dataset decides: an entry alone is nothing, a dataset
 * without an entry is an image of which only the uuid is known.
 *
 * Install, and what a power cut leaves at each step:
 *
 *	1 lock                                              nothing
 *	2 remove what an earlier, cut install left          nothing
 *	3 create POOL/UUID with imgadm:installing=on        a marked dataset: step 2 of the next install,
 *	4 feed the unpacker, hashing what it is fed         image_recover() at boot or delete removes it
 *	5 compare size and digest                           same
 *	6 write the entry                                   same, and a stray entry
 *	7 sync, take @final                                 the image: this is the commit
 *	8 set imgadm:installing=off                         the image
 *
 * Invariants:
 *  1. @final exists only on a dataset whose whole content passed the digest.
 *  2. The mark means something only together with the absence of @final; so step 8 may be lost.
 *  3. Whoever holds the lock is the only one between 2 and 8; a marked dataset seen with the lock held
 *     belongs to nobody.
 *
 * Rejected: unpacking into POOL/UUID-partial and renaming, as SmartOS does: the snapshot is one
 * operation that the commit needs anyhow, the rename a second one that remounts.
 */
#include "smartbox/machine/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/core/progress.h"
#include "smartbox/core/uuid.h"
#include "smartbox/machine/digest.h"
#include "smartbox/machine/manifest.h"
#include "smartbox/machine/unpack.h"

#define MARK "imgadm:installing"

/* --- names ------------------------------------------------------------------------------------ */

static void
dataset_name(const struct machine *m, const char *uuid, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/%s", m->pool, uuid);
}

static void
final_name(const struct machine *m, const char *uuid, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/%s@final", m->pool, uuid);
}

static void
entry_path(const struct machine *m, const char *uuid, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/imgadm/images/%s-%s.json", m->var, m->pool, uuid);
}

/* "zones/UUID" -> UUID; NULL for anything else. */
static const char *
image_uuid_of(const struct machine *m, const char *dataset)
{
	size_t n = strlen(m->pool);

	if (strncmp(dataset, m->pool, n) != 0 || dataset[n] != '/' || !uuid_is_valid(dataset + n + 1))
		return (NULL);
	return (dataset + n + 1);
}

/* --- database --------------------------------------------------------------------------------- */

int
image_set_manifest(const struct machine *m, const json_t *manifest, const char *source,
    struct err *e)
{
	char path[PATH_MAX], dir[PATH_MAX];
	json_t *entry = json_pack("{s:O, s:s, s:s*}", "manifest", manifest, "zpool", m->pool,
	    "source", source);
	int rc;

	if (entry == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	(void)snprintf(dir, sizeof(dir), "%s/imgadm/images", m->var);
	entry_path(m, json_str(manifest, "uuid", ""), path, sizeof(path));
	if ((rc = file_mkdirs(dir, 0755, e)) == 0)
		rc = json_save_file(path, entry, 0644, e);
	json_decref(entry);
	return (rc);
}

/* What the database says; an image without a readable entry has only its uuid. */
static json_t *
load_entry(const struct machine *m, const char *uuid)
{
	char path[PATH_MAX];
	json_t *entry = NULL;

	entry_path(m, uuid, path, sizeof(path));
	if (json_parse_file(path, &entry, NULL) == 0 &&
	    json_is_object(json_object_get(entry, "manifest")))
		return (entry);
	json_decref(entry);
	return (json_pack("{s:{s:s}, s:s}", "manifest", "uuid", uuid, "zpool", m->pool));
}

static void
remove_entry(const struct machine *m, const char *uuid)
{
	char path[PATH_MAX];

	entry_path(m, uuid, path, sizeof(path));
	(void)file_remove(path, NULL);
}

/* --- listing ---------------------------------------------------------------------------------- */

/*
 * One pass over all datasets.  A snapshot POOL/UUID@final makes an image; every dataset with that
 * origin is its clone.  Which comes first is not known, so clones are counted by origin apart.
 */
struct survey {
	const struct machine *m;
	json_t *images; /* uuid -> entry */
	json_t *clones; /* "POOL/UUID@SNAP" -> array of dataset names */
};

static void
note_clone(struct survey *s, const struct dataset_row *row)
{
	json_t *names = json_object_get(s->clones, row->origin);

	if (names == NULL) {
		names = json_array();
		(void)json_object_set_new(s->clones, row->origin, names);
	}
	(void)json_array_append_new(names, json_string(row->name));
}

static int
survey_row(const struct dataset_row *row, void *arg)
{
	struct survey *s = arg;
	const char *at = strchr(row->name, '@');
	char dataset[256];
	const char *uuid;

	if (at == NULL) {
		if (row->origin[0] != '\0')
			note_clone(s, row);
		return (0);
	}
	if (strcmp(at, "@final") != 0 || (size_t)(at - row->name) >= sizeof(dataset))
		return (0);
	memcpy(dataset, row->name, (size_t)(at - row->name));
	dataset[at - row->name] = '\0';
	if ((uuid = image_uuid_of(s->m, dataset)) != NULL)
		(void)json_object_set_new(s->images, uuid, load_entry(s->m, uuid));
	return (0);
}

static void
add_clones(struct survey *s, const char *uuid, json_t *entry)
{
	char final[256];
	json_t *names;

	final_name(s->m, uuid, final, sizeof(final));
	names = json_object_get(s->clones, final);
	(void)json_object_set_new(entry, "clones", json_integer((json_int_t)json_array_size(names)));
	if (names != NULL)
		(void)json_object_set(entry, "cloneNames", names);
	else
		(void)json_object_set_new(entry, "cloneNames", json_array());
}

static int
survey(const struct machine *m, const char *root, json_t **images, struct err *e)
{
	struct survey s = {m, json_object(), json_object()};
	const char *uuid;
	json_t *entry;
	int rc = m->ds->list(m->ds_ctx, root, survey_row, &s, e);

	if (rc == 0) {
		json_object_foreach(s.images, uuid, entry)
			add_clones(&s, uuid, entry);
		*images = json_incref(s.images);
	}
	json_decref(s.images);
	json_decref(s.clones);
	return (rc);
}

int
image_list(const struct machine *m, json_t **out, struct err *e)
{
	json_t *images, *list, *entry;
	const char *uuid;
	int rc = survey(m, m->pool, &images, e);

	if (rc != 0)
		return (rc);
	list = json_array();
	json_object_foreach(images, uuid, entry)
		(void)json_array_append(list, entry);
	json_decref(images);
	*out = list;
	return (0);
}

int
image_get(const struct machine *m, const char *uuid, json_t **out, struct err *e)
{
	json_t *images, *entry;
	bool there;
	int rc;

	if ((rc = image_is_installed(m, uuid, &there, e)) != 0)
		return (rc);
	if (!there)
		return (err_set(e, ENOENT, "image \"%s\" was not found", uuid));
	if ((rc = survey(m, m->pool, &images, e)) != 0)
		return (rc);
	entry = json_object_get(images, uuid);
	if (entry == NULL)
		rc = err_set(e, ENOENT, "image \"%s\" was not found", uuid);
	else
		*out = json_incref(entry);
	json_decref(images);
	return (rc);
}

int
image_is_installed(const struct machine *m, const char *uuid, bool *yes, struct err *e)
{
	char final[256];

	final_name(m, uuid, final, sizeof(final));
	return (m->ds->exists(m->ds_ctx, final, yes, e));
}

/* --- install ---------------------------------------------------------------------------------- */

static int
take_lock(const struct machine *m, const char *uuid, struct err *e)
{
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/img.%s.import.lock", m->zenv.run, uuid);
	if ((fd = file_mkdirs(m->zenv.run, 0755, e)) != 0)
		return (fd);
	if ((fd = file_lock(path, false, true, NULL)) == -EWOULDBLOCK) {
		machine_say(m, "Waiting for image %s import lock", uuid);
		fd = file_lock(path, false, false, e);
	}
	return (fd >= 0 ? fd : err_rc(e, fd, "cannot lock '%s'", path));
}

/* Step 2.  The caller holds the lock, so a marked dataset without @final is nobody's (invariant 3). */
static int
clear_leftover(const struct machine *m, const char *uuid, struct err *e)
{
	char name[256], mark[16];
	bool there;
	int rc;

	dataset_name(m, uuid, name, sizeof(name));
	if ((rc = m->ds->exists(m->ds_ctx, name, &there, e)) != 0 || !there)
		return (rc);
	rc = m->ds->get(m->ds_ctx, name, MARK, mark, sizeof(mark), NULL);
	if (rc != 0 || strcmp(mark, "on") != 0)
		return (err_set(e, EEXIST, "dataset '%s' is there already and is no image", name));
	return (m->ds->destroy(m->ds_ctx, name, e));
}

static int
create_marked(const struct machine *m, const char *name, struct err *e)
{
	struct nvlist *props = nv_new();
	int rc;

	if (props == NULL || nv_add_str(props, MARK, "on") != 0)
		rc = err_set(e, ENOMEM, "out of memory");
	else
		rc = m->ds->create(m->ds_ctx, name, props, e);
	nv_free(props);
	return (rc);
}

/* Open <mountpoint>/root, made here. */
static int
open_root(const struct machine *m, const char *name, struct err *e)
{
	char path[PATH_MAX - 16], root[PATH_MAX];
	int fd, rc;

	if ((rc = machine_mountpoint(m, name, path, sizeof(path), e)) != 0)
		return (rc);
	(void)snprintf(root, sizeof(root), "%s/root", path);
	if (mkdir(root, 0755) != 0 && errno != EEXIST)
		return (err_sys(e, errno, "cannot create '%s'", root));
	if ((fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return (err_sys(e, errno, "cannot open '%s'", root));
	return (fd);
}

struct intake {
	struct unpack *unpack;
	struct digest *digest; /* NULL: the manifest gives none */
	struct progress *bar;
	const char *want; /* hex */
	json_int_t want_size;
	json_int_t size;
};

/* Step 4.  -EPIPE means that the unpacker stopped; it knows why. */
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
compare(struct intake *in, const char *algo, struct err *e)
{
	char hex[DIGEST_HEX_MAX];

	if (in->want_size >= 0 && in->size != in->want_size)
		return (err_set(e, EBADMSG, "the file has %lld bytes, the manifest says %lld",
		    (long long)in->size, (long long)in->want_size));
	if (in->digest == NULL)
		return (0);
	digest_hex(in->digest, hex);
	if (strcasecmp(hex, in->want) != 0)
		return (err_set(e, EBADMSG, "%s checksum of the file is %s, the manifest says %s", algo,
		    hex, in->want));
	return (0);
}

/* Steps 4 and 5.  A wrong digest is said before what the unpacker stumbled over because of it. */
static int
take_in(struct intake *in, const struct image_file *file, const char *algo, struct err *e)
{
	struct err why = ERR_INIT;
	int fed = feed(in, file, e), rc;

	if (fed != 0 && fed != -EPIPE) {
		unpack_abort(in->unpack);
		return (fed);
	}
	rc = unpack_finish(in->unpack, NULL, &why);
	if (fed == 0 && compare(in, algo, e) != 0)
		return (-EBADMSG);
	if (rc != 0)
		return (err_set(e, why.code, "cannot unpack: %s", why.msg));
	return (fed);
}

/* title NULL: no progress bar. */
static int
fill_root(int dirfd, const json_t *manifest, const struct image_file *file, const char *title,
    struct err *e)
{
	struct intake in = {.want_size = manifest_size(manifest)};
	const char *algo = "";
	int rc = 0;

	if (manifest_digest(manifest, &algo, &in.want) &&
	    (rc = digest_new(algo, &in.digest, e)) != 0)
		return (rc);
	if ((rc = unpack_start(dirfd, &in.unpack, e)) == 0) {
		if (title != NULL)
			in.bar = progress_new(title, in.want_size > 0 ? (uint64_t)in.want_size : 0);
		rc = take_in(&in, file, algo, e);
		if (in.bar != NULL)
			progress_end(in.bar);
	}
	digest_free(in.digest);
	if (rc == 0 && syncfs(dirfd) != 0)
		rc = err_sys(e, errno, "cannot sync the image's file system");
	return (rc);
}

/* Steps 3 to 8. */
static int
build(const struct machine *m, const json_t *manifest, const struct image_file *file,
    const char *source, struct err *e)
{
	const char *uuid = json_str(manifest, "uuid", "");
	char name[256], final[256];
	int dirfd = -1, rc;

	dataset_name(m, uuid, name, sizeof(name));
	final_name(m, uuid, final, sizeof(final));
	if ((rc = create_marked(m, name, e)) != 0)
		return (rc);
	if ((dirfd = rc = open_root(m, name, e)) >= 0) {
		rc = fill_root(dirfd, manifest, file, m->quiet ? NULL : name, e);
		(void)close(dirfd);
	}
	if (rc == 0)
		rc = image_set_manifest(m, manifest, source, e);
	if (rc == 0)
		rc = m->ds->snapshot(m->ds_ctx, final, e);
	if (rc != 0) {
		(void)m->ds->destroy(m->ds_ctx, name, NULL);
		remove_entry(m, uuid);
		return (rc);
	}
	(void)m->ds->set(m->ds_ctx, name, MARK, "off", NULL);
	return (0);
}

static int
check_supported(const struct machine *m, const json_t *manifest, struct err *e)
{
	const char *origin = json_str(manifest, "origin", NULL);

	if (strcmp(json_str(manifest, "type", ""), "zvol") == 0)
		return (err_set(e, ENOTSUP, "images of type zvol cannot be installed yet"));
	if (origin != NULL)
		return (err_set(e, ENOTSUP,
		    "incremental images (origin %s) are zfs streams, which cannot be installed yet",
		    origin));
	if (!m->ds->pool_is_imported(m->ds_ctx, m->pool))
		return (err_set(e, ENOENT, "zpool '%s' is not imported", m->pool));
	return (0);
}

int
image_install(const struct machine *m, const json_t *manifest, const struct image_file *file,
    const char *source, struct err *e)
{
	const char *uuid = json_str(manifest, "uuid", "");
	bool there = false;
	int lock, rc;

	if ((rc = check_supported(m, manifest, e)) != 0)
		return (rc);
	if ((lock = take_lock(m, uuid, e)) < 0)
		return (lock);
	rc = image_is_installed(m, uuid, &there, e);
	if (rc == 0 && there)
		rc = -EEXIST;
	if (rc == 0 && (rc = clear_leftover(m, uuid, e)) == 0)
		rc = build(m, manifest, file, source, e);
	file_unlock(lock);
	return (rc);
}

/* --- delete and recover ----------------------------------------------------------------------- */

static int
refuse_clones(const char *uuid, const json_t *names, struct err *e)
{
	char list[512] = "";
	size_t i, n = 0;
	json_t *v;

	json_array_foreach((json_t *)(uintptr_t)names, i, v)
		if (n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i > 0 ? ", " : "",
			    json_string_value(v));
	return (err_set(e, EBUSY, "image %s has %zu dependent clone%s: %s", uuid, i, i == 1 ? "" : "s",
	    list));
}

int
image_delete(const struct machine *m, const char *uuid, struct err *e)
{
	json_t *entry = NULL, *names;
	char name[256];
	int lock, rc;

	if ((lock = take_lock(m, uuid, e)) < 0)
		return (lock);
	if ((rc = image_get(m, uuid, &entry, e)) != 0)
		goto out;
	names = json_object_get(entry, "cloneNames");
	if (json_array_size(names) > 0) {
		rc = refuse_clones(uuid, names, e);
		goto out;
	}
	dataset_name(m, uuid, name, sizeof(name));
	if ((rc = m->ds->destroy(m->ds_ctx, name, e)) == 0)
		remove_entry(m, uuid);
out:
	json_decref(entry);
	file_unlock(lock);
	return (rc);
}

static int
collect_uuid(const struct dataset_row *row, void *arg)
{
	json_t *list = arg;
	const char *slash = strchr(row->name, '/');

	if (slash != NULL && uuid_is_valid(slash + 1))
		(void)json_array_append_new(list, json_string(slash + 1));
	return (0);
}

/* Remove one leftover if it is one; the lock tells an install that is still running. */
static int
recover_one(const struct machine *m, const char *uuid)
{
	char path[PATH_MAX], name[256], mark[16];
	bool there = true;
	int lock, done = 0;

	dataset_name(m, uuid, name, sizeof(name));
	if (m->ds->get(m->ds_ctx, name, MARK, mark, sizeof(mark), NULL) != 0 ||
	    strcmp(mark, "on") != 0)
		return (0);
	(void)snprintf(path, sizeof(path), "%s/img.%s.import.lock", m->zenv.run, uuid);
	if ((lock = file_lock(path, false, true, NULL)) < 0)
		return (0);
	if (image_is_installed(m, uuid, &there, NULL) == 0 && !there &&
	    m->ds->destroy(m->ds_ctx, name, NULL) == 0) {
		remove_entry(m, uuid);
		done = 1;
	}
	file_unlock(lock);
	return (done);
}

int
image_recover(const struct machine *m, struct err *e)
{
	json_t *uuids = json_array(), *v;
	int rc = m->ds->list(m->ds_ctx, m->pool, collect_uuid, uuids, e), n = 0;
	size_t i;

	if (rc == 0)
		rc = file_mkdirs(m->zenv.run, 0755, e);
	if (rc == 0)
		json_array_foreach(uuids, i, v)
			n += recover_one(m, json_string_value(v));
	json_decref(uuids);
	return (rc != 0 ? rc : n);
}
