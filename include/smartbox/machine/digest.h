/* SPDX-License-Identifier: MIT */
/*
 * Message digests by name: md5, sha1, sha224, sha256, sha384, sha512.
 *
 * The algorithms are mbedtls's; this module gives them the names that manifests and digest(1) use.
 */
#ifndef SMARTBOX_MACHINE_DIGEST_H
#define SMARTBOX_MACHINE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

#define DIGEST_HEX_MAX 129 /* sha512 in hex, and its NUL */

struct digest;

/* Names of all algorithms, NULL-terminated, static. */
const char *const *digest_names(void);
/* Any case; NULL when there is no such algorithm. */
const char *digest_canonical(const char *name);
/* Length of the hex form; 0 for an unknown name. */
size_t digest_hex_len(const char *name);

/* -EINVAL for an unknown algorithm: the message lists the known ones. */
int digest_new(const char *name, struct digest **out, struct err *e);
void digest_add(struct digest *d, const void *buf, size_t len);
/* Lower-case hex; the digest can only be freed afterwards. */
void digest_hex(struct digest *d, char out[DIGEST_HEX_MAX]);
void digest_free(struct digest *d); /* NULL is fine */

/* All of what fd still has to give. */
int digest_fd(const char *name, int fd, char out[DIGEST_HEX_MAX], struct err *e);

#endif
