/* SPDX-License-Identifier: MIT */
/* Kernel symbols: /proc/kallsyms, read at the first question and sorted by address. */
#include "sym.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/file.h"
#include "sym_user.h"

struct ksym {
	uint64_t addr;
	const char *name, *mod; /* mod NULL: vmlinux */
};

struct symbols {
	char *text;
	struct ksym *k;
	size_t n;
	bool tried, noresolve, without_kernel;
	struct user_symbols *user;
};

enum { KALLSYMS_MAX = 64 << 20 };

struct symbols *
symbols_new(void)
{
	return (calloc(1, sizeof(struct symbols)));
}

void
symbols_free(struct symbols *s)
{
	if (s == NULL)
		return;
	user_symbols_free(s->user);
	free(s->k);
	free(s->text);
	free(s);
}

void
symbols_noresolve(struct symbols *s)
{
	s->noresolve = true;
}

void
symbols_without_kernel(struct symbols *s)
{
	s->without_kernel = true;
}

static int
by_addr(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	return (x->addr < y->addr ? -1 : x->addr > y->addr);
}

/* "ffffffff81000000 T _text" or with "\t[module]" behind; the text is cut up in place. */
static bool
parse_line(char *line, struct ksym *k)
{
	char *end, *mod;

	k->addr = strtoull(line, &end, 16);
	if (k->addr == 0 || end == line || end[0] != ' ' || end[1] == '\0' || end[2] != ' ')
		return (false);
	k->name = end + 3;
	k->mod = NULL;
	if ((mod = strchr(end + 3, '\t')) != NULL) {
		*mod++ = '\0';
		if (*mod == '[') {
			k->mod = mod + 1;
			mod[strcspn(mod, "]")] = '\0';
		}
	}
	return (strchr("tTwWdDbBrR", end[1]) != NULL);
}

static void
load(struct symbols *s)
{
	size_t lines = 0, len;
	char *save = NULL;

	if (s->tried)
		return;
	s->tried = true;
	if (s->without_kernel)
		return;
	if (file_read("/proc/kallsyms", KALLSYMS_MAX, &s->text, &len, NULL) != 0)
		return;
	for (size_t i = 0; i < len; i++)
		lines += s->text[i] == '\n';
	if ((s->k = malloc((lines + 1) * sizeof(*s->k))) == NULL)
		return;
	for (char *l = strtok_r(s->text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		if (s->n < lines && parse_line(l, &s->k[s->n]))
			s->n++;
	qsort(s->k, s->n, sizeof(*s->k), by_addr);
}

static const struct ksym *
find(struct symbols *s, uint64_t addr)
{
	size_t lo = 0, hi;

	load(s);
	if (s->noresolve || s->n == 0 || addr < s->k[0].addr)
		return (NULL);
	for (hi = s->n; hi - lo > 1;) {
		size_t mid = (lo + hi) / 2;

		if (s->k[mid].addr <= addr)
			lo = mid;
		else
			hi = mid;
	}
	/* Behind the last symbol there is no telling. */
	return (lo + 1 < s->n || addr - s->k[lo].addr < 1 << 20 ? &s->k[lo] : NULL);
}

static const char *
module_of(const struct ksym *k)
{
	return (k->mod != NULL ? k->mod : "vmlinux");
}

void
sym_kernel(struct symbols *s, uint64_t addr, char *buf, size_t size)
{
	const struct ksym *k = find(s, addr);

	if (k == NULL)
		(void)snprintf(buf, size, "0x%llx", (unsigned long long)addr);
	else if (addr == k->addr)
		(void)snprintf(buf, size, "%s`%s", module_of(k), k->name);
	else
		(void)snprintf(buf, size, "%s`%s+0x%llx", module_of(k),
		    k->name, (unsigned long long)(addr - k->addr));
}

void
sym_kernel_func(struct symbols *s, uint64_t addr, char *buf, size_t size)
{
	const struct ksym *k = find(s, addr);

	if (k == NULL)
		(void)snprintf(buf, size, "0x%llx", (unsigned long long)addr);
	else
		(void)snprintf(buf, size, "%s`%s", module_of(k), k->name);
}

void
sym_kernel_mod(struct symbols *s, uint64_t addr, char *buf, size_t size)
{
	const struct ksym *k = find(s, addr);

	if (k == NULL)
		(void)snprintf(buf, size, "0x%llx", (unsigned long long)addr);
	else
		(void)snprintf(buf, size, "%s", module_of(k));
}

uint64_t
sym_kernel_addr(struct symbols *s, const char *mod, const char *name)
{
	load(s);
	for (size_t i = 0; i < s->n; i++) {
		const struct ksym *k = &s->k[i];

		if (strcmp(k->name, name) != 0)
			continue;
		if (mod == NULL || mod[0] == '\0' || strcmp(mod, module_of(k)) == 0)
			return (k->addr);
	}
	return (0);
}

static struct user_symbols *
user(struct symbols *s)
{
	if (s->user == NULL && !s->noresolve)
		s->user = user_symbols_new(s->without_kernel);
	return (s->user);
}

void
sym_remember(struct symbols *s, int pid)
{
	user_symbols_remember(user(s), pid);
}

void
sym_user(struct symbols *s, int pid, uint64_t addr, char *buf, size_t size)
{
	user_symbol(user(s), pid, addr, USER_OFFSET, buf, size);
}

void
sym_user_func(struct symbols *s, int pid, uint64_t addr, char *buf, size_t size)
{
	user_symbol(user(s), pid, addr, USER_FUNC, buf, size);
}

void
sym_user_mod(struct symbols *s, int pid, uint64_t addr, char *buf, size_t size)
{
	user_symbol(user(s), pid, addr, USER_MOD, buf, size);
}

void
sym_stack(struct symbols *s, struct buf *out, const void *data, size_t size, bool is_user, int indent)
{
	const char *p = data;
	uint64_t pid = 0, pc;
	char text[512];

	if (is_user && size >= 8) {
		memcpy(&pid, p, 8);
		p += 8;
		size -= 8;
	}
	buf_str(out, "\n");
	for (; size >= 8; p += 8, size -= 8) {
		memcpy(&pc, p, 8);
		if (pc == 0)
			break;
		if (is_user)
			sym_user(s, (int)pid, pc, text, sizeof(text));
		else
			sym_kernel(s, pc, text, sizeof(text));
		buf_printf(out, "%*s%s\n", indent, "", text);
	}
}
