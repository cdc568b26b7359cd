/* SPDX-License-Identifier: MIT */
/* machine/setup: answers are checked before a disk is touched. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include "smartbox/core/json.h"
#include "smartbox/machine/setup.h"

static int
parse(const char *text, struct setup_answers *a, struct err *e)
{
	json_t *j;
	int rc;

	CHECK_EQ(json_parse("test", text, strlen(text), &j, NULL), 0);
	rc = setup_answers_from_json(j, a, e);
	json_decref(j);
	return (rc);
}

TEST(setup_two_disks_make_a_mirror_of_the_pool_zones)
{
	struct setup_answers a;

	CHECK_EQ(parse("{\"disks\":[\"vda\",\"/dev/disk/by-id/x\"],\"hostname\":\"box\"}", &a, NULL), 0);
	CHECK_STR(a.pool, "zones");
	CHECK_STR(a.layout, "mirror");
	CHECK_EQ(a.ndisks, 2);
	CHECK_STR(a.disks[0], "/dev/vda");
	CHECK_STR(a.disks[1], "/dev/disk/by-id/x");
	CHECK_STR(a.hostname, "box");
	CHECK_STR(a.password_hash, "");
	CHECK(!a.force);
}

TEST(setup_hashes_a_password_and_keeps_a_hash)
{
	struct setup_answers a;

	CHECK_EQ(parse("{\"disks\":[\"vda\"],\"root_password\":\"secret\"}", &a, NULL), 0);
	CHECK(strncmp(a.password_hash, "$6$", 3) == 0);
	CHECK_EQ(parse("{\"disks\":[\"vda\"],\"root_password_hash\":\"$6$x$y\"}", &a, NULL), 0);
	CHECK_STR(a.password_hash, "$6$x$y");
}

TEST(setup_names_the_answer_that_is_wrong)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
	    {"[]", "must be a JSON object"},
	    {"{}", "disks: none"},
	    {"{\"disks\":[]}", "disks: none"},
	    {"{\"disks\":\"vda\"}", "disks: must be a list"},
	    {"{\"disks\":[1]}", "disks: a name is a string"},
	    {"{\"disks\":[\"\"]}", "is no disk"},
	    {"{\"disks\":[\"vda\"],\"layout\":\"mirror\"}", "two disks"},
	    {"{\"disks\":[\"vda\"],\"layout\":\"raidz\"}", "'raidz' is not one of stripe, mirror"},
	    {"{\"disks\":[\"vda\"],\"hostnam\":\"x\"}", "hostnam: no such answer"},
	    {"{\"disks\":[\"vda\"],\"hostname\":5}", "hostname: must be a string"},
	    {"{\"disks\":[\"vda\"],\"hostname\":\"a\\nb\"}", "one line"},
	    {"{\"disks\":[\"vda\"],\"admin_netmask\":\"255.0.255.0\"}", "is no netmask"},
	};
	struct setup_answers a;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct err e = ERR_INIT;

		CHECK(parse(wrong[i].text, &a, &e) < 0);
		if (strstr(e.msg, wrong[i].says) == NULL)
			test_fail(__FILE__, __LINE__, "%s: says \"%s\"", wrong[i].text, e.msg);
	}
}

TEST(setup_refuses_more_disks_than_it_can_hold)
{
	char text[SETUP_DISKS_MAX * 8 + 64] = "{\"disks\":[\"a\"";
	struct setup_answers a;

	for (int i = 0; i < SETUP_DISKS_MAX; i++)
		strcat(text, ",\"d\"");
	strcat(text, "]}");
	CHECK_EQ(parse(text, &a, NULL), -E2BIG);
}
