/* SPDX-License-Identifier: MIT */
/*
 * The disks of virtual machines: volumes.
 *
 *	kvm	POOL/ZONENAME-diskN	beside the machine's dataset
 *	bhyve	POOL/ZONENAME/diskN	below it
 *
 * A disk is a clone of an image's volume (image_uuid) or an empty volume (size); one with nocreate, and a
 * cdrom, names something that is there already and is never made or destroyed by us.  Its path,
 * /dev/zvol/rdsk/ and the volume's name, is its key in updates, as in SmartOS.
 *
 * A volume that a create makes carries the same mark as the machine's dataset (machine/vm_create.c,
 * invariant 2).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/json.h"
#include "smartbox/machine/image.h"
#include "smartbox/machine/prop.h"
#include "vm_impl.h"

#define RDSK "/dev/zvol/rdsk/"
enum { DISKS_MAX = 16, BLOCK_SIZE = 8192 };

bool
vm_brand_is_hvm(const char *brand)
{
	char letter = brand_letter(brand);

	return (letter == 'K' || letter == 'H');
}

const char *
vm_disk_volume(const json_t *disk)
{
	const char *path = json_str(disk, "path", "");

	return (strncmp(path, RDSK, strlen(RDSK)) == 0 ? path + strlen(RDSK) : NULL);
}

/* Made by us, so ours to destroy. */
static bool
is_owned(const json_t *disk)
{
	return (vm_disk_volume(disk) != NULL && !json_bool(disk, "nocreate", false) &&
	    strcmp(json_str(disk, "media", "disk"), "cdrom") != 0);
}

/* --- from payload to stored form --------------------------------------------------------------- */

static void
give_path(const json_t *vm, const json_t *disks, const json_t *taken, json_t *disk)
{
	bool sibling = brand_letter(json_str(vm, "brand", "")) == 'K';
	const char *pool = json_str(disk, "zpool", json_str(vm, "zpool", "zones"));
	char path[VM_DATASET_MAX];

	for (unsigned n = 0; n < DISKS_MAX; n++) {
		(void)snprintf(path, sizeof(path), RDSK "%s/%s%sdisk%u", pool,
		    json_str(vm, "zonename", ""), sibling ? "-" : "/", n);
		if (json_find(disks, "path", path) < 0 && json_find(taken, "path", path) < 0)
			break;
	}
	(void)json_object_set_new(disk, "path", json_string(path));
}

static int
check_model(const json_t *vm, const json_t *disks, json_t *disk, struct err *e)
{
	bool kvm = brand_letter(json_str(vm, "brand", "")) == 'K';
	const char *model = json_str(disk, "model", json_str(vm, "disk_driver", NULL));
	const char *valid = kvm ? "virtio,scsi,ide" : "virtio,ahci,nvme";
	char *text;

	if (model == NULL)
		model = json_str(json_array_get(disks, 0), "model", NULL);
	if (model == NULL) {
		text = json_dumps(disk, JSON_COMPACT);
		(void)err_set(e, EINVAL, "missing .model option for disk: %s", text != NULL ? text : "");
		free(text);
		return (-EINVAL);
	}
	if (strstr(valid, model) == NULL)
		return (err_set(e, EINVAL, "\"%s\" is not a valid disk model for %s brand. Valid are: %s",
		    model, json_str(vm, "brand", ""), valid));
	(void)json_object_set_new(disk, "model", json_string(model));
	return (0);
}

