/* SPDX-License-Identifier: MIT */
/*
 * raidz: stripes of variable width with one, two or three parity columns.
 *
 * Theory
 * ------
 * Each block is its own stripe: its sectors are cut into n - p contiguous pieces (columns), the first
 * ones a sector longer than the last ones when it does not divide; p parity columns stand in front.
 * Column 0 starts at the device and offset that the block's address gives, the others follow on the
 * next devices. No stripe is ever rewritten in part, so there is no write hole.
 *
 * Parity is computed over columns as polynomials in GF(256) (polynomial 0x11d) byte by byte, short
 * columns continued with zeros. With k data columns D0..Dk-1 the coefficient of Dj is
 *	P: 1		Q: 2^(k-1-j)	R: 4^(k-1-j)
 * To get m lost data columns back: take m parity columns that are there, subtract what the known data
 * contributes, and solve the m equations. Every such system has a solution (the square submatrices of
 * those coefficients are regular).
 *
 * A block that reads without an error but fails its checksum has a silently damaged column. Nobody
 * says which, so `copy` numbers the sets of up to p columns to distrust: 0 is the empty set, then the
 * single columns, the pairs, the triples. The caller stops when the checksum fits. Columns on devices
 * that missed the block's txg count as lost; the same sets again, later, with those believed.
 *
 * Layout and vectors: docs/zfs-format.md, "raidz".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "raidz_math.h"
#include "vdev_impl.h"

#define PARITY_MAX 3

struct column {
	struct vdev *child;
	uint64_t off; /* in the child's allocatable area */
	size_t size;
	uint8_t *data;
	bool lost; /* unreadable or distrusted */
};

struct stripe {
	unsigned p, ncol; /* parity columns; all columns */
	uint64_t birth;	  /* of the block; 0: unknown */
	bool stale;	  /* believe devices that missed it */
	size_t row;	  /* bytes of the longest column */
	uint8_t *parity;  /* p * row */
	uint8_t *padded;  /* the data, when its length is not a multiple of the sector */
	struct column col[RAIDZ_CHILDREN_MAX];
};

/* --- GF(256) --- */

static uint8_t
gf_pow(uint8_t base, unsigned n)
{
	uint8_t r = 1;

	for (n %= 255; n > 0; n--)
		r = gf_mul(r, base);
	return (r);
}

static uint8_t
gf_inverse(uint8_t a)
{
	return (gf_pow(a, 254));
}

/* Coefficient of data column j (of k) in parity column `which`. */
static uint8_t
coefficient(unsigned which, unsigned j, unsigned k)
{
	return (which == 0 ? 1 : gf_pow(which == 1 ? 2 : 4, k - 1 - j));
}

/* --- layout --- */

uint64_t
raidz_asize_of(const struct vdev *top, uint64_t psize)
{
	uint64_t p = top->nparity, data = top->nchild - p;
	uint64_t s = (psize + (1ULL << top->ashift) - 1) >> top->ashift;
	uint64_t all = s + p * ((s + data - 1) / data);

	return ((all + p) / (p + 1) * (p + 1) << top->ashift);
}

static void
stripe_layout(struct stripe *st, const struct vdev *top, size_t len, uint64_t off)
{
	unsigned a = top->ashift, n = (unsigned)top->nchild, p = top->nparity;
	uint64_t b = off >> a, s = (len + (1ULL << a) - 1) >> a;
	uint64_t f = b % n, o = (b / n) << a;
	uint64_t q = s / (n - p), r = s % (n - p), big = r != 0 ? r + p : 0;

	st->p = p;
	st->ncol = q != 0 ? n : (unsigned)big;
	st->row = (size_t)((q + (r != 0)) << a);
	for (unsigned c = 0; c < st->ncol; c++) {
		uint64_t dev = f + c;

		st->col[c] = (struct column){
		    .child = top->child[dev % n],
		    .off = o + (dev >= n ? 1ULL << a : 0),
		    .size = (size_t)((c < big ? q + 1 : q) << a),
		};
	}
	/* Single parity alternates by MiB, so that it does not sit on one device. */
	if (p == 1 && (off & 0x100000) != 0) {
		struct column swap = st->col[0];

		st->col[0].child = st->col[1].child;
		st->col[0].off = st->col[1].off;
		st->col[1].child = swap.child;
		st->col[1].off = swap.off;
	}
}

static void
stripe_free(struct stripe *st)
{
	if (st == NULL)
		return;
	free(st->parity);
	free(st->padded);
	free(st);
}

