/* SPDX-License-Identifier: MIT */
/*
 * sdt: every tracepoint with the fields of its record, sdt:GROUP::EVENT.
 *
 * tracefs says which there are, and in `format` what a record looks like; args[i] is the i-th field
 * behind the common ones.  The program's context is the record.  A field of variable length
 * (__data_loc) is a word that says where in the record its bytes are: the argument is their
 * address.  So is that of an array.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"
#include "smartbox/core/file.h"

enum { MAX_FIELDS = 10, COMMON_BYTES = 8 };

struct field {
	unsigned off, size;
	bool sign, array, dynamic;
};

struct event {
	unsigned id;
	unsigned n;
	struct field field[MAX_FIELDS];
	struct probe_arg args[MAX_FIELDS];
};

/* --- the format -------------------------------------------------------------------------------- */

static const char *
scalar_type(const struct field *f)
{
	static const char *const names[2][4] = {{"uint8_t", "uint16_t", "uint32_t", "uint64_t"},
	    {"int8_t", "int16_t", "int32_t", "int64_t"}};

	return (names[f->sign][f->size == 1 ? 0 : f->size == 2 ? 1 : f->size == 4 ? 2 : 3]);
}

/* "field:TYPE NAME[N];	offset:O;	size:S;	signed:0;" */
static bool
parse_field(struct session *s, const char *line, struct field *f, struct probe_arg *arg)
{
	const char *p = strstr(line, "field:"), *semi = p != NULL ? strchr(p, ';') : NULL, *name;
	unsigned sign = 0;
	size_t len;

	if (semi == NULL || sscanf(semi, "; offset:%u; size:%u; signed:%u", &f->off, &f->size, &sign) < 2 ||
	    f->off < COMMON_BYTES)
		return (false);
	p += strlen("field:");
	f->sign = sign != 0;
	f->dynamic = strncmp(p, "__data_loc ", 11) == 0;
	f->array = semi[-1] == ']' && !f->dynamic;
	for (name = semi; name > p && !isspace((unsigned char)name[-1]);)
		name--;
	len = (size_t)(name - p);
	while (len > 0 && isspace((unsigned char)p[len - 1]))
		len--;
	if (f->dynamic || f->array)
		arg->type = f->dynamic || f->size < 8 || strncmp(p, "char", 4) == 0 ? "char *" :
		    "uint8_t *";
	else if (f->size != 1 && f->size != 2 && f->size != 4 && f->size != 8)
		arg->type = "uint8_t *";
	else
		arg->type = len > 0 && p[len - 1] == '*' ? "void *" : scalar_type(f);
	if (strncmp(p, "const char *", 12) == 0 || strncmp(p, "char *", 6) == 0)
		arg->type = "char *";
	(void)s;
	return (true);
}

static struct event *
event_of(struct session *s, struct probe *p)
{
	struct event *ev = p->priv;
	char path[300], *text, *save = NULL;

	if (ev != NULL)
		return (ev);
	p->priv = ev = arena_alloc(&s->c, sizeof(*ev));
	(void)snprintf(path, sizeof(path), "events/%s/%s/format", p->mod, p->name);
	if (tracefs_read(s, path, &text) != 0)
		return (ev);
	for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
		if (strncmp(l, "ID:", 3) == 0)
			ev->id = (unsigned)strtoul(l + 3, NULL, 10);
		else if (ev->n < MAX_FIELDS &&
		    parse_field(s, l, &ev->field[ev->n], &ev->args[ev->n])) {
			ev->args[ev->n].src = (int)ev->n;
			ev->n++;
		}
	}
	free(text);
	return (ev);
}

/* --- probes ------------------------------------------------------------------------------------ */

/* What a folder of tracefs holds that fits: fn for each. */
static void
each_entry(struct session *s, const char *path, const char *pattern,
    void (*fn)(struct session *s, const struct pdesc *pd, const char *group, const char *name),
    const struct pdesc *pd, const char *group)
{
	DIR *d = file_fdopendir(tracefs_open(s, path));
	struct dirent *de;

	if (d == NULL)
		return;
	while ((de = readdir(d)) != NULL)
		if (de->d_type == DT_DIR && de->d_name[0] != '.' && glob_match(pattern, de->d_name))
			fn(s, pd, group != NULL ? group : de->d_name, de->d_name);
	(void)closedir(d);
}

