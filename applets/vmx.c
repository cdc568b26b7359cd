/* SPDX-License-Identifier: MIT */
/* vmx: run a virtual machine in the foreground; say what this host can do. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/units.h"
#include "smartbox/core/uuid.h"
#include "smartbox/machine/volbroker.h"
#include "smartbox/vmx/vmx.h"

static const char vmx_usage[] =
    "usage: vmx check [-p]\n"
    "       vmx run [options] -k KERNEL | -b FIRMWARE\n"
    "Run a virtual machine in the foreground, or say what this host can do.\n"
    "\n"
    "commands:\n"
    "  check  capabilities and speed of /dev/kvm; exit status 1 when Linux guests cannot run\n"
    "  run    until the guest powers off: exit status 0; 1 when it crashed; 3 when it was killed\n"
    "\n"
    "  -a TEXT      kernel command line\n"
    "  -b FILE      firmware (SeaBIOS)\n"
    "  -B           a balloon\n"
    "  -c COUNT     vCPUs (default 1)\n"
    "  -C SOCKET    control socket\n"
    "  -d DISK      PATH[,ro][,virtio|ide|ahci][,cd][,serial=NAME], again for more; zvol:POOL/VOLUME for a\n"
    "               volume that poold serves without a copy\n"
    "  -G ROM       a VGA display with this option ROM; std: the usual place\n"
    "  -i FILE      initrd\n"
    "  -j UID       give up everything and run as this user\n"
    "  -k FILE      kernel: bzImage, or ELF with a PVH note\n"
    "  -K DEVICE    instead of /dev/kvm\n"
    "  -l FILE      what firmware logs\n"
    "  -m SIZE      memory (default 256M)\n"
    "  -n TAP       tap device[,mac=AA:BB:CC:DD:EE:FF][,virtio|e1000][,vhost], again for more\n"
    "  -o ORDER     boot order: letters of c disk, d cd, n network (default cd); ,once=ORDER for the\n"
    "               first boot alone\n"
    "  -p           check: values only, name:value\n"
    "  -r           a random number device\n"
    "  -R           end instead of rebooting\n"
    "  -s SERIAL    first serial port: stdio (default), none, file:PATH, unix:PATH\n"
    "  -S SERIAL    second serial port (default none)\n"
    "  -t TYPE      processor: host (default) or qemu64\n"
    "  -u UUID      the machine's name for itself\n"
    "  -v           report exits and start time on stderr at the end\n"
    "  -V SOCKET    VNC for the display: PATH[,keymap=en-us|en-gb|de|fr][,password=TEXT]\n"
    "  -x CONSOLE   a virtio console, as -s\n"
    "  -y CID,PATH  vsock: the guest's address (3 or more); host clients connect to PATH and say CONNECT port,\n"
    "               guests reach PATH_port\n"
    "A file, socket or tap may be fd:N, a descriptor that is open already; a disk vhost:N:M, the socket of\n"
    "its server and of a broker.\n";

APPLET(vmx, "run virtual machines");

#define VGABIOS "/usr/share/seabios/vgabios-stdvga.bin"

/* "fd:N" is a descriptor that whoever started us has opened. */
static int
inherited(const char *path)
{
	uint64_t n;

	if (strncmp(path, "fd:", 3) != 0 || units_parse_u64(path + 3, 3, 4095, &n, NULL) != 0 ||
	    fcntl((int)n, F_SETFD, FD_CLOEXEC) != 0)
		return (-1);
	return ((int)n);
}

static int
open_file(const char *path, int flags, const char *what)
{
	int fd = inherited(path);

	if (fd >= 0)
		return (fd);
	fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		(void)applet_fail(NULL, "cannot open %s '%s': %s", what, path, strerror(errno));
	return (fd);
}

/* ---- sockets and character devices ---- */

static int
unix_address(const char *path, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sun->sun_path))
		return (applet_fail(NULL, "socket path '%s' is too long", path));
	memcpy(sun->sun_path, path, strlen(path) + 1);
	return (0);
}

