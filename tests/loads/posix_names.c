/* SPDX-License-Identifier: MIT */
/* Claims about names: making, linking, renaming, removing, listing. */
#include "posix.h"

#include <dirent.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/un.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4
#endif

static int
rename2(const char *from, const char *to, unsigned flags)
{
	return ((int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags));
}

static void
touch(const char *path)
{
	OK(close(make_file(path, "")));
}

/* --- rename -------------------------------------------------------------------------------------- */

CLAIM(rename_over_an_open_file_keeps_its_bytes)
{
	int fd = make_file("a", "old");

	(void)close(make_file("b", "new"));
	OK(rename("b", "a"));
	fd_holds(fd, "old", 3);
	IS(fstat_of(fd).st_nlink, 0);
	holds("a", "new");
	FAILS(stat("b", &(struct stat){0}), ENOENT);
	IS(write(fd, "x", 1), 1);
}

CLAIM(rename_between_two_names_of_one_file_does_nothing)
{
	touch("a");
	OK(link("a", "b"));
	OK(rename("a", "b"));
	IS(stat_of("a").st_nlink, 2);
	IS(stat_of("b").st_ino, stat_of("a").st_ino);
}

CLAIM(rename_of_unlike_kinds_is_refused)
{
	touch("f");
	make_dir("d", 0755);
	make_dir("full", 0755);
	touch("full/x");
	FAILS(rename("f", "d"), EISDIR);
	FAILS(rename("d", "f"), ENOTDIR);
	TRUE(rename("d", "full") != 0 && (errno == ENOTEMPTY || errno == EEXIST));
	OK(rename("full", "d"));
	IS(count_names("d"), 1);
	FAILS(rename("d", "d/below"), EINVAL);
	FAILS(rename("nosuch", "x"), ENOENT);
	FAILS(rename("f", "nosuch/x"), ENOENT);
	FAILS(rename("f/", "x"), ENOTDIR);
	FAILS(rename("f", "f/x"), ENOTDIR);
}

CLAIM(rename_of_a_directory_moves_the_link_of_its_dotdot)
{
	make_dir("p", 0755);
	make_dir("q", 0755);
	make_dir("p/d", 0755);
	IS(stat_of("p").st_nlink, 3);
	OK(rename("p/d", "q/d"));
	IS(stat_of("p").st_nlink, 2);
	IS(stat_of("q").st_nlink, 3);
	IS(stat_of("q/d/..").st_ino, stat_of("q").st_ino);
	make_dir("p/e", 0755);
	OK(rename("p/e", "q/d"));
	IS(stat_of("q").st_nlink, 3);
	IS(stat_of("p").st_nlink, 2);
}

CLAIM(rename_changes_the_times_of_both_directories_and_of_the_file)
{
	struct stat p, q, f;

	make_dir("p", 0755);
	make_dir("q", 0755);
	touch("p/f");
	p = stat_of("p");
	q = stat_of("q");
	f = stat_of("p/f");
	short_sleep();
	OK(rename("p/f", "q/f"));
	TRUE(later(stat_of("p").st_mtim, p.st_mtim));
	TRUE(later(stat_of("q").st_mtim, q.st_mtim));
	TRUE(later(stat_of("q/f").st_ctim, f.st_ctim));
	TRUE(!later(stat_of("q/f").st_mtim, f.st_mtim));
}

CLAIM(rename_noreplace_and_exchange_do_as_they_say)
{
	(void)close(make_file("a", "A"));
	(void)close(make_file("b", "B"));
	FAILS(rename2("a", "b", RENAME_NOREPLACE), EEXIST);
	FAILS(rename2("a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
	FAILS(rename2("a", "nosuch", RENAME_EXCHANGE), ENOENT);
	OK(rename2("a", "b", RENAME_EXCHANGE));
	holds("a", "B");
	make_dir("d", 0755);
	make_dir("d/s", 0755);
	OK(rename2("a", "d/s", RENAME_EXCHANGE));
	IS(stat_of("d").st_nlink, 2);
	TRUE(S_ISDIR(stat_of("a").st_mode));
	IS(stat_of("a/..").st_ino, stat_of(".").st_ino);
	holds("d/s", "B");
	OK(rename2("b", "c", RENAME_NOREPLACE));
}

CLAIM(rename_whiteout_leaves_a_device_of_number_zero)
{
	struct stat st;

	touch("a");
	OK_OR_SKIP(rename2("a", "b", RENAME_WHITEOUT));
	st = stat_of("a");
	TRUE(S_ISCHR(st.st_mode));
	IS(st.st_rdev, 0);
}

/* --- links --------------------------------------------------------------------------------------- */

CLAIM(links_are_counted)
{
	char name[16];

	touch("f");
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "l%d", i);
		OK(link("f", name));
	}
	IS(stat_of("f").st_nlink, 1001);
	for (int i = 0; i < 1000; i += 2) {
		(void)snprintf(name, sizeof(name), "l%d", i);
		OK(unlink(name));
	}
	IS(stat_of("l999").st_nlink, 501);
}

