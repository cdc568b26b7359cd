/* SPDX-License-Identifier: MIT */
/*
 * The command language of zonecfg.
 *
 * Two scopes: global, and inside one resource (between `add RES` or `select RES`, and `end` or
 * `cancel`).  In the inner scope a copy of the resource is edited; only `end` puts it into the
 * configuration, after checking what it requires.  So a command that fails changes nothing.
 *
 * Nothing reaches the disk before commit (or the end of the session), except delete.
 */
#include "smartbox/kern/zonecfg_cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/file.h"
#include "zonecfg_text.h"

enum { MATCHES = 8, LINE_MAX_BYTES = 64 << 10 };
enum { S_GLOBAL = 1, S_RES = 2, S_NO_ZONE = 4 /* also without a configuration */ };

struct zonecfg_session {
	const struct zone_env *env;
	const struct zonecfg_io *io;
	char name[ZONE_NAME_MAX + 1];
	struct zonecfg *cfg; /* NULL: not created yet */
	bool changed;
	struct zonecfg_res *res;  /* being edited: ours */
	struct zonecfg_res *orig; /* what select chose: cfg's */
};

struct command {
	const char *name;
	unsigned scopes;
	int (*run)(struct zonecfg_session *s, char *args, struct err *e);
	const char *usage;
};

/* --- helpers --- */

static void
print_buf(struct zonecfg_session *s, struct buf *b)
{
	if (b->len != 0)
		s->io->print(b->data, b->len, s->io->ctx);
	buf_free(b);
}

/* Take "-F" off the arguments. */
static bool
take_flag(char **args, const char *flag)
{
	char *p = *args + strspn(*args, " \t");
	size_t n = strlen(flag);

	if (strncmp(p, flag, n) != 0 || (p[n] != '\0' && p[n] != ' ' && p[n] != '\t'))
		return (false);
	*args = p + n;
	return (true);
}

static int
no_more(char *args, struct err *e)
{
	args += strspn(args, " \t");
	return (*args == '\0' ? 0 : err_set(e, EINVAL, "unexpected '%s'", args));
}

/* A destructive command without -F asks, or is refused when nobody can answer. */
static int
confirm(struct zonecfg_session *s, bool force, const char *question, struct err *e)
{
	if (force)
		return (0);
	if (s->io->ask == NULL)
		return (err_set(e, EPERM, "input is not from a terminal and -F is not specified"));
	return (s->io->ask(question, s->io->ctx) ? 0 : err_set(e, ECANCELED, "not confirmed"));
}

struct match {
	char *prop[MATCHES], *value[MATCHES];
	int n;
};

/* The words "p=v ..." of select, remove and info. */
static int
parse_match(char *args, const struct res_def *d, struct match *m, struct err *e)
{
	struct err word = ERR_INIT;
	char *w, *eq;

	m->n = 0;
	while ((w = zonecfg_word(&args, &word)) != NULL) {
		if ((eq = strchr(w, '=')) == NULL || m->n == MATCHES)
			return (err_set(e, EINVAL, "'%s' is not PROPERTY=VALUE", w));
		*eq = '\0';
		if (zonecfg_prop_def(d, w) == NULL)
			return (err_set(e, EINVAL, "unknown property '%s' of %s", w, d->type));
		m->prop[m->n] = w;
		m->value[m->n++] = eq + 1;
	}
	return (word.code != 0 ? err_set(e, EINVAL, "%s", word.msg) : 0);
}

/* Compare as stored: "1G" matches 1073741824. */
static bool
matches(const struct zonecfg_res *r, const struct match *m)
{
	for (int i = 0; i < m->n; i++) {
		const struct prop_def *d = zonecfg_prop_def(r->def, m->prop[i]);
		const char *v = zonecfg_res_get(r, m->prop[i]);
		char *norm;
		bool same;

		if (v == NULL || d->norm(m->value[i], &norm, NULL) != 0)
			return (false);
		same = strcmp(v, norm) == 0;
		free(norm);
		if (!same)
			return (false);
	}
	return (true);
}

static size_t
count_matches(const struct zonecfg *c, const struct res_def *d, const struct match *m,
    struct zonecfg_res **first)
{
	struct zonecfg_res *r = NULL;
	size_t n = 0;

