/* SPDX-License-Identifier: MIT */
/*
 * Payloads against the property table: what is wrong with them, and their proper form.
 *
 * A payload is judged whole: every bad value, unknown property and missing one is in the verdict, so
 * that an operator corrects a file once.  Names in the verdict are paths ("nics.0.ip"), and the
 * sentence says for each value what it is and what would be allowed.
 *
 * Unknown properties are not fatal to create and update (the payloads of other SmartOS versions have
 * some); they are dropped there with a warning, and fatal to validate.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/json.h"
#include "smartbox/core/uuid.h"
#include "smartbox/machine/prop.h"

#define PATH_LEN 160

/* Longer paths than any table's are cut; they only serve messages. */
__attribute__((format(printf, 2, 3))) static void
path_set(char out[PATH_LEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out, PATH_LEN, fmt, ap);
	va_end(ap);
}

struct judge {
	struct verdict *v;
	enum payload_action action;
	char brand;
	bool (*pool_exists)(void *ctx, const char *pool);
	void *ctx;
	struct buf values;
	struct buf missing;
};

/* --- values ----------------------------------------------------------------------------------- */

static bool
is_unset(const json_t *v)
{
	return (json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0));
}

/* A whole number, also as a string. */
static bool
number_of(const json_t *v, int64_t *out)
{
	const char *s = json_string_value(v);
	char *end;

	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return (true);
	}
	if (json_is_real(v) && json_real_value(v) == (double)(int64_t)json_real_value(v)) {
		*out = (int64_t)json_real_value(v);
		return (true);
	}
	if (s == NULL)
		return (false);
	errno = 0;
	*out = strtoll(s, &end, 10);
	return (end != s && *end == '\0' && errno == 0);
}

/* -1 when it is none. */
static int
bool_of(const json_t *v)
{
	const char *s = json_string_value(v);

	if (json_is_boolean(v))
		return (json_is_true(v));
	if (json_is_integer(v) && (json_integer_value(v) == 0 || json_integer_value(v) == 1))
		return ((int)json_integer_value(v));
	if (s != NULL && (strcmp(s, "true") == 0 || strcmp(s, "1") == 0))
		return (1);
	if (s != NULL && (strcmp(s, "false") == 0 || strcmp(s, "0") == 0))
		return (0);
	return (-1);
}

static bool
is_one_of(const char *s, const char *words)
{
	size_t n = strlen(s);

	while (*words != '\0') {
		size_t len = strcspn(words, "|");

		if (len == n && strncmp(words, s, n) == 0)
			return (true);
		words += len + (words[len] == '|');
	}
	return (false);
}

static bool
is_word_list(const json_t *v)
{
	size_t i;
	json_t *item;

	if (json_is_string(v))
		return (true);
	if (!json_is_array(v))
		return (false);
	json_array_foreach((json_t *)(uintptr_t)v, i, item) {
		if (json_is_number(item))
			continue;
		if (!json_is_string(item) || strchr(json_string_value(item), ',') != NULL)
			return (false);
	}
	return (true);
}

static bool
is_flat(const json_t *v)
{
	const char *key;
	json_t *item;

	if (!json_is_object(v))
		return (false);
	json_object_foreach((json_t *)(uintptr_t)v, key, item)
		if (json_is_object(item) || json_is_array(item))
			return (false);
	return (true);
}

static bool
is_lower_uuid(const char *s)
{
	return (s != NULL && uuid_is_valid(s) && strpbrk(s, "ABCDEF") == NULL);
}

