/* SPDX-License-Identifier: MIT */
/*
 * Mounted filesystems, used by real programs through the kernel.  Needs root and /dev/fuse.
 *
 * A test's own process is the server, so it must never touch the mounted files itself: killed in the
 * middle of a request to itself it could not die.  Whatever uses them is a client(), in a process of
 * its own; the mount's root is its working directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"
#include "smartbox/fs/fuse.h"
#include "smartbox/fs/syncer.h"
#include "test.h"
#include "zpl_util.h"

static struct mounted {
	struct spa *spa;
	struct syncer *sync;
	struct fuse_server *fuse;
	char path[512];
} T;

static void
serve(struct spa *spa)
{
	struct err e = ERR_INIT;

	T.spa = spa;
	if (syncer_new(spa, 0, 0, &T.sync, &e) != 0 ||
	    fuse_server_new(spa, T.sync, 0, NULL, &T.fuse, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
}

static void
mount_fs(const char *dataset, const struct fuse_mount_opts *o)
{
	struct err e = ERR_INIT;

	(void)mkdir(T.path, 0755);
	if (fuse_mount(T.fuse, dataset, T.path, o, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
}

/*
 * A new mount namespace has copies of all mounts; one of another pool would keep that from being unmounted
 * ("busy") as long as this test runs.  Those made last lie on the others.
 */
static void
let_go_of_others(void)
{
	char line[8192], *path[1024];
	size_t n = 0;
	FILE *f = fopen("/proc/self/mounts", "re");

	while (f != NULL && n < 1024 && fgets(line, sizeof(line), f) != NULL) {
		char *save, *at = strtok_r(line, " ", &save) != NULL ? strtok_r(NULL, " ", &save) : NULL;
		const char *type = at != NULL ? strtok_r(NULL, " ", &save) : NULL;

		if (type != NULL && strncmp(type, "fuse", 4) == 0)
			path[n++] = strdup(at);
	}
	if (f != NULL)
		(void)fclose(f);
	while (n > 0) {
		(void)umount2(path[--n], MNT_DETACH | UMOUNT_NOFOLLOW);
		free(path[n]);
	}
}

/* A new pool with t/fs mounted at T.path. */
static void
start(const struct fuse_mount_opts *o)
{
	static const struct fuse_mount_opts none;

	if (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) != 0)
		test_skip("mounting needs root and /dev/fuse");
	/* In a mount namespace of its own a test that fails leaves nothing behind. */
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		test_skip("mounting needs a mount namespace");
	let_go_of_others();
	(void)snprintf(T.path, sizeof(T.path), "%s/mnt", test_dir());
	serve(test_pool_create(1024));
	test_fs_create(T.spa, "t/fs", NULL, NULL);
	mount_fs("t/fs", o != NULL ? o : &none);
}

static void
stop(void)
{
	struct err e = ERR_INIT;

	fuse_server_free(T.fuse);
	syncer_free(T.sync);
	if (spa_export(T.spa, &e) != 0)
		test_fail(__FILE__, __LINE__, "export: %s", e.msg);
}

/* Unmount, export, import, mount: what is there now came from the disk. */
static void
restart(const struct fuse_mount_opts *o)
{
	static const struct fuse_mount_opts none;
	struct err e = ERR_INIT;

	if (fuse_unmount(T.fuse, "t/fs", false, &e) != 0)
		test_fail(__FILE__, __LINE__, "unmount: %s", e.msg);
	fuse_server_free(T.fuse);
	syncer_free(T.sync);
	serve(test_pool_reopen(T.spa));
	mount_fs("t/fs", o != NULL ? o : &none);
}

/*
 * Called in a new child: it keeps descriptors below `first` only.  A copy of the server's would keep
 * the session alive when the server is killed, with nobody to answer.
 */
static void
become_client(unsigned first)
{
	(void)syscall(SYS_close_range, first, ~0u, 0);
	CHECK_EQ(chdir(T.path), 0);
}

/* A part of a test in a process of its own. */
static void
client(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		become_client(3);
		fn();
		(void)fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (status != 0)
		test_fail(__FILE__, __LINE__, "the client ends with status %#x", status);
}

