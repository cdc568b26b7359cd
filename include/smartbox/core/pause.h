/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a moment where nothing tells that it came.
 */
#ifndef SMARTBOX_CORE_PAUSE_H
#define SMARTBOX_CORE_PAUSE_H

#include <time.h>

/* Sleep for ms milliseconds, or until a signal is handled. */
static inline void
pause_ms(unsigned ms)
{
	const struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&ts, NULL);
}

#endif
