/* SPDX-License-Identifier: MIT */
/* Claims about contents: reading, writing, holes, lengths, mappings, copies. */
#include "posix.h"

#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum { K = 1024, M = 1024 * 1024 };

static bool
is_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != 0)
			return (false);
	}
	return (true);
}

static void
zero_between(int fd, off_t from, off_t to)
{
	char *buf = malloc((size_t)(to - from));

	IS(pread(fd, buf, (size_t)(to - from), from), to - from);
	TRUE(is_zero(buf, (size_t)(to - from)));
	free(buf);
}

static void
fill(int fd, char c, off_t off, size_t len)
{
	char *buf = malloc(len);

	memset(buf, c, len);
	IS(pwrite(fd, buf, len, off), len);
	free(buf);
}

static char
byte_at(int fd, off_t off)
{
	char c = 0;

	IS(pread(fd, &c, 1, off), 1);
	return (c);
}

/* --- lengths -------------------------------------------------------------------------------------- */

CLAIM(lengthened_files_read_zeros)
{
	int fd = make_file("f", "abc");

	OK(ftruncate(fd, 100000));
	IS(fstat_of(fd).st_size, 100000);
	zero_between(fd, 3, 100000);
	OK(ftruncate(fd, 1));
	OK(ftruncate(fd, 5));
	fd_holds(fd, "a\0\0\0\0", 5);
	fill(fd, 'x', 200000, 10);
	zero_between(fd, 5, 200000);
	OK(ftruncate(fd, 131072 + 5));
	OK(ftruncate(fd, 400000));
	zero_between(fd, 131072, 400000);
}

CLAIM(lengths_have_limits)
{
	int fd = make_file("f", "");
	struct rlimit rl = {K, RLIM_INFINITY};

	FAILS(ftruncate(fd, -1), EINVAL);
	OK(close(fd));
	OK(fd = open("f", O_RDONLY));
	TRUE(ftruncate(fd, 0) != 0 && (errno == EINVAL || errno == EBADF));
	OK(close(fd));
	OK(fd = open("f", O_RDWR));
	(void)signal(SIGXFSZ, SIG_IGN);
	OK(setrlimit(RLIMIT_FSIZE, &rl));
	IS(write(fd, (char[2000]){0}, 2000), K);
	FAILS(write(fd, "x", 1), EFBIG);
	FAILS(ftruncate(fd, 2000), EFBIG);
}

CLAIM(files_can_be_sparse_up_to_terabytes)
{
	off_t far = (off_t)4 << 40;
	int fd = make_file("f", "start");

	if (pwrite(fd, "end", 3, far) < 0 && errno == EFBIG)
		far = (off_t)1 << 40;
	IS(pwrite(fd, "end", 3, far), 3);
	IS(fstat_of(fd).st_size, far + 3);
	TRUE(fstat_of(fd).st_blocks < 8 * K);
	zero_between(fd, far - 100000, far);
	IS(byte_at(fd, far + 2), 'd');
	IS(pread(fd, (char[1]){0}, 1, far + 3), 0);
	OK(ftruncate(fd, 5));
	fd_holds(fd, "start", 5);
}

CLAIM(opening_with_trunc_empties)
{
	int fd = make_file("f", "abc"), other;

	OK(other = open("f", O_WRONLY | O_TRUNC));
	IS(fstat_of(fd).st_size, 0);
	IS(pread(fd, (char[1]){0}, 1, 0), 0);
}

/* --- reading and writing --------------------------------------------------------------------------- */

static void
append_1000(void)
{
	int fd = open("f", O_WRONLY | O_APPEND);

	for (int i = 0; i < 1000; i++)
		IS(write(fd, "0123456789", 10), 10);
}

static void
append_from_two(void)
{
	pid_t pid = fork();
	int status;

	OK(pid);
	append_1000();
	if (pid == 0)
		_exit(0);
	OK(waitpid(pid, &status, 0));
	IS(status, 0);
}