	*first = NULL;
	while ((r = zonecfg_res_next(c, d->type, r)) != NULL) {
		if (!matches(r, m))
			continue;
		if (n++ == 0)
			*first = r;
	}
	return (n);
}

/* The resource type that the first word names. */
static const struct res_def *
take_type(char **args, struct err *e)
{
	char *w = zonecfg_word(args, e);
	const struct res_def *d = w != NULL ? zonecfg_res_def(w) : NULL;

	if (w == NULL)
		(void)err_set(e, EINVAL, "a resource type is missing");
	else if (d == NULL || d == &zonecfg_legacy)
		(void)err_set(e, EINVAL, "unknown resource type '%s'", w);
	return (d == &zonecfg_legacy ? NULL : d);
}

/* --- the zone as a whole --- */

static void
replace_cfg(struct zonecfg_session *s, struct zonecfg *c, bool changed)
{
	zonecfg_free(s->cfg);
	s->cfg = c;
	s->changed = changed;
}

static int
new_blank(struct zonecfg_session *s, struct zonecfg **out, struct err *e)
{
	int rc = zonecfg_new(s->name, out, e);

	if (rc == 0) {
		free((*out)->global[2]); /* brand must be said */
		(*out)->global[2] = NULL;
	}
	return (rc);
}

/* A copy of another zone's configuration under this name, with an identity of its own. */
static int
new_from(struct zonecfg_session *s, const char *template, struct zonecfg **out, struct err *e)
{
	int rc = zonecfg_load(s->env, template, out, e);
	char uuid[UUID_STRLEN + 1];

	if (rc != 0)
		return (err_wrap(e, "%s", template));
	uuid_generate(uuid);
	(*out)->saved_name[0] = '\0';
	if ((rc = zonecfg_set(*out, "zonename", s->name, e)) != 0 ||
	    (rc = zonecfg_set(*out, "uuid", uuid, e)) != 0 ||
	    (rc = zonecfg_clear(*out, "debugid", e)) != 0)
		zonecfg_free(*out);
	return (rc);
}

/* An overwritten zone keeps its place in the index, its uuid and its number. */
static int
keep_identity(struct zonecfg *c, const struct zonecfg *old, struct err *e)
{
	const char *uuid = zonecfg_get(old, "uuid"), *did = zonecfg_get(old, "debugid");
	int rc = 0;

	memcpy(c->saved_name, old->saved_name, sizeof(c->saved_name));
	if (uuid != NULL)
		rc = zonecfg_set(c, "uuid", uuid, e);
	if (rc == 0 && did != NULL)
		rc = zonecfg_set(c, "debugid", did, e);
	return (rc);
}

static int
cmd_create(struct zonecfg_session *s, char *args, struct err *e)
{
	bool force = false, blank = false;
	const char *template = NULL;
	struct zonecfg *c;
	char *w;
	int rc;

	while ((w = zonecfg_word(&args, e)) != NULL) {
		if (strcmp(w, "-F") == 0)
			force = true;
		else if (strcmp(w, "-b") == 0)
			blank = true;
		else if (strcmp(w, "-t") != 0 || (template = zonecfg_word(&args, e)) == NULL)
			return (err_set(e, EINVAL, "usage: create [-F] [-b | -t TEMPLATE]"));
	}
	if (s->cfg != NULL && !force)
		return (err_set(e, EEXIST, "zone '%s' already exists; use -F to overwrite it", s->name));
	rc = template != NULL ? new_from(s, template, &c, e) :
	    blank	      ? new_blank(s, &c, e) :
				zonecfg_new(s->name, &c, e);
	if (rc != 0)
		return (rc);
	if (s->cfg != NULL && (rc = keep_identity(c, s->cfg, e)) != 0) {
		zonecfg_free(c);
		return (rc);
	}
	replace_cfg(s, c, true);
	return (0);
}

static int
cmd_commit(struct zonecfg_session *s, char *args, struct err *e)
{
	int rc = no_more(args, e);

	if (rc == 0 && s->changed && (rc = zonecfg_save(s->env, s->cfg, e)) == 0) {
		s->changed = false;
		(void)snprintf(s->name, sizeof(s->name), "%s", zonecfg_name(s->cfg));
	}
	return (rc);
}

