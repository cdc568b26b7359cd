/* SPDX-License-Identifier: MIT */
/*
 * The pool's history: a ring of records in one object.
 *
 * A record is a u64 (little-endian) length and a packed nvlist.  The first, which created the pool,
 * stays for ever; behind it (create_len) the object is a ring up to max_off bytes.  bof and eof are
 * logical offsets that only grow; lost counts records that were overwritten.
 * Facts: docs/zfs-format.md, "History".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/zap.h"
#include "spa_impl.h"

#define HISTORY_BLOCK (128u << 10)
#define RING_MIN (128ULL << 10)
#define RING_MAX (1ULL << 30)
#define RECORD_MAX (1u << 20)

struct history_phys { /* bonus */
	uint64_t create_len, max_off, bof, eof, lost;
};

struct history_record {
	void *buf;
	size_t len;
	struct history_record *next;
};

int
spa_history_log(struct spa *spa, const struct nvlist *record)
{
	struct history_record *r;
	int rc;

	if (spa->readonly || spa->suspended)
		return (spa->readonly ? -EROFS : -EIO);
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (-ENOMEM);
	if ((rc = nv_pack(record, &r->buf, &r->len)) != 0) {
		free(r);
		return (rc);
	}
	*spa->history_tail = r;
	spa->history_tail = &r->next;
	return (0);
}

static void
record_pop(struct spa *spa)
{
	struct history_record *r = spa->history;

	if ((spa->history = r->next) == NULL)
		spa->history_tail = &spa->history;
	free(r->buf);
	free(r);
}

void
spa_history_free(struct spa *spa)
{
	while (spa->history != NULL)
		record_pop(spa);
}

static uint64_t
ring_size(struct spa *spa)
{
	struct space_stats st;
	uint64_t size;

	metaslab_stats(spa, &st);
	size = st.size / 1000;
	return (size < RING_MIN ? RING_MIN : size > RING_MAX ? RING_MAX : size);
}

int
spa_history_create(struct spa *spa)
{
	struct history_phys *h;
	struct dbuf *bonus;
	int rc;

	if ((rc = dmu_object_alloc(spa->mos, OT_SPA_HISTORY, HISTORY_BLOCK, OT_SPA_HISTORY_OFFSETS,
	    sizeof(*h), &spa->obj.history)) != 0 ||
	    (rc = zap_add(spa->mos, MOS_DIRECTORY, "history", 8, 1, &spa->obj.history)) != 0 ||
	    (rc = dmu_bonus_hold(spa->mos, spa->obj.history, &bonus)) != 0)
		return (rc);
	if ((rc = dbuf_dirty(bonus)) == 0) {
		h = dbuf_data(bonus);
		h->max_off = ring_size(spa);
	}
	dbuf_rele(bonus);
	return (rc);
}

/* --- the ring --------------------------------------------------------------------------------- */

static uint64_t
ring_place(const struct history_phys *h, uint64_t off)
{
	uint64_t ring = h->max_off - h->create_len;

	return (off < h->create_len ? off : h->create_len + (off - h->create_len) % ring);
}

/* Read or write len bytes at a logical offset, in two pieces where the ring wraps. */
static int
ring_io(struct spa *spa, const struct history_phys *h, uint64_t off, void *buf, size_t len,
    bool write)
{
	uint64_t place = ring_place(h, off), first = h->max_off - place;
	uint64_t obj = spa->obj.history;
	int rc;

	first = first < len ? first : len;
	rc = write ? dmu_write(spa->mos, obj, place, first, buf)
		   : dmu_read(spa->mos, obj, place, first, buf);
	if (rc != 0 || first == len)
		return (rc);
	buf = (char *)buf + first;
	return (write ? dmu_write(spa->mos, obj, h->create_len, len - first, buf)
		      : dmu_read(spa->mos, obj, h->create_len, len - first, buf));
}

static int
record_length(struct spa *spa, const struct history_phys *h, uint64_t off, uint64_t *len)
{
	int rc = ring_io(spa, h, off, len, sizeof(*len), false);

	return (rc == 0 && *len > RECORD_MAX ? -EILSEQ : rc);
}