CLAIM(appends_of_several_programs_do_not_overlap)
{
	int fd = make_file("f", "");
	char *all = malloc(20000);

	append_from_two();
	IS(pread(fd, all, 20000, 0), 20000);
	IS(fstat_of(fd).st_size, 20000);
	for (int i = 0; i < 20000; i++)
		IS(all[i], '0' + i % 10);
}

CLAIM(vectors_are_written_and_read_as_one)
{
	struct iovec w[3] = {{(char[]){"ab"}, 2}, {(char[]){""}, 0}, {(char[]){"cde"}, 3}};
	char a[2], b[10];
	struct iovec r[2] = {{a, 2}, {b, 10}};
	int fd = make_file("f", "");

	IS(pwritev(fd, w, 3, 1), 5);
	IS(preadv(fd, r, 2, 0), 6);
	TRUE(memcmp(a, "\0a", 2) == 0 && memcmp(b, "bcde", 4) == 0);
}

CLAIM(direct_io_agrees_with_the_page_cache)
{
	int fd = make_file("f", ""), direct;
	char *buf;

	OK_OR_SKIP(direct = open("f", O_RDWR | O_DIRECT));
	IS(posix_memalign((void **)&buf, 4096, 64 * K), 0);
	memset(buf, 'd', 64 * K);
	IS(pwrite(direct, buf, 64 * K, 0), 64 * K);
	IS(byte_at(fd, 64 * K - 1), 'd');
	fill(fd, 'c', 4096, 4096);
	IS(pread(direct, buf, 64 * K, 0), 64 * K);
	TRUE(buf[4095] == 'd' && buf[4096] == 'c' && buf[8191] == 'c' && buf[8192] == 'd');
	OK(ftruncate(fd, 10000));
	IS(pread(direct, buf, 64 * K, 8192), 10000 - 8192);
	IS(pread(direct, buf, 4096, 64 * K), 0);
}

CLAIM(syncing_calls_all_return)
{
	int fd = make_file("f", "abc"), dir = open(".", O_RDONLY | O_DIRECTORY), s;

	OK(fsync(fd));
	OK(fdatasync(fd));
	OK(fsync(dir));
	OK(syncfs(fd));
	OK(sync_file_range(fd, 0, 3, SYNC_FILE_RANGE_WRITE));
	OK(s = open("g", O_CREAT | O_WRONLY | O_SYNC, 0644));
	IS(write(s, "x", 1), 1);
	OK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 ? 0 : -1);
	fd_holds(fd, "abc", 3);
}

/* --- holes --------------------------------------------------------------------------------------- */

CLAIM(fallocate_lengthens_unless_told_to_keep)
{
	int fd = make_file("f", "abc");

	OK_OR_SKIP(fallocate(fd, 0, 0, 100000));
	IS(fstat_of(fd).st_size, 100000);
	zero_between(fd, 3, 100000);
	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200000));
	IS(fstat_of(fd).st_size, 100000);
	FAILS(fallocate(fd, 0, 0, 0), EINVAL);
	FAILS(fallocate(fd, 0, -1, 10), EINVAL);
	FAILS(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP);
	OK(close(fd));
	OK(fd = open("f", O_RDONLY));
	FAILS(fallocate(fd, 0, 0, 10), EBADF);
}

CLAIM(holes_are_punched_anywhere)
{
	static const off_t at[][2] = {{0, 10}, {100, 4096}, {131072, 131072}, {130000, 3000},
	    {262144 + 5, 400000}, {900000, 500000}, {2000000, 10}};
	int fd = make_file("f", "");
	char *model = malloc(M), *got = malloc(M);

	memset(model, 'x', M);
	fill(fd, 'x', 0, M);
	for (int i = 0; i < 7; i++) {
		OK_OR_SKIP(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at[i][0], at[i][1]));
		for (off_t b = at[i][0]; b < at[i][0] + at[i][1] && b < M; b++)
			model[b] = 0;
		IS(fstat_of(fd).st_size, M);
		IS(pread(fd, got, M, 0), M);
		TRUE(memcmp(got, model, M) == 0);
	}
}

