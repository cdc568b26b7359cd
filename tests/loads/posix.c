/* SPDX-License-Identifier: MIT */
/*
 * posix DIR [PATTERN]: check every claim of the table in DIR, a folder on the filesystem in question.
 *
 * Prints what failed and the sum; 0 when nothing failed. Needs root: owners are part of it.
 */
#include "posix.h"

#include <dirent.h>
#include <ftw.h>
#include <grp.h>
#include <signal.h>
#include <sys/wait.h>

enum { SKIPPED = 77, SECONDS_EACH = 300 };

static struct claim *claims, **last = &claims;

void
claim_register(struct claim *c)
{
	*last = c;
	last = &c->next;
}

void
claim_failed(const char *file, int line, const char *what, long long got, long long want)
{
	fprintf(stderr, "      %s:%d: %s: %lld", file, line, what, got);
	if (got < 0)
		fprintf(stderr, " (%s)", strerror((int)-got));
	fprintf(stderr, ", expected %lld\n", want);
	_exit(1);
}

void
claim_skip(const char *why)
{
	fprintf(stderr, "      not here: %s\n", why);
	_exit(SKIPPED);
}

/* --- what claims use --------------------------------------------------------------------------- */

int
make_file(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	size_t len = strlen(text);

	OK(fd);
	IS(write(fd, text, len), len);
	OK(lseek(fd, 0, SEEK_SET));
	return (fd);
}

void
make_dir(const char *path, mode_t mode)
{
	OK(mkdir(path, 0700));
	OK(chmod(path, mode));
}

void
fd_holds(int fd, const char *text, size_t len)
{
	char *buf = malloc(len + 1);

	IS(pread(fd, buf, len + 1, 0), len);
	TRUE(memcmp(buf, text, len) == 0);
	free(buf);
}

void
holds(const char *path, const char *text)
{
	int fd = open(path, O_RDONLY);

	OK(fd);
	fd_holds(fd, text, strlen(text));
	(void)close(fd);
}

struct stat
stat_of(const char *path)
{
	struct stat st;

	OK(lstat(path, &st));
	return (st);
}

struct stat
fstat_of(int fd)
{
	struct stat st;

	OK(fstat(fd, &st));
	return (st);
}

int
count_names(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	TRUE(d != NULL);
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	(void)closedir(d);
	return (n);
}

void
short_sleep(void)
{
	(void)nanosleep(&(struct timespec){0, 20000000}, NULL);
}

bool
later(struct timespec a, struct timespec b)
{
	return (a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec));
}

static int
run_child(uid_t uid, gid_t gid, void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	OK(pid);
	if (pid == 0) {
		if (uid != 0 || gid != 0) {
			OK(setgroups(0, NULL));
			OK(setresgid(gid, gid, gid));
			OK(setresuid(uid, uid, uid));
		}
		(void)alarm(SECONDS_EACH);
		fn();
		_exit(0);
	}
	OK(waitpid(pid, &status, 0));
	return (WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

void
as(uid_t uid, gid_t gid, void (*fn)(void))
{
	int status = run_child(uid, gid, fn);

	if (status != 0)
		_exit(status);
}

void
in_child(void (*fn)(void))
{
	as(0, 0, fn);
}

/* --- running ------------------------------------------------------------------------------------ */

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return (flag == FTW_DP ? rmdir(path) : unlink(path));
}

/* The claim's folder may be left without names too: that is a claim itself. */
static int
run_claim(const struct claim *c, const char *dir)
{
	char path[4096];
	int status;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, c->name);
	if (mkdir(path, 0755) != 0 || chmod(path, 0755) != 0 || chdir(path) != 0) {
		perror(path);
		exit(2);
	}
	status = run_child(0, 0, c->check);
	if (chdir("/") != 0 || nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS) != 0) {
		fprintf(stderr, "      cannot remove %s: %s\n", path, strerror(errno));
		status = status != 0 && status != SKIPPED ? status : 1;
	}
	return (status);
}

int
main(int argc, char **argv)
{
	int passed = 0, failed = 0, skipped = 0, status;
	char *dir = argc > 1 ? realpath(argv[1], NULL) : NULL;

	if (dir == NULL) {
		fprintf(stderr, "usage: posix DIR [PATTERN]\n");
		return (2);
	}
	(void)umask(022);
	(void)signal(SIGPIPE, SIG_IGN);
	for (const struct claim *c = claims; c != NULL; c = c->next) {
		if (argc > 2 && strstr(c->name, argv[2]) == NULL)
			continue;
		status = run_claim(c, dir);
		passed += status == 0;
		skipped += status == SKIPPED;
		failed += status != 0 && status != SKIPPED;
		if (status == SKIPPED)
			printf("skip  %s\n", c->name);
		else if (status != 0)
			printf("FAIL  %s (%d)\n", c->name, status);
	}
	printf("posix: %d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return (failed == 0 && passed > 0 ? 0 : 1);
}