static int
unix_listen(const char *path)
{
	struct sockaddr_un sun;
	int fd = inherited(path);

	if (fd >= 0)
		return (fd);
	if (unix_address(path, &sun) != 0)
		return (-1);
	(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0 || listen(fd, 4) != 0) {
		(void)applet_fail(NULL, "cannot listen on '%s': %s", path, strerror(errno));
		return (-1);
	}
	return (fd);
}

static int
parse_char(const char *s, struct vmx_char *c)
{
	*c = (struct vmx_char)VMX_CHAR_NONE;
	if (strcmp(s, "none") == 0)
		return (0);
	if (strcmp(s, "stdio") == 0) {
		c->in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		c->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return (0);
	}
	if ((c->in = c->out = inherited(s)) >= 0)
		return (0);
	if (strncmp(s, "file:", 5) == 0)
		return ((c->out = open_file(s + 5, O_WRONLY | O_CREAT | O_APPEND, "output")) < 0);
	if (strncmp(s, "unix:", 5) == 0)
		return ((c->listen = unix_listen(s + 5)) < 0);
	return (applet_usage("'%s': stdio, none, file:PATH, unix:PATH or fd:N", s));
}

/* ---- disks and network cards ---- */

static int
disk_option(struct vmx_disk *d, const char *o)
{
	if (strcmp(o, "ro") == 0)
		d->readonly = true;
	else if (strcmp(o, "virtio") == 0)
		d->model = VMX_DISK_VIRTIO;
	else if (strcmp(o, "ide") == 0)
		d->model = d->model == VMX_DISK_CDROM ? VMX_DISK_CDROM : VMX_DISK_IDE;
	else if (strcmp(o, "cd") == 0)
		d->model = d->model == VMX_DISK_AHCI ? VMX_DISK_AHCI_CDROM : VMX_DISK_CDROM;
	else if (strcmp(o, "ahci") == 0)
		d->model = d->model == VMX_DISK_CDROM ? VMX_DISK_AHCI_CDROM : VMX_DISK_AHCI;
	else if (strncmp(o, "serial=", 7) == 0)
		(void)snprintf(d->serial, sizeof(d->serial), "%s", o + 7);
	else
		return (applet_usage("'%s': ro, virtio, ide, ahci, cd or serial=NAME", o));
	return (0);
}

static int
volume_disk(const char *name, struct vmx_config *c)
{
	struct vmx_disk *d = &c->disks[c->ndisks++];
	struct volume_link v = {.name = name, .readonly = d->readonly};
	struct err e = ERR_INIT;

	if (d->model != VMX_DISK_VIRTIO)
		return (applet_usage("'%s': a volume is a virtio disk", name));
	if (volume_broker(&v, 1, &e) != 0)
		return (applet_fail_plain(&e));
	d->vhost_fd = v.vhost_fd;
	d->broker_fd = v.broker_fd;
	return (0);
}

/* "N:M": a socket of a volume's server, and one of a broker that gives the next. */
static int
vhost_disk(const char *s, struct vmx_config *c)
{
	struct vmx_disk *d = &c->disks[c->ndisks++];
	char rest;

	if (sscanf(s, "%d:%d%c", &d->vhost_fd, &d->broker_fd, &rest) == 2)
		return (0);
	return (applet_usage("'%s': SOCKET:BROKER, two descriptors", s));
}

static int
parse_disk(char *s, struct vmx_config *c)
{
	struct vmx_disk *d = &c->disks[c->ndisks];
	char *path = strsep(&s, ","), *o;
	int rc;

	if (c->ndisks == VMX_MAX_DISKS)
		return (applet_usage("more than %d disks", VMX_MAX_DISKS));
	while ((o = strsep(&s, ",")) != NULL) {
		if ((rc = disk_option(d, o)) != 0)
			return (rc);
	}
	if (d->model == VMX_DISK_CDROM || d->model == VMX_DISK_AHCI_CDROM)
		d->readonly = true;
	if (strncmp(path, "zvol:", 5) == 0)
		return (volume_disk(path + 5, c));
	if (strncmp(path, "vhost:", 6) == 0)
		return (vhost_disk(path + 6, c));
	d->fd = open_file(path, d->readonly ? O_RDONLY : O_RDWR, "disk");
	c->ndisks++;
	return (d->fd < 0);
}