/* Run it with sh -e; it must succeed. */
static void
sh(const char *script)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		(void)dup2(1, 2);
		if (chdir(T.path) != 0)
			_exit(126);
		(void)execl("/bin/bash", "bash", "-ec", script, (char *)NULL);
		_exit(127);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (status != 0)
		test_fail(__FILE__, __LINE__, "status %#x of: %s", status, script);
}

TEST(fuse_real_tools_make_copy_and_remove_trees)
{
	start(NULL);
	sh("mkdir -p src/a/b/c; for i in $(seq 200); do echo file $i > src/a/f$i; done");
	sh("dd if=/dev/urandom of=src/big bs=1M count=20 status=none; ln src/big src/big2");
	sh("ln -s a/f1 src/link; mkfifo src/fifo; mknod src/null c 1 3; mknod src/blk b 259 70000");
	sh("truncate -s 10M src/sparse; echo end >> src/sparse; chmod 4751 src/a/f2; chown 7:8 src/a/f3");
	sh("touch -d '2001-02-03 04:05:06.789012345' src/a/f4; setfattr -n user.x -v hello src/a/f5");
	sh("cp -a src dst; diff -r --no-dereference src/a dst/a; cmp src/big dst/big");
	sh("tar cf t.tar src; mkdir x; tar xpf t.tar -C x; rm t.tar");
	sh("test $(stat -c %a x/src/a/f2) = 4751; test $(stat -c %u:%g x/src/a/f3) = 7:8");
	sh("test \"$(stat -c %y dst/a/f4)\" = \"$(TZ= date -d '2001-02-03 04:05:06.789012345 UTC' "
	    "'+%Y-%m-%d %H:%M:%S.%N %z')\" -o \"$(stat -c %Y dst/a/f4)\" = \"$(stat -c %Y src/a/f4)\"");
	sh("test $(stat -c %t:%T src/null) = 1:3; test $(stat -c %t:%T src/blk) = 103:11170");
	sh("test $(stat -c %W src/big) -gt 0 -o $(uname -r | cut -d. -f1) -lt 6; test $(stat -c %a:%s src/null) = 644:0");
	sh("test $(stat -c %h src/big) = 2; test $(getfattr --only-values -n user.x dst/a/f5) = hello");
	restart(NULL);
	sh("diff -r --no-dereference src/a dst/a; cmp src/big x/src/big; cmp src/sparse dst/sparse");
	sh("test $(find . | wc -l) = $((1 + 3 * $(find src | wc -l) + 1))");
	sh("rm -rf src dst x; test -z \"$(ls -A)\"; test $(stat -c %h .) = 2");
	stop();
}

TEST(fuse_git_clones_and_checks_a_repository)
{
	start(NULL);
	sh("command -v git >/dev/null || exit 0; git init -q r; cd r; git config user.email a@b; "
	   "git config user.name n; for i in $(seq 50); do seq $i 1000 > f$i; done; git add .; "
	   "git commit -qm one; seq 5 > f7; git commit -qam two; cd ..; git clone -q r c; cd c; "
	   "git fsck --strict 2>/dev/null; git checkout -q HEAD~1; git status --porcelain | wc -l | grep -qx 0; "
	   "git gc -q; git fsck 2>/dev/null");
	stop();
}

