/* SPDX-License-Identifier: MIT */
/*
 * Operations whose data goes through a descriptor of the caller: send and receive.
 *
 * They run beside other operations and beside each other; the pool is not exported under them.
 */
#ifndef FS_POOLOPS_STREAM_H
#define FS_POOLOPS_STREAM_H

#include "poolops_impl.h"
#include "smartbox/fs/stream.h"

#define STREAM_BUFFER (512u << 10)

typedef int poolstream_fn(struct pool_session *s, const struct nvlist *in, struct nvlist *out,
    struct poolops_io *io, struct err *e);
poolstream_fn op_fs_send, op_fs_receive;

/* A pipe's end with a buffer.  fd is borrowed. */
struct stream_pipe {
	struct pool_session *s;
	struct poolops_io *io;
	int fd;
	bool own, is_socket; /* own: fd is a description of ours, which does not block */
	uint8_t *buf;
	size_t have, pos; /* reading: buf[pos..have) is unread; writing: buf[0..have) is unwritten */
	uint64_t bytes;	  /* through the descriptor */
	const char *what; /* for progress messages; NULL: none wanted */
	uint64_t told;	  /* second of the last progress message */
};

int stream_pipe_open(struct stream_pipe *p, struct pool_session *s, struct poolops_io *io,
    bool writes, struct err *e);
void stream_pipe_close(struct stream_pipe *p);
/* stream_read_fn and stream_write_fn. */
int stream_pipe_read(void *arg, void *buf, size_t len);
int stream_pipe_write(void *arg, const void *buf, size_t len);
int stream_pipe_flush(struct stream_pipe *p);

/* A line for the user, on the caller's standard output (of receive) or error (of send). */
void stream_tell(struct poolops_io *io, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
