/* SPDX-License-Identifier: MIT */
/*
 * Looking into JSON by path, the way json(1) and the filters of vmadm and imgadm do.
 *
 * A path is names and indexes with a delimiter between: "nics.0.ip", "nics[0].ip", "a[-1]" counts from
 * the end, ["a.b"] is one name.  "*" stands for any element.
 */
#ifndef SMARTBOX_MACHINE_JSONPATH_H
#define SMARTBOX_MACHINE_JSONPATH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Borrowed; NULL when there is none.  delim: usually '.'. */
json_t *jsonpath_get(json_t *j, const char *path, char delim);

/*
 * The text of a value as filters compare it: strings bare, true and false as words, numbers in
 * decimal, the rest as compact JSON.  malloc'ed; NULL for NULL and null.
 */
char *jsonpath_text(const json_t *v);

/* Does any value that the path (with "*") reaches satisfy the test? */
typedef bool jsonpath_test(const json_t *v, void *arg);
bool jsonpath_any(json_t *j, const char *path, jsonpath_test *test, void *arg);

#endif
