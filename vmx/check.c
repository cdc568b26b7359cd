/* SPDX-License-Identifier: MIT */
/*
 * What this machine's /dev/kvm can do.
 *
 * Capabilities say what an interface offers, not whether guests run: a software KVM offers all of
 * it and interprets ring 0 a thousand times slower than a processor would run it.  So tiny guests are run in
 * real, protected and long mode: each counts down a register and writes a port at the end, and the
 * time of the count is the verdict.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "smartbox/vmx/kvm.h"
#include "smartbox/vmx/vmx.h"

enum { DONE_PORT = 0xf4, CODE = 0x8000, LOOPS = 20000, EXITS = 2000, FIT_MIPS = 50 };

/* mov ecx, N; 1: dec ecx; jnz 1b; out 0xf4, al; jmp -2: the same bytes count in all three modes. */
static const uint8_t count32[] = {
    0xb9, 0, 0, 0, 0, 0xff, 0xc9, 0x75, 0xfc, 0xe6, DONE_PORT, 0xeb, 0xfe};
static const uint8_t count16[] = {
    0x66, 0xb9, 0, 0, 0, 0, 0x66, 0x49, 0x75, 0xfc, 0xe6, DONE_PORT, 0xeb, 0xfe};
/* out 0xf4, al; jmp to it */
static const uint8_t exits32[] = {0xe6, DONE_PORT, 0xeb, 0xfc};

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

struct probe {
	struct gmem *mem;
	struct kvm *kvm;
	struct vcpu *vcpu;
	struct kvm_sregs power_on;
};

static int
probe_open(struct probe *p, int fd, struct err *e)
{
	const struct cpu_policy policy = {1, NULL};
	int rc;

	if ((rc = kvm_new(fd, &p->kvm, e)) != 0 || (rc = gmem_new(2 << 20, &p->mem, e)) != 0 ||
	    (rc = kvm_create_irqchip(p->kvm, e)) != 0 ||
	    (rc = kvm_set_memory(p->kvm, p->mem, e)) != 0 ||
	    (rc = vcpu_new(p->kvm, 0, &policy, &p->vcpu, e)) != 0)
		return (rc);
	return (vcpu_power_on_sregs(p->vcpu, &p->power_on));
}

static void
probe_close(struct probe *p)
{
	vcpu_free(p->vcpu);
	kvm_free(p->kvm);
	gmem_free(p->mem);
}

static int
probe_enter(struct probe *p, enum boot_mode mode, struct err *e)
{
	const struct boot_entry entry = {mode, CODE, 0};
	struct cpu_state s;

	cpu_entry_state(p->mem, &entry, &p->power_on, &s);
	if (mode == BOOT_FIRMWARE) {
		s.sregs.cs.base = 0;
		s.sregs.cs.selector = 0;
		s.regs.rip = CODE;
	}
	return (vcpu_set_state(p->vcpu, &s, e));
}

/* Run until n writes of the port; false when anything else happens first. */
static bool
probe_run(struct probe *p, struct board *b, unsigned n)
{
	struct kvm_run *run = vcpu_run_area(p->vcpu);
	struct err e = ERR_INIT;

	while (n > 0) {
		if (vcpu_run_once(p->vcpu, b, &e) != VCPU_AGAIN)
			return (false);
		if (run->exit_reason == KVM_EXIT_IO && run->io.port == DONE_PORT)
			n--;
	}
	return (true);
}

static bool
probe_count(struct probe *p, struct board *b, enum boot_mode mode, double *seconds)
{
	const bool real = mode == BOOT_FIRMWARE;
	uint8_t code[16];
	uint32_t loops = LOOPS;
	double start;

	memcpy(code, real ? count16 : count32, real ? sizeof(count16) : sizeof(count32));
	memcpy(code + (real ? 2 : 1), &loops, 4);
	if (gmem_write(p->mem, CODE, code, sizeof(code)) != 0 || probe_enter(p, mode, NULL) != 0)
		return (false);
	start = now();
	if (!probe_run(p, b, 1))
		return (false);
	*seconds = now() - start;
	return (true);
}

static void
probe_speed(struct probe *p, struct board *b, struct vmx_check *c)
{
	double t = 0, start;

	c->runs_real = probe_count(p, b, BOOT_FIRMWARE, &t);
	c->runs_protected = probe_count(p, b, BOOT_PVH, &t);
	c->runs_long = probe_count(p, b, BOOT_LINUX64, &t);
	if (c->runs_long && t > 0)
		c->ring0_mips = 2.0 * LOOPS / t / 1e6;
	if (gmem_write(p->mem, CODE, exits32, sizeof(exits32)) != 0 ||
	    probe_enter(p, BOOT_LINUX64, NULL) != 0)
		return;
	start = now();
	if (probe_run(p, b, EXITS))
		c->exits_per_s = EXITS / (now() - start);
}

static void
host_cpu(struct vmx_check *c)
{
	unsigned a, b, cx, d, words[3];

	if (__get_cpuid(0, &a, &words[0], &words[2], &words[1]) != 0)
		memcpy(c->vendor, words, 12);
	if (__get_cpuid(1, &a, &b, &cx, &d) != 0) {
		c->vmx = (cx >> 5 & 1) != 0;
		c->hypervisor = (cx >> 31 & 1) != 0;
	}
	if (__get_cpuid(0x80000001, &a, &b, &cx, &d) != 0)
		c->svm = (cx >> 2 & 1) != 0;
}

static void
word_add(char *list, size_t size, const char *word)
{
	size_t n = strlen(list);

	(void)snprintf(list + n, size - n, "%s%s", n != 0 ? " " : "", word);
}

static void
capabilities(int fd, struct vmx_check *c)
{
	int vm = ioctl(fd, KVM_CREATE_VM, 0);

	c->api = ioctl(fd, KVM_GET_API_VERSION, 0);
	c->max_cpus = (unsigned)ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	c->advised_cpus = (unsigned)ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
	for (const struct kvm_cap *k = kvm_caps; k->name != NULL; k++) {
		if (ioctl(vm >= 0 ? vm : fd, KVM_CHECK_EXTENSION, k->cap) > 0)
			continue;
		if (k->required)
			word_add(c->missing, sizeof(c->missing), k->name);
		else
			word_add(c->lacking, sizeof(c->lacking), k->name);
	}
	if (vm >= 0)
		(void)close(vm);
}

int
vmx_check(struct vmx_check *c, struct err *e)
{
	static const struct board_host nobody = {0};
	struct probe p = {0};
	struct board *b = NULL;
	int fd, rc;

	memset(c, 0, sizeof(*c));
	host_cpu(c);
	if ((fd = kvm_open_device(e)) < 0)
		return (fd);
	capabilities(fd, c);
	if ((rc = probe_open(&p, fd, e)) == 0 &&
	    (rc = board_new(p.mem, &nobody, NULL, &b, e)) == 0)
		probe_speed(&p, b, c);
	board_free(b);
	probe_close(&p);
	c->fit_for_linux = c->missing[0] == '\0' && c->runs_real && c->runs_protected &&
	    c->runs_long && c->ring0_mips >= FIT_MIPS;
	return (rc);
}
