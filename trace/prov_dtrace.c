/* SPDX-License-Identifier: MIT */
/*
 * The dtrace provider: BEGIN, END and ERROR.
 *
 * BEGIN and END are raw tracepoint programs that are attached nowhere: the tracer runs them itself.  ERROR
 * is no program: its clauses are a function in every program that may fault (gen.c).
 */
#include "session.h"

static void
dtrace_provide(struct session *s, const struct pdesc *pd)
{
	static const char *const names[] = {"BEGIN", "END", "ERROR"};

	if (pd != NULL)
		return; /* made once, first: their numbers are 1, 2, 3 */
	for (int i = 0; i < 3; i++)
		(void)session_probe(s, &prov_dtrace, "dtrace", "", "", names[i]);
}

static void
no_args(struct gen *g, const struct target *t, uint32_t mask)
{
	(void)t;
	(void)mask;
	gen_zero(g, SLOT_ARGS, 80);
}

/* Run by hand (trace_go, trace_finish). */
static int
dtrace_attach(struct session *s, struct target *t, struct err *e)
{
	(void)s;
	(void)t;
	(void)e;
	return (0);
}

static const struct target_ops dtrace_ops = {.args = no_args, .attach = dtrace_attach};

static int
dtrace_enable(struct session *s, struct probe *p, struct err *e)
{
	struct target *t;

	(void)e;
	if (p->id == 3)
		return (0);
	t = session_target(s, &dtrace_ops, BPF_PROG_TYPE_RAW_TRACEPOINT, p->name);
	target_add(s, t, p);
	t->activity = p->id == 1 ? ACT_BEGIN : ACT_END;
	if (p->id == 1)
		s->begin = t;
	else
		s->end = t;
	return (0);
}

const struct provider prov_dtrace = {"dtrace", dtrace_provide, NULL, dtrace_enable, NULL};
