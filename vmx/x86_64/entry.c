/* SPDX-License-Identifier: MIT */
/*
 * Where the first processor stands for each kind of boot, and the descriptor and page tables that
 * the 64-bit and 32-bit entries need.
 *
 *	firmware    real mode at f000:fff0, base 0xffff0000: KVM's own reset state
 *	PVH         32-bit, flat segments, no paging, EBX = start info
 *	Linux 64    long mode, first 4 GiB mapped one to one in 2 MiB pages, RSI = boot_params
 */
#include <string.h>

#include "smartbox/vmx/kvm.h"

enum { GDT = 0x500, PML4 = 0x9000, PDPT = 0xa000, PD = 0xb000 };
enum { SEL_CODE = 0x10, SEL_DATA = 0x18, SEL_TSS = 0x20 };
enum { CR0_PE = 1, CR0_ET = 0x10, CR4_PAE = 0x20, EFER_LME = 0x100, EFER_LMA = 0x400 };
#define CR0_PG 0x80000000U

static struct kvm_segment
segment(uint16_t selector, uint8_t type, bool code64)
{
	return ((struct kvm_segment){.base = 0, .limit = 0xffffffff, .selector = selector,
	    .type = type, .present = 1, .dpl = 0, .db = !code64, .s = 1, .l = code64, .g = 1});
}

static void
flat(struct gmem *m, struct kvm_sregs *s, bool code64)
{
	uint64_t gdt[6] = {0, 0, code64 ? 0x00af9b000000ffffULL : 0x00cf9b000000ffffULL,
	    0x00cf93000000ffffULL, 0x00008b0000000067ULL, 0};

	(void)gmem_write(m, GDT, gdt, sizeof(gdt));
	s->gdt.base = GDT;
	s->gdt.limit = sizeof(gdt) - 1;
	s->idt.base = s->idt.limit = 0;
	s->cs = segment(SEL_CODE, 0xb, code64);
	s->ds = s->es = s->fs = s->gs = s->ss = segment(SEL_DATA, 3, false);
	s->tr = (struct kvm_segment){
	    .limit = 0x67, .selector = SEL_TSS, .type = 0xb, .present = 1};
	s->cr0 = CR0_PE | CR0_ET;
}

static void
page_tables(struct gmem *m)
{
	uint64_t entry = PDPT | 3;

	(void)gmem_write(m, PML4, &entry, sizeof(entry));
	for (uint64_t g = 0; g < 4; g++) {
		entry = (PD + g * 4096) | 3;
		(void)gmem_write(m, PDPT + g * 8, &entry, sizeof(entry));
		for (uint64_t i = 0; i < 512; i++) {
			entry = (g << 30) + (i << 21) + 0x83;
			(void)gmem_write(m, PD + g * 4096 + i * 8, &entry, sizeof(entry));
		}
	}
}

static void
linux64(struct gmem *m, struct kvm_sregs *s)
{
	flat(m, s, true);
	page_tables(m);
	s->cr3 = PML4;
	s->cr4 = CR4_PAE;
	s->cr0 |= CR0_PG;
	s->efer = EFER_LME | EFER_LMA;
}

void
cpu_entry_state(struct gmem *m, const struct boot_entry *b, const struct kvm_sregs *power_on,
    struct cpu_state *out)
{
	memset(out, 0, sizeof(*out));
	out->sregs = *power_on;
	out->regs.rflags = 2;
	out->has_regs = true;
	switch (b->mode) {
	case BOOT_FIRMWARE:
		out->regs.rip = 0xfff0;
		out->regs.rdx = 0x600; /* family 6 */
		break;
	case BOOT_PVH:
		flat(m, &out->sregs, false);
		out->regs.rip = b->ip;
		out->regs.rbx = b->arg;
		break;
	case BOOT_LINUX64:
		linux64(m, &out->sregs);
		out->regs.rip = b->ip;
		out->regs.rsi = b->arg;
		out->regs.rsp = 0x8ff0;
		break;
	}
}
