/* SPDX-License-Identifier: MIT */
/* Disks and CDs of the two controllers: DMA through tables of regions, errors, trays, saved state. */
#include "smartbox/vmx/ahci.h"
#include "smartbox/vmx/ide.h"
#include "test.h"
#include "vmx_util.h"

enum { IDE_FN = PCI_DEVFN(1, 1), MASTER = 0xc100, PRD = 0x8000, BUF = 0x10000, DISK_SECTORS = 64 };

static struct mem_disk *
disk_new(void)
{
	struct mem_disk *d = mem_disk_new(DISK_SECTORS * 512);

	for (unsigned i = 0; i < DISK_SECTORS * 512; i++)
		d->bytes[i] = (uint8_t)(i / 512);
	return (d);
}

/* ---- IDE ---- */

static int
ide_open(struct vmx_bench *b, struct mem_disk **disk)
{
	struct ide_spec spec[4] = {{0}};

	*disk = disk_new();
	spec[0] = (struct ide_spec){&(*disk)->b, false, "serial"};
	spec[1] = (struct ide_spec){&disk_new()->b, true, ""};
	if (bench_open(b) != 0 || ide_new(b->board, spec, NULL) != 0)
		return (-1);
	bench_cfg_set(b, IDE_FN, 0x20, MASTER);
	bench_cfg_set(b, IDE_FN, 4, 5);
	return (0);
}

static void
ide_region(struct vmx_bench *b, unsigned i, uint32_t at, uint16_t len, bool last)
{
	uint16_t flags = last ? 0x8000 : 0;

	(void)gmem_write(b->mem, PRD + 8 * i, &at, 4);
	(void)gmem_write(b->mem, PRD + 8 * i + 4, &len, 2);
	(void)gmem_write(b->mem, PRD + 8 * i + 6, &flags, 2);
}

static void
ide_command(struct vmx_bench *b, uint8_t c, uint32_t lba, uint8_t count)
{
	bench_out(b, 0x1f6, 1, 0xe0);
	bench_out(b, 0x1f2, 1, count);
	bench_out(b, 0x1f3, 1, lba & 255);
	bench_out(b, 0x1f4, 1, lba >> 8 & 255);
	bench_out(b, 0x1f5, 1, lba >> 16 & 255);
	bench_out(b, 0x1f7, 1, c);
}

static uint8_t
ide_go(struct vmx_bench *b, uint8_t direction)
{
	uint8_t status;

	bench_out(b, MASTER + 4, 4, PRD);
	bench_out(b, MASTER + 2, 1, 6);
	bench_out(b, MASTER, 1, 1 | direction);
	status = (uint8_t)bench_in(b, MASTER + 2, 1);
	bench_out(b, MASTER, 1, 0);
	return (status);
}

TEST(ide_dma_reads_into_regions_of_any_size)
{
	struct vmx_bench b;
	struct mem_disk *d;

	CHECK_EQ(ide_open(&b, &d), 0);
	ide_region(&b, 0, BUF, 2, false);
	ide_region(&b, 1, BUF + 2, 600, false);
	ide_region(&b, 2, BUF + 602, 0, true); /* 64 KiB: more than is left */
	ide_command(&b, 0xc8, 5, 2);
	CHECK(!b.line[14]);
	CHECK_EQ(ide_go(&b, 8) & 7, 4);
	CHECK(b.line[14]);
	CHECK_EQ(*(uint8_t *)gmem_ptr(b.mem, BUF + 511, 1), 5);
	CHECK_EQ(*(uint8_t *)gmem_ptr(b.mem, BUF + 512, 1), 6);
	CHECK_EQ(*(uint8_t *)gmem_ptr(b.mem, BUF + 1024, 1), 0);
	CHECK_EQ(bench_in(&b, 0x1f7, 1) & 1, 0);
	CHECK(!b.line[14]);
	bench_close(&b);
}

TEST(ide_dma_writes_and_refuses_wrong_directions_and_wild_tables)
{
	struct vmx_bench b;
	struct mem_disk *d;

	CHECK_EQ(ide_open(&b, &d), 0);
	memset(gmem_ptr(b.mem, BUF, 512), 0x77, 512);
	ide_region(&b, 0, BUF, 512, true);
	ide_command(&b, 0xca, 9, 1);
	CHECK_EQ(ide_go(&b, 0) & 7, 4);
	CHECK_EQ(d->bytes[9 * 512], 0x77);
	ide_command(&b, 0xca, 10, 1);
	CHECK_EQ(ide_go(&b, 8) & 7, 6); /* to memory, but it is a write */
	CHECK_EQ(d->bytes[10 * 512], 10);
	ide_command(&b, 0xca, 10, 2);
	CHECK_EQ(ide_go(&b, 0) & 7, 6); /* the table is too short */
	ide_region(&b, 0, 0xfffff000, 512, true);
	ide_command(&b, 0xc8, 0, 1);
	CHECK_EQ(ide_go(&b, 8) & 7, 6);
	CHECK_EQ(bench_in(&b, 0x1f7, 1) & 1, 1);
	ide_command(&b, 0xc8, DISK_SECTORS - 1, 2);
	CHECK_EQ(bench_in(&b, 0x1f7, 1) & 1, 1); /* beyond the end: no data phase at all */
	bench_close(&b);
}