static int
take_image(const struct machine *m, json_t *disk, const char *uuid, struct err *e)
{
	json_t *image, *manifest;
	json_int_t size;
	int rc = image_get(m, uuid, &image, e);

	if (rc == -ENOENT)
		return (err_set(e, EINVAL, "Invalid value(s) for: image_uuid (image %s is not installed, "
		    "see imgadm list)", uuid));
	if (rc != 0)
		return (rc);
	manifest = json_object_get(image, "manifest");
	size = json_int(manifest, "image_size", 0);
	if (strcmp(json_str(manifest, "type", ""), "zvol") != 0)
		rc = err_set(e, EINVAL, "Invalid value(s) for: image_uuid (image %s is of type %s, a "
		    "disk's is zvol)", uuid, json_str(manifest, "type", "-"));
	else if (json_int(disk, "image_size", size) != size)
		rc = err_set(e, EINVAL, "Invalid value(s) for: image_size (image %s has %lld)", uuid,
		    (long long)size);
	else if (size > 0)
		(void)json_object_set_new(disk, "image_size", json_integer(size));
	json_decref(image);
	return (rc);
}

static int
check_size(const struct machine *m, json_t *disk, struct err *e)
{
	const char *image = json_str(disk, "image_uuid", NULL);
	json_int_t block = json_int(disk, "block_size", BLOCK_SIZE);

	if (json_bool(disk, "nocreate", false) || strcmp(json_str(disk, "media", ""), "cdrom") == 0)
		return (0);
	if ((block & (block - 1)) != 0)
		return (err_set(e, EINVAL,
		    "invalid .block_size(%lld), must be 512-131072 and a power of 2.", (long long)block));
	if (image != NULL && json_object_get(disk, "block_size") != NULL)
		return (err_set(e, EINVAL, "Invalid value(s) for: block_size (an image's disk has that of "
		    "the image)"));
	if (image != NULL)
		return (take_image(m, disk, image, e));
	if (json_int(disk, "size", 0) <= 0)
		return (err_set(e, EINVAL, "Missing required properties: disks.*.size (or image_uuid)"));
	return (0);
}

/* One that the machine had before has its path already. */
static int
take_disk(const struct machine *m, const json_t *vm, const json_t *taken, json_t *disk, struct err *e)
{
	json_t *disks = json_object_get(vm, "disks");
	bool named = json_object_get(disk, "path") != NULL;
	bool foreign = json_bool(disk, "nocreate", false) ||
	    strcmp(json_str(disk, "media", ""), "cdrom") == 0;
	int rc;

	if (named && !foreign)
		return (err_set(e, EINVAL,
		    "you cannot specify a path for a disk unless you set nocreate=true"));
	if ((rc = check_model(vm, disks, disk, e)) != 0 || (rc = check_size(m, disk, e)) != 0)
		return (rc);
	if (json_object_get(disk, "media") == NULL)
		(void)json_object_set_new(disk, "media", json_string("disk"));
	if (!named)
		give_path(vm, disks, taken, disk);
	return (0);
}

int
vm_disks_normalize(const struct machine *m, const json_t *vm, size_t first, const json_t *taken,
    struct err *e)
{
	json_t *disks = json_object_get(vm, "disks"), *disk;
	size_t i, boots = 0;
	int rc;

	if (json_array_size(disks) > DISKS_MAX)
		return (err_set(e, EINVAL, "more than %d disks", DISKS_MAX));
	json_array_foreach(disks, i, disk) {
		if (i >= first && (rc = take_disk(m, vm, taken, disk, e)) != 0)
			return (rc);
		boots += json_bool(disk, "boot", false);
	}
	return (boots > 1 ? err_set(e, EINVAL, "only one disk can have boot: true") : 0);
}

/* --- making and destroying ---------------------------------------------------------------------- */

