/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg: numbered items, some with names, that firmware reads through two ports or by DMA.
 *
 *	0x510 selector (16 bits)   0x511 data (bytes)   0x514, 0x518 DMA address, big-endian halves
 *
 * Items are fixed before the guest runs and are read-only.  Reading past an item's end gives zeros,
 * and an unknown item is one of length zero: SeaBIOS takes counts from keys that it does not check.
 * A DMA transfer is bounded by the guest's RAM, which gmem_ptr checks in one piece; its control
 * word is read once, and written back last.
 *
 * Facts: QEMU, docs/specs/fw_cfg; keys as SeaBIOS reads them.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/vmx/isa.h"

enum { KEY_SIGNATURE = 0, KEY_ID = 1, KEY_DIR = 0x19, KEY_FILES = 0x20, ITEMS = 48 };
enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };
enum { ID_TRADITIONAL = 1, ID_DMA = 2, NAME = 56 };

struct item {
	uint16_t key;
	uint8_t *bytes;
	uint32_t len;
	char name[NAME]; /* empty: no file */
};

struct fwcfg {
	struct device dev;
	struct fwcfg_state {
		uint16_t selector;
		uint16_t reserved;
		uint32_t offset;
		uint64_t dma_address;
	} s;
	struct item item[ITEMS];
	unsigned nitems, nfiles;
	uint8_t dir[4 + ITEMS * 64];
};

static const struct item *
find(const struct fwcfg *f, uint16_t key)
{
	for (unsigned i = 0; i < f->nitems; i++) {
		if (f->item[i].key == key)
			return (&f->item[i]);
	}
	return (NULL);
}

/* Up to len bytes of the selected item from its offset on, zeros behind the end; moves on. */
static void
take(struct fwcfg *f, uint8_t *out, uint32_t len)
{
	const struct item *it = find(f, f->s.selector);
	uint32_t left = it != NULL && f->s.offset < it->len ? it->len - f->s.offset : 0;
	uint32_t n = len < left ? len : left;

	if (out != NULL) {
		if (n > 0)
			memcpy(out, it->bytes + f->s.offset, n);
		memset(out + n, 0, len - n);
	}
	f->s.offset = f->s.offset + n;
}

static void
select_key(struct fwcfg *f, uint16_t key)
{
	f->s.selector = key & 0xbfff; /* bit 14 asks for writing, bit 15 is part of the key */
	f->s.offset = 0;
}

/* ---- DMA ---- */

struct dma {
	uint32_t control, length;
	uint64_t address; /* all big-endian */
};

static uint32_t
dma_run(struct fwcfg *f, uint32_t control, uint32_t length, uint64_t address)
{
	uint8_t *p;

	if ((control & DMA_SELECT) != 0)
		select_key(f, (uint16_t)(control >> 16));
	if ((control & DMA_WRITE) != 0)
		return (DMA_ERROR);
	if ((control & (DMA_READ | DMA_SKIP)) == 0 || length == 0)
		return (0);
	if ((control & DMA_READ) == 0) {
		take(f, NULL, length);
		return (0);
	}
	if ((p = gmem_ptr(f->dev.board->mem, address, length)) == NULL)
		return (DMA_ERROR);
	take(f, p, length);
	return (0);
}

static void
dma_start(struct fwcfg *f)
{
	struct gmem *m = f->dev.board->mem;
	struct dma d;
	uint32_t result;

	if (gmem_read(m, f->s.dma_address, &d, sizeof(d)) != 0)
		return;
	result = htobe32(
	    dma_run(f, be32toh(d.control), be32toh(d.length), be64toh(d.address)));
	(void)gmem_write(m, f->s.dma_address, &result, sizeof(result));
}

/* ---- ports ---- */

static uint64_t
port_read(struct device *d, uint64_t off, unsigned size)
{
	static const uint8_t signature[16] = "    QEMU CFG"; /* at its ports */
	struct fwcfg *f = (struct fwcfg *)d;
	uint64_t v = 0;
	uint8_t b = 0;

	if (off == 1 && size == 1) {
		take(f, &b, 1);
		return (b);
	}
	if (off >= 4)
		memcpy(&v, signature + off, size);
	return (v);
}

