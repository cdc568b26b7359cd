/* SPDX-License-Identifier: MIT */
/*
 * Symbols of processes.  A process's map is kept from the first question on, so that stacks of one that has
 * ended still have names; files are read once, however many processes map them.
 */
#include "sym_user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/file.h"

struct file {
	struct file *next;
	dev_t dev;
	ino_t ino;
	struct elf elf;
	bool ok;
};

struct mapping {
	uint64_t start, end, off;
	char path[200];
	struct file *file;
	bool tried;
};

struct process {
	struct process *next;
	int pid;
	struct mapping *maps;
	size_t n;
};

struct user_symbols {
	bool confined; /* names in the processes' roots may lead anywhere: only mappings themselves */
	struct process *procs;
	struct file *files;
};

struct user_symbols *
user_symbols_new(bool confined)
{
	struct user_symbols *u = calloc(1, sizeof(*u));

	if (u != NULL)
		u->confined = confined;
	return (u);
}

void
user_symbols_free(struct user_symbols *u)
{
	struct process *p;
	struct file *f;

	while (u != NULL && (p = u->procs) != NULL) {
		u->procs = p->next;
		free(p->maps);
		free(p);
	}
	while (u != NULL && (f = u->files) != NULL) {
		u->files = f->next;
		elf_close(&f->elf);
		free(f);
	}
	free(u);
}

/* "start-end perms offset dev inode path"; only what can be executed. */
static bool
parse_mapping(const char *line, struct mapping *m)
{
	unsigned long long start, end, off;
	char perms[8];
	int at = 0;

	if (sscanf(line, "%llx-%llx %7s %llx %*s %*s %n", &start, &end, perms, &off, &at) < 4 ||
	    strchr(perms, 'x') == NULL)
		return (false);
	memset(m, 0, sizeof(*m));
	m->start = start;
	m->end = end;
	m->off = off;
	(void)snprintf(m->path, sizeof(m->path), "%s", at != 0 ? line + at : "");
	return (true);
}

static void
read_maps(struct process *p)
{
	char path[64], *text, *save = NULL;
	struct mapping m, *v;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", p->pid);
	if (file_read(path, 16 << 20, &text, NULL, NULL) != 0)
		return;
	for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
		if (!parse_mapping(l, &m))
			continue;
		if ((v = realloc(p->maps, (p->n + 1) * sizeof(*v))) == NULL)
			break;
		p->maps = v;
		p->maps[p->n++] = m;
	}
	free(text);
}

static struct process *
process(struct user_symbols *u, int pid)
{
	struct process *p;

	for (p = u->procs; p != NULL; p = p->next)
		if (p->pid == pid)
			return (p);
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (NULL);
	p->pid = pid;
	p->next = u->procs;
	u->procs = p;
	read_maps(p);
	return (p);
}

static struct file *
open_file(struct user_symbols *u, int pid, const struct mapping *m)
{
	char path[300];
	struct stat st;
	struct file *f;

	/* The mapping itself: right in containers and for deleted files. */
	(void)snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", pid,
	    (unsigned long long)m->start, (unsigned long long)m->end);
	if (stat(path, &st) != 0) {
		(void)snprintf(path, sizeof(path), "/proc/%d/root%s", pid, m->path);
		if (m->path[0] != '/' || u->confined)
			return (NULL);
		if (stat(path, &st) != 0) { /* gone: the same name here, for want of better */
			(void)snprintf(path, sizeof(path), "%s", m->path);
			if (stat(path, &st) != 0)
				return (NULL);
		}
	}
	for (f = u->files; f != NULL; f = f->next)
		if (f->dev == st.st_dev && f->ino == st.st_ino)
			return (f);
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return (NULL);
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->ok = elf_open(path, &f->elf, NULL) == 0;
	if (f->ok) {
		(void)snprintf(path, sizeof(path), "/proc/%d/root", pid);
		elf_add_debug(&f->elf, u->confined ? NULL : access(path, X_OK) == 0 ? path : "",
		    m->path);
	}
	f->next = u->files;
	u->files = f;
	return (f);
}

/* Where only a mapping itself leads to its file, that must happen while the process lives. */
static void
open_files(struct user_symbols *u, struct process *p)
{
	for (size_t i = 0; u->confined && p != NULL && i < p->n; i++)
		if (!p->maps[i].tried) {
			p->maps[i].tried = true;
			p->maps[i].file = open_file(u, p->pid, &p->maps[i]);
		}
}

