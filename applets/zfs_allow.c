/* SPDX-License-Identifier: MIT */
/*
 * zfs allow, unallow: delegated permissions, shown and changed.
 *
 * poold knows "who" as the pool does: "ul$1001" is user 1001, here (fs/dsl_deleg.c).  Here are its names.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/fs/props.h"
#include "zfs_impl.h"

enum { HEADER_WIDTH = 70, LIST_MAX = 256, KEY_MAX = 256 };

/* --- showing ---------------------------------------------------------------------------------- */

struct grant {
	const char *dataset, *who, *perm;
};

/* The same dataset and who, whatever the case and the scope of the key. */
static bool
is_same_who(const struct grant *a, const struct grant *b)
{
	return (strcmp(a->dataset, b->dataset) == 0 && (a->who[0] | 32) == (b->who[0] | 32) &&
	    strcmp(a->who + 3, b->who + 3) == 0);
}

static int
type_weight(char c)
{
	return ((int)(strchr("scuge", c | 32) - "scuge"));
}

static int
compare_grants(const void *pa, const void *pb)
{
	const struct grant *a = pa, *b = pb;
	int c = type_weight(a->who[0]) - type_weight(b->who[0]);

	if (c == 0)
		c = strcmp(a->who + 3, b->who + 3);
	return (c != 0 ? c : strcmp(a->perm, b->perm));
}

static void
print_who(const struct grant *g)
{
	const char *id = g->who + 3;
	const struct passwd *pw = NULL;
	const struct group *gr = NULL;

	switch (g->who[0] | 32) {
	case 'u':
		pw = getpwuid((uid_t)strtoul(id, NULL, 10));
		(void)printf("\tuser %s", pw != NULL ? pw->pw_name : id);
		break;
	case 'g':
		gr = getgrgid((gid_t)strtoul(id, NULL, 10));
		(void)printf("\tgroup %s", gr != NULL ? gr->gr_name : id);
		break;
	case 'e':
		(void)printf("\teveryone");
		break;
	default:
		(void)printf("\t%s", id);
	}
}

/* 1 local, 2 descendent, 3 both: where this who has this permission. */
static unsigned
scope_of(const struct grant *g, size_t n, const struct grant *of)
{
	unsigned scope = 0;

	for (size_t i = 0; i < n; i++)
		if (is_same_who(&g[i], of) && strcmp(g[i].perm, of->perm) == 0)
			scope |= g[i].who[1] == 'l' ? 1 : g[i].who[1] == 'd' ? 2 : 4;
	return (scope);
}

/* A line for each who of this scope and these types; the title before the first. */
static void
print_scope(const struct grant *g, size_t n, const char *types, unsigned scope, const char *title)
{
	const struct grant *last = NULL;
	const char *perm = "";

	for (size_t i = 0; i < n; i++) {
		if (strchr(types, g[i].who[0] | 32) == NULL || scope_of(g, n, &g[i]) != scope)
			continue;
		if (last == NULL)
			(void)printf("%s:\n", title);
		if (last == NULL || !is_same_who(last, &g[i])) {
			if (last != NULL)
				(void)printf("\n");
			print_who(&g[i]);
			(void)printf("%s%s", g[i].who[0] == 'c' ? "" : " ", g[i].perm);
		} else if (strcmp(perm, g[i].perm) != 0) {
			(void)printf(",%s", g[i].perm);
		}
		last = &g[i];
		perm = g[i].perm;
	}
	if (last != NULL)
		(void)printf("\n");
}

static void
print_dataset(struct grant *g, size_t n)
{
	int used = printf("---- Permissions on %s ", g->dataset);

	for (; used < HEADER_WIDTH; used++)
		(void)putchar('-');
	(void)putchar('\n');
	qsort(g, n, sizeof(*g), compare_grants);
	print_scope(g, n, "s", 4, "Permission sets");
	print_scope(g, n, "c", 4, "Create time permissions");
	print_scope(g, n, "uge", 1, "Local permissions");
	print_scope(g, n, "uge", 2, "Descendent permissions");
	print_scope(g, n, "uge", 3, "Local+Descendent permissions");
}