static int
parse_mac(const char *s, uint8_t mac[6])
{
	unsigned b[6];
	char rest;

	if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		&rest) != 6)
		return (applet_usage("'%s' is no MAC address", s));
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return (0);
}

static int
tap_open(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = inherited(name), len = 12;

	if (fd >= 0)
		return (fd);
	fd = open_file("/dev/net/tun", O_RDWR | O_NONBLOCK, "tap driver");

	if (fd < 0)
		return (-1);
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) != 0 || ioctl(fd, TUNSETVNETHDRSZ, &len) != 0) {
		(void)applet_fail(NULL, "cannot attach to tap '%s': %s", name, strerror(errno));
		(void)close(fd);
		return (-1);
	}
	return (fd);
}

static int
nic_option(struct vmx_nic *n, const char *o)
{
	if (strncmp(o, "mac=", 4) == 0)
		return (parse_mac(o + 4, n->mac));
	if (strcmp(o, "virtio") == 0)
		n->model = VMX_NIC_VIRTIO;
	else if (strcmp(o, "e1000") == 0)
		n->model = VMX_NIC_E1000;
	else if (strcmp(o, "vhost") == 0)
		return ((n->vhost_fd = open_file("/dev/vhost-net", O_RDWR, "the kernel's virtio cards")) < 0);
	else
		return (applet_usage("'%s': mac=ADDRESS, virtio, e1000 or vhost", o));
	return (0);
}

static int
parse_nic(char *s, struct vmx_config *c)
{
	struct vmx_nic *n = &c->nics[c->nnics];
	char *tap = strsep(&s, ","), *o;
	int rc;

	if (c->nnics == VMX_MAX_NICS)
		return (applet_usage("more than %d network cards", VMX_MAX_NICS));
	memcpy(n->mac, "\x02\x08\x20\x00\x00", 5);
	n->mac[5] = (uint8_t)(c->nnics + 1);
	while ((o = strsep(&s, ",")) != NULL) {
		if ((rc = nic_option(n, o)) != 0)
			return (rc);
	}
	c->nnics++;
	return ((n->tap_fd = tap_open(tap)) < 0);
}

/* "cd" or "cd,once=d" */
static int
parse_order(char *s, struct vmx_config *c)
{
	char *order = strsep(&s, ",");

	if (order[strspn(order, "cdn")] != '\0' || (s != NULL && strncmp(s, "once=", 5) != 0) ||
	    (s != NULL && s[5 + strspn(s + 5, "cdn")] != '\0'))
		return (applet_usage("-o: letters of c, d and n, then ,once=LETTERS"));
	c->bootorder = order;
	c->bootonce = s != NULL ? s + 5 : NULL;
	return (0);
}

static int
parse_uuid(const char *s, uint8_t out[16])
{
	if (!uuid_is_valid(s))
		return (applet_usage("'%s' is no UUID", s));
	for (unsigned i = 0; i < 16; i++, s += 2) {
		unsigned b = 0;

		s += *s == '-';
		(void)sscanf(s, "%2x", &b);
		out[i] = (uint8_t)b;
	}
	return (0);
}

/* Everybody may read a process's arguments: the password is taken out of ours.  Eight characters count. */
static void
take_password(char *text, struct vmx_config *c)
{
	static char password[9];

	(void)snprintf(password, sizeof(password), "%.8s", text);
	memset(text, '*', strlen(text));
	c->vnc_password = password;
}

/* PATH[,keymap=NAME][,password=TEXT], the text to the end; a path again for a second socket. */
static int
parse_vnc(char *s, struct vmx_config *c)
{
	char *path = strsep(&s, ",");
	unsigned i = c->vnc_fd[0] >= 0;

	while (s != NULL) {
		if (strncmp(s, "password=", 9) == 0) {
			take_password(s + 9, c);
			s = NULL;
		} else if (strncmp(s, "keymap=", 7) == 0) {
			c->keymap = s + 7;
			(void)strsep(&s, ",");
		} else {
			return (applet_usage("'%s': keymap=NAME or password=TEXT", s));
		}
	}
	if (strcmp(path, "set") == 0)
		return (0);
	return ((c->vnc_fd[i] = unix_listen(path)) < 0);
}

