/* SPDX-License-Identifier: MIT */
/*
 * fs.send: what zfs send asks for, as substreams through one descriptor.
 *
 * A plain send (with -i or without) is one substream and nothing around it.  -R, -I, -p, -b, -h make a
 * compound stream: a header, the substreams of a plan (fs/send_plan.c), an end.  A resumed send is one
 * substream that begins in the middle.
 *
 * What is not a snapshot (a filesystem as it is, what was partly received): fs/poolops_send_head.c.
 *
 * All snapshots of the stream are held from before its first byte to its end, so that it can be
 * finished; destroying one meanwhile is refused as busy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poolops_send.h"
#include "resume_token.h"
#include "send_plan.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/send.h"

/* --- what one step starts from ---------------------------------------------------------------- */

struct source {
	uint64_t guid, txg;
	struct dsl_dataset *snap; /* held; NULL: a bookmark, or nothing */
	bool is_clone;
};

static int
source_snapshot(struct spa *spa, struct dsl_dataset *to, const char *name, struct source *src,
    struct err *e)
{
	int rc;

	if ((rc = dsl_hold(spa, name, &src->snap, e)) != 0)
		return (rc == -ENOENT ? err_set(e, ENOENT, "incremental source (%s) does not exist", name) :
		    rc);
	if (!dsl_is_snapshot(src->snap) || !ds_is_before(to, src->snap)) {
		dsl_rele(src->snap);
		src->snap = NULL;
		return (err_set(e, EXDEV, "not an earlier snapshot from the same fs"));
	}
	src->guid = dsl_guid(src->snap);
	src->txg = ds_phys(src->snap)->creation_txg;
	src->is_clone = src->snap->dir != to->dir;
	return (0);
}

static int
source_bookmark(struct spa *spa, struct dsl_dataset *to, const char *name, struct source *src,
    struct err *e)
{
	uint64_t words[BOOKMARK_WORDS];
	char fs[DSL_NAME_MAX];
	struct dsl_dataset *head;
	int rc;

	(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(name, "#"), name);
	if ((rc = dsl_hold(spa, fs, &head, e)) == 0) {
		rc = ds_bookmark_lookup(head, strchr(name, '#') + 1, words);
		src->is_clone = head->dir != to->dir;
		dsl_rele(head);
	}
	if (rc != 0)
		return (err_set(e, ENOENT, "incremental source (%s) does not exist", name));
	src->guid = words[BM_GUID];
	src->txg = words[BM_TXG];
	if (dsl_is_snapshot(to) && src->txg >= ds_phys(to)->creation_txg)
		return (err_set(e, EXDEV, "not an earlier snapshot from the same fs"));
	return (0);
}

static int
source_find(struct spa *spa, struct dsl_dataset *to, const char *name, struct source *src,
    struct err *e)
{
	*src = (struct source){0};
	if (name[0] == '\0')
		return (0);
	return (strchr(name, '#') != NULL ? source_bookmark(spa, to, name, src, e) :
					    source_snapshot(spa, to, name, src, e));
}

static void
fill_job(const struct send_run *r, const struct plan_step *st, struct dsl_dataset *to,
    const struct source *src, struct send_job *job)
{
	*job = (struct send_job){.spa = r->spa, .to = to, .toname = st->to, .to_guid = dsl_guid(to),
	    .flags = r->flags, .from_guid = src->guid, .from_txg = src->txg, .is_clone = src->is_clone,
	    .resuming = r->resuming, .resume_object = r->resume_object,
	    .resume_offset = r->resume_offset};
	if (r->to_guid == 0)
		return;
	job->to_guid = r->to_guid;
	job->toname = r->toname;
	job->unfinished = r->unfinished;
	job->is_clone = r->plan.step[0].is_clone;
}

/* --- estimating ------------------------------------------------------------------------------- */

static int
estimate_step(struct send_run *r, size_t i, uint64_t *bytes, struct err *e)
{
	const struct plan_step *st = &r->plan.step[i];
	struct send_job job;
	struct source src;
	int rc;

	spa_enter(r->spa);
	if ((rc = source_find(r->spa, r->held[i], st->from, &src, e)) == 0) {
		fill_job(r, st, r->held[i], &src, &job);
		rc = err_rc(e, send_estimate(&job, src.snap, bytes), "'%s'", st->to);
		dsl_rele(src.snap);
	}
	spa_exit(r->spa);
	return (rc);
}