static int
show(const char *dataset)
{
	struct nvlist *args = must_nv(), *out = NULL;
	struct err e = ERR_INIT;
	const char *const *v;
	struct grant *g;
	size_t n, i, k;
	int rc;

	must(nv_add_str(args, "name", dataset));
	rc = zfs_ask(dataset, "fs.permissions", args, &out, &e);
	nv_free(args);
	if (rc == 0 && nv_get_str_array(out, "permissions", &v, &n) == 0 && n >= 3) {
		g = calloc(n / 3, sizeof(*g));
		must(g == NULL ? -ENOMEM : 0);
		for (i = 0; i < n / 3; i++)
			g[i] = (struct grant){v[3 * i], v[3 * i + 1], v[3 * i + 2]};
		for (i = 0; i < n / 3; i = k) {
			for (k = i; k < n / 3 && strcmp(g[k].dataset, g[i].dataset) == 0; k++)
				continue;
			print_dataset(&g[i], k - i);
		}
		free(g);
	}
	nv_free(out);
	return (rc == 0 ? 0 : applet_fail_bare(&e, "cannot open '%s'", dataset));
}

/* --- changing --------------------------------------------------------------------------------- */

struct grant_opts {
	bool local, descendent, user, group, everyone, create, set, take;
	const char *set_name;
	char *who[LIST_MAX], *perm[LIST_MAX];
	size_t nwho, nperm;
};

static bool
is_permission(const char *name)
{
	static const char *const verbs[] = {"allow", "bookmark", "change-key", "clone", "create", "destroy",
	    "diff", "hold", "load-key", "mount", "promote", "receive", "release", "rename", "rollback",
	    "send", "share", "snapshot", "userprop", "userused", "userquota", "userobjused",
	    "userobjquota", "groupused", "groupquota", "groupobjused", "groupobjquota", "projectused",
	    "projectquota", "projectobjused", "projectobjquota"};
	const struct fs_prop *p = fs_prop_find(name);

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i], name) == 0)
			return (true);
	return (name[0] == '@' || (p != NULL && (p->attr & PROP_READONLY) == 0));
}

static int
split(char *list, char **v, size_t *n)
{
	char *save;

	for (char *p = strtok_r(list, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save)) {
		if (*n == LIST_MAX)
			return (applet_usage("more than %d names", LIST_MAX));
		v[(*n)++] = p;
	}
	return (*n == 0 ? applet_usage("empty list") : 0);
}

static int
read_perms(struct grant_opts *o, char *list)
{
	int status = split(list, o->perm, &o->nperm);

	for (size_t i = 0; i < o->nperm && status == 0; i++)
		if (!is_permission(o->perm[i]))
			status = applet_usage("invalid permission '%s'", o->perm[i]);
	return (status);
}

/* "bob" as user or group; a number is taken as it is. */
static int
resolve(const struct grant_opts *o, const char *name, char *type, char id[KEY_MAX])
{
	const struct passwd *pw = o->group ? NULL : getpwnam(name);
	const struct group *gr = o->user || pw != NULL ? NULL : getgrnam(name);
	bool number = *name != '\0' && strspn(name, "0123456789") == strlen(name);

	*type = o->group || gr != NULL ? 'g' : 'u';
	if (!o->user && !o->group && strcmp(name, "everyone") == 0) {
		*type = 'e';
		id[0] = '\0';
	} else if (pw != NULL || gr != NULL) {
		(void)snprintf(id, KEY_MAX, "%lu",
		    pw != NULL ? (unsigned long)pw->pw_uid : (unsigned long)gr->gr_gid);
	} else if (number) {
		(void)snprintf(id, KEY_MAX, "%s", name);
	} else {
		return (applet_usage("invalid %s '%s'", o->group ? "group" : o->user ? "user" :
		    "user/group", name));
	}
	return (0);
}

struct keys {
	char text[2 * LIST_MAX][KEY_MAX + 4];
	const char *v[2 * LIST_MAX];
	size_t n;
};

