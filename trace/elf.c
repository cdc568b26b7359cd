/* SPDX-License-Identifier: MIT */
/* ELF files of traced programs: outside bytes, every offset checked against the file's length. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/file.h"
#include "sym_user.h"

enum { ELF_MAX = 512 << 20 };

static const void *
at(const struct elf *f, uint64_t off, uint64_t len)
{
	return (off <= f->len && len <= f->len - off ? f->data + off : NULL);
}

static bool
header(const struct elf *f, Elf64_Ehdr *h)
{
	const void *p = at(f, 0, sizeof(*h));

	if (p == NULL)
		return (false);
	memcpy(h, p, sizeof(*h));
	return (memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
	    h->e_ident[EI_DATA] == ELFDATA2LSB);
}

static bool
section(const struct elf *f, unsigned i, Elf64_Shdr *s)
{
	Elf64_Ehdr h;
	const void *p;

	if (!header(f, &h) || i >= h.e_shnum || h.e_shentsize != sizeof(*s))
		return (false);
	p = at(f, h.e_shoff + (uint64_t)i * sizeof(*s), sizeof(*s));
	if (p == NULL || h.e_shoff > f->len)
		return (false);
	memcpy(s, p, sizeof(*s));
	return (true);
}

static bool
segment(const struct elf *f, unsigned i, Elf64_Phdr *s)
{
	Elf64_Ehdr h;
	const void *p;

	if (!header(f, &h) || i >= h.e_phnum || h.e_phentsize != sizeof(*s) || h.e_phoff > f->len)
		return (false);
	p = at(f, h.e_phoff + (uint64_t)i * sizeof(*s), sizeof(*s));
	if (p == NULL)
		return (false);
	memcpy(s, p, sizeof(*s));
	return (true);
}

/* A NUL-terminated text in a string section; "" when it does not fit. */
static const char *
text_at(const struct elf *f, const Elf64_Shdr *strs, uint32_t off)
{
	const char *p = at(f, strs->sh_offset, strs->sh_size);

	if (p == NULL || off >= strs->sh_size || memchr(p + off, '\0', strs->sh_size - off) == NULL)
		return ("");
	return (p + off);
}

const char *
elf_section(const struct elf *f, const char *name, size_t *len, uint64_t *addr)
{
	Elf64_Ehdr h;
	Elf64_Shdr s, strs;

	if (!header(f, &h) || !section(f, h.e_shstrndx, &strs))
		return (NULL);
	for (unsigned i = 0; section(f, i, &s); i++) {
		if (strcmp(text_at(f, &strs, s.sh_name), name) != 0)
			continue;
		if (addr != NULL)
			*addr = s.sh_addr;
		*len = s.sh_type == SHT_NOBITS ? 0 : s.sh_size;
		return (at(f, s.sh_offset, *len));
	}
	return (NULL);
}

static int
by_addr(const void *a, const void *b)
{
	const struct elf_sym *x = a, *y = b;

	if (x->addr != y->addr)
		return (x->addr < y->addr ? -1 : 1);
	return (x->size > y->size ? -1 : x->size < y->size);
}

void
elf_sort(struct elf *f)
{
	qsort(f->syms, f->nsyms, sizeof(*f->syms), by_addr);
}

static void
read_symbols(struct elf *f, const Elf64_Shdr *tab)
{
	const char *p = at(f, tab->sh_offset, tab->sh_size);
	size_t n = tab->sh_size / sizeof(Elf64_Sym);
	Elf64_Shdr strs;
	Elf64_Sym s;

	if (p == NULL || !section(f, tab->sh_link, &strs) ||
	    (f->syms = calloc(n + 1, sizeof(*f->syms))) == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		memcpy(&s, p + i * sizeof(s), sizeof(s));
		if ((ELF64_ST_TYPE(s.st_info) != STT_FUNC &&
		    ELF64_ST_TYPE(s.st_info) != STT_GNU_IFUNC) || s.st_shndx == SHN_UNDEF)
			continue;
		f->syms[f->nsyms++] = (struct elf_sym){s.st_value, s.st_size,
		    text_at(f, &strs, s.st_name)};
	}
	elf_sort(f);
}

static void
load_symbols(struct elf *f)
{
	static const uint32_t wanted[] = {SHT_SYMTAB, SHT_DYNSYM};
	Elf64_Shdr s;

	for (int k = 0; k < 2 && f->nsyms == 0; k++)
		for (unsigned i = 0; section(f, i, &s) && f->nsyms == 0; i++)
			if (s.sh_type == wanted[k]) {
				free(f->syms);
				f->syms = NULL;
				read_symbols(f, &s);
			}
}

int
elf_parse(char *data, size_t len, struct elf *out, struct err *e)
{
	Elf64_Ehdr h;

	memset(out, 0, sizeof(*out));
	out->data = data;
	out->len = len;
	if (!header(out, &h)) {
		elf_close(out);
		return (err_set(e, ENOEXEC, "not a 64-bit ELF file"));
	}
	load_symbols(out);
	return (0);
}

int
elf_open(const char *path, struct elf *out, struct err *e)
{
	char *data;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = file_read(path, ELF_MAX, &data, &len, e)) != 0)
		return (rc);
	return (elf_parse(data, len, out, e) != 0 ? err_wrap(e, "%s", path) : 0);
}

void
elf_close(struct elf *f)
{
	if (f->debug != NULL)
		elf_close(f->debug);
	free(f->debug);
	free(f->syms);
	free(f->data);
	memset(f, 0, sizeof(*f));
}

bool
elf_offset_to_vaddr(const struct elf *f, uint64_t off, uint64_t *vaddr)
{
	Elf64_Phdr s;

	for (unsigned i = 0; segment(f, i, &s); i++)
		if (s.p_type == PT_LOAD && off >= s.p_offset && off - s.p_offset < s.p_filesz) {
			*vaddr = off - s.p_offset + s.p_vaddr;
			return (true);
		}
	return (false);
}

bool
elf_vaddr_to_offset(const struct elf *f, uint64_t vaddr, uint64_t *off)
{
	Elf64_Phdr s;

	for (unsigned i = 0; segment(f, i, &s); i++)
		if (s.p_type == PT_LOAD && vaddr >= s.p_vaddr && vaddr - s.p_vaddr < s.p_filesz) {
			*off = vaddr - s.p_vaddr + s.p_offset;
			return (true);
		}
	return (false);
}
