/* SPDX-License-Identifier: MIT */
/*
 * What volumes acknowledged and no txg has yet.
 *
 * A disk may lose what was not flushed when the power goes: file systems and databases know that.  It may not
 * lose it while the machine runs.  But poold may be killed, or replaced by a newer one, and what it
 * had in memory goes with it, while the kernel that wrote it believes it written and reads it again
 * from the "disk".
 *
 * So every write of a volume is also copied into a file in RAM (tmpfs, /run), which outlives the
 * process and not the power, as it should be.  The next poold applies what the pool does not have,
 * before anybody reads.
 *
 *	POOL.keep.N, N = txg mod 4:  head | record data | record data | ...
 *
 * Invariants:
 *	1. A record is there in full before its write is acknowledged: its head is written after its
 *	   data, and the file is zeros behind the last.
 *	2. Records of one txg are in one file, in the order of the changes; a file is cut to nothing when its
 *	   txg is durable.  RAM: no more than what is dirty.
 *	3. A record is applied when its txg is newer than the pool's: one that another machine has imported
 *	   meanwhile is further, and nothing is applied.
 */
#include "zvol_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 4, RECORD_MAX = 64 << 20 };
#define HEAD_MAGIC UINT64_C(0x3170656b78626473)
#define RECORD_MAGIC UINT64_C(0x64726f636572656b)
#define IS_DISCARD (UINT64_C(1) << 63)

struct file_head {
	uint64_t magic, guid, txg, pad;
};
struct record {
	uint64_t magic, obj, off, len; /* len: IS_DISCARD, then no data follows */
};

struct slot {
	int fd;
	uint64_t txg; /* 0: empty */
	off_t end;
};

struct zvol_keep {
	struct spa *spa;
	char path[SLOTS][256];
	struct slot slot[SLOTS];
	unsigned refs; /* the owner and each txg that will tell that it is durable; the pool's lock */
};

static void
rele(struct zvol_keep *k)
{
	if (--k->refs > 0)
		return;
	for (int i = 0; i < SLOTS; i++)
		if (k->slot[i].fd >= 0)
			(void)close(k->slot[i].fd);
	free(k);
}

