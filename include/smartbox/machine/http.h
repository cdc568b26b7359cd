/* SPDX-License-Identifier: MIT */
/*
 * Fetching over http, https and file URLs, on libcurl.
 *
 * A transfer is pulled: the caller reads, curl runs as far as it must to have bytes.  Connects end
 * after 30 s, a transfer that moves less than 1 byte a second for 60 s is given up.
 */
#ifndef SMARTBOX_MACHINE_HTTP_H
#define SMARTBOX_MACHINE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "smartbox/core/err.h"

struct http;

/*
 * Start and wait for the answer's head.  -ENOENT for a status of 404, -EIO for other bad ones, with
 * the server's own sentence when its body has one.
 */
int http_open(const char *url, bool insecure, struct http **out, struct err *e);
int64_t http_length(const struct http *h); /* Content-Length; -1 unknown */
ssize_t http_read(struct http *h, void *buf, size_t len, struct err *e); /* 0 at the end */
void http_close(struct http *h); /* NULL is fine */

/* A whole body of at most max bytes, NUL appended, malloc'ed. */
int http_get(const char *url, bool insecure, size_t max, char **body, size_t *len, struct err *e);

#endif
