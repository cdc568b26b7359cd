/* SPDX-License-Identifier: MIT */
/*
 * The file tree of a zone, built by the real root before any code of the zone runs.
 *
 * The builder process has the real root's credentials and a mount namespace of its own, but already
 * sits in the zone's pid, network, ipc, uts and cgroup namespaces, so that proc, sysfs, mqueue and
 * cgroup2 show the zone's side.  Everything is made detached, and attached to descriptors that were
 * opened below the zone's root with openat2(RESOLVE_IN_ROOT|RESOLVE_NO_SYMLINKS): a symlink in the
 * zone's tree at /proc, /sys, /dev, /tmp or a lofs directory makes the boot fail; it is not followed.
 *
 * When the tree is complete the zone's init copies it into a mount namespace that its own user
 * namespace owns (zone_platform.c).  The kernel then locks all of it: the zone's root can neither
 * unmount a mask nor remount anything with fewer restrictions.
 *
 * Invariants:
 *  1. Nothing of the zone's tree is resolved by path from outside its root.
 *  2. A node bound over a file as a mask is checked to be the null device after it was opened.
 *  3. Device nodes come from a fixed list or the `device` resources; the zone cannot make others (no
 *     CAP_MKNOD, file systems that it mounts are nodev).
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "newmount.h"
#include "zone_platform.h"

enum { SAFE = MNT_NOSUID | MNT_NODEV, BARE = MNT_NOSUID | MNT_NODEV | MNT_NOEXEC };

/* --- the root itself --- */

int
zone_root_open(const struct zone_platform *p, bool *needs_idmap, struct err *e)
{
	const char *zonepath = zonecfg_get(p->cfg, "zonepath");
	int zfd = open(zonepath, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), fd, tree;
	struct stat st;

	if (zfd < 0)
		return (err_sys(e, errno, "zonepath %s", zonepath));
	fd = openat(zfd, "root", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	(void)close(zfd);
	if (fd < 0)
		return (err_sys(e, errno, "zone root %s/root", zonepath));
	tree = fstat(fd, &st) == 0 ? mnt_clone(fd, "") : -errno;
	(void)close(fd);
	if (tree < 0)
		return (err_rc(e, tree, "zone root %s/root", zonepath));
	if (st.st_uid < ZONE_IDS) {
		*needs_idmap = true;
	} else if (st.st_uid - p->id_base < ZONE_IDS) {
		*needs_idmap = false; /* the file server shifts already */
	} else {
		(void)close(tree);
		return (err_set(e, EINVAL, "%s/root belongs to user %u, outside of the zone's ids",
		    zonepath, (unsigned)st.st_uid));
	}
	return (tree);
}

int
zone_root_enter(int root, struct err *e)
{
	if (fchdir(root) != 0)
		return (err_sys(e, errno, "zone root"));
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		if (umount2(".", MNT_DETACH) != 0)
			return (err_sys(e, errno, "cannot leave the old root"));
		return (chdir("/") == 0 ? 0 : err_sys(e, errno, "zone root"));
	}
	/* An initramfs cannot be pivoted away from: cover it instead. */
	if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 ||
	    chdir("/") != 0)
		return (err_sys(e, errno, "cannot enter the zone root"));
	return (0);
}

/* --- places in it --- */