static void
port_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct fwcfg *f = (struct fwcfg *)d;

	if (off == 0 && size == 2)
		select_key(f, (uint16_t)v);
	if (off == 4 && size == 4)
		f->s.dma_address = (uint64_t)be32toh((uint32_t)v) << 32;
	if (off == 8 && size == 4) {
		f->s.dma_address |= be32toh((uint32_t)v);
		dma_start(f);
		f->s.dma_address = 0;
	}
}

static const struct bus_ops fwcfg_ops = {port_read, port_write};

/* ---- items ---- */

static int
item_add(struct fwcfg *f, uint16_t key, const void *bytes, size_t len, const char *name)
{
	struct item *it = &f->item[f->nitems];

	if (f->nitems == ITEMS || strlen(name) >= NAME || len > (64 << 20))
		return (-ENOSPC);
	if ((it->bytes = malloc(len + 1)) == NULL)
		return (-ENOMEM);
	memcpy(it->bytes, bytes, len);
	it->key = key;
	it->len = (uint32_t)len;
	(void)snprintf(it->name, sizeof(it->name), "%s", name);
	f->nitems++;
	return (0);
}

int
fwcfg_add(struct device *d, uint16_t key, const void *bytes, size_t len)
{
	return (item_add((struct fwcfg *)d, key, bytes, len, ""));
}

/* The directory is an item of its own, made anew with each file. */
static void
dir_build(struct fwcfg *f)
{
	uint8_t *p = f->dir + 4;
	uint32_t count = 0, be;

	for (unsigned i = 0; i < f->nitems; i++) {
		const struct item *it = &f->item[i];
		uint16_t key = htobe16(it->key);

		if (it->name[0] == '\0')
			continue;
		be = htobe32(it->len);
		memset(p, 0, 64);
		memcpy(p, &be, 4);
		memcpy(p + 4, &key, 2);
		memcpy(p + 8, it->name, strlen(it->name));
		p += 64;
		count++;
	}
	be = htobe32(count);
	memcpy(f->dir, &be, 4);
	f->item[0].len = 4 + count * 64;
}

/* A file of that name is replaced: between two lives of the guest. */
static bool
file_replace_bytes(struct fwcfg *f, const char *name, const void *bytes, size_t len)
{
	for (unsigned i = 1; i < f->nitems; i++) {
		struct item *it = &f->item[i];
		uint8_t *p;

		if (strcmp(it->name, name) != 0 || (p = malloc(len + 1)) == NULL)
			continue;
		memcpy(p, bytes, len);
		free(it->bytes);
		it->bytes = p;
		it->len = (uint32_t)len;
		dir_build(f);
		return (true);
	}
	return (false);
}

int
fwcfg_add_file(struct device *d, const char *name, const void *bytes, size_t len)
{
	struct fwcfg *f = (struct fwcfg *)d;
	int rc;

	if (file_replace_bytes(f, name, bytes, len))
		return (0);
	rc = item_add(f, (uint16_t)(KEY_FILES + f->nfiles), bytes, len, name);

	if (rc == 0) {
		f->nfiles++;
		dir_build(f);
	}
	return (rc);
}

static void
fwcfg_reset(struct device *d)
{
	memset(&((struct fwcfg *)d)->s, 0, sizeof(struct fwcfg_state));
}

static void
fwcfg_free(struct device *d)
{
	struct fwcfg *f = (struct fwcfg *)d;

	for (unsigned i = 1; i < f->nitems; i++)
		free(f->item[i].bytes);
	free(f);
}

static const struct device_class fwcfg_class = {
    .kind = "fw_cfg",
    .version = 1,
    .state = {DEVICE_STATE(struct fwcfg, s)},
    .reset = fwcfg_reset,
    .free = fwcfg_free,
};

int
fwcfg_new(struct board *b, struct err *e)
{
	uint32_t id = htole32(ID_TRADITIONAL | ID_DMA);
	struct fwcfg *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	f->item[0] = (struct item){.key = KEY_DIR, .bytes = f->dir, .len = 4};
	f->nitems = 1;
	if ((rc = board_add(b, &f->dev, &fwcfg_class, "fw_cfg", e)) != 0)
		return (rc);
	if (bus_add(b->pio, 0x510, 12, &f->dev, &fwcfg_ops) != 0)
		return (err_set(e, EEXIST, "port 0x510 is taken"));
	(void)fwcfg_add(&f->dev, KEY_SIGNATURE, "QEMU", 4);
	return (fwcfg_add(&f->dev, KEY_ID, &id, sizeof(id)));
}
