/* SPDX-License-Identifier: MIT */
/*
 * A log block's bytes: sealing one, judging one, and the records in it.
 *
 *	+---------------------+--------+--------+-----+------+ - - - - - - - - - +
 *	| struct zil_chain    | record | record | ... | zero | not written, if all |
 *	| next, used, sum     |        |        |     |      | behind is unused    |
 *	+---------------------+--------+--------+-----+------+ - - - - - - - - - +
 *	0                    184                   used    rounded up to 4096   size
 *
 * The checksum is over the part that is written.  Its start value is in the block pointer: two random
 * words, the dataset, and a sequence number that rises by one along the chain.  So what lies in a block that
 * was allocated and not yet written, even an old log block, ends the chain.
 *
 * A record that passed zil_record_check() can be read without looking at its length again.  Nothing
 * here believes a byte of the disk; nothing here knows more than the bytes (the fuzz target is
 * tests/fuzz/fuzz_zil.c).
 */
#include <errno.h>
#include <string.h>

#include "zil_impl.h"

#define RECORD_MAX (ZIL_BLOCK_MAX - sizeof(struct zil_chain))

/* --- blocks ------------------------------------------------------------------------------------- */

static uint32_t
round_up(uint32_t v, uint32_t unit)
{
	return ((v + unit - 1) & ~(unit - 1));
}

static struct cksum
verifier_of(const struct blkptr *bp)
{
	return ((struct cksum){{bp->w[12], bp->w[13], bp->w[14], bp->w[15]}});
}

/* The sum of a block in whose head the verifier stands in the place of the sum. */
static struct cksum
block_sum(const uint8_t *block, uint32_t len, const struct cksum *verifier)
{
	struct zil_chain head;
	struct cksum c = {{0, 0, 0, 0}};

	memcpy(&head, block, sizeof(head));
	head.sum = *verifier;
	fletcher4_add(&c, &head, sizeof(head));
	fletcher4_add(&c, block + sizeof(head), len - sizeof(head));
	return (c);
}

uint32_t
zil_block_seal(uint8_t *block, uint32_t used, const struct blkptr *bp)
{
	struct zil_chain *head = (struct zil_chain *)(void *)block;
	uint32_t len = round_up(used, ZIL_BLOCK_MIN);
	struct cksum verifier = verifier_of(bp);

	memset(block + used, 0, len - used);
	head->used = used;
	head->magic = ECK_MAGIC;
	head->sum = block_sum(block, len, &verifier);
	return (len);
}

/* The next pointer has this block's words, one further. */
static bool
is_successor(const struct blkptr *bp, const struct blkptr *next)
{
	return (next->w[12] == bp->w[12] && next->w[13] == bp->w[13] && next->w[14] == bp->w[14] &&
	    next->w[15] == bp->w[15] + 1);
}

/* Of an encrypted block the sum's last words are a MAC, the first two are folded. */
static bool
sum_matches(const struct cksum *want, const struct cksum *got, bool encrypted)
{
	if (encrypted)
		return (want->w[0] == (got->w[0] ^ got->w[2]) && want->w[1] == (got->w[1] ^ got->w[3]));
	return (cksum_equal(want, got));
}

int
zil_block_check(const uint8_t *block, const struct blkptr *bp)
{
	const struct zil_chain *head = (const struct zil_chain *)(const void *)block;
	struct cksum verifier = verifier_of(bp), got;
	uint32_t len;

	if (head->magic == __builtin_bswap64(ECK_MAGIC))
		return (-ENOTSUP);
	if (head->magic != ECK_MAGIC || head->used < sizeof(*head) || head->used > bp_lsize(bp))
		return (-EILSEQ);
	len = round_up((uint32_t)head->used, ZIL_BLOCK_MIN);
	if (len > bp_lsize(bp))
		return (-EILSEQ);
	got = block_sum(block, len, &verifier);
	if (!sum_matches(&head->sum, &got, bp_is_encrypted(bp)))
		return (-EILSEQ);
	return (bp_is_hole(&head->next) || !is_successor(bp, &head->next) ? -EILSEQ : 0);
}

