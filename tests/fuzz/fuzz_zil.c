/* SPDX-License-Identifier: MIT */
/*
 * A log block of any bytes: what passes the checks lies inside of the block.
 *
 * The input is a block behind its head; the head is made so that the block is a valid one of a chain,
 * and the fuzzer need not guess checksums.  A first byte of 0xff gives the raw bytes instead.
 */
#include <stdlib.h>
#include <string.h>

#include "../../fs/zil_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCK (16u << 10)

static void
check_inside(const uint8_t *block, uint32_t end, const void *p, uint64_t len)
{
	const uint8_t *q = p;

	if (q < block || q > block + end || len > (uint64_t)(block + end - q))
		abort();
}

static void
check_record(const uint8_t *block, uint32_t end, const struct zil_record *r)
{
	const struct lr_setsaxattr *x = (const void *)r;
	const struct lr_write *w = (const void *)r;
	const struct lr_clone *c = (const void *)r;
	const struct lr_acl *a = (const void *)r;
	struct lr_names n;
	const char *name = (const char *)(x + 1);

	check_inside(block, end, r, r->len);
	zil_record_names(r, &n);
	if (n.name != NULL)
		check_inside(block, end, n.name, strlen(n.name) + 1);
	if (n.name2 != NULL)
		check_inside(block, end, n.name2, strlen(n.name2) + 1);
	if (zil_record_type(r) == TX_WRITE && r->len > sizeof(*w))
		check_inside(block, end, w + 1, w->len);
	if (zil_record_type(r) == TX_SETSAXATTR)
		check_inside(block, end, name + strlen(name) + 1, x->size);
	if (zil_record_type(r) == TX_CLONE_RANGE)
		check_inside(block, end, c + 1, c->nbps * sizeof(struct blkptr));
	if (zil_record_type(r) == TX_ACL)
		check_inside(block, end, a + 1, a->bytes);
}

/* A pointer to the block, and in the block one to the next. */
static void
make_head(uint8_t *block, uint32_t used, struct blkptr *bp)
{
	struct zil_chain *head = (struct zil_chain *)(void *)block;
	uint64_t sectors = BLOCK / SECTOR_SIZE - 1;

	*bp = (struct blkptr){{1, 1}};
	bp->w[6] = sectors | sectors << 16 | 1ULL << 63;
	bp->w[15] = 5;
	memset(head, 0, sizeof(*head));
	head->next = *bp;
	head->next.w[15] = 6;
	(void)zil_block_seal(block, used, bp);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *block = calloc(1, BLOCK);
	const struct zil_record *r;
	struct blkptr bp;
	uint32_t off = 0, used;

	if (block == NULL || size == 0)
		return (free(block), 0);
	if (size > BLOCK - sizeof(struct zil_chain))
		size = BLOCK - sizeof(struct zil_chain);
	used = (uint32_t)(sizeof(struct zil_chain) + size);
	memcpy(block + sizeof(struct zil_chain), data, size);
	make_head(block, used, &bp);
	if (data[0] == 0xff)
		memcpy(block, data, size);
	if (zil_block_check(block, &bp) == 0) {
		used = (uint32_t)((const struct zil_chain *)(const void *)block)->used;
		while ((r = zil_block_record(block, &off)) != NULL)
			if (zil_record_check(r) == 0)
				check_record(block, used, r);
	} else if (data[0] != 0xff) {
		abort();
	}
	free(block);
	return (0);
}
