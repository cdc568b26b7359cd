/* SPDX-License-Identifier: MIT */
/*
 * Checks of the values in a zone configuration: each takes what an operator or a file wrote and gives
 * its canonical text, or a sentence.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/units.h"
#include "smartbox/core/uuid.h"
#include "zonecfg_norm.h"

enum { VALUE_MAX = 8192 };

static int
give(const char *s, char **out, struct err *e)
{
	if ((*out = strdup(s)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	return (0);
}

static int
one_of(const char *in, const char *const *allowed, char **out, struct err *e)
{
	char list[256] = "";
	size_t n = 0;

	for (const char *const *a = allowed; *a != NULL; a++) {
		if (strcmp(in, *a) == 0)
			return (give(in, out, e));
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n != 0 ? ", " : "", *a);
	}
	return (err_set(e, EINVAL, "'%s' is not one of %s", in, list));
}

int
norm_text(const char *in, char **out, struct err *e)
{
	if (strlen(in) > VALUE_MAX)
		return (err_set(e, EINVAL, "value is longer than %d bytes", VALUE_MAX));
	for (const char *p = in; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' && *p != '\t')
			return (err_set(e, EINVAL, "value contains a control character"));
	return (give(in, out, e));
}

int
norm_word(const char *in, char **out, struct err *e)
{
	if (*in == '\0')
		return (err_set(e, EINVAL, "value is empty"));
	if (strpbrk(in, " \t") != NULL)
		return (err_set(e, EINVAL, "'%s' contains a blank", in));
	return (norm_text(in, out, e));
}

int
norm_zonename(const char *in, char **out, struct err *e)
{
	int rc = zone_name_check(in, e);

	return (rc != 0 ? rc : give(in, out, e));
}

int
norm_bool(const char *in, char **out, struct err *e)
{
	static const char *const allowed[] = {"true", "false", NULL};

	return (one_of(in, allowed, out, e));
}

int
norm_iptype(const char *in, char **out, struct err *e)
{
	static const char *const allowed[] = {"exclusive", "shared", NULL};

	return (one_of(in, allowed, out, e));
}

int
norm_attr_type(const char *in, char **out, struct err *e)
{
	static const char *const allowed[] = {"string", "boolean", "int", "uint", NULL};

	return (one_of(in, allowed, out, e));
}

/* Absolute, no "." or ".." in it, no doubled or trailing slash in the result. */
int
norm_abspath(const char *in, char **out, struct err *e)
{
	char buf[1024];
	size_t n = 0;

	if (*in != '/')
		return (err_set(e, EINVAL, "'%s' is not an absolute path", in));
	if (strlen(in) >= sizeof(buf))
		return (err_set(e, EINVAL, "path is longer than %zu bytes", sizeof(buf) - 1));
	for (const char *p = in; *p != '\0';) {
		const char *end;

		p += strspn(p, "/");
		end = p + strcspn(p, "/");
		if ((end - p == 1 && p[0] == '.') || (end - p == 2 && p[0] == '.' && p[1] == '.'))
			return (err_set(e, EINVAL, "'%s' contains '.' or '..'", in));
		if (end != p) {
			buf[n++] = '/';
			memcpy(buf + n, p, (size_t)(end - p));
			n += (size_t)(end - p);
		}
		p = end;
	}
	if (n == 0)
		buf[n++] = '/';
	buf[n] = '\0';
	return (norm_text(buf, out, e));
}

int
norm_zonepath(const char *in, char **out, struct err *e)
{
	int rc = norm_abspath(in, out, e);

	if (rc == 0 && strcmp(*out, "/") == 0) {
		free(*out);
		return (err_set(e, EINVAL, "'/' cannot be a zonepath"));
	}
	return (rc);
}

static int
give_u64(uint64_t v, char **out, struct err *e)
{
	char buf[24];

	(void)snprintf(buf, sizeof(buf), "%" PRIu64, v);
	return (give(buf, out, e));
}

int
norm_uint(const char *in, char **out, struct err *e)
{
	uint64_t v;
	int rc = units_parse_u64(in, 0, UINT64_MAX, &v, e);

	return (rc != 0 ? rc : give_u64(v, out, e));
}

int
norm_size(const char *in, char **out, struct err *e)
{
	uint64_t v;
	int rc = units_parse_size(in, &v, e);

	if (rc == 0 && v == 0)
		rc = err_set(e, EINVAL, "must be at least 1");
	return (rc != 0 ? rc : give_u64(v, out, e));
}

/* Decimal CPUs with at most two digits behind the point, from 0.01. */
int
norm_ncpus(const char *in, char **out, struct err *e)
{
	uint64_t pct;
	char buf[32];
	int rc = ncpus_to_percent(in, &pct, e);

	if (rc != 0)
		return (rc);
	(void)snprintf(buf, sizeof(buf), "%" PRIu64 ".%02u", pct / 100, (unsigned)(pct % 100));
	return (give(buf, out, e));
}