/* A directory (made when missing, owned by the zone's root), as an O_PATH descriptor. */
static int
place_dir(const struct zone_platform *p, int root, const char *path, struct err *e)
{
	int fd = open_beneath(root, path, O_PATH | O_DIRECTORY), parent;
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (fd == -ENOENT && slash != NULL) {
		(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		if ((parent = place_dir(p, root, dir, e)) < 0)
			return (parent);
	} else if (fd == -ENOENT) {
		parent = fcntl(root, F_DUPFD_CLOEXEC, 3);
	} else {
		if (fd == -ELOOP || fd == -ENOTDIR)
			return (err_set(e, -fd, "/%s in the zone's root is not a directory", path));
		return (fd >= 0 ? fd : err_rc(e, fd, "/%s in the zone's root", path));
	}
	/* Files of the zone are made with its root's ids; the real root has none there. */
	(void)setfsgid(p->id_base);
	(void)setfsuid(p->id_base);
	if (mkdirat(parent, slash != NULL ? slash + 1 : path, 0755) != 0 && errno != EEXIST)
		fd = -errno;
	(void)setfsuid(0);
	(void)setfsgid(0);
	(void)close(parent);
	if (fd == -ENOENT)
		fd = open_beneath(root, path, O_PATH | O_DIRECTORY);
	return (fd >= 0 ? fd : err_rc(e, fd, "/%s in the zone's root", path));
}

/* Attach `mfd` (consumed) over the directory `path`. */
static int
attach_dir(const struct zone_platform *p, int root, const char *path, int mfd, struct err *e)
{
	int at, rc;

	if (mfd < 0)
		return (mfd);
	at = place_dir(p, root, path, e);
	rc = at < 0 ? at : mnt_attach(mfd, at);
	if (at >= 0) {
		(void)close(at);
		rc = rc == 0 ? 0 : err_rc(e, rc, "cannot mount on /%s", path);
	}
	(void)close(mfd);
	return (rc);
}

/* Attach `mfd` (consumed) over what is there already, file or directory. */
static int
attach_over(int at, int mfd, const char *what, struct err *e)
{
	int rc = mfd >= 0 ? mnt_attach(mfd, at) : mfd;

	if (mfd >= 0)
		(void)close(mfd);
	return (rc == 0 ? 0 : err_rc(e, rc, "cannot mount on /%s", what));
}

/* --- /dev --- */

static const struct {
	const char *name;
	unsigned major, minor;
} nodes[] = {
    {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9},
    {"tty", 5, 0},
};

static const struct {
	const char *name, *target;
} links[] = {
    {"ptmx", "pts/ptmx"}, {"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
};

static int
make_node(int dev, const char *name, mode_t mode, dev_t rdev, uint32_t base, struct err *e)
{
	if (mknodat(dev, name, mode, rdev) != 0 || fchownat(dev, name, base, base, 0) != 0 ||
	    fchmodat(dev, name, mode & 07777, 0) != 0)
		return (err_sys(e, errno, "/dev/%s", name));
	return (0);
}

static int
make_fixed_nodes(int dev, uint32_t base, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]) && rc == 0; i++)
		rc = make_node(dev, nodes[i].name, S_IFCHR | 0666,
		    makedev(nodes[i].major, nodes[i].minor), base, e);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && rc == 0; i++)
		if (symlinkat(links[i].target, dev, links[i].name) != 0 ||
		    fchownat(dev, links[i].name, base, base, AT_SYMLINK_NOFOLLOW) != 0)
			rc = err_sys(e, errno, "/dev/%s", links[i].name);
	return (rc);
}