CLAIM(ranges_are_zeroed_and_may_lengthen)
{
	int fd = make_file("f", "");

	fill(fd, 'x', 0, 300000);
	OK_OR_SKIP(fallocate(fd, FALLOC_FL_ZERO_RANGE, 1000, 250000));
	IS(byte_at(fd, 999), 'x');
	zero_between(fd, 1000, 251000);
	IS(byte_at(fd, 251000), 'x');
	OK(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 299000, 100000));
	IS(fstat_of(fd).st_size, 300000);
	OK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 299000, 100000));
	IS(fstat_of(fd).st_size, 399000);
	zero_between(fd, 299000, 399000);
}

CLAIM(seeking_finds_data_and_holes)
{
	int fd = make_file("f", "");
	off_t end = 8 * M;

	OK(ftruncate(fd, end));
	FAILS(lseek(fd, 0, SEEK_DATA), ENXIO);
	IS(lseek(fd, 0, SEEK_HOLE), 0);
	fill(fd, 'x', 4 * M, M);
	IS(lseek(fd, 0, SEEK_DATA), 4 * M);
	IS(lseek(fd, 4 * M + 5, SEEK_DATA), 4 * M + 5);
	IS(lseek(fd, 4 * M + 5, SEEK_HOLE), 5 * M);
	FAILS(lseek(fd, 5 * M, SEEK_DATA), ENXIO);
	IS(lseek(fd, 6 * M, SEEK_HOLE), 6 * M);
	FAILS(lseek(fd, end, SEEK_DATA), ENXIO);
	FAILS(lseek(fd, end, SEEK_HOLE), ENXIO);
	FAILS(lseek(fd, end + 1, SEEK_HOLE), ENXIO);
	fill(fd, 'x', end - 10, 10);
	IS(lseek(fd, end - 5, SEEK_HOLE), end);
}

CLAIM(the_end_counts_as_a_hole)
{
	int fd = make_file("f", "abc");

	IS(lseek(fd, 0, SEEK_HOLE), 3);
	IS(lseek(fd, 1, SEEK_DATA), 1);
	OK(ftruncate(fd, 0));
	FAILS(lseek(fd, 0, SEEK_HOLE), ENXIO);
	FAILS(lseek(fd, 0, SEEK_DATA), ENXIO);
}

CLAIM(emptied_files_give_their_blocks_back)
{
	int fd = make_file("f", "");
	char *buf = malloc(M);

	for (int i = 0; i < M; i++)
		buf[i] = (char)(i * 7 + i / 251);
	IS(write(fd, buf, M), M);
	OK(fsync(fd));
	OK(syncfs(fd));
	OK(ftruncate(fd, 0));
	OK(syncfs(fd));
	TRUE(fstat_of(fd).st_blocks <= 16);
}

/* --- copies -------------------------------------------------------------------------------------- */

CLAIM(ranges_are_copied_between_files)
{
	int a = make_file("a", ""), b = make_file("b", "");
	off_t in = 100, out = 5000;
	ssize_t n, all = 0;

	fill(a, 'a', 0, 500000);
	while ((n = copy_file_range(a, &in, b, &out, (size_t)(600000 - all), 0)) > 0)
		all += n;
	OK_OR_SKIP(n);
	IS(all, 499900);
	IS(fstat_of(b).st_size, 5000 + 499900);
	zero_between(b, 0, 5000);
	IS(byte_at(b, 5000), 'a');
	IS(byte_at(b, 504899), 'a');
}

CLAIM(a_range_is_not_copied_onto_itself)
{
	int a = make_file("a", "0123456789");
	off_t in = 0, out = 2;

	FAILS(copy_file_range(a, &in, a, &out, 5, 0), EINVAL);
	out = 5;
	IS(copy_file_range(a, &in, a, &out, 5, 0), 5);
	fd_holds(a, "0123401234", 10);
	in = 100;
	IS(copy_file_range(a, &in, a, &out, 5, 0), 0);
}

CLAIM(sendfile_copies)
{
	int a = make_file("a", "hello world"), b = make_file("b", "");
	off_t off = 6;

	IS(sendfile(b, a, &off, 100), 5);
	holds("b", "world");
}

/* --- mappings ------------------------------------------------------------------------------------ */

