/* SPDX-License-Identifier: MIT */
/* The supervisor's object, shared by kern/zoned*.c. */
#ifndef KERN_ZONED_IMPL_H
#define KERN_ZONED_IMPL_H

#include "smartbox/core/loop.h"
#include "smartbox/kern/zoned.h"
#include "zone_impl.h"
#include "zone_platform.h"
#include "zoned_proto.h"

struct zoned;

/* A connection on the control socket. */
struct client {
	struct zoned *z;
	struct client *next;
	struct watch *watch;
	int fd;
	uint32_t op;	/* what it waits for; 0: its request has not come yet */
	uint32_t flags;
	pid_t pid;	/* OP_EXEC */
	bool exec_live; /* the process runs */
};

struct console {
	int master, slave;
	int client;   /* a stream socket, or -1 */
	pid_t holder; /* who has it */
	struct watch *master_watch, *client_watch;
};

struct zoned {
	const struct zone_env *env;
	const struct zone_hooks *hooks;
	char name[ZONE_NAME_MAX + 1];
	struct loop *loop;
	int lock, listener, start_lock;
	struct watch *listener_watch;

	struct zone_run run; /* what the state file says */
	struct zonecfg *cfg; /* of this boot; NULL while installed */
	struct zone_platform plat;
	struct zone_cgroup cg;
	struct console con;
	struct client *clients;
	struct watch *init_watch, *timer, *teardown_timer;
	int teardown_tries;
	struct watch *trace_watch;
	unsigned ntracers;
	bool adopted;	   /* init is not our child */
	bool boot_again;   /* when it has halted */
	bool hooked;	   /* config_up was called */
	char bootargs[1024]; /* of the next boot; "" with has_bootargs: none given */
	bool has_bootargs;
};

/* zoned.c: transitions.  0, -errno; a halt is finished when zoned_client_settled() was called. */
int zoned_ready(struct zoned *z, struct err *e);
int zoned_boot(struct zoned *z, const char *bootargs, struct err *e);
int zoned_halt(struct zoned *z, bool boot_again, const char *bootargs, struct err *e);
int zoned_shutdown(struct zoned *z, bool boot_again, const char *bootargs, unsigned timeout_s,
    struct err *e);
void zoned_log(struct zoned *z, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void zoned_maybe_exit(struct zoned *z);

/* zoned_server.c */
int zoned_listen(struct zoned *z, struct err *e);
void zoned_settled(struct zoned *z, int rc, const char *text); /* the transition is over */
void client_close(struct client *c);
/* The socket goes; false when somebody came in meanwhile and the supervisor must stay. */
bool zoned_close_door(struct zoned *z);

/* zoned_console.c */
int console_open(struct console *con, uint32_t id_base, struct err *e);
int console_watch(struct zoned *z);
void console_notice(struct zoned *z, const char *text);
int console_attach(struct zoned *z, int stream, pid_t holder, struct err *e);
void console_close(struct console *con);

/* zoned_trace.c: before the build, after it, at the end. */
int zoned_trace_prepare(struct zoned *z, struct err *e);
int zoned_trace_listen(struct zoned *z, struct err *e);
void zoned_trace_close(struct zoned *z);

#endif
