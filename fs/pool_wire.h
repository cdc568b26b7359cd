/* SPDX-License-Identifier: MIT */
/*
 * How tools and poold talk: where the socket is, and how an nvlist crosses it.
 *
 * A message is a 32-bit little-endian length and that many bytes of packed nvlist.  A request has
 * "op" and the operation's arguments; the answer has "rc" (0 or a positive errno), "msg" (the
 * sentence) and "out" (an nvlist).
 */
#ifndef FS_POOL_WIRE_H
#define FS_POOL_WIRE_H

#include <stddef.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/nvlist.h"

enum { WIRE_REQUEST_MAX = 16 << 20, WIRE_ANSWER_MAX = 1 << 30 };

int wire_send(int fd, const struct nvlist *nv, struct err *e);
/* With a descriptor for the other side. */
int wire_send_fd(int fd, const struct nvlist *nv, int passed, struct err *e);
/* -EPIPE: the other side closed before a message began or in the middle of it. */
int wire_recv(int fd, size_t max, struct nvlist **out, struct err *e);
/* *passed: a descriptor that came with the message, now the caller's, or -1. */
int wire_recv_fd(int fd, size_t max, struct nvlist **out, int *passed, struct err *e);

/* An answer from a result, and back: rc, the sentence into e, *out (may be NULL) the results. */
struct nvlist *wire_answer(int rc, const struct err *e, const struct nvlist *out);
int wire_result(struct nvlist *answer, struct nvlist **out, struct err *e);

/* $SMARTBOX_RUN/pool/<name><suffix>, default /run/smartbox; suffixes ".sock", ".lock", ... */
int wire_path(char *buf, size_t size, const char *pool, const char *suffix, struct err *e);
/* A connected socket, or -ENOENT (not imported), -ECONNREFUSED (its poold was killed). */
int wire_connect(const char *pool, struct err *e);
/* The directory of these files. */
int wire_dir(char *buf, size_t size, struct err *e);

#endif
