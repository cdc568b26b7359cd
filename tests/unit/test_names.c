/* SPDX-License-Identifier: MIT */
/* What fs/names.h promises: legal names, the order of listings. */
#include <errno.h>

#include "smartbox/fs/dsl.h"
#include "smartbox/fs/names.h"
#include "test.h"

static const char *
pool_reason(const char *name)
{
	static struct err e;

	e = (struct err)ERR_INIT;
	return (name_check_pool(name, &e) == 0 ? "ok" : e.msg);
}

static const char *
reason(const char *name, unsigned types)
{
	static struct err e;

	e = (struct err)ERR_INIT;
	return (name_check_dataset(name, types, &e) == 0 ? "ok" : e.msg);
}

TEST(names_of_pools_begin_with_a_letter_and_are_no_vdev_words)
{
	CHECK_STR(pool_reason("tank"), "ok");
	CHECK_STR(pool_reason("a-b_c.d:e f"), "ok");
	CHECK_STR(pool_reason("1tank"), "name must begin with a letter");
	CHECK_STR(pool_reason("mirror"), "name is reserved");
	CHECK_STR(pool_reason("raidz2x"), "name is reserved");
	CHECK_STR(pool_reason("log"), "name is reserved");
	CHECK_STR(pool_reason("logs"), "ok");
	CHECK_STR(pool_reason("a/b"), "invalid character '/' in pool name");
	CHECK_STR(pool_reason(""), "name must begin with a letter");
}

TEST(names_of_datasets_say_what_is_wrong)
{
	unsigned fs = DSL_FILESYSTEM | DSL_VOLUME;

	CHECK_STR(reason("tank/a/b", fs), "ok");
	CHECK_STR(reason("tank/a@s", DSL_SNAPSHOT), "ok");
	CHECK_STR(reason("/tank", fs), "leading slash in name");
	CHECK_STR(reason("tank/", fs), "trailing slash in name");
	CHECK_STR(reason("tank//a", fs), "empty component or misplaced '@' or '#' delimiter in name");
	CHECK_STR(reason("tank/a@", DSL_SNAPSHOT), "empty component or misplaced '@' or '#' delimiter in name");
	CHECK_STR(reason("tank/a%b", fs), "invalid character '%' in name");
	CHECK_STR(reason("tank/a@s", fs), "snapshot delimiter '@' is not expected here");
	CHECK_STR(reason("tank/a", DSL_SNAPSHOT), "missing '@' delimiter in snapshot name");
	CHECK_STR(reason("tank/a@b@c", DSL_SNAPSHOT), "multiple '@' and/or '#' delimiters in name");
	CHECK_STR(reason("tank/../x", fs), "parent reference, '..' is found in name");
	CHECK_STR(reason("tank/.", fs), "self reference, '.' is found in name");
	CHECK_STR(reason("tank/.a", fs), "ok");
}

TEST(names_longer_than_the_disk_format_allows_are_refused)
{
	char name[400];

	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	CHECK_STR(reason(name, DSL_FILESYSTEM), "ok");
	name[255] = 'a';
	name[256] = '\0';
	CHECK_STR(reason(name, DSL_FILESYSTEM), "name is too long");
	CHECK_STR(pool_reason(name), "name is too long");
}

TEST(names_sort_as_zfs_list_prints_them)
{
	CHECK(name_compare("tank", "tank/a") < 0);
	CHECK(name_compare("tank/a-b", "tank/a/b") < 0);
	CHECK(name_compare("tank/a", "tank/a@s") < 0);
	CHECK(name_compare("tank/a@s", "tank/a-b") < 0);
	CHECK_EQ(name_compare("tank/a@z", "tank/a@b"), 0);
	CHECK(name_compare("tank/b", "tank/a@b") > 0);
}

TEST(names_know_their_place_in_the_tree)
{
	char buf[32];

	CHECK(name_is_within("tank/a", "tank"));
	CHECK(name_is_within("tank@s", "tank"));
	CHECK(!name_is_within("tank/ab", "tank/a"));
	CHECK_EQ(name_depth("tank/a/b@s", "tank"), 3);
	CHECK_EQ(name_depth("tank", "tank"), 0);
	CHECK(name_parent("tank/a/b", buf, sizeof(buf)));
	CHECK_STR(buf, "tank/a");
	CHECK(name_parent("tank/a@s", buf, sizeof(buf)));
	CHECK_STR(buf, "tank/a");
	CHECK(!name_parent("tank", buf, sizeof(buf)));
	CHECK_EQ(name_pool_length("tank/a@b"), 4);
}
