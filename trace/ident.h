/* SPDX-License-Identifier: MIT */
/*
 * Names of a D program: variables of the three storage classes, aggregations, inlines, and the names
 * that D itself knows (built-in variables, actions, subroutines).
 */
#ifndef TRACE_IDENT_H
#define TRACE_IDENT_H

#include "comp.h"
#include "type.h"

enum idkind { ID_VAR, ID_AGG, ID_INLINE, ID_BUILTIN, ID_FUNC, ID_XPARAM };
enum scope { SCOPE_GLOBAL, SCOPE_SELF, SCOPE_THIS };

struct node;
struct func_def;

/* How an aggregation collects; parameters as the program gave them. */
enum aggfunc { AGG_COUNT, AGG_SUM, AGG_AVG, AGG_MIN, AGG_MAX, AGG_STDDEV, AGG_QUANTIZE,
	AGG_LQUANTIZE, AGG_LLQUANTIZE, AGG_FUNCS };

struct agg_info {
	bool defined;
	enum aggfunc func;
	int line; /* of the first use */
	int64_t base, limit, step;		 /* lquantize */
	uint32_t factor, low, high, steps;	 /* llquantize */
	uint32_t nvals;				 /* 8-byte values per key */
	uint32_t seq;				 /* order of creation */
	int map;				 /* index in the program's maps */
};

/* One part of an aggregation's or associative array's key. */
struct key_part {
	struct type *type;
	uint32_t off, size; /* in the packed key; strings: the widest use */
	int fn;		    /* symbols: the subroutine */
};

struct inline_param {
	const char *name;
	struct type *type;
};

struct ident {
	const char *name;
	enum idkind kind;
	enum scope scope;
	struct type *type; /* NULL: a variable not assigned yet */
	int builtin;	   /* enum builtin */
	const struct func_def *func;
	bool assoc, declared, user_data;
	int line;
	struct key_part *keys; /* assoc and AGG */
	unsigned nkeys;
	bool keys_known;
	uint32_t key_size;
	struct agg_info agg;
	/* storage: offset in the globals, in the clause-local area, or the index of the map */
	uint32_t off;
	int map;
	struct node *expr; /* INLINE: its body; XPARAM: what stands for it */
	struct inline_param *params;
	unsigned nparams;
	bool expanding;
	struct ident *next;
};

struct idents {
	struct comp *c;
	struct ident *table[4][64]; /* by scope; [3]: aggregations */
	struct ident **vars;	    /* in order of creation */
	unsigned nvars;
	struct ident **aggs;
	unsigned naggs;
	struct translator **xlators;
	unsigned nxlators;
};

void idents_init(struct idents *ids, struct comp *c);
struct ident *ident_find(struct idents *ids, enum scope s, const char *name);
struct ident *ident_new(struct idents *ids, enum scope s, enum idkind k, const char *name);
struct ident *ident_agg(struct idents *ids, const char *name, bool create);

/* Built-in variables. */
enum builtin {
	B_ARG0, B_ARG9 = B_ARG0 + 9, B_ARGS, B_CALLER, B_CPU, B_CURCPU, B_CURTHREAD, B_EPID, B_ERRNO,
	B_EXECNAME, B_GID, B_ID, B_IPL, B_PID, B_PPID, B_PROBEFUNC, B_PROBEMOD, B_PROBENAME,
	B_PROBEPROV, B_STACKDEPTH, B_TID, B_TIMESTAMP, B_UCALLER, B_UID, B_UREGS, B_USTACKDEPTH,
	B_VTIMESTAMP, B_WALLTIMESTAMP, B_ZONENAME, B_CWD, B_ROOT, B_CGROUP, B_COUNT,
};
struct builtin_def {
	const char *name;
	const char *type;
	enum builtin id;
	bool array;
};
const struct builtin_def *builtin_find(const char *name);

/* Actions and subroutines. */
enum fn {
	/* data-recording actions */
	F_TRACE, F_PRINTF, F_PRINTA, F_PRINT, F_TRACEMEM, F_STACK, F_USTACK, F_JSTACK, F_SYM, F_FUNC,
	F_MOD, F_USYM, F_UFUNC, F_UMOD, F_UADDR, F_EXIT, F_SETOPT, F_FREOPEN, F_FTRUNCATE, F_SYSTEM,
	F_NORMALIZE, F_DENORMALIZE, F_CLEAR, F_TRUNC, F_SPECULATE, F_COMMIT, F_DISCARD,
	/* destructive, no record */
	F_RAISE, F_STOP, F_COPYOUT, F_COPYOUTSTR, F_PANIC, F_BREAKPOINT, F_CHILL, F_PCAP,
	F_LAST_ACTION = F_PCAP,
	/* aggregating functions */
	F_COUNT, F_SUM, F_AVG, F_MIN, F_MAX, F_STDDEV, F_QUANTIZE, F_LQUANTIZE, F_LLQUANTIZE,
	F_LAST_AGG = F_LLQUANTIZE,
	/* subroutines */
	F_ALLOCA, F_BASENAME, F_BCOPY, F_CLEANPATH, F_COPYIN, F_COPYINSTR, F_COPYINTO, F_DIRNAME,
	F_GETMAJOR, F_GETMINOR, F_HTONL, F_HTONLL, F_HTONS, F_INDEX, F_INET_NTOA, F_INET_NTOA6,
	F_INET_NTOP, F_LINK_NTOP, F_LLTOSTR, F_MUTEX_OWNED, F_MUTEX_OWNER, F_MUTEX_ADAPTIVE,
	F_MUTEX_SPIN, F_NTOHL, F_NTOHLL, F_NTOHS, F_PROGENYOF, F_RAND, F_RINDEX, F_RW_ISWRITER,
	F_RW_READ_HELD, F_RW_WRITE_HELD, F_SPECULATION, F_STRCHR, F_STRJOIN, F_STRLEN, F_STRRCHR,
	F_STRSTR, F_STRTOK, F_STRTOLL, F_SUBSTR, F_TOLOWER, F_TOUPPER, F_D_PATH, F_GETF,
	F_DDI_PATHNAME, F_MSGSIZE, F_MSGDSIZE, F_JSON, F_PSARGS, F_FN_COUNT,
};
struct func_def {
	const char *name;
	enum fn id;
	const char *ret;
	const char *args; /* comma separated C types; "[" starts optional ones, "..." the rest */
	bool destructive, refused;
};
const struct func_def *func_find(const char *name);

#endif
