/* SPDX-License-Identifier: MIT */
/*
 * Receiving one substream: a snapshot, new or behind one that is here.  Theory: fs/recv.c.
 */
#ifndef SMARTBOX_FS_RECV_H
#define SMARTBOX_FS_RECV_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/stream.h"

#define RECV_CHILD "%recv" /* where an existing dataset's next state grows */

struct recv_job {
	struct spa *spa;
	const struct stream_record *begin;
	const void *payload; /* of BEGIN */
	size_t payload_len;
	char fs[DSL_NAME_MAX], snap[DSL_NAME_MAX]; /* what becomes fs@snap */
	char origin[DSL_NAME_MAX]; /* of a new clone; "" none */
	bool force;	/* roll back, or overwrite */
	bool resumable; /* keep what came when the stream is cut */
	/* Called without the pool's lock when much may be dirty; NULL: the receiver syncs itself. */
	void (*throttle)(void *arg);
	/* The target is there and empty: properties may be set.  Without the lock; may be NULL. */
	int (*begun)(void *arg, struct err *e);
	/* Around the last step, which changes what fs shows: so that its mount can be held still. */
	int (*before_swap)(void *arg, struct err *e);
	void (*after_swap)(void *arg, int rc);
	void *arg;
};

/*
 * Receive up to the substream's END; `in` is behind its BEGIN.  Called without the pool's lock.  On an
 * error everything is as it was; or, if the job is resumable and something came, what came is kept,
 * and *kept is set.
 */
int recv_stream(struct recv_job *job, struct stream_in *in, bool *kept, struct err *e);
/* Only read and verify up to the END. */
int recv_verify(struct stream_in *in, struct err *e);
/* Would it be accepted?  Pool's lock held. */
int recv_check(struct recv_job *job, struct err *e);
/* Give up what is kept of fs. */
int recv_abort(struct spa *spa, const char *fs, struct err *e);
/* The property receive_resume_token; malloc'ed, -ENOENT: nothing is kept.  Pool's lock held. */
int recv_token(struct dsl_dataset *ds, char **token);

#endif
