/* SPDX-License-Identifier: MIT */
/* The table of names, and the names that D itself knows; see ident.h. */
#include "ident.h"

#include <string.h>

static const struct builtin_def builtins[] = {
    {"args", "<DYN>", B_ARGS, true}, {"caller", "uintptr_t", B_CALLER, false},
    {"cpu", "processorid_t", B_CPU, false}, {"curcpu", "cpuinfo_t *", B_CURCPU, false},
    {"curthread", "struct task_struct *", B_CURTHREAD, false}, {"epid", "uint_t", B_EPID, false},
    {"errno", "int", B_ERRNO, false}, {"execname", "string", B_EXECNAME, false},
    {"gid", "gid_t", B_GID, false}, {"id", "uint_t", B_ID, false}, {"ipl", "uint_t", B_IPL, false},
    {"pid", "pid_t", B_PID, false}, {"ppid", "pid_t", B_PPID, false},
    {"probefunc", "string", B_PROBEFUNC, false}, {"probemod", "string", B_PROBEMOD, false},
    {"probename", "string", B_PROBENAME, false}, {"probeprov", "string", B_PROBEPROV, false},
    {"stackdepth", "uint32_t", B_STACKDEPTH, false}, {"tid", "id_t", B_TID, false},
    {"timestamp", "uint64_t", B_TIMESTAMP, false}, {"ucaller", "uint64_t", B_UCALLER, false},
    {"uid", "uid_t", B_UID, false}, {"uregs", "uint64_t", B_UREGS, true},
    {"ustackdepth", "uint32_t", B_USTACKDEPTH, false},
    {"vtimestamp", "uint64_t", B_VTIMESTAMP, false},
    {"walltimestamp", "int64_t", B_WALLTIMESTAMP, false},
    {"zonename", "string", B_ZONENAME, false}, {"cwd", "string", B_CWD, false},
    {"root", "string", B_ROOT, false}, {"cgroup", "uint64_t", B_CGROUP, false},
};

static const struct builtin_def arg_builtins[10] = {
#define ARG(n) {"arg" #n, "int64_t", B_ARG0 + n, false}
    ARG(0), ARG(1), ARG(2), ARG(3), ARG(4), ARG(5), ARG(6), ARG(7), ARG(8), ARG(9),
};

