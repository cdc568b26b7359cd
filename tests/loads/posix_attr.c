/* SPDX-License-Identifier: MIT */
/* Claims about owners, modes, times and extended attributes. */
#include "posix.h"

#include <limits.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>

static void
file_with(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	OK(close(make_file(path, "content")));
	OK(chown(path, uid, gid));
	OK(chmod(path, mode));
}

static void
has_mode(const char *path, mode_t mode)
{
	IS(stat_of(path).st_mode & 07777, mode);
}

/* --- who may --------------------------------------------------------------------------------------- */

static void
a_stranger_opens(void)
{
	FAILS(open("closed/f", O_RDONLY), EACCES);
	FAILS(open("secret", O_RDONLY), EACCES);
	FAILS(open("readable", O_WRONLY), EACCES);
	FAILS(open("new", O_CREAT | O_WRONLY, 0644), EACCES);
	FAILS(mkdir("newdir", 0755), EACCES);
	FAILS(unlink("readable"), EACCES);
	FAILS(rename("readable", "x"), EACCES);
	FAILS(access("readable", X_OK), EACCES);
	OK(close(open("readable", O_RDONLY)));
}

static void
a_stranger_changes(void)
{
	FAILS(chmod("readable", 0777), EPERM);
	FAILS(chown("readable", OTHER, OTHER), EPERM);
	FAILS(truncate("readable", 0), EACCES);
	FAILS(utimensat(AT_FDCWD, "readable", (struct timespec[2]){{1, 0}, {1, 0}}, 0), EPERM);
	FAILS(utimensat(AT_FDCWD, "readable", NULL, 0), EACCES);
	OK(utimensat(AT_FDCWD, "writable", NULL, 0));
	FAILS(utimensat(AT_FDCWD, "writable", (struct timespec[2]){{1, 0}, {1, 0}}, 0), EPERM);
	FAILS(setxattr("readable", "user.x", "y", 1, 0), EACCES);
}

CLAIM(strangers_are_refused)
{
	make_dir("closed", 0700);
	(void)close(make_file("closed/f", ""));
	file_with("secret", USER, GROUP, 0600);
	file_with("readable", USER, GROUP, 0644);
	file_with("writable", USER, GROUP, 0666);
	as(OTHER, OTHER, a_stranger_opens);
	as(OTHER, OTHER, a_stranger_changes);
}

static void
owners_change(void)
{
	OK(chmod("mine", 0600));
	OK(chown("mine", (uid_t)-1, GROUP));
	FAILS(chown("mine", USER, OTHER), EPERM);
	FAILS(chown("mine", OTHER, (gid_t)-1), EPERM);
	OK(chmod("foreign-group", 02755));
	has_mode("foreign-group", 0755);
}

CLAIM(owners_change_what_is_theirs)
{
	file_with("mine", USER, GROUP, 0644);
	file_with("foreign-group", USER, OTHER, 0644);
	as(USER, GROUP, owners_change);
}

static void
others_in_sticky(void)
{
	TRUE(unlink("d/f") != 0 && (errno == EPERM || errno == EACCES));
	TRUE(rename("d/f", "d/g") != 0 && (errno == EPERM || errno == EACCES));
	OK(close(make_file("d/own", "")));
	TRUE(rename("d/own", "d/f") != 0 && (errno == EPERM || errno == EACCES));
	OK(unlink("d/own"));
}

CLAIM(sticky_directories_protect_their_names)
{
	make_dir("d", 01777);
	file_with("d/f", USER, GROUP, 0666);
	as(OTHER, OTHER, others_in_sticky);
	has_mode("d", 01777);
}

/* --- set-id bits ------------------------------------------------------------------------------------ */

static void
make_in_setgid(void)
{
	OK(close(make_file("d/f", "")));
	make_dir("d/sub", 0755);
	OK(mkfifo("d/p", 0644));
	OK(symlink("x", "d/s"));
	OK(close(open("d/g", O_CREAT | O_WRONLY, 02775)));
}

