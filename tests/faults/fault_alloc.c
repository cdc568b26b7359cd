/* SPDX-License-Identifier: MIT */
/* Allocations that fail at will (ld --wrap). */
#include "fault_alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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
	if (!on || paused || count++ != victim)
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
