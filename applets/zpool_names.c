/* SPDX-License-Identifier: MIT */
/* How devices are called in listings, and how wide that makes them. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zpool_impl.h"

unsigned
zpool_name_option(int letter)
{
	return (letter == 'P' ? ZPOOL_NAME_FULL : letter == 'g' ? ZPOOL_NAME_GUID :
	    letter == 'L' ? ZPOOL_NAME_REAL : 0);
}

const char *
zpool_vdev_name(const struct nvlist *node, unsigned how)
{
	static char text[PATH_MAX];
	const char *path = nv_str_or(node, "path", NULL), *slash;

	if ((how & ZPOOL_NAME_GUID) != 0 && nv_has(node, "guid")) {
		(void)snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)nv_u64_or(node, "guid", 0));
		return (text);
	}
	if (path == NULL)
		return (nv_str_or(node, "name", ""));
	if ((how & ZPOOL_NAME_REAL) != 0 && realpath(path, text) != NULL)
		path = text;
	if ((how & ZPOOL_NAME_FULL) != 0 || strcmp(nv_str_or(node, "type", ""), "disk") != 0)
		return (path);
	slash = strrchr(path, '/');
	return (slash != NULL ? slash + 1 : path);
}

void
zpool_children(const struct nvlist *node, struct nvlist ***child, size_t *n)
{
	*n = 0;
	*child = NULL;
	(void)nv_get_nvlist_array(node, "children", child, n);
}

bool
zpool_is_shown(const struct nvlist *node, const char *class)
{
	const char *type = nv_str_or(node, "type", "");

	return (strcmp(type, "hole") != 0 && strcmp(type, "indirect") != 0 &&
	    strcmp(nv_str_or(node, "class", ""), class) == 0);
}

/* The pool itself is called by its name. */
size_t
zpool_tree_width(const struct nvlist *node, size_t depth, unsigned how)
{
	size_t n, width = strlen(zpool_vdev_name(node, depth == 0 ? 0 : how)) + depth;
	struct nvlist **child;

	zpool_children(node, &child, &n);
	for (size_t i = 0; i < n; i++) {
		size_t w = zpool_tree_width(child[i], depth + 2, how);

		if (w > width)
			width = w;
	}
	return (width);
}

size_t
zpool_status_width(const struct nvlist *status, unsigned how)
{
	static const char *const lists[] = {"spares", "l2cache"};
	struct nvlist *tree, **v;
	size_t n, width = 0;

	if (nv_get_nvlist(status, "tree", &tree) == 0)
		width = zpool_tree_width(tree, 0, how);
	for (int k = 0; k < 2; k++) {
		if (nv_get_nvlist_array(status, lists[k], &v, &n) != 0)
			continue;
		for (size_t i = 0; i < n; i++) {
			size_t w = zpool_tree_width(v[i], 2, how);

			width = w > width ? w : width;
		}
	}
	return (width);
}
