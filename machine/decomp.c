/* SPDX-License-Identifier: MIT */
/*
 * Streaming decompression behind one pull interface.
 *
 * Each kind is an engine: start, step, stop.  A step gets an input and an output window and moves
 * both; the frame around it (decomp_read) refills the input from the caller's reader.  The state
 * between steps is one of
 *
 *	MIDDLE --step says end of member--> BETWEEN --input left--> MIDDLE (a new member)
 *	                                       `------- no input --> end of stream
 *
 * so "cut short" is exactly: the input ended in MIDDLE.  Bytes behind the last member that start no
 * new member are refused rather than ignored: an image file has no business carrying them.
 */
#include "smartbox/machine/decomp.h"

#include <bzlib.h>
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define IN_SIZE 65536u

struct window {
	const unsigned char *in;
	size_t in_len;
	unsigned char *out;
	size_t out_len;
};

enum step { STEP_MORE, STEP_END, STEP_CORRUPT, STEP_MEMORY };

struct engine {
	const char *name;
	const unsigned char *magic;
	size_t magic_len;
	enum step (*start)(struct decomp *d);
	enum step (*step)(struct decomp *d, struct window *w, bool eof);
	void (*stop)(struct decomp *d);
};

struct decomp {
	const struct engine *engine;
	decomp_read_fn *read;
	void *arg;
	union {
		z_stream z;
		bz_stream bz;
		lzma_stream xz;
		ZSTD_DStream *zstd;
	} u;
	bool started;
	bool between; /* between two members, or before the first */
	bool any;     /* a member was seen */
	bool eof;
	size_t in_pos;
	size_t in_len;
	unsigned char in[IN_SIZE];
};

static unsigned
clamp(size_t n)
{
	return (n > (1u << 30) ? 1u << 30 : (unsigned)n);
}

/* --- gzip ------------------------------------------------------------------------------------- */

static enum step
gzip_start(struct decomp *d)
{
	memset(&d->u.z, 0, sizeof(d->u.z));
	return (inflateInit2(&d->u.z, 15 + 16) == Z_OK ? STEP_MORE : STEP_MEMORY);
}

static enum step
gzip_step(struct decomp *d, struct window *w, bool eof)
{
	z_stream *z = &d->u.z;
	int rc;

	(void)eof;
	z->next_in = (unsigned char *)(uintptr_t)w->in;
	z->avail_in = clamp(w->in_len);
	z->next_out = w->out;
	z->avail_out = clamp(w->out_len);
	rc = inflate(z, Z_NO_FLUSH);
	w->in_len -= (size_t)(z->next_in - w->in);
	w->in = z->next_in;
	w->out_len -= (size_t)(z->next_out - w->out);
	w->out = z->next_out;
	if (rc == Z_STREAM_END)
		return (STEP_END);
	if (rc == Z_MEM_ERROR)
		return (STEP_MEMORY);
	return (rc == Z_OK || rc == Z_BUF_ERROR ? STEP_MORE : STEP_CORRUPT);
}

static void
gzip_stop(struct decomp *d)
{
	(void)inflateEnd(&d->u.z);
}

/* --- bzip2 ------------------------------------------------------------------------------------ */

static enum step
bzip2_start(struct decomp *d)
{
	memset(&d->u.bz, 0, sizeof(d->u.bz));
	return (BZ2_bzDecompressInit(&d->u.bz, 0, 0) == BZ_OK ? STEP_MORE : STEP_MEMORY);
}

static enum step
bzip2_step(struct decomp *d, struct window *w, bool eof)
{
	bz_stream *bz = &d->u.bz;
	int rc;

	(void)eof;
	bz->next_in = (char *)(uintptr_t)w->in;
	bz->avail_in = clamp(w->in_len);
	bz->next_out = (char *)w->out;
	bz->avail_out = clamp(w->out_len);
	rc = BZ2_bzDecompress(bz);
	w->in_len -= (size_t)((unsigned char *)bz->next_in - w->in);
	w->in = (unsigned char *)bz->next_in;
	w->out_len -= (size_t)((unsigned char *)bz->next_out - w->out);
	w->out = (unsigned char *)bz->next_out;
	if (rc == BZ_STREAM_END)
		return (STEP_END);
	if (rc == BZ_MEM_ERROR)
		return (STEP_MEMORY);
	return (rc == BZ_OK ? STEP_MORE : STEP_CORRUPT);
}