static int parse_number(const char *s, uint64_t min, uint64_t max, uint64_t *n);

/* CID,PATH */
static int
parse_vsock(char *s, struct vmx_config *c)
{
	char *cid = strsep(&s, ",");
	uint64_t n;
	int rc;

	if (s == NULL || *s == '\0')
		return (applet_usage("-y: CID,PATH"));
	if ((rc = parse_number(cid, 3, UINT32_MAX - 1, &n)) != 0)
		return (rc);
	c->vsock_cid = (uint32_t)n;
	c->vsock_path = s;
	return ((c->vsock_fd = unix_listen(s)) < 0);
}

static int
parse_number(const char *s, uint64_t min, uint64_t max, uint64_t *n)
{
	struct err e = ERR_INIT;

	return (units_parse_u64(s, min, max, n, &e) != 0 ? applet_usage("%s", e.msg) : 0);
}

/* ---- run ---- */

struct run {
	struct vmx_config c;
	bool verbose;
};

static int
run_size(struct run *r, const char *s)
{
	struct err e = ERR_INIT;

	if (units_parse_size(s, &r->c.ram, &e) != 0)
		return (applet_usage("-m: %s", e.msg));
	return (0);
}

static int
run_option(struct run *r, int o)
{
	struct vmx_config *c = &r->c;
	uint64_t n;
	int rc;

	switch (o) {
	case 'a': c->cmdline = optarg; return (0);
	case 'b': return ((c->firmware_fd = open_file(optarg, O_RDONLY, "firmware")) < 0);
	case 'B': c->balloon = true; return (0);
	case 'c':
		if ((rc = parse_number(optarg, 1, VMX_MAX_CPUS, &n)) == 0)
			c->cpus = (unsigned)n;
		return (rc);
	case 'C': return ((c->control_fd = unix_listen(optarg)) < 0);
	case 'd': return (parse_disk(optarg, c));
	case 'i': return ((c->initrd_fd = open_file(optarg, O_RDONLY, "initrd")) < 0);
	case 'j':
		if ((rc = parse_number(optarg, 1, UINT32_MAX - 1, &n)) == 0) {
			c->jail = true;
			c->jail_uid = c->jail_gid = (uid_t)n;
		}
		return (rc);
	case 'K': return ((c->kvm_fd = open_file(optarg, O_RDWR, "KVM")) < 0);
	case 'k': return ((c->kernel_fd = open_file(optarg, O_RDONLY, "kernel")) < 0);
	case 'l':
		c->debug_fd = open_file(optarg, O_WRONLY | O_CREAT | O_TRUNC, "log");
		return (c->debug_fd < 0);
	case 'm': return (run_size(r, optarg));
	case 'n': return (parse_nic(optarg, c));
	case 'o': return (parse_order(optarg, c));
	case 'r': c->rng = true; return (0);
	case 'R': c->no_reboot = true; return (0);
	case 's': return (parse_char(optarg, &c->serial[0]));
	case 'S': return (parse_char(optarg, &c->serial[1]));
	case 't': c->cpu_type = optarg; return (0);
	case 'u': return (parse_uuid(optarg, c->uuid));
	case 'v': r->verbose = true; return (0);
	case 'V': return (parse_vnc(optarg, c));
	case 'G':
		c->vgabios_fd = open_file(strcmp(optarg, "std") == 0 ? VGABIOS : optarg, O_RDONLY, "display ROM");
		return (c->vgabios_fd < 0);
	case 'x': return (parse_char(optarg, &c->virtcon));
	case 'y': return (parse_vsock(optarg, c));
	}
	return (2);
}

/* A terminal hands every key to the guest; SIGTERM and SIGINT from outside still end it. */
static bool
terminal_raw(struct termios *old)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, old) != 0)
		return (false);
	t = *old;
	cfmakeraw(&t);
	t.c_oflag |= OPOST;
	return (tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0);
}

static int
run_result(const struct run *r, const struct vmx_result *res, int rc, const struct err *e)
{
	if (r->verbose)
		(void)fprintf(stderr, "vmx: %llu exits, %llu resets, started in %.1f ms\n",
		    (unsigned long long)res->exits, (unsigned long long)res->resets,
		    (double)res->start_ns / 1e6);
	if (rc != 0)
		return (applet_fail_plain(e));
	return (res->end == VMX_KILLED ? 3 : 0);
}

