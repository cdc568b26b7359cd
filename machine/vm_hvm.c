/* SPDX-License-Identifier: MIT */
/*
 * Running kvm and bhyve machines: the monitor is the first process of the machine's zone.
 *
 *	vmadm start -> zoned: namespaces, caps, ids, empty root
 *	                 | hook, with the host's rights: open /dev/kvm, firmware, ISOs; taps on the nic tags;
 *	                 | connect the volumes; start their broker; listen on the control socket
 *	                 v
 *	               vmx run ... fd:100 fd:101 ...	executed in the zone, then jails itself once more
 *
 * So the two walls are the zone's (its user namespace, cgroup caps, seccomp list) and the monitor's own
 * (no root, no capability, a list of system calls for each thread).  The console is the zone's: what
 * `vmadm console` and `zlogin -C` show is the first serial port.
 *
 * Sockets that the monitor listens on are made here, in <run>/vm/NAME.*, where only root comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/machine/kmod.h"
#include "smartbox/machine/nictag.h"
#include "smartbox/machine/prop.h"
#include "smartbox/machine/volbroker.h"
#include "vm_impl.h"

#define FIRMWARE_DIR "/usr/share/seabios"
enum { JAIL_UID = 65533, ORDER_MAX = 64, DISKS_MAX = 16 };

struct builder {
	const struct machine *m;
	const struct zone_hook_args *a;
	const char *name;
	const json_t *vm;
	struct zone_program *out;
	struct buf args;
	char order[ORDER_MAX];
};

/* --- arguments and descriptors ------------------------------------------------------------------ */

static void
arg(struct builder *b, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_add(&b->args, text, strlen(text) + 1);
}

/* The number that a descriptor will have in the monitor; it is the program's from here on. */
static int
give_fd(struct builder *b, int fd)
{
	if (b->out->nfds == ZONE_PROGRAM_FDS) {
		(void)close(fd);
		return (0);
	}
	b->out->fds[b->out->nfds++] = fd;
	return (ZONE_PROGRAM_FD0 + (int)b->out->nfds - 1);
}

static int
give_file(struct builder *b, const char *option, const char *path, int flags, struct err *e)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return (err_sys(e, errno, "%s", path));
	arg(b, "%s", option);
	arg(b, "fd:%d", give_fd(b, fd));
	return (0);
}

static int
firmware(struct builder *b, const char *option, const char *file, struct err *e)
{
	const char *dir = getenv("SMARTBOX_FIRMWARE");
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : FIRMWARE_DIR, file);
	return (give_file(b, option, path, O_RDONLY, e));
}

/* --- sockets ------------------------------------------------------------------------------------ */

static int
give_listener(struct builder *b, const char *option, const char *suffix, struct err *e)
{
	struct sockaddr_un sun;
	char dir[PATH_MAX];
	int fd, rc;

	(void)snprintf(dir, sizeof(dir), "%s/vm", b->m->zenv.run);
	if ((rc = file_mkdirs(dir, 0700, e)) != 0 ||
	    (fd = rc = vm_hvm_socket(b->m, b->name, suffix, &sun, e)) < 0)
		return (rc);
	(void)unlink(sun.sun_path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0 || listen(fd, 8) != 0) {
		rc = err_sys(e, errno, "%s", sun.sun_path);
		(void)close(fd);
		return (rc);
	}
	arg(b, "%s", option);
	arg(b, "fd:%d", give_fd(b, fd));
	return (0);
}

static int
give_tcp(struct builder *b, struct err *e)
{
	int fd = vm_hvm_vnc_socket(b->vm, e);

	if (fd < 0)
		return (fd);
	arg(b, "-V");
	arg(b, "fd:%d", give_fd(b, fd));
	return (0);
}

/* "-k de" among QEMU's options names the clients' keyboard; QEMU's names are ours. */
static const char *
keymap_of(const json_t *vm, char buf[16])
{
	const char *p = strstr(json_str(vm, "qemu_extra_opts", ""), "-k ");

	if (p == NULL)
		return ("en-us");
	p += 3 + strspn(p + 3, " ");
	(void)snprintf(buf, 16, "%.*s", (int)strspn(p, "abcdefghijklmnopqrstuvwxyz-"), p);
	return (buf);
}

static int
give_display(struct builder *b, struct err *e)
{
	const char *password = json_str(b->vm, "vnc_password", "");
	char keymap[16];
	int rc;

	if ((rc = firmware(b, "-G", "vgabios-stdvga.bin", e)) != 0 ||
	    (rc = give_listener(b, "-V", "vnc", e)) != 0)
		return (rc);
	if (json_int(b->vm, "vnc_port", -1) >= 0 && (rc = give_tcp(b, e)) != 0)
		return (rc);
	arg(b, "-V");
	arg(b, "set,keymap=%s", keymap_of(b->vm, keymap));
	if (password[0] != '\0') {
		arg(b, "-V");
		arg(b, "set,password=%s", password);
	}
	return (0);
}