/* Data columns point into `data`; when its length is odd, into a padded copy of it. */
static int
stripe_new(const struct vdev *top, uint8_t *data, size_t len, uint64_t off, struct stripe **out)
{
	size_t unit = (size_t)1 << top->ashift, full = (len + unit - 1) & ~(unit - 1);
	struct stripe *st = calloc(1, sizeof(*st));
	uint8_t *next = data;

	if (st == NULL)
		return (-ENOMEM);
	stripe_layout(st, top, len, off);
	st->parity = calloc(st->p, st->row);
	if (full != len)
		next = st->padded = calloc(1, full);
	if (st->parity == NULL || next == NULL) {
		stripe_free(st);
		return (-ENOMEM);
	}
	for (unsigned c = 0; c < st->p; c++)
		st->col[c].data = st->parity + c * st->row;
	for (unsigned c = st->p; c < st->ncol; c++) {
		st->col[c].data = next;
		next += st->col[c].size;
	}
	*out = st;
	return (0);
}

/* All parity columns, in one pass over the data. */
static void
make_parity(struct stripe *st)
{
	const uint8_t *data[RAIDZ_CHILDREN_MAX];
	uint8_t *out[PARITY_MAX];
	size_t len[RAIDZ_CHILDREN_MAX];
	struct raidz_columns c = {st->ncol - st->p, data, len};

	for (unsigned i = 0; i < c.n; i++) {
		data[i] = st->col[st->p + i].data;
		len[i] = st->col[st->p + i].size;
	}
	for (unsigned i = 0; i < st->p; i++)
		out[i] = st->col[i].data;
	raidz_math()->parity(&c, st->p, out);
}

/* --- reading --- */

static uint64_t
choose(uint64_t n, unsigned k)
{
	uint64_t r = 1;

	for (unsigned i = 0; i < k; i++)
		r = r * (n - i) / (i + 1);
	return (r);
}

static unsigned
sets_to_distrust(const struct vdev *top)
{
	uint64_t sum = 0;

	for (unsigned m = 0; m <= top->nparity; m++)
		sum += choose(top->nchild, m);
	return (sum < 5000 ? (unsigned)sum : 5000);
}

unsigned
raidz_copies(const struct vdev *top)
{
	return (sets_to_distrust(top) * (vdev_has_stale(top) ? 2 : 1));
}

/* Mark the columns of set number `copy` as lost; false when the stripe has fewer sets. */
static bool
distrust(struct stripe *st, unsigned copy)
{
	unsigned m = 0, first = 0;
	uint64_t nth = copy;

	while (m <= st->p && nth >= choose(st->ncol, m))
		nth -= choose(st->ncol, m++);
	if (m > st->p)
		return (false);
	/* The nth subset of m columns in lexical order. */
	for (; m > 0; m--, first++) {
		uint64_t with;

		while (nth >= (with = choose(st->ncol - first - 1, m - 1))) {
			nth -= with;
			first++;
		}
		st->col[first].lost = true;
	}
	return (true);
}

static void
read_column(const struct stripe *st, struct column *c)
{
	if (!c->lost && vdev_child_read(c->child, c->data, c->size, c->off, st->birth, st->stale) != 0)
		c->lost = true;
}

/* Read as many parity columns as data columns are lost; which[] gets their numbers. */
static int
read_parity(struct stripe *st, unsigned need, unsigned which[PARITY_MAX])
{
	unsigned have = 0;

	for (unsigned c = 0; c < st->p && have < need; c++) {
		read_column(st, &st->col[c]);
		if (!st->col[c].lost)
			which[have++] = c;
	}
	return (have == need ? 0 : -EIO);
}

/* Gauss: turn m x m matrix a into its inverse (regular by construction). */
static void
invert(uint8_t a[PARITY_MAX][PARITY_MAX], unsigned m)
{
	uint8_t w[PARITY_MAX][2 * PARITY_MAX] = {{0}};

	for (unsigned i = 0; i < m; i++) {
		memcpy(w[i], a[i], m);
		w[i][m + i] = 1;
	}
	for (unsigned i = 0; i < m; i++) {
		unsigned pivot = i;
		uint8_t scale, row[2 * PARITY_MAX];

		while (pivot < m - 1 && w[pivot][i] == 0)
			pivot++;
		memcpy(row, w[pivot], sizeof(row));
		memcpy(w[pivot], w[i], sizeof(row));
		scale = gf_inverse(row[i]);
		for (unsigned k = 0; k < 2 * m; k++)
			w[i][k] = gf_mul(row[k], scale);
		for (unsigned j = 0; j < m; j++) {
			uint8_t f = w[j][i];

			for (unsigned k = 0; j != i && k < 2 * m; k++)
				w[j][k] ^= gf_mul(f, w[i][k]);
		}
	}
	for (unsigned i = 0; i < m; i++)
		memcpy(a[i], w[i] + m, m);
}