CLAIM(link_refuses_what_it_must)
{
	touch("f");
	touch("g");
	make_dir("d", 0755);
	FAILS(link("f", "g"), EEXIST);
	FAILS(link("d", "e"), EPERM);
	FAILS(link("f", "nosuch/x"), ENOENT);
	FAILS(link("nosuch", "x"), ENOENT);
	FAILS(link("f", "f/x"), ENOTDIR);
	FAILS(link("/proc/self/status", "x"), EXDEV);
}

CLAIM(link_to_a_symlink_links_the_symlink)
{
	OK(symlink("nowhere", "s"));
	OK(link("s", "t"));
	IS(stat_of("s").st_ino, stat_of("t").st_ino);
	IS(stat_of("s").st_nlink, 2);
}

CLAIM(symlinks_hold_any_target_up_to_4095_bytes)
{
	char target[4097], buf[4200];

	memset(target, 'x', sizeof(target));
	target[4095] = '\0';
	OK(symlink(target, "long"));
	IS(readlink("long", buf, sizeof(buf)), 4095);
	TRUE(memcmp(buf, target, 4095) == 0);
	IS(readlink("long", buf, 10), 10);
	IS(stat_of("long").st_size, 4095);
	target[4095] = 'x';
	target[4096] = '\0';
	FAILS(symlink(target, "longer"), ENAMETOOLONG);
	FAILS(symlink("", "empty"), ENOENT);
	FAILS(symlink("x", "long"), EEXIST);
	for (int len = 1; len < 400; len += 7) {
		target[len] = '\0';
		OK(symlink(target, "s"));
		IS(readlink("s", buf, sizeof(buf)), len);
		OK(unlink("s"));
		target[len] = 'x';
	}
}