/* libbz2 without stdio asks its user for this one: a broken invariant inside the library. */
void bz_internal_error(int code);
void
bz_internal_error(int code)
{
	(void)code;
	abort();
}

static void
bzip2_stop(struct decomp *d)
{
	(void)BZ2_bzDecompressEnd(&d->u.bz);
}

/* --- xz --------------------------------------------------------------------------------------- */

static enum step
xz_start(struct decomp *d)
{
	const lzma_stream init = LZMA_STREAM_INIT;

	d->u.xz = init;
	/* The decoder's own tables come on top of the dictionary. */
	return (lzma_stream_decoder(&d->u.xz, DECOMP_MAX_WINDOW + (1u << 20), 0) == LZMA_OK
	        ? STEP_MORE
	        : STEP_MEMORY);
}

static enum step
xz_step(struct decomp *d, struct window *w, bool eof)
{
	lzma_stream *xz = &d->u.xz;
	lzma_ret rc;

	xz->next_in = w->in;
	xz->avail_in = w->in_len;
	xz->next_out = w->out;
	xz->avail_out = w->out_len;
	rc = lzma_code(xz, eof ? LZMA_FINISH : LZMA_RUN);
	w->in = xz->next_in;
	w->in_len = xz->avail_in;
	w->out = xz->next_out;
	w->out_len = xz->avail_out;
	if (rc == LZMA_STREAM_END)
		return (STEP_END);
	if (rc == LZMA_MEM_ERROR || rc == LZMA_MEMLIMIT_ERROR)
		return (STEP_MEMORY);
	return (rc == LZMA_OK || rc == LZMA_BUF_ERROR ? STEP_MORE : STEP_CORRUPT);
}

static void
xz_stop(struct decomp *d)
{
	lzma_end(&d->u.xz);
}

/* --- zstd ------------------------------------------------------------------------------------- */

static enum step
zstd_start(struct decomp *d)
{
	if ((d->u.zstd = ZSTD_createDStream()) == NULL)
		return (STEP_MEMORY);
	(void)ZSTD_DCtx_setParameter(d->u.zstd, ZSTD_d_windowLogMax, 27); /* DECOMP_MAX_WINDOW */
	return (STEP_MORE);
}

static enum step
zstd_step(struct decomp *d, struct window *w, bool eof)
{
	ZSTD_inBuffer in = {w->in, w->in_len, 0};
	ZSTD_outBuffer out = {w->out, w->out_len, 0};
	size_t rc = ZSTD_decompressStream(d->u.zstd, &out, &in);

	(void)eof;
	w->in += in.pos;
	w->in_len -= in.pos;
	w->out += out.pos;
	w->out_len -= out.pos;
	if (ZSTD_isError(rc))
		return (STEP_CORRUPT);
	return (rc == 0 ? STEP_END : STEP_MORE);
}

static void
zstd_stop(struct decomp *d)
{
	(void)ZSTD_freeDStream(d->u.zstd);
}

/* --- none ------------------------------------------------------------------------------------- */

static enum step
none_start(struct decomp *d)
{
	(void)d;
	return (STEP_MORE);
}

static enum step
none_step(struct decomp *d, struct window *w, bool eof)
{
	size_t n = w->in_len < w->out_len ? w->in_len : w->out_len;

	(void)d;
	memcpy(w->out, w->in, n);
	w->in += n;
	w->in_len -= n;
	w->out += n;
	w->out_len -= n;
	return (eof && w->in_len == 0 ? STEP_END : STEP_MORE);
}

static void
none_stop(struct decomp *d)
{
	(void)d;
}

/* --- the frame -------------------------------------------------------------------------------- */