static int
do_run(int argc, char **argv)
{
	struct run r = {.verbose = false};
	struct vmx_result res;
	struct termios old;
	struct err e = ERR_INIT;
	bool serial = false, raw = false;
	int o, rc;

	vmx_config_init(&r.c);
	while ((o = applet_getopt(argc, argv,
		    "a:b:Bc:C:d:i:j:k:K:l:m:n:o:rRs:S:t:u:vV:G:x:y:")) != -1) {
		serial = serial || o == 's';
		if (o == '?' || (rc = run_option(&r, o)) == 2)
			return (2);
		if (rc != 0)
			return (1);
	}
	if (optind < argc)
		return (applet_usage("unexpected argument '%s'", argv[optind]));
	if (r.c.kernel_fd < 0 && r.c.firmware_fd < 0)
		return (applet_usage("-k KERNEL or -b FIRMWARE is needed"));
	if (!serial) {
		(void)parse_char("stdio", &r.c.serial[0]);
		raw = terminal_raw(&old);
	}
	rc = vmx_run(&r.c, &res, &e);
	if (raw)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &old);
	return (run_result(&r, &res, rc, &e));
}

/* ---- check ---- */

static const char *
yes_no(bool b)
{
	return (b ? "yes" : "no");
}

static void
check_line(bool plain, const char *name, const char *value)
{
	if (plain)
		(void)printf("%s:%s\n", name, value);
	else
		(void)printf("%-22s %s\n", name, value[0] != '\0' ? value : "-");
}

static void
check_number(bool plain, const char *name, double v)
{
	char text[32];

	(void)snprintf(text, sizeof(text), v >= 100 ? "%.0f" : "%.1f", v);
	check_line(plain, name, text);
}

static void
check_print(const struct vmx_check *c, bool plain)
{
	check_line(plain, "processor", c->vendor);
	check_line(plain, "vmx", yes_no(c->vmx));
	check_line(plain, "svm", yes_no(c->svm));
	check_line(plain, "inside-a-guest", yes_no(c->hypervisor));
	check_number(plain, "kvm-api", c->api);
	check_number(plain, "max-vcpus", c->max_cpus);
	check_number(plain, "advised-vcpus", c->advised_cpus);
	check_line(plain, "missing", c->missing);
	check_line(plain, "not-offered", c->lacking);
	check_line(plain, "runs-real-mode", yes_no(c->runs_real));
	check_line(plain, "runs-protected-mode", yes_no(c->runs_protected));
	check_line(plain, "runs-long-mode", yes_no(c->runs_long));
	check_number(plain, "ring0-mips", c->ring0_mips);
	check_number(plain, "exits-per-second", c->exits_per_s);
	check_line(plain, "fit-for-linux", yes_no(c->fit_for_linux));
	if (plain || c->fit_for_linux)
		return;
	if (c->missing[0] == '\0' && c->runs_long)
		(void)puts("This KVM interprets the guest's kernel: small payloads run, unmodified kernels "
			   "will not boot here.");
	else
		(void)puts("Guests cannot run here.");
}

static int
do_check(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct vmx_check c;
	bool plain = false;
	int o;

	while ((o = applet_getopt(argc, argv, "p")) != -1) {
		if (o == '?')
			return (2);
		plain = true;
	}
	if (optind < argc)
		return (applet_usage("unexpected argument '%s'", argv[optind]));
	if (vmx_check(&c, &e) != 0)
		return (applet_fail_plain(&e));
	check_print(&c, plain);
	return (c.fit_for_linux ? 0 : 1);
}

static const struct subcmd commands[] = {
    {"check", do_check, "[-p]", "capabilities and speed of /dev/kvm"},
    {"run", do_run, "[options] -k KERNEL | -b FIRMWARE", "run until the guest powers off"},
    {NULL, NULL, NULL, NULL},
};

static int
vmx_main(int argc, char **argv)
{
	return (subcmd_run(commands, argc, argv));
}
