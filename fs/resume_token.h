/* SPDX-License-Identifier: MIT */
/*
 * The resume token: what is known of a stream that was cut, as a word to carry to the sender.
 *
 *	1-<fletcher4 word 0>-<length when unpacked>-<bytes>		all in hex
 *
 * The bytes are a zlib stream of a native packed nvlist {fromguid?, object, offset, bytes, toguid,
 * toname, largeblockok?, embedok?, compressok?, rawok?}; the sum runs over them.
 */
#ifndef FS_RESUME_TOKEN_H
#define FS_RESUME_TOKEN_H

#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"

int resume_token_make(const struct nvlist *nv, char **token); /* malloc'ed */
int resume_token_parse(const char *token, struct nvlist **out, struct err *e);

#endif
