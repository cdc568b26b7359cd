/* SPDX-License-Identifier: MIT */
/*
 * The code generator: units (checked clauses) to eBPF.
 *
 * One program per place of attachment holds all clauses of all probes that fire there, in source order:
 *
 *	active?  no: out                     one load and one jump
 *	provider's filter                    which probe is it? none of ours: out
 *	take a slot of this CPU              scratch memory; busy ones are skipped, none left: a drop
 *	provider's arguments                 only those that some clause reads
 *	for each unit: is it for this probe? predicate, statements, record
 *	release the slot
 *
 * Expressions are compiled for an accumulator: the value is in r0, what must survive another expression is
 * spilled to the frame.  r6 is the context, r7 the slot; r8 and r9 are free between calls.
 *
 * Rules that keep the verifier content, and cheap to satisfy:
 *  1. A string's or structure's value is the *scalar* address of its bytes, whatever it is made of; its
 *     bytes are copied by probe_read_kernel*.  So control flow that joins never joins pointers into
 *     different maps, and the number of states stays small.
 *  2. What is written is addressed from r7 or from a map's value with an offset that was compared with a
 *     constant in the same path.
 *  3. The slot is the last map to be sized: generation tells how much of it is needed.
 */
#ifndef TRACE_GEN_H
#define TRACE_GEN_H

#include "asm.h"
#include "sema.h"

/* The slot. */
enum {
	SLOT_BUSY = 0,
	SLOT_TIME = 8,
	SLOT_SELF = 16,	 /* its own address, as a scalar */
	SLOT_SPILL = 24, /* to forget that something is a pointer */
	SLOT_PROBE = 32, /* u32 probe id */
	SLOT_ROW = 36,	 /* u32 index into the table of enabled probes */
	SLOT_CPU = 40,
	SLOT_ALLOCA = 48,
	SLOT_FAULT = 56,  /* value that goes with a fault */
	SLOT_ARGS = 64,	  /* arg0..arg9 */
	SLOT_ERR = 144,	  /* arguments of the ERROR probe: 5 words */
	SLOT_STRTOK = 184, /* position in the string at locals' end */
	SLOT_SPEC = 192,
	SLOT_W0 = 200,	  /* words for loops: in memory the verifier forgets them */
	SLOT_W1 = 208,
	SLOT_W2 = 216,
	SLOT_W3 = 224,
	SLOT_W4 = 232,
	SLOT_LOCALS = 256,
};
enum { SLOTS_PER_CPU = 3, FRAME_LIMIT = 232 };

/* A record's head, as the consumer sees it. */
struct rec_head {
	uint32_t unit; /* REC_* or the unit's id */
	uint32_t probe;
	uint32_t cpu;
	uint32_t spec; /* speculation it belongs to, 0 none */
};
enum { REC_FAULT = 0x40000000 };
struct fault_rec {
	struct rec_head head; /* unit: REC_FAULT | unit */
	uint64_t code, value;
};

/* The state that every program looks at first. */
enum { ACT_INACTIVE, ACT_BEGIN, ACT_ACTIVE, ACT_DRAINING, ACT_END, ACT_STOPPED };
struct gstate {
	uint32_t activity;
	uint32_t spec_next;
	int64_t wall_offset;
	uint64_t agg_gen; /* of min and max: bumped by clear() */
	uint32_t spec_state[64]; /* 0 free, 1 active, 2 committing, 3 discarding */
};

/* Per-CPU counters of what was lost. */
enum { DROP_PRINCIPAL, DROP_AGG, DROP_DYN, DROP_SPEC, DROP_SPECBUSY, DROP_SPECUNAVAIL, DROP_DBLERR,
	DROP_COUNT };

enum { FAULT_BADADDR = 1, FAULT_BADALIGN, FAULT_ILLOP, FAULT_DIVZERO, FAULT_NOSCRATCH, FAULT_KPRIV,
	FAULT_UPRIV, FAULT_TUPOFLOW, FAULT_BADSTACK, FAULT_BADSIZE, FAULT_BADINDEX };

enum map_id { M_STATE, M_GLOBALS, M_SLOTS, M_RODATA, M_RING, M_DROPS, M_ROWS, M_PROBES, M_FIXED };

struct mapdef {
	enum bpf_map_type type;
	uint32_t key, value, entries, flags;
	const char *name;
	int fd; /* -1 not made */
};

struct rowdef { /* of M_ROWS: what an enabled probe runs */
	uint32_t probe;
	uint32_t index;
	uint64_t mask[4];
};
enum { ROW_UNITS = 256 };

struct probe_names { /* of M_PROBES */
	char prov[64], mod[64], func[128], name[64];
};

struct zone_scope;
struct image {
	struct comp *c;
	struct mapdef *maps;
	unsigned nmaps;
	char *rodata;
	uint32_t rodata_len;
	uint32_t locals, globals;
	uint32_t strtok_off; /* the string that strtok() works on */
	uint32_t rec_off, tmp_off, scratch_off, scratch_size, key_off, key_max;
	unsigned ncpus, nspec;
	unsigned kernel;
	uint64_t dynvarsize, aggsize;
	uint32_t zone_ns; /* only tasks of this uts namespace; 0 all */
	const struct zone_scope *scope; /* NULL: not a zone's program */
	bool follow; /* probes of a process fire in its descendants too */
	struct unit **errors; /* clauses of the ERROR probe */
	unsigned nerrors;
};