const struct zil_record *
zil_block_record(const uint8_t *block, uint32_t *off)
{
	const struct zil_chain *head = (const struct zil_chain *)(const void *)block;
	const struct zil_record *r;
	uint64_t left;

	if (*off < sizeof(*head))
		*off = sizeof(*head);
	if (*off >= head->used)
		return (NULL);
	left = head->used - *off;
	r = (const struct zil_record *)(const void *)(block + *off);
	if (left < sizeof(*r) || r->len < sizeof(*r) || r->len > left || r->len % 8 != 0)
		return (NULL);
	*off += (uint32_t)r->len;
	return (r);
}

/* --- records ------------------------------------------------------------------------------------ */

/* What each type has at least, how many names end it, and where they begin (0: it varies). */
static const struct shape {
	uint16_t fixed;
	uint8_t names;
} shapes[TX_TYPES] = {
    [TX_CREATE] = {sizeof(struct lr_create), 1},
    [TX_MKDIR] = {sizeof(struct lr_create), 1},
    [TX_MKXATTR] = {sizeof(struct lr_create), 1},
    [TX_SYMLINK] = {sizeof(struct lr_create), 2},
    [TX_REMOVE] = {sizeof(struct lr_remove), 1},
    [TX_RMDIR] = {sizeof(struct lr_remove), 1},
    [TX_LINK] = {sizeof(struct lr_link), 1},
    [TX_RENAME] = {sizeof(struct lr_rename), 2},
    [TX_WRITE] = {sizeof(struct lr_write), 0},
    [TX_TRUNCATE] = {sizeof(struct lr_truncate), 0},
    [TX_SETATTR] = {sizeof(struct lr_setattr), 0},
    [TX_ACL_V0] = {sizeof(struct lr_acl_v0), 0},
    [TX_ACL] = {sizeof(struct lr_acl), 0},
    [TX_CREATE_ACL] = {sizeof(struct lr_acl_create), 1},
    [TX_CREATE_ATTR] = {sizeof(struct lr_create), 1},
    [TX_CREATE_ACL_ATTR] = {sizeof(struct lr_acl_create), 1},
    [TX_MKDIR_ACL] = {sizeof(struct lr_acl_create), 1},
    [TX_MKDIR_ATTR] = {sizeof(struct lr_create), 1},
    [TX_MKDIR_ACL_ATTR] = {sizeof(struct lr_acl_create), 1},
    [TX_WRITE2] = {sizeof(struct lr_write), 0},
    [TX_SETSAXATTR] = {sizeof(struct lr_setsaxattr), 1},
    [TX_RENAME_EXCHANGE] = {sizeof(struct lr_rename), 2},
    [TX_RENAME_WHITEOUT] = {sizeof(struct lr_whiteout), 2},
    [TX_CLONE_RANGE] = {sizeof(struct lr_clone), 0},
};

static bool
has_acl(unsigned type)
{
	return (type == TX_CREATE_ACL || type == TX_CREATE_ACL_ATTR || type == TX_MKDIR_ACL ||
	    type == TX_MKDIR_ACL_ATTR);
}

static bool
has_attr(unsigned type)
{
	return (type == TX_CREATE_ATTR || type == TX_CREATE_ACL_ATTR || type == TX_MKDIR_ATTR ||
	    type == TX_MKDIR_ACL_ATTR);
}

/* Bytes of an attribute part: sizes, bitmap, attributes, two times, scan stamp. */
static uint64_t
attr_bytes(const uint8_t *p, uint64_t left)
{
	uint32_t words;

	if (left < 4)
		return (UINT64_MAX);
	memcpy(&words, p, 4);
	return (4 + (uint64_t)words * 4 + 8 + 16 + 32);
}

/* Where the name of a creating record begins; UINT64_MAX: not inside of it. */
static uint64_t
create_name_offset(const struct zil_record *r)
{
	const struct lr_acl_create *ac = (const struct lr_acl_create *)(const void *)r;
	unsigned type = zil_record_type(r);
	uint64_t off = shapes[type].fixed, part;

	if (has_attr(type)) {
		part = attr_bytes((const uint8_t *)r + off, r->len - off);
		if (part > r->len - off)
			return (UINT64_MAX);
		off += part;
	}
	if (has_acl(type)) {
		if (ac->bytes > r->len || ac->nfuids > r->len / 8)
			return (UINT64_MAX);
		part = ((ac->bytes + 7) & ~7ULL) + ac->nfuids * 8;
		if (part > r->len - off)
			return (UINT64_MAX);
		off += part;
	}
	return (off);
}

