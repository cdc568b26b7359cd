/* SPDX-License-Identifier: MIT */
/* Names of pools, datasets and snapshots. */
#include "smartbox/fs/names.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "smartbox/fs/dsl.h"

/* A pool's history, config and mount point names must fit too: as OpenZFS. */
enum { POOL_NAME_MAX = DSL_NAME_MAX - 2 };

static bool
is_name_char(char c)
{
	return (isalnum((unsigned char)c) || (c != '\0' && strchr("-_.: ", c) != NULL));
}

static bool
has_prefix(const char *s, const char *prefix)
{
	return (strncmp(s, prefix, strlen(prefix)) == 0);
}

/* Words that a vdev specification gives a meaning to. */
static bool
is_reserved(const char *name)
{
	return (has_prefix(name, "mirror") || has_prefix(name, "raidz") ||
	    has_prefix(name, "draid") || has_prefix(name, "spare") || strcmp(name, "log") == 0);
}

int
name_check_pool(const char *name, struct err *e)
{
	if (strlen(name) >= POOL_NAME_MAX)
		return (err_set(e, ENAMETOOLONG, "name is too long"));
	for (const char *p = name; *p != '\0'; p++)
		if (!is_name_char(*p))
			return (err_set(e, EINVAL, "invalid character '%c' in pool name", *p));
	if (!isalpha((unsigned char)name[0]))
		return (err_set(e, EINVAL, "name must begin with a letter"));
	if (is_reserved(name))
		return (err_set(e, EINVAL, "name is reserved"));
	return (0);
}

static int
check_component(const char *p, size_t n, struct err *e)
{
	if (n == 0)
		return (err_set(e, EINVAL,
		    "empty component or misplaced '@' or '#' delimiter in name"));
	for (size_t i = 0; i < n; i++)
		if (!is_name_char(p[i]))
			return (err_set(e, EINVAL, "invalid character '%c' in name", p[i]));
	if (n <= 2 && strncmp(p, "..", n) == 0)
		return (err_set(e, EINVAL, "%s reference, '%.*s' is found in name",
		    n == 1 ? "self" : "parent", (int)n, p));
	return (0);
}

static int
check_components(const char *name, struct err *e)
{
	int rc;

	for (const char *p = name; ; p++) {
		size_t n = strcspn(p, "/@#");

		if (n == 0 && *p == '\0' && p != name && p[-1] == '/')
			return (err_set(e, EINVAL, "trailing slash in name"));
		if ((rc = check_component(p, n, e)) != 0)
			return (rc);
		p += n;
		if (*p == '\0')
			return (0);
	}
}

int
name_check_dataset(const char *name, unsigned types, struct err *e)
{
	const char *delim = strpbrk(name, "@#");
	int rc;

	if (strlen(name) >= DSL_NAME_MAX)
		return (err_set(e, ENAMETOOLONG, "name is too long"));
	if (name[0] == '/')
		return (err_set(e, EINVAL, "leading slash in name"));
	if (delim == NULL && (types & (DSL_FILESYSTEM | DSL_VOLUME)) == 0)
		return (err_set(e, EINVAL, types & DSL_SNAPSHOT ?
		    "missing '@' delimiter in snapshot name" :
		    "missing '#' delimiter in bookmark name"));
	if (delim != NULL && *delim == '@' && (types & DSL_SNAPSHOT) == 0)
		return (err_set(e, EINVAL, "snapshot delimiter '@' is not expected here"));
	if (delim != NULL && *delim == '#' && (types & DSL_BOOKMARK) == 0)
		return (err_set(e, EINVAL, "bookmark delimiter '#' is not expected here"));
	if (delim != NULL && strpbrk(delim + 1, "@#") != NULL)
		return (err_set(e, EINVAL, "multiple '@' and/or '#' delimiters in name"));
	if ((rc = check_components(name, e)) != 0)
		return (rc);
	if (!isalpha((unsigned char)name[0]))
		return (err_set(e, EINVAL, "pool doesn't begin with a letter"));
	return (0);
}

size_t
name_pool_length(const char *dataset)
{
	return (strcspn(dataset, "/@#"));
}

bool
name_parent(const char *dataset, char *buf, size_t size)
{
	const char *slash = strrchr(dataset, '/'), *delim = strpbrk(dataset, "@#");
	const char *end = delim != NULL ? delim : slash;

	if (end == NULL || (size_t)(end - dataset) >= size)
		return (false);
	memcpy(buf, dataset, (size_t)(end - dataset));
	buf[end - dataset] = '\0';
	return (true);
}

bool
name_is_within(const char *name, const char *root)
{
	size_t n = strlen(root);

	return (strncmp(name, root, n) == 0 && (name[n] == '\0' || strchr("/@#", name[n]) != NULL));
}

unsigned
name_depth(const char *name, const char *root)
{
	unsigned depth = 0;

	for (const char *p = name + strlen(root); *p != '\0'; p++)
		depth += strchr("/@#", *p) != NULL;
	return (depth);
}

static size_t
dataset_length(const char *name)
{
	const char *p = name;

	while (*p != '\0' && *p != '@' && *p != '#')
		p++;
	return ((size_t)(p - name));
}

int
name_compare(const char *a, const char *b)
{
	size_t na = dataset_length(a), nb = dataset_length(b);
	int c = memcmp(a, b, na < nb ? na : nb);

	if (c != 0)
		return (c);
	if (na != nb)
		return (na < nb ? -1 : 1);
	return ((a[na] != '\0') - (b[nb] != '\0'));
}