static const struct func_def funcs[] = {
    {"trace", F_TRACE, "void", "@", false, false},
    {"printf", F_PRINTF, "void", "string, ...", false, false},
    {"printa", F_PRINTA, "void", "...", false, false},
    {"print", F_PRINT, "void", "@", false, false},
    {"tracemem", F_TRACEMEM, "void", "@, size_t, [size_t]", false, false},
    {"stack", F_STACK, "stack", "[uint32_t]", false, false},
    {"ustack", F_USTACK, "stack", "[uint32_t, uint32_t]", false, false},
    {"jstack", F_JSTACK, "stack", "[uint32_t, uint32_t]", false, false},
    {"sym", F_SYM, "_symaddr", "uintptr_t", false, false},
    {"func", F_FUNC, "_symaddr", "uintptr_t", false, false},
    {"mod", F_MOD, "_symaddr", "uintptr_t", false, false},
    {"usym", F_USYM, "_usymaddr", "uintptr_t", false, false},
    {"ufunc", F_UFUNC, "_usymaddr", "uintptr_t", false, false},
    {"umod", F_UMOD, "_usymaddr", "uintptr_t", false, false},
    {"uaddr", F_UADDR, "_usymaddr", "uintptr_t", false, false},
    {"exit", F_EXIT, "void", "int", false, false},
    {"setopt", F_SETOPT, "void", "const char *, [const char *]", false, false},
    {"freopen", F_FREOPEN, "void", "@, ...", true, false},
    {"ftruncate", F_FTRUNCATE, "void", "", false, false},
    {"system", F_SYSTEM, "void", "@, ...", true, false},
    {"normalize", F_NORMALIZE, "void", "...", false, false},
    {"denormalize", F_DENORMALIZE, "void", "...", false, false},
    {"clear", F_CLEAR, "void", "...", false, false},
    {"trunc", F_TRUNC, "void", "...", false, false},
    {"speculate", F_SPECULATE, "void", "int", false, false},
    {"commit", F_COMMIT, "void", "int", false, false},
    {"discard", F_DISCARD, "void", "int", false, false},
    {"raise", F_RAISE, "void", "int", true, false},
    {"stop", F_STOP, "void", "", true, false},
    {"copyout", F_COPYOUT, "void", "void *, uintptr_t, size_t", true, false},
    {"copyoutstr", F_COPYOUTSTR, "void", "char *, uintptr_t, [size_t]", true, false},
    {"panic", F_PANIC, "void", "", true, true},
    {"breakpoint", F_BREAKPOINT, "void", "", true, true},
    {"chill", F_CHILL, "void", "int", true, true},
    {"pcap", F_PCAP, "void", "void *, int", false, true},
    {"count", F_COUNT, "void", "", false, false}, {"sum", F_SUM, "void", "@", false, false},
    {"avg", F_AVG, "void", "@", false, false}, {"min", F_MIN, "void", "@", false, false},
    {"max", F_MAX, "void", "@", false, false}, {"stddev", F_STDDEV, "void", "@", false, false},
    {"quantize", F_QUANTIZE, "void", "@, [uint32_t]", false, false},
    {"lquantize", F_LQUANTIZE, "void", "@, int32_t, int32_t, [...]", false, false},
    {"llquantize", F_LLQUANTIZE, "void",
	"@, int32_t, int32_t, int32_t, int32_t, [...]", false, false},
    {"alloca", F_ALLOCA, "void *", "size_t", false, false},
    {"basename", F_BASENAME, "string", "const char *", false, false},
    {"bcopy", F_BCOPY, "void", "void *, void *, size_t", false, false},
    {"cleanpath", F_CLEANPATH, "string", "const char *", false, false},
    {"copyin", F_COPYIN, "void *", "uintptr_t, size_t", false, false},
    {"copyinstr", F_COPYINSTR, "string", "uintptr_t, [size_t]", false, false},
    {"copyinto", F_COPYINTO, "void", "uintptr_t, size_t, void *", false, false},
    {"dirname", F_DIRNAME, "string", "const char *", false, false},
    {"getmajor", F_GETMAJOR, "uint32_t", "uint64_t", false, false},
    {"getminor", F_GETMINOR, "uint32_t", "uint64_t", false, false},
    {"htonl", F_HTONL, "uint32_t", "uint32_t", false, false},
    {"htonll", F_HTONLL, "uint64_t", "uint64_t", false, false},
    {"htons", F_HTONS, "uint16_t", "uint16_t", false, false},
    {"index", F_INDEX, "int", "const char *, const char *, [int]", false, false},
    {"inet_ntoa", F_INET_NTOA, "string", "uint32_t *", false, false},
    {"inet_ntoa6", F_INET_NTOA6, "string", "void *", false, false},
    {"inet_ntop", F_INET_NTOP, "string", "int, void *", false, false},
    {"link_ntop", F_LINK_NTOP, "string", "int, void *", false, false},
    {"lltostr", F_LLTOSTR, "string", "int64_t, [int]", false, false},
    {"mutex_owned", F_MUTEX_OWNED, "int", "struct mutex *", false, false},
    {"mutex_owner", F_MUTEX_OWNER, "struct task_struct *", "struct mutex *", false, false},
    {"mutex_type_adaptive", F_MUTEX_ADAPTIVE, "int", "struct mutex *", false, false},
    {"mutex_type_spin", F_MUTEX_SPIN, "int", "struct mutex *", false, false},
    {"ntohl", F_NTOHL, "uint32_t", "uint32_t", false, false},
    {"ntohll", F_NTOHLL, "uint64_t", "uint64_t", false, false},
    {"ntohs", F_NTOHS, "uint16_t", "uint16_t", false, false},
    {"progenyof", F_PROGENYOF, "int", "pid_t", false, false},
    {"rand", F_RAND, "int", "", false, false},
    {"rindex", F_RINDEX, "int", "const char *, const char *, [int]", false, false},
    {"rw_iswriter", F_RW_ISWRITER, "int", "rwlock_t *", false, false},
    {"rw_read_held", F_RW_READ_HELD, "int", "rwlock_t *", false, false},
    {"rw_write_held", F_RW_WRITE_HELD, "int", "rwlock_t *", false, false},
    {"speculation", F_SPECULATION, "int", "", false, false},
    {"strchr", F_STRCHR, "string", "const char *, char", false, false},
    {"strjoin", F_STRJOIN, "string", "const char *, const char *", false, false},
    {"strlen", F_STRLEN, "size_t", "const char *", false, false},
    {"strrchr", F_STRRCHR, "string", "const char *, char", false, false},
    {"strstr", F_STRSTR, "string", "const char *, const char *", false, false},
    {"strtok", F_STRTOK, "string", "void *, const char *", false, false},
    {"strtoll", F_STRTOLL, "int64_t", "const char *, [int]", false, false},
    {"substr", F_SUBSTR, "string", "const char *, int, [int]", false, false},
    {"tolower", F_TOLOWER, "string", "const char *", false, false},
    {"toupper", F_TOUPPER, "string", "const char *", false, false},
    {"d_path", F_D_PATH, "string", "@", false, false},
    {"getf", F_GETF, "struct file *", "int", false, false},
    {"ddi_pathname", F_DDI_PATHNAME, "string", "void *, int64_t", false, true},
    {"msgsize", F_MSGSIZE, "size_t", "void *", false, true},
    {"msgdsize", F_MSGDSIZE, "size_t", "void *", false, true},
    {"json", F_JSON, "string", "const char *, const char *", false, false},
    {"_psargs", F_PSARGS, "string", "struct task_struct *", false, false}, /* of the D library */
};