CLAIM(setgid_directories_hand_down_their_group)
{
	make_dir("d", 0777);
	OK(chown("d", 0, OTHER));
	OK(chmod("d", 02777));
	as(USER, GROUP, make_in_setgid);
	IS(stat_of("d/f").st_gid, OTHER);
	IS(stat_of("d/f").st_uid, USER);
	IS(stat_of("d/sub").st_gid, OTHER);
	IS(stat_of("d/p").st_gid, OTHER);
	IS(stat_of("d/s").st_gid, OTHER);
	has_mode("d/g", 0755);
}

static void
mkdir_in_setgid(void)
{
	OK(mkdir("d/sub", 0755));
}

CLAIM(setgid_directories_hand_down_the_bit)
{
	make_dir("d", 0777);
	OK(chown("d", 0, OTHER));
	OK(chmod("d", 02777));
	as(USER, GROUP, mkdir_in_setgid);
	has_mode("d/sub", 02755);
}

static void
write_all(void)
{
	int fd = open("w", O_WRONLY);

	IS(write(fd, "x", 1), 1);
	has_mode("w", 0777);
	OK(truncate("t", 3));
	has_mode("t", 0777);
	OK(fd = open("o", O_WRONLY | O_TRUNC));
	has_mode("o", 0777);
	OK(fd = open("a", O_WRONLY));
	OK_OR_SKIP(fallocate(fd, 0, 0, 100));
	has_mode("a", 0777);
	OK(fd = open("c", O_WRONLY));
	IS(copy_file_range(open("w", O_RDONLY), NULL, fd, NULL, 5, 0), 5);
	has_mode("c", 0777);
	OK(fd = open("z", O_WRONLY));
	IS(write(fd, "x", 0), 0);
	has_mode("z", 06777);
}

CLAIM(set_id_bits_fall_when_a_user_writes)
{
	static const char *const names[] = {"w", "t", "o", "a", "c", "z"};

	for (int i = 0; i < 6; i++)
		file_with(names[i], USER, GROUP, 06777);
	as(OTHER, OTHER, write_all);
}

CLAIM(set_id_bits_stay_when_root_writes)
{
	int fd;

	file_with("w", USER, GROUP, 06777);
	OK(fd = open("w", O_WRONLY));
	IS(write(fd, "x", 1), 1);
	OK_OR_SKIP(fallocate(fd, 0, 0, 100));
	has_mode("w", 06777);
}

CLAIM(set_id_bits_fall_at_a_change_of_owner)
{
	file_with("f", 0, 0, 06755);
	OK(chown("f", USER, GROUP));
	has_mode("f", 0755);
	file_with("locking", 0, 0, 02644);
	OK(chown("locking", USER, GROUP));
	has_mode("locking", 02644);
	make_dir("d", 06755);
	OK(chown("d", USER, GROUP));
	has_mode("d", 06755);
}

CLAIM(file_capabilities_fall_when_anybody_writes)
{
	/* VFS_CAP_REVISION_2, effective, cap_net_raw. */
	static const unsigned char caps[20] = {1, 0, 0, 2, 0, 0x20};
	int fd = make_file("f", "");

	OK_OR_SKIP(setxattr("f", "security.capability", caps, sizeof(caps), 0));
	IS(getxattr("f", "security.capability", NULL, 0), 20);
	IS(write(fd, "x", 1), 1);
	FAILS(getxattr("f", "security.capability", NULL, 0), ENODATA);
	OK(setxattr("f", "security.capability", caps, sizeof(caps), 0));
	OK(chown("f", USER, GROUP));
	FAILS(getxattr("f", "security.capability", NULL, 0), ENODATA);
}

CLAIM(modes_of_all_kinds_are_kept)
{
	for (mode_t m = 0; m <= 07777; m += 0111) {
		make_dir("d", m);
		has_mode("d", m);
		OK(rmdir("d"));
	}
	(void)umask(027);
	OK(mkdir("e", 01777));
	has_mode("e", 01750);
	OK(close(open("f", O_CREAT | O_WRONLY, 06777)));
	has_mode("f", 06750);
}

