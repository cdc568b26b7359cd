/* SPDX-License-Identifier: MIT */
/*
 * Loading kernels and firmware into guest memory.
 *
 *	0x500 GDT   0x6000 PVH start info   0x7000 boot_params   0x9000 page tables   0x20000 command line
 *	0xe0000 ACPI tables   0x100000 kernel ...   initrd below the end of low RAM
 *
 * A bzImage is entered at its 64-bit entry (version 2.12 of the boot protocol), an ELF file that has
 * Xen's note 18 in 32-bit protected mode (PVH).  Both files are somebody else's bytes: each
 * offset and size is checked against the file and against RAM before it is used.
 *
 * Facts: Linux Documentation/arch/x86/boot.rst; Xen docs/misc/pvh; ELF-64 object file format.
 */
#include "smartbox/vmx/boot.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	START_INFO = 0x6000,
	MODULES = 0x6040,
	MEMMAP = 0x6100,
	BOOT_PARAMS = 0x7000,
	CMDLINE = 0x20000,
	CMDLINE_MAX = 0x10000,
	KERNEL = 0x100000,
	HEAD = 4096,
};
#define START_MAGIC 0x336ec578U

unsigned
boot_e820(const struct gmem *m, struct e820 out[E820_MAX])
{
	uint64_t low = gmem_low_top(m), high = gmem_high_top(m) - GMEM_HIGH;
	unsigned n = 0;

	out[n++] = (struct e820){0, 0x9fc00, 1};
	out[n++] = (struct e820){0x9fc00, 0x400, 2};
	out[n++] = (struct e820){0xe0000, 0x20000, 2};
	out[n++] = (struct e820){0x100000, low - 0x100000, 1};
	out[n++] = (struct e820){0xfffbc000, 0x4000, 2};
	if (high != 0)
		out[n++] = (struct e820){GMEM_HIGH, high, 1};
	return (n);
}

/* len bytes of fd at off into guest memory. */
static int
load_range(struct gmem *m, int fd, uint64_t off, uint64_t gpa, uint64_t len, const char *what,
    struct err *e)
{
	uint8_t *p = gmem_ptr(m, gpa, len);

	if (p == NULL)
		return (err_set(e, ENOMEM, "%s (%llu bytes at %#llx) does not fit into guest memory",
		    what, (unsigned long long)len, (unsigned long long)gpa));
	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (n < 0 ? err_sys(e, errno, "%s", what)
				      : err_set(e, EINVAL, "%s is shorter than it says", what));
		p += n;
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return (0);
}

static int
file_size(int fd, uint64_t *size, const char *what, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return (err_sys(e, errno, "%s", what));
	*size = (uint64_t)st.st_size;
	return (0);
}

struct initrd {
	uint64_t at, size;
};

/* As high as RAM and the kernel's limit allow, above `floor`. */
static int
load_initrd(struct gmem *m, int fd, uint64_t floor, uint64_t limit, struct initrd *out,
    struct err *e)
{
	uint64_t top = gmem_low_top(m), size = 0;
	int rc;

	*out = (struct initrd){0, 0};
	if (fd < 0)
		return (0);
	if ((rc = file_size(fd, &size, "the initrd", e)) != 0 || size == 0)
		return (rc);
	if (top > limit + 1)
		top = limit + 1;
	if (size > top || ((top - size) & ~4095ULL) < floor)
		return (err_set(e, ENOMEM, "the initrd (%llu bytes) does not fit into guest memory",
		    (unsigned long long)size));
	out->at = (top - size) & ~4095ULL;
	out->size = size;
	return (load_range(m, fd, 0, out->at, size, "the initrd", e));
}

static int
put_cmdline(struct gmem *m, const char *line, size_t max, struct err *e)
{
	size_t len = line != NULL ? strlen(line) : 0;

	if (len >= CMDLINE_MAX || len > max)
		return (err_set(e, E2BIG, "the kernel takes %zu characters of command line, not %zu",
		    max < CMDLINE_MAX - 1 ? max : CMDLINE_MAX - 1, len));
	return (err_rc(e, gmem_write(m, CMDLINE, line != NULL ? line : "", len + 1), "command line"));
}