static uint64_t
names_offset(const struct zil_record *r)
{
	unsigned type = zil_record_type(r);

	return (has_acl(type) || has_attr(type) ? create_name_offset(r) : shapes[type].fixed);
}

/* The string at *off, which is moved behind its NUL; NULL: it does not end in the record. */
static const char *
take_string(const struct zil_record *r, uint64_t *off)
{
	const char *s = (const char *)r + *off;
	const char *end = *off < r->len ? memchr(s, '\0', r->len - *off) : NULL;

	if (end == NULL)
		return (NULL);
	*off += (uint64_t)(end - s) + 1;
	return (s);
}

static const char *
skip_domains(const struct zil_record *r, uint64_t *off)
{
	const struct lr_acl_create *ac = (const struct lr_acl_create *)(const void *)r;
	const char *s = "";

	if (has_acl(zil_record_type(r)))
		for (uint64_t i = 0; i < ac->ndomains && s != NULL; i++)
			s = take_string(r, off);
	return (s);
}

static int
check_names(const struct zil_record *r)
{
	uint64_t off = names_offset(r);

	if (off > r->len || skip_domains(r, &off) == NULL)
		return (-EILSEQ);
	for (unsigned i = 0; i < shapes[zil_record_type(r)].names; i++)
		if (take_string(r, &off) == NULL)
			return (-EILSEQ);
	return (0);
}

void
zil_record_names(const struct zil_record *r, struct lr_names *n)
{
	uint64_t off = names_offset(r);
	unsigned count = shapes[zil_record_type(r)].names;

	(void)skip_domains(r, &off);
	n->name = count > 0 ? take_string(r, &off) : NULL;
	n->name2 = count > 1 ? take_string(r, &off) : NULL;
}

static int
check_write(const struct lr_write *w)
{
	uint64_t end;

	if (__builtin_add_overflow(w->off, w->len, &end) || end > INT64_MAX)
		return (-EILSEQ);
	if (zil_record_type(&w->h) == TX_WRITE2)
		return (0);
	if (w->h.len > sizeof(*w))
		return (w->len > w->h.len - sizeof(*w) ? -EILSEQ : 0);
	/* A pointer's block is at most 16 MiB; a hole says how much by its length only. */
	return (w->len > BLOCK_MAX_BYTES ? -EILSEQ : 0);
}

static int
check_clone(const struct lr_clone *c)
{
	uint64_t end;

	if (__builtin_add_overflow(c->off, c->len, &end) || end > INT64_MAX || c->block_size == 0 ||
	    c->block_size > BLOCK_MAX_BYTES || c->block_size % SECTOR_SIZE != 0)
		return (-EILSEQ);
	return (c->nbps > (c->h.len - sizeof(*c)) / sizeof(struct blkptr) ? -EILSEQ : 0);
}

static int
check_body(const struct zil_record *r)
{
	const void *p = r;
	const struct lr_acl *acl = p;
	const struct lr_acl_v0 *v0 = p;
	const struct lr_setsaxattr *x = p;
	const char *end;

	switch (zil_record_type(r)) {
	case TX_WRITE:
	case TX_WRITE2:
		return (check_write(p));
	case TX_CLONE_RANGE:
		return (check_clone(p));
	case TX_ACL:
		return (acl->bytes > r->len - sizeof(*acl) ? -EILSEQ : 0);
	case TX_ACL_V0:
		return (v0->count > (r->len - sizeof(*v0)) / 16 ? -EILSEQ : 0);
	case TX_SETSAXATTR:
		end = memchr(x + 1, '\0', r->len - sizeof(*x));
		return (end == NULL || x->size > (uint64_t)((const char *)r + r->len - (end + 1)) ?
		    -EILSEQ : 0);
	default:
		return (0);
	}
}

int
zil_record_check(const struct zil_record *r)
{
	unsigned type = zil_record_type(r);
	int rc;

	if ((r->type & ~TX_FOLD_CASE) >= TX_TYPES || shapes[type].fixed == 0)
		return (-ENOTSUP);
	if (r->len < shapes[type].fixed || r->len > RECORD_MAX)
		return (-EILSEQ);
	if (shapes[type].names > 0 && (rc = check_names(r)) != 0)
		return (rc);
	return (check_body(r));
}
