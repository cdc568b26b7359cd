/* SPDX-License-Identifier: MIT */
/*
 * zfs userspace, groupspace, projectspace: who uses how much; and names of owners in properties.
 *
 * Owners are numbers in the pool and for poold.  Names are this machine's, so they are translated here:
 * "userquota@bob=1G" asks for "userquota@1001".
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "smartbox/core/table.h"
#include "smartbox/core/units.h"
#include "smartbox/fs/quota.h"
#include "zfs_impl.h"

/* --- names of owners -------------------------------------------------------------------------- */

static bool
is_number(const char *s)
{
	return (*s != '\0' && strspn(s, "0123456789") == strlen(s));
}

bool
zfs_owner_wire(const char *name, char *wire, size_t size)
{
	struct owner_prop p;
	const struct passwd *pw;
	const struct group *gr;
	const char *who;
	unsigned long id;

	if (!owner_prop_parse(name, &p, &who))
		return (false);
	if (is_number(who))
		return ((size_t)snprintf(wire, size, "%s", name) < size);
	if (p.kind == OWNER_USER && (pw = getpwnam(who)) != NULL)
		id = pw->pw_uid;
	else if (p.kind == OWNER_GROUP && (gr = getgrnam(who)) != NULL)
		id = gr->gr_gid;
	else
		return (false);
	return ((size_t)snprintf(wire, size, "%s%lu", owner_prop_prefix(&p), id) < size);
}

bool
zfs_owner_is(const char *name)
{
	struct owner_prop p;
	const char *who;

	return (owner_prop_parse(name, &p, &who));
}

/* --- one owner -------------------------------------------------------------------------------- */

enum { USED, QUOTA, OBJUSED, OBJQUOTA, VALUES };
enum { FIELD_TYPE = VALUES, FIELD_NAME, FIELDS };

struct owner {
	enum owner_kind kind;
	uint64_t id;
	char name[64];
	uint64_t value[VALUES];
	bool has[VALUES];
};

struct sort_key {
	int field;
	bool reverse;
};

struct space {
	struct owner *v;
	size_t n, cap;
	struct sort_key key[FIELDS + 1];
	size_t nkeys;
	const char *fields;
	unsigned flags, kinds; /* table flags; kinds: bits */
	bool numeric, raw;
};

static const char *const field_name[FIELDS] = {"used", "quota", "objused", "objquota", "type", "name"};

static void
name_owner(const struct space *s, struct owner *o)
{
	const struct passwd *pw;
	const struct group *gr;

	(void)snprintf(o->name, sizeof(o->name), "%" PRIu64, o->id);
	if (s->numeric || o->id > UINT32_MAX)
		return;
	if (o->kind == OWNER_USER && (pw = getpwuid((uid_t)o->id)) != NULL)
		(void)snprintf(o->name, sizeof(o->name), "%s", pw->pw_name);
	else if (o->kind == OWNER_GROUP && (gr = getgrgid((gid_t)o->id)) != NULL)
		(void)snprintf(o->name, sizeof(o->name), "%s", gr->gr_name);
}

static struct owner *
owner_of(struct space *s, size_t first, enum owner_kind kind, uint64_t id)
{
	struct owner *o;

	for (size_t i = first; i < s->n; i++)
		if (s->v[i].id == id)
			return (&s->v[i]);
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 32 : 2 * s->cap;
		s->v = realloc(s->v, s->cap * sizeof(*s->v));
		must(s->v == NULL ? -ENOMEM : 0);
	}
	o = &s->v[s->n++];
	*o = (struct owner){.kind = kind, .id = id};
	name_owner(s, o);
	return (o);
}

