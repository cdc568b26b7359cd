/* SPDX-License-Identifier: MIT */
/* The persistent links: read, change under the lock, replay; see the header for the file. */
#include "smartbox/net/linkdb.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/net/link.h"
#include "smartbox/net/linkprop.h"

static void
db_path(char buf[PATH_MAX], const char *leaf)
{
	const char *etc = getenv("SMARTBOX_ETC");

	(void)snprintf(buf, PATH_MAX, "%s/dladm%s", etc != NULL ? etc : "/etc", leaf);
}

/* The whole document, always with a "links" object. */
static int
load_document(json_t **out, struct err *e)
{
	char path[PATH_MAX];
	json_t *doc = NULL;
	int rc;

	db_path(path, "/links.json");
	rc = json_parse_file(path, &doc, e);
	if (rc == -ENOENT)
		doc = json_pack("{s:{}}", "links");
	else if (rc != 0)
		return (rc);
	if (doc == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if (!json_is_object(json_object_get(doc, "links"))) {
		json_decref(doc);
		return (err_set(e, EINVAL, "%s: no object \"links\"", path));
	}
	*out = doc;
	return (0);
}

int
linkdb_load(json_t **out, struct err *e)
{
	json_t *doc;
	int rc = load_document(&doc, e);

	if (rc == 0) {
		*out = json_incref(json_object_get(doc, "links"));
		json_decref(doc);
	}
	return (rc);
}

typedef int change_fn(json_t *links, void *arg, struct err *e);

static int
change(change_fn *fn, void *arg, struct err *e)
{
	char path[PATH_MAX];
	json_t *doc;
	int lock, rc;

	db_path(path, "");
	if ((rc = file_mkdirs(path, 0755, e)) != 0)
		return (rc);
	db_path(path, "/.lock");
	if ((lock = file_lock(path, false, false, e)) < 0)
		return (lock);
	if ((rc = load_document(&doc, e)) == 0) {
		db_path(path, "/links.json");
		if ((rc = fn(json_object_get(doc, "links"), arg, e)) == 0)
			rc = json_save_file(path, doc, 0644, e);
		json_decref(doc);
	}
	file_unlock(lock);
	return (rc);
}

struct put_arg {
	const char *name;
	json_t *entry;
};

static int
do_put(json_t *links, void *arg, struct err *e)
{
	const struct put_arg *a = arg;

	if (json_object_set(links, a->name, a->entry) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	return (0);
}

int
linkdb_put(const char *name, json_t *entry, struct err *e)
{
	struct put_arg a = {name, entry};
	int rc;

	if (entry == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	rc = change(do_put, &a, e);
	json_decref(entry);
	return (rc);
}

static int
do_remove(json_t *links, void *arg, struct err *e)
{
	(void)e;
	(void)json_object_del(links, arg);
	return (0);
}

int
linkdb_remove(const char *name, struct err *e)
{
	return (change(do_remove, (void *)(uintptr_t)name, e));
}

struct prop_arg {
	const char *name, *class_name, *prop, *value;
};

static int
do_set_prop(json_t *links, void *arg, struct err *e)
{
	const struct prop_arg *a = arg;
	json_t *entry = json_object_get(links, a->name), *props;

	if (entry == NULL && a->value == NULL)
		return (0);
	if (entry == NULL) {
		entry = json_pack("{s:s}", "class", a->class_name);
		if (entry == NULL || json_object_set_new(links, a->name, entry) != 0)
			return (err_set(e, ENOMEM, "out of memory"));
	}
	if ((props = json_object_get(entry, "props")) == NULL) {
		props = json_object();
		if (json_object_set_new(entry, "props", props) != 0)
			return (err_set(e, ENOMEM, "out of memory"));
	}
	if (a->value == NULL)
		(void)json_object_del(props, a->prop);
	else if (json_object_set_new(props, a->prop, json_string(a->value)) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	return (0);
}

int
linkdb_set_prop(const char *name, const char *class_name, const char *prop, const char *value,
    struct err *e)
{
	struct prop_arg a = {name, class_name, prop, value};

	return (change(do_set_prop, &a, e));
}

struct member_arg {
	const char *bridge, *member;
	bool add;
};

static size_t
member_at(const json_t *list, const char *member)
{
	const char *s;
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if ((s = json_string_value(json_array_get(list, i))) != NULL &&
		    strcmp(s, member) == 0)
			break;
	return (i);
}

static int
do_set_member(json_t *links, void *arg, struct err *e)
{
	const struct member_arg *a = arg;
	json_t *entry = json_object_get(links, a->bridge), *list;
	size_t at;

	if (entry == NULL)
		return (0);
	if (!json_is_array(list = json_object_get(entry, "members"))) {
		list = json_array();
		if (json_object_set_new(entry, "members", list) != 0)
			return (err_set(e, ENOMEM, "out of memory"));
	}
	at = member_at(list, a->member);
	if (!a->add)
		(void)json_array_remove(list, at);
	else if (at == json_array_size(list) &&
	    json_array_append_new(list, json_string(a->member)) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	return (0);
}

int
linkdb_set_member(const char *bridge, const char *member, bool add, struct err *e)
{
	struct member_arg a = {bridge, member, add};

	return (change(do_set_member, &a, e));
}

static int
replay_vnic(const char *name, const json_t *entry, struct err *e)
{
	struct vnic_spec v = {.name = name, .over = json_str(entry, "over", ""), .netns = -1};
	const char *text = json_str(entry, "mac", NULL);
	struct mac_addr mac;
	int rc;

	if (text != NULL) {
		if ((rc = mac_parse(text, &mac, e)) != 0)
			return (rc);
		v.mac = &mac;
	}
	v.mac_is_random = json_bool(entry, "random", false);
	v.vid = (unsigned)json_int(entry, "vid", 0);
	return (vnic_create(&v, e));
}

static int
replay_bridge(const char *name, const json_t *entry, struct err *e)
{
	const char *member[65] = {NULL};
	const json_t *list = json_object_get(entry, "members");
	struct bridge_spec b = {.name = name, .member = member};
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list) && n < 64; i++)
		if (json_is_string(json_array_get(list, i)))
			member[n++] = json_string_value(json_array_get(list, i));
	b.stp = json_bool(entry, "stp", false);
	b.priority = (unsigned)json_int(entry, "priority", 0);
	b.max_age = (unsigned)json_int(entry, "max_age", 0);
	b.hello = (unsigned)json_int(entry, "hello", 0);
	b.delay = (unsigned)json_int(entry, "delay", 0);
	return (bridge_create(&b, e));
}

static int
replay_props(const char *name, const json_t *entry, struct err *e)
{
	const char *prop;
	json_t *value;
	int rc = 0;

	json_object_foreach(json_object_get(entry, "props"), prop, value)
		if (rc == 0 && json_is_string(value))
			rc = linkprop_set(NULL, name, prop, json_string_value(value), e);
	return (rc);
}

static int
replay_link(const char *name, const json_t *entry, struct err *e)
{
	const char *class = json_str(entry, "class", "");
	int rc = 0;

	if (strcmp(class, "etherstub") == 0)
		rc = etherstub_create(name, e);
	else if (strcmp(class, "bridge") == 0)
		rc = replay_bridge(name, entry, e);
	else if (strcmp(class, "vnic") == 0)
		rc = replay_vnic(name, entry, e);
	if (rc == -EEXIST) /* made before: by an earlier replay */
		rc = 0;
	return (rc != 0 ? rc : replay_props(name, entry, e));
}

/* Cards' properties, stubs, bridges, then what may be over them. */
static bool
is_in_round(const json_t *entry, int round)
{
	static const char *const order[] = {"phys", "etherstub", "bridge", "vnic"};

	return (strcmp(json_str(entry, "class", ""), order[round]) == 0);
}

int
linkdb_replay(void (*report)(const char *name, const struct err *e), struct err *e)
{
	json_t *links, *entry;
	const char *name;
	int rc, first = 0;

	if ((rc = linkdb_load(&links, e)) != 0)
		return (rc);
	for (int round = 0; round < 4; round++)
		json_object_foreach(links, name, entry) {
			struct err why = ERR_INIT;

			if (!is_in_round(entry, round) || replay_link(name, entry, &why) == 0)
				continue;
			if (first == 0)
				first = err_set(e, why.code, "link '%s': %s", name, why.msg);
			if (report != NULL)
				report(name, &why);
		}
	json_decref(links);
	return (first);
}
