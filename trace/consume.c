/* SPDX-License-Identifier: MIT */
/*
 * The consumer: records to text, as DTrace prints them.
 *
 * Records of a speculation are kept until commit() or discard() arrives behind them in the same buffer, so
 * the order of the buffer decides, and no waiting for other CPUs is needed.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"
#include "smartbox/core/file.h"

enum { FLUSH_AT = 32 << 10 };

/* Nobody reads any more, or there is no room: the tracing ends. */
static void
write_failed(struct session *s, int rc)
{
	if (s->stopped)
		return;
	s->stopped = true;
	if (rc == -EPIPE)
		return;
	session_message(s, "failed to write to output: %s", strerror(-rc));
	s->status = 1;
}

void
consume_flush(struct session *s)
{
	int rc;

	if (s->out.len == 0)
		return;
	if ((rc = io_write_full(s->outfd, s->out.data, s->out.len)) != 0)
		write_failed(s, rc);
	s->out.len = 0;
}

static struct fmt_ctx
context(struct session *s)
{
	return ((struct fmt_ctx){s->syms, &s->types, (int)s->opt.v[O_STACKINDENT]});
}

/* --- what stands in front of a record ---------------------------------------------------------- */

static void
heading(struct session *s)
{
	if (s->heading)
		return;
	s->heading = true;
	if (s->opt.v[O_FLOWINDENT] != 0)
		buf_printf(&s->out, "%3s %-41s\n", "CPU", "FUNCTION");
	else if (s->opt.v[O_QUIET] == 0)
		buf_printf(&s->out, s->testing ? "%.0s%.0s%32s\n" : "%3s %6s %32s\n", "CPU", "ID",
		    "FUNCTION:NAME");
}

static bool
ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return (strcmp(s, end + 1) == 0 || (n >= k && strcmp(s + n - k, end) == 0));
}

static void
flow_prefix(struct session *s, const struct rec_head *h, const struct probe *p)
{
	bool entry = ends_in(p->name, "-entry"), ret = ends_in(p->name, "-return");
	bool again = s->flow_last_probe == h->probe, sys = strcmp(p->provname, "syscall") == 0;
	char text[600];

	if (ret && !again && s->flow_depth > 0)
		s->flow_depth -= 2;
	if (entry || ret)
		(void)snprintf(text, sizeof(text), "%*s%s%s", s->flow_depth, "",
		    entry ? sys ? " => " : " -> " : sys ? " <= " : " <- ", p->func);
	else
		(void)snprintf(text, sizeof(text), "%*s%s%s:%s", s->flow_depth, "", "| ", p->func,
		    p->name);
	if (entry && !again)
		s->flow_depth += 2;
	s->flow_last_probe = h->probe;
	buf_printf(&s->out, "%3u %-41s ", h->cpu, text);
}

static void
prefix(struct session *s, const struct rec_head *h)
{
	const struct probe *p = s->probes[h->probe - 1];
	size_t func = strlen(p->func), name = strlen(p->name), n = func + 1 + name;

	heading(s);
	if (s->opt.v[O_FLOWINDENT] != 0) {
		flow_prefix(s, h, p);
		return;
	}
	if (s->opt.v[O_QUIET] != 0)
		return;
	if (!s->testing) {
		fmt_integer(&s->out, h->cpu, false, 3);
		fmt_integer(&s->out, h->probe, false, 7);
		buf_add(&s->out, " ", 1);
	}
	fmt_blanks(&s->out, n < 32 ? 32 - n : 0);
	buf_add(&s->out, p->func, func);
	buf_add(&s->out, ":", 1);
	buf_add(&s->out, p->name, name);
	buf_add(&s->out, " ", 1);
}

static void
suffix(struct session *s)
{
	if (s->opt.v[O_QUIET] == 0 || s->opt.v[O_FLOWINDENT] != 0)
		buf_str(&s->out, "\n");
}

/* --- default forms ----------------------------------------------------------------------------- */

