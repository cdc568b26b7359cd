/* SPDX-License-Identifier: MIT */
/*
 * The virtual machine monitor: what `vmx run` and vmadm ask of it.
 *
 * A configuration names descriptors, not paths: whoever starts a machine opens everything first
 * (struct vmx_disk, vmx_nic, vmx_char), so that the monitor can give up its file system before the
 * first guest instruction.  vmx_run returns when the guest has powered off, asked for a reset that
 * the caller does not want, or failed.
 */
#ifndef SMARTBOX_VMX_VMX_H
#define SMARTBOX_VMX_VMX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "smartbox/core/err.h"

enum { VMX_MAX_CPUS = 64, VMX_MAX_DISKS = 16, VMX_MAX_NICS = 16, VMX_MAX_SERIAL = 2,
	VMX_MAX_VNC = 2 };

enum vmx_disk_model { VMX_DISK_VIRTIO, VMX_DISK_IDE, VMX_DISK_CDROM /* IDE */, VMX_DISK_AHCI, VMX_DISK_AHCI_CDROM };

struct vmx_disk {
	int fd; /* a raw file or block device; owned by the monitor from vmx_run on */
	enum vmx_disk_model model;
	bool readonly;
	uint32_t block_size; /* physical; the guest's smallest good write.  0: 512 */
	char serial[21];     /* what the guest reads as the disk's name; may be empty */
	int vhost_fd;	     /* a connected vhost-user-blk socket instead of fd; -1: none */
	int broker_fd;	     /* asked for another such socket when that one dies; -1: nobody (vhost.h) */
};

enum vmx_nic_model { VMX_NIC_VIRTIO, VMX_NIC_E1000 };

struct vmx_nic {
	enum vmx_nic_model model;
	int tap_fd; /* IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, header of 12 bytes; owned */
	uint8_t mac[6];
	uint16_t mtu; /* 0: do not say */
	int vhost_fd; /* /dev/vhost-net: the kernel serves a virtio card; -1: we do; owned */
};

/*
 * Where a serial port or console goes.  in and out may be one descriptor; listen is a bound unix
 * socket whose one client at a time is the terminal.  -1: not there.
 */
struct vmx_char {
	int in, out, listen;
};
#define VMX_CHAR_NONE {-1, -1, -1}

struct vmx_config {
	const char *name; /* shown to the guest nowhere; for messages */
	uint8_t uuid[16]; /* SMBIOS system uuid; zero: none */
	unsigned cpus;
	uint64_t ram; /* bytes, a multiple of 1 MiB */
	const char *cpu_type; /* "host" (default), "qemu64": the oldest x86-64 */

	int kvm_fd;	/* /dev/kvm; -1: it is opened by name */
	int kernel_fd;	/* bzImage or ELF with a PVH note; -1: boot firmware */
	int initrd_fd;	/* -1: none */
	const char *cmdline; /* NULL: empty */
	int firmware_fd; /* SeaBIOS image, used without a kernel; -1: none */
	int vgabios_fd;	 /* option ROM of the display; -1: no display */
	int vnc_fd[VMX_MAX_VNC]; /* listening sockets, for the display; -1: none */
	const char *vnc_password; /* NULL: none */
	const char *keymap;	  /* of VNC clients: "en-us" (NULL), "en-gb", "de", "fr" */

	struct vmx_disk disks[VMX_MAX_DISKS];
	unsigned ndisks;
	struct vmx_nic nics[VMX_MAX_NICS];
	unsigned nnics;
	struct vmx_char serial[VMX_MAX_SERIAL];
	struct vmx_char virtcon; /* virtio console; in, out, listen all -1: no such device */
	bool rng, balloon;
	uint32_t vsock_cid;	/* the guest's, 3 or more; 0: no vsock */
	int vsock_fd;		/* listening unix socket for host clients; -1: none */
	const char *vsock_path; /* unix sockets PATH_PORT answer the guest's connections; NULL: none */

	const char *bootorder; /* letters of c disk, d cd, n net; NULL: "cd" */
	const char *bootonce;  /* the same, for the first boot alone; NULL: none */
	bool no_reboot;	       /* a reset ends the machine */
	bool no_acpi_tables;   /* a payload that wants none */
	int debug_fd;	       /* what firmware writes to port 0x402; -1: nowhere */
	int control_fd;	       /* listening unix socket of the control protocol; -1: none */

	bool jail;
	uid_t jail_uid;
	gid_t jail_gid;
};
void vmx_config_init(struct vmx_config *c);

enum vmx_end { VMX_POWEROFF, VMX_RESET, VMX_CRASH, VMX_KILLED };

struct vmx_result {
	enum vmx_end end;
	uint64_t start_ns;  /* from vmx_run's call to the first KVM_RUN */
	uint64_t exits;	    /* of all vCPUs */
	uint64_t resets;
};

/* Owns every descriptor of the configuration from the call on, also when it fails. */
int vmx_run(const struct vmx_config *c, struct vmx_result *res, struct err *e);

/*
 * What this machine's /dev/kvm can do.  Capabilities alone do not tell, so three tiny guests are
 * run and timed.  -ENOENT, -EACCES: no usable /dev/kvm, with the reason in the sentence.
 */
struct vmx_check {
	char vendor[32];   /* of the host's processor */
	bool vmx, svm;	   /* hardware virtualisation that the processor shows */
	bool hypervisor;   /* the host is a guest itself */
	int api;
	unsigned max_cpus, advised_cpus;
	char missing[512]; /* names of required capabilities, separated by spaces */
	char lacking[512]; /* names of optional ones */
	bool runs_real, runs_protected, runs_long;
	double ring0_mips; /* million instructions a second, in ring 0 */
	double exits_per_s; /* port writes */
	bool fit_for_linux; /* everything there, and fast enough for a stock kernel */
};
int vmx_check(struct vmx_check *c, struct err *e);

#endif