static void
add_event(struct session *s, const struct pdesc *pd, const char *group, const char *name)
{
	(void)pd;
	if (session_find(s, "sdt", group, "", name) == NULL)
		(void)session_probe(s, &prov_sdt, "sdt", group, "", name);
}

static void
add_group(struct session *s, const struct pdesc *pd, const char *unused, const char *group)
{
	char path[300];

	(void)unused;
	if (strcmp(group, "ftrace") == 0)
		return; /* records of the tracers, no tracepoints */
	(void)snprintf(path, sizeof(path), "events/%s", group);
	each_entry(s, path, pd->field[3], add_event, pd, group);
}

/* Asked for by name, or in a listing of everything. */
static void
sdt_provide(struct session *s, const struct pdesc *pd)
{
	bool all = pd->text == NULL || pd->text[0] == '\0';

	if ((pd->field[0][0] == '\0' && !all) || !glob_match(pd->field[0], "sdt") ||
	    pd->field[2][0] != '\0')
		return;
	each_entry(s, "events", pd->field[1], add_group, pd, NULL);
	if (s->tracefs < 0)
		s->c.why = "sdt needs tracefs (CONFIG_FTRACE); rawtp has the same tracepoints";
}

static const struct probe_arg *
sdt_args(struct session *s, const struct probe *cp, int *n)
{
	struct event *ev = event_of(s, (struct probe *)(uintptr_t)cp);

	*n = (int)ev->n;
	return (ev->args);
}

/* --- code -------------------------------------------------------------------------------------- */

/* r0 = address of the record's bytes from off on, as a number. */
static void
record_address(struct gen *g)
{
	asm_mov(&g->b, R0, R6);
	gen_scalar(g);
}

static void
sdt_load(struct gen *g, const struct target *t, uint32_t mask)
{
	const struct event *ev = t->priv;

	gen_zero(g, SLOT_ARGS, 80);
	for (unsigned i = 0; i < ev->n; i++) {
		const struct field *f = &ev->field[i];
		bool number = !f->array && (f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8);

		if ((mask >> i & 1) == 0)
			continue;
		if (f->dynamic) {
			asm_load(&g->b, 4, R8, R6, (int)f->off);
			asm_alui(&g->b, BPF_AND, R8, 0xffff);
			record_address(g);
			asm_alu(&g->b, BPF_ADD, R0, R8);
		} else if (number) {
			asm_load(&g->b, f->size, R0, R6, (int)f->off);
			gen_extend(g, R0, type_by_name(g->c->types, scalar_type(f)));
		} else {
			record_address(g);
			asm_alui(&g->b, BPF_ADD, R0, (int32_t)f->off);
		}
		asm_store(&g->b, 8, R7, (int)(SLOT_ARGS + 8 * i), R0);
	}
}

static int
sdt_attach(struct session *s, struct target *t, struct err *e)
{
	const struct event *ev = t->priv;
	struct perf_event_attr a;

	memset(&a, 0, sizeof(a));
	a.size = sizeof(a);
	a.type = PERF_TYPE_TRACEPOINT;
	a.config = ev->id;
	return (perf_attach(s, t, &a, -1, 0, e) != 0 ? err_wrap(e, "sdt:::%s", t->name) : 0);
}

static const struct target_ops sdt_ops = {.args = sdt_load, .attach = sdt_attach};

static int
sdt_enable(struct session *s, struct probe *p, struct err *e)
{
	struct target *t = session_target(s, &sdt_ops, BPF_PROG_TYPE_TRACEPOINT, p->name);

	(void)e;
	t->priv = event_of(s, p);
	t->name = p->name;
	target_add(s, t, p);
	return (0);
}

const struct provider prov_sdt = {"sdt", sdt_provide, sdt_args, sdt_enable, NULL};
