/* SPDX-License-Identifier: MIT */
/* print(): a value of any type, as C would initialise it. */
#include <string.h>

#include "session.h"

enum { MAX_DEPTH = 12 };

static void print_value(struct session *s, struct type *t, const char *p, int depth);

static void
indent(struct session *s, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_str(&s->out, "    ");
}

static void
print_scalar(struct session *s, struct type *t, const char *p)
{
	struct value v = {t, p, (uint32_t)type_size(t), 0};
	const char *name = type_enum_name(&s->types, t, value_int(&v));

	if (name != NULL)
		buf_str(&s->out, name);
	else if (type_resolve(t)->kind == TY_PTR)
		buf_printf(&s->out, "0x%llx", (unsigned long long)value_int(&v));
	else if (type_resolve(t)->is_bool)
		buf_str(&s->out, value_int(&v) != 0 ? "true" : "false");
	else if (type_resolve(t)->is_char && v.size == 1 && p[0] >= 0x20 && p[0] < 0x7f)
		buf_printf(&s->out, "'%c'", p[0]);
	else
		buf_printf(&s->out, type_signed(t) ? "(%s)%lld" : "(%s)%llu",
		    type_name(&s->types, t), (long long)value_int(&v));
}

static int64_t
bits(const struct member *m, const char *p)
{
	uint64_t v = 0;
	unsigned skip = m->bit_off % 8, bytes = (skip + m->bit_size + 7) / 8;

	memcpy(&v, p + m->bit_off / 8, bytes > 8 ? 8 : bytes);
	v <<= 64 - skip - m->bit_size;
	return (type_signed(m->type) ? (int64_t)v >> (64 - m->bit_size) :
	    (int64_t)(v >> (64 - m->bit_size)));
}

static void
print_struct(struct session *s, struct type *t, const char *p, int depth)
{
	type_load(&s->types, t);
	buf_str(&s->out, "{\n");
	for (unsigned i = 0; i < t->nmembers; i++) {
		const struct member *m = &t->members[i];

		indent(s, depth + 1);
		if (m->name[0] != '\0')
			buf_printf(&s->out, ".%s = ", m->name);
		if (m->bit_size != 0)
			buf_printf(&s->out, "%lld", (long long)bits(m, p));
		else
			print_value(s, m->type, p + m->bit_off / 8, depth + 1);
		buf_str(&s->out, ",\n");
	}
	indent(s, depth);
	buf_str(&s->out, "}");
}

static void
print_array(struct session *s, struct type *t, const char *p, int depth)
{
	uint64_t size = type_size(t->ref);
	uint32_t n = t->count < 64 ? t->count : 64;

	if (type_is_strlike(t)) {
		buf_printf(&s->out, "\"%.*s\"", (int)strnlen(p, t->count), p);
		return;
	}
	buf_str(&s->out, "[");
	for (uint32_t i = 0; i < n; i++) {
		buf_str(&s->out, i == 0 ? " " : ", ");
		print_value(s, t->ref, p + i * size, depth);
	}
	buf_str(&s->out, " ]");
}

static void
print_value(struct session *s, struct type *t, const char *p, int depth)
{
	struct type *r = type_resolve(t);

	if (depth > MAX_DEPTH)
		buf_str(&s->out, "...");
	else if (r->kind == TY_STRUCT || r->kind == TY_UNION) {
		buf_printf(&s->out, "(%s)", type_name(&s->types, t));
		print_struct(s, r, p, depth);
	} else if (r->kind == TY_ARRAY) {
		buf_printf(&s->out, "(%s)", type_name(&s->types, t));
		print_array(s, r, p, depth);
	} else if (r->kind == TY_STRING) {
		buf_printf(&s->out, "\"%s\"", p);
	} else {
		print_scalar(s, t, p);
	}
}

void
print_typed(struct session *s, const struct act *a, const char *data)
{
	struct value v = {a->args[0].type, data + a->args[0].off, a->args[0].size, 0};

	if (a->nargs > 1) { /* a pointer: what it points to */
		buf_printf(&s->out, "0x%llx = *\n            ", (unsigned long long)value_int(&v));
		print_value(s, a->args[1].type, data + a->args[1].off, 0);
		buf_str(&s->out, "\n");
		return;
	}
	print_value(s, v.type, v.data, 0);
	buf_str(&s->out, "\n");
}