static int
cmd_verify(struct zonecfg_session *s, char *args, struct err *e)
{
	int rc = no_more(args, e);

	return (rc != 0 ? rc : zonecfg_verify(s->cfg, e));
}

static int
cmd_revert(struct zonecfg_session *s, char *args, struct err *e)
{
	bool force = take_flag(&args, "-F");
	struct zonecfg *c = NULL;
	int rc;

	if ((rc = no_more(args, e)) != 0 ||
	    (rc = confirm(s, force || !s->changed, "Are you sure you want to revert", e)) != 0)
		return (rc);
	if (s->cfg->saved_name[0] != '\0' &&
	    (rc = zonecfg_load(s->env, s->cfg->saved_name, &c, e)) != 0)
		return (rc);
	replace_cfg(s, c, false);
	return (0);
}

static int
cmd_delete(struct zonecfg_session *s, char *args, struct err *e)
{
	bool force = take_flag(&args, "-F");
	char question[128];
	int rc;

	(void)snprintf(question, sizeof(question), "Are you sure you want to delete zone %s", s->name);
	if ((rc = no_more(args, e)) != 0 || (rc = confirm(s, force, question, e)) != 0)
		return (rc);
	if (s->cfg->saved_name[0] != '\0' &&
	    (rc = zonecfg_delete(s->env, s->cfg->saved_name, e)) != 0)
		return (rc);
	replace_cfg(s, NULL, false);
	return (0);
}

static int
cmd_exit(struct zonecfg_session *s, char *args, struct err *e)
{
	bool force = take_flag(&args, "-F");
	int rc = no_more(args, e);

	if (rc != 0)
		return (rc);
	if (force)
		s->changed = false;
	else if (s->cfg != NULL && (rc = cmd_commit(s, args, e)) != 0)
		return (rc);
	return (1);
}

static int
cmd_help(struct zonecfg_session *s, char *args, struct err *e)
{
	(void)args;
	(void)e;
	s->io->print(zonecfg_help(), strlen(zonecfg_help()), s->io->ctx);
	return (0);
}

/* --- properties --- */

static int
cmd_set(struct zonecfg_session *s, char *args, struct err *e)
{
	char *eq = strchr(args, '='), *name, *value, *p = args;
	int rc;

	if (eq == NULL)
		return (err_set(e, EINVAL, "usage: set PROPERTY=VALUE"));
	*eq = '\0';
	if ((name = zonecfg_word(&p, e)) == NULL || no_more(p, e) != 0)
		return (err_set(e, EINVAL, "usage: set PROPERTY=VALUE"));
	if ((value = zonecfg_rest(eq + 1, e)) == NULL)
		return (-EINVAL);
	rc = s->res != NULL ? zonecfg_res_set(s->res, name, value, e) :
			      zonecfg_set(s->cfg, name, value, e);
	if (rc == 0)
		s->changed = true;
	return (rc);
}

static int
cmd_clear(struct zonecfg_session *s, char *args, struct err *e)
{
	char *name = zonecfg_word(&args, e);
	int rc;

	if (name == NULL || no_more(args, e) != 0)
		return (err_set(e, EINVAL, "usage: clear PROPERTY"));
	rc = s->res != NULL ? zonecfg_res_clear(s->res, name, e) : zonecfg_clear(s->cfg, name, e);
	if (rc == 0)
		s->changed = true;
	return (rc);
}

/* "[a,b,c]" or "a": each into the list. */
static int
append_list(struct zonecfg_res *r, char *text, struct err *e)
{
	size_t n;
	char *save = NULL;
	int rc = 0;

	if ((text = zonecfg_rest(text, e)) == NULL)
		return (-EINVAL);
	n = strlen(text);
	if (n < 2 || text[0] != '[' || text[n - 1] != ']')
		return (zonecfg_res_append(r, text, e));
	text[n - 1] = '\0';
	for (char *w = strtok_r(text + 1, ",", &save); w != NULL && rc == 0;
	     w = strtok_r(NULL, ",", &save))
		rc = zonecfg_res_append(r, w, e);
	return (rc);
}

