/* SPDX-License-Identifier: MIT */
/*
 * Sending: a snapshot, or what changed since an earlier one, as a stream.
 * Format and order of the records: docs/zfs-format.md, "Send streams".
 */
#ifndef SMARTBOX_FS_SEND_H
#define SMARTBOX_FS_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/stream.h"

enum { SEND_LARGE = 1, SEND_EMBED = 2, SEND_COMPRESSED = 4 }; /* -L -e -c */

struct send_job {
	struct spa *spa;
	struct dsl_dataset *to; /* a snapshot: nothing changes it; the caller holds it until the end */
	const char *toname;	/* for the stream's header */
	uint64_t to_guid;	/* likewise */
	uint64_t from_guid, from_txg; /* 0: all of it */
	bool is_clone;		/* from is the origin of to's filesystem */
	unsigned flags;
	bool unfinished; /* what was partly received: no END, so that the receiver keeps it as that */
	bool resuming;
	uint64_t resume_object, resume_offset;
};

/*
 * One substream, BEGIN to END.  Called without the pool's lock, which is taken for each block that is
 * read; out->write is called without it, from this thread.  The error of a write is returned as it is.
 */
int send_stream(const struct send_job *job, struct stream_out *out, struct err *e);

/*
 * About how many bytes that will be.  With the pool's lock held.  since: a snapshot before to, whose
 * bytes are not sent, or NULL; from_txg alone (a bookmark) costs a walk over what is newer.
 */
int send_estimate(const struct send_job *job, struct dsl_dataset *since, uint64_t *bytes);

#endif
