/* SPDX-License-Identifier: MIT */
/* pool.events: what happened to the pool (fs/events.c). */
#include <stdlib.h>

#include "events.h"
#include "poolops_impl.h"
#include "spa_impl.h"

/*
 * in: [after] (number of the last one seen), flag clear
 * out: events (nvlists), or cleared (how many)
 */
int
op_pool_events(struct pool_session *s, const struct nvlist *in, struct nvlist *out, struct err *e)
{
	struct nvlist **v;
	int n, rc = 0;

	if (arg_flag(in, "clear"))
		return (err_rc(e, nv_add_u64(out, "cleared", (uint64_t)events_clear(s->spa->events)),
		    "events"));
	if ((n = events_get(s->spa->events, nv_u64_or(in, "after", 0), &v)) < 0)
		return (err_rc(e, n, "events"));
	if (n > 0)
		rc = nv_add_nvlist_array(out, "events", v, (size_t)n);
	for (int i = 0; i < n; i++)
		nv_free(v[i]);
	free(v);
	return (err_rc(e, rc, "events"));
}