/* One node that a `device` resource matches: "/dev/a/b" becomes a/b with its directories. */
static int
copy_node(int dev, const char *path, uint32_t base, struct err *e)
{
	const char *rel = path + strlen("/dev/");
	char dir[PATH_MAX];
	struct stat st;

	if (stat(path, &st) != 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
		return (0);
	for (const char *s = strchr(rel, '/'); s != NULL; s = strchr(s + 1, '/')) {
		(void)snprintf(dir, sizeof(dir), "%.*s", (int)(s - rel), rel);
		if (mkdirat(dev, dir, 0755) != 0 && errno != EEXIST)
			return (err_sys(e, errno, "/dev/%s", dir));
	}
	if (faccessat(dev, rel, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return (0);
	return (make_node(dev, rel, (st.st_mode & S_IFMT) | 0660, st.st_rdev, base, e));
}

static int
make_configured_nodes(const struct zone_platform *p, int dev, struct err *e)
{
	const char *brand = zonecfg_get(p->cfg, "brand");
	struct zonecfg_res *r = NULL;
	int rc = 0;

	/* A virtual machine's devices are its disks; its monitor has them open already. */
	if (brand != NULL && (strcmp(brand, "kvm") == 0 || strcmp(brand, "bhyve") == 0))
		return (0);
	while (rc == 0 && (r = zonecfg_res_next(p->cfg, "device", r)) != NULL) {
		const char *match = zonecfg_res_get(r, "match");
		glob_t g;

		if (strncmp(match, "/dev/", 5) != 0 || strstr(match, "..") != NULL)
			return (err_set(e, EINVAL, "device '%s' is not below /dev", match));
		if (glob(match, GLOB_NOSORT, NULL, &g) != 0)
			continue;
		for (size_t i = 0; i < g.gl_pathc && rc == 0; i++)
			rc = copy_node(dev, g.gl_pathv[i], p->id_base, e);
		globfree(&g);
	}
	return (rc);
}

static int
make_plain_file(int dir, const char *name, const char *text, struct err *e)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444), rc = 0;

	if (fd < 0 || (text != NULL && write(fd, text, strlen(text)) != (ssize_t)strlen(text)))
		rc = err_sys(e, errno, "%s", name);
	if (fd >= 0)
		(void)close(fd);
	return (rc);
}

/* /dev/zone: who am I, for zonename and scripts, and the door of tracing where it is granted; read-only. */
static int
zone_facts(const struct zone_platform *p, struct err *e)
{
	static const char *const opts[] = {"mode=755", "size=64k", NULL};
	const char *uuid = zonecfg_get(p->cfg, "uuid");
	int fd = mnt_new("tmpfs", opts, 0, e), rc;
	char text[128];

	if (fd < 0)
		return (fd);
	(void)snprintf(text, sizeof(text), "%s\n", zonecfg_name(p->cfg));
	rc = make_plain_file(fd, "name", text, e);
	(void)snprintf(text, sizeof(text), "%d\n", p->id);
	rc = rc != 0 ? rc : make_plain_file(fd, "id", text, e);
	(void)snprintf(text, sizeof(text), "%s\n", uuid != NULL ? uuid : "");
	rc = rc != 0 ? rc : make_plain_file(fd, "uuid", text, e);
	if (rc == 0 && p->trace >= 0)
		rc = zone_trace_bind(p, fd, e);
	rc = rc != 0 ? rc : mnt_attr(fd, MNT_RDONLY | BARE, -1);
	if (rc == 0)
		return (fd);
	(void)close(fd);
	return (rc);
}

static int
new_tmpfs(const struct zone_platform *p, const char *mode, uint64_t size, unsigned attrs,
    struct err *e)
{
	char o[4][48];
	const char *opts[5] = {o[0], o[1], o[2], size != 0 ? o[3] : NULL, NULL};

	(void)snprintf(o[0], sizeof(o[0]), "mode=%s", mode);
	(void)snprintf(o[1], sizeof(o[1]), "uid=%" PRIu32, p->id_base);
	(void)snprintf(o[2], sizeof(o[2]), "gid=%" PRIu32, p->id_base);
	(void)snprintf(o[3], sizeof(o[3]), "size=%" PRIu64, size);
	return (mnt_new("tmpfs", opts, attrs, e));
}

static int
new_devpts(const struct zone_platform *p, struct err *e)
{
	char gid[32];
	const char *opts[] = {"newinstance", "ptmxmode=0666", "mode=0620", gid, NULL};

	(void)snprintf(gid, sizeof(gid), "gid=%" PRIu32, p->id_base + 5); /* group tty */
	return (mnt_new("devpts", opts, MNT_NOSUID | MNT_NOEXEC, e));
}

static int
build_dev(const struct zone_platform *p, int root, int *devpts, struct err *e)
{
	uint64_t shm = zonecfg_get_u64(p->cfg, "max-shm-memory", 0);
	int dev = new_tmpfs(p, "755", 4 << 20, MNT_NOSUID | MNT_NOEXEC, e), at, rc;

	if (dev < 0)
		return (dev);
	(void)umask(0);
	if ((rc = make_fixed_nodes(dev, p->id_base, e)) != 0 ||
	    (rc = make_configured_nodes(p, dev, e)) != 0 ||
	    (rc = make_plain_file(dev, "console", NULL, e)) != 0) {
		(void)close(dev);
		return (rc);
	}
	if ((rc = attach_dir(p, root, "dev", dev, e)) != 0)
		return (rc);
	if ((*devpts = new_devpts(p, e)) < 0)
		return (*devpts);
	if ((rc = attach_dir(p, root, "dev/pts", fcntl(*devpts, F_DUPFD_CLOEXEC, 3), e)) != 0 ||
	    (rc = attach_dir(p, root, "dev/shm", new_tmpfs(p, "1777", shm, SAFE, e), e)) != 0 ||
	    (rc = attach_dir(p, root, "dev/mqueue", mnt_new("mqueue", NULL, BARE, e), e)) != 0 ||
	    (rc = attach_dir(p, root, "dev/zone", zone_facts(p, e), e)) != 0)
		return (rc);
	if ((at = open_beneath(root, "dev/console", O_PATH)) < 0)
		return (err_rc(e, at, "/dev/console"));
	rc = attach_over(at, fcntl(p->console_mount, F_DUPFD_CLOEXEC, 3), "dev/console", e);
	(void)close(at);
	return (rc);
}

/* --- /proc and /sys --- */

static const char *const proc_masked[] = {
    "kcore", "keys", "key-users", "kmsg", "kallsyms", "latency_stats", "timer_list", "timer_stats",
    "sched_debug", "scsi", "acpi", "asound", "interrupts", "sysrq-trigger", "slabinfo", "vmallocinfo",
    "pagetypeinfo", "iomem", "ioports", "modules", "config.gz", "mtrr", "driver", "smartbox",
    "sys/kernel/core_pattern", "sys/kernel/modprobe", "sys/kernel/hotplug", "sys/vm/panic_on_oom",
    "sys/fs/binfmt_misc", NULL,
};
/* "sys/net" is put back, writable: it is the zone's own network stack. */
static const char *const proc_readonly[] = {"bus", "fs", "irq", "sys", NULL};
static const char *const sys_masked[] = {
    "firmware", "kernel/security", "kernel/debug", "kernel/tracing", "kernel/btf",
    "devices/virtual/powercap", "devices/virtual/dmi", "module", "hypervisor", NULL,
};

/* The zone's null device again, as a mount to lay over a file; invariant 2. */
static int
null_mount(int root)
{
	int fd = open_beneath(root, "dev/null", O_PATH | O_NOFOLLOW), m;
	struct stat st;

	if (fd < 0)
		return (fd);
	m = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3) ?
	    mnt_clone(fd, "") :
	    -EINVAL;
	(void)close(fd);
	return (m);
}