static void
use_unlinked_files(void)
{
	char buf[8] = "", proc[64];
	int fd, dfd;

	CHECK((fd = open("f", O_RDWR | O_CREAT, 0644)) >= 0);
	CHECK_EQ(write(fd, "before", 6), 6);
	CHECK_EQ(unlink("f"), 0);
	CHECK_EQ(write(fd, "after", 5), 5);
	CHECK_EQ(pread(fd, buf, 5, 6), 5);
	CHECK_STR(buf, "after");
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK((dfd = open("d", O_RDONLY | O_DIRECTORY)) >= 0);
	CHECK_EQ(rmdir("d"), 0);
	CHECK(openat(dfd, "x", O_CREAT | O_WRONLY, 0644) < 0 && errno == ENOENT);
	CHECK((fd = open(".", O_TMPFILE | O_RDWR, 0600)) >= 0);
	CHECK_EQ(write(fd, "tmp", 3), 3);
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	CHECK_EQ(linkat(AT_FDCWD, proc, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
}

TEST(fuse_unlinked_files_live_while_open)
{
	start(NULL);
	client(use_unlinked_files);
	restart(NULL);
	sh("test $(cat named) = tmp; test ! -e f; test $(ls -A | wc -l) = 1");
	stop();
}

static void
map_and_write(void)
{
	int fd = open("m", O_RDWR | O_CREAT, 0644);
	char *map;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, 1 << 20), 0);
	map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	for (int i = 0; i < 1 << 20; i += 1000)
		map[i] = (char)(i / 1000);
	CHECK_EQ(msync(map, 1 << 20, MS_SYNC), 0);
	CHECK_EQ(munmap(map, 1 << 20), 0);
	(void)close(fd);
}

static void
map_and_compare(void)
{
	int fd = open("m", O_RDONLY);
	char *map;

	CHECK(fd >= 0);
	map = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	for (int i = 0; i < 1 << 20; i += 1000)
		CHECK_EQ(map[i], (char)(i / 1000));
	(void)munmap(map, 1 << 20);
	(void)close(fd);
}

TEST(fuse_shared_mappings_reach_the_disk)
{
	start(NULL);
	client(map_and_write);
	restart(NULL);
	client(map_and_compare);
	stop();
}

static void
use_locks_and_holes(void)
{
	char buf[16384] = "x";
	int fd, fd2;
	pid_t pid;
	int status;

	CHECK((fd = open("l", O_RDWR | O_CREAT, 0644)) >= 0);
	CHECK((fd2 = open("l", O_RDWR)) >= 0);
	CHECK_EQ(flock(fd, LOCK_EX), 0);
	CHECK(flock(fd2, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK);
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	CHECK_EQ(fcntl(fd, F_SETLK, &fl), 0);
	if ((pid = fork()) == 0)
		_exit(fcntl(fd2, F_SETLK, &fl) != 0 ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_EQ(pwrite(fd, buf, sizeof(buf), 0), sizeof(buf));
	CHECK_EQ(pwrite(fd, buf, sizeof(buf), 1 << 20), sizeof(buf));
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20), 0);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 1 << 20);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	CHECK_EQ(lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + (int)sizeof(buf));
	CHECK(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096) != 0 && errno == EOPNOTSUPP);
	CHECK_EQ(pread(fd, buf, 1, 0), 1);
	CHECK_EQ(buf[0], 0);
	(void)close(fd);
	(void)close(fd2);
}

TEST(fuse_locks_and_holes_work)
{
	start(NULL);
	client(use_locks_and_holes);
	stop();
}

static void
list_while_names_go(void)
{
	enum { N = 6000 };
	static uint8_t seen[N];
	struct dirent *de;
	unsigned n = 0;
	DIR *d;

	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(chdir("d"), 0);
	for (int i = 0; i < N; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "f%d", i);
		CHECK_EQ(mknod(name, S_IFREG | 0644, 0), 0);
	}
	CHECK((d = opendir(".")) != NULL);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] != 'f')
			continue;
		int i = atoi(de->d_name + 1);

		CHECK(i >= 0 && i < N && !seen[i]);
		seen[i] = 1;
		n++;
		if (i % 3 == 0)
			CHECK_EQ(unlink(de->d_name), 0);
	}
	CHECK_EQ(n, N);
	(void)closedir(d);
}

TEST(fuse_a_directory_of_6000_names_lists_each_once_while_names_go)
{
	start(NULL);
	client(list_while_names_go);
	sh("test $(ls d | wc -l) = 4000; rm -rf d; test ! -e d");
	stop();
}

static int
rename_with(const char *from, const char *to, unsigned flags)
{
	return ((int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags));
}

