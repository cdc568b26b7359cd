/* SPDX-License-Identifier: MIT */
/* UUIDs and random bytes from the kernel. */
#include "smartbox/core/uuid.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void
random_bytes(void *buf, size_t len)
{
	char *p = buf;

	while (len != 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

uint64_t
random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return (v);
}

void
uuid_generate(char out[UUID_STRLEN + 1])
{
	uint8_t b[16];
	char *p = out;

	random_bytes(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4 */
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80); /* RFC 4122 variant */
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		(void)snprintf(p, 3, "%02x", b[i]);
		p += 2;
	}
}

bool
uuid_is_valid(const char *s)
{
	for (int i = 0; i < UUID_STRLEN; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return (false);
		} else if (!isxdigit((unsigned char)s[i])) {
			return (false);
		}
	}
	return (s[UUID_STRLEN] == '\0');
}
