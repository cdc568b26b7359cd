/* SPDX-License-Identifier: MIT */
/* A tracing session: everything between the command line and the last record. */
#ifndef TRACE_SESSION_H
#define TRACE_SESSION_H

#include <linux/perf_event.h>

#include "agg.h"
#include "ast.h"
#include "btf.h"
#include "gen.h"
#include "options.h"
#include "provider.h"
#include "scope.h"
#include "sema.h"
#include "smartbox/core/buf.h"
#include "smartbox/trace/trace.h"
#include "sym.h"

struct source {
	enum spec_kind kind;
	bool is_file;
	const char *name, *text;
	size_t len;
	const char *const *argv;
	int argc;
	bool *used;
	unsigned first, end; /* clauses */
	unsigned matched;
	struct source *next;
};

struct spec_buf { /* records of one speculation, until it is settled */
	struct buf data;
};

struct file_id {
	uint64_t dev, ino;
};

enum { PROBE_BUCKETS = 4096 };

struct session {
	struct comp c;
	struct types types;
	struct idents ids;
	struct options opt;
	struct err err;
	struct source *sources, **source_tail, *current;
	struct program prog;
	struct probe **probes;
	unsigned nprobes;
	struct probe *by_name[PROBE_BUCKETS];
	struct unit **units;
	unsigned nunits;
	struct probe **enabled;
	unsigned nenabled;
	struct target *targets, **target_tail;
	struct target *begin, *end;
	struct image im;
	struct gstate *state;
	struct ring ring;
	struct symbols *syms;
	struct trace_target *victims; /* -c and -p */
	int64_t target_pid;
	bool have_target, no_kernel, wants_ustack;
	int kprobes; /* 1 there, -1 not, 0 not looked */
	int multi; /* one program for many functions: as kprobes */
	struct file_id *plain; /* files known to have no notes */
	unsigned nplain;
	int tracefs; /* descriptor, -1 not opened, -2 not there */
	uint32_t zone_ns; /* inode of the uts namespace that is traced; 0 all */
	struct zone_scope *scope; /* of a zone's program; NULL: the machine's own */
	unsigned rounds;
		/* consumer */
	struct agg *aggs;
	unsigned naggs;
	struct buf out;
	int outfd;
	bool heading, exited, testing, stopped;
	int status;
	int flow_depth;
	unsigned flow_last_probe;
	struct spec_buf spec[65];
	uint64_t drops[64][8];
	unsigned ncpus;
	void (*message)(void *arg, const char *text);
	void *message_arg;
	uint64_t stacks_next; /* when to look at processes of stacks again */
	struct pictures *pictures; /* NULL: nothing is drawn */
	struct buf held; /* ring and fill policies: records that wait for the end */
	size_t held_at;
	bool full, releasing;
	uint64_t status_next; /* when to ask for drops again */
};

/* For providers. */
/* The process that the program calls pid, by the machine's number; 0: none that it may name. */
int session_pid(const struct session *s, int pid);
/* A path to the file of a line of /proc/PID/maps that ends with `path`. */
const char *mapped_file(struct session *s, int pid, const char *line, const char *path);
struct probe *session_probe(struct session *s, const struct provider *pv, const char *prov,
    const char *mod, const char *func, const char *name);
struct probe *session_find(struct session *s, const char *prov, const char *mod, const char *func,
    const char *name);
struct target *session_target(struct session *s, const struct target_ops *ops,
    enum bpf_prog_type type, const char *label);
void target_add(struct session *s, struct target *t, struct probe *p);
void target_fd(struct session *s, struct target *t, int fd);
bool glob_match(const char *pattern, const char *s);
/* Below tracefs, mounted or not: a descriptor or -errno. */
int tracefs_open(struct session *s, const char *path);
int tracefs_read(struct session *s, const char *path, char **text);
/* The number of perf's dynamic event source "kprobe" or "uprobe"; -1 not in this kernel. */
int probe_source_type(const char *name);
/* Attach to the raw tracepoint t->name. */
int tracepoint_attach(struct session *s, struct target *t, struct err *e);
int perf_attach(struct session *s, struct target *t, struct perf_event_attr *attr, int pid, int cpu,
    struct err *e);
/* arg0, arg1 of programs on perf events: pc in the kernel, in the process. */
void profile_pc_args(struct gen *g, const struct target *t, uint32_t mask);
const struct provider *const *providers(void);
/* Copy pt_regs-based arguments (x86-64 C order or syscall order) of the mask from *regs (r8). */
void args_from_regs(struct gen *g, uint32_t mask, bool syscall);

/* Pictures: samples and the live view, when it is time; the files, at the end. */
void stacks_tick(struct session *s);
void pictures_tick(struct session *s);
int pictures_finish(struct session *s, struct err *e);
void pictures_free(struct session *s);

void session_close_maps(struct session *s);
void victims_release(struct session *s);
bool victims_poll(struct session *s); /* false: all have ended */
int victims_start(struct session *s, struct err *e);

/* consumer */
void consume_record(struct session *s, const void *rec, uint32_t len);
void print_typed(struct session *s, const struct act *a, const char *data);
void consume_flush(struct session *s);
void consume_drops(struct session *s);
void session_message(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
