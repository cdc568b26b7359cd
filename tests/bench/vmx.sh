#!/bin/bash
# SPDX-License-Identifier: MIT
# The monitor beside QEMU's microvm: a tiny guest says hello on its serial line. From the start of the process to
# that line, and what the process holds beside the guest's memory. Any /dev/kvm, software ones too: the times of
# one host compare with each other alone.
. "$TOP/tests/bench/lib.sh"
[ -w /dev/kvm ] || { echo "vmx: no /dev/kvm"; exit 77; }
command -v qemu-system-x86_64 > /dev/null || { echo "vmx: no QEMU"; exit 77; }
g=$TOP/tests/guests
cat > wait.c <<- 'END'
	#include "guest.h"
	int main(void) { put("hello\n"); for (;;) __asm__ volatile("cli; hlt"); }
END
gcc -I"$g" -m64 -O1 -ffreestanding -fno-pic -no-pie -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
	-fno-asynchronous-unwind-tables -std=gnu11 -Wno-unused-function -nostdlib -static -Wl,-T,"$g/guest.ld" \
	-Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o hello.elf "$g/start.S" wait.c || exit 1

# COMMAND...: milliseconds to the line, and KiB of its own, into the file `seen`
until_hello() {
	rm -f pipe && mkfifo pipe
	local start=$EPOCHREALTIME line
	"$@" > pipe 2> /dev/null < /dev/null &
	local pid=$!
	read -r -t 60 line < pipe
	local end=$EPOCHREALTIME
	echo "$(((${end/./} - ${start/./}))) $(awk '/^RssAnon/ { print $2 }' /proc/$pid/status)" > seen
	kill -KILL $pid
	wait $pid 2> /dev/null
	[ -n "$line" ]
}
ours() { until_hello "$TOP/build/smartbox" vmx run -k hello.elf -m 64M -s stdio; }
# Its guest memory is a file, so that RssAnon is what it holds itself.
peer() {
	until_hello qemu-system-x86_64 -M microvm,accel=kvm,memory-backend=m -object memory-backend-memfd,id=m,size=64M \
		-m 64M -nodefaults -no-user-config -display none -serial stdio -kernel hello.elf
}
ours_ms() { ours && awk '{ print $1 / 1000 }' seen; }
peer_ms() { peer && awk '{ print $1 / 1000 }' seen; }
ours_kib() { ours && awk '{ print $2 }' seen; }
peer_kib() { peer && awk '{ print $2 }' seen; }

header vmx "microvm"
compare "process start to the guest's line" ms less ours_ms peer_ms
compare "memory of its own" KiB less ours_kib peer_kib
