/* SPDX-License-Identifier: MIT */
/* What the three files of the unpacker share: unpack.c (process), jail.c (walls), extract.c (work). */
#ifndef MACHINE_UNPACK_IMPL_H
#define MACHINE_UNPACK_IMPL_H

#include "smartbox/core/err.h"
#include "smartbox/machine/decomp.h"
#include "smartbox/machine/unpack.h"

/*
 * Give up for ever everything that unpacking below dirfd does not need; see jail.c.  The process's
 * root directory is dirfd's afterwards.  keep_fd are the other descriptors that stay open, ended by -1.
 */
int jail_enter(int dirfd, const int *keep_fd, struct err *e);

/*
 * Read a compressed or plain tar archive and create its members below dirfd.  Safe without the
 * jail too: no name of the archive resolves to anything outside of dirfd.
 */
int extract_tar(int dirfd, decomp_read_fn *read, void *arg, struct unpack_stats *st, struct err *e);
/* Only decompress: the plain bytes go to the descriptor out. */
int extract_plain(int out, decomp_read_fn *read, void *arg, struct unpack_stats *st, struct err *e);

#endif
