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

/* Decimal, with NUL; behind the last digit.  Listings print numbers by the hundred thousand. */
static char *
put_u64(char *p, uint64_t v)
{
	char digit[20];
	size_t n = 0;

	do {
		digit[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	while (n > 0)
		*p++ = digit[--n];
	*p = '\0';
	return (p);
}

static void
copy_text(char *buf, size_t size, const char *text, size_t n)
{
	if (size == 0)
		return;
	n = n < size ? n : size - 1;
	memcpy(buf, text, n);
	buf[n] = '\0';
}

void
units_format_u64(char *buf, size_t size, uint64_t v)
{
	char text[24];

	copy_text(buf, size, text, (size_t)(put_u64(text, v) - text));
}

/* n / 2^shift with this many decimals, halves to even, as printf does; behind the last digit. */
static char *
put_fraction(char *p, uint64_t n, unsigned shift, unsigned decimals)
{
	const uint64_t scale = decimals == 2 ? 100 : decimals == 1 ? 10 : 1;
	unsigned __int128 x = (unsigned __int128)n * scale, half = (unsigned __int128)1 << (shift - 1);
	unsigned __int128 rest = x & (2 * half - 1);
	uint64_t q = (uint64_t)(x >> shift);

	q += rest > half || (rest == half && (q & 1));
	p = put_u64(p, q / scale);
	if (decimals > 0)
		*p++ = '.';
	if (decimals == 2)
		*p++ = (char)('0' + q % 100 / 10);
	if (decimals > 0)
		*p++ = (char)('0' + q % 10);
	return (p);
}

/* As many decimals as leave room for five characters. */
static void
format_scaled(char *buf, size_t size, uint64_t n, const char *unit0)
{
	char text[32], *p = text;
	unsigned i = 0;

	while (n >> (10 * i) >= 1024)
		i++;
	if (i == 0) {
		p = put_u64(text, n);
	} else if ((n & ((1ULL << (10 * i)) - 1)) == 0) {
		p = put_u64(text, n >> (10 * i));
	} else {
		for (unsigned decimals = 3; decimals-- > 0;)
			if ((p = put_fraction(text, n, 10 * i, decimals)) - text <= 4)
				break;
	}
	if (i != 0)
		*p++ = prefixes[i];
	for (; i == 0 && *unit0 != '\0'; unit0++)
		*p++ = *unit0;
	copy_text(buf, size, text, (size_t)(p - text));
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
