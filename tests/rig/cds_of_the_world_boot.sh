#!/bin/bash
# SPDX-License-Identifier: MIT
# iPXE's CD gets an address on our tap, memtest86+ draws and tests: under vmadm, beside an empty disk.
set -u
. "$TOP/tests/vmx/viewer.sh"
cp /usr/lib/ipxe/ipxe.iso ipxe.iso && cp /usr/lib/memtest86+/memtest86+x64.iso memtest.iso ||
	{ echo "needs ipxe and memtest86+"; exit 77; }
rig -k -m 1024 -d 20G -t 600 -a noimport "$TOP/tests/vmx/rig_cds.sh" "$TOP/tests/vmx/rig_lib.sh" ipxe.iso memtest.iso
wait "$rig" || failed=1
"$TOP/tests/vmx/pictures" out "${KEEP_PICTURES:-.}" | grep -v '^qemu-system' | tee seen
grep -q "^picture memtest 640x400 0000a8:[89]" seen || { echo "FAILED: memtest86+ is not blue"; failed=1; }
[ -z "$failed" ]
