/* SPDX-License-Identifier: MIT */
/*
 * rawtp: every tracepoint as the kernel calls it.
 *
 * rawtp:::NAME takes the types of its arguments from the kernel's BTF (typedef btf_trace_NAME,
 * first parameter left out).
 */
#include <stdlib.h>
#include <string.h>

#include "session.h"

static void
tp_args(struct gen *g, const struct target *t, uint32_t mask)
{
	gen_zero(g, SLOT_ARGS, 80);
	for (int i = 0; i < (int)t->a && i < 10; i++) {
		if ((mask >> i & 1) == 0)
			continue;
		asm_load(&g->b, 8, R0, R6, 8 * i);
		asm_store(&g->b, 8, R7, SLOT_ARGS + 8 * i, R0);
	}
}

static const struct target_ops tp_ops = {.args = tp_args, .attach = tracepoint_attach};

static const char prefix[] = "btf_trace_";

/* The typedef's function: its parameters behind the first are the probe's. */
static uint32_t
proto_of(const struct btf *b, uint32_t id)
{
	uint32_t proto = btf_ref(b, btf_ref(b, id));

	return (btf_kind(b, proto) == BTF_FUNC_PROTO && btf_vlen(b, proto) > 0 ? proto : 0);
}

static void
add_rawtp(struct session *s, const struct btf *b, uint32_t id)
{
	const char *name = btf_name(b, id) + sizeof(prefix) - 1;
	struct probe *p;

	if (proto_of(b, id) == 0 || session_find(s, "rawtp", "vmlinux", "", name) != NULL)
		return;
	p = session_probe(s, &prov_rawtp, "rawtp", "vmlinux", "", name);
	p->a = proto_of(b, id);
}

static void
rawtp_provide(struct session *s, const struct pdesc *pd)
{
	const char *want = pd->field[3];
	const struct btf *b;
	uint32_t id;

	if (!glob_match(pd->field[0], "rawtp"))
		return;
	if (pd->field[0][0] == '\0' && want[0] != '\0' && strpbrk(want, "*?[") == NULL &&
	    (strcmp(want, "entry") == 0 || strcmp(want, "return") == 0 || strchr(want, '-') != NULL ||
	    strcmp(want, "BEGIN") == 0 || strcmp(want, "END") == 0 || strcmp(want, "ERROR") == 0))
		return; /* no tracepoint is called that: spare reading the types */
	if ((b = types_btf(&s->types)) == NULL)
		return;
	if (want[0] != '\0' && strpbrk(want, "*?[") == NULL) {
		id = btf_find(b, arena_printf(&s->c, "%s%s", prefix, want), 1u << BTF_TYPEDEF);
		if (id != 0)
			add_rawtp(s, b, id);
		return;
	}
	for (id = 1; id <= btf_count(b); id++)
		if (btf_kind(b, id) == BTF_TYPEDEF &&
		    strncmp(btf_name(b, id), prefix, sizeof(prefix) - 1) == 0 &&
		    glob_match(want, btf_name(b, id) + sizeof(prefix) - 1))
			add_rawtp(s, b, id);
}

static const struct probe_arg *
rawtp_args(struct session *s, const struct probe *cp, int *n)
{
	struct probe *p = (struct probe *)(uintptr_t)cp;
	const struct btf *b = types_btf(&s->types);
	struct probe_arg *args;
	const char *name;
	uint32_t type;

	*n = (int)btf_vlen(b, (uint32_t)p->a) - 1;
	if (p->priv != NULL)
		return (p->priv);
	args = arena_alloc(&s->c, (size_t)(*n + 1) * sizeof(*args));
	for (int i = 0; i < *n; i++) {
		if (btf_param(b, (uint32_t)p->a, (uint32_t)i + 1, &name, &type))
			args[i].type = type_name(&s->types, types_from_btf(&s->types, type));
		else
			args[i].type = "uint64_t";
		args[i].src = i;
	}
	p->priv = args;
	return (args);
}

static int
rawtp_enable(struct session *s, struct probe *p, struct err *e)
{
	struct target *t = session_target(s, &tp_ops, BPF_PROG_TYPE_RAW_TRACEPOINT, p->name);

	(void)e;
	t->name = p->name;
	target_add(s, t, p);
	t->a = btf_vlen(types_btf(&s->types), (uint32_t)p->a) - 1;
	return (0);
}

const struct provider prov_rawtp = {"rawtp", rawtp_provide, rawtp_args, rawtp_enable, NULL};