/* Pairs of id and value; the last one only says that the table is there. */
static void
take_answer(struct space *s, enum owner_kind kind, const struct nvlist *out)
{
	size_t first = s->n, n;
	const uint64_t *v;

	for (int f = 0; f < VALUES; f++) {
		if (nv_get_u64_array(out, field_name[f], &v, &n) != 0 || n < 2)
			continue;
		for (size_t i = 0; i + 2 < n; i += 2)
			owner_of(s, first, kind, v[i])->value[f] = v[i + 1];
	}
	for (int f = 0; f < VALUES; f++)
		for (size_t i = first; i < s->n; i++)
			s->v[i].has[f] = nv_has(out, field_name[f]);
}

static int
ask_kind(struct space *s, const char *dataset, enum owner_kind kind)
{
	struct nvlist *args = must_nv(), *out = NULL;
	struct err e = ERR_INIT;
	int rc;

	must(nv_add_str(args, "name", dataset));
	must(nv_add_u64(args, "kind", kind));
	if ((rc = zfs_ask(dataset, "fs.userspace", args, &out, &e)) == 0)
		take_answer(s, kind, out);
	nv_free(args);
	nv_free(out);
	if (rc == -ENOENT)
		return (applet_fail_bare(NULL, "cannot open '%s': dataset does not exist", dataset));
	return (rc == 0 ? 0 : applet_fail_bare(&e, "cannot get used/quota for %s", dataset));
}

/* --- order ------------------------------------------------------------------------------------ */

static int
compare_field(const struct owner *a, const struct owner *b, int field)
{
	if (field == FIELD_TYPE)
		return ((a->kind > b->kind) - (a->kind < b->kind));
	if (field == FIELD_NAME && is_number(a->name) && is_number(b->name))
		return ((a->id > b->id) - (a->id < b->id));
	if (field == FIELD_NAME)
		return (strcasecmp(a->name, b->name));
	return ((a->value[field] > b->value[field]) - (a->value[field] < b->value[field]));
}

static int
compare_owners(const void *pa, const void *pb, void *arg)
{
	const struct space *s = arg;
	const struct owner *a = pa, *b = pb;
	int c = 0;

	for (size_t i = 0; i < s->nkeys && c == 0; i++) {
		c = compare_field(a, b, s->key[i].field);
		c = s->key[i].reverse ? -c : c;
	}
	return (c != 0 ? c : (a->id > b->id) - (a->id < b->id));
}

/* --- printing --------------------------------------------------------------------------------- */

static const char *
type_text(enum owner_kind kind)
{
	static const char *const text[] = {"POSIX User", "POSIX Group", "Project"};

	return (text[kind]);
}

static void
cell(char *buf, size_t size, const void *row, int id, unsigned flags)
{
	const struct owner *o = row;
	uint64_t v = id < VALUES ? o->value[id] : 0;

	if (id == FIELD_TYPE || id == FIELD_NAME)
		(void)snprintf(buf, size, "%s", id == FIELD_NAME ? o->name : type_text(o->kind));
	else if (!o->has[id])
		(void)snprintf(buf, size, "-");
	else if (flags & TABLE_RAW)
		(void)snprintf(buf, size, "%" PRIu64, v);
	else if (v == 0 && (id == QUOTA || id == OBJQUOTA))
		(void)snprintf(buf, size, "none");
	else if (id == USED || id == QUOTA)
		units_format_size(buf, size, v);
	else
		units_format_count(buf, size, v);
}

static const struct column space_columns[] = {
	{"type", "TYPE", 0, 0, cell, FIELD_TYPE},
	{"name", "NAME", 0, 0, cell, FIELD_NAME},
	{"used", "USED", 0, COL_RIGHT, cell, USED},
	{"quota", "QUOTA", 0, COL_RIGHT, cell, QUOTA},
	{"objused", "OBJUSED", 0, COL_RIGHT, cell, OBJUSED},
	{"objquota", "OBJQUOTA", 0, COL_RIGHT, cell, OBJQUOTA},
	{NULL, NULL, 0, 0, NULL, 0},
};

