/* SPDX-License-Identifier: MIT */
/* Allocations that fail and blocks that are damaged at will (ld --wrap). */
#include "fault_alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/checksum.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
int __real_posix_memalign(void **p, size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_posix_memalign(void **p, size_t align, size_t n);

static bool on, paused;
static uint64_t count, victim;

void
fault_alloc_at(uint64_t n)
{
	victim = n;
	count = 0;
	on = true;
	paused = false;
}

uint64_t
fault_alloc_off(void)
{
	on = false;
	return (count);
}

void
fault_alloc_pause(void)
{
	paused = true;
}

void
fault_alloc_go_on(void)
{
	paused = false;
}

static bool
fails(void)
{
	/* Streams have a thread of their own. */
	if (!on || paused || __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED) != victim)
		return (false);
	errno = ENOMEM;
	return (true);
}

void *
__wrap_malloc(size_t n)
{
	return (fails() ? NULL : __real_malloc(n));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return (fails() ? NULL : __real_calloc(n, size));
}

void *
__wrap_realloc(void *p, size_t n)
{
	return (fails() ? NULL : __real_realloc(p, n));
}

char *
__wrap_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = __wrap_malloc(len + 1);

	if (p != NULL) {
		memcpy(p, s, len);
		p[len] = '\0';
	}
	return (p);
}

char *
__wrap_strdup(const char *s)
{
	return (__wrap_strndup(s, strlen(s)));
}

int
__wrap_posix_memalign(void **p, size_t align, size_t n)
{
	return (fails() ? ENOMEM : __real_posix_memalign(p, align, n));
}

/* --- damage ----------------------------------------------------------------------------------- */

int __real_checksum_compute(unsigned id, bool swap, const uint8_t *salt, const void *data, size_t len,
    struct cksum *out);
int __wrap_checksum_compute(unsigned id, bool swap, const uint8_t *salt, const void *data, size_t len,
    struct cksum *out);

static bool flipping;
static uint64_t sums, spoiled;

void
fault_flip_at(uint64_t n)
{
	spoiled = n;
	sums = 0;
	flipping = true;
}

uint64_t
fault_flip_off(void)
{
	flipping = false;
	return (sums);
}

static void
spoil(uint8_t *data, size_t len, uint64_t seed)
{
	for (unsigned i = 0; i < 1 + seed % 4 && len > 0; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		data[(seed >> 20) % (seed & 1 || len < 512 ? len : 512)] ^=
		    (uint8_t)(1 << (seed >> 16 & 7));
	}
}

int
__wrap_checksum_compute(unsigned id, bool swap, const uint8_t *salt, const void *data, size_t len,
    struct cksum *out)
{
	if (flipping && sums++ == spoiled)
		spoil((uint8_t *)(uintptr_t)data, len, spoiled * 7919 + len);
	return (__real_checksum_compute(id, swap, salt, data, len, out));
}