CLAIM(symlink_loops_end)
{
	OK(symlink("b", "a"));
	OK(symlink("a", "b"));
	FAILS(open("a", O_RDONLY), ELOOP);
	touch("f");
	OK(symlink("f", "s"));
	FAILS(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	FAILS(open("s/x", O_RDONLY), ENOTDIR);
	FAILS(open("s", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
}

/* --- unlink, rmdir -------------------------------------------------------------------------------- */

CLAIM(unlinked_files_work_while_open)
{
	int fd = make_file("f", "hello");

	OK(unlink("f"));
	IS(fstat_of(fd).st_nlink, 0);
	OK(fchmod(fd, 0600));
	OK(fchown(fd, USER, GROUP));
	OK(ftruncate(fd, 2));
	IS(pwrite(fd, "!", 1, 2), 1);
	fd_holds(fd, "he!", 3);
	IS(fstat_of(fd).st_uid, USER);
	touch("f");
	TRUE(stat_of("f").st_ino != fstat_of(fd).st_ino);
}

CLAIM(rmdir_refuses_what_it_must)
{
	make_dir("d", 0755);
	touch("d/f");
	TRUE(rmdir("d") != 0 && (errno == ENOTEMPTY || errno == EEXIST));
	FAILS(rmdir("d/f"), ENOTDIR);
	FAILS(rmdir("d/."), EINVAL);
	TRUE(rmdir("d/..") != 0 && (errno == ENOTEMPTY || errno == EEXIST));
	FAILS(unlink("d"), EISDIR);
	FAILS(rmdir("nosuch"), ENOENT);
	OK(unlink("d/f"));
	OK(rmdir("d"));
}

CLAIM(a_removed_directory_is_empty_for_those_in_it)
{
	make_dir("d", 0755);
	OK(chdir("d"));
	OK(rmdir("../d"));
	FAILS(open("f", O_CREAT | O_WRONLY, 0644), ENOENT);
	FAILS(mkdir("x", 0755), ENOENT);
	FAILS(symlink("t", "x"), ENOENT);
	FAILS(link("../posix", "x"), ENOENT);
	IS(stat_of(".").st_nlink, 0);
	OK(chdir(".."));
}

CLAIM(directories_count_their_subdirectories)
{
	IS(stat_of(".").st_nlink, 2);
	make_dir("a", 0755);
	make_dir("b", 0755);
	touch("f");
	IS(stat_of(".").st_nlink, 4);
	OK(rmdir("a"));
	IS(stat_of(".").st_nlink, 3);
}

/* --- names --------------------------------------------------------------------------------------- */

CLAIM(names_are_1_to_255_bytes)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	touch(name);
	OK(mkdir("d", 0755));
	IS(stat_of(name).st_size, 0);
	OK(unlink(name));
	for (int len = 40; len <= 60; len++) {
		name[len] = '\0';
		touch(name);
		name[len] = 'n';
	}
	IS(count_names("."), 22);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	FAILS(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
	FAILS(mkdir(name, 0755), ENAMETOOLONG);
	FAILS(rename("d", name), ENAMETOOLONG);
	FAILS(stat(name, &(struct stat){0}), ENAMETOOLONG);
}

CLAIM(names_are_any_bytes_but_slash)
{
	char name[2] = "";

	for (int c = 1; c < 256; c++) {
		if (c == '/' || c == '.')
			continue;
		name[0] = (char)c;
		touch(name);
	}
	IS(count_names("."), 253);
	for (int c = 1; c < 256; c++) {
		name[0] = (char)c;
		if (c != '/' && c != '.')
			OK(unlink(name));
	}
	touch("new\nline");
	touch("A");
	touch("a");
	IS(count_names("."), 3);
}

CLAIM(trees_of_500_levels_come_and_go)
{
	for (int i = 0; i < 500; i++) {
		make_dir("d", 0755);
		OK(chdir("d"));
	}
	for (int i = 0; i < 500; i++) {
		OK(chdir(".."));
		OK(rmdir("d"));
	}
}

/* --- listing ------------------------------------------------------------------------------------- */

CLAIM(listings_have_types_and_inode_numbers)
{
	int dots = 0, others = 0;
	struct dirent *e;
	DIR *d;

	touch("f");
	make_dir("d", 0755);
	OK(symlink("x", "s"));
	OK(mkfifo("p", 0644));
	TRUE((d = opendir(".")) != NULL);
	while ((e = readdir(d)) != NULL) {
		struct stat st = stat_of(e->d_name);

		dots += e->d_name[0] == '.';
		others += e->d_name[0] != '.';
		IS(e->d_type, (st.st_mode & S_IFMT) >> 12);
		if (strcmp(e->d_name, "..") != 0)
			IS(e->d_ino, st.st_ino);
	}
	IS(dots, 2);
	IS(others, 4);
	(void)closedir(d);
}

static void
make_many(int n)
{
	char name[32];

	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "name-%d", i);
		OK(mknod(name, S_IFREG | 0644, 0));
	}
}

CLAIM(listings_go_on_where_telldir_was)
{
	enum { N = 500 };
	char seen[N + 2][NAME_MAX + 1];
	long at[N + 2];
	struct dirent *e;
	DIR *d;
	int n = 0;

	make_many(N);
	TRUE((d = opendir(".")) != NULL);
	for (at[0] = telldir(d); n < N + 2 && (e = readdir(d)) != NULL; n++) {
		(void)snprintf(seen[n], sizeof(seen[n]), "%s", e->d_name);
		if (n + 1 < N + 2)
			at[n + 1] = telldir(d);
	}
	IS(n, N + 2);
	for (int i = N + 1; i >= 0; i -= 13) {
		seekdir(d, at[i]);
		TRUE((e = readdir(d)) != NULL && strcmp(e->d_name, seen[i]) == 0);
	}
	touch("one-more");
	rewinddir(d);
	for (n = 0; readdir(d) != NULL; n++)
		;
	IS(n, N + 3);
	(void)closedir(d);
}

CLAIM(listings_skip_nothing_while_names_go)
{
	enum { N = 3000 };
	struct dirent *e;
	DIR *d;
	int n = 0;

	make_many(N);
	TRUE((d = opendir(".")) != NULL);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		OK(unlink(e->d_name));
		n++;
	}
	IS(n, N);
	(void)closedir(d);
	IS(count_names("."), 0);
}

/* MANY: another number than 100,000. */
CLAIM(directories_of_many_names_work)
{
	int n = getenv("MANY") != NULL ? (int)strtol(getenv("MANY"), NULL, 10) : 100000;
	char name[32];

	make_many(n);
	IS(count_names("."), n);
	for (int i = 0; i < n; i += 97) {
		(void)snprintf(name, sizeof(name), "name-%d", i);
		(void)stat_of(name);
	}
	(void)snprintf(name, sizeof(name), "name-%d", n);
	FAILS(stat(name, &(struct stat){0}), ENOENT);
	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "name-%d", i);
		OK(unlink(name));
	}
	IS(count_names("."), 0);
}

