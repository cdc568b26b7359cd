/* SPDX-License-Identifier: MIT */
/*
 * A machine's properties in a zone's configuration, both ways, as the property table says.
 *
 * An absent property is an absent attr, rctl or global; so storing is complete: what the machine
 * object does not have is removed from the configuration.
 */
#include <errno.h>
#include <inttypes.h>
#include <mbedtls/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/json.h"
#include "smartbox/machine/prop.h"
#include "vm_impl.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* --- texts ------------------------------------------------------------------------------------ */

static char *
join_words(const json_t *list)
{
	struct buf b = BUF_INIT;
	size_t i;
	json_t *v;

	buf_str(&b, "");
	json_array_foreach((json_t *)(uintptr_t)list, i, v)
		buf_printf(&b, "%s%s", i > 0 ? "," : "", json_string_value(v));
	return (buf_take(&b));
}

/* The text that stands for a value in a configuration; NULL for "not set". */
static char *
text_of(const json_t *v)
{
	char num[32];

	if (json_is_string(v))
		return (json_string_length(v) > 0 ? strdup(json_string_value(v)) : NULL);
	if (json_is_boolean(v))
		return (strdup(json_is_true(v) ? "true" : "false"));
	if (json_is_array(v))
		return (json_array_size(v) > 0 ? join_words(v) : NULL);
	if (!json_is_integer(v))
		return (NULL);
	(void)snprintf(num, sizeof(num), "%lld", (long long)json_integer_value(v));
	return (strdup(num));
}

static json_t *
value_of(const struct prop *p, const char *text)
{
	switch (p->type) {
	case PROP_INT:
		return (json_integer(strtoll(text, NULL, 10)));
	case PROP_BOOL:
		return (json_boolean(strcmp(text, "true") == 0));
	case PROP_LIST:
		return (json_words(text));
	default:
		return (json_string(text));
	}
}

static char *
base64_encode(const char *s)
{
	size_t n = strlen(s), need = 0;
	char *out;

	(void)mbedtls_base64_encode(NULL, 0, &need, (const unsigned char *)s, n);
	if ((out = malloc(need + 1)) == NULL)
		return (NULL);
	(void)mbedtls_base64_encode((unsigned char *)out, need, &need, (const unsigned char *)s, n);
	out[need] = '\0';
	return (out);
}

/* What is not base64 was written by hand: taken as it is. */
static json_t *
base64_decode(const char *s)
{
	size_t n = strlen(s), need = 0;
	char *out = malloc(n + 1);
	json_t *v;

	if (out == NULL)
		return (NULL);
	if (mbedtls_base64_decode((unsigned char *)out, n, &need, (const unsigned char *)s, n) != 0 ||
	    (v = json_stringn(out, need)) == NULL)
		v = json_string(s);
	free(out);
	return (v);
}

/* --- properties ------------------------------------------------------------------------------- */

/* Does the table say that this value is shown, and kept, as absence? */
static bool
is_hidden(const struct prop *p, const char *text)
{
	return ((p->flags & PROP_HIDE_FALSE) && p->def != NULL && strcmp(p->def, text) == 0);
}