/* What is wrong with a value of the table's type; fills `why` and returns true. */
static bool
wrong_type(struct judge *j, const struct prop *p, const json_t *v, char *why, size_t size)
{
	const char *s = json_string_value(v);
	int64_t n;

	switch (p->type) {
	case PROP_INT:
		if (number_of(v, &n) && n >= p->min && n <= p->max)
			return (false);
		(void)snprintf(why, size, "must be an integer from %lld to %lld", (long long)p->min,
		    (long long)p->max);
		return (true);
	case PROP_BOOL:
		(void)snprintf(why, size, "must be true or false");
		return (bool_of(v) < 0);
	case PROP_UUID:
		(void)snprintf(why, size, "must be a lower-case UUID");
		return (!is_lower_uuid(s));
	case PROP_LIST:
		(void)snprintf(why, size, "must be an array of strings without commas, or a string");
		return (!is_word_list(v));
	case PROP_FLAT:
		(void)snprintf(why, size, "must be an object of strings, numbers and booleans");
		return (!is_flat(v));
	case PROP_OBJECTS:
		(void)snprintf(why, size, "must be an array of objects");
		return (!json_is_array(v));
	case PROP_ZPOOL:
		(void)snprintf(why, size, "must be the name of an imported pool");
		return (s == NULL || (j->pool_exists != NULL && !j->pool_exists(j->ctx, s)));
	default:
		if (s != NULL && (p->allowed == NULL || is_one_of(s, p->allowed)))
			return (false);
		(void)snprintf(why, size, "must be %s%s", p->allowed != NULL ? "one of " : "a string",
		    p->allowed != NULL ? p->allowed : "");
		return (true);
	}
}

/* --- the verdict ------------------------------------------------------------------------------ */

static void
say_bad(struct judge *j, const char *path, const json_t *v, const char *why)
{
	char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

	(void)json_array_append_new(j->v->bad_values, json_string(path));
	buf_printf(&j->values, "%s%s (%.60s %s)", j->values.len > 0 ? ", " : "", path,
	    text != NULL ? text : "?", why);
	free(text);
}

static void
say_missing(struct judge *j, const char *path)
{
	(void)json_array_append_new(j->v->missing_properties, json_string(path));
	buf_printf(&j->missing, "%s%s", j->missing.len > 0 ? "," : "", path);
}

static void
say_unknown(struct judge *j, const char *path)
{
	(void)json_array_append_new(j->v->bad_properties, json_string(path));
}

static void judge_members(struct judge *j, const struct prop *p, const json_t *v, const char *path,
    bool adding);

static void
judge_value(struct judge *j, const struct prop *p, const json_t *v, const char *path, bool adding)
{
	char why[160];
	const char *what;

	if (is_unset(v) && (!adding || !(p->flags & PROP_REQUIRED)))
		return;
	if (wrong_type(j, p, v, why, sizeof(why)))
		say_bad(j, path, v, why);
	else if (p->check != NULL && (what = p->check(v)) != NULL)
		say_bad(j, path, v, what);
	else if (p->type == PROP_OBJECTS)
		judge_members(j, p, v, path, adding);
}

static bool
may_carry(const struct judge *j, const struct prop *p, bool adding)
{
	return (!(p->flags & PROP_READONLY) &&
	    brands_include(adding ? p->create : p->update, j->brand));
}

/* A nic with an address needs its prefix, and one with a mask an address. */
static void
judge_nic_pair(struct judge *j, const json_t *nic, const char *path)
{
	const char *ip = json_str(nic, "ip", "");
	char sub[PATH_LEN];

	if (ip[0] == '\0' || strcmp(ip, "dhcp") == 0 || strcmp(ip, "addrconf") == 0 ||
	    strchr(ip, ':') != NULL || json_object_get(nic, "netmask") != NULL ||
	    json_object_get(nic, "ips") != NULL)
		return;
	path_set(sub, "%s.netmask", path);
	say_missing(j, sub);
}

static void
judge_object(struct judge *j, const struct prop *members, const json_t *o, const char *path,
    bool adding)
{
	char sub[PATH_LEN];
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)o, key, v) {
		const struct prop *p = prop_find(members, key);

		path_set(sub, "%s.%s", path, key);
		if (p == NULL || !may_carry(j, p, adding))
			say_unknown(j, sub);
		else
			judge_value(j, p, v, sub, adding);
	}
	if (!adding)
		return;
	for (const struct prop *p = members; p->name != NULL; p++)
		if ((p->flags & PROP_REQUIRED) && json_object_get(o, p->name) == NULL) {
			path_set(sub, "%s.%s", path, p->name);
			say_missing(j, sub);
		}
	if (members == nic_props)
		judge_nic_pair(j, o, path);
}

static void
judge_members(struct judge *j, const struct prop *p, const json_t *v, const char *path, bool adding)
{
	char sub[PATH_LEN];
	size_t i;
	json_t *item;

	json_array_foreach((json_t *)(uintptr_t)v, i, item) {
		path_set(sub, "%s.%zu", path, i);
		if (!json_is_object(item))
			say_bad(j, sub, item, "must be an object");
		else
			judge_object(j, p->members, item, sub, adding);
	}
}

