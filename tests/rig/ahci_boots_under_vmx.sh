#!/bin/bash
# SPDX-License-Identifier: MIT
# As cd_boots_under_vmx.sh, with disk and CD on the SATA controller.
set -eu
iso=/usr/lib/ipxe/ipxe.iso bios=/usr/share/seabios/bios-256k.bin
for f in $iso $bios; do
	[ -r $f ] || { echo "needs $f (Debian's packages ipxe, seabios)"; exit 77; }
done
cp "$TOP/build/third_party/kernel/vmlinuz" vmlinuz
"$TOP/tests/vmx/initrd" initrd "$TOP/tests/vmx/init_ide.sh" ahci sd_mod sr_mod isofs e1000
printf '#!/bin/sh\nCONTROLLER=ahci . ./rig_cd.sh\n' > rig_ahci.sh
chmod +x rig_ahci.sh
exec "$TOP/tests/vm/run" -k -m 768 -t 290 -a noimport rig_ahci.sh "$TOP/tests/vmx/rig_cd.sh" $iso $bios vmlinuz initrd "$(command -v busybox)"