int
ncpus_to_percent(const char *in, uint64_t *pct, struct err *e)
{
	uint64_t v = 0;
	int frac = -1;

	for (const char *p = in; *p != '\0'; p++) {
		if (*p == '.' && frac < 0) {
			frac = 0;
			continue;
		}
		if (*p < '0' || *p > '9' || frac >= 2 || v > 1000000)
			return (err_set(e, EINVAL, "'%s' is not a number of CPUs", in));
		v = v * 10 + (uint64_t)(*p - '0');
		frac += frac >= 0;
	}
	v *= frac <= 0 ? 100 : frac == 1 ? 10 : 1;
	if (v == 0)
		return (err_set(e, EINVAL, "'%s' is not a number of CPUs", in));
	*pct = v;
	return (0);
}

/* "4" or "1-4". */
int
norm_cpu_range(const char *in, char **out, struct err *e)
{
	unsigned lo, hi;
	char tail;
	int n = sscanf(in, "%u-%u%c", &lo, &hi, &tail);

	if (n == 1 && strspn(in, "0123456789") == strlen(in) && lo != 0)
		return (give(in, out, e));
	if (n == 2 && lo != 0 && lo <= hi)
		return (give(in, out, e));
	return (err_set(e, EINVAL, "'%s' is not a number of CPUs or a range", in));
}

int
norm_mac(const char *in, char **out, struct err *e)
{
	unsigned b[6];
	char tail, buf[18];

	if (sscanf(in, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		&tail) != 6)
		return (err_set(e, EINVAL, "'%s' is not a MAC address", in));
	if (b[0] & 1)
		return (err_set(e, EINVAL, "'%s' is a multicast address", in));
	(void)snprintf(buf, sizeof(buf), "%02x:%02x:%02x:%02x:%02x:%02x", b[0] & 255, b[1] & 255,
	    b[2] & 255, b[3] & 255, b[4] & 255, b[5] & 255);
	return (give(buf, out, e));
}

int
norm_vlan(const char *in, char **out, struct err *e)
{
	uint64_t v;
	int rc = units_parse_u64(in, 0, 4094, &v, e);

	return (rc != 0 ? rc : give_u64(v, out, e));
}

int
norm_hostid(const char *in, char **out, struct err *e)
{
	size_t n = strspn(in, "0123456789abcdefABCDEF");

	if (n == 0 || n > 8 || in[n] != '\0' || strcasecmp(in, "ffffffff") == 0)
		return (err_set(e, EINVAL, "'%s' is not a hexadecimal number below ffffffff", in));
	return (give(in, out, e));
}

int
norm_uuid(const char *in, char **out, struct err *e)
{
	if (!uuid_is_valid(in))
		return (err_set(e, EINVAL, "'%s' is not a UUID", in));
	return (give(in, out, e));
}

int
norm_rctl_name(const char *in, char **out, struct err *e)
{
	if (strncmp(in, "zone.", 5) != 0 || in[5] == '\0')
		return (err_set(e, EINVAL, "'%s' does not begin with 'zone.'", in));
	return (norm_word(in, out, e));
}

/* One "name=value" of a complex value; moves *p behind it. */
static int
complex_field(const char **p, char name[16], char value[24])
{
	size_t n = strcspn(*p, "=,)"), v;

	if (n == 0 || n >= 16 || (*p)[n] != '=')
		return (-EINVAL);
	memcpy(name, *p, n);
	name[n] = '\0';
	*p += n + 1;
	v = strcspn(*p, ",)");
	if (v == 0 || v >= 24)
		return (-EINVAL);
	memcpy(value, *p, v);
	value[v] = '\0';
	*p += v;
	return (0);
}

static int
rctl_field(struct rctl_value *v, const char *name, const char *value)
{
	if (strcmp(name, "priv") == 0)
		memcpy(v->priv, value, strlen(value) + 1);
	else if (strcmp(name, "action") == 0)
		memcpy(v->action, value, strlen(value) + 1);
	else if (strcmp(name, "limit") == 0)
		return (units_parse_u64(value, 0, UINT64_MAX, &v->limit, NULL) == 0 ? 1 : -EINVAL);
	else
		return (-EINVAL);
	return (0);
}

int
rctl_value_parse(const char *s, struct rctl_value *out, struct err *e)
{
	struct rctl_value v = {"", "", 0};
	char name[16], value[24];
	const char *p = s;
	bool limited = false;

	if (*p++ != '(')
		goto bad;
	for (;;) {
		int rc = complex_field(&p, name, value);

		if (rc != 0 || (rc = rctl_field(&v, name, value)) < 0)
			goto bad;
		limited |= rc == 1;
		if (*p == ')')
			break;
		if (*p++ != ',')
			goto bad;
	}
	if (p[1] != '\0' || !limited)
		goto bad;
	if (strcmp(v.priv, "privileged") != 0)
		return (err_set(e, EINVAL, "rctl priv must be 'privileged'"));
	if (strcmp(v.action, "deny") != 0 && strcmp(v.action, "none") != 0)
		return (err_set(e, EINVAL, "rctl action must be 'deny' or 'none'"));
	*out = v;
	return (0);
bad:
	return (err_set(e, EINVAL, "'%s' is not (priv=privileged,limit=N,action=deny|none)", s));
}

int
norm_rctl_value(const char *in, char **out, struct err *e)
{
	struct rctl_value v;
	char buf[96];
	int rc = rctl_value_parse(in, &v, e);

	if (rc != 0)
		return (rc);
	(void)snprintf(buf, sizeof(buf), "(priv=%s,limit=%" PRIu64 ",action=%s)", v.priv, v.limit,
	    v.action);
	return (give(buf, out, e));
}
