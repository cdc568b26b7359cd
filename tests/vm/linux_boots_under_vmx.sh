#!/bin/bash
# SPDX-License-Identifier: MIT
# host
# Debian's kernel boots under our vmx to an init of ours: disk read and written, pings and a file both ways through
# a tap, random numbers, and an end by the power button; jailed.
set -eu
cp "$TOP/build/third_party/kernel/vmlinuz" vmlinuz
"$TOP/tests/vmx/initrd" initrd "$TOP/tests/vmx/init_net_disk.sh"
chmod +x "$TOP/tests/vmx/rig_net_disk.sh"
exec "$TOP/tests/vm/run" -k -m 768 -t 280 -a noimport "$TOP/tests/vmx/rig_net_disk.sh" vmlinuz initrd
