/* SPDX-License-Identifier: MIT */
/*
 * The code generator: subroutines that know the kernel's structures.  Paths, open files, locks.
 *
 * A path is made from its end: the walk goes up through the parents, and through the mounts where
 * it comes to a root, and each name is put in front of what is there.  What changes from round to
 * round lies in the slot's words, so that all rounds look alike to the verifier.
 */
#include <string.h>

#include "gen.h"

enum { PATH_ROUNDS = 40, NAME_MAX_BYTES = 255 };

static uint32_t
strsize(const struct gen *g)
{
	return ((uint32_t)g->c->types->strsize);
}

static void
put_word(struct gen *g, int word)
{
	asm_store(&g->b, 8, R7, word, R0);
}

static void
get_word(struct gen *g, int word)
{
	asm_load(&g->b, 8, R0, R7, word);
}

static uint32_t
offset_of(struct gen *g, const char *type, const char *member)
{
	return ((uint32_t)(gen_member_of(g, type, member).bit_off / 8));
}

/* W2 -= r0 + 1 for a name of that length and its slash; no room: to end. The slash is put. */
static void
make_room(struct gen *g, uint32_t at, int end)
{
	int fits = asm_label(&g->b);

	asm_jmpi(&g->b, BPF_JLE, R0, NAME_MAX_BYTES, fits);
	asm_imm(&g->b, R0, NAME_MAX_BYTES);
	asm_place(&g->b, fits);
	put_word(g, SLOT_W3);
	asm_load(&g->b, 8, R1, R7, SLOT_W2);
	asm_alu(&g->b, BPF_SUB, R1, R0);
	asm_alui(&g->b, BPF_SUB, R1, 1);
	asm_jmpi(&g->b, BPF_JGE, R1, (int32_t)strsize(g), end);
	asm_store(&g->b, 8, R7, SLOT_W2, R1);
	asm_alu(&g->b, BPF_ADD, R1, R7);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)at);
	asm_storei(&g->b, 1, R1, 0, '/');
}

/* The name of the dentry in W0 in front of what is at W2. */
static void
put_name(struct gen *g, uint32_t at, int end)
{
	get_word(g, SLOT_W0);
	gen_member_at(g, "struct dentry", "d_name");
	gen_follow(g, "struct qstr", "name");
	asm_mov(&g->b, R8, R0);
	get_word(g, SLOT_W0);
	gen_member_at(g, "struct dentry", "d_name");
	gen_follow(g, "struct qstr", "len");
	make_room(g, at, end);
	asm_alui(&g->b, BPF_ADD, R1, 1);
	asm_load(&g->b, 8, R2, R7, SLOT_W3);
	asm_alui(&g->b, BPF_AND, R2, NAME_MAX_BYTES);
	asm_mov(&g->b, R3, R8);
	asm_call(&g->b, H_READ_KERNEL);
}

/* W0 is the root of the mount in W1: go to where that is mounted; from the topmost, to end. */
static void
cross_mount(struct gen *g, int end)
{
	int32_t inside = (int32_t)offset_of(g, "struct mount", "mnt");

	get_word(g, SLOT_W1);
	asm_alui(&g->b, BPF_SUB, R0, inside);
	gen_follow(g, "struct mount", "mnt_parent");
	asm_mov(&g->b, R8, R0);
	get_word(g, SLOT_W1);
	asm_alui(&g->b, BPF_SUB, R0, inside);
	asm_jmp(&g->b, BPF_JEQ, R0, R8, end);
	gen_follow(g, "struct mount", "mnt_mountpoint");
	put_word(g, SLOT_W0);
	asm_alui(&g->b, BPF_ADD, R8, inside);
	asm_store(&g->b, 8, R7, SLOT_W1, R8);
}

