#!/bin/bash
# SPDX-License-Identifier: MIT
# Kernel entry to shell, beside an initramfs that holds nothing but busybox. ROUNDS= changes how often.

: "${ROUNDS:=5}"
. "$TOP/tests/bench/lib.sh"
cd "$(mktemp -d -p "$TMP")" || exit 1

# The peer: busybox, and an /init that says how long the kernel has been up.
cat > init <<'END'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox cat /proc/uptime > /dev/ttyS0
/bin/busybox poweroff -f
END
printf '%s\n' "dir /bin 755" "dir /dev 755" "dir /proc 755" "nod /dev/console 600 c 5 1" \
	"nod /dev/ttyS0 600 c 4 64" "file /bin/busybox /bin/busybox 755" "file /init $PWD/init 755" |
	"$TOP/build/initramfs/mkcpio" | zstd -q -19 > bare.cpio.zst

# The same kernel, machine and arguments for both; what the console heard first is the time.
boot() {	# INITRD ARGS
	qemu-system-x86_64 -nodefaults -no-user-config -display none -machine q35,sata=off -no-reboot \
		$accel -m 256 -smp 2 -kernel "$TOP/build/third_party/kernel/vmlinux" -initrd "$1" \
		-append "console=ttyS0 quiet panic=-1 cryptomgr.notests $2" -serial file:console
	grep -aoE '^[0-9]+\.[0-9]+ [0-9]+\.[0-9]+' console | head -n 1 | cut -d' ' -f1
}
accel="-accel tcg,thread=multi -cpu max,la57=off,svm=off"
if grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then accel="-accel kvm -cpu host"; fi

cat > shell <<'END'
#!/bin/sh
cat /proc/uptime > /dev/ttyS0
END
printf '%s\n' "dir /test 755" "file /test/shell $PWD/shell 755" | "$TOP/build/initramfs/mkcpio" > more.cpio
{
	cat "$TOP/build/initramfs.cpio.zst"
	head -c $(((4 - $(stat -c %s "$TOP/build/initramfs.cpio.zst") % 4) % 4)) /dev/zero
	cat more.cpio
} > ours.initrd

exec 9>"${TMPDIR:-/tmp}/smartbox-vm.lock"
flock 9
boot_ours() { boot ours.initrd run=/test/shell; }
boot_bare() { boot bare.cpio.zst ""; }
header "boot" "busybox"
compare "kernel entry to shell" s less boot_ours boot_bare