/* --- names ------------------------------------------------------------------------------------ */

/* Old names that payloads still use. */
static const char *
true_name(const char *name)
{
	if (strcmp(name, "dataset_uuid") == 0 || strcmp(name, "zone_dataset_uuid") == 0)
		return ("image_uuid");
	return (strcmp(name, "zfs_storage_pool_name") == 0 ? "zpool" : name);
}

enum verb { VERB_NONE, VERB_ADD, VERB_UPDATE, VERB_REMOVE, VERB_SET };

/* "add_nics" -> VERB_ADD, the row of nics. */
static const struct prop *
verb_target(const char *key, enum verb *verb)
{
	static const struct {
		const char *prefix;
		enum verb verb;
	} verbs[] = {{"add_", VERB_ADD}, {"update_", VERB_UPDATE}, {"remove_", VERB_REMOVE},
	    {"set_", VERB_SET}};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		size_t n = strlen(verbs[i].prefix);
		const struct prop *p;

		if (strncmp(key, verbs[i].prefix, n) != 0 || (p = prop_find(vm_props, key + n)) == NULL)
			continue;
		*verb = verbs[i].verb;
		if (p->type == PROP_OBJECTS && *verb != VERB_SET)
			return (p);
		if (p->type == PROP_FLAT && (*verb == VERB_SET || *verb == VERB_REMOVE))
			return (p);
	}
	return (NULL);
}

static void
judge_verb(struct judge *j, const char *key, const struct prop *p, enum verb verb, const json_t *v)
{
	switch (verb) {
	case VERB_ADD:
	case VERB_UPDATE:
		if (!json_is_array(v))
			say_bad(j, key, v, "must be an array of objects");
		else
			judge_members(j, p, v, key, verb == VERB_ADD);
		break;
	case VERB_REMOVE:
		if (!is_word_list(v))
			say_bad(j, key, v, "must be an array of strings");
		break;
	default:
		judge_value(j, p, v, key, true);
	}
}

static void
judge_property(struct judge *j, const char *key, const json_t *v)
{
	const struct prop *p = prop_find(vm_props, true_name(key));
	bool adding = j->action == PAYLOAD_CREATE;
	enum verb verb = VERB_NONE;

	if (p != NULL && may_carry(j, p, adding)) {
		judge_value(j, p, v, key, adding);
		return;
	}
	p = verb_target(key, &verb);
	if (p == NULL || adding || !brands_include(p->create, j->brand) ||
	    (p->flags & PROP_READONLY))
		say_unknown(j, key);
	else
		judge_verb(j, key, p, verb, v);
}

static bool
has_image(const json_t *payload)
{
	return (json_object_get(payload, "image_uuid") != NULL ||
	    json_object_get(payload, "dataset_uuid") != NULL);
}

static void
finish_sentence(struct judge *j)
{
	struct err *e = &j->v->why;

	if (j->values.len > 0 && j->missing.len > 0)
		(void)err_set(e, EINVAL, "Invalid value(s) for: %s; Missing required properties: %s",
		    j->values.data, j->missing.data);
	else if (j->values.len > 0)
		(void)err_set(e, EINVAL, "Invalid value(s) for: %s", j->values.data);
	else if (j->missing.len > 0)
		(void)err_set(e, EINVAL, "Missing required properties: %s", j->missing.data);
	buf_free(&j->values);
	buf_free(&j->missing);
}

int
payload_check(const json_t *payload, enum payload_action action, const char *brand,
    bool (*pool_exists)(void *ctx, const char *pool), void *ctx, struct verdict *v)
{
	struct judge j = {v, action, brand_letter(brand), pool_exists, ctx, BUF_INIT, BUF_INIT};
	const char *key;
	json_t *value;

	memset(v, 0, sizeof(*v));
	v->bad_values = json_array();
	v->bad_properties = json_array();
	v->missing_properties = json_array();
	if (j.brand == '\0')
		return (err_set(&v->why, EINVAL,
		    "Invalid brand while validating payload: \"%s\", allowed are %s", brand,
		    brand_words()));
	if (!json_is_object(payload))
		return (err_set(&v->why, EINVAL, "Invalid JSON payload: not an object"));
	json_object_foreach((json_t *)(uintptr_t)payload, key, value)
		judge_property(&j, key, value);
	if (action == PAYLOAD_CREATE && brands_include("JMBL", j.brand) && !has_image(payload))
		say_missing(&j, "image_uuid");
	finish_sentence(&j);
	return (v->why.code != 0 ? -EINVAL : 0);
}