static const struct prop_def *
take_list_prop(struct zonecfg_session *s, char **args, struct err *e)
{
	char *name = zonecfg_word(args, e);
	const struct prop_def *d = name != NULL ? zonecfg_prop_def(s->res->def, name) : NULL;

	if (d == NULL || d->shape == P_SIMPLE) {
		(void)err_set(e, EINVAL, "'%s' is no list property of %s", name != NULL ? name : "",
		    s->res->def->type);
		return (NULL);
	}
	return (d);
}

static int
add_value(struct zonecfg_session *s, char *args, struct err *e)
{
	const struct prop_def *d = take_list_prop(s, &args, e);
	char *name, *value;
	int rc;

	if (d == NULL)
		return (-EINVAL);
	if (d->shape == P_LIST)
		return (append_list(s->res, args, e));
	if ((rc = zonecfg_name_value(args, &name, &value, e)) != 0)
		return (rc);
	return (zonecfg_res_set_pair(s->res, name, value, e));
}

static int
remove_value(struct zonecfg_session *s, char *args, struct err *e)
{
	const struct prop_def *d = take_list_prop(s, &args, e);
	char *name, *value, *norm;
	int rc;

	if (d == NULL)
		return (-EINVAL);
	if (d->shape == P_PAIRS) {
		if ((rc = zonecfg_name_value(args, &name, &value, e)) != 0)
			return (rc);
		if (zonecfg_res_pair(s->res, name) == NULL)
			return (err_set(e, ENOENT, "no such property: %s", name));
		return (zonecfg_res_set_pair(s->res, name, NULL, e));
	}
	if ((value = zonecfg_rest(args, e)) == NULL || (rc = d->norm(value, &norm, e)) != 0)
		return (-EINVAL);
	rc = zonecfg_res_unlist(s->res, norm, e);
	free(norm);
	return (rc);
}

/* --- resources --- */

static int
cmd_add(struct zonecfg_session *s, char *args, struct err *e)
{
	const struct res_def *d;
	int rc;

	if (s->res != NULL) {
		if ((rc = add_value(s, args, e)) == 0)
			s->changed = true;
		return (rc);
	}
	if ((d = take_type(&args, e)) == NULL || (rc = no_more(args, e)) != 0)
		return (-EINVAL);
	if (d->single && zonecfg_res_next(s->cfg, d->type, NULL) != NULL)
		return (err_set(e, EEXIST, "a %s resource already exists", d->type));
	return (zonecfg_res_new(d->type, &s->res, e));
}

static int
cmd_select(struct zonecfg_session *s, char *args, struct err *e)
{
	const struct res_def *d = take_type(&args, e);
	struct zonecfg_res *r;
	struct match m;
	size_t n;

	if (d == NULL || parse_match(args, d, &m, e) != 0)
		return (-EINVAL);
	if ((n = count_matches(s->cfg, d, &m, &r)) != 1)
		return (err_set(e, n == 0 ? ENOENT : EEXIST, n == 0 ? "no %s resource matches" :
			    "more than one %s resource matches", d->type));
	s->orig = r;
	return (zonecfg_res_copy(r, &s->res, e));
}

static int
cmd_end(struct zonecfg_session *s, char *args, struct err *e)
{
	int rc = no_more(args, e);

	if (rc != 0 || (rc = zonecfg_res_check(s->cfg, s->res, s->orig, e)) != 0)
		return (rc);
	zonecfg_res_attach(s->cfg, s->res, s->orig);
	s->res = s->orig = NULL;
	s->changed = true;
	return (0);
}

static int
cmd_cancel(struct zonecfg_session *s, char *args, struct err *e)
{
	int rc = no_more(args, e);

	if (rc == 0) {
		zonecfg_res_free(s->res);
		s->res = s->orig = NULL;
	}
	return (rc);
}

static int
cmd_remove(struct zonecfg_session *s, char *args, struct err *e)
{
	bool force = take_flag(&args, "-F");
	const struct res_def *d;
	struct zonecfg_res *r;
	struct match m;
	size_t n;
	int rc;

	if (s->res != NULL)
		return (remove_value(s, args, e));
	if ((d = take_type(&args, e)) == NULL || parse_match(args, d, &m, e) != 0)
		return (-EINVAL);
	n = count_matches(s->cfg, d, &m, &r);
	if (n == 0)
		return (force ? 0 : err_set(e, ENOENT, "no %s resource matches", d->type));
	if (n > 1 &&
	    (rc = confirm(s, force, "Are you sure you want to remove ALL matching resources", e)) != 0)
		return (rc);
	while (count_matches(s->cfg, d, &m, &r) != 0)
		zonecfg_res_remove(s->cfg, r);
	s->changed = true;
	return (0);
}

