#!/bin/bash
# SPDX-License-Identifier: MIT
# host
# vmadm makes a machine of brand kvm on volumes that poold serves; SeaBIOS boots Debian's kernel from one of them;
# console, keyboard and mouse by VNC, network, info, walls, snapshots, the power button, delete.
. "$TOP/tests/vmx/viewer.sh"
need python3 openssl
"$TOP/tests/vmx/disk" disk.img "$TOP/tests/vmx/init_idle.sh" "console=tty0 console=ttyS0" psmouse || exit $?
rig -k -m 1024 -d 1G -t 320 -a noimport "$TOP/tests/vmx/rig_vmadm.sh" "$TOP/tests/vmx/rig_lib.sh" disk.img
if said "host: keys"; then
	expect "vmx" shot --password secret --type "hello, screen"
	expect "vmx" shot --password secret --pointer 10,20,0 --pointer 15,18,0 --pointer 15,18,1 --pointer 15,18,0
fi
wait "$rig" || failed=1
grep -v '^qemu-system' out
[ -z "$failed" ]