/* ---- bzImage ---- */

struct bzimage {
	uint64_t payload_off, payload_len; /* the protected-mode part in the file */
	uint64_t pref, init_size, initrd_max, cmdline_max;
	unsigned header_end;
};

static uint16_t
le16(const uint8_t *p)
{
	return ((uint16_t)(p[0] | p[1] << 8));
}

static uint32_t
le32(const uint8_t *p)
{
	return (le16(p) | (uint32_t)le16(p + 2) << 16);
}

static uint64_t
le64(const uint8_t *p)
{
	return (le32(p) | (uint64_t)le32(p + 4) << 32);
}

static void
put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void
put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static int
bzimage_parse(const uint8_t head[HEAD], uint64_t file_len, struct bzimage *z, struct err *e)
{
	unsigned sects = head[0x1f1] != 0 ? head[0x1f1] : 4;

	if (le16(head + 0x1fe) != 0xaa55 || memcmp(head + 0x202, "HdrS", 4) != 0)
		return (err_set(e, EINVAL, "the kernel is neither a bzImage nor an ELF file with a PVH "
		    "note"));
	if (le16(head + 0x206) < 0x20c || (head[0x211] & 1) == 0 || (head[0x236] & 1) == 0)
		return (err_set(e, ENOTSUP, "the bzImage has no 64-bit entry (boot protocol %u.%02u)",
		    head[0x207], head[0x206]));
	z->header_end = 0x202 + head[0x201];
	z->payload_off = (sects + 1) * 512ULL;
	if (z->payload_off >= file_len)
		return (err_set(e, EINVAL, "the bzImage ends within its set-up code"));
	z->payload_len = file_len - z->payload_off;
	z->pref = le64(head + 0x258);
	z->init_size = le32(head + 0x260);
	z->initrd_max = le32(head + 0x22c);
	z->cmdline_max = le32(head + 0x238);
	if (z->header_end > 0x280 || z->pref > GMEM_HOLE)
		return (err_set(e, EINVAL, "the bzImage's header makes no sense"));
	return (0);
}

/* The highest address that the kernel needs before it has read its memory map. */
static uint64_t
bzimage_top(const struct bzimage *z)
{
	uint64_t a = KERNEL + z->payload_len, b = z->pref + z->init_size;

	return (a > b ? a : b);
}

static int
put_boot_params(struct gmem *m, const uint8_t *head, const struct bzimage *z,
    const struct initrd *rd, uint64_t rsdp, struct err *e)
{
	uint8_t bp[4096] = {0};
	struct e820 map[E820_MAX];
	unsigned n = boot_e820(m, map);

	memcpy(bp + 0x1f1, head + 0x1f1, z->header_end - 0x1f1);
	bp[0x210] = 0xff;
	put64(bp + 0x70, rsdp);
	put32(bp + 0x214, KERNEL);
	put32(bp + 0x218, (uint32_t)rd->at);
	put32(bp + 0x21c, (uint32_t)rd->size);
	put32(bp + 0x0c0, (uint32_t)(rd->at >> 32));
	put32(bp + 0x228, CMDLINE);
	for (unsigned i = 0; i < n; i++) {
		put64(bp + 0x2d0 + 20 * i, map[i].addr);
		put64(bp + 0x2d8 + 20 * i, map[i].size);
		put32(bp + 0x2e0 + 20 * i, map[i].type);
	}
	bp[0x1e8] = (uint8_t)n;
	return (err_rc(e, gmem_write(m, BOOT_PARAMS, bp, sizeof(bp)), "boot parameters"));
}

static int
load_bzimage(struct gmem *m, const struct boot_source *s, const uint8_t *head, uint64_t file_len,
    struct boot_entry *out, struct err *e)
{
	struct bzimage z = {0};
	struct initrd rd;
	int rc;

