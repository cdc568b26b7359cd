/* SPDX-License-Identifier: MIT */
/*
 * The board: devices, their life, shared interrupt lines, saved state.
 *
 *	board_new -> xyz_new... (board_add) -> [ guest runs, board_reset... ] -> board_free
 *
 * The invariants are in smartbox/vmx/board.h.
 *
 * A saved board is a header and one section per device that has state, in the order of the board,
 * which the configuration fixes: name, kind, version, length, CRC-32 of all that and the bytes.
 * A section that does not meet its device exactly is an error; versions are not guessed between.
 */
#include "smartbox/vmx/board.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

int
board_new(struct gmem *mem, const struct board_host *host, void *arg, struct board **out,
    struct err *e)
{
	struct board *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	b->mem = mem;
	b->host = host;
	b->host_arg = arg;
	(void)pthread_mutex_init(&b->irq_lock, NULL);
	b->pio = bus_new();
	b->mmio = bus_new();
	if (b->pio == NULL || b->mmio == NULL) {
		board_free(b);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	*out = b;
	return (0);
}

static void
device_free(struct device *d, const struct device_class *cls)
{
	if (cls->free != NULL)
		cls->free(d);
	else
		free(d);
}

void
board_free(struct board *b)
{
	if (b == NULL)
		return;
	while (b->ndevs > 0) {
		struct device *d = b->dev[--b->ndevs];

		(void)pthread_mutex_destroy(&d->lock);
		device_free(d, d->cls);
	}
	bus_free(b->pio);
	bus_free(b->mmio);
	(void)pthread_mutex_destroy(&b->irq_lock);
	free(b);
}

int
board_add(struct board *b, struct device *d, const struct device_class *cls, const char *name,
    struct err *e)
{
	if (b->ndevs == BOARD_MAX_DEVICES) {
		device_free(d, cls);
		return (err_set(e, ENOSPC, "more than %d devices", BOARD_MAX_DEVICES));
	}
	d->cls = cls;
	d->board = b;
	(void)pthread_mutex_init(&d->lock, NULL);
	(void)snprintf(d->name, sizeof(d->name), "%s", name);
	b->dev[b->ndevs++] = d;
	if (cls->reset != NULL)
		cls->reset(d);
	return (0);
}

void
board_reset(struct board *b)
{
	for (unsigned i = 0; i < b->ndevs; i++) {
		struct device *d = b->dev[i];

		(void)pthread_mutex_lock(&d->lock);
		if (d->cls->reset != NULL)
			d->cls->reset(d);
		(void)pthread_mutex_unlock(&d->lock);
	}
}

struct device *
board_find(struct board *b, const char *name)
{
	for (unsigned i = 0; i < b->ndevs; i++) {
		if (strcmp(b->dev[i]->name, name) == 0)
			return (b->dev[i]);
	}
	return (NULL);
}

void
board_irq(struct board *b, unsigned gsi, unsigned source, bool level)
{
	uint32_t bit = 1U << (source & 31), was;

	if (gsi >= sizeof(b->irq_users) / sizeof(b->irq_users[0]))
		return;
	(void)pthread_mutex_lock(&b->irq_lock);
	was = b->irq_users[gsi];
	b->irq_users[gsi] = level ? was | bit : was & ~bit;
	if ((was != 0) != (b->irq_users[gsi] != 0) && b->host->irq != NULL)
		b->host->irq(b->host_arg, gsi, b->irq_users[gsi] != 0);
	(void)pthread_mutex_unlock(&b->irq_lock);
}

void
board_irq_pulse(struct board *b, unsigned gsi)
{
	board_irq(b, gsi, 31, true);
	board_irq(b, gsi, 31, false);
}

void
board_event(struct board *b, enum board_event ev)
{
	if (b->host->event != NULL)
		b->host->event(b->host_arg, ev);
}

uint64_t
board_now(struct board *b)
{
	struct timespec ts;

	if (b->host->now_ns != NULL)
		return (b->host->now_ns(b->host_arg));
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec);
}

int64_t
board_wall(struct board *b)
{
	return (b->host->wall_s != NULL ? b->host->wall_s(b->host_arg) : (int64_t)time(NULL));
}

/* ---- saved state ---- */

#define BOARD_MAGIC "smartbox vm 1\n\0" /* 16 bytes with the literal's own NUL */