CLAIM(ids_of_32_bits_are_kept)
{
	file_with("f", 4294967294u, 2147483648u, 0600);
	IS(stat_of("f").st_uid, 4294967294u);
	IS(stat_of("f").st_gid, 2147483648u);
	OK(chown("f", (uid_t)-1, (gid_t)-1));
	IS(stat_of("f").st_uid, 4294967294u);
	OK(symlink("nowhere", "s"));
	OK(lchown("s", USER, GROUP));
	IS(stat_of("s").st_uid, USER);
}

/* --- times ------------------------------------------------------------------------------------------ */

CLAIM(times_are_kept_to_the_nanosecond)
{
	static const struct timespec some[] = {{0, 0}, {1, 999999999}, {2147483647, 1}, {2147483648, 2},
	    {4294967296, 3}, {-1, 5}, {-2000000000, 123456789}};
	struct stat st;

	(void)close(make_file("f", ""));
	for (int i = 0; i < 7; i++) {
		OK(utimensat(AT_FDCWD, "f", (struct timespec[2]){some[i], {77, 7}}, 0));
		st = stat_of("f");
		IS(st.st_atim.tv_sec, some[i].tv_sec);
		IS(st.st_atim.tv_nsec, some[i].tv_nsec);
		IS(st.st_mtim.tv_sec, 77);
		OK(utimensat(AT_FDCWD, "f", (struct timespec[2]){{0, UTIME_OMIT}, some[i]}, 0));
		IS(stat_of("f").st_mtim.tv_sec, some[i].tv_sec);
		IS(stat_of("f").st_mtim.tv_nsec, some[i].tv_nsec);
	}
	OK(utimensat(AT_FDCWD, "f", (struct timespec[2]){{0, UTIME_NOW}, {0, UTIME_OMIT}}, 0));
	TRUE(stat_of("f").st_atim.tv_sec > 1000000000);
	OK(symlink("nowhere", "s"));
	OK(utimensat(AT_FDCWD, "s", (struct timespec[2]){{5, 0}, {6, 0}}, AT_SYMLINK_NOFOLLOW));
	IS(stat_of("s").st_mtim.tv_sec, 6);
}

/* What a change does to the times of "f": mtime, ctime. */
static void
changes(bool mtime, bool ctime, const struct stat *before)
{
	struct stat now = stat_of("f");

	IS(later(now.st_mtim, before->st_mtim), mtime);
	IS(later(now.st_ctim, before->st_ctim), ctime);
	short_sleep();
}

CLAIM(each_change_sets_its_times)
{
	int fd = make_file("f", "abc");
	struct stat st = stat_of("f");

	short_sleep();
	OK(chmod("f", 0600));
	changes(false, true, &st);
	st = stat_of("f");
	OK(chown("f", USER, GROUP));
	changes(false, true, &st);
	st = stat_of("f");
	OK(link("f", "g"));
	changes(false, true, &st);
	st = stat_of("f");
	OK(unlink("g"));
	changes(false, true, &st);
	st = stat_of("f");
	OK(setxattr("f", "user.x", "y", 1, 0));
	changes(false, true, &st);
	st = stat_of("f");
	OK(removexattr("f", "user.x"));
	changes(false, true, &st);
	st = stat_of("f");
	OK(ftruncate(fd, 10));
	changes(true, true, &st);
	st = stat_of("f");
	IS(pwrite(fd, "x", 1, 0), 1);
	changes(true, true, &st);
	st = stat_of("f");
	IS(pwrite(fd, "x", 0, 0), 0);
	changes(false, false, &st);
	OK(pread(fd, (char[4]){0}, 4, 0));
	changes(false, false, &st);
}

