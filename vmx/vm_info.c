/* SPDX-License-Identifier: MIT */
/*
 * What a running machine says of itself, as JSON on the control socket; the members are those of QEMU's
 * monitor, which SmartOS's tools know.
 */
#include <stdio.h>

#include "smartbox/core/buf.h"
#include "vm_impl.h"

enum { CFG_VENDOR = 0x00, CFG_DEVICE = 0x02, CFG_CLASS = 0x0a, CFG_LINE = 0x3c, CFG_PIN = 0x3d };

static unsigned
cfg16(const struct pci_fn *fn, unsigned at)
{
	return (fn->s.cfg[at] | (unsigned)fn->s.cfg[at + 1] << 8);
}

static const char *
class_name(unsigned class)
{
	static const struct {
		unsigned class;
		const char *name;
	} names[] = {{0x0100, "SCSI controller"}, {0x0101, "IDE controller"}, {0x0106, "SATA controller"},
	    {0x0200, "Ethernet controller"}, {0x0300, "VGA controller"}, {0x0600, "Host bridge"},
	    {0x0601, "ISA bridge"}, {0x0680, "Bridge"}, {0x0780, "Communication controller"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].class == class)
			return (names[i].name);
	return ("");
}

static void
add_regions(struct buf *b, const struct pci_fn *fn)
{
	const char *comma = "";

	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &fn->bar[i];
		bool io = bar->kind == PCI_BAR_IO;

		if (bar->kind == PCI_BAR_NONE)
			continue;
		buf_printf(b, "%s{\"bar\":%u,\"type\":\"%s\",\"address\":%lld,\"size\":%llu", comma, i,
		    io ? "io" : "memory", bar->mapped ? (long long)bar->at : -1LL, (unsigned long long)bar->size);
		if (!io)
			buf_printf(b, ",\"prefetch\":%s,\"mem_type_64\":%s", bar->prefetch ? "true" : "false",
			    bar->kind == PCI_BAR_MEM64 ? "true" : "false");
		buf_str(b, "}");
		comma = ",";
	}
}

static void
add_function(struct buf *b, struct pci_fn *fn)
{
	unsigned class;

	(void)pthread_mutex_lock(&fn->dev.lock);
	class = cfg16(fn, CFG_CLASS);
	buf_printf(b, "{\"bus\":0,\"slot\":%u,\"function\":%u,\"qdev_id\":\"%s\","
	    "\"class_info\":{\"class\":%u,\"desc\":\"%s\"},\"id\":{\"vendor\":%u,\"device\":%u}", fn->devfn >> 3,
	    fn->devfn & 7, fn->dev.name, class, class_name(class), cfg16(fn, CFG_VENDOR),
	    cfg16(fn, CFG_DEVICE));
	if (fn->s.cfg[CFG_PIN] != 0)
		buf_printf(b, ",\"irq\":%u", fn->s.cfg[CFG_LINE]);
	buf_str(b, ",\"regions\":[");
	add_regions(b, fn);
	buf_str(b, "]}");
	(void)pthread_mutex_unlock(&fn->dev.lock);
}

void
vm_info_pci(struct vm *vm, struct buf *b)
{
	const char *comma = "";

	buf_str(b, "[{\"bus\":0,\"devices\":[");
	for (unsigned devfn = 0; devfn < 256; devfn++) {
		struct pci_fn *fn = pci_find(vm->board, devfn);

		if (fn == NULL)
			continue;
		buf_str(b, comma);
		add_function(b, fn);
		comma = ",";
	}
	buf_str(b, "]}]\n");
}