static void
hex_dump(struct buf *out, const unsigned char *p, uint32_t n)
{
	buf_str(out, "\n          ");
	for (int i = 0; i < 16; i++)
		buf_printf(out, "  %x", i);
	buf_str(out, "  0123456789abcdef\n");
	for (uint32_t i = 0; i < n; i += 16) {
		buf_printf(out, "     %5x:", i);
		for (uint32_t k = i; k < i + 16; k++)
			if (k < n)
				buf_printf(out, " %02x", p[k]);
			else
				buf_str(out, "   ");
		buf_str(out, "  ");
		for (uint32_t k = i; k < i + 16 && k < n; k++)
			buf_printf(out, "%c", p[k] >= 0x20 && p[k] < 0x7f ? p[k] : '.');
		buf_str(out, "\n");
	}
}

/* Bytes that are a printable text, zero to the end. */
static bool
is_text(const unsigned char *p, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && (isprint(p[i]) || p[i] == '\t' || p[i] == '\n' || p[i] == '\r'))
		i++;
	if (i == 0 || i == n)
		return (false);
	for (; i < n; i++)
		if (p[i] != 0)
			return (false);
	return (true);
}

static void
print_bytes(struct session *s, const struct value *v)
{
	bool quiet = s->opt.v[O_QUIET] != 0;

	if (s->opt.v[O_RAWBYTES] == 0 && is_text(v->data, v->size))
		buf_printf(&s->out, quiet ? "%s" : "  %-33s", (const char *)v->data);
	else
		hex_dump(&s->out, v->data, v->size);
}

static void
print_integer(struct session *s, const struct value *v)
{
	static const int width[9] = {[1] = 3, [2] = 5, [4] = 10, [8] = 19};
	bool sign = type_signed(v->type), quiet = s->opt.v[O_QUIET] != 0;
	int w = quiet || v->size > 8 ? 0 : width[v->size] + (v->size == 8 && !sign ? 1 : 0);

	if (!quiet)
		buf_str(&s->out, " ");
	fmt_integer(&s->out, value_int(v), sign, w);
}

static void
print_symbol(struct session *s, const struct act *a, const struct value *v)
{
	char text[512];
	uint64_t w[2] = {0, 0};

	memcpy(w, v->data, v->size < 16 ? v->size : 16);
	switch (a->fn) {
	case F_MOD: sym_kernel_mod(s->syms, w[0], text, sizeof(text)); break;
	case F_FUNC: case F_SYM: sym_kernel_func(s->syms, w[0], text, sizeof(text)); break;
	case F_UMOD: sym_user_mod(s->syms, (int)w[0], w[1], text, sizeof(text)); break;
	case F_UFUNC: case F_USYM: sym_user_func(s->syms, (int)w[0], w[1], text, sizeof(text)); break;
	default: sym_user(s->syms, (int)w[0], w[1], text, sizeof(text)); break;
	}
	buf_printf(&s->out, s->opt.v[O_QUIET] != 0 ? "%s" : "  %-50s", text);
}

static void
print_default(struct session *s, const struct act *a, const struct value *v)
{
	enum tykind k = type_resolve(v->type)->kind;

	if (k == TY_STRING)
		buf_printf(&s->out, s->opt.v[O_QUIET] != 0 ? "%.*s" : "  %-33.*s", (int)v->size,
		    (const char *)v->data);
	else if (k == TY_STACK || k == TY_USTACK)
		sym_stack(s->syms, &s->out, v->data, v->size, k == TY_USTACK,
		    (int)s->opt.v[O_STACKINDENT]);
	else if (k == TY_SYMADDR || k == TY_USYMADDR)
		print_symbol(s, a, v);
	else if (type_by_ref(v->type) || k == TY_VOID ||
	    (v->size != 1 && v->size != 2 && v->size != 4 && v->size != 8))
		print_bytes(s, v);
	else
		print_integer(s, v);
}

/* --- actions ----------------------------------------------------------------------------------- */

static struct value
value_of(const struct act *a, unsigned i, const char *data)
{
	return ((struct value){a->args[i].type, data + a->args[i].off, a->args[i].size, (int)a->fn});
}