CLAIM(directories_change_with_their_names)
{
	struct stat st;

	make_dir("d", 0755);
	for (int i = 0; i < 4; i++) {
		st = stat_of("d");
		short_sleep();
		if (i == 0)
			OK(close(make_file("d/f", "")));
		else if (i == 1)
			OK(link("d/f", "d/g"));
		else if (i == 2)
			OK(rename("d/f", "d/h"));
		else
			OK(unlink("d/g"));
		TRUE(later(stat_of("d").st_mtim, st.st_mtim));
		TRUE(later(stat_of("d").st_ctim, st.st_ctim));
	}
}

CLAIM(a_file_remembers_its_birth)
{
	struct statx before, now;

	(void)close(make_file("f", ""));
	OK(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BTIME, &before));
	if (!(before.stx_mask & STATX_BTIME))
		claim_skip("no time of birth");
	short_sleep();
	OK(chmod("f", 0600));
	OK(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BTIME | STATX_CTIME, &now));
	IS(now.stx_btime.tv_nsec, before.stx_btime.tv_nsec);
	TRUE(now.stx_ctime.tv_sec > now.stx_btime.tv_sec || now.stx_ctime.tv_nsec > now.stx_btime.tv_nsec);
}

/* --- extended attributes ----------------------------------------------------------------------------- */

CLAIM(attributes_are_set_read_listed_and_removed)
{
	char buf[100];

	(void)close(make_file("f", ""));
	OK(setxattr("f", "user.one", "1", 1, 0));
	OK(setxattr("f", "user.empty", "", 0, 0));
	IS(getxattr("f", "user.one", buf, sizeof(buf)), 1);
	IS(getxattr("f", "user.empty", buf, sizeof(buf)), 0);
	IS(getxattr("f", "user.one", NULL, 0), 1);
	OK(setxattr("f", "user.one", "longer", 6, 0));
	FAILS(getxattr("f", "user.one", buf, 5), ERANGE);
	FAILS(setxattr("f", "user.one", "x", 1, XATTR_CREATE), EEXIST);
	FAILS(setxattr("f", "user.two", "x", 1, XATTR_REPLACE), ENODATA);
	FAILS(getxattr("f", "user.two", buf, sizeof(buf)), ENODATA);
	FAILS(removexattr("f", "user.two"), ENODATA);
	IS(listxattr("f", NULL, 0), sizeof("user.one") + sizeof("user.empty"));
	FAILS(listxattr("f", buf, 5), ERANGE);
	OK(removexattr("f", "user.one"));
	OK(removexattr("f", "user.empty"));
	IS(listxattr("f", buf, sizeof(buf)), 0);
}

CLAIM(attribute_names_have_a_namespace_and_a_limit)
{
	char name[300] = "user.";

	(void)close(make_file("f", ""));
	FAILS(setxattr("f", "nospace", "x", 1, 0), EOPNOTSUPP);
	FAILS(setxattr("f", "other.x", "x", 1, 0), EOPNOTSUPP);
	memset(name + 5, 'n', 250);
	OK(setxattr("f", name, "x", 1, 0));
	IS(getxattr("f", name, NULL, 0), 1);
	name[255] = 'n';
	FAILS(setxattr("f", name, "x", 1, 0), ERANGE);
	OK(symlink("f", "s"));
	FAILS(lsetxattr("s", "user.x", "x", 1, 0), EPERM);
	OK(lsetxattr("s", "trusted.x", "x", 1, 0));
}

CLAIM(many_attributes_fit)
{
	char name[32], value[64], buf[64], *list = malloc(65536);

	(void)close(make_file("f", ""));
	for (int i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof(name), "user.attribute-%d", i);
		memset(value, 'a' + i % 26, sizeof(value));
		OK(setxattr("f", name, value, sizeof(value), 0));
	}
	TRUE(listxattr("f", list, 65536) > 30 * 16);
	for (int i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof(name), "user.attribute-%d", i);
		IS(getxattr("f", name, buf, sizeof(buf)), sizeof(buf));
		IS(buf[63], 'a' + i % 26);
		OK(removexattr("f", name));
	}
	IS(listxattr("f", NULL, 0), 0);
}

