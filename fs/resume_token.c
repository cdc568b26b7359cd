/* SPDX-License-Identifier: MIT */
/* Resume tokens: see the header for the form. */
#include "resume_token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "smartbox/core/buf.h"
#include "smartbox/fs/checksum.h"

#define TOKEN_VERSION 1
#define UNPACKED_MAX (1u << 20)
#define ZLIB_LEVEL 6

static uint64_t
token_sum(const uint8_t *p, size_t len)
{
	struct cksum c = {{0, 0, 0, 0}};

	fletcher4_add(&c, p, len & ~(size_t)3);
	return (c.w[0]);
}

int
resume_token_make(const struct nvlist *nv, char **token)
{
	struct buf b = BUF_INIT;
	uint8_t *z = NULL;
	void *packed;
	size_t len, i;
	uLongf zlen;
	int rc;

	if ((rc = nv_pack_native(nv, &packed, &len)) != 0)
		return (rc);
	zlen = compressBound(len);
	if ((z = malloc(zlen)) == NULL || compress2(z, &zlen, packed, len, ZLIB_LEVEL) != Z_OK) {
		rc = -ENOMEM;
	} else {
		buf_printf(&b, "%d-%" PRIx64 "-%zx-", TOKEN_VERSION, token_sum(z, zlen), len);
		for (i = 0; i < zlen; i++)
			buf_printf(&b, "%02x", z[i]);
		rc = buf_failed(&b) ? -ENOMEM : 0;
	}
	free(z);
	free(packed);
	if (rc == 0)
		*token = buf_take(&b);
	buf_free(&b);
	return (rc);
}

static int
hex_digit(char c)
{
	return (c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* malloc'ed; NULL when that is no hex. */
static uint8_t *
from_hex(const char *s, size_t *len)
{
	size_t n = strlen(s), i;
	uint8_t *p = n % 2 == 0 && n > 0 ? malloc(n / 2) : NULL;

	for (i = 0; p != NULL && i < n / 2; i++) {
		int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);

		if (hi < 0 || lo < 0) {
			free(p);
			return (NULL);
		}
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	*len = n / 2;
	return (p);
}

static int
unpack(const uint8_t *z, size_t zlen, size_t len, struct nvlist **out)
{
	uint8_t *packed = len != 0 && len <= UNPACKED_MAX ? malloc(len) : NULL;
	uLongf got = len;
	int rc = -EINVAL;

	if (packed != NULL && uncompress(packed, &got, z, zlen) == Z_OK && got == len)
		rc = nv_unpack(packed, len, out, NULL);
	free(packed);
	return (rc);
}

int
resume_token_parse(const char *token, struct nvlist **out, struct err *e)
{
	unsigned version;
	uint64_t sum;
	size_t len, zlen = 0;
	int at = 0;
	uint8_t *z;

	if (sscanf(token, "%u-%" SCNx64 "-%zx-%n", &version, &sum, &len, &at) != 3 || at == 0)
		return (err_set(e, EINVAL, "resume token is corrupt (invalid format)"));
	if (version != TOKEN_VERSION)
		return (err_set(e, ENOTSUP,
		    "resume token is corrupt (invalid version %u)", version));
	z = from_hex(token + at, &zlen);
	if (z == NULL || token_sum(z, zlen) != sum) {
		free(z);
		return (err_set(e, EINVAL, z == NULL ? "resume token is corrupt (payload is not hex-encoded)" :
		    "resume token is corrupt (incorrect checksum)"));
	}
	if (unpack(z, zlen, len, out) != 0) {
		free(z);
		return (err_set(e, EINVAL, "resume token is corrupt (decompression failed)"));
	}
	free(z);
	return (0);
}
