/* SPDX-License-Identifier: MIT */
/*
 * For the tiny guests: ports, the serial line, interrupts, PCI.  64-bit, ring 0, first 4 GiB mapped.
 *
 * A guest says in its first comment how to run it and what its serial line must say:
 *	vmx: OPTIONS		more options of vmx run; @/NAME is a scratch file
 *	disk: NAME SIZE		make such a file, each sector beginning with its number
 *	input: TEXT		a line on standard input
 *	host: COMMAND		runs beside it in the scratch folder; @ is its path, vt$ the name of a tap
 *	expect: TEXT		the next line of output
 *	needs: FILE		of the host, or the guest is skipped
 *	after: COMMAND		in the scratch folder, at the end; must succeed
 *	exit: STATUS		of vmx run (0)
 */
#ifndef GUEST_H
#define GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

static inline void outb(u16 p, u8 v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(p)); }
static inline void outw(u16 p, u16 v) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(p)); }
static inline void outl(u16 p, u32 v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(p)); }
static inline u8 inb(u16 p) { u8 v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(p)); return v; }
static inline u16 inw(u16 p) { u16 v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(p)); return v; }
static inline u32 inl(u16 p) { u32 v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(p)); return v; }

static inline u64 rdmsr(u32 i)
{
	u32 lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(i));
	return (u64)hi << 32 | lo;
}

static inline void cpuid(u32 leaf, u32 sub, u32 r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
	    : "a"(leaf), "c"(sub));
}

static inline void sti(void) { __asm__ volatile("sti"); }
static inline void cli(void) { __asm__ volatile("cli"); }
static inline void wait_interrupt(void) { __asm__ volatile("sti; hlt; cli"); }
static inline void barrier(void) { __asm__ volatile("mfence" : : : "memory"); }

static inline u32 mmio32(u64 a) { return *(volatile u32 *)a; }
static inline void set32(u64 a, u32 v) { *(volatile u32 *)a = v; }
static inline u16 mmio16(u64 a) { return *(volatile u16 *)a; }
static inline void set16(u64 a, u16 v) { *(volatile u16 *)a = v; }
static inline u8 mmio8(u64 a) { return *(volatile u8 *)a; }
static inline void set8(u64 a, u8 v) { *(volatile u8 *)a = v; }

static inline void put(const char *s)
{
	u64 n = 0;
	while (s[n] != 0)
		n++;
	__asm__ volatile("rep outsb" : "+S"(s), "+c"(n) : "d"(0x3f8) : "memory");
}

static inline void put_hex(u64 v)
{
	char t[17];
	int i = 16;
	t[16] = 0;
	do {
		t[--i] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v != 0);
	put(t + i);
}

static inline void say(const char *name, u64 v) { put(name); put(" "); put_hex(v); put("\n"); }
static inline void check(const char *claim, int ok) { put(ok ? "ok " : "FAILED "); put(claim); put("\n"); }

/* ---- interrupts: vector v calls handler[v] ---- */
void (*handler[64])(u64 vector);
extern u8 stubs[];
static u64 idt[128];

static inline void on_interrupt(u32 v, void (*fn)(u64))
{
	struct __attribute__((packed)) { u16 limit; u64 base; } d = {sizeof(idt) - 1, (u64)idt};
	u64 a = (u64)stubs + 16 * v;

	handler[v] = fn;
	idt[2 * v] = (a & 0xffff) | 8UL << 16 | 0x8e00UL << 32 | (a >> 16 & 0xffff) << 48;
	idt[2 * v + 1] = a >> 32;
	__asm__ volatile("lidt %0" : : "m"(d));
}

/* PIC: master at 32, slave at 40; only the lines of mask are let through. */
static inline void pic_init(u16 lines)
{
	outb(0x20, 0x11); outb(0xa0, 0x11);
	outb(0x21, 32); outb(0xa1, 40);
	outb(0x21, 4); outb(0xa1, 2);
	outb(0x21, 1); outb(0xa1, 1);
	outb(0x21, (u8)~(lines | 4)); outb(0xa1, (u8)~(lines >> 8));
}
static inline void pic_eoi(u32 line) { if (line >= 8) outb(0xa0, 0x20); outb(0x20, 0x20); }

#define LAPIC 0xfee00000UL
static inline void lapic_on(void) { set32(LAPIC + 0xf0, 0x13f); }
static inline void lapic_eoi(void) { set32(LAPIC + 0xb0, 0); }

/* ---- PCI ---- */
static inline u32 pci_read(u32 devfn, u32 reg)
{
	outl(0xcf8, 0x80000000 | devfn << 8 | (reg & 0xfc));
	return inl(0xcfc) >> 8 * (reg & 3);
}
static inline void pci_write(u32 devfn, u32 reg, u32 v)
{
	outl(0xcf8, 0x80000000 | devfn << 8 | (reg & 0xfc));
	outl(0xcfc, v);
}
static inline u64 pci_bar(u32 devfn, u32 i) { return pci_read(devfn, 0x10 + 4 * i) & ~15U; }
/* The function with this vendor and device, or 0. */
static inline u32 pci_look(u32 id)
{
	for (u32 d = 8; d < 256; d += 8)
		if (pci_read(d, 0) == id)
			return d;
	return 0;
}
static inline u32 pci_cap(u32 devfn, u8 id)
{
	u32 at = pci_read(devfn, 0x34) & 0xff;
	while (at != 0 && (pci_read(devfn, at) & 0xff) != id)
		at = pci_read(devfn, at + 1) & 0xff;
	return at;
}

/* ---- other processors ---- */
extern u32 ap_entry;
extern u8 trampoline[], trampoline_end[];
static inline void ap_start(u32 apic_id, void (*fn)(void))
{
	u8 *to = (u8 *)0x8000;
	for (u8 *from = trampoline; from < trampoline_end; )
		*to++ = *from++;
	ap_entry = (u32)(u64)fn;
	barrier();
	set32(LAPIC + 0x310, apic_id << 24);
	set32(LAPIC + 0x300, 0x4500);
	set32(LAPIC + 0x310, apic_id << 24);
	set32(LAPIC + 0x300, 0x4608);
}

int main(void);
#endif