/* --- network cards ------------------------------------------------------------------------------ */

static int
give_nic(struct builder *b, const json_t *nic, struct err *e)
{
	const char *model = json_str(nic, "model", "virtio"), *name = json_str(nic, "interface", "");
	struct vnic_spec s = {.name = name, .zone = b->name, .zone_id = b->a->id, .netns = -1,
	    .vid = (unsigned)json_int(nic, "vlan_id", 0), .mtu = (uint32_t)json_int(nic, "mtu", 0)};
	char over[LINK_NAME_MAX];
	struct mac_addr mac;
	int fd, rc;

	if (strcmp(model, "virtio") != 0 && strcmp(model, "e1000") != 0)
		return (err_set(e, ENOTSUP, "nic '%s': no model '%s' here, virtio and e1000 are", name,
		    model));
	if ((rc = nictag_link(b->m, json_str(nic, "nic_tag", ""), over, e)) != 0 ||
	    (rc = mac_parse(json_str(nic, "mac", ""), &mac, e)) != 0)
		return (rc);
	s.over = over;
	s.mac = &mac;
	if ((rc = vnic_create_tap(&s, &fd, e)) != 0)
		return (err_wrap(e, "nic '%s'", name));
	arg(b, "-n");
	arg(b, "fd:%d,mac=%s,%s", give_fd(b, fd), json_str(nic, "mac", ""), model);
	return (0);
}

static int
give_nics(struct builder *b, struct err *e)
{
	json_t *nics = json_object_get(b->vm, "nics"), *nic;
	size_t i;
	int rc = 0;

	/* Ports that a crash of the host's tools left would be in the way. */
	(void)vnic_delete_zone(b->name, NULL, NULL);
	json_array_foreach(nics, i, nic)
		if (rc == 0)
			rc = give_nic(b, nic, e);
	return (rc);
}

/* --- disks -------------------------------------------------------------------------------------- */

static void
give_block(struct builder *b, int fd, const char *model)
{
	arg(b, "-d");
	arg(b, "fd:%d,%s", give_fd(b, fd), model);
}

static bool
leads_up(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")) != NULL; p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '\0' || p[2] == '/'))
			return (true);
	return (false);
}

/* Below the machine's root, whatever links are there. */
static int
open_in_root(const struct builder *b, const char *path, int flags, struct err *e)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC | O_NONBLOCK),
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	const char *zonepath = zonecfg_get(b->a->cfg, "zonepath");
	char root[PATH_MAX];
	int dir, fd;

	(void)snprintf(root, sizeof(root), "%s/root", zonepath != NULL ? zonepath : "");
	if ((dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return (err_sys(e, errno, "%s", root));
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	(void)close(dir);
	return (fd >= 0 ? fd : err_set(e, errno, "Cannot find disk: %s", path));
}

/* A file of the machine's root, or a volume's node; nothing else that a path may lead to. */
static int
open_media(const struct builder *b, const char *path, int flags, struct err *e)
{
	bool volume = strncmp(path, "/dev/zvol/", 10) == 0;
	struct stat st;
	int fd;

	if (path[0] != '/' || leads_up(path))
		return (err_set(e, EINVAL, "disk '%s': not an absolute path without '..'", path));
	if (!volume)
		fd = open_in_root(b, path, flags, e);
	else if ((fd = open(path, flags | O_CLOEXEC | O_NONBLOCK)) < 0)
		return (err_set(e, errno, "Cannot find disk: %s", path));
	if (fd < 0)
		return (fd);
	if (fstat(fd, &st) == 0 && (volume ? S_ISBLK(st.st_mode) : S_ISREG(st.st_mode)))
		return (fd);
	(void)close(fd);
	return (err_set(e, EINVAL, "disk '%s' is neither a file nor a volume", path));
}

static int
give_media(struct builder *b, const char *path, const char *model, bool cd, struct err *e)
{
	int fd = open_media(b, path, cd ? O_RDONLY : O_RDWR, e);

	if (fd < 0)
		return (fd);
	if (strcmp(model, "ahci") == 0)
		give_block(b, fd, cd ? "ahci,cd" : "ahci");
	else
		give_block(b, fd, cd ? "cd" : strcmp(model, "virtio") == 0 ? "virtio" : "ide");
	return (0);
}

/* A disk with boot: true comes first: firmware tries disks in order. */
static json_t *
boot_first(const json_t *disks)
{
	json_t *out = json_array(), *d;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)disks, i, d)
		if (json_bool(d, "boot", false))
			(void)json_array_append(out, d);
	json_array_foreach((json_t *)(uintptr_t)disks, i, d)
		if (!json_bool(d, "boot", false))
			(void)json_array_append(out, d);
	return (out);
}

