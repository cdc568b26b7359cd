/* SPDX-License-Identifier: MIT */
/*
 * One record of a stream, done to an objset.
 *
 * Objects keep their numbers.  An OBJECT for a number that is in use may be the same object with other
 * attributes, or another one that took the number: then what it had goes first.  They are told apart by
 * what cannot change in an object's life: slots, shape, and the generation among its attributes.
 *
 *	block size here -> in the stream	same generation		meaning
 *	equal					any			keep
 *	128K <-> larger				yes			a -L was added or left out: keep ours
 *	other					any			new contents follow: drop
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recv_impl.h"
#include "smartbox/fs/compress.h"

#define SA_MAGIC 0x2F505AU
#define SA_GEN_OFFSET 16 /* behind the header: mode, size, gen */
#define OT_OLD_TYPES 54

int
recv_refuse(struct err *e, const char *what, uint64_t obj)
{
	return (err_set(e, EINVAL, "invalid stream (%s of object %llu)", what, (unsigned long long)obj));
}

void
recv_note(struct recv_target *t, uint64_t object, uint64_t offset)
{
	t->noted = true;
	t->note_object = object;
	t->note_offset = offset;
	t->note_bytes = t->bytes;
}

/* --- OBJECT ----------------------------------------------------------------------------------- */

/* The generation of a file from its attributes as they lie in a bonus. */
static bool
generation(const uint8_t *bonus, uint32_t len, uint64_t *gen)
{
	uint32_t magic;
	uint16_t info;
	size_t at;

	if (len < 8)
		return (false);
	memcpy(&magic, bonus, sizeof(magic));
	memcpy(&info, bonus + 4, sizeof(info));
	at = (size_t)(info >> 10) * 8 + SA_GEN_OFFSET;
	if (magic != SA_MAGIC || at + sizeof(*gen) > len)
		return (false);
	memcpy(gen, bonus + at, sizeof(*gen));
	return (true);
}

static bool
is_same_file(struct recv_target *t, const struct stream_record *r, const void *payload)
{
	uint64_t ours = 0, theirs = 0;
	struct dbuf *db;
	bool same;

	if (r->u.object.bonus_type != OT_SA ||
	    !generation(payload, r->u.object.bonus_len, &theirs) ||
	    dmu_bonus_hold(t->os, r->u.object.object, &db) != 0)
		return (false);
	same = generation(dbuf_data(db), dbuf_size(db), &ours) && ours == theirs;
	dbuf_rele(db);
	return (same);
}

/* One side's -L: blocks above 128K are cut in one stream and whole in another. */
static bool
is_large_toggle(uint32_t ours, uint32_t theirs)
{
	return ((ours == BLOCK_OLD_MAX_BYTES && theirs > ours) ||
	    (theirs == BLOCK_OLD_MAX_BYTES && ours > theirs));
}

static bool
must_drop(struct recv_target *t, const struct stream_record *r, const struct dmu_info *i,
    const void *payload)
{
	uint32_t slots = r->u.object.slots == 0 ? 1 : r->u.object.slots;
	uint32_t need = r->u.object.bonus_len;

	if (i->dnode_size != slots * SECTOR_SIZE)
		return (true);
	if (need > dmu_bonus_capacity(t->os, r->u.object.object,
	    (r->u.object.flags & OBJECT_HAS_SPILL) != 0))
		return (true);
	if (i->block_size == r->u.object.block_size)
		return (false);
	return (t->full || !is_large_toggle(i->block_size, r->u.object.block_size) ||
	    !is_same_file(t, r, payload));
}

/* A dnode of several slots takes the place of objects that are no more. */
static int
clear_slots(struct recv_target *t, uint64_t obj, unsigned slots)
{
	struct dmu_info info;
	int rc = 0;

	for (uint64_t o = obj + 1; o < obj + slots && rc == 0; o++) {
		rc = dmu_object_info(t->os, o, &info);
		rc = rc == -ENOENT ? 0 : rc != 0 ? rc : dmu_object_free(t->os, o);
	}
	return (rc);
}