static void
format(struct session *s, struct buf *out, const struct act *a, const char *data)
{
	struct fmt_ctx ctx = context(s);
	unsigned arg = 0;

	for (unsigned i = 0; i < a->fmt->nconvs; i++) {
		const struct conv *v = &a->fmt->convs[i];
		int dyn[2] = {0, 0};
		struct value val;

		buf_add(out, v->lit, v->litlen);
		if (v->conv == '%')
			buf_str(out, "%");
		if (v->conv == 0 || v->conv == '%')
			continue;
		for (int d = 0; d < 2; d++)
			if ((d == 0 ? v->width : v->prec) == FMT_DYNAMIC) {
				val = value_of(a, arg++, data);
				dyn[d] = (int)value_int(&val);
			}
		val = value_of(a, arg++, data);
		fmt_value(out, v, &val, dyn, &ctx);
	}
}

static struct agg *
agg_of(struct session *s, const struct ident *id)
{
	return (&s->aggs[id->agg.seq]);
}

static void
do_printa(struct session *s, const struct act *a)
{
	struct agg *v[64];
	struct fmt_ctx ctx = context(s);
	unsigned n = a->naggs < 64 ? a->naggs : 64;

	for (unsigned i = 0; i < n; i++) {
		v[i] = agg_of(s, a->aggs[i]);
		v[i]->printed = true;
	}
	if (a->fmt == NULL)
		buf_str(&s->out, "\n");
	(void)agg_print(&s->out, v, n, a->fmt, &s->opt, &ctx);
}

static void
do_tracemem(struct session *s, const struct act *a, const char *data)
{
	struct value len = value_of(a, 0, data), mem = value_of(a, 1, data);

	if (len.size != 0 && (uint64_t)value_int(&len) < mem.size)
		mem.size = (uint32_t)value_int(&len);
	hex_dump(&s->out, mem.data, mem.size);
}

static void
do_setopt(struct session *s, const struct act *a, const char *data)
{
	const char *name = data + a->args[0].off;
	const char *val = a->nargs > 1 ? data + a->args[1].off : NULL;
	struct err e = ERR_INIT;

	if (options_set(&s->opt, name, val, true, &e) != 0)
		session_message(s, "failed to set \"%s\"%s%s%s: %s", name,
		    val != NULL ? " to \"" : "", val != NULL ? val : "", val != NULL ? "\"" : "",
		    e.msg);
}

static void
do_system(struct session *s, const struct act *a, const char *data)
{
	struct buf cmd = BUF_INIT;
	pid_t pid;
	int st;

	format(s, &cmd, a, data);
	consume_flush(s);
	if (cmd.data != NULL && (pid = fork()) == 0) {
		(void)execl("/bin/sh", "sh", "-c", cmd.data, (char *)NULL);
		_exit(127);
	} else if (cmd.data != NULL && pid > 0) {
		while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
			continue;
	}
	buf_free(&cmd);
}