static int
mask(const struct zone_platform *p, int root, const char *top, const char *leaf, struct err *e)
{
	char path[256];
	struct stat st;
	int at, rc;

	(void)snprintf(path, sizeof(path), "%s/%s", top, leaf);
	if ((at = open_beneath(root, path, O_PATH | O_NOFOLLOW)) < 0)
		return (at == -ENOENT || at == -ENOTDIR ? 0 : err_rc(e, at, "/%s", path));
	if (fstat(at, &st) != 0)
		rc = err_sys(e, errno, "/%s", path);
	else if (S_ISDIR(st.st_mode))
		rc = attach_over(at, new_tmpfs(p, "555", 4096, BARE | MNT_RDONLY, e), path, e);
	else
		rc = attach_over(at, null_mount(root), path, e);
	(void)close(at);
	return (rc);
}

static int
mask_all(const struct zone_platform *p, int root, const char *top, const char *const *list,
    struct err *e)
{
	int rc = 0;

	for (; *list != NULL && rc == 0; list++)
		rc = mask(p, root, top, *list, e);
	return (rc);
}

/* The same mount once more over itself, with more restrictions. */
static int
restrict_to(int root, const char *path, int clone_of, uint64_t attrs, struct err *e)
{
	int at = open_beneath(root, path, O_PATH | O_NOFOLLOW), m, rc;

	if (at < 0)
		return (at == -ENOENT ? 0 : err_rc(e, at, "/%s", path));
	m = clone_of >= 0 ? fcntl(clone_of, F_DUPFD_CLOEXEC, 3) : mnt_clone(at, "");
	rc = m < 0 ? m : mnt_attr(m, attrs, -1);
	if (rc == 0)
		rc = attach_over(at, m, path, e);
	else if (m >= 0)
		(void)close(m);
	(void)close(at);
	return (rc == 0 ? 0 : err_rc(e, rc, "/%s", path));
}

static int
build_proc(const struct zone_platform *p, int root, struct err *e)
{
	int rc = attach_dir(p, root, "proc", mnt_new("proc", NULL, BARE, e), e), at, net = -1;
	char path[32];

	if (rc != 0)
		return (rc);
	if ((at = open_beneath(root, "proc/sys/net", O_PATH | O_DIRECTORY)) >= 0) {
		net = mnt_clone(at, "");
		(void)close(at);
	}
	if (net < 0)
		return (err_rc(e, net, "/proc/sys/net"));
	for (const char *const *l = proc_readonly; *l != NULL && rc == 0; l++) {
		(void)snprintf(path, sizeof(path), "proc/%s", *l);
		rc = restrict_to(root, path, -1, BARE | MNT_RDONLY, e);
	}
	/* Behind the read-only layer, which would hide what lies below it. */
	if (rc == 0)
		rc = mask_all(p, root, "proc", proc_masked, e);
	if (rc == 0)
		rc = restrict_to(root, "proc/sys/net", net, BARE, e);
	(void)close(net);
	return (rc);
}

