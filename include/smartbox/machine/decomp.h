/* SPDX-License-Identifier: MIT */
/*
 * Decompression of a stream whose kind is told by its first bytes: gzip, bzip2, xz, zstd, or none.
 *
 * A stream pulls compressed bytes from a callback and gives plain ones.  Memory is bounded whatever
 * the input claims (xz dictionary and zstd window up to DECOMP_MAX_WINDOW); several members after
 * one another are one stream, as the command line tools have it.
 */
#ifndef SMARTBOX_MACHINE_DECOMP_H
#define SMARTBOX_MACHINE_DECOMP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "smartbox/core/err.h"

#define DECOMP_MAX_WINDOW (128u << 20)

enum decomp_kind { DECOMP_NONE, DECOMP_GZIP, DECOMP_BZIP2, DECOMP_XZ, DECOMP_ZSTD, DECOMP_KINDS };

/* Up to len bytes; 0 at the end of input; -errno. */
typedef ssize_t decomp_read_fn(void *arg, void *buf, size_t len);

struct decomp;

/* The manifest's word ("gzip"), and back: -1 for an unknown one. */
const char *decomp_name(enum decomp_kind kind);
int decomp_by_name(const char *name);
/* What the first bytes of a file say. */
enum decomp_kind decomp_sniff(const void *head, size_t len);

int decomp_new(enum decomp_kind kind, decomp_read_fn *read, void *arg, struct decomp **out,
    struct err *e);
/* Plain bytes (> 0), 0 at a proper end, -EILSEQ corrupt, -ENODATA cut short, -errno of the reader. */
ssize_t decomp_read(struct decomp *d, void *buf, size_t len, struct err *e);
void decomp_free(struct decomp *d);

#endif
