/* SPDX-License-Identifier: MIT */
/* machine/prop and machine/payload: what payloads may say, and what is said about those that may not. */
#include "smartbox/machine/prop.h"

#include <errno.h>
#include <stdlib.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "test.h"

#define IMG "\"image_uuid\":\"01b2c898-945f-11e1-a523-af1afbe22822\""

static json_t *
parse(const char *text)
{
	json_t *j = NULL;
	struct err e = ERR_INIT;

	if (json_parse("test", text, strlen(text), &j, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	return (j);
}

static void
check(const char *text, enum payload_action action, const char *brand, const char *want)
{
	json_t *payload = parse(text);
	struct verdict v;

	CHECK_EQ(payload_check(payload, action, brand, NULL, NULL, &v), want[0] != '\0' ? -EINVAL : 0);
	CHECK_STR(v.why.msg, want);
	verdict_free(&v);
	json_decref(payload);
}

static bool
is_word(const char *s)
{
	return (s != NULL && s[0] != '\0');
}

static void
check_table(const struct prop *t)
{
	for (const struct prop *p = t; p->name != NULL; p++) {
		CHECK(prop_find(t, p->name) == p); /* no name twice */
		CHECK(is_word(p->about));
		CHECK(p->create != NULL && p->update != NULL);
		CHECK((p->header != NULL) == (p->width > 0));
		CHECK((p->type == PROP_OBJECTS) == (p->members != NULL) || (p->flags & PROP_READONLY));
		if (p->type == PROP_INT && !(p->flags & PROP_READONLY))
			CHECK(p->min < p->max);
		if (p->flags & PROP_READONLY)
			CHECK(p->create[0] == '\0' && p->update[0] == '\0');
		if (p->store >= STORE_ATTR && p->store <= STORE_FILE)
			CHECK(is_word(p->key));
		if (p->members != NULL)
			check_table(p->members);
	}
}

TEST(prop_tables_are_consistent)
{
	check_table(vm_props);
}

TEST(payload_that_is_right_passes)
{
	check("{" IMG ",\"alias\":\"web\",\"ram\":512,\"quota\":\"20\",\"autoboot\":\"false\",\"resolvers\":"
	      "\"8.8.8.8,::1\",\"nics\":[{\"nic_tag\":\"stub0\",\"ips\":[\"10.0.0.2/24\"],\"primary\":true}]}",
	    PAYLOAD_CREATE, "joyent", "");
	check("{}", PAYLOAD_UPDATE, "lx", "");
	check("{\"quota\":null,\"alias\":\"\"}", PAYLOAD_UPDATE, "lx", "");
}

TEST(payload_check_says_what_is_wrong_and_what_is_allowed)
{
	check("{" IMG ",\"quota\":\"ten\"}", PAYLOAD_CREATE, "joyent",
	    "Invalid value(s) for: quota (\"ten\" must be an integer from 0 to 1048576)");
	check("{" IMG ",\"autoboot\":\"maybe\",\"uuid\":\"AB\"}", PAYLOAD_CREATE, "joyent",
	    "Invalid value(s) for: autoboot (\"maybe\" must be true or false), uuid (\"AB\" must be a "
	    "lower-case UUID)");
	check("{\"zfs_root_compression\":\"brotli\"}", PAYLOAD_UPDATE, "lx",
	    "Invalid value(s) for: zfs_root_compression (\"brotli\" must be one of "
	    "on|off|gzip|gzip-1|gzip-2|gzip-3|gzip-4|gzip-5|gzip-6|gzip-7|gzip-8|gzip-9|lz4|lzjb|zle)");
	check("{\"tags\":{\"a\":{}}}", PAYLOAD_UPDATE, "lx", "");
	check("{\"set_tags\":{\"a\":{}}}", PAYLOAD_UPDATE, "lx",
	    "Invalid value(s) for: set_tags ({\"a\":{}} must be an object of strings, numbers and booleans)");
}

TEST(payload_check_names_members_by_their_path)
{
	check("{" IMG ",\"nics\":[{\"ip\":\"10.0.0.2\"}]}", PAYLOAD_CREATE, "joyent",
	    "Missing required properties: nics.0.nic_tag,nics.0.netmask");
	check("{" IMG ",\"nics\":[{\"nic_tag\":\"a b\",\"mac\":\"1:2:3\",\"mtu\":100}]}", PAYLOAD_CREATE,
	    "lx", "Invalid value(s) for: nics.0.nic_tag (\"a b\" must consist of letters, digits, '_' and "
	          "'/'), nics.0.mac (\"1:2:3\" must be six hex octets with colons), nics.0.mtu (100 must "
	          "be an integer from 576 to 9000)");
	check("{\"add_nics\":[{\"nic_tag\":\"t\",\"ips\":[\"10.0.0.1\"]}]}", PAYLOAD_UPDATE, "lx",
	    "Invalid value(s) for: add_nics.0.ips ([\"10.0.0.1\"] must be addresses with a prefix length "
	    "(10.0.0.2/24), dhcp or addrconf)");
}

TEST(payload_check_wants_an_image_for_zones_only)
{
	check("{}", PAYLOAD_CREATE, "joyent", "Missing required properties: image_uuid");
	check("{}", PAYLOAD_CREATE, "kvm", "");
}

TEST(payload_check_refuses_unknown_brands)
{
	check("{}", PAYLOAD_CREATE, "xen", "Invalid brand while validating payload: \"xen\", allowed are "
	                                   "joyent, joyent-minimal, builder, lx, kvm, bhyve");
}

TEST(payload_check_reports_properties_of_other_brands_apart)
{
	json_t *payload = parse("{" IMG ",\"vcpus\":2,\"state\":\"running\",\"frobnicate\":1}");
	struct verdict v;
	char *text;

	CHECK_EQ(payload_check(payload, PAYLOAD_CREATE, "joyent", NULL, NULL, &v), 0);
	text = json_dumps(v.bad_properties, JSON_COMPACT);
	CHECK_STR(text, "[\"vcpus\",\"state\",\"frobnicate\"]");
	free(text);
	verdict_free(&v);
	json_decref(payload);
}

TEST(payload_coerce_gives_every_value_its_own_type)
{
	json_t *payload = parse("{\"quota\":\"20\",\"autoboot\":\"true\",\"resolvers\":\"1.1.1.1,2.2.2.2\","
	                        "\"frob\":1,\"dataset_uuid\":\"01b2c898-945f-11e1-a523-af1afbe22822\"}");
	json_t *dropped = NULL;
	char *text;

	payload_coerce(payload, PAYLOAD_CREATE, "joyent", &dropped);
	text = json_dumps(payload, JSON_COMPACT | JSON_SORT_KEYS);
	CHECK_STR(text, "{\"autoboot\":true," IMG ",\"quota\":20,\"resolvers\":[\"1.1.1.1\",\"2.2.2.2\"]}");
	free(text);
	CHECK_EQ(json_array_size(dropped), 1);
	json_decref(dropped);
	json_decref(payload);
}

TEST(a_boot_order_is_letters_of_disk_cd_and_net)
{
	CHECK(prop_boot_order_wrong("order=cd") == NULL);
	CHECK(prop_boot_order_wrong("order=cdn,once=d") == NULL);
	CHECK(prop_boot_order_wrong("cd") != NULL);
	CHECK(prop_boot_order_wrong("order=") != NULL);
	CHECK(prop_boot_order_wrong("order=cx") != NULL);
	CHECK(prop_boot_order_wrong("order=cd,once=") != NULL);
	CHECK(prop_boot_order_wrong("order=cd,once=d,twice=c") != NULL);
	CHECK(prop_boot_order_wrong("order=cdcdcdcdcdcdcdcd") != NULL);
}

/* --- docs/vm-properties.md -------------------------------------------------------------------- */

static void
row(struct buf *b, const char *prefix, const struct prop *p)
{
	char range[64] = "";

	if (p->type == PROP_INT && !(p->flags & PROP_READONLY))
		(void)snprintf(range, sizeof(range), "%lld to %lld; ", (long long)p->min, (long long)p->max);
	buf_printf(b, "| %s%s | %s | %s | %s | %s | %s%s%s%s |\n", prefix, p->name, prop_type_name(p->type),
	    p->create[0] != '\0' ? p->create : "-", p->update[0] != '\0' ? p->update : "-",
	    p->def != NULL ? p->def : "", range, p->allowed != NULL ? "one of the allowed words; " : "",
	    p->flags & PROP_REQUIRED ? "required; " : "", p->about);
}

TEST(prop_document_says_what_the_table_says)
{
	struct buf b = BUF_INIT;
	char *doc;
	size_t len;

	for (const struct prop *p = vm_props; p->name != NULL; p++) {
		row(&b, "", p);
		for (const struct prop *q = p->members; q != NULL && q->name != NULL; q++) {
			char prefix[64];

			(void)snprintf(prefix, sizeof(prefix), "%s.*.", p->name);
			row(&b, prefix, q);
		}
	}
	if (getenv("UPDATE_DOCS") != NULL) {
		static const char marker[] = "|---|---|---|---|---|---|\n";
		struct buf n = BUF_INIT;
		char *end;

		CHECK_EQ(file_read("docs/vm-properties.md", 1 << 20, &doc, &len, NULL), 0);
		end = strstr(doc, marker);
		CHECK(end != NULL);
		buf_add(&n, doc, (size_t)(end - doc) + strlen(marker));
		buf_add(&n, b.data, b.len);
		CHECK_EQ(file_replace("docs/vm-properties.md", n.data, n.len, 0644, NULL), 0);
		buf_free(&n);
		free(doc);
	}
	if (file_read("docs/vm-properties.md", 1 << 20, &doc, &len, NULL) != 0)
		test_skip("not run from the tree's root");
	CHECK(strstr(doc, b.data) != NULL);
	free(doc);
	buf_free(&b);
}
