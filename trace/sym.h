/* SPDX-License-Identifier: MIT */
/*
 * Addresses into names: the kernel's from /proc/kallsyms, a process's from its maps and ELF files.
 * Nothing is read before the first question.
 */
#ifndef TRACE_SYM_H
#define TRACE_SYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/buf.h"

struct symbols;

struct symbols *symbols_new(void); /* NULL: out of memory */
void symbols_free(struct symbols *s);
void symbols_noresolve(struct symbols *s);
void symbols_without_kernel(struct symbols *s); /* as if it had none */

/* "vmlinux`do_sys_open+0x12", or the bare hex number. */
void sym_kernel(struct symbols *s, uint64_t addr, char *buf, size_t size);
void sym_kernel_func(struct symbols *s, uint64_t addr, char *buf, size_t size); /* no offset */
void sym_kernel_mod(struct symbols *s, uint64_t addr, char *buf, size_t size);
/* The address of a kernel symbol, 0 unknown; mod NULL or "" any. */
uint64_t sym_kernel_addr(struct symbols *s, const char *mod, const char *name);

/* The process may be gone when its stacks are printed: look at it now. */
void sym_remember(struct symbols *s, int pid);
/* pid 0: nobody's, printed as hex. */
void sym_user(struct symbols *s, int pid, uint64_t addr, char *buf, size_t size);
void sym_user_func(struct symbols *s, int pid, uint64_t addr, char *buf, size_t size);
void sym_user_mod(struct symbols *s, int pid, uint64_t addr, char *buf, size_t size);

/*
 * A recorded stack: 8-byte addresses up to the first zero, behind a pid (8 bytes) for user stacks.
 * Each frame on a line of its own, indented.
 */
void sym_stack(struct symbols *s, struct buf *out, const void *data, size_t size, bool user,
    int indent);

#endif