/* W0 = dentry, W1 = mount (with `mounts`): r0 = the address of the path made at slot + at. */
static void
walk_up(struct gen *g, uint32_t at, bool mounts)
{
	int loop = asm_label(&g->b), next = asm_label(&g->b), end = asm_label(&g->b);
	int inside = asm_label(&g->b), some = asm_label(&g->b);

	asm_storei(&g->b, 8, R7, SLOT_W2, (int32_t)strsize(g) - 1);
	asm_storei(&g->b, 1, R7, (int)(at + strsize(g) - 1), 0);
	asm_imm(&g->b, R9, 0);
	asm_place(&g->b, loop);
	if (mounts) {
		get_word(g, SLOT_W1);
		gen_follow(g, "struct vfsmount", "mnt_root");
		asm_load(&g->b, 8, R1, R7, SLOT_W0);
		asm_jmp(&g->b, BPF_JNE, R0, R1, inside);
		cross_mount(g, end);
		asm_jump(&g->b, next);
		asm_place(&g->b, inside);
	}
	get_word(g, SLOT_W0);
	gen_follow(g, "struct dentry", "d_parent");
	asm_load(&g->b, 8, R1, R7, SLOT_W0);
	asm_jmp(&g->b, BPF_JEQ, R0, R1, end);
	put_word(g, SLOT_W4);
	put_name(g, at, end);
	get_word(g, SLOT_W4);
	put_word(g, SLOT_W0);
	asm_place(&g->b, next);
	asm_alui(&g->b, BPF_ADD, R9, 1);
	asm_jmpi(&g->b, BPF_JLT, R9, PATH_ROUNDS, loop);
	asm_place(&g->b, end);
	get_word(g, SLOT_W2);
	asm_jmpi(&g->b, BPF_JLT, R0, (int32_t)strsize(g) - 1, some);
	asm_storei(&g->b, 1, R7, (int)(at + strsize(g) - 2), '/');
	asm_imm(&g->b, R0, (int64_t)strsize(g) - 2);
	asm_place(&g->b, some);
	asm_load(&g->b, 8, R1, R7, SLOT_SELF);
	asm_alu(&g->b, BPF_ADD, R0, R1);
	asm_alui(&g->b, BPF_ADD, R0, (int32_t)at);
}

/* r0 = struct path *. */
static void
path_string(struct gen *g, uint32_t at)
{
	(void)gen_push(g, R0);
	gen_follow(g, "struct path", "dentry");
	put_word(g, SLOT_W0);
	gen_pop(g, R0);
	gen_follow(g, "struct path", "mnt");
	put_word(g, SLOT_W1);
	walk_up(g, at, true);
}

void
gen_d_path(struct gen *g, struct node *n)
{
	uint32_t at = g->im->tmp_off + n->tmp;

	gen_expr(g, n->args);
	if (strcmp(type_name(g->c->types, n->args->type), "struct dentry *") == 0) {
		put_word(g, SLOT_W0);
		walk_up(g, at, false);
	} else {
		path_string(g, at);
	}
}

/* cwd and root: "pwd" or "root" of the task's fs_struct. */
void
gen_task_path(struct gen *g, const struct node *n, const char *member)
{
	asm_call(&g->b, H_CURRENT);
	gen_follow(g, "struct task_struct", "fs");
	gen_member_at(g, "struct fs_struct", member);
	path_string(g, g->im->tmp_off + n->tmp);
}

/* getf(fd): the file behind a descriptor of the current task, 0 when there is none. */
void
gen_getf(struct gen *g, struct node *n)
{
	int none = asm_label(&g->b), end = asm_label(&g->b);

	gen_expr(g, n->args);
	asm_alui(&g->b, BPF_LSH, R0, 32);
	asm_alui(&g->b, BPF_RSH, R0, 32);
	(void)gen_push(g, R0);
	asm_call(&g->b, H_CURRENT);
	gen_follow(g, "struct task_struct", "files");
	gen_follow(g, "struct files_struct", "fdt");
	asm_mov(&g->b, R8, R0);
	gen_follow(g, "struct fdtable", "max_fds");
	gen_pop(g, R9);
	asm_jmp(&g->b, BPF_JGE, R9, R0, none);
	asm_mov(&g->b, R0, R8);
	gen_follow(g, "struct fdtable", "fd");
	asm_alui(&g->b, BPF_LSH, R9, 3);
	asm_alu(&g->b, BPF_ADD, R0, R9);
	gen_load_at(g, g->c->types->t_uint64, false);
	asm_jump(&g->b, end);
	asm_place(&g->b, none);
	asm_imm(&g->b, R0, 0);
	asm_place(&g->b, end);
}

/* --- locks ------------------------------------------------------------------------------------- */

/* The low three bits of a mutex's owner are flags. */
void
gen_mutex_owner(struct gen *g, struct node *n, bool is_ours)
{
	int no = asm_label(&g->b), end = asm_label(&g->b);

	gen_expr(g, n->args);
	gen_member_at(g, "struct mutex", "owner");
	gen_load_at(g, g->c->types->t_uint64, false);
	asm_alui(&g->b, BPF_AND, R0, -8);
	if (!is_ours)
		return;
	(void)gen_push(g, R0);
	asm_call(&g->b, H_CURRENT);
	gen_pop(g, R1);
	asm_jmp(&g->b, BPF_JNE, R0, R1, no);
	asm_imm(&g->b, R0, 1);
	asm_jump(&g->b, end);
	asm_place(&g->b, no);
	asm_imm(&g->b, R0, 0);
	asm_place(&g->b, end);
}

