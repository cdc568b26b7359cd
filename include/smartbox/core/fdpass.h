/* SPDX-License-Identifier: MIT */
/*
 * Bytes with descriptors beside them, over a unix socket (SCM_RIGHTS, unix(7)).
 *
 * The kernel counts the room for descriptors in whole words of 8 bytes: who asks for one or three may be given two or
 * four.  Here nobody gets more than asked for, and none is lost open.
 */
#ifndef SMARTBOX_CORE_FDPASS_H
#define SMARTBOX_CORE_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

enum { FDPASS_MAX = 16 };

/*
 * One sendmsg(2), n <= FDPASS_MAX descriptors with the first byte; they stay open here.  A peer that went away is
 * -EPIPE, not SIGPIPE.  Returns the bytes sent, or -errno.
 */
ssize_t fd_send(int s, const void *buf, size_t len, const int *fds, unsigned n, int flags);

/*
 * One recvmsg(2).  fds[0..max) are the descriptors that came, close-on-exec, the caller's; -1 behind them.  Returns the
 * bytes, 0 at the end, or -errno: -EPROTO when more came (all are closed), -EMSGSIZE when a packet was longer.
 */
ssize_t fd_recv(int s, void *buf, size_t len, int *fds, unsigned max, int flags);

#endif