	if ((rc = bzimage_parse(head, file_len, &z, e)) != 0)
		return (rc);
	if (bzimage_top(&z) > gmem_low_top(m))
		return (err_set(e, ENOMEM, "the kernel needs %llu MiB of memory to start",
		    (unsigned long long)(bzimage_top(&z) >> 20) + 1));
	if ((rc = load_range(m, s->kernel_fd, z.payload_off, KERNEL, z.payload_len, "the kernel",
		 e)) != 0 ||
	    (rc = load_initrd(m, s->initrd_fd, bzimage_top(&z), z.initrd_max, &rd, e)) != 0 ||
	    (rc = put_cmdline(m, s->cmdline, z.cmdline_max, e)) != 0 ||
	    (rc = put_boot_params(m, head, &z, &rd, s->rsdp, e)) != 0)
		return (rc);
	*out = (struct boot_entry){BOOT_LINUX64, KERNEL + 0x200, BOOT_PARAMS};
	return (0);
}

/* ---- PVH ---- */

/* One program header, 32- or 64-bit, as what we need of it. */
struct segment {
	uint32_t type;
	uint64_t off, paddr, filesz, memsz;
};

struct elf {
	bool wide;
	uint64_t phoff;
	unsigned phentsize, phnum;
};

static int
elf_parse(const uint8_t head[HEAD], struct elf *f, struct err *e)
{
	f->wide = head[EI_CLASS] == ELFCLASS64;
	if (head[EI_DATA] != ELFDATA2LSB || (!f->wide && head[EI_CLASS] != ELFCLASS32))
		return (err_set(e, EINVAL, "the kernel is no little-endian ELF file"));
	f->phoff = f->wide ? le64(head + 32) : le32(head + 28);
	f->phentsize = le16(head + (f->wide ? 54 : 42));
	f->phnum = le16(head + (f->wide ? 56 : 44));
	if (f->phentsize < (f->wide ? 56 : 32) || f->phnum == 0 || f->phoff > HEAD ||
	    f->phoff + (uint64_t)f->phnum * f->phentsize > HEAD)
		return (err_set(e, EINVAL, "the kernel's ELF program headers make no sense"));
	return (0);
}

static struct segment
elf_segment(const struct elf *f, const uint8_t *head, unsigned i)
{
	const uint8_t *p = head + f->phoff + (uint64_t)i * f->phentsize;

	if (f->wide)
		return ((struct segment){le32(p), le64(p + 8), le64(p + 24), le64(p + 32),
		    le64(p + 40)});
	return ((struct segment){le32(p), le32(p + 4), le32(p + 12), le32(p + 16), le32(p + 20)});
}

/* Xen's note 18 holds the entry, in 4 or 8 bytes. */
static bool
note_entry(const uint8_t *p, size_t len, uint64_t *entry)
{
	while (len >= 12) {
		uint64_t name = le32(p), desc = le32(p + 4), type = le32(p + 8);
		uint64_t at = 12 + ((name + 3) & ~3ULL), next = at + ((desc + 3) & ~3ULL);

		if (at > len || desc > len - at)
			return (false);
		if (type == 18 && name == 4 && memcmp(p + 12, "Xen", 4) == 0 && desc >= 4) {
			*entry = le32(p + at); /* a 32-bit address either way */
			return (true);
		}
		if (next > len)
			return (false);
		p += next;
		len -= next;
	}
	return (false);
}

static bool
find_entry(int fd, const struct segment *s, uint64_t *entry)
{
	uint8_t note[4096];
	size_t len = s->filesz < sizeof(note) ? s->filesz : sizeof(note);
	ssize_t n = pread(fd, note, len, (off_t)s->off);

	return (n > 0 && note_entry(note, (size_t)n, entry));
}

static int
load_segment(struct gmem *m, int fd, const struct segment *s, uint64_t *top, struct err *e)
{
	uint8_t *p = gmem_ptr(m, s->paddr, s->memsz);

	if (s->memsz < s->filesz || p == NULL)
		return (err_set(e, ENOMEM, "a segment of the kernel (%#llx bytes at %#llx) does not fit "
		    "into guest memory", (unsigned long long)s->memsz,
		    (unsigned long long)s->paddr));
	memset(p + s->filesz, 0, s->memsz - s->filesz);
	if (s->paddr + s->memsz > *top)
		*top = s->paddr + s->memsz;
	return (load_range(m, fd, s->off, s->paddr, s->filesz, "the kernel", e));
}