struct section {
	char name[24], kind[24];
	uint32_t version, len, crc, reserved;
};
_Static_assert(sizeof(struct section) == 64, "a section's header is 64 bytes");

/* The bytes of all parts of a device's state. */
static uint32_t
state_size(const struct device *d)
{
	size_t n = 0;

	for (unsigned i = 0; i < DEVICE_PARTS; i++)
		n += d->cls->state[i].size;
	return ((uint32_t)n);
}

/* Over the header, its crc field zero, and the state. */
static uint32_t
section_crc(struct section s, const uint8_t *p)
{
	s.crc = 0;
	return ((uint32_t)crc32(crc32(0, (const uint8_t *)&s, sizeof(s)), p, s.len));
}

static void
save_device(struct device *d, struct buf *out)
{
	struct section s = {.version = d->cls->version, .len = state_size(d)};
	size_t head = out->len;

	(void)snprintf(s.name, sizeof(s.name), "%s", d->name);
	(void)snprintf(s.kind, sizeof(s.kind), "%s", d->cls->kind);
	buf_add(out, &s, sizeof(s));
	(void)pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < DEVICE_PARTS; i++) {
		buf_add(out, (uint8_t *)d + d->cls->state[i].offset, d->cls->state[i].size);
	}
	(void)pthread_mutex_unlock(&d->lock);
	if (buf_failed(out))
		return;
	s.crc = section_crc(s, (uint8_t *)out->data + head + sizeof(s));
	memcpy(out->data + head, &s, sizeof(s));
}

int
board_save(struct board *b, struct buf *out, struct err *e)
{
	buf_add(out, BOARD_MAGIC, 16);
	for (unsigned i = 0; i < b->ndevs; i++) {
		if (state_size(b->dev[i]) != 0)
			save_device(b->dev[i], out);
	}
	return (buf_failed(out) ? err_set(e, ENOMEM, "out of memory") : 0);
}

static int
section_check(const struct section *s, const struct device *d, struct err *e)
{
	if (strncmp(s->name, d->name, sizeof(s->name)) != 0 ||
	    strncmp(s->kind, d->cls->kind, sizeof(s->kind)) != 0)
		return (err_set(e, EINVAL, "saved state of '%.23s' where '%s' is", s->name, d->name));
	if (s->version != d->cls->version || s->len != state_size(d))
		return (err_set(e, EINVAL, "%s: state version %u, not %u", d->name, s->version,
		    d->cls->version));
	return (0);
}

static int
device_fill(struct device *d, const uint8_t *p, struct err *e)
{
	int rc;

	(void)pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < DEVICE_PARTS; i++) {
		memcpy((uint8_t *)d + d->cls->state[i].offset, p, d->cls->state[i].size);
		p += d->cls->state[i].size;
	}
	rc = d->cls->loaded != NULL ? d->cls->loaded(d, e) : 0;
	(void)pthread_mutex_unlock(&d->lock);
	return (rc);
}

static int
load_device(struct device *d, const uint8_t **p, size_t *left, struct err *e)
{
	struct section s;
	int rc;

	if (*left < sizeof(s))
		return (err_set(e, EINVAL, "saved state ends before '%s'", d->name));
	memcpy(&s, *p, sizeof(s));
	if ((rc = section_check(&s, d, e)) != 0)
		return (rc);
	*p += sizeof(s);
	*left -= sizeof(s);
	if (*left < s.len || section_crc(s, *p) != s.crc)
		return (err_set(e, EINVAL, "saved state of '%s' is damaged", d->name));
	rc = device_fill(d, *p, e);
	*p += s.len;
	*left -= s.len;
	return (rc);
}

int
board_load(struct board *b, const void *bytes, size_t len, struct err *e)
{
	const uint8_t *p = bytes;
	int rc;

	if (len < 16 || memcmp(p, BOARD_MAGIC, 16) != 0)
		return (err_set(e, EINVAL, "not a saved machine"));
	p += 16;
	len -= 16;
	for (unsigned i = 0; i < b->ndevs; i++) {
		if (state_size(b->dev[i]) != 0 && (rc = load_device(b->dev[i], &p, &len, e)) != 0)
			return (rc);
	}
	return (len == 0 ? 0 : err_set(e, EINVAL, "saved state has devices that are not here"));
}