static int
make_volume(const struct machine *m, const json_t *disk, const char *name, bool marked, struct err *e)
{
	const char *image = json_str(disk, "image_uuid", NULL), *comp = json_str(disk, "compression", NULL);
	bool sparse = json_object_get(disk, "refreservation") != NULL &&
	    json_int(disk, "refreservation", 1) == 0;
	struct nvlist *props = nv_new();
	char text[VM_DATASET_MAX];
	int rc = 0;

	if (props == NULL || (marked && nv_add_str(props, VM_MARK, "on") != 0) ||
	    (comp != NULL && nv_add_str(props, "compression", comp) != 0)) {
		rc = err_set(e, ENOMEM, "out of memory");
	} else if (image != NULL) {
		(void)snprintf(text, sizeof(text), "%.*s/%s@final", (int)strcspn(name, "/"), name, image);
		rc = m->ds->clone(m->ds_ctx, text, name, props, e);
	} else {
		(void)snprintf(text, sizeof(text), "%lld",
		    (long long)json_int(disk, "block_size", BLOCK_SIZE));
		if (nv_add_str(props, "volblocksize", text) != 0)
			rc = err_set(e, ENOMEM, "out of memory");
		else
			rc = m->ds->create_volume(m->ds_ctx, name,
			    (uint64_t)json_int(disk, "size", 0) << 20, sparse, props, e);
	}
	nv_free(props);
	return (rc != 0 ? err_wrap(e, "disk '%s'", name) : 0);
}

int
vm_disks_create(const struct machine *m, const json_t *disks, bool marked, struct err *e)
{
	size_t i;
	json_t *disk;
	int rc;

	json_array_foreach((json_t *)(uintptr_t)disks, i, disk) {
		const char *name = vm_disk_volume(disk);
		bool there;

		if (!is_owned(disk))
			continue;
		if ((rc = m->ds->exists(m->ds_ctx, name, &there, e)) != 0 ||
		    (!there && (rc = make_volume(m, disk, name, marked, e)) != 0))
			return (rc);
	}
	return (0);
}

/* --- changing ----------------------------------------------------------------------------------- */

static json_t *
disk_of(const json_t *disks, const char *path)
{
	size_t i;
	json_t *d;

	json_array_foreach((json_t *)(uintptr_t)disks, i, d)
		if (strcmp(json_str(d, "path", ""), path) == 0)
			return (d);
	return (NULL);
}

static const char *const shown[] = {"size", "block_size", "refreservation", "compression"};

/* What is only shown is not wanted: keep of it what the update changes, or a wish would follow each look. */
static void
keep_changes(const json_t *before, json_t *disk)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (json_equal(json_object_get(before, shown[i]), json_object_get(disk, shown[i])))
			(void)json_object_del(disk, shown[i]);
}

static int
check_change(const json_t *before, json_t *disk, bool running, struct err *e)
{
	json_int_t had = json_int(before, "size", 0), size = json_int(disk, "size", had);

	if (running && size != had)
		return (err_set(e, EINVAL, "updates to disks are only allowed when state is 'stopped', but "
		    "for compression and refreservation"));
	if (size < had && !json_bool(disk, "dangerous_allow_shrink", false))
		return (err_set(e, EINVAL, "cannot resize disk '%s' from %lld to %lld MiB: what is behind would "
		    "be lost (set dangerous_allow_shrink)", json_str(disk, "path", ""), (long long)had,
		    (long long)size));
	return (0);
}

int
vm_disks_changes(const json_t *before, json_t *after, bool running, struct err *e)
{
	size_t i;
	json_t *disk;
	int rc;

	json_array_foreach(after, i, disk) {
		const json_t *was = disk_of(before, json_str(disk, "path", ""));

		if (was == NULL)
			continue;
		if ((rc = check_change(was, disk, running, e)) != 0)
			return (rc);
		keep_changes(was, disk);
	}
	return (0);
}

/* A number of MiB that the volume does not have yet. */
static int
set_mib(const struct machine *m, const json_t *disk, const char *member, const char *prop, struct err *e)
{
	const char *name = vm_disk_volume(disk);
	json_int_t want = json_int(disk, member, -1);
	char text[64];

	if (want < 0 || m->ds->get(m->ds_ctx, name, prop, text, sizeof(text), NULL) != 0 ||
	    (json_int_t)(strtoull(text, NULL, 10) >> 20) == want)
		return (0);
	(void)snprintf(text, sizeof(text), "%lld", (long long)want << 20);
	return (m->ds->set(m->ds_ctx, name, prop, text, e));
}

