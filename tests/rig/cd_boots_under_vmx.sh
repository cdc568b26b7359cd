#!/bin/bash
# SPDX-License-Identifier: MIT
# SeaBIOS boots iPXE from an ISO in an IDE drive, and it gets an address through an e1000; Linux without virtio reads
# and writes an IDE disk and reads the CD, by DMA, and talks TCP through an e1000.
set -eu
iso=/usr/lib/ipxe/ipxe.iso bios=/usr/share/seabios/bios-256k.bin
for f in $iso $bios; do
	[ -r $f ] || { echo "needs $f (Debian's packages ipxe, seabios)"; exit 77; }
done
cp "$TOP/build/third_party/kernel/vmlinuz" vmlinuz
"$TOP/tests/vmx/initrd" initrd "$TOP/tests/vmx/init_ide.sh" ata_piix sd_mod sr_mod isofs e1000
exec "$TOP/tests/vm/run" -k -m 768 -t 290 -a noimport "$TOP/tests/vmx/rig_cd.sh" $iso $bios vmlinuz initrd "$(command -v busybox)"
