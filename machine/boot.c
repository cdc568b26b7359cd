/* SPDX-License-Identifier: MIT */
/*
 * From a bare kernel to a machine, and back.
 *
 * The kernel unpacks the initramfs into rootfs, the mount that has no parent. Everything the image
 * holds stays there, in RAM; boot_own_root only puts a bind mount of it on top, so that a zone's
 * pivot_root has a parent mount to move.
 *
 * Devices: devtmpfs makes the nodes, the kernel's uevents announce them, kmod loads what drives them.
 * One process does both jobs, the devices that are there and those that come, with one index.
 */
#include "smartbox/machine/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/machine/kmod.h"

int
boot_own_root(struct err *e)
{
	if (mkdir("/mnt", 0755) != 0 && errno != EEXIST)
		return (err_sys(e, errno, "'/mnt'"));
	if (mount("/", "/mnt", NULL, MS_BIND, NULL) != 0)
		return (err_sys(e, errno, "cannot bind the root"));
	if (chdir("/mnt") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 ||
	    chdir("/") != 0)
		return (err_sys(e, errno, "cannot move the root"));
	return (0);
}

static const struct kernel_mount {
	const char *type, *target;
	unsigned long flags;
	const char *data;
	bool needed;
} kernel_mounts[] = {
    {"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, true},
    {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, true},
    {"devtmpfs", "/dev", MS_NOSUID, "mode=0755", true},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,gid=5,ptmxmode=0666", true},
    {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777", true},
    {"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755", true},
    {"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777", true},
    {"cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, true},
    {"bpf", "/sys/fs/bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700", false},
    {"tracefs", "/sys/kernel/tracing", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, false},
};

/*
 * Nodes whose opening makes the kernel ask for their driver (modprobe char-major-10-N): nothing on a
 * bus would announce these.
 */
static void
make_static_nodes(void)
{
	static const struct {
		const char *path;
		mode_t mode;
		unsigned minor;
	} nodes[] = {{"/dev/fuse", 0666, 229}, {"/dev/net/tun", 0666, 200},
	    {"/dev/loop-control", 0660, 237}, {"/dev/vhost-net", 0660, 238}};

	(void)mkdir("/dev/net", 0755);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (mknod(nodes[i].path, S_IFCHR | nodes[i].mode, makedev(10, nodes[i].minor)) == 0)
			(void)chmod(nodes[i].path, nodes[i].mode);
}

int
boot_mount_kernel(struct err *e)
{
	const struct kernel_mount *m;

	for (m = kernel_mounts; m < kernel_mounts + sizeof(kernel_mounts) / sizeof(*m); m++) {
		(void)mkdir(m->target, 0755);
		if (mount(m->type, m->target, m->type, m->flags, m->data) != 0 && errno != EBUSY &&
		    m->needed)
			return (err_sys(e, errno, "cannot mount %s on %s", m->type, m->target));
	}
	make_static_nodes();
	(void)symlink("/proc/self/fd", "/dev/fd");
	(void)symlink("/proc/self/fd/0", "/dev/stdin");
	(void)symlink("/proc/self/fd/1", "/dev/stdout");
	(void)symlink("/proc/self/fd/2", "/dev/stderr");
	/* Zones get their own mount tables; what we mount later must not leak into them. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) != 0)
		return (err_sys(e, errno, "cannot share the root"));
	return (0);
}

int
boot_loopback(struct err *e)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd, rc = 0;

	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return (err_sys(e, errno, "no IP in this kernel"));
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) != 0)
		rc = err_sys(e, errno, "interface lo");
	(void)close(fd);
	return (rc);
}

static int
uevent_open(struct err *e)
{
	struct sockaddr_nl sa = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd, size = 4 << 20;

	fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return (err_sys(e, errno, "uevent socket"));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		(void)close(fd);
		return (err_sys(e, errno, "uevent socket"));
	}
	return (fd);
}

/* The value of KEY= in an event: strings one after the other. NULL when it is not there. */
static const char *
uevent_value(const char *event, size_t len, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = event; p < event + len; p += strlen(p) + 1)
		if (strncmp(p, key, n) == 0)
			return (p + n);
	return (NULL);
}

/* Read one event; only the kernel's own are believed. */
static void
uevent_handle(int fd, struct kmod *k)
{
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	char event[8192];
	const char *action, *alias;
	ssize_t n;

	n = recvfrom(fd, event, sizeof(event) - 1, 0, (struct sockaddr *)&from, &from_len);
	if (n <= 0 || from.nl_pid != 0)
		return;
	event[n] = '\0';
	action = uevent_value(event, (size_t)n, "ACTION=");
	alias = uevent_value(event, (size_t)n, "MODALIAS=");
	if (action != NULL && alias != NULL && strcmp(action, "add") == 0)
		(void)kmod_load(k, alias, NULL, NULL);
}

/* What no device asks for and no alias brings: /dev/fuse must be there before it is opened. */
static const char *const always_loaded[] = {"fuse", "smartbox", NULL};

int
boot_hotplug(int ready_fd, struct err *e)
{
	struct kmod *k;
	int fd, rc;

	if ((fd = uevent_open(e)) < 0)
		return (fd);
	if ((rc = kmod_open(NULL, &k, e)) != 0) {
		(void)close(fd);
		return (rc);
	}
	(void)kmod_coldplug(k, "/sys/devices", NULL);
	for (const char *const *name = always_loaded; *name != NULL; name++)
		(void)kmod_load(k, *name, NULL, NULL);
	(void)io_write_full(ready_fd, "", 1);
	(void)close(ready_fd);
	for (;;)
		uevent_handle(fd, k);
}

/* Cut the last line off a text; returns it, or NULL when nothing is left. */
static char *
last_line(char *text, size_t *len)
{
	while (*len > 0 && text[*len - 1] == '\n')
		text[--*len] = '\0';
	if (*len == 0)
		return (NULL);
	while (*len > 0 && text[*len - 1] != '\n')
		--*len;
	return (text + *len);
}

void
boot_unmount_all(void)
{
	char *text, *line, *target;
	size_t len;

	if (file_read("/proc/self/mounts", 64 << 20, &text, &len, NULL) != 0)
		return;
	while ((line = last_line(text, &len)) != NULL) {
		if ((target = strchr(line, ' ')) == NULL)
			continue;
		target++;
		target[strcspn(target, " ")] = '\0';
		if (strcmp(target, "/") != 0 && umount2(target, 0) != 0)
			(void)umount2(target, MNT_DETACH);
	}
	(void)mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	free(text);
}