CLAIM(large_attributes_are_kept_or_refused)
{
	char *value = malloc(65537), *got = malloc(65536);

	(void)close(make_file("f", "data"));
	memset(value, 'v', 65537);
	for (int size = 100; size <= 65536; size = size * 3 / 2) {
		if (setxattr("f", "user.big", value, (size_t)size, 0) != 0) {
			TRUE(errno == ENOSPC || errno == E2BIG);
			break;
		}
		IS(getxattr("f", "user.big", got, 65536), size);
		TRUE(memcmp(got, value, (size_t)size) == 0);
	}
	FAILS(setxattr("f", "user.big", value, 65537, 0), E2BIG);
	(void)removexattr("f", "user.big");
	IS(listxattr("f", NULL, 0), 0);
	holds("f", "data");
}

static void
users_and_attributes(void)
{
	char list[100];

	OK(setxattr("mine", "user.x", "1", 1, 0));
	FAILS(setxattr("mine", "trusted.x", "1", 1, 0), EPERM);
	FAILS(getxattr("mine", "trusted.root", NULL, 0), ENODATA);
	IS(listxattr("mine", list, sizeof(list)), sizeof("user.x"));
	FAILS(setxattr("sticky", "user.x", "1", 1, 0), EPERM);
}

CLAIM(trusted_attributes_are_roots)
{
	file_with("mine", USER, GROUP, 0644);
	make_dir("sticky", 01777);
	OK(setxattr("mine", "trusted.root", "1", 1, 0));
	as(USER, GROUP, users_and_attributes);
	IS(getxattr("mine", "trusted.root", NULL, 0), 1);
	IS(listxattr("mine", NULL, 0), sizeof("user.x") + sizeof("trusted.root"));
}

/* --- access control lists ----------------------------------------------------------------------------- */

struct ace {
	uint16_t tag, perm;
	uint32_t id;
};
struct acl {
	uint32_t version;
	struct ace e[5];
};

/* user::rw- user:OTHER:rw- group::r-- mask::rw- other::--- */
static const struct acl for_other = {
    2, {{1, 6, ~0u}, {2, 6, OTHER}, {4, 4, ~0u}, {16, 6, ~0u}, {32, 0, ~0u}}};

static void
other_writes(void)
{
	int fd = open("f", O_WRONLY);

	OK(fd);
	IS(write(fd, "x", 1), 1);
}

static void
other_is_refused(void)
{
	FAILS(open("f", O_WRONLY), EACCES);
}

CLAIM(access_lists_let_others_in)
{
	file_with("f", USER, GROUP, 0600);
	OK_OR_SKIP(setxattr("f", "system.posix_acl_access", &for_other, sizeof(for_other), 0));
	has_mode("f", 0660);
	as(OTHER, OTHER, other_writes);
	OK(chmod("f", 0640));
	as(OTHER, OTHER, other_is_refused);
	OK(chmod("f", 0660));
	as(OTHER, OTHER, other_writes);
	OK(removexattr("f", "system.posix_acl_access"));
	as(OTHER, OTHER, other_is_refused);
}

CLAIM(default_lists_are_inherited)
{
	make_dir("d", 0755);
	OK_OR_SKIP(setxattr("d", "system.posix_acl_default", &for_other, sizeof(for_other), 0));
	(void)umask(077);
	OK(close(open("d/f", O_CREAT | O_WRONLY, 0666)));
	has_mode("d/f", 0660);
	IS(getxattr("d/f", "system.posix_acl_access", NULL, 0), sizeof(for_other));
	OK(mkdir("d/sub", 0777));
	IS(getxattr("d/sub", "system.posix_acl_default", NULL, 0), sizeof(for_other));
	(void)close(make_file("f", ""));
	FAILS(setxattr("f", "system.posix_acl_default", &for_other, sizeof(for_other), 0), EACCES);
}
