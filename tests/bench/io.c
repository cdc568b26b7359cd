/* SPDX-License-Identifier: MIT */
/*
 * io: one kind of file IO, timed by itself; prints one number.
 *
 *	io seqwrite FILE MIB	MiB/s, 128 KiB a write, fsync at the end included
 *	io seqread  FILE MIB	MiB/s, 128 KiB a read
 *	io randread FILE N	reads a second of 4 KiB at random places
 *	io fsync    FILE N	4 KiB writes a second, each followed by fsync
 *	io groups   DIR N	the same by 8 programs at once, each in a file of its own
 *	io create   DIR N	files made a second, 4 KiB each, synced at the end
 *	io time COMMAND...	seconds that the command took; it must succeed
 *
 * The data cannot be compressed (half of it: real data is like that).
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 128 << 10, SMALL = 4096 };

static uint64_t seed = 0x9e3779b97f4a7c15ULL;

static uint64_t
next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return (seed ^= seed << 17);
}

static void
fill(char *buf, size_t n)
{
	for (size_t i = 0; i + 8 <= n; i += 8) {
		uint64_t v = i % 256 < 128 ? next() : 0;

		memcpy(buf + i, &v, 8);
	}
}

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

static void
check(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void
seqwrite(const char *path, long mib)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	static char buf[CHUNK];

	check(fd >= 0, path);
	for (long i = 0; i < mib * (1 << 20) / CHUNK; i++) {
		fill(buf, sizeof(buf));
		check(write(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf), "write");
	}
	check(fsync(fd) == 0, "fsync");
	(void)close(fd);
}

static void
seqread(const char *path, long mib)
{
	int fd = open(path, O_RDONLY);
	static char buf[CHUNK];

	check(fd >= 0, path);
	for (long i = 0; i < mib * (1 << 20) / CHUNK; i++)
		check(read(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf), "read");
	(void)close(fd);
}

static void
randread(const char *path, long n)
{
	int fd = open(path, O_RDONLY);
	char buf[SMALL];
	struct stat st;

	check(fd >= 0 && fstat(fd, &st) == 0, path);
	for (long i = 0; i < n; i++) {
		off_t at = (off_t)(next() % (uint64_t)(st.st_size / SMALL)) * SMALL;

		check(pread(fd, buf, sizeof(buf), at) == (ssize_t)sizeof(buf), "pread");
	}
	(void)close(fd);
}

static void
fsyncs(const char *path, long n)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	char buf[SMALL];

	check(fd >= 0, path);
	for (long i = 0; i < n; i++) {
		fill(buf, sizeof(buf));
		check(pwrite(fd, buf, sizeof(buf), (off_t)i * SMALL) == (ssize_t)sizeof(buf), "pwrite");
		check(fsync(fd) == 0, "fsync");
	}
	(void)close(fd);
}

/* Whoever waits for the disk at the same time can share one wait. */
static void
groups(const char *dir, long n)
{
	enum { WRITERS = 8 };
	char path[512];
	int status;

	for (int i = 0; i < WRITERS; i++) {
		pid_t pid = fork();

		check(pid >= 0, "fork");
		if (pid == 0) {
			(void)snprintf(path, sizeof(path), "%s/group%d", dir, i);
			fsyncs(path, n / WRITERS);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		check(status == 0, "a writer");
}

static void
create(const char *dir, long n)
{
	char path[512], buf[SMALL];
	int fd = -1;

	for (long i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/file%ld", dir, i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
		check(fd >= 0, path);
		fill(buf, sizeof(buf));
		check(write(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf), "write");
		if (i + 1 < n)
			(void)close(fd);
	}
	check(fd < 0 || fsync(fd) == 0, "fsync");
}

static const struct {
	const char *name;
	void (*run)(const char *path, long n);
} kinds[] = {{"seqwrite", seqwrite}, {"seqread", seqread}, {"randread", randread},
	{"fsync", fsyncs}, {"groups", groups}, {"create", create}};

static int
time_command(char **argv)
{
	double start = now();
	pid_t pid = fork();
	int status = -1;

	check(pid >= 0, "fork");
	if (pid == 0) {
		(void)dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		(void)execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	check(waitpid(pid, &status, 0) == pid, "wait");
	(void)printf("%.4f\n", now() - start);
	return (status == 0 ? 0 : 1);
}

int
main(int argc, char **argv)
{
	long n = argc == 4 ? strtol(argv[3], NULL, 10) : 0;

	if (argc >= 3 && strcmp(argv[1], "time") == 0)
		return (time_command(argv + 2));
	for (size_t i = 0; n > 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		double start = now();

		if (strcmp(kinds[i].name, argv[1]) != 0)
			continue;
		kinds[i].run(argv[2], n);
		(void)printf("%.1f\n", (double)n / (now() - start));
		return (0);
	}
	(void)fprintf(stderr, "usage: io seqwrite|seqread|randread|fsync|groups|create PATH N\n");
	return (2);
}