/* --- output --- */

static int
info_type(struct zonecfg_session *s, const struct res_def *d, char *args, struct buf *b,
    struct err *e)
{
	struct zonecfg_res *r = NULL;
	struct match m;

	if (parse_match(args, d, &m, e) != 0)
		return (-EINVAL);
	while ((r = zonecfg_res_next(s->cfg, d->type, r)) != NULL)
		if (matches(r, &m))
			zonecfg_info_res(r, b);
	if (b->len == 0)
		return (err_set(e, ENOENT, "no %s resource matches", d->type));
	return (0);
}

static int
cmd_info(struct zonecfg_session *s, char *args, struct err *e)
{
	struct buf b = BUF_INIT;
	const struct res_def *d;
	char *w = zonecfg_word(&args, e);
	int rc = 0;

	if (s->res != NULL)
		zonecfg_info_res(s->res, &b);
	else if (w == NULL)
		zonecfg_info(s->cfg, &b);
	else if ((d = zonecfg_res_def(w)) != NULL)
		rc = info_type(s, d, args, &b, e);
	else if (!zonecfg_info_prop(s->cfg, w, &b))
		rc = err_set(e, EINVAL, "unknown property or resource type '%s'", w);
	print_buf(s, &b);
	return (rc);
}

static int
cmd_export(struct zonecfg_session *s, char *args, struct err *e)
{
	struct buf b = BUF_INIT;
	char *file = NULL;
	int rc = 0;

	if (take_flag(&args, "-f") && (file = zonecfg_word(&args, e)) == NULL)
		return (err_set(e, EINVAL, "usage: export [-f FILE]"));
	if ((rc = no_more(args, e)) != 0)
		return (rc);
	zonecfg_export(s->cfg, &b);
	if (buf_failed(&b))
		rc = err_set(e, ENOMEM, "out of memory");
	else if (file != NULL)
		rc = file_replace(file, b.data, b.len, 0644, e);
	if (file != NULL || rc != 0)
		buf_free(&b);
	else
		print_buf(s, &b);
	return (rc);
}

/* --- dispatch --- */

static const struct command commands[] = {
    {"add", S_GLOBAL | S_RES, cmd_add, "add RESOURCE | add PROPERTY VALUE"},
    {"cancel", S_RES, cmd_cancel, "cancel"},
    {"clear", S_GLOBAL | S_RES, cmd_clear, "clear PROPERTY"},
    {"commit", S_GLOBAL, cmd_commit, "commit"},
    {"create", S_GLOBAL | S_NO_ZONE, cmd_create, "create [-F] [-b | -t TEMPLATE]"},
    {"delete", S_GLOBAL, cmd_delete, "delete [-F]"},
    {"end", S_RES, cmd_end, "end"},
    {"exit", S_GLOBAL | S_NO_ZONE, cmd_exit, "exit [-F]"},
    {"export", S_GLOBAL, cmd_export, "export [-f FILE]"},
    {"help", S_GLOBAL | S_RES | S_NO_ZONE, cmd_help, "help"},
    {"info", S_GLOBAL | S_RES, cmd_info, "info [RESOURCE [PROPERTY=VALUE]...]"},
    {"remove", S_GLOBAL | S_RES, cmd_remove,
	"remove [-F] RESOURCE [PROPERTY=VALUE]... | remove PROPERTY VALUE"},
    {"revert", S_GLOBAL, cmd_revert, "revert [-F]"},
    {"select", S_GLOBAL, cmd_select, "select RESOURCE PROPERTY=VALUE..."},
    {"set", S_GLOBAL | S_RES, cmd_set, "set PROPERTY=VALUE"},
    {"verify", S_GLOBAL, cmd_verify, "verify"},
};
enum { NCOMMANDS = sizeof(commands) / sizeof(commands[0]) };

