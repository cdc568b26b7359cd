/* SPDX-License-Identifier: MIT */
/* Stacks as a tree, and as folded lines: see folded.h. */
#include "folded.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sym.h"

/* --- the tree ---------------------------------------------------------------------------------- */

struct frame *
frame_new(const char *name)
{
	struct frame *f = calloc(1, sizeof(*f));

	if (f == NULL || (f->name = strdup(name)) == NULL) {
		free(f);
		return (NULL);
	}
	return (f);
}

void
frame_free(struct frame *f)
{
	struct frame *c;

	if (f == NULL)
		return;
	while ((c = f->child) != NULL) {
		f->child = c->next;
		frame_free(c);
	}
	free(f->name);
	free(f);
}

struct frame *
frame_child(struct frame *f, const char *name, bool kernel)
{
	struct frame **p = &f->child, *n;
	int cmp = -1;

	for (; *p != NULL && (cmp = strcmp((*p)->name, name)) < 0; p = &(*p)->next)
		continue;
	if (*p != NULL && cmp == 0)
		return (*p);
	if ((n = frame_new(name)) == NULL)
		return (NULL);
	n->kernel = kernel;
	n->next = *p;
	*p = n;
	return (n);
}

unsigned
frame_depth(const struct frame *f)
{
	unsigned deepest = 0;

	for (const struct frame *c = f->child; c != NULL; c = c->next) {
		unsigned d = frame_depth(c);

		if (d > deepest)
			deepest = d;
	}
	return (deepest + 1);
}

/* --- from aggregations ------------------------------------------------------------------------- */

static bool
is_stack(const struct key_part *k)
{
	enum tykind kind = type_resolve(k->type)->kind;

	return (kind == TY_STACK || kind == TY_USTACK);
}

bool
agg_has_stack(const struct agg *a)
{
	for (unsigned i = 0; a->id != NULL && i < a->id->nkeys; i++)
		if (is_stack(&a->id->keys[i]))
			return (a->id->agg.func < AGG_QUANTIZE);
	return (false);
}

/* A key that is no stack, without the blanks of its column. */
static struct frame *
add_text(struct frame *f, const struct key_part *k, const char *key, const struct fmt_ctx *ctx)
{
	struct value v = {k->type, key + k->off, k->size, k->fn};
	struct buf text = BUF_INIT;
	char *s;

	if (type_is_scalar(k->type))
		v.size = (uint32_t)type_size(k->type);
	value_print_key(&text, &v, ctx);
	buf_add(&text, "", 1);
	if (buf_failed(&text)) {
		buf_free(&text);
		return (NULL);
	}
	s = text.data + strspn(text.data, " \n");
	for (size_t n = strlen(s); n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\n'); n--)
		s[n - 1] = '\0';
	f = frame_child(f, s, false);
	buf_free(&text);
	return (f);
}

static struct frame *
add_pc(struct frame *f, uint64_t pid, uint64_t pc, bool user, const struct fmt_ctx *ctx)
{
	char name[512];
	char *start = name;

	if (user)
		sym_user_func(ctx->syms, (int)pid, pc, name, sizeof(name));
	else
		sym_kernel_func(ctx->syms, pc, name, sizeof(name));
	if (!user && strncmp(name, "vmlinux`", 8) == 0)
		start += 8;
	return (frame_child(f, start, !user));
}

/* The stack is leaf first: it is added from its end. */
static struct frame *
add_stack(struct frame *f, const struct key_part *k, const char *key, const struct fmt_ctx *ctx)
{
	bool user = type_resolve(k->type)->kind == TY_USTACK;
	const char *p = key + k->off;
	size_t n = k->size / 8, used = 0;
	uint64_t pid = 0, pc;

	if (user && n > 0) {
		memcpy(&pid, p, 8);
		p += 8;
		n--;
	}
	for (; used < n; used++) {
		memcpy(&pc, p + 8 * used, 8);
		if (pc == 0)
			break;
	}
	while (used-- > 0 && f != NULL) {
		memcpy(&pc, p + 8 * used, 8);
		f = add_pc(f, pid, pc, user, ctx);
	}
	return (f);
}

static int64_t
weight(const struct agg *a, const int64_t *v)
{
	if (a->id->agg.func == AGG_AVG)
		return (v[0] != 0 ? v[1] / v[0] / a->normal : 0);
	return (v[0] / a->normal);
}

static int
add_entry(struct frame *root, const struct agg *a, const struct agg_entry *e, const struct fmt_ctx *ctx)
{
	static const enum tykind order[] = {TY_VOID, TY_USTACK, TY_STACK};
	struct frame *f = root;
	int64_t w = weight(a, e->vals);

	if (w <= 0)
		return (0);
	for (int pass = 0; pass < 3; pass++)
		for (unsigned i = 0; f != NULL && i < a->id->nkeys; i++) {
			const struct key_part *k = &a->id->keys[i];

			if (!is_stack(k) && pass == 0)
				f = add_text(f, k, e->key, ctx);
			else if (is_stack(k) && type_resolve(k->type)->kind == order[pass])
				f = add_stack(f, k, e->key, ctx);
		}
	if (f == NULL)
		return (-ENOMEM);
	f->self += (uint64_t)w;
	return (0);
}

static uint64_t
sum_up(struct frame *f)
{
	f->total = f->self;
	for (struct frame *c = f->child; c != NULL; c = c->next)
		f->total += sum_up(c);
	return (f->total);
}

int
folded_add(struct frame *root, const struct agg *a, const struct fmt_ctx *ctx)
{
	struct agg_snap s;
	int rc = agg_snapshot(a, &s);

	for (unsigned i = 0; rc == 0 && i < s.n; i++)
		rc = add_entry(root, a, &s.e[i], ctx);
	agg_snap_free(&s);
	(void)sum_up(root);
	return (rc);
}

/* --- lines ------------------------------------------------------------------------------------- */

static void
line_name(struct buf *out, const struct frame *f)
{
	for (const char *p = f->name; *p != '\0'; p++)
		buf_add(out, *p == ';' ? ":" : p, 1);
	if (f->kernel)
		buf_str(out, "_[k]");
}

static void
lines(struct buf *out, const struct frame *f, struct buf *path)
{
	size_t len = path->len;

	if (len > 0)
		buf_str(path, ";");
	line_name(path, f);
	if (f->self != 0) {
		buf_add(out, path->data, path->len);
		buf_printf(out, " %llu\n", (unsigned long long)f->self);
	}
	for (const struct frame *c = f->child; c != NULL; c = c->next)
		lines(out, c, path);
	path->len = len;
}

void
folded_print(struct buf *out, const struct frame *root)
{
	struct buf path = BUF_INIT;

	for (const struct frame *c = root->child; c != NULL; c = c->next)
		lines(out, c, &path);
	buf_free(&path);
}