void
verdict_free(struct verdict *v)
{
	json_decref(v->bad_values);
	json_decref(v->bad_properties);
	json_decref(v->missing_properties);
	v->bad_values = v->bad_properties = v->missing_properties = NULL;
}

/* --- coercion --------------------------------------------------------------------------------- */

static json_t *
words_of(const json_t *v)
{
	json_t *list, *item;
	size_t i;

	if (json_is_string(v))
		return (json_words(json_string_value(v)));
	list = json_array();
	json_array_foreach((json_t *)(uintptr_t)v, i, item) {
		char num[32];

		if (json_is_string(item)) {
			(void)json_array_append(list, item);
			continue;
		}
		(void)snprintf(num, sizeof(num), "%lld", (long long)json_integer_value(item));
		(void)json_array_append_new(list, json_string(num));
	}
	return (list);
}

static json_t *coerce_objects(const json_t *v, const struct prop *members, char brand, bool adding);

/* The value's proper form, a new reference. */
static json_t *
coerce_value(const struct prop *p, json_t *v, char brand, bool adding)
{
	int64_t n;

	if (json_is_null(v))
		return (json_null());
	if (json_is_string(v) && json_string_length(v) == 0)
		return (p->type == PROP_STRING ? json_incref(v)
		        : p->type == PROP_LIST ? json_array()
		                               : json_null());
	if (p->type == PROP_INT && number_of(v, &n))
		return (json_integer(n));
	if (p->type == PROP_BOOL)
		return (json_boolean(bool_of(v) == 1));
	if (p->type == PROP_LIST)
		return (words_of(v));
	if (p->type == PROP_OBJECTS)
		return (coerce_objects(v, p->members, brand, adding));
	return (json_incref(v));
}

static json_t *
coerce_object(const json_t *o, const struct prop *members, char brand, bool adding)
{
	json_t *out = json_object(), *v;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)o, key, v) {
		const struct prop *p = prop_find(members, key);

		if (p != NULL && !(p->flags & PROP_READONLY) &&
		    brands_include(adding ? p->create : p->update, brand))
			(void)json_object_set_new(out, key, coerce_value(p, v, brand, adding));
	}
	return (out);
}

static json_t *
coerce_objects(const json_t *v, const struct prop *members, char brand, bool adding)
{
	json_t *list = json_array(), *item;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)v, i, item)
		(void)json_array_append_new(list, coerce_object(item, members, brand, adding));
	return (list);
}

static json_t *
coerce_verb(const struct prop *p, enum verb verb, json_t *v, char brand)
{
	if (verb == VERB_ADD || verb == VERB_UPDATE)
		return (coerce_objects(v, p->members, brand, verb == VERB_ADD));
	return (verb == VERB_REMOVE ? words_of(v) : json_incref(v));
}

void
payload_coerce(json_t *payload, enum payload_action action, const char *brand, json_t **dropped)
{
	char letter = brand_letter(brand);
	bool adding = action == PAYLOAD_CREATE;
	json_t *out = json_object(), *lost = json_array(), *v;
	const char *key;

	json_object_foreach(payload, key, v) {
		const char *name = true_name(key);
		const struct prop *p = prop_find(vm_props, name);
		enum verb verb = VERB_NONE;

		if (p != NULL && !(p->flags & PROP_READONLY) &&
		    brands_include(adding ? p->create : p->update, letter))
			(void)json_object_set_new(out, name, coerce_value(p, v, letter, adding));
		else if (!adding && (p = verb_target(key, &verb)) != NULL &&
		    brands_include(p->create, letter))
			(void)json_object_set_new(out, key, coerce_verb(p, verb, v, letter));
		else
			(void)json_array_append_new(lost, json_string(key));
	}
	(void)json_object_clear(payload);
	(void)json_object_update(payload, out);
	json_decref(out);
	if (dropped != NULL)
		*dropped = lost;
	else
		json_decref(lost);
}
