/* SPDX-License-Identifier: MIT */
/* Names, addresses and rates of links: what is taken and what is refused. */
#include <errno.h>

#include "smartbox/net/link.h"
#include "smartbox/net/linkprop.h"
#include "test.h"

TEST(link_names_follow_the_rules_of_dladm)
{
	CHECK(link_check_name("net0", false, NULL) == 0);
	CHECK(link_check_name("a_b-c.d7", false, NULL) == 0);
	CHECK(link_check_name("net", false, NULL) == -EINVAL);
	CHECK(link_check_name("0net0", false, NULL) == -EINVAL);
	CHECK(link_check_name("", false, NULL) == -EINVAL);
	CHECK(link_check_name("a/b0", false, NULL) == -EINVAL);
	CHECK(link_check_name("a b0", false, NULL) == -EINVAL);
	CHECK(link_check_name("abcdefghijklmn0", false, NULL) == 0);
	CHECK(link_check_name("abcdefghijklmno0", false, NULL) == -EINVAL);
	CHECK(link_check_name("bridge", true, NULL) == 0);
	CHECK(link_check_name("bridge0", true, NULL) == -EINVAL);
}

TEST(mac_addresses_are_read_with_and_without_leading_zeros)
{
	struct mac_addr m;
	char text[18];

	CHECK(mac_parse("2:8:20:AB:c:1", &m, NULL) == 0);
	mac_format(text, &m, false);
	CHECK_STR(text, "2:8:20:ab:c:1");
	mac_format(text, &m, true);
	CHECK_STR(text, "02:08:20:ab:0c:01");
}

TEST(mac_parse_refuses_what_is_no_unicast_address)
{
	static const char *const bad[] = {"", "1:2:3:4:5", "2:2:3:4:5:6:7", "2:2:3:4:5:100",
		"2:2:3:4:5:x", "1:2:3:4:5:6", "ff:ff:ff:ff:ff:ff", "2:2:3:4:5:", "2::3:4:5:6",
		"2:2:3:4:5:-1"};
	struct mac_addr m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(mac_parse(bad[i], &m, NULL) == -EINVAL);
}

TEST(random_macs_are_local_and_differ)
{
	struct mac_addr a, b;

	mac_random(&a);
	mac_random(&b);
	CHECK((a.b[0] & 3) == 2);
	CHECK(memcmp(&a, &b, sizeof(a)) != 0);
}

TEST(rates_are_decimal_and_megabits_when_bare)
{
	uint64_t bits;

	CHECK(linkprop_parse_rate("100", &bits, NULL) == 0 && bits == 100000000);
	CHECK(linkprop_parse_rate("1.5G", &bits, NULL) == 0 && bits == 1500000000);
	CHECK(linkprop_parse_rate("2000k", &bits, NULL) == 0 && bits == 2000000);
	CHECK(linkprop_parse_rate("1K", &bits, NULL) == -ERANGE);
	CHECK(linkprop_parse_rate("nan", &bits, NULL) == -EINVAL);
	CHECK(linkprop_parse_rate("5Mb", &bits, NULL) == -EINVAL);
	CHECK(linkprop_parse_rate("-5", &bits, NULL) == -EINVAL);
	CHECK(linkprop_parse_rate("9e99G", &bits, NULL) == -ERANGE);
}
