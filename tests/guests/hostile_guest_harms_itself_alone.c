/* SPDX-License-Identifier: MIT */
/*
 * Two processors write anything anywhere: ports, configuration, BARs, rings of half-valid descriptors that one of them
 * changes while the devices read them. The monitor ends as it should. The rig runs the same program for longer
 * (tests/vmx/rig_hostile.sh): the command line "steps seed" with 0 steps for ever, resets and power-off included.
 * disk: d 64
 * disk: i 64
 * disk: c 64
 * disk: s 64
 * vmx: -c 2 -m 64M -a 1000.1 -d @/d -d @/i,ide -d @/c,cd -d @/s,ahci -r -B -x file:@/con -y 3,@/v -G std -s file:@/said2 -j 60001
 * needs: /usr/share/seabios/vgabios-stdvga.bin
 */
#include "guest.h"

extern u32 start_info;
static u64 seeds[2]; /* of each processor */
static u32 bars[256], nbars, fns[32], nfns, endless;
static volatile u32 over;
#define ARENA 0x2000000UL
#define ARENA_SIZE 0x100000UL

static u64
draw(u64 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static u64 any(void) { return draw(&seeds[0]); }

/* A number as devices like or hate them. */
static u64
number(void)
{
	u64 r = any();

	switch (r >> 8 & 7) {
	case 0: return r & 15;
	case 1: return 1UL << (r >> 16 & 63);
	case 2: return ARENA + (r >> 16 & (ARENA_SIZE - 1) & ~15UL);
	case 3: return ~0UL - (r >> 16 & 255);
	case 4: return bars[(r >> 16) % (nbars + 1)];
	case 5: return (64UL << 20) - (r >> 16 & 63);
	case 6: return r >> 16 & 0xffff;
	}
	return r;
}

static int
ends_all(u32 p)
{
	return ((p >= 0x600 && p < 0x608) || p == 0xcf8 || p == 0xcf9 || (p >= 0x60 && p <= 0x64) || p == 0x92 ||
	    p == 0x501 || p == 0x402);
}

static void
port(void)
{
	static const u16 liked[] = {0x1f0, 0x170, 0x3f6, 0x3c0, 0x3d0, 0x1ce, 0x60, 0x70, 0x3f8, 0x2f8, 0x510, 0xcf8,
	    0x20, 0xa0, 0x40, 0x600, 0xb2, 0xc000, 0xc100};
	u64 r = any();
	u32 p = (u32)((r & 1) != 0 ? liked[(r >> 8) % 19] + (r >> 16 & 15) : r >> 16 & 0xffff);

	if (ends_all(p) || ends_all(p + 1) || ends_all(p + 2) || ends_all(p + 3))
		if (!endless || (r >> 48 & 1023) != 0)
			return;
	switch (r >> 40 & 3) {
	case 0: outb((u16)p, (u8)number()); break;
	case 1: outw((u16)p, (u16)number()); break;
	case 2: outl((u16)p, (u32)number()); break;
	default: (void)inl((u16)p);
	}
}

static void
config(void)
{
	u64 r = any();

	pci_write(fns[r % nfns], (u32)(r >> 16) & 0xfc, (u32)number());
}

/* Everything reachable again. */
static void
home(void)
{
	u32 at = 0xc1000000, io = 0xc000;

	nbars = 0;
	for (u32 i = 0; i < nfns; i++) {
		pci_write(fns[i], 4, 0);
		for (u32 b = 0; b < 6; b++) {
			u32 reg = 0x10 + 4 * b, kind = pci_read(fns[i], reg) & 7;

			pci_write(fns[i], reg, ~0U);
			if (pci_read(fns[i], reg) == 0)
				continue;
			if ((kind & 1) != 0) {
				pci_write(fns[i], reg, io);
				io += 0x100;
				continue;
			}
			at = (at + 0x1ffffff) & ~0x1ffffffU;
			pci_write(fns[i], reg, at);
			bars[nbars++] = at;
			if ((kind & 4) != 0)
				pci_write(fns[i], 0x10 + 4 * ++b, 0);
		}
		pci_write(fns[i], 4, 7);
	}
}

static void
memory(void)
{
	u64 r = any(), at = bars[r % nbars] + (r >> 8 & 0x7fff);

	switch (r >> 32 & 7) {
	case 0: set8(at, (u8)number()); break;
	case 1: set16(at & ~1UL, (u16)number()); break;
	case 2: (void)mmio32(at & ~3UL); break;
	case 3: *(volatile u64 *)(at & ~7UL) = number(); break;
	default: set32(at & ~3UL, (u32)number());
	}
}

/* Descriptors: address, length, flags, next: half of them sensible. */
static void
scribble(u32 n, u64 *s)
{
	while (n-- > 0) {
		u64 r = draw(s), *d = (u64 *)(ARENA + (r & (ARENA_SIZE - 16) & ~15UL));

		d[0] = (r >> 40 & 3) != 0 ? ARENA + (r >> 20 & (ARENA_SIZE - 1)) : number();
		d[1] = (r >> 42 & 3) != 0 ? (r >> 44 & 0xfff) | (u64)(draw(s) & 7) << 32 | (u64)(draw(s) & 63) << 48 : draw(s);
	}
}

/* A queue of a virtio card into the arena, started and kicked. */
static void
queue(void)
{
	u64 b = bars[any() % nbars], at = ARENA + (any() & (ARENA_SIZE - 1) & ~0xffffUL);

	set8(b + 0x14, 0);
	set8(b + 0x14, 3);
	set32(b + 8, 1);
	set32(b + 12, 1);
	set8(b + 0x14, 11);
	for (u16 q = 0; q < 3; q++) {
		set16(b + 0x16, q);
		set16(b + 0x18, (u16)(1 << (any() & 7)));
		set32(b + 0x20, (u32)at + q * 0x4000U);
		set32(b + 0x28, (u32)at + q * 0x4000U + 0x1000);
		set32(b + 0x30, (u32)at + q * 0x4000U + 0x2000);
		set16(b + 0x1c, 1);
	}
	set8(b + 0x14, 15);
	for (u32 i = 0; i < 16; i++) {
		*(volatile u16 *)(at + 0x4000 * (i % 3) + 0x1002) += (u16)(1 + (any() & 1));
		set16(b + 0x3000 + 4 * (i % 3), (u16)(i % 3));
	}
}

static void
another(void)
{
	while (!over)
		scribble(64, &seeds[1]);
	for (;;)
		__asm__ volatile("cli; hlt");
}

static u64
argument(const char **s)
{
	u64 v = 0;

	while (**s >= '0' && **s <= '9')
		v = v * 10 + (u64)(*(*s)++ - '0');
	*s += **s != 0;
	return v;
}

int
main(void)
{
	const char *line = (const char *)*(u64 *)((u64)start_info + 24);
	u64 steps = argument(&line);

	seeds[0] = argument(&line) * 0x9e3779b97f4a7c15UL + 1;
	endless = steps == 0;
	if (endless)
		seeds[0] += inl(0x608);
	seeds[1] = ~seeds[0];
	for (u32 d = 0; d < 256; d++)
		if (nfns < 32 && (d % 8 == 0 || d < 16) && pci_read(d, 0) != ~0U)
			fns[nfns++] = d;
	home();
	scribble(20000, &seeds[0]);
	lapic_on();
	ap_start(1, another);
	for (u64 i = 0; endless || i < steps; i++) {
		switch (any() & 15) {
		case 0: config(); break;
		case 1: case 2: case 3: case 4: port(); break;
		case 5: queue(); break;
		case 6: scribble(16, &seeds[0]); break;
		default: memory();
		}
		if ((i & 255) == 255)
			home();
	}
	over = 1;
	pci_write(11, 0x40, 0x601); /* the port that powers off may have been moved */
	pci_write(11, 0x80, 1);
	return 0;
}