struct zone_scope;
struct target;
struct gen {
	struct comp *c;
	struct basm b;
	struct image *im;
	struct unit *u;
	const struct target *t;
	uint32_t arg_mask;
	int l_out, l_release, l_fault, l_next, l_error;
	int frame;	   /* bytes of the frame in use */
	uint32_t key_top;
	bool uses_error, in_error;
};

struct probe;
struct session;
/*
 * Where a program is attached, and the probes that fire there.  Made by providers.
 */
struct target {
	const struct target_ops *ops;
	enum bpf_prog_type prog_type;
	uint32_t attach_type, attach_btf_id;
	const char *name; /* of the tracepoint, symbol ... */
	const char *label; /* of the program, for the kernel and messages */
	uint64_t a, b;	   /* the provider's own */
	void *priv;
	struct probe **probes;
	unsigned nprobes;
	int map; /* selector map, or -1 */
	uint32_t activity;
	uint64_t every, due; /* not attached: run by hand, each so many nanoseconds */
	int prog_fd;
	int *fds; /* what keeps it attached */
	unsigned nfds;
	struct target *next;
};

struct target_ops {
	/* Before a slot is taken.  May jump to g->l_out; leaves the row's index at fp-16 (u32) when the
	 * target has several probes. */
	void (*filter)(struct gen *g, const struct target *t);
	/* With a slot, always: may jump to g->l_release, and store arguments. */
	void (*check)(struct gen *g, const struct target *t);
	/* Store the raw arguments of the mask into the slot. */
	void (*args)(struct gen *g, const struct target *t, uint32_t mask);
	int (*attach)(struct session *s, struct target *t, struct err *e);
	/* Leave r0 = struct pt_regs * of the user's registers; NULL: none */
	bool (*syscall_ret)(const struct target *t); /* errno has a meaning */
};

/* Units with their probes' membership: bit i of unit_mask(probe) means units[i]. */
void gen_program(struct gen *g, struct image *im, const struct target *t, struct unit **units,
    unsigned nunits);
void image_init(struct image *im, struct comp *c);
int image_map(struct image *im, enum bpf_map_type type, uint32_t key, uint32_t value,
    uint32_t entries, uint32_t flags, const char *name);
uint32_t image_rodata(struct image *im, const void *p, size_t n);
/* Storage for variables and aggregations that need maps. */
void image_variables(struct image *im);

/* Between the files of the generator. */
void gen_expr(struct gen *g, struct node *n);		      /* r0 = value */
void gen_branch_false(struct gen *g, struct node *n, int label);
void gen_string_into(struct gen *g, struct node *n, uint32_t off, uint32_t size, bool pad);
void gen_bytes_into(struct gen *g, struct node *n, struct type *t, uint32_t off, uint32_t size);
void gen_subr(struct gen *g, struct node *n);
void gen_variable(struct gen *g, struct node *n);
void gen_builtin(struct gen *g, struct node *n);
void gen_assign(struct gen *g, struct node *n);
void gen_incdec(struct gen *g, struct node *n);
void gen_address(struct gen *g, struct node *n);
void gen_agg(struct gen *g, struct node *n);
void gen_statement(struct gen *g, struct node *n);
void gen_stack(struct gen *g, const struct node *n, uint32_t off);
void gen_load_at(struct gen *g, struct type *t, bool user); /* r0 address -> r0 value */
void gen_copy(struct gen *g, uint32_t off, uint32_t size, bool user); /* r0 address -> slot */
void gen_extend(struct gen *g, int reg, struct type *t);
void gen_slot_address(struct gen *g, uint32_t off); /* r0 = scalar address of slot + off */
void gen_scalar(struct gen *g); /* r0: pointer -> scalar */
void gen_fault_if(struct gen *g, int op, int reg, int32_t imm, int code);
void gen_zero(struct gen *g, uint32_t off, uint32_t size);
uint32_t gen_keys(struct gen *g, struct node *args, const struct ident *id); /* offset in the slot */
void gen_drop(struct gen *g, int counter);
int gen_push(struct gen *g, int reg); /* frame offset */
void gen_pop(struct gen *g, int reg);
void gen_thread_key(struct gen *g);
/* Where the kernel has that member; an error when it has not. */
struct member gen_member_of(struct gen *g, const char *type, const char *member);
/* r0 = a member of the kernel structure at r0 (its address, resp. its value), by name. */
void gen_member_at(struct gen *g, const char *type, const char *member);
void gen_follow(struct gen *g, const char *type, const char *member);
void gen_d_path(struct gen *g, struct node *n);
void gen_task_path(struct gen *g, const struct node *n, const char *member);
void gen_getf(struct gen *g, struct node *n);
void gen_psargs(struct gen *g, struct node *n);
void gen_mutex_owner(struct gen *g, struct node *n, bool is_ours);
void gen_rw_held(struct gen *g, struct node *n, int shift, int32_t mask);
void gen_strtok(struct gen *g, struct node *n);
void gen_cleanpath(struct gen *g, struct node *n);
void gen_json(struct gen *g, struct node *n);
void gen_link_ntop(struct gen *g, struct node *n);
void gen_inet_ntoa6(struct gen *g, struct node *n);
void gen_inet_ntop(struct gen *g, struct node *n);
void gen_family(struct gen *g, int pid); /* release the slot unless the task is of this process */
void gen_task_uts(struct gen *g); /* r0 = inode of the current uts namespace */

#endif
