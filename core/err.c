/* SPDX-License-Identifier: MIT */
/* struct err: set, wrap and convert error sentences; see the header for the contract. */
#include "smartbox/core/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One error is one line: control characters would let outside bytes forge another. */
static void
make_one_line(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

int
err_vset(struct err *e, int code, const char *fmt, va_list ap)
{
	if (e != NULL) {
		e->code = code;
		(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
		make_one_line(e->msg);
	}
	return (-code);
}

int
err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = err_vset(e, code, fmt, ap);
	va_end(ap);
	return (rc);
}

static void
append_reason(struct err *e, int code)
{
	size_t n = strlen(e->msg);

	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(code));
}

int
err_sys(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = err_vset(e, code, fmt, ap);
	va_end(ap);
	if (e != NULL)
		append_reason(e, code);
	return (rc);
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	va_list ap;
	size_t n;

	if (e == NULL)
		return (-EIO);
	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	make_one_line(e->msg);
	n = strlen(e->msg);
	if (old[0] != '\0')
		(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", old);
	if (e->code == 0)
		e->code = EIO;
	return (-e->code);
}

int
err_rc(struct err *e, int rc, const char *fmt, ...)
{
	va_list ap;

	if (rc >= 0)
		return (rc);
	va_start(ap, fmt);
	(void)err_vset(e, -rc, fmt, ap);
	va_end(ap);
	if (e != NULL)
		append_reason(e, -rc);
	return (rc);
}
