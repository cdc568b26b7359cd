/* SPDX-License-Identifier: MIT */
/* A callback's answer, waited for. */
#include "completion.h"

void
completion_done(int rc, void *completion)
{
	struct completion *c = completion;

	(void)pthread_mutex_lock(&c->lock);
	c->done = true;
	c->rc = rc;
	(void)pthread_cond_signal(&c->cond);
	(void)pthread_mutex_unlock(&c->lock);
}

int
completion_wait(struct completion *c)
{
	int rc;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->done)
		(void)pthread_cond_wait(&c->cond, &c->lock);
	rc = c->rc;
	(void)pthread_mutex_unlock(&c->lock);
	return (rc);
}
