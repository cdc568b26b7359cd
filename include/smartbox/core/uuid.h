/* SPDX-License-Identifier: MIT */
/*
 * UUIDs (RFC 4122 text form, lower case) and random bytes.
 */
#ifndef SMARTBOX_CORE_UUID_H
#define SMARTBOX_CORE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_STRLEN 36

void uuid_generate(char out[UUID_STRLEN + 1]); /* version 4 */
bool uuid_is_valid(const char *s);	       /* 8-4-4-4-12 hex digits, any case */
void random_bytes(void *buf, size_t len);      /* getrandom; never fails once the pool is up */
uint64_t random_u64(void);

#endif