static void
add_key(struct keys *k, char type, char scope, const char *id)
{
	(void)snprintf(k->text[k->n], sizeof(k->text[0]), "%c%c$%s", type, scope, id);
	k->v[k->n] = k->text[k->n];
	k->n++;
}

static int
make_keys(const struct grant_opts *o, struct keys *k)
{
	bool both = o->local == o->descendent;
	char id[KEY_MAX], type;
	int status = 0;

	if (o->create || o->set) {
		add_key(k, o->create ? 'c' : 's', '-', o->set ? o->set_name : "");
		return (0);
	}
	for (size_t i = 0; i < o->nwho + o->everyone && status == 0; i++) {
		if ((status = o->everyone ? (id[0] = '\0', type = 'e', 0) :
		    resolve(o, o->who[i], &type, id)) != 0)
			break;
		if (both || o->local)
			add_key(k, type, 'l', id);
		if (both || o->descendent)
			add_key(k, type, 'd', id);
	}
	return (status);
}

static int
submit(const struct grant_opts *o, const char *dataset)
{
	static struct keys k;
	struct nvlist *args;
	struct err e = ERR_INIT;
	int status = make_keys(o, &k);

	if (status != 0)
		return (status);
	args = must_nv();
	must(nv_add_str(args, "name", dataset));
	must(nv_add_str_array(args, "who", k.v, k.n));
	if (o->nperm > 0)
		must(nv_add_str_array(args, "perms", (const char *const *)o->perm, o->nperm));
	if (o->take)
		must(nv_add_boolean(args, "take"));
	return (zfs_change(dataset, "fs.allow", args, NULL, &e) == 0 ? 0 :
	    applet_fail_bare(&e, "cannot set permissions on '%s'", dataset));
}

static int
read_options(int argc, char **argv, struct grant_opts *o)
{
	int c;

	while ((c = applet_getopt(argc, argv, "ldugecs")) != -1) {
		switch (c) {
		case 'l': o->local = true; break;
		case 'd': o->descendent = true; break;
		case 'u': o->user = true; break;
		case 'g': o->group = true; break;
		case 'e': o->everyone = true; break;
		case 'c': o->create = true; break;
		case 's': o->set = true; break;
		default: return (2);
		}
	}
	if (o->user + o->group + o->everyone + o->create + o->set > 1)
		return (applet_usage("-u, -g, -e, -c and -s exclude each other"));
	if ((o->create || o->set) && (o->local || o->descendent))
		return (applet_usage("-l and -d do not go with -c and -s"));
	return (0);
}

/* WHO [PERMISSIONS] DATASET, as far as the options leave them. */
static int
read_words(int argc, char **argv, struct grant_opts *o, const char **dataset)
{
	bool has_who = !o->everyone && !o->create;
	int min = 1 + has_who + !o->take, status = 0;

	if (argc < min || argc > 2 + has_who)
		return (applet_usage(argc < min ? "too few arguments" : "too many arguments"));
	*dataset = argv[--argc];
	if (o->set) {
		o->set_name = *argv;
		if (o->set_name[0] != '@')
			status = applet_usage("invalid set name: missing '@' prefix");
	} else if (has_who) {
		status = split(*argv, o->who, &o->nwho);
	}
	if (status == 0 && argc > has_who)
		status = read_perms(o, argv[has_who]);
	return (status);
}

static int
change(int argc, char **argv, bool take)
{
	static struct grant_opts o;
	const char *dataset = NULL;
	int status;

	o.take = take;
	if ((status = read_options(argc, argv, &o)) != 0)
		return (status);
	if (!take && argc == 2 && optind == 1)
		return (show(argv[1]));
	if ((status = read_words(argc - optind, argv + optind, &o, &dataset)) != 0)
		return (status);
	return (submit(&o, dataset));
}

int
zfs_allow(int argc, char **argv)
{
	return (change(argc, argv, false));
}

int
zfs_unallow(int argc, char **argv)
{
	return (change(argc, argv, true));
}
