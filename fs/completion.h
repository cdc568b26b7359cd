/* SPDX-License-Identifier: MIT */
/* Wait for what answers by a callback: pass completion_done with the completion as its argument. */
#ifndef FS_COMPLETION_H
#define FS_COMPLETION_H

#include <pthread.h>
#include <stdbool.h>

struct completion {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	int rc;
};
#define COMPLETION_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0}

void completion_done(int rc, void *completion);
/* What completion_done was told. */
int completion_wait(struct completion *c);

#endif
