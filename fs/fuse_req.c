/* SPDX-License-Identifier: MIT */
/*
 * FUSE requests: the shape of each opcode's message.
 *
 * A message is a fuse_in_header, a structure that the opcode fixes, then up to two names with their
 * NULs, then raw data.  The kernel is trusted with our life anyway, but a session's descriptor can be
 * handed around, so every length is checked here, once, and the handlers only see whole structures
 * and terminated strings.
 */
#include <errno.h>
#include <string.h>

#include "fuse_impl.h"

struct shape {
	uint16_t fixed; /* bytes; 0 with names 0: nothing */
	uint8_t names;
	bool known, data; /* data: the rest of the message */
};

#define SHAPE(type_, names_, data_) {sizeof(struct type_), names_, true, data_}
#define NAMES(names_) {0, names_, true, false}

static const struct shape shapes[] = {
	[FUSE_LOOKUP] = NAMES(1),
	[FUSE_FORGET] = SHAPE(fuse_forget_in, 0, false),
	[FUSE_GETATTR] = SHAPE(fuse_getattr_in, 0, false),
	[FUSE_SETATTR] = SHAPE(fuse_setattr_in, 0, false),
	[FUSE_READLINK] = NAMES(0),
	[FUSE_SYMLINK] = NAMES(2),
	[FUSE_MKNOD] = SHAPE(fuse_mknod_in, 1, false),
	[FUSE_MKDIR] = SHAPE(fuse_mkdir_in, 1, false),
	[FUSE_UNLINK] = NAMES(1),
	[FUSE_RMDIR] = NAMES(1),
	[FUSE_RENAME] = SHAPE(fuse_rename_in, 2, false),
	[FUSE_LINK] = SHAPE(fuse_link_in, 1, false),
	[FUSE_OPEN] = SHAPE(fuse_open_in, 0, false),
	[FUSE_READ] = SHAPE(fuse_read_in, 0, false),
	[FUSE_WRITE] = SHAPE(fuse_write_in, 0, true),
	[FUSE_STATFS] = NAMES(0),
	[FUSE_RELEASE] = SHAPE(fuse_release_in, 0, false),
	[FUSE_FSYNC] = SHAPE(fuse_fsync_in, 0, false),
	[FUSE_SETXATTR] = SHAPE(fuse_setxattr_in, 1, true),
	[FUSE_GETXATTR] = SHAPE(fuse_getxattr_in, 1, false),
	[FUSE_LISTXATTR] = SHAPE(fuse_getxattr_in, 0, false),
	[FUSE_REMOVEXATTR] = NAMES(1),
	[FUSE_FLUSH] = SHAPE(fuse_flush_in, 0, false),
	[FUSE_INIT] = {2 * sizeof(uint32_t), 0, true, true}, /* grew over time */
	[FUSE_OPENDIR] = SHAPE(fuse_open_in, 0, false),
	[FUSE_READDIR] = SHAPE(fuse_read_in, 0, false),
	[FUSE_RELEASEDIR] = SHAPE(fuse_release_in, 0, false),
	[FUSE_FSYNCDIR] = SHAPE(fuse_fsync_in, 0, false),
	[FUSE_CREATE] = SHAPE(fuse_create_in, 1, false),
	[FUSE_IOCTL] = SHAPE(fuse_ioctl_in, 0, true),
	[FUSE_INTERRUPT] = SHAPE(fuse_interrupt_in, 0, false),
	[FUSE_DESTROY] = NAMES(0),
	[FUSE_BATCH_FORGET] = SHAPE(fuse_batch_forget_in, 0, true),
	[FUSE_FALLOCATE] = SHAPE(fuse_fallocate_in, 0, false),
	[FUSE_READDIRPLUS] = SHAPE(fuse_read_in, 0, false),
	[FUSE_RENAME2] = SHAPE(fuse_rename2_in, 2, false),
	[FUSE_LSEEK] = SHAPE(fuse_lseek_in, 0, false),
	[FUSE_COPY_FILE_RANGE] = SHAPE(fuse_copy_file_range_in, 0, false),
	[FUSE_SYNCFS] = SHAPE(fuse_syncfs_in, 0, false),
	[FUSE_TMPFILE] = SHAPE(fuse_create_in, 1, false),
	[FUSE_STATX_OP] = SHAPE(fuse_statx_in_, 0, false),
};

static const char *
take_name(const char **p, const char *end)
{
	const char *name = *p, *nul = memchr(name, '\0', (size_t)(end - name));

	if (nul != NULL)
		*p = nul + 1;
	return (nul != NULL ? name : NULL);
}

int
fuse_req_parse(const void *msg, size_t len, bool setxattr_ext, struct fuse_req *r)
{
	const struct fuse_in_header *in = msg;
	const char *p, *end = (const char *)msg + len;
	const struct shape *sh;
	size_t fixed;

	memset(r, 0, sizeof(*r));
	if (len < sizeof(*in) || in->len != len)
		return (-EINVAL);
	r->in = in;
	if (in->opcode >= sizeof(shapes) / sizeof(shapes[0]) || !shapes[in->opcode].known)
		return (-ENOSYS);
	sh = &shapes[in->opcode];
	fixed = sh->fixed;
	if (in->opcode == FUSE_SETXATTR && !setxattr_ext)
		fixed = FUSE_COMPAT_SETXATTR_IN_SIZE;
	if (fixed > len - sizeof(*in))
		return (-EINVAL);
	r->arg = in + 1;
	p = (const char *)r->arg + fixed;
	if ((sh->names > 0 && (r->name = take_name(&p, end)) == NULL) ||
	    (sh->names > 1 && (r->name2 = take_name(&p, end)) == NULL))
		return (-EINVAL);
	if (sh->data) {
		r->data = p;
		r->data_len = (size_t)(end - p);
	}
	return (0);
}
