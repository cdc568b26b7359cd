/* SPDX-License-Identifier: MIT */
/*
 * What is said on a supervisor's control socket (SOCK_SEQPACKET, real root only).
 *
 * One request per connection, with up to three descriptors; one or two replies.  Both ends are the
 * same binary, or an older one of the same machine: `version` guards that.
 */
#ifndef KERN_ZONED_PROTO_H
#define KERN_ZONED_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/kern/zone.h"

enum { ZONED_VERSION = 1, ZONED_TEXT_MAX = 60 * 1024 };

enum zoned_op { OP_READY = 1, OP_BOOT, OP_HALT, OP_REBOOT, OP_SHUTDOWN, OP_EXEC, OP_CONSOLE };

struct zoned_request {
	uint32_t version, op;
	uint32_t flags;	    /* OP_EXEC: ZONE_EXEC_*; OP_SHUTDOWN: 1 boots again */
	uint32_t timeout_s; /* OP_SHUTDOWN */
	uint16_t rows, cols;
	uint8_t has_text, has_user, has_term, pad;
	/* behind it: text (bootargs or command), user, term; each ends in NUL */
};
_Static_assert(sizeof(struct zoned_request) == 24, "no padding");

enum zoned_reply_kind {
	REPLY_DONE = 1, /* rc and message; with OP_EXEC: started, master and ctl may be attached */
	REPLY_EXIT,	/* OP_EXEC: the process has ended with `rc` */
};

struct zoned_reply {
	uint32_t kind;
	int32_t rc;
	char text[1024]; /* error, or the terminal's name */
};

/* Send with descriptors (n 0..3); 0 or -errno. */
int zoned_send(int s, const void *p, size_t len, const int *fds, int n);
/* Receive one message; missing descriptors are -1.  Length or -errno; 0: the other side closed. */
int zoned_recv(int s, void *p, size_t size, int fds[3]);
/* An address for <run>/zone/NAME.sock even when the path is long; keep *dirfd open while in use. */
struct sockaddr_un;
int zoned_address(const struct zone_env *env, const char *name, struct sockaddr_un *sa, int *dirfd);

#endif