/* A queued rwlock's word: readers above bit 9, a waiting writer bit 8, the writer in the low byte. */
void
gen_rw_held(struct gen *g, struct node *n, int shift, int32_t mask)
{
	int no = asm_label(&g->b);

	gen_expr(g, n->args);
	gen_load_at(g, type_by_name(g->c->types, "uint32_t"), false);
	if (shift != 0)
		asm_alui(&g->b, BPF_RSH, R0, shift);
	asm_alui(&g->b, BPF_AND, R0, mask);
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, no);
	asm_imm(&g->b, R0, 1);
	asm_place(&g->b, no);
}

/* --- arguments of a process ---------------------------------------------------------------------- */

/* W0 = where the arguments lie, W1 = their length up to `most`; at the address in r0, a task's: or go to none. */
static void
find_arguments(struct gen *g, int32_t most, int none)
{
	int short_enough = asm_label(&g->b);

	gen_follow(g, "struct task_struct", "mm");
	asm_jmpi(&g->b, BPF_JEQ, R0, 0, none);
	(void)gen_push(g, R0);
	gen_follow(g, "struct mm_struct", "arg_start");
	asm_store(&g->b, 8, R7, SLOT_W0, R0);
	gen_pop(g, R0);
	gen_follow(g, "struct mm_struct", "arg_end");
	asm_load(&g->b, 8, R1, R7, SLOT_W0);
	asm_alu(&g->b, BPF_SUB, R0, R1);
	asm_jmpi(&g->b, BPF_JSLE, R0, 1, none);
	asm_jmpi(&g->b, BPF_JLE, R0, most, short_enough);
	asm_imm(&g->b, R0, most);
	asm_place(&g->b, short_enough);
	asm_store(&g->b, 8, R7, SLOT_W1, R0);
}

/* The NULs between arguments become blanks, the last is the end. */
static void
join_arguments(struct gen *g, uint32_t out, int32_t most)
{
	int loop = asm_label(&g->b), next = asm_label(&g->b), end = asm_label(&g->b);

	asm_imm(&g->b, R9, 0);
	asm_place(&g->b, loop);
	asm_mov(&g->b, R2, R7);
	asm_alui(&g->b, BPF_ADD, R2, (int32_t)out);
	asm_alu(&g->b, BPF_ADD, R2, R9);
	asm_load(&g->b, 8, R1, R7, SLOT_W1);
	asm_alui(&g->b, BPF_SUB, R1, 1);
	asm_jmp(&g->b, BPF_JGE, R9, R1, end);
	asm_load(&g->b, 1, R0, R2, 0);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, next);
	asm_storei(&g->b, 1, R2, 0, ' ');
	asm_place(&g->b, next);
	asm_alui(&g->b, BPF_ADD, R9, 1);
	asm_jmpi(&g->b, BPF_JLT, R9, most, loop);
	asm_place(&g->b, end);
	asm_storei(&g->b, 1, R2, 0, 0);
}

/*
 * pr_psargs: the first 80 characters of the command line. It lies in the process's own memory, which can be read while
 * it is the one that runs; of others, and of kernel threads, the name.
 */
void
gen_psargs(struct gen *g, struct node *n)
{
	enum { MOST = 80 };
	uint32_t out = g->im->tmp_off + n->tmp;
	int none = asm_label(&g->b), done = asm_label(&g->b);

	gen_expr(g, n->args);
	(void)gen_push(g, R0);
	gen_zero(g, out, MOST + 8);
	asm_call(&g->b, H_CURRENT);
	gen_scalar(g);
	asm_load(&g->b, 8, R1, FP, -g->frame);
	asm_jmp(&g->b, BPF_JNE, R0, R1, none);
	find_arguments(g, MOST, none);
	asm_mov(&g->b, R1, R7);
	asm_alui(&g->b, BPF_ADD, R1, (int32_t)out);
	asm_load(&g->b, 8, R2, R7, SLOT_W1);
	asm_jmpi(&g->b, BPF_JGT, R2, MOST, none);
	asm_load(&g->b, 8, R3, R7, SLOT_W0);
	asm_call(&g->b, H_READ_USER);
	asm_jmpi(&g->b, BPF_JNE, R0, 0, none);
	join_arguments(g, out, MOST);
	asm_jump(&g->b, done);
	asm_place(&g->b, none);
	gen_zero(g, out, MOST + 8);
	asm_load(&g->b, 8, R0, FP, -g->frame);
	gen_member_at(g, "struct task_struct", "comm");
	gen_copy(g, out, 16, false);
	asm_place(&g->b, done);
	g->frame -= 8;
	gen_slot_address(g, out);
}