TEST(ide_a_command_that_waits_for_its_bus_master_survives_a_snapshot)
{
	struct vmx_bench b;
	struct mem_disk *d;
	struct buf saved = BUF_INIT;

	CHECK_EQ(ide_open(&b, &d), 0);
	ide_region(&b, 0, BUF, 512, true);
	ide_command(&b, 0xc8, 7, 1);
	CHECK_EQ(board_save(b.board, &saved, NULL), 0);
	board_reset(b.board);
	CHECK_EQ(board_load(b.board, saved.data, saved.len, NULL), 0);
	CHECK_EQ(ide_go(&b, 8) & 7, 4);
	CHECK_EQ(*(uint8_t *)gmem_ptr(b.mem, BUF, 1), 7);
	buf_free(&saved);
	bench_close(&b);
}

static uint8_t
cd_packet(struct vmx_bench *b, uint8_t op, uint8_t byte4)
{
	uint8_t cdb[12] = {op, 0, 0, 0, byte4};

	bench_out(b, 0x1f6, 1, 0xb0);
	bench_out(b, 0x1f1, 1, 0);
	bench_out(b, 0x1f7, 1, 0xa0);
	for (unsigned i = 0; i < 12; i += 2)
		bench_out(b, 0x1f0, 2, cdb[i] | (uint32_t)cdb[i + 1] << 8);
	return ((uint8_t)bench_in(b, 0x1f7, 1));
}

TEST(cd_that_the_guest_ejected_stays_out_over_a_reset)
{
	struct vmx_bench b;
	struct mem_disk *d;

	CHECK_EQ(ide_open(&b, &d), 0);
	CHECK_EQ(cd_packet(&b, 0x00, 0) & 1, 0);
	CHECK_EQ(cd_packet(&b, 0x1b, 2) & 1, 0);
	board_reset(b.board);
	CHECK_EQ(cd_packet(&b, 0x00, 0) & 1, 1);
	CHECK_EQ(bench_in(&b, 0x1f1, 1) >> 4, 2); /* not ready */
	CHECK_EQ(cd_packet(&b, 0x1b, 3) & 1, 0);
	CHECK_EQ(cd_packet(&b, 0x00, 0) & 1, 1);
	CHECK_EQ(bench_in(&b, 0x1f1, 1) >> 4, 6); /* a new medium */
	CHECK_EQ(cd_packet(&b, 0x00, 0) & 1, 0);
	bench_close(&b);
}

/* ---- AHCI ---- */

enum { SLOT = PCI_DEVFN(4, 0), LIST = 0x20000, TABLE = 0x21000, RECEIVED = 0x22000 };
#define REGS 0xc0000000ULL

static uint32_t
rd(struct vmx_bench *b, unsigned at)
{
	return ((uint32_t)bus_read(b->board->mmio, REGS + at, 4));
}

static void
wr(struct vmx_bench *b, unsigned at, uint32_t v)
{
	bus_write(b->board->mmio, REGS + at, 4, v);
}

static void
port_start(struct vmx_bench *b, unsigned port)
{
	unsigned at = 0x100 + 0x80 * port;

	wr(b, at, LIST);
	wr(b, at + 8, RECEIVED);
	wr(b, at + 0x18, 0x10);
	wr(b, at + 0x10, ~0U);
	wr(b, at + 0x14, ~0U);
	wr(b, at + 0x18, 0x11);
}

static int
ahci_open(struct vmx_bench *b, struct mem_disk **disk)
{
	struct ide_spec spec[AHCI_PORTS] = {{0}};

	*disk = disk_new();
	spec[0] = (struct ide_spec){&(*disk)->b, false, "serial"};
	spec[1] = (struct ide_spec){&disk_new()->b, true, ""};
	if (bench_open(b) != 0 || ahci_new(b->board, SLOT, spec, NULL) != 0)
		return (-1);
	bench_cfg_set(b, SLOT, 0x24, (uint32_t)REGS);
	bench_cfg_set(b, SLOT, 4, 6);
	wr(b, 4, 0x80000002);
	return (0);
}

