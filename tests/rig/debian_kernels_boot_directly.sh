#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's stock kernel and its cloud kernel boot under vmx without firmware, on 1, 2 and 4 processors;
# one reboots before it powers off.
set -eu
debian=$TOP/build/rig/debian.img
[ -e "$debian" ] || "$TOP/tests/vmx/debian" "$debian" || exit $?
cp "$TOP/build/third_party/kernel/vmlinuz" vmlinuz-stock
cp "$debian.root"/boot/vmlinuz-*-cloud-* vmlinuz-cloud
"$TOP/tests/vmx/initrd" initrd "$TOP/tests/vmx/init_cpus.sh"
"$TOP/tests/vm/run" -k -m 768 -t 900 -a noimport "$TOP/tests/vmx/rig_kernels.sh" "$TOP/tests/vmx/rig_lib.sh" \
	vmlinuz-stock vmlinuz-cloud initrd