static int
object_make(struct recv_target *t, const struct stream_record *r, struct err *e)
{
	unsigned slots = r->u.object.slots == 0 ? 1 : r->u.object.slots;
	int rc;

	if (slots > 1) {
		if (!(t->features & STREAM_LARGE_DNODE))
			return (recv_refuse(e, "size", r->u.object.object));
		ds_feature_note(t->ds, "org.zfsonlinux:large_dnode");
		if ((rc = clear_slots(t, r->u.object.object, slots)) != 0)
			return (err_rc(e, rc, "object"));
	}
	rc = dmu_object_claim_slots(t->os, r->u.object.object, slots, r->u.object.type,
	    r->u.object.block_size, r->u.object.bonus_type, r->u.object.bonus_len);
	return (rc == -EINVAL || rc == -EEXIST ? recv_refuse(e, "place", r->u.object.object) :
						 err_rc(e, rc, "object"));
}

static int
object_reshape(struct recv_target *t, const struct stream_record *r, const struct dmu_info *i)
{
	uint64_t obj = r->u.object.object;
	int rc = 0;

	if (i->has_spill && t->spill_flags && !(r->u.object.flags & OBJECT_HAS_SPILL))
		rc = dmu_spill_remove(t->os, obj);
	if (rc == 0 && i->type != r->u.object.type)
		rc = dmu_object_set_type(t->os, obj, r->u.object.type);
	if (rc == 0 && (i->bonus_type != r->u.object.bonus_type || i->bonus_len != r->u.object.bonus_len))
		rc = dmu_bonus_set(t->os, obj, r->u.object.bonus_type, r->u.object.bonus_len);
	return (rc);
}

static int
object_fill(struct recv_target *t, const struct stream_record *r, const void *payload)
{
	uint64_t obj = r->u.object.object;
	struct dmu_info info;
	struct dbuf *db;
	int rc;

	if ((rc = dmu_object_info(t->os, obj, &info)) != 0)
		return (rc);
	if (info.checksum != r->u.object.checksum &&
	    (rc = dmu_object_set_checksum(t->os, obj, r->u.object.checksum)) != 0)
		return (rc);
	if (info.compress != r->u.object.compress &&
	    (rc = dmu_object_set_compress(t->os, obj, r->u.object.compress)) != 0)
		return (rc);
	if (r->u.object.bonus_len == 0)
		return (0);
	if ((rc = dmu_bonus_hold(t->os, obj, &db)) != 0)
		return (rc);
	if (dbuf_size(db) < r->u.object.bonus_len)
		rc = -EINVAL;
	else if (memcmp(dbuf_data(db), payload, r->u.object.bonus_len) != 0 && (rc = dbuf_dirty(db)) == 0)
		memcpy(dbuf_data(db), payload, r->u.object.bonus_len);
	dbuf_rele(db);
	return (rc);
}

static bool
object_is_legal(const struct recv_target *t, const struct stream_record *r)
{
	unsigned type = r->u.object.type, bonus = r->u.object.bonus_type;

	return ((type < OT_OLD_TYPES || type >= 0x80) && (bonus < OT_OLD_TYPES || bonus >= 0x80) &&
	    r->u.object.raw_bonus_len == 0 && r->u.object.nblkptr == 0 && r->u.object.levels == 0 &&
	    r->u.object.checksum < CK_IDS && r->u.object.compress < COMP_IDS &&
	    (r->u.object.block_size <= BLOCK_OLD_MAX_BYTES || (t->features & STREAM_LARGE_BLOCKS)) &&
	    (t->spill_flags || !(r->u.object.flags & OBJECT_HAS_SPILL)));
}

static int
apply_object(struct recv_target *t, const struct stream_record *r, const void *payload, struct err *e)
{
	uint64_t obj = r->u.object.object;
	struct dmu_info info;
	int rc;

	if (!object_is_legal(t, r))
		return (recv_refuse(e, "shape", obj));
	rc = dmu_object_info(t->os, obj, &info);
	if (rc == 0 && must_drop(t, r, &info, payload))
		rc = (rc = dmu_object_free(t->os, obj)) == 0 ? -ENOENT : rc;
	if (rc == -ENOENT)
		rc = object_make(t, r, e);
	else if (rc == 0)
		rc = err_rc(e, object_reshape(t, r, &info), "object %llu", (unsigned long long)obj);
	if (rc != 0)
		return (rc);
	if ((rc = object_fill(t, r, payload)) == 0)
		recv_note(t, obj, 0);
	return (err_rc(e, rc, "object %llu", (unsigned long long)obj));
}