/* In slot 3, with one region; the port's task file then. */
static uint32_t
ahci_command(struct vmx_bench *b, unsigned port, const uint8_t fis[20], uint64_t at, uint32_t len)
{
	uint32_t head[4] = {5 | 1 << 16 | (fis[2] == 0xa0 ? 0x20 : 0), 0, TABLE, 0};
	uint32_t prd[4] = {(uint32_t)at, (uint32_t)(at >> 32), 0, len - 1};

	(void)gmem_write(b->mem, LIST + 3 * 32, head, sizeof(head));
	(void)gmem_write(b->mem, TABLE, fis, 20);
	(void)gmem_write(b->mem, TABLE + 0x80, prd, sizeof(prd));
	wr(b, 0x100 + 0x80 * port + 0x38, 1 << 3);
	return (rd(b, 0x100 + 0x80 * port + 0x20));
}

TEST(ahci_ports_tell_who_is_there)
{
	struct vmx_bench b;
	struct mem_disk *d;

	CHECK_EQ(ahci_open(&b, &d), 0);
	CHECK_EQ(rd(&b, 0x124), 0x00000101);
	CHECK_EQ(rd(&b, 0x128), 0x123);
	CHECK_EQ(rd(&b, 0x1a4), 0xeb140101);
	CHECK_EQ(rd(&b, 0x228), 0);
	port_start(&b, 0);
	CHECK_EQ(*(uint8_t *)gmem_ptr(b.mem, RECEIVED + 0x40, 1), 0x34);
	CHECK_EQ(rd(&b, 0x120) & 0x88, 0);
	bench_close(&b);
}

TEST(ahci_reads_and_interrupts_until_all_is_taken_back)
{
	struct vmx_bench b;
	struct mem_disk *d;

	CHECK_EQ(ahci_open(&b, &d), 0);
	port_start(&b, 0);
	CHECK_EQ(ahci_command(&b, 0, (uint8_t[20]){0x27, 0x80, 0x25, 0, 8, 0, 0, 0x40, 0, 0, 0, 0, 2}, BUF, 1024) & 1, 0);
	CHECK_EQ(*(uint8_t *)gmem_ptr(b.mem, BUF, 1), 8);
	CHECK_EQ(*(uint8_t *)gmem_ptr(b.mem, BUF + 1023, 1), 9);
	CHECK_EQ(*(uint32_t *)gmem_ptr(b.mem, LIST + 3 * 32 + 4, 4), 1024);
	CHECK_EQ(rd(&b, 0x138), 0);
	CHECK(b.line[11]);
	wr(&b, 8, 1);
	CHECK(b.line[11]); /* the port still has it */
	wr(&b, 0x110, ~0U);
	wr(&b, 8, 1);
	CHECK(!b.line[11]);
	bench_close(&b);
}

TEST(ahci_an_error_stops_the_port_until_it_is_started_again)
{
	static const uint8_t read8[20] = {0x27, 0x80, 0x25, 0, 8, 0, 0, 0x40, 0, 0, 0, 0, 1};
	static const uint8_t beyond[20] = {0x27, 0x80, 0x25, 0, DISK_SECTORS, 0, 0, 0x40, 0, 0, 0, 0, 1};
	struct vmx_bench b;
	struct mem_disk *d;

	CHECK_EQ(ahci_open(&b, &d), 0);
	port_start(&b, 0);
	CHECK_EQ(ahci_command(&b, 0, beyond, BUF, 512) & 1, 1);
	CHECK_EQ(rd(&b, 0x138), 8);
	CHECK(rd(&b, 0x110) & 1 << 30);
	CHECK_EQ(ahci_command(&b, 0, read8, BUF, 512) & 1, 1); /* not looked at */
	port_start(&b, 0);
	CHECK_EQ(ahci_command(&b, 0, read8, 0xfee00000, 512) & 1, 1);
	port_start(&b, 0);
	CHECK_EQ(ahci_command(&b, 0, read8, BUF, 256) & 1, 1); /* regions too short */
	port_start(&b, 0);
	CHECK_EQ(ahci_command(&b, 0, read8, BUF, 512) & 1, 0);
	bench_close(&b);
}

TEST(ahci_cd_answers_packets)
{
	static const uint8_t fis[20] = {0x27, 0x80, 0xa0, 1};
	static const uint8_t read2[12] = {0x28, 0, 0, 0, 0, 3, 0, 0, 2};
	struct vmx_bench b;
	struct mem_disk *d;

	CHECK_EQ(ahci_open(&b, &d), 0);
	port_start(&b, 1);
	(void)gmem_write(b.mem, TABLE + 0x40, read2, 12);
	CHECK_EQ(ahci_command(&b, 1, fis, BUF, 4096) & 1, 0);
	CHECK_EQ(*(uint8_t *)gmem_ptr(b.mem, BUF, 1), 12);
	CHECK_EQ(*(uint8_t *)gmem_ptr(b.mem, BUF + 4095, 1), 19);
	(void)gmem_write(b.mem, TABLE + 0x40, "\xff", 1);
	CHECK_EQ(ahci_command(&b, 1, fis, BUF, 4096), 0x5451); /* illegal request */
	bench_close(&b);
}
