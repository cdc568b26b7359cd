/* SPDX-License-Identifier: MIT */
/* Sizes and numbers: what is read back and what is refused. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "smartbox/core/units.h"
#include "test.h"

static uint64_t
size_of(const char *s)
{
	uint64_t v = 0;

	return (units_parse_size(s, &v, NULL) == 0 ? v : UINT64_MAX);
}

TEST(units_parse_size_takes_every_usual_spelling)
{
	CHECK(size_of("0") == 0);
	CHECK(size_of("512") == 512);
	CHECK(size_of("512B") == 512);
	CHECK(size_of("128k") == 131072);
	CHECK(size_of("64KiB") == 65536);
	CHECK(size_of("1.5G") == 1610612736);
	CHECK(size_of("2TB") == 2199023255552);
	CHECK(size_of("15E") == 15ULL << 60);
}

TEST(units_parse_size_refuses_rubbish_and_overflow)
{
	static const char *const bad[] = {"", "x", "-1", "1Q", "1 G", "1..5G", "16E", "1KBX", "1Bi",
		"99999999999999999999", "0x10", "1e3", "9999999.5E"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(size_of(bad[i]) == UINT64_MAX);
}

TEST(units_parse_u64_checks_bounds)
{
	struct err e = ERR_INIT;
	uint64_t v;

	CHECK(units_parse_u64("42", 1, 100, &v, &e) == 0 && v == 42);
	CHECK(units_parse_u64("0", 1, 100, &v, &e) == -ERANGE);
	CHECK(units_parse_u64("101", 1, 100, &v, &e) == -ERANGE);
	CHECK(units_parse_u64("4x", 1, 100, &v, &e) == -EINVAL);
	CHECK(units_parse_u64("+4", 1, 100, &v, &e) == -EINVAL);
}

static const char *
short_form(uint64_t v)
{
	static char buf[16];

	units_format_size(buf, sizeof(buf), v);
	return (buf);
}

TEST(units_format_size_prints_as_zfs_does)
{
	CHECK(strcmp(short_form(0), "0B") == 0);
	CHECK(strcmp(short_form(1023), "1023B") == 0);
	CHECK(strcmp(short_form(1024), "1K") == 0);
	CHECK(strcmp(short_form(1536), "1.50K") == 0);
	CHECK(strcmp(short_form(10700000), "10.2M") == 0);
	CHECK(strcmp(short_form(123ULL << 30), "123G") == 0);
	CHECK(strcmp(short_form((1ULL << 30) - 1), "1024M") == 0);
	CHECK(strcmp(short_form(24576), "24K") == 0);
}

TEST(units_format_size_rounds_halves_to_even_as_printf_does)
{
	CHECK(strcmp(short_form(1024 + 128), "1.12K") == 0);
	CHECK(strcmp(short_form(1024 + 384), "1.38K") == 0);
	CHECK(strcmp(short_form(10 * 1024 + 256), "10.2K") == 0);
	CHECK(strcmp(short_form(10 * 1024 + 768), "10.8K") == 0);
	CHECK(strcmp(short_form(100 * 1024 + 512), "100K") == 0);
	CHECK(strcmp(short_form(101 * 1024 + 512), "102K") == 0);
	CHECK(strcmp(short_form(UINT64_MAX), "16.0E") == 0);
}

TEST(units_format_u64_is_exact_and_keeps_within_its_buffer)
{
	char buf[24], small[4];

	units_format_u64(buf, sizeof(buf), UINT64_MAX);
	CHECK(strcmp(buf, "18446744073709551615") == 0);
	units_format_u64(small, sizeof(small), 123456);
	CHECK(strcmp(small, "123") == 0);
}

TEST(units_date_has_an_hour_without_leading_zero)
{
	struct tm tm = {.tm_year = 126, .tm_mon = 10, .tm_mday = 1, .tm_hour = 9,
		.tm_min = 5, .tm_isdst = -1};
	char buf[64];

	units_format_date(buf, sizeof(buf), mktime(&tm));
	CHECK_STR(buf, "Sun Nov  1  9:05 2026");
}