/* --- other kinds of files ------------------------------------------------------------------------- */

CLAIM(devices_keep_their_numbers)
{
	static const unsigned majors[] = {1, 8, 255, 259, 4095}, minors[] = {0, 3, 255, 256, 1048575};

	for (int i = 0; i < 5; i++) {
		for (int j = 0; j < 5; j++) {
			OK(mknod("dev", S_IFBLK | 0600, makedev(majors[i], minors[j])));
			IS(stat_of("dev").st_rdev, makedev(majors[i], minors[j]));
			OK(unlink("dev"));
		}
	}
	OK(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	TRUE(S_ISCHR(stat_of("null").st_mode));
}

CLAIM(fifos_and_sockets_connect_programs)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int in, out, s, t;
	char c;

	OK(mkfifo("p", 0600));
	OK(in = open("p", O_RDONLY | O_NONBLOCK));
	OK(out = open("p", O_WRONLY));
	IS(write(out, "x", 1), 1);
	IS(read(in, &c, 1), 1);
	OK(s = socket(AF_UNIX, SOCK_STREAM, 0));
	OK(bind(s, (struct sockaddr *)&sa, sizeof(sa)));
	OK(listen(s, 1));
	TRUE(S_ISSOCK(stat_of("sock").st_mode));
	OK(t = socket(AF_UNIX, SOCK_STREAM, 0));
	OK(connect(t, (struct sockaddr *)&sa, sizeof(sa)));
	OK(t = socket(AF_UNIX, SOCK_STREAM, 0));
	FAILS(bind(t, (struct sockaddr *)&sa, sizeof(sa)), EADDRINUSE);
	OK(unlink("sock"));
}

/* --- open ---------------------------------------------------------------------------------------- */

CLAIM(open_refuses_what_it_must)
{
	touch("f");
	make_dir("d", 0755);
	FAILS(open("f", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST);
	FAILS(open("d", O_RDWR), EISDIR);
	FAILS(open("d", O_CREAT | O_RDONLY, 0644), EISDIR);
	FAILS(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	FAILS(open("nosuch", O_RDONLY), ENOENT);
	FAILS(open("f/x", O_RDONLY | O_CREAT, 0644), ENOTDIR);
	FAILS(open("nosuch/x", O_RDONLY | O_CREAT, 0644), ENOENT);
	FAILS(truncate("d", 0), EISDIR);
	FAILS(truncate("nosuch", 0), ENOENT);
}

CLAIM(a_file_made_read_only_can_be_written_by_its_maker)
{
	int fd = open("f", O_CREAT | O_RDWR | O_EXCL, 0);

	OK(fd);
	IS(write(fd, "abc", 3), 3);
	fd_holds(fd, "abc", 3);
	IS(fstat_of(fd).st_mode & 07777, 0);
}

CLAIM(temporary_files_have_no_name_until_they_are_linked)
{
	char path[64];
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);

	OK_OR_SKIP(fd);
	IS(fstat_of(fd).st_nlink, 0);
	IS(fstat_of(fd).st_mode & 07777, 0640);
	IS(count_names("."), 0);
	IS(write(fd, "tmp", 3), 3);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	IS(fstat_of(fd).st_nlink, 1);
	(void)close(fd);
	holds("named", "tmp");
	OK(fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FAILS(linkat(AT_FDCWD, path, AT_FDCWD, "other", AT_SYMLINK_FOLLOW), ENOENT);
}

CLAIM(handles_find_a_file_by_any_name)
{
	struct {
		struct file_handle h;
		unsigned char more[MAX_HANDLE_SZ];
	} u = {.h.handle_bytes = MAX_HANDLE_SZ};
	int dir = open(".", O_RDONLY | O_DIRECTORY), id, fd;

	(void)close(make_file("f", "found"));
	OK_OR_SKIP(name_to_handle_at(AT_FDCWD, "f", &u.h, &id, 0));
	OK(rename("f", "g"));
	OK_OR_SKIP(fd = open_by_handle_at(dir, &u.h, O_RDONLY));
	fd_holds(fd, "found", 5);
	(void)close(fd);
	OK(unlink("g"));
	FAILS(open_by_handle_at(dir, &u.h, O_RDONLY), ESTALE);
}