/* Records at the beginning go until `need` more bytes fit; damaged ones all go. */
static void
make_room(struct spa *spa, struct history_phys *h, uint64_t need)
{
	uint64_t ring = h->max_off - h->create_len, len;

	while (h->eof - h->bof + need > ring && h->bof < h->eof) {
		if (record_length(spa, h, h->bof, &len) != 0)
			len = h->eof - h->bof - sizeof(len);
		h->bof += sizeof(len) + len;
		if (h->bof > h->eof)
			h->bof = h->eof;
		h->lost++;
	}
}

static bool
header_is_sane(const struct history_phys *h)
{
	return (h->create_len < h->max_off && h->bof <= h->eof &&
	    h->eof - h->bof <= h->max_off && h->bof >= h->create_len);
}

static int
append(struct spa *spa, struct history_phys *h, const struct history_record *r)
{
	uint64_t len = r->len;
	int rc;

	if (!header_is_sane(h) || r->len + sizeof(len) > h->max_off - h->create_len)
		return (0); /* a record is no reason to stop the pool */
	make_room(spa, h, r->len + sizeof(len));
	if ((rc = ring_io(spa, h, h->eof, &len, sizeof(len), true)) != 0 ||
	    (rc = ring_io(spa, h, h->eof + sizeof(len), r->buf, r->len, true)) != 0)
		return (rc);
	h->eof += sizeof(len) + r->len;
	if (h->create_len == 0)
		h->create_len = h->bof = h->eof;
	return (0);
}

int
spa_history_sync(struct spa *spa)
{
	struct dbuf *bonus;
	int rc = 0;

	if (spa->history == NULL)
		return (0);
	if (spa->obj.history == 0 && (rc = spa_history_create(spa)) != 0)
		return (rc);
	if ((rc = dmu_bonus_hold(spa->mos, spa->obj.history, &bonus)) != 0)
		return (rc);
	if (dbuf_size(bonus) < sizeof(struct history_phys))
		rc = -EILSEQ;
	else
		rc = dbuf_dirty(bonus);
	for (; rc == 0 && spa->history != NULL; record_pop(spa))
		rc = append(spa, dbuf_data(bonus), spa->history);
	dbuf_rele(bonus);
	return (rc);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int
read_one(struct spa *spa, const struct history_phys *h, uint64_t *off,
    int (*fn)(const struct nvlist *rec, void *arg), void *arg)
{
	struct nvlist *nv;
	uint64_t len;
	void *buf;
	int rc;

	if ((rc = record_length(spa, h, *off, &len)) != 0)
		return (rc);
	if ((buf = malloc(len + 1)) == NULL)
		return (-ENOMEM);
	rc = ring_io(spa, h, *off + sizeof(len), buf, len, false);
	if (rc == 0 && (rc = nv_unpack(buf, len, &nv, NULL)) == 0) {
		rc = fn(nv, arg);
		nv_free(nv);
	}
	free(buf);
	*off += sizeof(len) + len;
	return (rc);
}

static int
header_read(struct spa *spa, struct history_phys *h)
{
	struct dbuf *bonus;
	int rc = dmu_bonus_hold(spa->mos, spa->obj.history, &bonus);

	if (rc != 0)
		return (rc);
	if (dbuf_size(bonus) < sizeof(*h))
		rc = -EILSEQ;
	else
		memcpy(h, dbuf_data(bonus), sizeof(*h));
	dbuf_rele(bonus);
	return (rc != 0 || header_is_sane(h) ? rc : -EILSEQ);
}

int
spa_history_read(struct spa *spa, int (*fn)(const struct nvlist *rec, void *arg), void *arg)
{
	struct history_phys h;
	uint64_t off = 0;
	int rc;

	if (spa->obj.history == 0)
		return (0);
	if ((rc = header_read(spa, &h)) != 0)
		return (rc);
	while (rc == 0 && off < h.create_len)
		rc = read_one(spa, &h, &off, fn, arg);
	for (off = h.bof; rc == 0 && off < h.eof;)
		rc = read_one(spa, &h, &off, fn, arg);
	return (rc);
}
