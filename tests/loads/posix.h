/* SPDX-License-Identifier: MIT */
/*
 * A table of claims about a mounted filesystem, each checked in an empty folder by a process of its own.
 *
 *	CLAIM(rename_over_an_open_file_keeps_its_bytes)
 *	{
 *		int fd = make_file("a", "old");
 *		OK(rename("b", "a"));
 *		FAILS(rename("a", "nosuch/a"), ENOENT);
 *	}
 *
 * The claims are about Linux, not about us: the table is right when the kernel's own filesystems pass.
 */
#ifndef SMARTBOX_LOADS_POSIX_H
#define SMARTBOX_LOADS_POSIX_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct claim {
	const char *name;
	void (*check)(void);
	struct claim *next;
};
void claim_register(struct claim *c);

#define CLAIM(name_)                                                                               \
	static void claim_##name_(void);                                                           \
	static struct claim entry_##name_ = {#name_, claim_##name_, NULL};                         \
	__attribute__((constructor)) static void add_##name_(void) { claim_register(&entry_##name_); } \
	static void claim_##name_(void)

_Noreturn void claim_failed(const char *file, int line, const char *what, long long got, long long want);
_Noreturn void claim_skip(const char *why);

#define OK(call_)                                                                                  \
	do {                                                                                       \
		if ((long long)(call_) < 0)                                                        \
			claim_failed(__FILE__, __LINE__, #call_, -errno, 0);                       \
	} while (0)
#define FAILS(call_, errno_)                                                                       \
	do {                                                                                       \
		long long rc_ = (long long)(call_);                                                \
		if (rc_ >= 0 || errno != (errno_))                                                 \
			claim_failed(__FILE__, __LINE__, #call_, rc_ < 0 ? -errno : rc_, -(errno_)); \
	} while (0)
#define IS(got_, want_)                                                                            \
	do {                                                                                       \
		long long got__ = (long long)(got_), want__ = (long long)(want_);                  \
		if (got__ != want__)                                                               \
			claim_failed(__FILE__, __LINE__, #got_, got__, want__);                    \
	} while (0)
#define TRUE(cond_)                                                                                \
	do {                                                                                       \
		if (!(cond_))                                                                      \
			claim_failed(__FILE__, __LINE__, #cond_, 0, 1);                            \
	} while (0)
/* A call that a filesystem may lack. */
#define OK_OR_SKIP(call_)                                                                          \
	do {                                                                                       \
		if ((long long)(call_) < 0) {                                                      \
			if (errno == EOPNOTSUPP || errno == ENOTTY || errno == ENOSYS)             \
				claim_skip(#call_);                                                \
			claim_failed(__FILE__, __LINE__, #call_, -errno, 0);                       \
		}                                                                                  \
	} while (0)

enum { USER = 1234, GROUP = 1234, OTHER = 4321 };

int make_file(const char *path, const char *text); /* open for both, at its start */
void make_dir(const char *path, mode_t mode);	   /* exactly that mode */
void holds(const char *path, const char *text);	   /* the file's whole content */
void fd_holds(int fd, const char *text, size_t len);
struct stat stat_of(const char *path); /* of the link itself */
struct stat fstat_of(int fd);
int count_names(const char *path); /* without . and .. */
void short_sleep(void);		   /* a clock tick of timestamps goes by */
bool later(struct timespec a, struct timespec b);
/* Runs fn in a child that is uid, gid without further groups; its failure is this claim's. */
void as(uid_t uid, gid_t gid, void (*fn)(void));
void in_child(void (*fn)(void));

#endif