/* The new map replaces the old one when there is more in it: an ending process has none. */
void
user_symbols_remember(struct user_symbols *u, int pid)
{
	struct process fresh = {NULL, pid, NULL, 0}, *p;

	for (p = u != NULL ? u->procs : NULL; p != NULL && p->pid != pid; p = p->next)
		continue;
	if (p == NULL) {
		if (u != NULL)
			open_files(u, process(u, pid));
		return;
	}
	read_maps(&fresh);
	if (fresh.n <= p->n) {
		free(fresh.maps);
		return;
	}
	free(p->maps);
	p->maps = fresh.maps;
	p->n = fresh.n;
	open_files(u, p);
}

static struct mapping *
mapping_of(struct process *p, uint64_t addr)
{
	for (size_t i = 0; p != NULL && i < p->n; i++)
		if (addr >= p->maps[i].start && addr < p->maps[i].end)
			return (&p->maps[i]);
	return (NULL);
}

/* The symbol that covers vaddr: of those that begin before it, the last; size 0 reaches to the next. */
static const struct elf_sym *
symbol_at(const struct elf *f, uint64_t vaddr)
{
	size_t lo = 0, hi = f->nsyms;

	if (f->nsyms == 0 || vaddr < f->syms[0].addr)
		return (NULL);
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (f->syms[mid].addr <= vaddr)
			lo = mid;
		else
			hi = mid;
	}
	while (lo > 0 && f->syms[lo - 1].addr == f->syms[lo].addr)
		lo--;
	if (f->syms[lo].size != 0 && vaddr - f->syms[lo].addr >= f->syms[lo].size)
		return (NULL);
	return (&f->syms[lo]);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (slash != NULL ? slash + 1 : path);
}

/*
 * What a run-time compiler says of its code: /tmp/perf-PID.map of the process's own root, lines "START SIZE NAME" in
 * hexadecimal.  Read at each question: such files grow.
 */
static bool
jit_symbol(const struct process *p, uint64_t addr, enum user_form form, char *buf, size_t size)
{
	char path[64], *text, *save = NULL;
	bool found = false;

	if (p == NULL)
		return (false);
	(void)snprintf(path, sizeof(path), "/proc/%d/root/tmp/perf-%d.map", p->pid, p->pid);
	if (file_read(path, 64 << 20, &text, NULL, NULL) != 0)
		return (false);
	for (char *l = strtok_r(text, "\n", &save); l != NULL && !found; l = strtok_r(NULL, "\n", &save)) {
		unsigned long long start, len;
		int at = 0;

		if (sscanf(l, "%llx %llx %n", &start, &len, &at) < 2 || at == 0 || addr < start ||
		    addr - start >= len)
			continue;
		found = true;
		if (form == USER_OFFSET && addr != start)
			(void)snprintf(buf, size, "%s+0x%llx", l + at, (unsigned long long)addr - start);
		else
			(void)snprintf(buf, size, "%s", l + at);
	}
	free(text);
	return (found);
}

void
user_symbol(struct user_symbols *u, int pid, uint64_t addr, enum user_form form, char *buf,
    size_t size)
{
	struct mapping *m = u != NULL && pid > 0 ? mapping_of(process(u, pid), addr) : NULL;
	const struct elf_sym *s = NULL;
	uint64_t vaddr = 0;

	if (m != NULL && !m->tried) {
		m->tried = true;
		m->file = open_file(u, pid, m);
	}
	if (m == NULL || m->path[0] == '\0' || strncmp(m->path, "//anon", 6) == 0) {
		if (u == NULL || pid <= 0 || u->confined || !jit_symbol(process(u, pid), addr, form, buf, size))
			(void)snprintf(buf, size, "0x%llx", (unsigned long long)addr);
		return;
	}
	if (form == USER_MOD) {
		(void)snprintf(buf, size, "%s", base_name(m->path));
		return;
	}
	if (m->file != NULL && m->file->ok &&
	    elf_offset_to_vaddr(&m->file->elf, addr - m->start + m->off, &vaddr))
		s = symbol_at(&m->file->elf, vaddr);
	if (s == NULL)
		(void)snprintf(buf, size, "%s`0x%llx", base_name(m->path), (unsigned long long)addr);
	else if (form == USER_FUNC || vaddr == s->addr)
		(void)snprintf(buf, size, "%s`%s", base_name(m->path), s->name);
	else
		(void)snprintf(buf, size, "%s`%s+0x%llx", base_name(m->path), s->name,
		    (unsigned long long)(vaddr - s->addr));
}
