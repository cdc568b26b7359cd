/* SPDX-License-Identifier: MIT */
/* JSON: messages with a place, refused duplicates, paths. */
#include <errno.h>
#include <string.h>

#include "smartbox/core/json.h"
#include "test.h"

static int
parse(const char *text, json_t **j, struct err *e)
{
	return (json_parse("manifest", text, strlen(text), j, e));
}

TEST(json_errors_name_file_line_and_column)
{
	struct err e = ERR_INIT;
	json_t *j;

	CHECK(parse("{\"a\": 1,\n  oops}", &j, &e) == -EINVAL);
	CHECK(strncmp(e.msg, "manifest:2:", 11) == 0);
	CHECK(parse("{\"a\": 1, \"a\": 2}", &j, &e) == -EINVAL);
}

TEST(json_path_walks_objects_and_arrays)
{
	json_t *j;

	CHECK(parse("{\"a\": {\"b\": [10, {\"c\": \"x\"}]}}", &j, NULL) == 0);
	CHECK(json_integer_value(json_path(j, "a.b.0")) == 10);
	CHECK(strcmp(json_string_value(json_path(j, "a.b.1.c")), "x") == 0);
	CHECK(json_path(j, "a.b.7") == NULL && json_path(j, "a.z.c") == NULL);
	CHECK(json_path(j, "a.b.-1") == NULL);
	json_decref(j);
}

TEST(json_survives_deep_nesting)
{
	static char deep[100001];
	json_t *j;

	memset(deep, '[', sizeof(deep) - 1);
	CHECK(parse(deep, &j, NULL) == -EINVAL);
}

TEST(json_find_compares_strings_only)
{
	json_t *list;

	CHECK(parse("[{\"a\": 1}, {\"b\": \"x\"}, 7, {\"a\": \"x\"}]", &list, NULL) == 0);
	CHECK(json_find(list, "a", "x") == 3);
	CHECK(json_find(list, "a", "1") == -1);
	CHECK(json_find(NULL, "a", "x") == -1);
	json_decref(list);
}