static int
print_space(struct space *s)
{
	struct err e = ERR_INIT;
	struct table *t;

	if (table_new(space_columns, s->fields, s->flags | (s->raw ? TABLE_RAW : 0), &t, &e) != 0)
		return (applet_usage("%s", e.msg));
	qsort_r(s->v, s->n, sizeof(*s->v), compare_owners, s);
	for (size_t i = 0; i < s->n; i++)
		must(table_add(t, &s->v[i]));
	table_end(t, stdout);
	return (0);
}

/* --- options ---------------------------------------------------------------------------------- */

static int
add_key(struct space *s, const char *field, bool reverse)
{
	for (int f = 0; f < FIELDS; f++) {
		if (strcmp(field, field_name[f]) == 0 && s->nkeys < FIELDS) {
			s->key[s->nkeys++] = (struct sort_key){f, reverse};
			return (0);
		}
	}
	return (applet_usage("invalid property '%s'", field));
}

/* SMB users are owners by Windows domain, which a Linux system has none of. */
static int
parse_types(const char *list, unsigned *kinds)
{
	static const struct {
		const char *word;
		unsigned kinds;
	} words[] = {{"posixuser", 1u << OWNER_USER}, {"posixgroup", 1u << OWNER_GROUP},
	    {"smbuser", 0}, {"smbgroup", 0}, {"all", 1u << OWNER_USER | 1u << OWNER_GROUP}};
	size_t n, i;

	*kinds = 0;
	for (const char *p = list;; p += n + 1) {
		n = strcspn(p, ",");
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strlen(words[i].word) == n && strncmp(words[i].word, p, n) == 0)
				break;
		if (i == sizeof(words) / sizeof(words[0]))
			return (applet_usage("invalid type '%.*s' for -t option", (int)n, p));
		*kinds |= words[i].kinds;
		if (p[n] == '\0')
			return (0);
	}
}

static int
read_options(int argc, char **argv, const char *letters, struct space *s)
{
	int c, status = 0;

	while (status == 0 && (c = applet_getopt(argc, argv, letters)) != -1) {
		switch (c) {
		case 'H': s->flags |= TABLE_TABS; break;
		case 'n': s->numeric = true; break;
		case 'p': s->raw = true; break;
		case 'i': break;
		case 'o': s->fields = optarg; break;
		case 's': case 'S': status = add_key(s, optarg, c == 'S'); break;
		case 't': status = parse_types(optarg, &s->kinds); break;
		default: return (2);
		}
	}
	if (status == 0 && s->nkeys == 0) {
		(void)add_key(s, "type", false);
		(void)add_key(s, "name", false);
	}
	if (status == 0 && optind + 1 != argc)
		status = applet_usage(optind < argc ? "too many arguments" : "missing dataset name");
	return (status);
}

static int
space_of(int argc, char **argv, const char *letters, enum owner_kind kind, const char *fields)
{
	struct space s = {.kinds = 1u << kind, .fields = fields};
	char at[256];
	const char *dataset;
	int status = read_options(argc, argv, letters, &s);

	if (status == 0) {
		dataset = argv[optind];
		if (dataset[0] == '/' && zfs_dataset_at(dataset, at, sizeof(at)))
			dataset = at;
		for (int k = 0; k < OWNER_KINDS && status == 0; k++)
			if (s.kinds & 1u << k)
				status = ask_kind(&s, dataset, (enum owner_kind)k);
	}
	if (status == 0)
		status = print_space(&s);
	free(s.v);
	return (status);
}

int
zfs_userspace(int argc, char **argv)
{
	return (space_of(argc, argv, "Hinpo:s:S:t:", OWNER_USER, "type,name,used,quota,objused,objquota"));
}

int
zfs_groupspace(int argc, char **argv)
{
	return (space_of(argc, argv, "Hinpo:s:S:t:", OWNER_GROUP, "type,name,used,quota,objused,objquota"));
}

int
zfs_projectspace(int argc, char **argv)
{
	return (space_of(argc, argv, "Hpo:s:S:", OWNER_PROJECT, "name,used,quota,objused,objquota"));
}
