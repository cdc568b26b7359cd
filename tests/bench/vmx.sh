#!/bin/bash
# SPDX-License-Identifier: MIT
# The monitor beside QEMU: its microvm for the start (a tiny guest says hello on its serial line) and what the process
# holds beside the guest's memory; its pc with virtio-pci for the devices, as fast as it has them (a thread of their own
# for the disk). The payloads do nothing but keep a ring full (vmx_ring.c). Any /dev/kvm, software ones too: the
# numbers of one host compare with each other alone.
. "$TOP/tests/bench/lib.sh"
[ -w /dev/kvm ] || { echo "vmx: no /dev/kvm"; exit 77; }
command -v qemu-system-x86_64 > /dev/null || { echo "vmx: no QEMU"; exit 77; }
g=$TOP/tests/guests
vmx=$TOP/build/smartbox
cat > wait.c <<- 'END'
	#include "guest.h"
	int main(void) { put("hello\n"); for (;;) __asm__ volatile("cli; hlt"); }
END
payload() { # OUTPUT ARGUMENTS...
	gcc -I"$g" -m64 -O1 -ffreestanding -fno-pic -no-pie -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
		-fno-asynchronous-unwind-tables -std=gnu11 -Wno-unused-function -nostdlib -static -Wl,-T,"$g/guest.ld" \
		-Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments "$g/start.S" "${@:2}" -o "$1" || exit 1
}
ring() { payload "$1" "${@:2}" "$TOP/tests/bench/vmx_ring.c"; }
payload hello.elf wait.c
ring wide.elf -DDEVICE=0x1001 -DBATCH=32 -DBYTES=65536 -DROUNDS=400
ring single.elf -DDEVICE=0x1001 -DBATCH=1 -DBYTES=4096 -DROUNDS=5000
ring few.elf -DDEVICE=0x1001 -DBATCH=1 -DBYTES=4096 -DROUNDS=500
ring send.elf -DDEVICE=0x1000 -DBATCH=64 -DBYTES=1514 -DROUNDS=1000
truncate -s 64M disk

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
ours() { until_hello "$vmx" vmx run -k hello.elf -m 64M -s stdio; }
jailed() { until_hello "$vmx" vmx run -k hello.elf -m 64M -s stdio -j 60001; }
# Its guest memory is a file, so that RssAnon is what it holds itself.
peer() {
	until_hello qemu-system-x86_64 -M microvm,accel=kvm,memory-backend=m -object memory-backend-memfd,id=m,size=64M \
		-m 64M -nodefaults -no-user-config -display none -serial stdio -kernel hello.elf
}
ours_ms() { ours && awk '{ print $1 / 1000 }' seen; }
jailed_ms() { jailed && awk '{ print $1 / 1000 }' seen; }
peer_ms() { peer && awk '{ print $1 / 1000 }' seen; }
ours_kib() { ours && awk '{ print $2 }' seen; }
peer_kib() { peer && awk '{ print $2 }' seen; }

# From "go" to "done", in microseconds: COMMAND...
between() {
	rm -f pipe && mkfifo pipe
	"$@" > pipe 2> /dev/null < /dev/null &
	local pid=$! line start=0 end=0
	while read -r -t 100 line; do
		case $line in
		*go*) start=$EPOCHREALTIME ;;
		*done*) end=$EPOCHREALTIME; break ;;
		esac
	done < pipe
	kill -KILL $pid 2> /dev/null
	wait $pid 2> /dev/null
	[ "$end" != 0 ] && echo $((${end/./} - ${start/./}))
}
our_disk() { "${@:2}" "$vmx" vmx run -k "$1" -m 64M -s stdio -d disk; }
our_net() { "$vmx" vmx run -k send.elf -m 64M -s stdio -n "benchtap$$"; }
qemu_pc() { # KERNEL PREFIX... -- DEVICES...
	local kernel=$1 prefix=()
	shift
	while [ "$1" != -- ]; do prefix+=("$1"); shift; done
	"${prefix[@]}" qemu-system-x86_64 -M pc,accel=kvm -m 64M -nodefaults -no-user-config -display none -serial stdio \
		-kernel "$kernel" "${@:2}"
}
peer_disk() {
	qemu_pc "$@" -- -object iothread,id=io -drive file=disk,format=raw,if=none,id=d,aio=threads \
		-device virtio-blk-pci,drive=d,iothread=io
}
peer_net() { qemu_pc send.elf -- -netdev "tap,id=n,ifname=benchtap$$,script=no,downscript=no" -device virtio-net-pci,netdev=n; }
per() { awk -v n="$1" '{ printf "%.6g\n", n / ($1 / 1e6) }'; }
ours_wide() { between our_disk wide.elf | per $((400 * 32 / 16)); }
peer_wide() { between peer_disk wide.elf | per $((400 * 32 / 16)); }
ours_single() { between our_disk single.elf | per 5000; }
peer_single() { between peer_disk single.elf | per 5000; }
ours_send() { between our_net | per 64000; }
peer_send() { between peer_net | per 64000; }

# Returns of KVM_RUN between the two lines, for one request.
returns() {
	"$@" > /dev/null 2>&1 < /dev/null &
	local pid=$! i=0
	until grep -q 'write.*"d' trace 2> /dev/null || [ $((i += 1)) -gt 600 ]; do sleep 0.1; done
	kill $pid 2> /dev/null
	wait $pid 2> /dev/null
	awk '/write.*"g/ { on = 1 } /write.*"d/ { on = 0 } on && /KVM_RUN/ { n++ } END { printf "%.3g\n", n / 500 }' trace
	rm -f trace
}
count=(timeout 100 strace -f -e "trace=ioctl,write,writev" -o trace)
ours_returns() { returns our_disk few.elf "${count[@]}"; }
peer_returns() { returns peer_disk few.elf "${count[@]}"; }

header vmx "QEMU"
compare "process start to the guest's line" ms less ours_ms peer_ms
compare "the same, jailed" ms less jailed_ms peer_ms
compare "memory of its own" KiB less ours_kib peer_kib
compare "disk reads of 64 KiB, 32 at once" MiB/s more ours_wide peer_wide
compare "disk reads of 4 KiB, one by one" /s more ours_single peer_single
[ ! -w /dev/net/tun ] || compare "frames of 1514 bytes sent" /s more ours_send peer_send
! command -v strace > /dev/null || ROUNDS=1 compare "returns of KVM_RUN per disk request" "" less ours_returns peer_returns
