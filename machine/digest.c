/* SPDX-License-Identifier: MIT */
/* Message digests by name, on mbedtls. */
#include "smartbox/machine/digest.h"

#include <errno.h>
#include <mbedtls/md.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct digest {
	mbedtls_md_context_t md;
	size_t size;
};

/* names[i] belongs to types[i]. */
static const char *const names[] = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512", NULL};
static const mbedtls_md_type_t types[] = {MBEDTLS_MD_MD5, MBEDTLS_MD_SHA1, MBEDTLS_MD_SHA224,
    MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512};

const char *const *
digest_names(void)
{
	return (names);
}

static const mbedtls_md_info_t *
info_by_name(const char *name)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (strcasecmp(names[i], name) == 0)
			return (mbedtls_md_info_from_type(types[i]));
	return (NULL);
}

const char *
digest_canonical(const char *name)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (strcasecmp(names[i], name) == 0)
			return (names[i]);
	return (NULL);
}

size_t
digest_hex_len(const char *name)
{
	const mbedtls_md_info_t *info = info_by_name(name);

	return (info != NULL ? 2 * (size_t)mbedtls_md_get_size(info) : 0);
}

int
digest_new(const char *name, struct digest **out, struct err *e)
{
	const mbedtls_md_info_t *info = info_by_name(name);
	struct digest *d;

	if (info == NULL)
		return (err_set(e, EINVAL,
		    "unknown digest '%s', allowed are md5, sha1, sha224, sha256, sha384, sha512", name));
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	mbedtls_md_init(&d->md);
	if (mbedtls_md_setup(&d->md, info, 0) != 0 || mbedtls_md_starts(&d->md) != 0) {
		digest_free(d);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	d->size = mbedtls_md_get_size(info);
	*out = d;
	return (0);
}

void
digest_add(struct digest *d, const void *buf, size_t len)
{
	(void)mbedtls_md_update(&d->md, buf, len);
}

void
digest_hex(struct digest *d, char out[DIGEST_HEX_MAX])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[MBEDTLS_MD_MAX_SIZE] = {0};

	(void)mbedtls_md_finish(&d->md, raw);
	for (size_t i = 0; i < d->size; i++) {
		out[2 * i] = hex[raw[i] >> 4];
		out[2 * i + 1] = hex[raw[i] & 15];
	}
	out[2 * d->size] = '\0';
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	mbedtls_md_free(&d->md);
	free(d);
}

int
digest_fd(const char *name, int fd, char out[DIGEST_HEX_MAX], struct err *e)
{
	struct digest *d = NULL;
	char *buf = NULL;
	ssize_t n = -1;
	int rc;

	if ((rc = digest_new(name, &d, e)) != 0)
		return (rc);
	if ((buf = malloc(65536)) == NULL) {
		rc = err_set(e, ENOMEM, "out of memory");
		goto out;
	}
	while ((n = read(fd, buf, 65536)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			digest_add(d, buf, (size_t)n);
	if (n < 0) {
		rc = err_sys(e, errno, "cannot read");
		goto out;
	}
	digest_hex(d, out);
out:
	digest_free(d);
	free(buf);
	return (rc);
}
