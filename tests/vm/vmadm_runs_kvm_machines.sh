#!/bin/bash
# SPDX-License-Identifier: MIT
# host
# vmadm makes a machine of brand kvm on volumes that poold serves; SeaBIOS boots Debian's kernel from one of them;
# console, network, info, walls, snapshots, the power button, delete.
set -eu
"$TOP/tests/vmx/disk" disk.img "$TOP/tests/vmx/init_idle.sh" || exit $?
exec "$TOP/tests/vm/run" -k -m 1024 -d 1G -t 290 -a noimport "$TOP/tests/vmx/rig_vmadm.sh" disk.img
