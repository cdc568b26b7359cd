/* SPDX-License-Identifier: MIT */
/* Symbols of processes: /proc/PID/maps and the ELF files behind it. */
#ifndef TRACE_SYM_USER_H
#define TRACE_SYM_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

enum user_form { USER_OFFSET, USER_FUNC, USER_MOD };

struct user_symbols;
struct user_symbols *user_symbols_new(bool confined);
void user_symbols_free(struct user_symbols *u);
/* Read the process's map (again), so that its stacks have names when it is gone. */
void user_symbols_remember(struct user_symbols *u, int pid);
/* u NULL or a process that is gone: hexadecimal. */
void user_symbol(struct user_symbols *u, int pid, uint64_t addr, enum user_form form, char *buf,
    size_t size);

/* An ELF file's function symbols. */
struct elf_sym {
	uint64_t addr, size; /* st_value */
	const char *name;
};
struct elf {
	char *data;
	size_t len;
	struct elf_sym *syms; /* by address */
	size_t nsyms;
	struct elf *debug; /* whose names are among them; NULL none */
};
int elf_open(const char *path, struct elf *out, struct err *e);
/* The same of bytes in memory, which become its own, also on failure. */
int elf_parse(char *data, size_t len, struct elf *out, struct err *e);
/* Add what was stripped and is found below root (of the process), for the file at path in there. */
/* root NULL: only what the file itself carries. */
void elf_add_debug(struct elf *f, const char *root, const char *path);
void elf_sort(struct elf *f);
void elf_close(struct elf *f);
/* Offsets in the file and virtual addresses, by the loaded segments. */
bool elf_offset_to_vaddr(const struct elf *f, uint64_t off, uint64_t *vaddr);
bool elf_vaddr_to_offset(const struct elf *f, uint64_t vaddr, uint64_t *off);
/* A section's bytes by name; NULL none. addr may be NULL. */
const char *elf_section(const struct elf *f, const char *name, size_t *len, uint64_t *addr);

#endif
