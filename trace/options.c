/* SPDX-License-Identifier: MIT */
/* Options: name, kind, default; see options.h. Rates are nanoseconds between two times. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "smartbox/core/units.h"

enum kind { FLAG, NUMBER, SIZE, RATE, POLICY, RESIZE, TEXT };

static const struct opt {
	const char *name;
	enum option id;
	enum kind kind;
	uint64_t dflt;
	bool dynamic;
} table[] = {
    {"aggpack", O_AGGPACK, FLAG, 0, true}, {"agghist", O_AGGHIST, FLAG, 0, true},
    {"aggpercpu", O_AGGPERCPU, FLAG, 0, true}, {"aggrate", O_AGGRATE, RATE, 0, true},
    {"aggsize", O_AGGSIZE, SIZE, 4 << 20, false}, {"aggsortkey", O_AGGSORTKEY, FLAG, 0, true},
    {"aggsortkeypos", O_AGGSORTKEYPOS, NUMBER, 0, true},
    {"aggsortpos", O_AGGSORTPOS, NUMBER, 0, true}, {"aggsortrev", O_AGGSORTREV, FLAG, 0, true},
    {"aggzoom", O_AGGZOOM, FLAG, 0, true}, {"amin", O_IGNORED, TEXT, 0, false},
    {"argref", O_ARGREF, FLAG, 0, false}, {"bpflog", O_BPFLOG, FLAG, 0, false},
    {"bpflogsize", O_BPFLOGSIZE, SIZE, 16 << 20, false},
    {"bufpolicy", O_BUFPOLICY, POLICY, POLICY_SWITCH, false},
    {"bufresize", O_BUFRESIZE, RESIZE, 0, false}, {"bufsize", O_BUFSIZE, SIZE, 4 << 20, false},
    {"cleanrate", O_CLEANRATE, RATE, 9900990, false}, {"core", O_IGNORED, TEXT, 0, false},
    {"cpp", O_CPP, FLAG, 0, false}, {"cpphdrs", O_IGNORED, TEXT, 0, false},
    {"cpppath", O_IGNORED, TEXT, 0, false}, {"cpu", O_CPU, NUMBER, UINT64_MAX, false},
    {"ctypes", O_IGNORED, TEXT, 0, false}, {"debug", O_IGNORED, TEXT, 0, false},
    {"defaultargs", O_DEFAULTARGS, FLAG, 0, false}, {"define", O_IGNORED, TEXT, 0, false},
    {"destructive", O_DESTRUCTIVE, FLAG, 0, false}, {"droptags", O_DROPTAGS, FLAG, 0, false},
    {"dtypes", O_IGNORED, TEXT, 0, false}, {"dynvarsize", O_DYNVARSIZE, SIZE, 1 << 20, false},
    {"empty", O_EMPTY, FLAG, 0, false}, {"errtags", O_ERRTAGS, FLAG, 0, false},
    {"evaltime", O_IGNORED, TEXT, 0, false}, {"flowindent", O_FLOWINDENT, FLAG, 0, true},
    {"follow", O_FOLLOW, FLAG, 0, false},
    {"grabanon", O_GRABANON, FLAG, 0, false}, {"incdir", O_IGNORED, TEXT, 0, false},
    {"jstackframes", O_JSTACKFRAMES, NUMBER, 50, false},
    {"jstackstrsize", O_JSTACKSTRSIZE, SIZE, 512, false}, {"kdefs", O_IGNORED, TEXT, 0, false},
    {"knodefs", O_IGNORED, TEXT, 0, false}, {"late", O_IGNORED, TEXT, 0, false},
    {"lazyload", O_IGNORED, TEXT, 0, false}, {"ldpath", O_IGNORED, TEXT, 0, false},
    {"libdir", O_IGNORED, TEXT, 0, false}, {"linkmode", O_IGNORED, TEXT, 0, false},
    {"lockmem", O_LOCKMEM, SIZE, 0, false}, {"maxframes", O_MAXFRAMES, NUMBER, 127, false},
    {"nolibs", O_IGNORED, TEXT, 0, false}, {"noresolve", O_NORESOLVE, FLAG, 0, false},
    {"nspec", O_NSPEC, NUMBER, 1, false}, {"pcapsize", O_PCAPSIZE, SIZE, 72, false},
    {"pgmax", O_IGNORED, TEXT, 0, false}, {"preallocate", O_IGNORED, TEXT, 0, false},
    {"printsize", O_PRINTSIZE, SIZE, 8192, false}, {"procfspath", O_IGNORED, TEXT, 0, false},
    {"pspec", O_PSPEC, FLAG, 0, false}, {"quiet", O_QUIET, FLAG, 0, true},
    {"quietresize", O_QUIETRESIZE, FLAG, 0, true}, {"rawbytes", O_RAWBYTES, FLAG, 0, true},
    {"scratchsize", O_SCRATCHSIZE, SIZE, 256, false}, {"specsize", O_SPECSIZE, SIZE, 4 << 20, false},
    {"stackframes", O_STACKFRAMES, NUMBER, 20, false},
    {"stackindent", O_STACKINDENT, NUMBER, 14, true},
    {"statusrate", O_STATUSRATE, RATE, 1000000000, true}, {"stdc", O_IGNORED, TEXT, 0, false},
    {"strip", O_IGNORED, TEXT, 0, false}, {"strsize", O_STRSIZE, SIZE, 256, false},
    {"switchrate", O_SWITCHRATE, RATE, 0, true}, {"syslibdir", O_IGNORED, TEXT, 0, false},
    {"tree", O_IGNORED, TEXT, 0, false}, {"udefs", O_IGNORED, TEXT, 0, false},
    {"undef", O_IGNORED, TEXT, 0, false}, {"unodefs", O_UNODEFS, FLAG, 0, false},
    {"ustackframes", O_USTACKFRAMES, NUMBER, 100, false}, {"verbose", O_VERBOSE, FLAG, 0, false},
    {"version", O_IGNORED, TEXT, 0, false}, {"zdefs", O_ZDEFS, FLAG, 0, false},
};

void
options_init(struct options *o)
{
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		o->v[table[i].id] = table[i].dflt;
}

/* DTRACE_OPT_STRSIZE=64 and the like; what makes no sense is not said to have been. */
void
options_environment(struct options *o)
{
	static const char prefix[] = "DTRACE_OPT_";
	char name[64];

	for (char **v = environ; v != NULL && *v != NULL; v++) {
		const char *text = *v + sizeof(prefix) - 1;
		size_t n;

		if (strncmp(*v, prefix, sizeof(prefix) - 1) != 0 ||
		    (n = strcspn(text, "=")) >= sizeof(name))
			continue;
		for (size_t k = 0; k < n; k++)
			name[k] = (char)tolower((unsigned char)text[k]);
		name[n] = '\0';
		(void)options_set(o, name, text[n] == '=' ? text + n + 1 : NULL, false, NULL);
	}
}