static int
check_disk_model(const json_t *d, struct err *e)
{
	const char *model = json_str(d, "model", "virtio");

	if (strcmp(model, "virtio") == 0 || strcmp(model, "ide") == 0 || strcmp(model, "ahci") == 0 ||
	    strcmp(json_str(d, "media", "disk"), "cdrom") == 0)
		return (0);
	return (err_set(e, ENOTSUP, "disk '%s': no model '%s' here, virtio, ide and ahci are",
	    json_str(d, "path", ""), model));
}

static bool
goes_by_vhost(const json_t *d)
{
	return (strcmp(json_str(d, "model", "virtio"), "virtio") == 0 && vm_disk_volume(d) != NULL &&
	    strcmp(json_str(d, "media", "disk"), "cdrom") != 0);
}

static int
connect_volumes(const json_t *disks, struct volume_link v[DISKS_MAX], unsigned *n, struct err *e)
{
	size_t i;
	json_t *d;
	int rc;

	*n = 0;
	json_array_foreach((json_t *)(uintptr_t)disks, i, d) {
		if ((rc = check_disk_model(d, e)) != 0)
			return (rc);
		if (goes_by_vhost(d) && *n < DISKS_MAX)
			v[(*n)++] = (struct volume_link){.name = vm_disk_volume(d)};
	}
	return (volume_broker(v, *n, e));
}

static int
give_disks(struct builder *b, struct err *e)
{
	json_t *disks = boot_first(json_object_get(b->vm, "disks")), *d;
	struct volume_link v[DISKS_MAX];
	unsigned n, at = 0;
	size_t i;
	int rc = connect_volumes(disks, v, &n, e);

	json_array_foreach(disks, i, d) {
		if (rc != 0)
			break;
		if (goes_by_vhost(d)) {
			int vhost = give_fd(b, v[at].vhost_fd), broker = give_fd(b, v[at].broker_fd);

			at++;
			arg(b, "-d");
			arg(b, "vhost:%d:%d", vhost, broker);
		} else {
			rc = give_media(b, json_str(d, "path", ""), json_str(d, "model", "ide"),
			    strcmp(json_str(d, "media", "disk"), "cdrom") == 0, e);
		}
	}
	json_decref(disks);
	return (rc);
}

/* --- what vmadm start was told ------------------------------------------------------------------ */

static int
set_order(struct builder *b, const char *order, struct err *e)
{
	const char *wrong = prop_boot_order_wrong(order);

	if (wrong != NULL)
		return (err_set(e, EINVAL, "boot order '%s' %s", order, wrong));
	(void)snprintf(b->order, sizeof(b->order), "%s", order + strlen("order="));
	return (0);
}

/* "PATH,MODEL" */
static int
start_media(struct builder *b, char *value, bool cd, struct err *e)
{
	char *model = strrchr(value, ',');

	if (model == NULL)
		return (err_set(e, EINVAL, "%s: a model is needed, as in ,ide", value));
	*model++ = '\0';
	if (strcmp(model, "ide") != 0 && strcmp(model, "ahci") != 0 &&
	    (cd || strcmp(model, "virtio") != 0))
		return (err_set(e, ENOTSUP, "%s '%s': no model '%s' here, %s", cd ? "CD" : "disk", value,
		    model, cd ? "ide and ahci are" : "virtio, ide and ahci are"));
	return (give_media(b, value, model, cd, e));
}

/* "order=cd,once=d", "cdrom=PATH,MODEL", "disk=PATH,MODEL" */
static int
start_word(struct builder *b, char *w, struct err *e)
{
	if (strncmp(w, "order=", 6) == 0)
		return (set_order(b, w, e));
	if (strncmp(w, "cdrom=", 6) == 0)
		return (start_media(b, w + 6, true, e));
	if (strncmp(w, "disk=", 5) == 0)
		return (start_media(b, w + 5, false, e));
	return (err_set(e, EINVAL, "Invalid argument to start: %s", w));
}

static int
start_words(struct builder *b, const char *bootargs, struct err *e)
{
	char *text = strdup(bootargs != NULL ? bootargs : ""), *save = NULL, *w;
	int rc = text != NULL ? 0 : err_set(e, ENOMEM, "out of memory");

	for (w = text != NULL ? strtok_r(text, " ", &save) : NULL; w != NULL && rc == 0;
	     w = strtok_r(NULL, " ", &save))
		rc = start_word(b, w, e);
	free(text);
	return (rc);
}

