/* SPDX-License-Identifier: MIT */
/*
 * The SHA-512 password scheme of crypt(5), 5,000 rounds; musl as Debian builds it has no crypt(3).
 *
 * Facts: "Unix crypt using SHA-256 and SHA-512", U. Drepper, version 0.6; checked
 * against openssl(1) in tests/unit/test_password.c. In its words, A, B, DP, DS are
 * digests, P and S sequences of the password's and the salt's length made of DP and DS.
 */
#include "smartbox/machine/password.h"

#include <errno.h>
#include <mbedtls/sha512.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { DIGEST = 64, SALT_MAX = 16, ROUNDS = 5000 };

static const char letters[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

typedef mbedtls_sha512_context hasher;

static void
begin(hasher *h)
{
	mbedtls_sha512_init(h);
	(void)mbedtls_sha512_starts_ret(h, 0);
}

static void
add(hasher *h, const void *bytes, size_t n)
{
	(void)mbedtls_sha512_update_ret(h, bytes, n);
}

static void
end(hasher *h, unsigned char digest[DIGEST])
{
	(void)mbedtls_sha512_finish_ret(h, digest);
	mbedtls_sha512_free(h);
}

/* A digest repeated, cut to n bytes. */
static void
add_repeated(hasher *h, const unsigned char digest[DIGEST], size_t n)
{
	for (; n > DIGEST; n -= DIGEST)
		add(h, digest, DIGEST);
	add(h, digest, n);
}

static void
repeat(unsigned char *out, const unsigned char digest[DIGEST], size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = digest[i % DIGEST];
}

/* Steps 1 to 12. */
static void
first_digest(unsigned char a[DIGEST], const char *pw, size_t pw_len, const char *salt, size_t salt_len)
{
	unsigned char b[DIGEST];
	hasher h;

	begin(&h);
	add(&h, pw, pw_len);
	add(&h, salt, salt_len);
	add(&h, pw, pw_len);
	end(&h, b);
	begin(&h);
	add(&h, pw, pw_len);
	add(&h, salt, salt_len);
	add_repeated(&h, b, pw_len);
	for (size_t bits = pw_len; bits > 0; bits >>= 1) {
		if ((bits & 1) != 0)
			add(&h, b, DIGEST);
		else
			add(&h, pw, pw_len);
	}
	end(&h, a);
}

/* Steps 13 to 20: P and S. */
static void
sequence(unsigned char *out, const char *word, size_t len, unsigned times)
{
	unsigned char d[DIGEST];
	hasher h;

	begin(&h);
	for (unsigned i = 0; i < times; i++)
		add(&h, word, len);
	end(&h, d);
	repeat(out, d, len);
}

/* Step 21. */
static void
rounds(unsigned char a[DIGEST], const unsigned char *p, size_t p_len, const unsigned char *s, size_t s_len)
{
	hasher h;

	for (unsigned i = 0; i < ROUNDS; i++) {
		begin(&h);
		add(&h, i % 2 != 0 ? p : a, i % 2 != 0 ? p_len : DIGEST);
		if (i % 3 != 0)
			add(&h, s, s_len);
		if (i % 7 != 0)
			add(&h, p, p_len);
		add(&h, i % 2 != 0 ? a : p, i % 2 != 0 ? DIGEST : p_len);
		end(&h, a);
	}
}

static char *
encode(char *out, unsigned b2, unsigned b1, unsigned b0, unsigned n)
{
	unsigned w = b2 << 16 | b1 << 8 | b0;

	for (; n > 0; n--, w >>= 6)
		*out++ = letters[w & 63];
	return (out);
}

/* Step 22: the bytes are taken in threes, 21 apart, the start moving by 22. */
static void
encode_digest(char *out, const unsigned char a[DIGEST])
{
	for (unsigned i = 0; i < 21; i++) {
		unsigned k = i * 22 % 63;

		out = encode(out, a[k], a[(k + 21) % 63], a[(k + 42) % 63], 4);
	}
	out = encode(out, 0, 0, a[63], 2);
	*out = '\0';
}

int
password_hash(const char *password, const char *salt, char hash[PASSWORD_HASH_SIZE], struct err *e)
{
	unsigned char a[DIGEST], p[PASSWORD_MAX], s[SALT_MAX], random[SALT_MAX];
	size_t pw_len = strlen(password), salt_len;
	char fresh[SALT_MAX + 1];

	if (pw_len > PASSWORD_MAX)
		return (err_set(e, EINVAL, "a password has at most %d bytes", PASSWORD_MAX));
	if (salt == NULL) {
		if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return (err_sys(e, errno, "no randomness"));
		for (size_t i = 0; i < SALT_MAX; i++)
			fresh[i] = letters[random[i] & 63];
		fresh[SALT_MAX] = '\0';
		salt = fresh;
	}
	salt_len = strnlen(salt, SALT_MAX);
	first_digest(a, password, pw_len, salt, salt_len);
	sequence(p, password, pw_len, (unsigned)pw_len);
	sequence(s, salt, salt_len, 16u + a[0]);
	rounds(a, p, pw_len, s, salt_len);
	encode_digest(hash + snprintf(hash, PASSWORD_HASH_SIZE, "$6$%.*s$", (int)salt_len, salt), a);
	return (0);
}