CLAIM(shared_mappings_are_the_file)
{
	int fd = make_file("f", "");
	char *p, *q;

	OK(ftruncate(fd, 100000));
	TRUE((p = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
	TRUE((q = mmap(NULL, 100000, PROT_READ, MAP_SHARED, fd, 0)) != MAP_FAILED);
	p[50000] = 'p';
	IS(q[50000], 'p');
	IS(byte_at(fd, 50000), 'p');
	fill(fd, 'w', 60000, 10);
	IS(p[60009], 'w');
	OK(msync(p, 100000, MS_SYNC));
	p[70000] = 'z';
	OK(munmap(p, 100000));
	IS(byte_at(fd, 70000), 'z');
}

CLAIM(private_mappings_stay_private)
{
	int fd = make_file("f", "abc");
	char *p = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	TRUE(p != MAP_FAILED);
	p[0] = 'X';
	fd_holds(fd, "abc", 3);
}

static sigjmp_buf out_of_file;

static void
on_bus(int sig)
{
	(void)sig;
	siglongjmp(out_of_file, 1);
}

static bool
touching_dies(volatile char *p)
{
	(void)signal(SIGBUS, on_bus);
	if (sigsetjmp(out_of_file, 1) != 0)
		return (true);
	(void)*p;
	return (false);
}

CLAIM(mappings_end_where_the_file_ends)
{
	int fd = make_file("f", "abc");
	char *p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	TRUE(p != MAP_FAILED);
	TRUE(is_zero(p + 3, 4093));
	TRUE(touching_dies(p + 4096));
	OK(ftruncate(fd, 16384));
	TRUE(!touching_dies(p + 8192));
	p[5000] = 'x';
	OK(ftruncate(fd, 4096));
	TRUE(touching_dies(p + 8192));
	OK(ftruncate(fd, 16384));
	IS(p[5000], 0);
}

CLAIM(bytes_mapped_behind_the_end_do_not_come_back)
{
	int fd = make_file("f", "abc");
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	TRUE(p != MAP_FAILED);
	p[100] = 'x';
	OK(msync(p, 4096, MS_SYNC));
	OK(ftruncate(fd, 4096));
	IS(byte_at(fd, 100), 0);
}

CLAIM(a_mapped_file_may_be_written_from_its_own_mapping)
{
	int fd = make_file("f", "");
	char *p;

	fill(fd, 'a', 0, 8192);
	TRUE((p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
	memset(p, 'b', 4096);
	IS(pwrite(fd, p, 4096, 4096), 4096);
	IS(byte_at(fd, 8191), 'b');
}

/* --- programs, locks, the whole -------------------------------------------------------------------- */

CLAIM(programs_run_and_cannot_be_written_meanwhile)
{
	int fd = make_file("script", "#!/bin/sh\nexit 7\n"), status;
	pid_t pid;

	OK(fchmod(fd, 0755));
	OK(close(fd));
	OK(pid = fork());
	if (pid == 0) {
		(void)execl("./script", "script", (char *)NULL);
		_exit(99);
	}
	OK(waitpid(pid, &status, 0));
	IS(WEXITSTATUS(status), 7);
	OK(fd = open("script", O_WRONLY));
	TRUE(execl("./script", "script", (char *)NULL) != 0 && errno == ETXTBSY);
}

static void
lock_is_taken(void)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 1};
	int fd = open("f", O_RDWR);

	TRUE(fcntl(fd, F_SETLK, &fl) != 0 && (errno == EAGAIN || errno == EACCES));
	fl.l_start = 20;
	OK(fcntl(fd, F_SETLK, &fl));
	FAILS(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
}

CLAIM(locks_keep_others_out)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
	int fd = make_file("f", "");

	OK(fcntl(fd, F_SETLK, &fl));
	OK(flock(fd, LOCK_EX));
	in_child(lock_is_taken);
}

CLAIM(statvfs_tells_the_space)
{
	struct statvfs v;

	OK(statvfs(".", &v));
	IS(v.f_namemax, 255);
	TRUE(v.f_blocks > 0 && v.f_bavail <= v.f_bfree && v.f_bfree <= v.f_blocks && v.f_frsize > 0);
}
