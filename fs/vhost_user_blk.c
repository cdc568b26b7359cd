/* SPDX-License-Identifier: MIT */
/*
 * Requests of a virtio disk: what a chain of descriptors asks for.
 *
 *	the device reads    0 type u32  4 ioprio u32  8 sector u64  16 data ...
 *	the device writes   data ...  the last byte is the status
 *
 * Where one segment ends and the next begins means nothing.  Data goes through a buffer of the worker's, in
 * pieces of up to PIECE_BYTES: so a whole block of the volume is written at once, however small the guest's
 * segments are.
 *
 * A chain without room for a status byte cannot be answered; it is given back with nothing written.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vhost_user.h"

enum {
	BLK_IN = 0, BLK_OUT = 1, BLK_FLUSH = 4, BLK_GET_ID = 8, BLK_DISCARD = 11, BLK_ZEROES = 13,
	STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPP = 2,
	F_SEG_MAX = 2, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9, F_TOPOLOGY = 10, F_CONFIG_WCE = 11, F_MQ = 12,
	F_DISCARD = 13, F_ZEROES = 14, F_VERSION_1 = 32,
	HEADER_BYTES = 16, SECTOR = 512, ID_BYTES = 20,
	PIECE_BYTES = 1 << 20,
	RANGES_MAX = 32,		/* of one discard */
	RANGE_SECTORS_MAX = 1 << 21,	/* 1 GiB */
	RANGE_UNMAP = 1,
};

struct blk_header {
	uint32_t type, ioprio;
	uint64_t sector;
};

struct blk_range {
	uint64_t sector;
	uint32_t sectors, flags;
};

struct blk_call {
	struct vu_session *s;
	struct vu_chain *c;
	struct blkio_scratch *sc;
	uint64_t off;	  /* bytes on the disk */
	uint64_t out, in; /* bytes of data, without header and status */
};

/* --- segments as one run of bytes ------------------------------------------------------------- */

static uint64_t
total(const struct iovec *iov, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return (sum);
}

/* Copy between buf and the bytes from `off` on, which are there. */
static void
copy(const struct iovec *iov, uint64_t off, void *buf, size_t len, bool to_guest)
{
	char *p = buf;

	for (size_t n; len > 0; iov++) {
		if (off >= iov->iov_len) {
			off -= iov->iov_len;
			continue;
		}
		n = iov->iov_len - off < len ? iov->iov_len - (size_t)off : len;
		if (to_guest)
			memcpy((char *)iov->iov_base + off, p, n);
		else
			memcpy(p, (char *)iov->iov_base + off, n);
		p += n;
		len -= n;
		off = 0;
	}
}

static const struct iovec *
in_segments(const struct vu_chain *c)
{
	return (c->iov + c->nout);
}

/* --- the requests ----------------------------------------------------------------------------- */

static int
transfer(struct blk_call *b, uint64_t bytes, bool write)
{
	struct bdev *bd = b->s->disk.bd;
	char *buf = blkio_scratch(b->sc, bytes < PIECE_BYTES ? bytes : PIECE_BYTES);
	int rc = 0;

	if (bytes % SECTOR != 0)
		return (-EINVAL);
	if (b->off > bd->size || bytes > bd->size - b->off)
		return (-EINVAL); /* all or nothing */
	if (buf == NULL)
		return (-ENOMEM);
	for (uint64_t at = 0; at < bytes && rc == 0; at += PIECE_BYTES) {
		size_t n = bytes - at < PIECE_BYTES ? (size_t)(bytes - at) : PIECE_BYTES;

		if (write) {
			copy(b->c->iov, HEADER_BYTES + at, buf, n, false);
			rc = bdev_write(bd, buf, n, b->off + at);
		} else if ((rc = bdev_read(bd, buf, n, b->off + at)) == 0) {
			copy(in_segments(b->c), at, buf, n, true);
		}
	}
	return (rc);
}

static int
give_id(struct blk_call *b)
{
	char id[ID_BYTES] = {0};

	if (b->in < ID_BYTES)
		return (-EINVAL);
	memcpy(id, b->s->serial, strnlen(b->s->serial, ID_BYTES));
	copy(in_segments(b->c), 0, id, ID_BYTES, true);
	b->in = ID_BYTES;
	return (0);
}

static int
clear_range(struct blk_call *b, const struct blk_range *r, bool zeroes)
{
	uint64_t off = le64toh(r->sector), len = (uint64_t)le32toh(r->sectors) * SECTOR;
	uint32_t flags = le32toh(r->flags);

	if (off > UINT64_MAX / SECTOR || le32toh(r->sectors) > RANGE_SECTORS_MAX)
		return (-EINVAL);
	if (zeroes)
		return (flags & ~(uint32_t)RANGE_UNMAP ? -EOPNOTSUPP :
		    blk_write_zeroes(&b->s->disk, off * SECTOR, len, true));
	return (flags != 0 ? -EOPNOTSUPP : bdev_discard(b->s->disk.bd, off * SECTOR, len));
}

