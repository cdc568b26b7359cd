/* SPDX-License-Identifier: MIT */
/*
 * struct err: the sentence that travels up with an error number.
 *
 * Library functions return 0 or -errno.  Where an operator may see the failure they also take a
 * caller-owned `struct err *`, which may be NULL.  The lowest level that knows what happened sets
 * it, each level above wraps it with what it knows, and only the applet prints it.  The buffer is
 * fixed, so that reporting "out of memory" needs no memory.
 */
#ifndef SMARTBOX_CORE_ERR_H
#define SMARTBOX_CORE_ERR_H

#include <stdarg.h>

struct err {
	int code;	/* positive errno, 0 = nothing set */
	char msg[1024]; /* one line, no newline, always terminated */
};

#define ERR_INIT {0, ""}

/*
 * Set the sentence and return -code (code is a positive errno value).
 */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int err_vset(struct err *e, int code, const char *fmt, va_list ap);

/*
 * Like err_set, with ": <strerror(code)>" appended.
 */
int err_sys(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Put "<fmt>: " before the sentence that is there; returns -e->code (or -EIO when none was set).
 */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Fill e from a bare negative return value of a function that takes no struct err, and return rc.
 */
int err_rc(struct err *e, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