static void
exchange(void)
{
	CHECK(rename_with("a", "b", RENAME_NOREPLACE) != 0 && errno == EEXIST);
	CHECK_EQ(rename_with("a", "b", RENAME_EXCHANGE), 0);
	CHECK_EQ(rename_with("a", "d", RENAME_EXCHANGE), 0);
}

static void
leave_whiteout(void)
{
	CHECK_EQ(rename_with("b", "c", RENAME_WHITEOUT), 0);
}

TEST(fuse_rename_flags_exchange_and_refuse)
{
	start(NULL);
	sh("echo a > a; echo b > b; mkdir d; echo in > d/in");
	client(exchange);
	sh("test $(cat d) = b; test $(cat a/in) = in; test $(cat b) = a");
	client(leave_whiteout);
	sh("test \"$(stat -c %F:%t:%T b)\" = 'character special file:0:0'");
	stop();
}

TEST(fuse_set_id_bits_and_capabilities_fall_at_a_write)
{
	start(NULL);
	sh("chmod 755 .; echo x > f; chmod 6777 f; setfattr -n security.capability "
	   "-v 0x0100000200200000000000000000000000000000 f");
	sh("su -s /bin/sh nobody -c 'echo y >> f'; test $(stat -c %a f) = 777; "
	   "! getfattr -n security.capability f 2>/dev/null");
	sh("chmod 4755 f; chown 5 f; test $(stat -c %a f) = 755");
	stop();
}

TEST(fuse_posix_acls_are_kept_inherited_and_checked)
{
	struct fuse_mount_opts o = {.posix_acl = true};

	start(&o);
	sh("command -v setfacl >/dev/null || exit 0; echo x > f; chmod 600 f; setfacl -m u:65534:r f; "
	   "test $(stat -c %a f) = 640; su -s /bin/sh nobody -c 'cat f' >/dev/null; chmod 600 f; "
	   "! su -s /bin/sh nobody -c 'cat f' 2>/dev/null; setfacl -b f; mkdir d; "
	   "setfacl -d -m u:65534:rwx,g::rx,o::- d; touch d/n; mkdir d/s; "
	   "getfacl -cn d/n | grep -q user:65534:rwx; getfacl -cn d/s | grep -q default:user:65534:rwx; "
	   "test $(stat -c %a d/n) = 660");
	stop();
}

static void
use_shifted_ids(void)
{
	struct stat st;

	CHECK(mkdir("d", 0755) != 0 && errno == EOVERFLOW); /* our id has no place in there */
	CHECK_EQ(stat(".", &st), 0);
	CHECK_EQ(st.st_uid, 100000);
	CHECK_EQ(setegid(100000), 0);
	CHECK_EQ(seteuid(100000), 0);
	CHECK_EQ(mkdir("d", 0755), 0);
	CHECK_EQ(seteuid(0), 0);
	CHECK_EQ(setegid(0), 0);
	CHECK_EQ(stat("d", &st), 0);
	CHECK_EQ(st.st_uid, 100000);
	CHECK_EQ(chown("d", 100005, 100006), 0);
	CHECK(chown("d", 5, 6) != 0 && errno == EOVERFLOW);
}

TEST(fuse_id_shift_shows_a_zones_ids_and_refuses_others)
{
	struct fuse_mount_opts o = {.idmap = {.base = 100000, .len = 65536}};

	start(&o);
	client(use_shifted_ids);
	restart(NULL);
	sh("test $(stat -c %u:%g d) = 5:6");
	stop();
}

static uint64_t
synced(void)
{
	uint64_t txg;

	spa_enter(T.spa);
	txg = spa_synced_txg(T.spa);
	spa_exit(T.spa);
	return (txg);
}

