/* SPDX-License-Identifier: MIT */
/*
 * Ports that firmware and kernels poke: 0x80 (POST codes, and Linux' delay), 0x402 (firmware's log; reads
 * 0xe9, which says that it is there), 0xb2 and 0xb3 (APM: storage).
 *
 * The log goes to a descriptor without blocking and is cut at 1 MiB: a guest that writes for ever
 * fills nobody's disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/vmx/isa.h"

enum { LOG_MAX = 1 << 20, LINE = 128 };

struct debugcon {
	struct device dev;
	struct debugcon_state {
		uint8_t post, apm[2], reserved[5];
	} s;
	int fd;
	size_t written;
	char line[LINE];
	unsigned len;
};

static void
log_flush(struct debugcon *c)
{
	if (c->fd >= 0 && c->written < LOG_MAX)
		(void)!write(c->fd, c->line, c->len);
	c->written += c->len;
	c->len = 0;
}

static uint64_t
log_read(struct device *d, uint64_t off, unsigned size)
{
	(void)d;
	(void)off;
	(void)size;
	return (0xe9);
}

static void
log_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct debugcon *c = (struct debugcon *)d;

	(void)off;
	(void)size;
	c->line[c->len++] = (char)v;
	if (v == '\n' || c->len == LINE)
		log_flush(c);
}

static uint64_t
post_read(struct device *d, uint64_t off, unsigned size)
{
	(void)off;
	(void)size;
	return (((struct debugcon *)d)->s.post);
}

static void
post_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	(void)off;
	(void)size;
	((struct debugcon *)d)->s.post = (uint8_t)v;
}

static uint64_t
apm_read(struct device *d, uint64_t off, unsigned size)
{
	(void)size;
	return (((struct debugcon *)d)->s.apm[off]);
}

static void
apm_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	(void)size;
	((struct debugcon *)d)->s.apm[off] = (uint8_t)v;
}

static const struct bus_ops log_ops = {log_read, log_write};
static const struct bus_ops post_ops = {post_read, post_write};
static const struct bus_ops apm_ops = {apm_read, apm_write};

static void
debugcon_reset(struct device *d)
{
	struct debugcon *c = (struct debugcon *)d;

	memset(&c->s, 0, sizeof(c->s));
}

static void
debugcon_free(struct device *d)
{
	struct debugcon *c = (struct debugcon *)d;

	log_flush(c);
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c);
}

static const struct device_class debugcon_class = {
    .kind = "debugcon",
    .version = 1,
    .state = {DEVICE_STATE(struct debugcon, s)},
    .reset = debugcon_reset,
    .free = debugcon_free,
};

int
debugcon_new(struct board *b, int fd, struct err *e)
{
	struct debugcon *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	c->fd = fd;
	if ((rc = board_add(b, &c->dev, &debugcon_class, "debugcon", e)) != 0)
		return (rc);
	if (bus_add(b->pio, 0x402, 1, &c->dev, &log_ops) != 0 ||
	    bus_add(b->pio, 0x80, 1, &c->dev, &post_ops) != 0 ||
	    bus_add(b->pio, 0xb2, 2, &c->dev, &apm_ops) != 0)
		return (err_set(e, EEXIST, "a debug port is taken"));
	return (0);
}
