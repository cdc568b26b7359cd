/* SPDX-License-Identifier: MIT */
/* machine/sysconfig: the text survives, values lose their quotes, masks are checked. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include "smartbox/machine/sysconfig.h"

TEST(sysconfig_keeps_comments_and_foreign_keys)
{
	struct sysconfig *c, *d;
	char path[128], text[256] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/config", test_dir());
	CHECK_EQ(sysconfig_parse("# ours\nhostname=a\n\nother_key='x y'\n", &c, NULL), 0);
	CHECK_EQ(sysconfig_set(c, "hostname", "b", NULL), 0);
	CHECK_EQ(sysconfig_set(c, "admin_ip", "dhcp", NULL), 0);
	CHECK_EQ(sysconfig_save(c, path, NULL), 0);
	CHECK((f = fopen(path, "r")) != NULL);
	CHECK(fread(text, 1, sizeof(text) - 1, f) > 0);
	(void)fclose(f);
	CHECK_STR(text, "# ours\nhostname=b\n\nother_key=x y\nadmin_ip=dhcp\n");
	CHECK_EQ(sysconfig_load(path, &d, NULL), 0);
	CHECK_STR(sysconfig_get(d, "other_key"), "x y");
	sysconfig_free(c);
	sysconfig_free(d);
}

TEST(sysconfig_names_the_line_that_is_wrong)
{
	struct err e = ERR_INIT;
	struct sysconfig *c;

	CHECK_EQ(sysconfig_parse("a=1\nnonsense\n", &c, &e), -EINVAL);
	CHECK(strstr(e.msg, "line 2") != NULL);
}

TEST(sysconfig_last_of_a_repeated_key_counts_and_can_be_removed)
{
	struct sysconfig *c;

	CHECK_EQ(sysconfig_parse("a=1\na=2\nb=3\n", &c, NULL), 0);
	CHECK_STR(sysconfig_get(c, "a"), "2");
	CHECK_EQ(sysconfig_set(c, "b", NULL, NULL), 0);
	CHECK(sysconfig_get(c, "b") == NULL);
	CHECK_EQ(sysconfig_set(c, "a", "x\ny", NULL), -EINVAL);
	sysconfig_free(c);
}

TEST(sysconfig_mask_bits_refuses_what_is_no_mask)
{
	CHECK_EQ(sysconfig_mask_bits("255.255.255.0"), 24);
	CHECK_EQ(sysconfig_mask_bits("255.255.255.255"), 32);
	CHECK_EQ(sysconfig_mask_bits("0.0.0.0"), 0);
	CHECK_EQ(sysconfig_mask_bits("255.0.255.0"), -EINVAL);
	CHECK_EQ(sysconfig_mask_bits("24"), -EINVAL);
}
