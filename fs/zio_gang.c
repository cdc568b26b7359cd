/* SPDX-License-Identifier: MIT */
/*
 * Gang blocks, the writing side: a block for which no contiguous space is left.
 *
 * Theory
 * ------
 *	bp ── DVA, gang bit ──> header, 512 bytes: up to 3 block pointers, each a third of the raw block
 *	                            │
 *	                            ├──> data          (type none, not packed, its own checksum)
 *	                            └──> header ...    (when a third has no space in one piece either)
 *
 * The block's own checksum is over the raw block as a whole.  The header is small and everything
 * hangs on it, so it has one copy more than the data, up to three.  A DVA of the block counts the
 * header's bytes and those of the same DVA of all children; in the space maps they are apart.
 *
 * A ganged block of the meta objset is rewritten piece by piece in the later passes of a sync, like
 * others are as a whole (fs/zio_write.c); without that a sync in a fragmented pool would not end.
 *
 * When anything fails, all that was allocated is given back: the caller sees -ENOSPC and no change.
 */
#include <errno.h>
#include <string.h>

#include "smartbox/fs/checksum.h"
#include "smartbox/fs/compress.h"
#include "smartbox/fs/metaslab.h"
#include "smartbox/fs/zio.h"
#include "spa_impl.h"
#include "suspend.h"
#include "zio_impl.h"

#define GANG_SIZE 512u
#define GANG_BPS 3

struct gang {
	struct spa *spa;
	const struct zio_write *w;
	struct dva header[BP_DVAS];
	int nheader;
	struct blkptr child[GANG_BPS];
};

static void
undo(struct gang *g)
{
	int i;

	for (i = 0; i < GANG_BPS; i++)
		(void)zio_free(g->spa, &g->child[i], g->w->txg);
	for (i = 0; i < g->nheader; i++)
		(void)metaslab_unalloc(g->spa, &g->header[i], g->w->txg);
}

static int
allocate_header(struct gang *g)
{
	int want = (int)g->w->copies + 1, rc = 0;

	while (g->nheader < want && g->nheader < BP_DVAS && rc == 0) {
		rc = metaslab_alloc(g->spa, GANG_SIZE, g->header, g->nheader, g->w->txg,
		    &g->header[g->nheader]);
		if (rc == 0)
			g->nheader++;
	}
	return (rc == -ENOSPC && g->nheader >= (int)g->w->copies ? 0 : rc);
}

/* A piece of the raw block; `old`: the place where it was written before in this txg, or NULL. */
static int
write_child(struct gang *g, const uint8_t *raw, uint32_t n, const struct blkptr *old,
    struct blkptr *out)
{
	struct zio_write w = *g->w;

	w.data = raw;
	w.lsize = n;
	w.type = OT_NONE;
	w.level = 0;
	w.compress = COMP_OFF;
	w.may_embed = false;
	w.keep_zero = true;
	w.fill = 0;
	w.rewrite = old;
	return (zio_write(g->spa, &w, out));
}

static int
write_children(struct gang *g, const uint8_t *raw, uint32_t psize)
{
	uint32_t unit = 1u << g->spa->min_ashift, n;
	int i, rc = 0;

	for (i = 0; i < GANG_BPS && psize > 0 && rc == 0; i++, raw += n, psize -= n) {
		n = psize / (uint32_t)(GANG_BPS - i);
		n = (n + unit - 1) / unit * unit;
		n = n < psize ? n : psize;
		rc = write_child(g, raw, n, NULL, &g->child[i]);
	}
	return (rc);
}

static int
write_header(struct gang *g)
{
	_Alignas(8) uint8_t header[GANG_SIZE] = {0};
	struct cksum place = {{g->header[0].vdev, g->header[0].offset, g->w->txg, 0}};
	int i, good = 0;

	memcpy(header, g->child, sizeof(g->child));
	eck_seal(header, sizeof(header), &place);
	for (i = 0; i < g->nheader; i++)
		good += zio_put_copy(g->spa, vdev_top(g->spa->root, g->header[i].vdev), header,
		    sizeof(header), g->header[i].offset);
	for (i = 0; good == 0 && i < g->nheader; i++)
		good += suspend_keep(g->spa, vdev_top(g->spa->root, g->header[i].vdev), header,
		    sizeof(header), g->header[i].offset);
	return (good > 0 ? 0 : -EIO);
}

static void
set_dvas(const struct gang *g, struct blkptr *bp)
{
	int i, k;

	for (i = 0; i < g->nheader; i++) {
		struct dva d = g->header[i];

		d.gang = true;
		for (k = 0; k < GANG_BPS; k++)
			if (!bp_is_hole(&g->child[k]))
				d.asize_sectors += bp_dva(&g->child[k], i).asize_sectors;
		bp_dva_set(bp, i, &d);
	}
}

int
zio_gang_write(struct spa *spa, const struct zio_write *w, const uint8_t *raw, uint32_t psize,
    struct blkptr *bp)
{
	struct gang g = {.spa = spa, .w = w};
	int rc;

	if (psize <= 1u << spa->min_ashift || psize <= GANG_SIZE)
		return (-ENOSPC);
	if ((rc = allocate_header(&g)) == 0 && (rc = write_children(&g, raw, psize)) == 0)
		rc = write_header(&g);
	if (rc != 0) {
		undo(&g);
		return (rc);
	}
	set_dvas(&g, bp);
	return (0);
}

/* The pieces keep their sizes and places, so no space map changes; their sums are new. */
int
zio_gang_rewrite(struct spa *spa, const struct zio_write *w, const uint8_t *raw)
{
	struct gang g = {.spa = spa, .w = w};
	struct blkptr old[GANG_BPS];
	int i, rc = zio_gang_children(spa, w->rewrite, old);

	for (i = 0; i < GANG_BPS && rc == 0; i++) {
		if (bp_is_hole(&old[i]))
			continue;
		rc = write_child(&g, raw, bp_psize(&old[i]), &old[i], &g.child[i]);
		raw += bp_psize(&old[i]);
		if (rc == 0 && memcmp(g.child[i].w, old[i].w, 6 * sizeof(old[i].w[0])) != 0)
			rc = -EIO; /* it moved: cannot be, the sizes are the same */
	}
	if (rc != 0)
		return (rc);
	for (g.nheader = bp_copies(w->rewrite), i = 0; i < g.nheader; i++)
		g.header[i] = bp_dva(w->rewrite, i);
	return (write_header(&g));
}
