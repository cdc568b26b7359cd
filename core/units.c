/* SPDX-License-Identifier: MIT */
/*
 * Sizes and times as people write and read them.
 *
 * The short form of sizes follows what `zfs list` prints: three significant digits at most five
 * characters wide, exact powers without a fraction ("1K", "1.50K", "10.4M").
 */
#include "smartbox/core/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char prefixes[] = "BKMGTPE";

/* "", "b", "k", "kb", "kib" -> the power of 1024, or -1. */
static int
suffix_power(const char *s)
{
	const char *p;

	if (*s == '\0')
		return (0);
	p = strchr(prefixes, toupper((unsigned char)*s));
	if (p == NULL)
		return (-1);
	s++;
	if (p == prefixes)
		return (*s == '\0' ? 0 : -1);
	if (*s == '\0' || strcasecmp(s, "b") == 0 || strcasecmp(s, "ib") == 0)
		return ((int)(p - prefixes));
	return (-1);
}

static int
bad_size(struct err *e, const char *s)
{
	return (err_set(e, EINVAL, "bad numeric value '%s'", s));
}

/* "1.5G": the fraction in units of 2^shift, exact as far as a double is. */
static int
parse_fraction(const char *s, unsigned shift, uint64_t *out, struct err *e)
{
	double d = strtod(s, NULL) * (double)(1ULL << shift);

	if (!(d >= 0) || d >= 18446744073709549568.0)
		return (err_set(e, ERANGE, "numeric value '%s' is too large", s));
	*out = (uint64_t)d;
	return (0);
}

int
units_parse_size(const char *s, uint64_t *out, struct err *e)
{
	uint64_t v;
	char *end;
	int power;

	if (!isdigit((unsigned char)s[0]) && !(s[0] == '.' && isdigit((unsigned char)s[1])))
		return (bad_size(e, s));
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno == ERANGE)
		return (err_set(e, ERANGE, "numeric value '%s' is too large", s));
	if (*end == '.') {
		size_t digits = strspn(end + 1, "0123456789");

		if ((power = suffix_power(end + 1 + digits)) < 0)
			return (bad_size(e, s));
		return (parse_fraction(s, 10u * (unsigned)power, out, e));
	}
	if ((power = suffix_power(end)) < 0)
		return (bad_size(e, s));
	if (power > 0 && v > UINT64_MAX >> (10 * power))
		return (err_set(e, ERANGE, "numeric value '%s' is too large", s));
	*out = v << (10 * power);
	return (0);
}

int
units_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	uint64_t v;
	char *end;

	if (!isdigit((unsigned char)s[0]))
		return (err_set(e, EINVAL, "'%s' is not a number", s));
	errno = 0;
	v = strtoull(s, &end, 10);
	if (*end != '\0')
		return (err_set(e, EINVAL, "'%s' is not a number", s));
	if (errno == ERANGE || v < min || v > max)
		return (err_set(e, ERANGE, "'%s' is not within %" PRIu64 " to %" PRIu64, s, min,
		    max));
	*out = v;
	return (0);
}

static void
format_scaled(char *buf, size_t size, uint64_t n, const char *unit0)
{
	uint64_t v = n;
	unsigned i = 0;
	double d;

	while (v >= 1024) {
		v /= 1024;
		i++;
	}
	if (i == 0) {
		(void)snprintf(buf, size, "%" PRIu64 "%s", n, unit0);
		return;
	}
	if ((n & ((1ULL << (10 * i)) - 1)) == 0) {
		(void)snprintf(buf, size, "%" PRIu64 "%c", v, prefixes[i]);
		return;
	}
	d = (double)n / (double)(1ULL << (10 * i));
	for (int digits = 2; digits >= 0; digits--)
		if (snprintf(buf, size, "%.*f%c", digits, d, prefixes[i]) <= 5)
			return;
}

void
units_format_size(char *buf, size_t size, uint64_t bytes)
{
	format_scaled(buf, size, bytes, "B");
}

void
units_format_count(char *buf, size_t size, uint64_t n)
{
	format_scaled(buf, size, n, "");
}

void
units_format_elapsed(char *buf, size_t size, uint64_t s)
{
	if (s >= 86400)
		(void)snprintf(buf, size, "%" PRIu64 "d%02uh", s / 86400,
		    (unsigned)(s % 86400 / 3600));
	else
		(void)snprintf(buf, size, "%u:%02u:%02u", (unsigned)(s / 3600),
		    (unsigned)(s % 3600 / 60), (unsigned)(s % 60));
}

void
units_format_date(char *buf, size_t size, time_t t)
{
	char day[32], year[16];
	struct tm tm;

	/* Hours without a leading zero: %k is no standard conversion, musl has none. */
	if (localtime_r(&t, &tm) == NULL || strftime(day, sizeof(day), "%a %b %e", &tm) == 0 ||
	    strftime(year, sizeof(year), "%Y", &tm) == 0)
		(void)snprintf(buf, size, "-");
	else
		(void)snprintf(buf, size, "%s %2d:%02d %s", day, tm.tm_hour, tm.tm_min, year);
}