/* --- the program -------------------------------------------------------------------------------- */

/* Devices that a module brings; a kernel that has them built in knows no such module. */
static void
load_modules(void)
{
	static const char *const names[] = {"tun", "kvm_intel", "kvm_amd"};
	struct kmod *k;

	if (kmod_open(NULL, &k, NULL) != 0)
		return;
	if (access("/dev/net/tun", F_OK) != 0)
		(void)kmod_load(k, names[0], NULL, NULL);
	for (size_t i = 1; i < 3 && access("/dev/kvm", F_OK) != 0; i++)
		(void)kmod_load(k, names[i], NULL, NULL);
	kmod_close(k);
}

static int
give_kvm(struct builder *b, struct err *e)
{
	if (access("/dev/kvm", F_OK) != 0)
		return (err_set(e, ENODEV, "no /dev/kvm here: the processor has neither VMX nor SVM, or they "
		    "are off (see vmx check)"));
	return (give_file(b, "-K", "/dev/kvm", O_RDWR, e));
}

static void
give_board(struct builder *b)
{
	bool kvm = brand_letter(json_str(b->vm, "brand", "")) == 'K';

	arg(b, "vmx");
	arg(b, "run");
	arg(b, "-rBj%d", JAIL_UID);
	arg(b, "-c%lld", (long long)json_int(b->vm, "vcpus", 1));
	arg(b, "-m%lldM", (long long)json_int(b->vm, "ram", 256));
	arg(b, "-t%s", json_str(b->vm, "cpu_type", kvm ? "qemu64" : "host"));
	arg(b, "-u%s", json_str(b->vm, "uuid", ""));
}

/* SmartOS's guests look for their metadata on the second serial port. */
static int
give_metadata(struct builder *b, struct err *e)
{
	int fd, rc = vm_mdata_start(json_str(b->vm, "uuid", ""), &fd, e);

	if (rc != 0)
		return (rc);
	arg(b, "-S");
	arg(b, "fd:%d", give_fd(b, fd));
	return (0);
}

static int
check_bootrom(const json_t *vm, struct err *e)
{
	const char *rom = json_str(vm, "bootrom", "bios");

	return (strcmp(rom, "bios") == 0 ? 0 : err_set(e, ENOTSUP, "no bootrom '%s' here, bios is", rom));
}

static int
finish(struct builder *b, struct err *e)
{
	int fd;

	arg(b, "-o%s", b->order);
	if (b->out->nfds == ZONE_PROGRAM_FDS)
		return (err_set(e, E2BIG, "more disks and nics than a machine can have"));
	if (buf_failed(&b->args) || (fd = memfd_create("vmx-args", MFD_CLOEXEC)) < 0)
		return (err_set(e, ENOMEM, "out of memory"));
	b->out->argv_fd = fd;
	if (io_write_full(fd, b->args.data, b->args.len) != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((b->out->exe_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)) < 0)
		return (err_sys(e, errno, "/proc/self/exe"));
	return (0);
}

static int
build(struct builder *b, const char *bootargs, struct err *e)
{
	int rc;

	give_board(b);
	load_modules();
	if ((rc = check_bootrom(b->vm, e)) != 0 ||
	    (rc = set_order(b, json_str(b->vm, "boot", "order=cd"), e)) != 0 || (rc = give_kvm(b, e)) != 0 ||
	    (rc = firmware(b, "-b", "bios-256k.bin", e)) != 0 ||
	    (rc = give_listener(b, "-C", "ctl", e)) != 0 || (rc = give_display(b, e)) != 0 ||
	     (rc = give_disks(b, e)) != 0 ||
	    (rc = start_words(b, bootargs, e)) != 0 || (rc = give_nics(b, e)) != 0 ||
	    (rc = give_metadata(b, e)) != 0)
		return (rc);
	return (finish(b, e));
}

int
vm_hvm_program(const struct machine *m, const struct zone_hook_args *a, const char *bootargs,
    struct zone_program *out, struct err *e)
{
	json_t *vm = json_object();
	struct builder b = {.m = m, .a = a, .name = zonecfg_name(a->cfg), .vm = vm, .out = out,
	    .args = BUF_INIT};
	int rc = vm != NULL ? vm_conf_load(a->cfg, vm, e) : err_set(e, ENOMEM, "out of memory");

	if (rc == 0)
		rc = build(&b, bootargs, e);
	buf_free(&b.args);
	json_decref(vm);
	return (rc);
}