/* Parity column `which` minus the known data: what the lost columns contribute to it. */
static void
syndrome(struct stripe *st, unsigned which)
{
	uint8_t *s = st->col[which].data;

	for (unsigned c = st->p; c < st->ncol; c++) {
		if (!st->col[c].lost)
			raidz_math()->mul_xor(s, st->col[c].data, st->col[c].size,
			    coefficient(which, c - st->p, st->ncol - st->p));
	}
}

static int
reconstruct(struct stripe *st, const unsigned *lost, unsigned m)
{
	uint8_t a[PARITY_MAX][PARITY_MAX];
	unsigned which[PARITY_MAX], k = st->ncol - st->p;

	if (m > st->p || read_parity(st, m, which) != 0)
		return (-EIO);
	for (unsigned i = 0; i < m; i++) {
		for (unsigned j = 0; j < m; j++)
			a[i][j] = coefficient(which[i], lost[j] - st->p, k);
		syndrome(st, which[i]);
	}
	invert(a, m);
	for (unsigned j = 0; j < m; j++) {
		struct column *c = &st->col[lost[j]];

		memset(c->data, 0, c->size);
		for (unsigned i = 0; i < m; i++)
			raidz_math()->mul_xor(c->data, st->col[which[i]].data, c->size, a[j][i]);
	}
	return (0);
}

static int
stripe_read(struct stripe *st)
{
	unsigned lost[PARITY_MAX], m = 0;

	for (unsigned c = st->p; c < st->ncol; c++) {
		read_column(st, &st->col[c]);
		if (!st->col[c].lost)
			continue;
		if (m == st->p)
			return (-EIO);
		lost[m++] = c;
	}
	return (m == 0 ? 0 : reconstruct(st, lost, m));
}

int
raidz_read(struct vdev *top, void *buf, size_t len, uint64_t off, unsigned copy, uint64_t birth)
{
	unsigned sets = sets_to_distrust(top);
	struct stripe *st;
	int rc = stripe_new(top, buf, len, off, &st);

	if (rc != 0)
		return (rc);
	st->birth = birth;
	st->stale = copy >= sets;
	rc = distrust(st, copy % sets) ? stripe_read(st) : -ENXIO;
	if (rc == 0 && st->padded != NULL)
		memcpy(buf, st->padded, len);
	stripe_free(st);
	return (rc);
}

/* --- writing --- */

static int
stripe_for_write(const struct vdev *top, const void *buf, size_t len, uint64_t off,
    struct stripe **out)
{
	int rc = stripe_new(top, (uint8_t *)buf, len, off, out);

	if (rc != 0)
		return (rc);
	if ((*out)->padded != NULL)
		memcpy((*out)->padded, buf, len);
	make_parity(*out);
	return (0);
}

int
raidz_write(struct vdev *top, const void *buf, size_t len, uint64_t off)
{
	unsigned failed = 0;
	struct stripe *st;
	int rc = stripe_for_write(top, buf, len, off, &st);

	if (rc != 0)
		return (rc);
	for (unsigned c = 0; c < st->ncol; c++) {
		const struct column *col = &st->col[c];

		failed += vdev_child_write(col->child, col->data, col->size, col->off) != 0;
	}
	rc = failed <= st->p ? 0 : -EIO;
	stripe_free(st);
	return (rc);
}

/* --- scans --- */

int
raidz_scan(struct vdev *top, struct vdev_scan *s)
{
	struct stripe *st;
	uint8_t *scratch;
	int rc = stripe_for_write(top, s->good, s->len, s->off, &st);

	if (rc != 0)
		return (rc);
	if ((scratch = malloc(st->row)) == NULL)
		rc = -ENOMEM;
	for (unsigned c = 0; rc == 0 && c < st->ncol; c++)
		vdev_child_scan(st->col[c].child, s, st->col[c].data, st->col[c].size, st->col[c].off,
		    scratch);
	free(scratch);
	stripe_free(st);
	return (rc);
}