static int
build_sys(const struct zone_platform *p, int root, struct err *e)
{
	int rc = attach_dir(p, root, "sys", mnt_new("sysfs", NULL, BARE | MNT_RDONLY, e), e), at;

	if (rc != 0 || (rc = mask_all(p, root, "sys", sys_masked, e)) != 0)
		return (rc);
	if ((at = open_beneath(root, "sys/fs/cgroup", O_PATH | O_DIRECTORY)) < 0)
		return (err_rc(e, at, "/sys/fs/cgroup"));
	rc = attach_over(at, mnt_new("cgroup2", NULL, BARE, e), "sys/fs/cgroup", e);
	(void)close(at);
	return (rc);
}

/* --- configured file systems --- */

static int
lofs_options(const struct zonecfg_res *r, uint64_t *attrs, bool *idmap, struct err *e)
{
	static const struct {
		const char *name;
		uint64_t attr;
	} known[] = {{"ro", MNT_RDONLY}, {"rw", 0}, {"nosuid", MNT_NOSUID}, {"nodev", MNT_NODEV},
	    {"nodevices", MNT_NODEV}, {"noexec", MNT_NOEXEC}, {"nosetuid", MNT_NOSUID}};
	const char *o;

	*attrs = MNT_NODEV;
	*idmap = false;
	for (size_t i = 0; (o = zonecfg_res_list(r, i)) != NULL; i++) {
		size_t k;

		for (k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			if (strcmp(o, known[k].name) == 0)
				break;
		if (k < sizeof(known) / sizeof(known[0]))
			*attrs |= known[k].attr;
		else if (strcmp(o, "idmap") == 0)
			*idmap = true;
		else
			return (err_set(e, EINVAL, "fs '%s': unknown option '%s'",
			    zonecfg_res_get(r, "dir"), o));
	}
	return (0);
}

static int
open_special(const struct zonecfg_res *r, int userns, struct err *e)
{
	const char *special = zonecfg_res_get(r, "special");
	uint64_t attrs;
	bool idmap;
	int m, rc = lofs_options(r, &attrs, &idmap, e);

	if (rc != 0)
		return (rc);
	if ((m = mnt_clone(AT_FDCWD, special)) < 0)
		return (err_rc(e, m, "%s", special));
	if ((rc = mnt_attr(m, attrs, idmap ? userns : -1)) != 0) {
		(void)close(m);
		return (err_rc(e, rc, "%s: options cannot be applied", special));
	}
	return (m);
}

static int
mount_fs(const struct zone_platform *p, int root, const struct zonecfg_res *r, struct err *e)
{
	const char *type = zonecfg_res_get(r, "type"), *dir = zonecfg_res_get(r, "dir") + 1;
	int userns = -1, m;

	if (strcmp(type, "tmpfs") == 0) {
		m = new_tmpfs(p, "755", 0, SAFE, e);
	} else if (strcmp(type, "lofs") == 0) {
		/* The builder is in the zone's pid namespace: its init is 1 in the new proc. */
		userns = open_beneath(root, "proc/1/ns", O_PATH | O_DIRECTORY);
		if (userns >= 0) {
			int ns = openat(userns, "user", O_RDONLY | O_CLOEXEC);

			(void)close(userns);
			userns = ns;
		}
		m = open_special(r, userns, e);
	} else {
		return (err_set(e, ENOTSUP, "fs '/%s': type '%s' is not supported", dir, type));
	}
	if (userns >= 0)
		(void)close(userns);
	return (attach_dir(p, root, dir, m, e));
}

static int
build_configured(const struct zone_platform *p, int root, struct err *e)
{
	const char *tmp_mb = zonecfg_attr(p->cfg, "tmpfs");
	uint64_t mb = tmp_mb != NULL ? strtoull(tmp_mb, NULL, 10) : 0;
	struct zonecfg_res *r = NULL;
	int rc = 0;

	if (mb != 0)
		rc = attach_dir(p, root, "tmp", new_tmpfs(p, "1777", mb << 20, SAFE, e), e);
	while (rc == 0 && (r = zonecfg_res_next(p->cfg, "fs", r)) != NULL)
		rc = mount_fs(p, root, r, e);
	return (rc);
}

int
zone_root_build(const struct zone_platform *p, int root, int *devpts, struct err *e)
{
	int rc;

	if ((rc = build_dev(p, root, devpts, e)) != 0 || (rc = build_proc(p, root, e)) != 0 ||
	    (rc = build_sys(p, root, e)) != 0 ||
	    (rc = attach_dir(p, root, "run", new_tmpfs(p, "755", 0, SAFE, e), e)) != 0)
		return (rc);
	return (build_configured(p, root, e));
}