/* out: to, from (strings, "" where there is none), sizes (u64), one of each per substream */
static int
estimate_all(struct send_run *r, struct nvlist *out, struct err *e)
{
	size_t n = r->plan.nstep, i;
	const char **to = calloc(n + 1, sizeof(*to)), **from = calloc(n + 1, sizeof(*from));
	uint64_t *size = calloc(n + 1, sizeof(*size));
	int rc = to == NULL || from == NULL || size == NULL ? err_set(e, ENOMEM, "out of memory") : 0;

	for (i = 0; i < n && rc == 0; i++) {
		to[i] = r->plan.step[i].to;
		from[i] = r->plan.step[i].from;
		rc = estimate_step(r, i, &size[i], e);
	}
	if (rc == 0 && (nv_add_str_array(out, "to", to, n) != 0 ||
	    nv_add_str_array(out, "from", from, n) != 0 ||
	    nv_add_u64_array(out, "sizes", size, n) != 0))
		rc = err_set(e, ENOMEM, "out of memory");
	free(to);
	free(from);
	free(size);
	return (rc);
}

/* --- sending ---------------------------------------------------------------------------------- */

static int
send_step(struct send_run *r, size_t i, struct stream_out *out, struct err *e)
{
	const struct plan_step *st = &r->plan.step[i];
	struct send_job job;
	struct source src;
	int rc;

	spa_enter(r->spa);
	rc = source_find(r->spa, r->held[i], st->from, &src, e);
	spa_exit(r->spa);
	if (rc != 0)
		return (rc);
	fill_job(r, st, r->held[i], &src, &job);
	rc = send_stream(&job, out, e);
	spa_enter(r->spa);
	dsl_rele(src.snap);
	spa_exit(r->spa);
	return (rc);
}

static int
send_header(struct send_run *r, struct stream_out *out, struct err *e)
{
	char name[2 * DSL_NAME_MAX];
	struct nvlist *nv;
	void *packed = NULL;
	size_t len = 0;
	int rc;

	spa_enter(r->spa);
	rc = send_plan_header(&r->plan, &nv);
	spa_exit(r->spa);
	if (rc == 0 && nv != NULL)
		rc = nv_pack(nv, &packed, &len);
	nv_free(nv);
	(void)snprintf(name, sizeof(name), "%s@%s", r->plan.root, r->plan.tosnap);
	if (rc == 0)
		rc = stream_put_header(out, name, packed, len);
	free(packed);
	return (err_rc(e, rc, "cannot write the stream"));
}

static int
explain_write(struct err *e, int rc)
{
	if (rc == 0 || (e != NULL && e->code != 0))
		return (rc);
	if (rc == -ECANCELED)
		return (err_set(e, EIO, "the pool is being closed"));
	return (err_rc(e, rc, "cannot write the stream"));
}

static int
send_all(struct send_run *r, struct poolops_io *io, bool progress, struct err *e)
{
	struct stream_pipe p;
	struct stream_out out = {.write = stream_pipe_write, .arg = &p};
	size_t i;
	int rc;

	if ((rc = stream_pipe_open(&p, r->s, io, true, e)) != 0)
		return (rc);
	if (r->compound)
		rc = send_header(r, &out, e);
	for (i = 0; i < r->plan.nstep && rc == 0; i++) {
		p.what = progress ? r->plan.step[i].to : NULL;
		p.bytes = 0;
		rc = send_step(r, i, &out, e);
	}
	if (rc == 0 && r->compound)
		rc = stream_put_last(&out);
	if (rc == 0)
		rc = stream_pipe_flush(&p);
	stream_pipe_close(&p);
	return (explain_write(e, rc));
}

/* --- what is asked for ------------------------------------------------------------------------ */

