/* SPDX-License-Identifier: MIT */
/*
 * Raw block buffers.
 *
 * A buffer of 128 KiB from malloc is a fresh mapping: 32 page faults per block.  So buffers come
 * back to one list per power of two and are used again, the latest first, up to KEEP_BYTES in all.
 * A kept buffer is its own list element.  The list has its own lock, so that a thread that only
 * compresses or verifies needs no more of the pool than this.
 */
#include <pthread.h>
#include <stdlib.h>

#include "smartbox/fs/zio.h"
#include "spa_impl.h"
#include "zio_impl.h"

enum { CLASS_MIN = 12, CLASS_MAX = 24, CLASSES = CLASS_MAX - CLASS_MIN + 1 };
#define KEEP_BYTES ((size_t)16 << 20)

struct kept {
	struct kept *next;
};

struct zio_pool {
	pthread_mutex_t lock;
	struct kept *list[CLASSES];
	size_t bytes; /* of all kept */
};

static struct zio_pool *
zio_pool_of(struct spa *spa)
{
	struct zio_pool *z = __atomic_load_n(&spa->zio, __ATOMIC_ACQUIRE), *none = NULL;

	if (z != NULL || (z = calloc(1, sizeof(*z))) == NULL)
		return (z);
	(void)pthread_mutex_init(&z->lock, NULL);
	if (__atomic_compare_exchange_n(&spa->zio, &none, z, false, __ATOMIC_ACQ_REL,
	    __ATOMIC_ACQUIRE))
		return (z);
	free(z); /* another thread was first */
	return (none);
}

static unsigned
class_of(size_t size)
{
	unsigned c = 0;

	while (c < CLASSES - 1 && (size_t)1 << (c + CLASS_MIN) < size)
		c++;
	return (c);
}

void *
zio_buf_get(struct spa *spa, size_t size)
{
	struct zio_pool *z = zio_pool_of(spa);
	unsigned c = class_of(size);
	size_t bytes = (size_t)1 << (c + CLASS_MIN);
	struct kept *buf;

	if (z == NULL || size > bytes)
		return (NULL);
	(void)pthread_mutex_lock(&z->lock);
	if ((buf = z->list[c]) != NULL) {
		z->list[c] = buf->next;
		z->bytes -= bytes;
	}
	(void)pthread_mutex_unlock(&z->lock);
	return (buf != NULL ? (void *)buf : aligned_alloc(4096, bytes));
}

void
zio_buf_put(struct spa *spa, void *buf, size_t size)
{
	struct zio_pool *z = spa->zio;
	unsigned c = class_of(size);
	size_t bytes = (size_t)1 << (c + CLASS_MIN);
	struct kept *k = buf;

	if (buf == NULL)
		return;
	(void)pthread_mutex_lock(&z->lock);
	if (z->bytes + bytes <= KEEP_BYTES) {
		k->next = z->list[c];
		z->list[c] = k;
		z->bytes += bytes;
		buf = NULL;
	}
	(void)pthread_mutex_unlock(&z->lock);
	free(buf);
}

void
zio_buf_trim(struct spa *spa)
{
	struct zio_pool *z = spa->zio;
	struct kept *k;

	if (z == NULL)
		return;
	(void)pthread_mutex_lock(&z->lock);
	for (unsigned c = 0; c < CLASSES; c++) {
		while ((k = z->list[c]) != NULL) {
			z->list[c] = k->next;
			free(k);
		}
	}
	z->bytes = 0;
	(void)pthread_mutex_unlock(&z->lock);
}

void
zio_fini(struct spa *spa)
{
	struct zio_pool *z = spa->zio;

	if (z == NULL)
		return;
	zio_buf_trim(spa);
	(void)pthread_mutex_destroy(&z->lock);
	free(z);
	spa->zio = NULL;
}