static int
apply_freeobjects(struct recv_target *t, const struct stream_record *r, struct err *e)
{
	uint64_t first = r->u.freeobjects.first, end = first + r->u.freeobjects.count;
	uint64_t obj = first == 0 ? 0 : first - 1;
	int rc;

	if (end < first)
		return (recv_refuse(e, "range", first));
	while ((rc = dmu_object_next(t->os, &obj)) == 0 && obj < end)
		if ((rc = dmu_object_free(t->os, obj)) != 0)
			break;
	return (rc == 0 || rc == -ESRCH ? 0 : err_rc(e, rc, "objects"));
}

/* --- data ------------------------------------------------------------------------------------- */

static int
check_exists(struct recv_target *t, uint64_t obj, struct err *e)
{
	struct dmu_info info;
	int rc = dmu_object_info(t->os, obj, &info);

	return (rc == -ENOENT ? recv_refuse(e, "data", obj) : err_rc(e, rc, "object"));
}

static int
apply_free(struct recv_target *t, const struct stream_record *r, struct err *e)
{
	uint64_t obj = r->u.free.object;
	int rc;

	if (r->u.free.length != STREAM_TO_END &&
	    r->u.free.offset + r->u.free.length < r->u.free.offset)
		return (recv_refuse(e, "range", obj));
	if ((rc = check_exists(t, obj, e)) != 0)
		return (rc);
	return (err_rc(e, dmu_free_range(t->os, obj, r->u.free.offset, r->u.free.length),
	    "object %llu", (unsigned long long)obj));
}

/* An unmodified one is there already, unless the object was made anew. */
static int
apply_spill(struct recv_target *t, const struct stream_record *r, const void *payload, struct err *e)
{
	uint64_t obj = r->u.spill.object;
	struct dmu_info info;
	struct dbuf *db;
	int rc;

	if (r->u.spill.compressed_size != 0 || r->u.spill.length > BLOCK_OLD_MAX_BYTES)
		return (recv_refuse(e, "spill block", obj));
	if ((rc = check_exists(t, obj, e)) != 0 || (rc = dmu_object_info(t->os, obj, &info)) != 0)
		return (err_rc(e, rc, "object"));
	if (info.has_spill && t->spill_flags && (r->u.spill.flags & SPILL_UNMODIFIED))
		return (0);
	if ((rc = dmu_spill_hold(t->os, obj, true, (uint32_t)r->u.spill.length, &db)) != 0)
		return (rc == -ENOSPC || rc == -EINVAL ? recv_refuse(e, "spill block", obj) :
							 err_rc(e, rc, "spill block"));
	if ((rc = dbuf_dirty(db)) == 0)
		memcpy(dbuf_data(db), payload, r->u.spill.length);
	dbuf_rele(db);
	return (err_rc(e, rc, "spill block"));
}

/* May the record be applied before the blocks that wait? */
static bool
may_overtake(const struct recv_target *t, const struct stream_record *r)
{
	switch (r->type) {
	case DRR_OBJECT:
		return (recv_write_is_behind(t, r->u.object.object - 1, UINT64_MAX));
	case DRR_FREEOBJECTS:
		return (r->u.freeobjects.first != 0 &&
		    recv_write_is_behind(t, r->u.freeobjects.first - 1, UINT64_MAX));
	case DRR_FREE:
		return (recv_write_is_behind(t, r->u.free.object, r->u.free.offset));
	default:
		return (false);
	}
}

static int
apply_other(struct recv_target *t, const struct stream_record *r, const void *payload, struct err *e)
{
	int rc;

	if (!may_overtake(t, r) && (rc = recv_write_flush(t, e)) != 0)
		return (rc);
	switch (r->type) {
	case DRR_OBJECT:
		return (apply_object(t, r, payload, e));
	case DRR_FREEOBJECTS:
		return (apply_freeobjects(t, r, e));
	case DRR_FREE:
		return (apply_free(t, r, e));
	case DRR_SPILL:
		return (apply_spill(t, r, payload, e));
	default:
		return (err_set(e, EINVAL, "invalid stream (unexpected record of type %u)", r->type));
	}
}

int
recv_apply(struct recv_target *t, const struct stream_record *r, const void *payload, size_t len,
    struct err *e)
{
	switch (r->type) {
	case DRR_WRITE:
		return (recv_apply_write(t, r, payload, len, e));
	case DRR_WRITE_EMBEDDED:
		return (recv_apply_embedded(t, r, payload, e));
	default:
		return (apply_other(t, r, payload, e));
	}
}
