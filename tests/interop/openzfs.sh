#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Bring the outside judges: Debian's OpenZFS, downloaded and unpacked below build/, never installed.
#
#   openzfs.sh tools    build/third_party/openzfs/tools: zdb, zpool, zfs, zstream, ztest and libraries
#   openzfs.sh module   build/third_party/openzfs/modules: zfs.ko and what it needs, for the image's
#                       kernel; some five minutes, once, kept until the kernel or OpenZFS changes

set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$top/build/third_party/openzfs
kernel=$top/build/third_party/kernel
apt=$top/third_party/apt.sh

fetch() {	# FOLDER PACKAGE...
	folder=$1
	shift
	rm -rf "$folder" && mkdir -p "$folder"
	(cd "$folder" && "$apt" deb "$@" && for d in *.deb; do
		dpkg-deb -x "$d" .
		echo "${d%.deb}" >> versions
		rm "$d"
	done)
}

tools() {
	echo "  JUDGES  OpenZFS tools" >&2
	fetch "$out/tools.new" zfsutils-linux zfs-test libzpool5linux libzfs4linux libnvpair3linux \
		libuutil3linux libzfslinux-dev libtirpc3 libaio1 libblkid1 libuuid1 libudev1 libssl3
	rm -rf "$out/tools" && mv "$out/tools.new" "$out/tools"
}

module() {
	release=$(cat "$kernel/release")
	[ "$(cat "$out/modules/release" 2>/dev/null)" = "$release" ] && return 0
	"$apt" need gcc make libelf1 bc autoconf automake libtool gawk kmod libc6-dev
	echo "  MODULE  zfs for $release (some five minutes, once)" >&2
	fetch "$out/dkms" zfs-dkms
	src=$(readlink -f "$kernel")/headers/usr/src
	cd "$out"/dkms/usr/src/zfs-*
	{
		./configure --disable-dependency-tracking --with-config=kernel \
			--with-linux="$src/linux-headers-${release%-amd64}-common" \
			--with-linux-obj="$src/linux-headers-$release"
		nice make -j2
	} > "$out/module.log" 2>&1 || {
		tail -n 20 "$out/module.log" >&2
		echo "openzfs.sh: the module does not build, see $out/module.log" >&2
		exit 1
	}
	rm -rf "$out/modules" && mkdir -p "$out/modules"
	find module -name '*.ko' -exec strip --strip-debug -o "$out/modules/tmp.ko" {} \; \
		-exec sh -c 'mv "$1/tmp.ko" "$1/$(basename "$2")"' _ "$out/modules" {} \;
	echo "$release" > "$out/modules/release"
	cd "$top" && rm -rf "$out/dkms"
}

mkdir -p "$out"
exec 8>"$out/lock-$1"
flock 8
"$1"