static const struct engine engines[DECOMP_KINDS] = {
    [DECOMP_NONE] = {"none", NULL, 0, none_start, none_step, none_stop},
    [DECOMP_GZIP] = {"gzip", (const unsigned char *)"\x1f\x8b", 2, gzip_start, gzip_step, gzip_stop},
    [DECOMP_BZIP2] = {"bzip2", (const unsigned char *)"BZh", 3, bzip2_start, bzip2_step, bzip2_stop},
    [DECOMP_XZ] = {"xz", (const unsigned char *)"\xfd" "7zXZ\0", 6, xz_start, xz_step, xz_stop},
    [DECOMP_ZSTD] = {"zstd", (const unsigned char *)"\x28\xb5\x2f\xfd", 4, zstd_start, zstd_step,
    zstd_stop},
};

const char *
decomp_name(enum decomp_kind kind)
{
	return (engines[kind].name);
}

int
decomp_by_name(const char *name)
{
	for (int k = 0; k < DECOMP_KINDS; k++)
		if (strcmp(engines[k].name, name) == 0)
			return (k);
	return (-1);
}

enum decomp_kind
decomp_sniff(const void *head, size_t len)
{
	for (int k = DECOMP_NONE + 1; k < DECOMP_KINDS; k++)
		if (len >= engines[k].magic_len &&
		    memcmp(head, engines[k].magic, engines[k].magic_len) == 0)
			return ((enum decomp_kind)k);
	return (DECOMP_NONE);
}

int
decomp_new(enum decomp_kind kind, decomp_read_fn *read, void *arg, struct decomp **out,
    struct err *e)
{
	struct decomp *d = malloc(sizeof(*d));

	if (d == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	memset(d, 0, offsetof(struct decomp, in));
	d->engine = &engines[kind];
	d->read = read;
	d->arg = arg;
	d->between = true;
	*out = d;
	return (0);
}

static void
engine_stop(struct decomp *d)
{
	if (d->started)
		d->engine->stop(d);
	d->started = false;
}

void
decomp_free(struct decomp *d)
{
	if (d == NULL)
		return;
	engine_stop(d);
	free(d);
}

static int
refill(struct decomp *d, struct err *e)
{
	ssize_t n;

	if (d->in_pos < d->in_len || d->eof)
		return (0);
	n = d->read(d->arg, d->in, sizeof(d->in));
	if (n < 0)
		return (err_sys(e, (int)-n, "cannot read the compressed data"));
	d->in_pos = 0;
	d->in_len = (size_t)n;
	d->eof = n == 0;
	return (0);
}

static int
step_error(const struct decomp *d, enum step s, struct err *e)
{
	if (s == STEP_MEMORY)
		return (err_set(e, ENOMEM, "%s data needs more memory than allowed",
		    d->engine->name));
	return (err_set(e, EILSEQ, "%s data is corrupt", d->engine->name));
}

/* At a member's edge: 1 a member follows, 0 the end, -errno. */
static int
begin_member(struct decomp *d, struct err *e)
{
	enum step s;

	if (d->any && d->eof && d->in_pos == d->in_len)
		return (0);
	engine_stop(d);
	if ((s = d->engine->start(d)) != STEP_MORE)
		return (step_error(d, s, e));
	d->started = true;
	d->between = false;
	d->any = true;
	return (1);
}

ssize_t
decomp_read(struct decomp *d, void *buf, size_t len, struct err *e)
{
	struct window w = {NULL, 0, buf, len};
	enum step s;
	int rc;

	while (w.out_len == len && len > 0) {
		size_t before;

		if ((rc = refill(d, e)) != 0)
			return (rc);
		if (d->between && (rc = begin_member(d, e)) <= 0)
			return (rc);
		w.in = d->in + d->in_pos;
		w.in_len = before = d->in_len - d->in_pos;
		s = d->engine->step(d, &w, d->eof);
		d->in_pos += before - w.in_len;
		if (s == STEP_CORRUPT || s == STEP_MEMORY)
			return (step_error(d, s, e));
		if (s == STEP_END)
			d->between = true;
		else if (d->eof && w.out_len == len)
			return (err_set(e, ENODATA, "%s data is cut short", d->engine->name));
	}
	return ((ssize_t)(len - w.out_len));
}
