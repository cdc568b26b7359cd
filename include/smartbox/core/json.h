/* SPDX-License-Identifier: MIT */
/*
 * JSON in and out, on jansson, with messages that say where.
 *
 * Errors read "FILE:LINE:COLUMN: what".  Input is bounded: JSON_MAX_BYTES, and jansson's nesting
 * limit.  Duplicate keys are refused.
 */
#ifndef SMARTBOX_CORE_JSON_H
#define SMARTBOX_CORE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "smartbox/core/err.h"

#define JSON_MAX_BYTES (16u << 20)

/* A new reference in *out.  `name` stands in messages (a path, "standard input"). */
int json_parse(const char *name, const char *buf, size_t len, json_t **out, struct err *e);
int json_parse_file(const char *path, json_t **out, struct err *e);   /* -ENOENT passes through */
int json_parse_stream(const char *name, FILE *f, json_t **out, struct err *e);

/* Write atomically under rules of file_replace() (core/file.h), indented, newline at the end. */
int json_save_file(const char *path, const json_t *j, unsigned mode, struct err *e);
/* Print indented by two spaces, order kept, newline at the end. */
void json_print(FILE *f, const json_t *j);

/* Borrowed values of an object's member; `def` when absent or of another type. */
const char *json_str(const json_t *obj, const char *key, const char *def);
int64_t json_int(const json_t *obj, const char *key, int64_t def);
bool json_bool(const json_t *obj, const char *key, bool def);

/* Index of the object in `array` whose member `key` is that string; -1: none. */
int json_find(const json_t *array, const char *key, const char *value);

/* Walk "a.b.0.c"; borrowed or NULL. */
json_t *json_path(json_t *j, const char *path);

/* "a,b,,c" as a new array of strings; empty words are left out. */
json_t *json_words(const char *list);

#endif