static bool
parse_flag(const char *s, uint64_t *v)
{
	static const char *const on[] = {"1", "set", "on", "enable", "enabled", "yes", "true"};
	static const char *const off[] = {"0", "unset", "off", "disable", "disabled", "no", "false"};

	*v = 1;
	if (s == NULL || s[0] == '\0')
		return (true);
	for (int i = 0; i < 7; i++)
		if (strcmp(s, on[i]) == 0)
			return (true);
	*v = 0;
	for (int i = 0; i < 7; i++)
		if (strcmp(s, off[i]) == 0)
			return (true);
	return (false);
}

static bool
parse_rate(const char *s, uint64_t *v)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} unit[] = {{"ns", 1}, {"nsec", 1}, {"us", 1000}, {"usec", 1000}, {"ms", 1000000},
	    {"msec", 1000000}, {"s", 1000000000}, {"sec", 1000000000}, {"m", 60000000000},
	    {"min", 60000000000}, {"h", 3600000000000}, {"hour", 3600000000000},
	    {"d", 86400000000000}, {"day", 86400000000000}};
	char *end;
	uint64_t n;

	if (s == NULL || !isdigit((unsigned char)s[0]))
		return (false);
	errno = 0;
	n = strtoull(s, &end, 0);
	if (errno != 0)
		return (false);
	if (*end == '\0' || strcasecmp(end, "hz") == 0) {
		*v = n != 0 ? 1000000000 / n : 0;
		return (true);
	}
	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		if (strcasecmp(end, unit[i].name) == 0)
			return (!__builtin_mul_overflow(n, unit[i].ns, v));
	return (false);
}

static bool
parse_word(enum kind k, const char *s, uint64_t *v)
{
	static const char *const policy[] = {"switch", "ring", "fill"};
	static const char *const resize[] = {"auto", "manual"};

	for (uint64_t i = 0; s != NULL && i < (k == POLICY ? 3 : 2); i++)
		if (strcmp(s, k == POLICY ? policy[i] : resize[i]) == 0) {
			*v = i;
			return (true);
		}
	return (false);
}

static bool
parse_number(const char *s, uint64_t *v)
{
	char *end;

	if (s == NULL || s[0] == '\0')
		return (false);
	errno = 0;
	*v = strtoull(s, &end, 0);
	return (errno == 0 && *end == '\0' && s[0] != '-');
}

static bool
parse_value(const struct opt *t, const char *s, uint64_t *v)
{
	switch (t->kind) {
	case FLAG: return (parse_flag(s, v));
	case NUMBER: return (parse_number(s, v));
	case SIZE: return (s != NULL && units_parse_size(s, v, NULL) == 0);
	case RATE: return (parse_rate(s, v));
	case TEXT: return (true);
	default: return (parse_word(t->kind, s, v));
	}
}

int
options_set(struct options *o, const char *name, const char *value, bool running, struct err *e)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct opt *t = &table[i];
		uint64_t v = 0;

		if (strcmp(t->name, name) != 0)
			continue;
		if (running && !t->dynamic)
			return (err_set(e, EBUSY, "Operation illegal when tracing is active"));
		if (!parse_value(t, value, &v) ||
		    (t->id == O_STRSIZE && (v < 8 || v > 8192)) ||
		    (t->id == O_NSPEC && v > 64) || (t->id == O_SCRATCHSIZE && v > 65536))
			return (err_set(e, EINVAL, "Invalid value for specified option"));
		o->v[t->id] = v;
		return (0);
	}
	return (err_set(e, ENOENT, "Invalid option name"));
}