const char *
zonecfg_help(void)
{
	return ("add RESOURCE, add PROPERTY VALUE\n"
		"\tbegin a resource; in one, add a value to a list\n"
		"cancel\n\tleave the resource without keeping it\n"
		"clear PROPERTY\n\tback to its default\n"
		"commit\n\twrite the configuration\n"
		"create [-F] [-b | -t TEMPLATE]\n\tbegin a new zone: with defaults, blank, or a copy\n"
		"delete [-F]\n\tforget the zone, at once\n"
		"end\n\tkeep the resource and leave it\n"
		"exit [-F]\n\tcommit and leave; -F without commit\n"
		"export [-f FILE]\n\tprint commands that make this configuration\n"
		"info [RESOURCE [PROPERTY=VALUE]...]\n\tprint the configuration or a part\n"
		"remove [-F] RESOURCE [PROPERTY=VALUE]..., remove PROPERTY VALUE\n"
		"\tremove what matches\n"
		"revert [-F]\n\tback to what was committed\n"
		"select RESOURCE PROPERTY=VALUE...\n\tedit the resource that matches\n"
		"set PROPERTY=VALUE\n\tset a property of the zone, or of the resource\n"
		"verify\n\tcheck the configuration\n");
}

static int
run_command(struct zonecfg_session *s, char *text, struct err *e)
{
	unsigned scope = s->res != NULL ? S_RES : S_GLOBAL;
	char *p = text + strspn(text, " \t\r\n"), *name;

	if (*p == '\0' || *p == '#')
		return (0);
	p[strcspn(p, "\r")] = '\0';
	if ((name = zonecfg_word(&p, e)) == NULL)
		return (-EINVAL);
	for (int i = 0; i < NCOMMANDS; i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, name) != 0)
			continue;
		if (!(c->scopes & scope))
			return (err_set(e, EINVAL, "'%s' is not allowed in the %s scope", name,
			    s->res != NULL ? "resource" : "global"));
		if (s->cfg == NULL && !(c->scopes & S_NO_ZONE))
			return (err_set(e, ENOENT, "%s: No such zone configured", s->name));
		return (c->run(s, p, e));
	}
	return (err_set(e, EINVAL, "unknown command '%s'", name));
}

int
zonecfg_session_line(struct zonecfg_session *s, const char *line, struct err *e)
{
	char *copy, *p, *cmd;
	int rc = 0;

	if (strlen(line) > LINE_MAX_BYTES)
		return (err_set(e, E2BIG, "line is longer than %d bytes", LINE_MAX_BYTES));
	if ((copy = strdup(line)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	p = copy;
	while (rc == 0 && (cmd = zonecfg_next_command(&p)) != NULL)
		rc = run_command(s, cmd, e);
	free(copy);
	return (rc);
}

int
zonecfg_session_finish(struct zonecfg_session *s, struct err *e)
{
	char none[] = "";

	if (s->res != NULL)
		return (err_set(e, EINVAL, "the %s resource was not ended", s->res->def->type));
	return (s->cfg != NULL ? cmd_commit(s, none, e) : 0);
}

bool
zonecfg_session_has_zone(const struct zonecfg_session *s)
{
	return (s->cfg != NULL);
}

void
zonecfg_session_prompt(const struct zonecfg_session *s, char *buf, size_t size)
{
	if (s->res != NULL)
		(void)snprintf(buf, size, "zonecfg:%s:%s> ", s->name, s->res->def->type);
	else
		(void)snprintf(buf, size, "zonecfg:%s> ", s->name);
}

int
zonecfg_session_new(const struct zone_env *env, const char *name, const struct zonecfg_io *io,
    struct zonecfg_session **out, struct err *e)
{
	struct zonecfg_session *s;
	struct err load = ERR_INIT;
	int rc = zone_name_check(name, e);

	if (rc != 0)
		return (rc);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	s->env = env;
	s->io = io;
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	rc = zonecfg_load(env, name, &s->cfg, &load);
	if (rc != 0 && strcmp(load.msg, "No such zone configured") != 0) {
		free(s);
		return (err_set(e, -rc, "%s", load.msg));
	}
	*out = s;
	return (0);
}

void
zonecfg_session_free(struct zonecfg_session *s)
{
	if (s == NULL)
		return;
	zonecfg_free(s->cfg);
	zonecfg_res_free(s->res);
	free(s);
}