static int
clear_ranges(struct blk_call *b, bool zeroes)
{
	struct blk_range r;
	int rc = 0;

	if (b->out == 0 || b->out % sizeof(r) != 0 || b->out / sizeof(r) > RANGES_MAX)
		return (-EINVAL);
	for (uint64_t at = 0; at < b->out && rc == 0; at += sizeof(r)) {
		copy(b->c->iov, HEADER_BYTES + at, &r, sizeof(r), false);
		rc = clear_range(b, &r, zeroes);
	}
	return (rc);
}

static int
execute(struct blk_call *b, uint32_t type)
{
	switch (type) {
	case BLK_IN:
		return (transfer(b, b->in, false));
	case BLK_OUT:
		return (transfer(b, b->out, true));
	case BLK_FLUSH:
		return (0);
	case BLK_GET_ID:
		return (give_id(b));
	case BLK_DISCARD:
	case BLK_ZEROES:
		return (clear_ranges(b, type == BLK_ZEROES));
	default:
		return (-EOPNOTSUPP);
	}
}

/* The status is the last byte that the device may write. */
static void
finish(struct vu_chain *c, int rc, uint64_t written)
{
	uint8_t status = rc == 0 ? STATUS_OK : rc == -EOPNOTSUPP ? STATUS_UNSUPP : STATUS_IOERR;
	uint64_t room = total(in_segments(c), c->nin);

	copy(in_segments(c), room - 1, &status, 1, true);
	vu_chain_done(c, (uint32_t)(rc == 0 && written < UINT32_MAX ? written + 1 : 1));
}

static void
durable(int rc, void *arg)
{
	finish(arg, rc, 0);
}

static bool
must_be_durable(const struct vu_session *s, uint32_t type)
{
	if (type == BLK_FLUSH)
		return (true);
	return (type != BLK_IN && type != BLK_GET_ID && (!s->writeback || blk_is_sync(&s->disk)));
}

void
vu_blk_execute(struct vu_session *s, struct vu_chain *c, struct blkio_scratch *sc)
{
	struct blk_call b = {.s = s, .c = c, .sc = sc};
	uint64_t out = total(c->iov, c->nout), in = total(in_segments(c), c->nin);
	struct blk_header h;
	uint32_t type;
	int rc;

	if (in == 0) {
		vu_chain_done(c, 0);
		return;
	}
	if (out < HEADER_BYTES) {
		finish(c, -EIO, 0);
		return;
	}
	copy(c->iov, 0, &h, sizeof(h), false);
	type = le32toh(h.type);
	b.out = out - HEADER_BYTES;
	b.in = in - 1;
	rc = le64toh(h.sector) > UINT64_MAX / SECTOR ? -EINVAL : 0;
	b.off = le64toh(h.sector) * SECTOR;
	if (rc == 0 && s->readonly && type != BLK_IN && type != BLK_GET_ID && type != BLK_FLUSH)
		rc = -EROFS;
	if (rc == 0)
		rc = execute(&b, type);
	if (rc == 0 && must_be_durable(s, type))
		blk_flush(&s->disk, durable, c);
	else
		finish(c, rc, type == BLK_IN || type == BLK_GET_ID ? b.in : 0);
}

/* --- what the driver is told ------------------------------------------------------------------ */

uint64_t
vu_blk_features(const struct vu_session *s)
{
	uint64_t f = UINT64_C(1) << F_VERSION_1 | 1 << F_SEG_MAX | 1 << F_BLK_SIZE | 1 << F_FLUSH |
	    1 << F_TOPOLOGY | 1 << F_CONFIG_WCE | 1 << F_MQ | 1 << F_DISCARD | 1 << F_ZEROES;

	return (s->readonly || s->disk.bd->readonly ? f | 1 << F_RO : f);
}

static void
put(uint8_t *config, size_t at, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		config[at + i] = (uint8_t)(v >> (8 * i));
}

void
vu_blk_config(const struct vu_session *s, uint8_t config[VU_CONFIG_BYTES])
{
	const struct bdev *bd = s->disk.bd;
	uint32_t block = bd->physical_block >= SECTOR ? bd->physical_block : SECTOR;

	memset(config, 0, VU_CONFIG_BYTES);
	put(config, 0, bd->size / SECTOR, 8);
	put(config, 12, VU_RING_MAX / 8 - 2, 4); /* segments: fits the smallest ring people use */
	put(config, 20, SECTOR, 4);
	put(config, 24, (uint64_t)__builtin_ctz(block / SECTOR), 1); /* blocks of the volume */
	put(config, 26, block / SECTOR <= UINT16_MAX ? block / SECTOR : 1, 2);
	put(config, 28, block / SECTOR, 4);
	put(config, 32, s->writeback, 1);
	put(config, 34, VU_QUEUES_MAX, 2);
	put(config, 36, RANGE_SECTORS_MAX, 4);
	put(config, 40, RANGES_MAX, 4);
	put(config, 44, block / SECTOR, 4);
	put(config, 48, RANGE_SECTORS_MAX, 4);
	put(config, 52, RANGES_MAX, 4);
	put(config, 56, 1, 1);
}
