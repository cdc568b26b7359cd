#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Make the image: image.sh OUTPUT
#
# OUTPUT is a cpio archive packed by zstd, which the kernel unpacks into RAM: our binary with a symlink
# per applet, busybox as the shell, kernel modules with their index, the companion module, a few files
# of /etc. It depends on nothing but the input's bytes: the list is sorted, times are zero.

set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
out=$1
b=$top/build
kernel=$b/third_party/kernel
release=$(cat "$kernel/release")
modules=$kernel/modules/$release
work=$b/initramfs
here=$top/initramfs

"$top/third_party/apt.sh" need gcc libc6-dev zstd busybox-static seabios
rm -rf "$work" && mkdir -p "$work/etc" "$work/links"
gcc -O2 -Wall -Wextra -o "$work/mkcpio" "$here/mkcpio.c"

# Modules: every name must resolve, unless it is built in; files in the index's order.
resolve_modules() {
	local name path
	sed 's/#.*//' "$here/modules" | tr -s ' \t' '\n\n' | sed '/^$/d' | while read -r name; do
		if path=$("$b/smartbox" modprobe -q -n -d "$modules" "$name"); then
			echo "$path"
		elif ! grep -qE "/${name//[-_]/[-_]}\.ko\$" "$modules/modules.builtin"; then
			echo "image.sh: no module '$name' in $release" >&2
			exit 1
		fi
	done | LC_ALL=C sort -u
}

index_modules() {
	awk -F'[:/]' 'NR == FNR { want[$0]; next } { split($0, a, ":") } a[1] in want' \
		"$work/modules.list" "$modules/modules.dep" > "$work/modules.dep"
	awk 'NR == FNR { n = $0; sub(/.*\//, "", n); sub(/\.ko$/, "", n); gsub("-", "_", n); want[n]; next }
		$1 == "alias" { n = $3; gsub("-", "_", n); if (n in want) print }' \
		"$work/modules.list" "$modules/modules.alias" > "$work/modules.alias"
}

# The companion module rides with the kernel's own.
companion() {
	local ko=$b/kern/smartbox.ko
	[ -e "$ko" ] || return 0
	echo "dir /lib/modules/$release/extra 755"
	echo "file /lib/modules/$release/extra/smartbox.ko $ko 644"
	echo "extra/smartbox.ko:" >> "$work/modules.dep"
}

list_modules() {
	local path dir
	while read -r path; do
		dir=${path%/*}
		while [ "$dir" != . ] && [ -n "$dir" ]; do
			echo "dir /lib/modules/$release/$dir 755"
			[[ $dir == */* ]] && dir=${dir%/*} || dir=
		done
		echo "file /lib/modules/$release/$path $modules/$path 644"
	done < "$work/modules.list"
	echo "dir /lib/modules 755"
	echo "dir /lib/modules/$release 755"
	echo "file /lib/modules/$release/modules.dep $work/modules.dep 644"
	echo "file /lib/modules/$release/modules.alias $work/modules.alias 644"
}

# A folder of the tree, as it is, below a path of the image.
list_tree() {	# SOURCE TARGET
	(cd "$1" && find . -mindepth 1 -printf '%y %P %m\n') | while read -r type path mode; do
		case $type in
		d) echo "dir $2/$path 755" ;;
		f) echo "file $2/$path $1/$path $([[ $mode == *[1357]* ]] && echo 755 || echo 644)" ;;
		esac
	done
}

list_binaries() {
	echo "file /usr/bin/smartbox $b/smartbox 755"
	"$b/smartbox" --install "$work/links"
	(cd "$work/links" && printf '%s\n' *) | while read -r applet; do
		echo "slink /usr/sbin/$applet ../bin/smartbox"
	done
	echo "slink /init usr/bin/smartbox"
	echo "slink /sbin/init ../usr/bin/smartbox"
	echo "slink /sbin/modprobe ../usr/bin/smartbox"
	echo "file /bin/busybox /bin/busybox 755"
	/bin/busybox --list | grep -vxE 'busybox|init|modprobe|linuxrc' | while read -r applet; do
		echo "slink /bin/$applet busybox"
	done
}

resolve_modules > "$work/modules.list"
index_modules
{
	for d in bin boot dev etc lib mnt opt proc root run sbin sys tmp usr usr/bin usr/sbin usr/share var cores \
		var/log var/run zones etc/zones usbkey; do
		echo "dir /$d 755"
	done
	echo "nod /dev/console 600 c 5 1"
	echo "slink /etc/dladm ../usbkey/dladm"
	echo "slink /etc/mtab ../proc/self/mounts"
	echo "nod /dev/null 666 c 1 3"
	list_binaries
	list_modules
	companion
	echo "dir /usr/share/seabios 755"
	for rom in bios-256k.bin vgabios-stdvga.bin; do # firmware of virtual machines
		echo "file /usr/share/seabios/$rom /usr/share/seabios/$rom 644"
	done
	list_tree "$here/root" ""
} | LC_ALL=C sort -u -k2,2 -s > "$work/list"
"$work/mkcpio" < "$work/list" | zstd -q -T1 -19 -f -o "$out"
echo "  IMAGE   $out $(stat -c %s "$out") bytes, vmlinuz $(stat -L -c %s "$b/vmlinuz") bytes" >&2
