#!/bin/bash
# SPDX-License-Identifier: MIT
# host
# A guest that writes anything anywhere for some time, with every device there is: the monitor goes on or ends as it
# should, inside its walls; the host notices nothing.
set -eu
g=$TOP/tests/guests rom=/usr/share/seabios/vgabios-stdvga.bin
[ -r $rom ] || { echo "needs $rom (Debian's package seabios)"; exit 77; }
gcc -m64 -O1 -ffreestanding -fno-pic -no-pie -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
	-fno-asynchronous-unwind-tables -std=gnu11 -nostdlib -static -Wl,-T,"$g/guest.ld" -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o hostile "$g/start.S" "$g/hostile_guest_harms_itself_alone.c"
exec "$TOP/tests/vm/run" -k -m 512 -t 200 -a noimport "$TOP/tests/vmx/rig_hostile.sh" hostile $rom
