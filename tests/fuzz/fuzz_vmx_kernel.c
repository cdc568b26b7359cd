/* SPDX-License-Identifier: MIT */
/* The kernel loader: bzImage and ELF files that somebody else made. */
#include <sys/mman.h>
#include <unistd.h>

#include "smartbox/vmx/boot.h"
#include "vmx_util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("kernel", 0);
	struct boot_source s = {fd, -1, "quiet", 0};
	struct boot_entry entry;
	struct gmem *m;

	if (fd < 0 || gmem_new(32 << 20, &m, NULL) != 0)
		return (0);
	if (write(fd, data, size) == (ssize_t)size)
		(void)boot_load(m, &s, &entry, NULL);
	gmem_free(m);
	(void)close(fd);
	return (0);
}