static int
set_compression(const struct machine *m, const json_t *disk, struct err *e)
{
	const char *want = json_str(disk, "compression", NULL), *name = vm_disk_volume(disk);
	char text[64];

	if (want == NULL || (m->ds->get(m->ds_ctx, name, "compression", text, sizeof(text), NULL) == 0 &&
	                        strcmp(text, want) == 0))
		return (0);
	return (m->ds->set(m->ds_ctx, name, "compression", want, e));
}

/* One that is there already becomes what its row says. */
static int
apply_volume(const struct machine *m, const json_t *disk, struct err *e)
{
	int rc;

	if ((rc = set_compression(m, disk, e)) == 0 &&
	    (rc = set_mib(m, disk, "refreservation", "refreservation", e)) == 0)
		rc = set_mib(m, disk, "size", "volsize", e);
	return (rc != 0 ? err_wrap(e, "disk '%s'", vm_disk_volume(disk)) : 0);
}

int
vm_disks_apply(const struct machine *m, const json_t *disks, struct err *e)
{
	size_t i;
	json_t *disk;
	int rc = 0;

	json_array_foreach((json_t *)(uintptr_t)disks, i, disk)
		if (rc == 0 && is_owned(disk))
			rc = apply_volume(m, disk, e);
	return (rc);
}

static int
destroy_volume(const struct machine *m, const char *name, bool need_mark, struct err *e)
{
	char mark[16] = "";
	bool there;
	int rc = m->ds->exists(m->ds_ctx, name, &there, e);

	if (rc != 0 || !there)
		return (rc);
	if (need_mark && (m->ds->get(m->ds_ctx, name, VM_MARK, mark, sizeof(mark), NULL) != 0 ||
	                     strcmp(mark, "on") != 0))
		return (0);
	return (m->ds->destroy(m->ds_ctx, name, e));
}

int
vm_disks_destroy(const struct machine *m, const json_t *disks, const json_t *except, bool need_mark,
    struct err *e)
{
	size_t i;
	json_t *disk;
	int rc = 0;

	json_array_foreach((json_t *)(uintptr_t)disks, i, disk)
		if (rc == 0 && is_owned(disk) &&
		    json_find(except, "path", json_str(disk, "path", "")) < 0)
			rc = destroy_volume(m, vm_disk_volume(disk), need_mark, e);
	return (rc);
}

void
vm_disks_unmark(const struct machine *m, const json_t *disks)
{
	size_t i;
	json_t *disk;

	json_array_foreach((json_t *)(uintptr_t)disks, i, disk)
		if (is_owned(disk))
			(void)m->ds->set(m->ds_ctx, vm_disk_volume(disk), VM_MARK, "off", NULL);
}

/* --- showing ------------------------------------------------------------------------------------ */

static void
show_number(const struct machine *m, json_t *disk, const char *prop, const char *member, unsigned shift)
{
	char text[64];

	if (m->ds->get(m->ds_ctx, vm_disk_volume(disk), prop, text, sizeof(text), NULL) == 0)
		(void)json_object_set_new(disk, member,
		    json_integer((json_int_t)(strtoull(text, NULL, 10) >> shift)));
}

void
vm_disks_show(const struct machine *m, json_t *disks)
{
	size_t i;
	json_t *disk;
	char text[64];

	json_array_foreach(disks, i, disk) {
		const char *name = vm_disk_volume(disk);

		if (name == NULL)
			continue;
		(void)json_object_set_new(disk, "zfs_filesystem", json_string(name));
		(void)json_object_set_new(disk, "zpool", json_stringn(name, strcspn(name, "/")));
		show_number(m, disk, "volsize", "size", 20);
		show_number(m, disk, "volblocksize", "block_size", 0);
		show_number(m, disk, "refreservation", "refreservation", 20);
		if (m->ds->get(m->ds_ctx, name, "compression", text, sizeof(text), NULL) == 0)
			(void)json_object_set_new(disk, "compression", json_string(text));
	}
}