static void
do_freopen(struct session *s, const struct act *a, const char *data)
{
	struct buf name = BUF_INIT;
	int fd;

	consume_flush(s);
	if (a->fmt == NULL) {
		s->outfd = STDOUT_FILENO;
		return;
	}
	format(s, &name, a, data);
	fd = open(name.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		session_message(s, "freopen(): %s: %s", name.data, strerror(errno));
	else
		s->outfd = fd;
	buf_free(&name);
}

static void
do_agg_action(struct session *s, const struct act *a, const char *data)
{
	struct agg *g = agg_of(s, a->aggs[0]);
	struct value v;
	int64_t n = 0;

	if (a->has_count) {
		v = value_of(a, 0, data);
		n = value_int(&v);
	}
	if (a->fn == F_CLEAR)
		(void)agg_clear(g);
	else if (a->fn == F_TRUNC)
		(void)agg_trunc(g, &s->opt, n, !a->has_count);
	else
		g->normal = a->fn == F_NORMALIZE && n != 0 ? n : 1;
}

static void settle(struct session *s, const struct act *a, const char *data);

static void
do_act(struct session *s, const struct act *a, const char *data)
{
	struct value v;

	switch (a->fn) {
	case F_PRINTF: format(s, &s->out, a, data); break;
	case F_PRINTA: do_printa(s, a); break;
	case F_TRACEMEM: do_tracemem(s, a, data); break;
	case F_PRINT: print_typed(s, a, data); break;
	case F_EXIT:
		v = value_of(a, 0, data);
		if (!s->exited)
			s->status = (int)value_int(&v);
		s->exited = true;
		break;
	case F_SETOPT: do_setopt(s, a, data); break;
	case F_SYSTEM: do_system(s, a, data); break;
	case F_FREOPEN: do_freopen(s, a, data); break;
	case F_FTRUNCATE:
		consume_flush(s);
		(void)ftruncate(s->outfd, 0);
		(void)lseek(s->outfd, 0, SEEK_SET);
		break;
	case F_NORMALIZE: case F_DENORMALIZE: case F_CLEAR: case F_TRUNC:
		do_agg_action(s, a, data);
		break;
	case F_COMMIT: case F_DISCARD: settle(s, a, data); break;
	default:
		v = value_of(a, 0, data);
		print_default(s, a, &v);
		break;
	}
	if (s->out.len > FLUSH_AT)
		consume_flush(s);
}

static bool
reached(const struct act *a, const char *data)
{
	uint32_t flag = 1;

	if (a->guard >= 0)
		memcpy(&flag, data + a->guard, sizeof(flag));
	return (flag != 0);
}

static bool
is_settling(const struct unit *u)
{
	for (unsigned i = 0; i < u->nacts; i++)
		if (u->acts[i]->fn != F_COMMIT && u->acts[i]->fn != F_DISCARD)
			return (false);
	return (u->nacts > 0);
}

static void
chew(struct session *s, const struct rec_head *h, const char *data)
{
	const struct unit *u = s->units[h->unit];
	bool open = false;
	unsigned segment = 0;

	if (u->nacts == 0) {
		prefix(s, h);
		suffix(s);
		return;
	}
	for (unsigned i = 0; i < u->nacts; i++) {
		const struct act *a = u->acts[i];

		if (!reached(a, data))
			continue;
		if (open && segment != a->segment) {
			suffix(s);
			open = false;
		}
		if (!open && !is_settling(u))
			prefix(s, h);
		open = true;
		segment = a->segment;
		do_act(s, a, data);
	}
	if (open && !is_settling(u))
		suffix(s);
}

/* --- speculations ------------------------------------------------------------------------------ */

static void
hold(struct session *s, const void *rec, uint32_t len, uint32_t id)
{
	struct buf *b = &s->spec[id].data;
	uint64_t head = len;

	if (b->len + len > s->opt.v[O_SPECSIZE]) {
		s->drops[0][DROP_SPEC]++;
		session_message(s, "1 speculative drop");
		return;
	}
	buf_add(b, &head, sizeof(head));
	buf_add(b, rec, len);
}

static void
settle(struct session *s, const struct act *a, const char *data)
{
	struct value v = value_of(a, 0, data);
	uint64_t id = (uint64_t)value_int(&v), len;
	struct buf held;

	if (id == 0 || id > 64)
		return;
	held = s->spec[id].data;
	s->spec[id].data = (struct buf)BUF_INIT;
	for (size_t at = 0; a->fn == F_COMMIT && at + 8 <= held.len; at += 8 + len) {
		const struct rec_head *h = (const void *)(held.data + at + 8);

		memcpy(&len, held.data + at, sizeof(len));
		chew(s, h, (const char *)(h + 1));
	}
	buf_free(&held);
	__atomic_store_n(&s->state->spec_state[id - 1], 0, __ATOMIC_SEQ_CST);
}

/* --- faults and drops -------------------------------------------------------------------------- */

static const char *
fault_name(uint64_t code)
{
	static const char *const name[] = {"unknown fault", "invalid address", "invalid alignment",
	    "illegal operation", "divide-by-zero", "out of scratch space", "invalid kernel access",
	    "invalid user access", "tuple stack overflow", "bad stack", "invalid size",
	    "index out of bounds"};

	return (code < sizeof(name) / sizeof(name[0]) ? name[code] : name[0]);
}

static void
fault(struct session *s, const struct fault_rec *f)
{
	const struct probe *p = s->probes[f->head.probe - 1];
	char where[64] = "";

	if (f->code == FAULT_BADADDR || f->code == FAULT_BADALIGN)
		(void)snprintf(where, sizeof(where), " (0x%llx)", (unsigned long long)f->value);
	consume_flush(s);
	session_message(s, "error on enabled probe ID %u (ID %u: %s:%s:%s:%s): %s%s in action #1",
	    (f->head.unit & ~(uint32_t)REC_FAULT) + 1, p->id, p->provname, p->mod, p->func, p->name,
	    fault_name(f->code), where);
}

void
consume_record(struct session *s, const void *rec, uint32_t len)
{
	const struct rec_head *h = rec;

	if (len < sizeof(*h) || h->probe == 0 || h->probe > s->nprobes)
		return;
	if ((h->unit & REC_FAULT) != 0) {
		fault(s, rec);
		return;
	}
	if (h->unit >= s->nunits)
		return;
	if (h->spec != 0 && h->spec <= 64) {
		hold(s, rec, len, h->spec);
		return;
	}
	chew(s, h, (const char *)(h + 1));
}

static void
report_drop(struct session *s, int kind, unsigned cpu, uint64_t n)
{
	static const char *const tag[] = {"PRINCIPAL", "AGGREGATION", "DYNAMIC", "SPEC", "SPECBUSY",
	    "SPECUNAVAIL", "DBLERROR"};
	const char *pl = n == 1 ? "" : "s";
	unsigned long long k = n;
	char t[40] = "";

	if (s->opt.v[O_DROPTAGS] != 0)
		(void)snprintf(t, sizeof(t), "[DTRACEDROP_%s] ", tag[kind]);
	switch (kind) {
	case DROP_PRINCIPAL: session_message(s, "%s%llu drop%s on CPU %u", t, k, pl, cpu); break;
	case DROP_AGG: session_message(s, "%s%llu aggregation drop%s on CPU %u", t, k, pl, cpu); break;
	case DROP_DYN: session_message(s, "%s%llu dynamic variable drop%s", t, k, pl); break;
	case DROP_SPEC: session_message(s, "%s%llu speculative drop%s", t, k, pl); break;
	case DROP_SPECBUSY:
		session_message(s, "%s%llu failed speculation%s (available buffer%s still busy)", t, k,
		    pl, pl);
		break;
	case DROP_SPECUNAVAIL:
		session_message(s, "%s%llu failed speculation%s (no speculative buffer available)", t, k,
		    pl);
		break;
	default:
		session_message(s, "%s%llu error%s in ERROR probe enabling", t, k, pl);
		break;
	}
}

/* Kinds that are told for all CPUs together. */
static bool
is_global(int kind)
{
	return (kind != DROP_PRINCIPAL && kind != DROP_AGG);
}

void
consume_drops(struct session *s)
{
	uint64_t now[512][DROP_COUNT];
	uint32_t zero = 0;

	if (s->im.ncpus > 512 || bpf_lookup(s->im.maps[M_DROPS].fd, &zero, now) != 0)
		return;
	for (int k = 0; k < DROP_COUNT; k++) {
		uint64_t sum = 0;

		for (unsigned cpu = 0; cpu < s->im.ncpus; cpu++) {
			uint64_t *seen = &s->drops[cpu % 64][k], d = now[cpu][k] - *seen;

			if (s->im.ncpus > 64 || d == 0)
				continue;
			*seen = now[cpu][k];
			sum += d;
			if (!is_global(k))
				report_drop(s, k, cpu, d);
		}
		if (is_global(k) && sum != 0)
			report_drop(s, k, 0, sum);
	}
}
