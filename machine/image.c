/* SPDX-License-Identifier: MIT */
/*
 * Installed images.
 *
 * An image is POOL/UUID with a snapshot @final and a database entry <var>/imgadm/images/POOL-UUID.json: a
 * filesystem with the root of a zone below root/, or a volume.  Its file is an archive of that root, or a zfs
 * stream (machine/image_stream.c), which for volumes and for what hangs on an origin is the only
 * way.  The dataset decides: an entry alone is nothing, a dataset without an entry is an image of
 * which only the uuid is known.
 *
 * Install of an archive, and what a power cut leaves at each step:
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
#include "smartbox/machine/manifest.h"
#include "image_impl.h"

/* --- names ------------------------------------------------------------------------------------ */

void
image_dataset(const struct machine *m, const char *uuid, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/%s", m->pool, uuid);
}

void
image_final(const struct machine *m, const char *uuid, char *buf, size_t size)
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

void
image_discard(const struct machine *m, const char *uuid)
{
	char name[256];

	image_dataset(m, uuid, name, sizeof(name));
	(void)m->ds->destroy(m->ds_ctx, name, NULL);
	remove_entry(m, uuid);
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

	image_final(s->m, uuid, final, sizeof(final));
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

	image_final(m, uuid, final, sizeof(final));
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

	image_dataset(m, uuid, name, sizeof(name));
	if ((rc = m->ds->exists(m->ds_ctx, name, &there, e)) != 0 || !there)
		return (rc);
	rc = m->ds->get(m->ds_ctx, name, IMAGE_MARK, mark, sizeof(mark), NULL);
	if (rc != 0 || strcmp(mark, "on") != 0)
		return (err_set(e, EEXIST, "dataset '%s' is there already and is no image", name));
	return (m->ds->destroy(m->ds_ctx, name, e));
}

static int
create_marked(const struct machine *m, const char *name, struct err *e)
{
	struct nvlist *props = nv_new();
	int rc;

	if (props == NULL || nv_add_str(props, IMAGE_MARK, "on") != 0)
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

static int
fill_root(const struct machine *m, const char *name, int dirfd, const json_t *manifest,
    const struct image_file *file, struct err *e)
{
	struct intake in;
	int rc = intake_open(&in, m, manifest, name, e);

	if (rc == 0 && (rc = unpack_start(dirfd, &in.unpack, e)) == 0)
		rc = intake_run(&in, file, e);
	intake_close(&in);
	if (rc == 0 && syncfs(dirfd) != 0)
		rc = err_sys(e, errno, "cannot sync the image's file system");
	return (rc);
}

/* Steps 3 to 8, of an archive. */
static int
build_archive(const struct machine *m, const json_t *manifest, const struct image_file *file,
    const char *source, struct err *e)
{
	const char *uuid = json_str(manifest, "uuid", "");
	char name[256], final[256];
	int dirfd = -1, rc;

	image_dataset(m, uuid, name, sizeof(name));
	image_final(m, uuid, final, sizeof(final));
	if ((rc = create_marked(m, name, e)) != 0)
		return (rc);
	if ((dirfd = rc = open_root(m, name, e)) >= 0) {
		rc = fill_root(m, name, dirfd, manifest, file, e);
		(void)close(dirfd);
	}
	if (rc == 0)
		rc = image_set_manifest(m, manifest, source, e);
	if (rc == 0)
		rc = m->ds->snapshot(m->ds_ctx, final, e);
	if (rc != 0) {
		image_discard(m, uuid);
		return (rc);
	}
	(void)m->ds->set(m->ds_ctx, name, IMAGE_MARK, "off", NULL);
	return (0);
}

/* What the file is, its first bytes say; so they are read before there is a dataset. */
static int
build(const struct machine *m, const json_t *manifest, const struct image_file *file,
    const char *source, struct err *e)
{
	struct image_peek p = {.under = file};
	struct image_file all = {image_peek_read, &p};
	bool is_stream;
	int rc;

	if ((rc = image_peek(m, &p, &is_stream, e)) == 0 && is_stream)
		rc = image_build_stream(m, manifest, &all, source, e);
	else if (rc == 0 && strcmp(json_str(manifest, "type", ""), "zvol") == 0)
		rc = err_set(e, EBADMSG, "the file is not a zfs stream, as images of type zvol are");
	else if (rc == 0 && json_str(manifest, "origin", NULL) != NULL)
		rc = err_set(e, EBADMSG, "the file is not a zfs stream, as images with an origin are");
	else if (rc == 0)
		rc = build_archive(m, manifest, &all, source, e);
	image_peek_free(&p);
	return (rc);
}

static int
check_supported(const struct machine *m, const json_t *manifest, struct err *e)
{
	const char *origin = json_str(manifest, "origin", NULL);
	bool there = true;
	int rc;

	if (origin != NULL && (rc = image_is_installed(m, origin, &there, e)) != 0)
		return (rc);
	if (!there)
		return (err_set(e, ENOLINK, "origin image \"%s\" was not found", origin));
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
	image_dataset(m, uuid, name, sizeof(name));
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

	image_dataset(m, uuid, name, sizeof(name));
	if (m->ds->get(m->ds_ctx, name, IMAGE_MARK, mark, sizeof(mark), NULL) != 0 ||
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
