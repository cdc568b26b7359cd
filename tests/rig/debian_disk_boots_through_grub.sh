#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk made by debootstrap and GRUB boots through SeaBIOS from a volume to its login; network and disk are measured,
# it reboots and stops by the power button; zdb finds the pool clean after.
set -u
. "$TOP/tests/interop/lib.sh"
mkdir -p "$TOP/build/rig"
debian=$TOP/build/rig/debian.img
[ -e "$debian" ] || "$TOP/tests/vmx/debian" "$debian" || exit $?
command -v iperf3 > /dev/null || skip "needs iperf3"
mkdir lib
cp "$(command -v iperf3)" lib/
ldd lib/iperf3 | grep -o '/[^ ]*' | while read -r l; do cp -L "$l" lib/; done
"$TOP/tests/vm/run" -k -m 1500 -d pool.img:2G -d "$debian" -t 1800 -a noimport "$TOP/tests/vmx/rig_debian.sh" \
	"$TOP/tests/vmx/rig_lib.sh" lib/* || fail "in the rig"
judge_zdb . zones || fail "zdb objects"