static int
put_start_info(struct gmem *m, const struct initrd *rd, uint64_t rsdp, struct err *e)
{
	uint8_t si[MEMMAP - START_INFO + 24 * E820_MAX] = {0};
	uint8_t *mod = si + (MODULES - START_INFO), *map = si + (MEMMAP - START_INFO);
	struct e820 ranges[E820_MAX];
	unsigned n = boot_e820(m, ranges);

	put32(si, START_MAGIC);
	put32(si + 4, 1);
	put32(si + 12, rd->size != 0);
	put64(si + 16, MODULES);
	put64(si + 24, CMDLINE);
	put64(si + 32, rsdp);
	put64(si + 40, MEMMAP);
	put32(si + 48, n);
	put64(mod, rd->at);
	put64(mod + 8, rd->size);
	for (unsigned i = 0; i < n; i++) {
		put64(map + 24 * i, ranges[i].addr);
		put64(map + 24 * i + 8, ranges[i].size);
		put32(map + 24 * i + 16, ranges[i].type);
	}
	return (err_rc(e, gmem_write(m, START_INFO, si, sizeof(si)), "start info"));
}

static int
load_pvh(struct gmem *m, const struct boot_source *s, const uint8_t *head, struct boot_entry *out,
    struct err *e)
{
	uint64_t entry = 0, top = KERNEL;
	bool found = false;
	struct initrd rd;
	struct elf f = {0};
	int rc;

	if ((rc = elf_parse(head, &f, e)) != 0)
		return (rc);
	for (unsigned i = 0; i < f.phnum; i++) {
		struct segment seg = elf_segment(&f, head, i);

		if (seg.type == PT_NOTE && !found)
			found = find_entry(s->kernel_fd, &seg, &entry);
		if (seg.type == PT_LOAD && seg.memsz != 0 &&
		    (rc = load_segment(m, s->kernel_fd, &seg, &top, e)) != 0)
			return (rc);
	}
	if (!found)
		return (err_set(e, ENOTSUP, "the kernel is an ELF file without a PVH entry"));
	if ((rc = load_initrd(m, s->initrd_fd, top, UINT32_MAX, &rd, e)) != 0 ||
	    (rc = put_cmdline(m, s->cmdline, CMDLINE_MAX - 1, e)) != 0 ||
	    (rc = put_start_info(m, &rd, s->rsdp, e)) != 0)
		return (rc);
	*out = (struct boot_entry){BOOT_PVH, entry, START_INFO};
	return (0);
}

int
boot_load(struct gmem *m, const struct boot_source *s, struct boot_entry *out, struct err *e)
{
	uint8_t head[HEAD] = {0};
	uint64_t len = 0;
	int rc;

	if ((rc = file_size(s->kernel_fd, &len, "the kernel", e)) != 0)
		return (rc);
	if (pread(s->kernel_fd, head, sizeof(head), 0) < 64)
		return (err_set(e, EINVAL, "the kernel is too short to be one"));
	if (memcmp(head, ELFMAG, SELFMAG) == 0)
		return (load_pvh(m, s, head, out, e));
	return (load_bzimage(m, s, head, len, out, e));
}

/* ---- firmware ---- */

int
boot_firmware_load(struct gmem *m, int fd, uint8_t **rom, uint64_t *size, struct err *e)
{
	uint64_t done = 0;
	int rc;

	if ((rc = file_size(fd, size, "the firmware", e)) != 0)
		return (rc);
	if (*size < 65536 || *size > (8 << 20) || *size % 4096 != 0)
		return (err_set(e, EINVAL, "firmware must have 64 KiB to 8 MiB, in whole pages"));
	if ((rc = gmem_add_rom(m, GMEM_HIGH - *size, *size, rom, e)) != 0)
		return (rc);
	while (done < *size) {
		ssize_t n = pread(fd, *rom + done, *size - done, (off_t)done);

		if (n <= 0)
			return (err_sys(e, n < 0 ? errno : EIO, "cannot read the firmware"));
		done += (uint64_t)n;
	}
	return (0);
}

void
boot_firmware_copy(struct gmem *m, const uint8_t *rom, uint64_t size)
{
	uint64_t n = size < 0x20000 ? size : 0x20000;

	(void)gmem_write(m, 0x100000 - n, rom + size - n, n);
}