const struct builtin_def *
builtin_find(const char *name)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (strcmp(builtins[i].name, name) == 0)
			return (&builtins[i]);
	if (strncmp(name, "arg", 3) == 0 && name[3] >= '0' && name[3] <= '9' && name[4] == '\0')
		return (&arg_builtins[name[3] - '0']);
	return (NULL);
}

const struct func_def *
func_find(const char *name)
{
	for (size_t i = 0; i < sizeof(funcs) / sizeof(funcs[0]); i++)
		if (strcmp(funcs[i].name, name) == 0)
			return (&funcs[i]);
	return (NULL);
}

void
idents_init(struct idents *ids, struct comp *c)
{
	memset(ids, 0, sizeof(*ids));
	ids->c = c;
}

static unsigned
hash(const char *s)
{
	unsigned h = 5381;

	for (; *s != '\0'; s++)
		h = h * 33 ^ (unsigned char)*s;
	return (h % 64);
}

static struct ident *
find_in(struct ident *const *table, const char *name)
{
	for (struct ident *i = table[hash(name)]; i != NULL; i = i->next)
		if (strcmp(i->name, name) == 0)
			return (i);
	return (NULL);
}

static struct ident *
add_to(struct idents *ids, struct ident **table, enum idkind k, const char *name)
{
	struct ident *i = arena_alloc(ids->c, sizeof(*i)), **slot = &table[hash(name)];

	i->name = name;
	i->kind = k;
	i->line = ids->c->line;
	i->map = -1;
	i->next = *slot;
	*slot = i;
	return (i);
}

struct ident *
ident_find(struct idents *ids, enum scope s, const char *name)
{
	return (find_in(ids->table[s], name));
}

struct ident *
ident_new(struct idents *ids, enum scope s, enum idkind k, const char *name)
{
	struct ident *i = add_to(ids, ids->table[s], k, name);

	i->scope = s;
	if (k == ID_VAR)
		*VEC_ADD(ids->c, ids->vars, ids->nvars) = i;
	return (i);
}

struct ident *
ident_agg(struct idents *ids, const char *name, bool create)
{
	struct ident *i = find_in(ids->table[3], name);

	if (i != NULL || !create)
		return (i);
	i = add_to(ids, ids->table[3], ID_AGG, name);
	i->agg.seq = ids->naggs;
	*VEC_ADD(ids->c, ids->aggs, ids->naggs) = i;
	return (i);
}