static int
store_attr(struct zonecfg *c, const struct prop *p, const char *text, struct err *e)
{
	const char *number = p->min < 0 ? "int" : "uint";
	const char *type = p->type == PROP_BOOL ? "boolean" : p->type == PROP_INT ? number : "string";
	char *coded = NULL;
	int rc;

	if (text != NULL && p->store == STORE_BASE64 && (coded = base64_encode(text)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	rc = zonecfg_set_attr(c, p->key, type, coded != NULL ? coded : text, e);
	free(coded);
	return (rc);
}

/* rctls of 0 mean "no cap", which is no rctl. */
static int
store_rctl(struct zonecfg *c, const struct prop *p, const json_t *v, struct err *e)
{
	uint64_t n = json_is_integer(v) ? (uint64_t)json_integer_value(v) : 0;
	char text[32];

	if (n == 0)
		return (zonecfg_get(c, p->key) != NULL ? zonecfg_clear(c, p->key, e) : 0);
	(void)snprintf(text, sizeof(text), "%" PRIu64, p->store == STORE_MIB ? n * MIB : n);
	return (zonecfg_set(c, p->key, text, e));
}

static int
store_global(struct zonecfg *c, const struct prop *p, const char *text, struct err *e)
{
	if (text != NULL)
		return (zonecfg_set(c, p->key, text, e));
	return (zonecfg_get(c, p->key) != NULL && p->type == PROP_LIST ? zonecfg_clear(c, p->key, e)
	                                                               : 0);
}

static int
store_prop(struct zonecfg *c, const struct prop *p, const json_t *v, struct err *e)
{
	char *text = NULL;
	int rc = 0;

	if (p->store == STORE_COUNT || p->store == STORE_MIB)
		return (store_rctl(c, p, v, e));
	text = text_of(v);
	if (text != NULL && is_hidden(p, text)) {
		free(text);
		text = NULL;
	}
	if (p->store == STORE_ATTR || p->store == STORE_BASE64)
		rc = store_attr(c, p, text, e);
	else if (p->store == STORE_ZONE)
		rc = store_global(c, p, text, e);
	free(text);
	return (rc != 0 ? err_wrap(e, "property '%s'", p->name) : 0);
}

static void
load_prop(const struct zonecfg *c, const struct prop *p, json_t *vm)
{
	const char *text = NULL;
	uint64_t n;

	switch (p->store) {
	case STORE_ATTR:
	case STORE_BASE64:
		text = zonecfg_attr(c, p->key);
		break;
	case STORE_ZONE:
		text = zonecfg_get(c, p->key);
		break;
	case STORE_COUNT:
	case STORE_MIB:
		if ((n = zonecfg_get_u64(c, p->key, 0)) > 0)
			(void)json_object_set_new(vm, p->name,
			    json_integer((json_int_t)(p->store == STORE_MIB ? n / MIB : n)));
		return;
	default:
		return;
	}
	if (text == NULL || is_hidden(p, text))
		return;
	(void)json_object_set_new(vm, p->name,
	    p->store == STORE_BASE64 ? base64_decode(text) : value_of(p, text));
}

/* --- nics and filesystems --------------------------------------------------------------------- */

static void
remove_all(struct zonecfg *c, const char *type)
{
	struct zonecfg_res *r;

	while ((r = zonecfg_res_next(c, type, NULL)) != NULL)
		zonecfg_res_remove(c, r);
}

/* Members with a key are properties of the resource, the others name/value pairs. */
static int
store_member(struct zonecfg_res *r, const struct prop *p, const json_t *v, struct err *e)
{
	char *text = text_of(v);
	int rc = 0;

	if (text != NULL && !is_hidden(p, text))
		rc = p->key != NULL ? zonecfg_res_set(r, p->key, text, e)
		                    : zonecfg_res_set_pair(r, p->name, text, e);
	free(text);
	return (rc != 0 ? err_wrap(e, "property '%s'", p->name) : 0);
}

static int
store_options(struct zonecfg_res *r, const json_t *options, struct err *e)
{
	size_t i;
	json_t *v;
	int rc = 0;

	json_array_foreach((json_t *)(uintptr_t)options, i, v)
		if (rc == 0)
			rc = zonecfg_res_append(r, json_string_value(v), e);
	return (rc);
}

static int
store_objects(struct zonecfg *c, const char *type, const struct prop *members, const json_t *list,
    struct err *e)
{
	struct zonecfg_res *r;
	size_t i;
	json_t *o;
	int rc = 0;

	remove_all(c, type);
	json_array_foreach((json_t *)(uintptr_t)list, i, o) {
		if ((rc = zonecfg_res_add(c, type, &r, e)) != 0)
			return (rc);
		for (const struct prop *p = members; p->name != NULL && rc == 0; p++)
			if (strcmp(p->name, "options") != 0)
				rc = store_member(r, p, json_object_get(o, p->name), e);
		if (rc == 0)
			rc = store_options(r, json_object_get(o, "options"), e);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

static json_t *
load_object(const struct zonecfg_res *r, const struct prop *members)
{
	json_t *o = json_object(), *options = json_array();

	for (const struct prop *p = members; p->name != NULL; p++) {
		const char *text = p->key != NULL ? zonecfg_res_get(r, p->key) : NULL;

		if (p->key == NULL && p->store == STORE_NET)
			text = zonecfg_res_pair(r, p->name);
		if (text != NULL)
			(void)json_object_set_new(o, p->name, value_of(p, text));
	}
	for (size_t i = 0; members == fs_props && zonecfg_res_list(r, i) != NULL; i++)
		(void)json_array_append_new(options, json_string(zonecfg_res_list(r, i)));
	if (json_array_size(options) > 0)
		(void)json_object_set(o, "options", options);
	json_decref(options);
	return (o);
}

static json_t *
load_objects(const struct zonecfg *c, const char *type, const struct prop *members)
{
	struct zonecfg_res *r = NULL;
	json_t *list = json_array();

	while ((r = zonecfg_res_next(c, type, r)) != NULL)
		(void)json_array_append_new(list, load_object(r, members));
	return (list);
}

/* --- whole machines --------------------------------------------------------------------------- */

/* Of a zone, ram is max_physical_memory; of a virtual machine it is a property of its own. */
static int
store_ram(struct zonecfg *c, json_int_t mib, struct err *e)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)mib);
	return (zonecfg_set_attr(c, "ram", "uint", text, e));
}

static void
load_hvm(const struct zonecfg *c, json_t *vm)
{
	const char *ram = zonecfg_attr(c, "ram");

	if (ram != NULL)
		(void)json_object_set_new(vm, "ram", json_integer(strtoll(ram, NULL, 10)));
	(void)json_object_set_new(vm, "disks", vm_conf_disks(c));
}

json_t *
vm_conf_disks(const struct zonecfg *c)
{
	return (load_objects(c, "device", disk_props));
}

int
vm_conf_store(struct zonecfg *c, const json_t *vm, struct err *e)
{
	int rc = 0;

	for (const struct prop *p = vm_props; p->name != NULL && rc == 0; p++)
		rc = store_prop(c, p, json_object_get(vm, p->name), e);
	if (rc == 0)
		rc = store_objects(c, "net", nic_props, json_object_get(vm, "nics"), e);
	if (rc == 0 && vm_brand_is_hvm(json_str(vm, "brand", "")))
		rc = store_objects(c, "device", disk_props, json_object_get(vm, "disks"), e);
	if (rc == 0 && vm_brand_is_hvm(json_str(vm, "brand", "")))
		rc = store_ram(c, json_int(vm, "ram", 256), e);
	if (rc == 0)
		rc = store_objects(c, "fs", fs_props, json_object_get(vm, "filesystems"), e);
	return (rc);
}

int
vm_conf_load(const struct zonecfg *c, json_t *vm, struct err *e)
{
	json_t *fs;

	(void)json_object_set_new(vm, "zonename", json_string(zonecfg_name(c)));
	for (const struct prop *p = vm_props; p->name != NULL; p++)
		load_prop(c, p, vm);
	(void)json_object_set_new(vm, "nics", load_objects(c, "net", nic_props));
	if (vm_brand_is_hvm(json_str(vm, "brand", "")))
		load_hvm(c, vm);
	fs = load_objects(c, "fs", fs_props);
	if (json_array_size(fs) > 0)
		(void)json_object_set(vm, "filesystems", fs);
	json_decref(fs);
	return (json_object_get(vm, "nics") != NULL ? 0 : err_set(e, ENOMEM, "out of memory"));
}

/* --- the dataset's properties ----------------------------------------------------------------- */

/* NULL: this property is not the dataset's, or not set. */
static char *
dataset_text(const struct prop *p, const json_t *v)
{
	char num[32];

	if (p->store != STORE_QUOTA && p->store != STORE_ZFS)
		return (NULL);
	if (p->store == STORE_ZFS)
		return (text_of(v));
	if (!json_is_integer(v))
		return (NULL);
	(void)snprintf(num, sizeof(num), "%" PRIu64, (uint64_t)json_integer_value(v) * GIB);
	return (strdup(json_integer_value(v) == 0 ? "none" : num));
}

int
vm_dataset_props(const json_t *vm, struct nvlist *props)
{
	for (const struct prop *p = vm_props; p->name != NULL; p++) {
		char *text = dataset_text(p, json_object_get(vm, p->name));
		int rc = text != NULL ? nv_add_str(props, p->key, text) : 0;

		free(text);
		if (rc != 0)
			return (rc);
	}
	return (0);
}

int
vm_dataset_store(const struct machine *m, const char *dataset, const json_t *vm, struct err *e)
{
	for (const struct prop *p = vm_props; p->name != NULL; p++) {
		char *text = dataset_text(p, json_object_get(vm, p->name));
		int rc = text != NULL ? m->ds->set(m->ds_ctx, dataset, p->key, text, e) : 0;

		free(text);
		if (rc != 0)
			return (err_wrap(e, "property '%s'", p->name));
	}
	return (0);
}