TEST(fuse_many_fsyncs_at_once_share_transaction_groups)
{
	enum { PROCS = 16, EACH = 8 };
	uint64_t before, after;
	int status;

	start(NULL);
	before = synced();
	for (int i = 0; i < PROCS; i++) {
		if (fork() == 0) {
			char name[16];
			int fd;

			(void)snprintf(name, sizeof(name), "p%d", i);
			become_client(3);
			fd = open(name, O_CREAT | O_WRONLY, 0644);
			for (int k = 0; k < EACH; k++) {
				if (write(fd, "x", 1) != 1 || fsync(fd) != 0)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < PROCS; i++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	after = synced();
	CHECK(after > before);
	CHECK(after - before < PROCS * EACH / 2);
	sh("sync -f .; test $(cat p* | wc -c) = 128");
	stop();
}

TEST(fuse_options_change_while_mounted)
{
	struct fuse_mount_opts ro = {.readonly = true}, rw = {.snapdir_visible = true};
	struct fuse_mount_opts shifted = {.idmap = {.base = 5, .len = 10}};
	struct err e = ERR_INIT;

	start(NULL);
	sh("echo x > f");
	CHECK_EQ(fuse_remount(T.fuse, "t/fs", &ro, &e), 0);
	sh("! touch g 2>/dev/null; test ! -e g; test $(cat f) = x; ! rm f 2>/dev/null; test -e f");
	CHECK_EQ(fuse_remount(T.fuse, "t/fs", &rw, &e), 0);
	sh("touch g; ls -A | grep -qx .zfs; ls .zfs | grep -qx snapshot");
	CHECK_EQ(fuse_remount(T.fuse, "t/fs", &shifted, &e), -EINVAL);
	CHECK_EQ(fuse_remount(T.fuse, "t/nothing", &rw, &e), -ENOENT);
	stop();
}

/* Keeps a file open from the first byte on `in` until the second; then it must be of no use. */
static void
hold_file(int in, int out)
{
	int fd;
	char c;

	(void)dup2(in, 0);
	(void)dup2(out, 3);
	become_client(4);
	fd = open("f", O_RDWR | O_CREAT, 0644);
	if (fd < 0 || write(fd, "x", 1) != 1 || write(3, "1", 1) != 1 || read(0, &c, 1) != 1)
		_exit(1);
	_exit(pread(fd, &c, 1, 4096) <= 0 && fsync(fd) != 0 ? 0 : 2);
}

TEST(fuse_a_forced_unmount_ends_the_files_of_its_users)
{
	struct err e = ERR_INIT;
	int go[2], ready[2], status;
	pid_t pid;
	char c;

	start(NULL);
	CHECK(pipe(go) == 0 && pipe(ready) == 0);
	if ((pid = fork()) == 0)
		hold_file(go[0], ready[1]);
	CHECK_EQ(read(ready[0], &c, 1), 1);
	CHECK_EQ(fuse_unmount(T.fuse, "t/fs", false, &e), -EBUSY);
	CHECK_EQ(fuse_unmount(T.fuse, "t/fs", true, &e), 0);
	CHECK_EQ(write(go[1], "2", 1), 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(fuse_unmount(T.fuse, "t/fs", false, &e), -ENOENT);
	stop();
}

TEST(fuse_snapshots_are_directories_below_dot_zfs)
{
	static const char *const a[] = {"t/fs@a"};
	struct err e = ERR_INIT;

	start(NULL);
	sh("echo old > f; mkdir d; echo x > d/y; test ! -e .zfs/snapshot/a; ls -A | grep -c . | grep -qx 2");
	spa_enter(T.spa);
	CHECK_EQ(dsl_snapshot(T.spa, a, 1, NULL, &e), 0);
	spa_exit(T.spa);
	sh("echo new > f; rm -r d; sleep 1.1; test $(ls .zfs/snapshot) = a");
	sh("test $(cat .zfs/snapshot/a/f) = old; test $(cat .zfs/snapshot/a/d/y) = x; test $(cat f) = new");
	sh("! touch .zfs/snapshot/a/z 2>/dev/null; test $(stat -c %i f) != $(stat -c %i .zfs/snapshot/a/f)");
	sh("cp .zfs/snapshot/a/f f2; test $(cat f2) = old; mkdir .zfs/snapshot/b; test $(ls .zfs/snapshot | wc -l) = 2");
	fuse_release_snapshot(T.fuse, "t/fs@a");
	spa_enter(T.spa);
	CHECK_EQ(dsl_destroy(T.spa, "t/fs@a", &e), 0);
	spa_exit(T.spa);
	sh("sleep 1.1; ! cat .zfs/snapshot/a/f 2>/dev/null; test $(ls .zfs/snapshot) = b; rmdir .zfs/snapshot/b");
	stop();
}

TEST(fuse_a_rollback_below_a_mount_is_seen_at_once)
{
	static const char *const a[] = {"t/fs@a"};
	struct err e = ERR_INIT;

	start(NULL);
	sh("echo one > f; mkdir d; echo keep > d/k");
	spa_enter(T.spa);
	CHECK_EQ(dsl_snapshot(T.spa, a, 1, NULL, &e), 0);
	spa_exit(T.spa);
	sh("echo second > f; rm d/k; echo n > new; cat f >/dev/null; ls -lR >/dev/null");
	CHECK_EQ(fuse_suspend(T.fuse, "t/fs"), 0);
	spa_enter(T.spa);
	if (dsl_rollback(T.spa, "t/fs", "t/fs@a", &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	spa_exit(T.spa);
	CHECK_EQ(fuse_resume(T.fuse, "t/fs", &e), 0);
	sh("test \"$(cat f)\" = one; test $(cat d/k) = keep; test ! -e new; echo more >> f; cat f | wc -l | grep -qx 2");
	stop();
}

TEST(fuse_a_full_quota_is_an_error_of_write)
{
	struct nvlist *p = nv_new();
	struct err e = ERR_INIT;

	start(NULL);
	CHECK_EQ(nv_add_str(p, "quota", "16777216"), 0);
	spa_enter(T.spa);
	if (dsl_prop_set(T.spa, "t/fs", p, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	spa_exit(T.spa);
	nv_free(p);
	sh("test $(df --output=avail -k . | tail -n 1) -le 16384");
	sh("! dd if=/dev/urandom of=big bs=1M count=40 status=none 2>err; grep -q 'quota' err; "
	   "test $(stat -c %s big) -ge 8000000; rm big; sync -f .; dd if=/dev/urandom of=again bs=1M count=8 status=none");
	stop();
}

/* --- one file, all ways to change it, against a copy in memory -------------------------------- */

enum { FSX_MAX = 600 * 1024 };

static struct fsx { /* shared with the client */
	int fd;
	uint64_t salt;
	size_t size;
	uint8_t good[FSX_MAX], buf[FSX_MAX];
} *X;

static size_t
fsx_rand(size_t n)
{
	return ((size_t)((test_rand() ^ X->salt) % n));
}

static void
fsx_range(size_t *off, size_t *len)
{
	*off = fsx_rand(FSX_MAX - 1);
	*len = 1 + fsx_rand(fsx_rand(5) == 0 ? 200000 : 6000);
	if (*len > FSX_MAX - *off)
		*len = FSX_MAX - *off;
}

static void
fsx_write(void)
{
	size_t off, len;

	fsx_range(&off, &len);
	memset(X->buf, (int)fsx_rand(256), len);
	X->buf[len / 2] ^= 0x55;
	CHECK_EQ(pwrite(X->fd, X->buf, len, (off_t)off), len);
	memcpy(X->good + off, X->buf, len);
	X->size = off + len > X->size ? off + len : X->size;
}

static void
fsx_read(void)
{
	size_t off, len, want;

	fsx_range(&off, &len);
	want = off >= X->size ? 0 : len < X->size - off ? len : X->size - off;
	CHECK_EQ(pread(X->fd, X->buf, len, (off_t)off), want);
	CHECK_MEM(X->buf, X->good + off, want);
}

static void
fsx_map(bool write)
{
	size_t off, len;
	uint8_t *map;

	fsx_range(&off, &len);
	if (off >= X->size)
		return;
	if (len > X->size - off)
		len = X->size - off;
	map = mmap(NULL, X->size, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, X->fd, 0);
	CHECK(map != MAP_FAILED);
	if (write) {
		memset(map + off, (int)fsx_rand(256), len);
		memcpy(X->good + off, map + off, len);
	}
	CHECK_MEM(map + off, X->good + off, len);
	if (write && fsx_rand(2))
		CHECK_EQ(msync(map, X->size, MS_SYNC), 0);
	CHECK_EQ(munmap(map, X->size), 0);
}

static void
fsx_truncate(void)
{
	size_t size = fsx_rand(FSX_MAX);

	CHECK_EQ(ftruncate(X->fd, (off_t)size), 0);
	if (size < X->size)
		memset(X->good + size, 0, X->size - size);
	X->size = size;
}

static void
fsx_punch(void)
{
	size_t off, len;

	fsx_range(&off, &len);
	CHECK_EQ(fallocate(X->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)len), 0);
	if (off < X->size)
		memset(X->good + off, 0, len < X->size - off ? len : X->size - off);
}

static void
fsx_copy_range(void)
{
	size_t from = fsx_rand(FSX_MAX / 2), to = FSX_MAX / 2 + fsx_rand(FSX_MAX / 4);
	size_t len = 1 + fsx_rand(FSX_MAX / 4);
	loff_t in = (loff_t)from, out = (loff_t)to;
	ssize_t n = syscall(SYS_copy_file_range, X->fd, &in, X->fd, &out, len, 0);

	if (n < 0)
		CHECK(errno == EINVAL); /* the ranges overlap */
	if (n <= 0)
		return;
	memcpy(X->good + to, X->good + from, (size_t)n);
	X->size = to + (size_t)n > X->size ? to + (size_t)n : X->size;
}

static void
fsx_check(void)
{
	struct stat st;

	CHECK_EQ(fstat(X->fd, &st), 0);
	CHECK_EQ(st.st_size, X->size);
	if (fsx_rand(2)) {
		CHECK_EQ(fsync(X->fd), 0);
		(void)posix_fadvise(X->fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	CHECK_EQ(pread(X->fd, X->buf, FSX_MAX, 0), X->size);
	CHECK_MEM(X->buf, X->good, X->size);
}

enum { FSX_ROUND = 300 };

static void
fsx_round(void)
{
	CHECK((X->fd = open("fsx", O_RDWR | O_CREAT, 0644)) >= 0);
	fsx_check();
	for (int i = 1; i <= FSX_ROUND; i++) {
		switch (fsx_rand(9)) {
		case 0: case 1: case 2: fsx_write(); break;
		case 3: fsx_read(); break;
		case 4: fsx_map(false); break;
		case 5: fsx_map(true); break;
		case 6: fsx_truncate(); break;
		case 7: fsx_punch(); break;
		case 8: fsx_copy_range(); break;
		}
		if (i % 20 == 0)
			fsx_check();
	}
	(void)close(X->fd);
}

static void
fsx(const struct fuse_mount_opts *o, int rounds)
{
	X = mmap(NULL, sizeof(*X), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(X != MAP_FAILED);
	start(o);
	while (rounds-- > 0) {
		X->salt = test_rand(); /* the client has a copy of the generator */
		client(fsx_round);
		restart(o);
	}
	stop();
}

TEST(fuse_a_file_changed_in_all_ways_keeps_its_bytes)
{
	fsx(NULL, 5);
}

TEST(fuse_a_file_keeps_its_bytes_with_write_back_caching)
{
	struct fuse_mount_opts o = {.writeback = true};

	fsx(&o, 5);
}

TEST(fuse_write_back_caching_keeps_sizes_and_times)
{
	struct fuse_mount_opts o = {.writeback = true};

	start(&o);
	sh("for i in $(seq 300); do echo $i >> log; done; test $(wc -l < log) = 300");
	sh("touch -d '1999-01-02 03:04:05.5' log; test $(stat -c %Y log) = $(date -d '1999-01-02 03:04:05' +%s)");
	sh("date +%s > stamp; sleep 1.2; echo x >> log; test $(stat -c %Y log) -gt $(cat stamp)");
	sh("stat -c '%s %y %z' log stamp > before; cp -p log copy");
	restart(NULL);
	sh("stat -c '%s %y %z' log stamp | diff - before; test \"$(stat -c %y copy)\" = \"$(stat -c %y log)\"");
	stop();
}