int
zvol_keep_open(struct spa *spa, const char *dir, struct zvol_keep **out, struct err *e)
{
	struct zvol_keep *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	k->spa = spa;
	k->refs = 1;
	for (int i = 0; i < SLOTS; i++) {
		(void)snprintf(k->path[i], sizeof(k->path[i]), "%s/%s.keep.%d", dir, spa_name(spa), i);
		if ((k->slot[i].fd = open(k->path[i], O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0) {
			int rc = err_sys(e, errno, "%s", k->path[i]);

			for (int j = i + 1; j < SLOTS; j++)
				k->slot[j].fd = -1;
			rele(k);
			return (rc);
		}
	}
	*out = k;
	return (0);
}

void
zvol_keep_close(struct zvol_keep *k, bool remove)
{
	struct spa *spa;

	if (k == NULL)
		return;
	spa = k->spa;
	for (int i = 0; i < SLOTS && remove; i++)
		(void)unlink(k->path[i]);
	spa_enter(spa);
	rele(k);
	spa_exit(spa);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void
clear(struct slot *sl)
{
	(void)ftruncate(sl->fd, 0);
	sl->end = 0;
	sl->txg = 0;
}

struct told {
	struct zvol_keep *k;
	uint64_t txg;
};

static int
nothing(struct spa *spa, void *arg, struct err *e)
{
	(void)spa;
	(void)arg;
	(void)e;
	return (0);
}

static void
durable(struct spa *spa, void *arg, int rc)
{
	struct told *t = arg;
	struct slot *sl = &t->k->slot[t->txg % SLOTS];

	(void)spa;
	if (rc == 0 && sl->txg == t->txg)
		clear(sl);
	rele(t->k);
	free(t);
}

/* The file of the open txg, begun if this is its first record. */
static int
open_slot(struct zvol_keep *k, struct slot **out)
{
	uint64_t txg = spa_open_txg(k->spa);
	struct file_head h = {HEAD_MAGIC, spa_guid(k->spa), txg, 0};
	struct slot *sl = &k->slot[txg % SLOTS];
	struct told *t;
	int rc;

	*out = sl;
	if (sl->txg == txg)
		return (0);
	clear(sl);
	if ((t = malloc(sizeof(*t))) == NULL)
		return (-ENOMEM);
	if (pwrite(sl->fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h)) {
		free(t);
		return (-ENOSPC);
	}
	*t = (struct told){k, txg};
	if ((rc = spa_sync_task_queue(k->spa, nothing, durable, t)) != 0) {
		free(t);
		return (rc);
	}
	k->refs++;
	sl->txg = txg;
	sl->end = sizeof(h);
	return (0);
}

static int
put(int fd, const void *buf, size_t len, off_t at)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (n < 0 ? -errno : -EIO);
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return (0);
}

static int
add(struct zvol_keep *k, struct record *r, const void *buf, size_t len)
{
	struct slot *sl;
	int rc;

	if ((rc = open_slot(k, &sl)) != 0)
		return (rc);
	if ((rc = put(sl->fd, buf, len, sl->end + (off_t)sizeof(*r))) == 0 &&
	    (rc = put(sl->fd, r, sizeof(*r), sl->end)) == 0)
		sl->end += (off_t)(sizeof(*r) + len);
	if (rc != 0)
		(void)ftruncate(sl->fd, sl->end);
	return (rc);
}

int
zvol_keep_write(struct zvol_keep *k, uint64_t obj, uint64_t off, size_t len, const void *buf)
{
	struct record r = {RECORD_MAGIC, obj, off, len};

	return (k == NULL ? 0 : add(k, &r, buf, len));
}

int
zvol_keep_discard(struct zvol_keep *k, uint64_t obj, uint64_t off, uint64_t len)
{
	struct record r = {RECORD_MAGIC, obj, off, len | IS_DISCARD};

	return (k == NULL ? 0 : add(k, &r, NULL, 0));
}

/* --- after a kill ----------------------------------------------------------------------------- */

static bool
get(int fd, void *buf, size_t len, off_t at)
{
	return (pread(fd, buf, len, at) == (ssize_t)len);
}

static int
replay_file(int fd, zvol_keep_fn *fn, void *arg, uint64_t *n)
{
	off_t at = sizeof(struct file_head);
	struct record r;

	while (get(fd, &r, sizeof(r), at) && r.magic == RECORD_MAGIC) {
		uint64_t len = r.len & ~IS_DISCARD;
		void *buf = NULL;

		at += sizeof(r);
		if (!(r.len & IS_DISCARD)) {
			if (len > RECORD_MAX)
				break;
			if ((buf = malloc(len + 1)) == NULL)
				return (-ENOMEM);
			if (!get(fd, buf, len, at)) {
				free(buf);
				break; /* nobody acknowledged that one */
			}
			at += (off_t)len;
		}
		if (fn(arg, r.obj, r.off, len, buf) == 0)
			(*n)++;
		free(buf);
	}
	return (0);
}

int
zvol_keep_replay(struct zvol_keep *k, zvol_keep_fn *fn, void *arg, uint64_t *n)
{
	uint64_t synced = spa_found_txg(k->spa); /* the import itself may have written txgs since */
	int rc = 0;

	*n = 0;
	/* SLOTS txgs in a row have their files in order from the first one's on. */
	for (uint64_t txg = synced + 1; txg <= synced + SLOTS && rc == 0; txg++) {
		struct slot *sl = &k->slot[txg % SLOTS];
		struct file_head h;

		if (get(sl->fd, &h, sizeof(h), 0) && h.magic == HEAD_MAGIC &&
		    h.guid == spa_guid(k->spa) && h.txg == txg)
			rc = replay_file(sl->fd, fn, arg, n);
	}
	return (rc);
}

void
zvol_keep_forget(struct zvol_keep *k)
{
	spa_enter(k->spa);
	for (int i = 0; i < SLOTS; i++)
		clear(&k->slot[i]);
	spa_exit(k->spa);
}