static int
hold_steps(struct send_run *r, struct err *e)
{
	int rc = 0;

	if ((r->held = calloc(r->plan.nstep + 1, sizeof(*r->held))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	/* What is no snapshot is held already (fs/poolops_send_head.c). */
	if (r->to_guid != 0) {
		r->held[r->nheld++] = r->head;
		r->head = NULL;
	}
	while (r->nheld < r->plan.nstep && rc == 0)
		if ((rc = dsl_hold(r->spa, r->plan.step[r->nheld].to, &r->held[r->nheld], e)) == 0)
			r->nheld++;
	return (rc);
}

static unsigned
plan_flags(const struct nvlist *in)
{
	static const struct {
		const char *name;
		unsigned flag;
	} table[] = {{"replicate", PLAN_RECURSIVE}, {"doall", PLAN_ALL}, {"props", PLAN_PROPS},
	    {"backup", PLAN_BACKUP}, {"holds", PLAN_HOLDS}, {"skip", PLAN_SKIP}};
	unsigned flags = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (arg_flag(in, table[i].name))
			flags |= table[i].flag;
	return (flags);
}

unsigned
send_flags_of(const struct nvlist *in)
{
	bool raw = arg_flag(in, "raw"); /* of what is not encrypted: as it is on disk */

	return ((raw || arg_flag(in, "large") ? SEND_LARGE : 0) |
	    (raw || arg_flag(in, "embed") ? SEND_EMBED : 0) |
	    (raw || arg_flag(in, "compress") ? SEND_COMPRESSED : 0));
}

/* "@a", "#a", "a" and whole names: the whole name. */
int
send_full_from(const char *root, const char *from, char buf[DSL_NAME_MAX], struct err *e)
{
	const char *sep = from[0] == '@' || from[0] == '#' || strpbrk(from, "@#/") != NULL ? "" : "@";
	bool whole = from[0] != '@' && from[0] != '#' && sep[0] == '\0';
	int n = whole ? snprintf(buf, DSL_NAME_MAX, "%s", from) :
			snprintf(buf, DSL_NAME_MAX, "%s%s%s", root, sep, from);

	return (n < DSL_NAME_MAX ? 0 : err_set(e, ENAMETOOLONG, "name is too long"));
}

int
send_plan_single(struct send_plan *p, const char *from, struct err *e)
{
	if ((p->step = calloc(1, sizeof(*p->step))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	p->nstep = 1;
	if (snprintf(p->step[0].to, DSL_NAME_MAX, "%s%s%s", p->root, p->tosnap[0] != '\0' ? "@" : "",
	    p->tosnap) >= DSL_NAME_MAX)
		return (err_set(e, ENAMETOOLONG, "name is too long"));
	memcpy(p->step[0].from, from, DSL_NAME_MAX);
	return (0);
}

/* The origin of the filesystem may stand for "from its beginning". */
static bool
is_origin_of(struct spa *spa, const char *root, const char *from)
{
	char origin[DSL_NAME_MAX];
	struct dsl_dataset *ds;
	bool is = false;

	if (dsl_hold(spa, root, &ds, NULL) != 0)
		return (false);
	if (dsl_prop_text(ds, "origin", true, origin, sizeof(origin), NULL, 0) == 0)
		is = strcmp(origin, from) == 0;
	dsl_rele(ds);
	return (is);
}

static int
plan_compound(struct send_run *r, const char *from, struct err *e)
{
	struct send_plan *p = &r->plan;
	const char *at = strchr(from, '@');
	size_t n = strlen(p->root);

	r->compound = true;
	if ((p->flags & PLAN_RECURSIVE) && from[0] == '\0')
		p->flags |= PLAN_ALL;
	if (strchr(from, '#') != NULL)
		return (err_set(e, EINVAL, "multiple snapshots cannot be sent from a bookmark"));
	if (from[0] != '\0' && is_origin_of(r->spa, p->root, from))
		p->from_origin = true;
	else if (from[0] != '\0' && (at == NULL || (size_t)(at - from) != n ||
	    strncmp(from, p->root, n) != 0))
		return (err_set(e, EINVAL, "incremental source must be in same filesystem"));
	else if (at != NULL)
		(void)snprintf(p->fromsnap, sizeof(p->fromsnap), "%s", at + 1);
	return (send_plan_make(p, e));
}

static int
plan_named(struct send_run *r, const struct nvlist *in, struct err *e)
{
	const char *name, *from = nv_str_or(in, "from", "");
	char whole[DSL_NAME_MAX] = "";
	struct send_plan *p = &r->plan;
	struct dsl_dataset *to;
	int rc;

	if ((rc = arg_str(in, "name", &name, e)) != 0 ||
	    (rc = name_check_dataset(name, DSL_SNAPSHOT, e)) != 0)
		return (rc);
	if (dsl_hold(r->spa, name, &to, NULL) != 0)
		return (err_set(e, ENOENT, "dataset does not exist"));
	dsl_rele(to);
	(void)snprintf(p->root, sizeof(p->root), "%.*s", (int)strcspn(name, "@"), name);
	(void)snprintf(p->tosnap, sizeof(p->tosnap), "%s", strchr(name, '@') + 1);
	if (from[0] != '\0' && (rc = send_full_from(p->root, from, whole, e)) != 0)
		return (rc);
	r->flags = send_flags_of(in);
	p->flags = plan_flags(in);
	return ((p->flags & ~PLAN_SKIP) != 0 ? plan_compound(r, whole, e) :
					       send_plan_single(p, whole, e));
}

/* --- a resumed stream ------------------------------------------------------------------------- */

/* A snapshot or bookmark of that guid: first in the filesystem of that name, then anywhere. */
int
send_name_of_guid(struct spa *spa, const char *fs, uint64_t guid, char name[DSL_NAME_MAX])
{
	if (name_by_guid(spa, fs, 0, DSL_SNAPSHOT, guid, name) ||
	    name_by_guid(spa, fs, 0, DSL_BOOKMARK, guid, name) ||
	    name_by_guid(spa, NULL, -1, DSL_SNAPSHOT | DSL_BOOKMARK, guid, name))
		return (0);
	return (-ENOENT);
}

static int
plan_resume(struct send_run *r, const struct nvlist *token, struct err *e)
{
	const char *toname = nv_str_or(token, "toname", "");
	uint64_t toguid = nv_u64_or(token, "toguid", 0), from = nv_u64_or(token, "fromguid", 0);
	char fs[DSL_NAME_MAX], name[DSL_NAME_MAX], fromname[DSL_NAME_MAX] = "";
	struct send_plan *p = &r->plan;

	(void)snprintf(fs, sizeof(fs), "%.*s", (int)strcspn(toname, "@"), toname);
	if (nv_has(token, "rawok"))
		r->flags = SEND_LARGE | SEND_EMBED | SEND_COMPRESSED;
	r->flags |= (nv_has(token, "largeblockok") ? SEND_LARGE : 0) |
	    (nv_has(token, "embedok") ? SEND_EMBED : 0) |
	    (nv_has(token, "compressok") ? SEND_COMPRESSED : 0);
	r->resuming = true;
	r->resume_object = nv_u64_or(token, "object", 0);
	r->resume_offset = nv_u64_or(token, "offset", 0);
	if (nv_has(token, "redact_snaps") || nv_has(token, "book_redact_snaps"))
		return (err_set(e, ENOTSUP, "redacted sends are not supported by this version"));
	if (send_name_of_guid(r->spa, fs, toguid, name) != 0)
		return (err_set(e, ENOENT, "'%s' is no longer the same snapshot used in the initial send",
		    toname));
	if (from != 0 && send_name_of_guid(r->spa, fs, from, fromname) != 0)
		return (err_set(e, ENOENT, "incremental source %#llx no longer exists",
		    (unsigned long long)from));
	(void)snprintf(p->root, sizeof(p->root), "%.*s", (int)strcspn(name, "@"), name);
	(void)snprintf(p->tosnap, sizeof(p->tosnap), "%s", strchr(name, '@') + 1);
	return (send_plan_single(p, fromname, e));
}

static int
plan_token(struct send_run *r, const char *text, struct err *e)
{
	struct nvlist *token;
	int rc = resume_token_parse(text, &token, e);

	if (rc != 0)
		return (rc);
	spa_enter(r->spa);
	rc = plan_resume(r, token, e);
	spa_exit(r->spa);
	nv_free(token);
	return (rc);
}

static int
plan_snapshots(struct send_run *r, const struct nvlist *in, struct err *e)
{
	int rc;

	spa_enter(r->spa);
	rc = plan_named(r, in, e);
	spa_exit(r->spa);
	return (rc);
}

static int
plan(struct send_run *r, const struct nvlist *in, struct err *e)
{
	const char *token = nv_str_or(in, "token", NULL);
	int rc;

	if (token != NULL)
		rc = plan_token(r, token, e);
	else if (arg_flag(in, "saved"))
		rc = send_plan_saved(r, in, e);
	else if (strchr(nv_str_or(in, "name", "@"), '@') == NULL)
		rc = send_plan_head(r, in, e);
	else
		rc = plan_snapshots(r, in, e);
	if (rc != 0)
		return (rc);
	spa_enter(r->spa);
	rc = hold_steps(r, e);
	spa_exit(r->spa);
	return (rc);
}

/*
 * in: name, [from], or token; flags saved, large, embed, compress, raw, replicate, doall, props, backup,
 * holds, skip; estimate (nothing is sent), progress.  out: of an estimate to, from, sizes
 */
int
op_fs_send(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct poolops_io *io, struct err *e)
{
	struct send_run r = {.s = s, .spa = s->spa, .plan = {.spa = s->spa}};
	int rc = plan(&r, in, e);

	if (rc == 0)
		rc = arg_flag(in, "estimate") ? estimate_all(&r, out, e) :
						send_all(&r, io, arg_flag(in, "progress"), e);
	spa_enter(s->spa);
	while (r.nheld > 0)
		dsl_rele(r.held[--r.nheld]);
	dsl_rele(r.head);
	spa_exit(s->spa);
	send_head_done(&r);
	free(r.held);
	send_plan_free(&r.plan);
	return (rc);
}
