#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The image's kernel: Debian's linux-image-amd64, downloaded and unpacked, never installed.
#
#   kernel.sh image     build/third_party/kernel/{vmlinuz,vmlinux,config,release,version,modules/}
#   kernel.sh headers   build/third_party/kernel/headers: what modules of that kernel are built against
#
# Why the big flavour and not linux-image-cloud-amd64: both have what zones, tracing and VMs need
# (FUSE, nbd, bridge, veth, cgroup v2, BTF, kprobes, KVM), but the cloud flavour has no SATA, no USB,
# no network card of a real machine; and its vmlinuz is 14 MiB (lz4) where the big one is 8 MiB (xz),
# of 16 MiB for kernel and initramfs together. Modules that we leave out cost nothing.
#
# vmlinux is the same kernel without its xz wrapper. QEMU enters it by PVH, which saves the emulated
# machine the seconds of decompressing; a real boot loader takes vmlinuz.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
out=$top/build/third_party/kernel
apt=$top/third_party/apt.sh
export APT_CONFIG=$top/build/third_party/apt/apt.conf

# The package that a metapackage stands for.
behind() {
	apt-cache depends "$1" | sed -n 's/.*Depends: \(linux-[a-z]*-[0-9].*-amd64\)$/\1/p' | head -n 1
}

# Find a gzip, xz, lz4 or zstd payload in a bzImage by its header fields (Documentation/x86/boot.rst).
unwrap() {
	setup=$(od -An -tu1 -j 497 -N1 "$1" | tr -d ' ')
	offset=$(od -An -tu4 -j 584 -N4 "$1" | tr -d ' ')
	length=$(od -An -tu4 -j 588 -N4 "$1" | tr -d ' ')
	# The payload ends with the unpacked size, 4 bytes that are not the packer's.
	tail -c +$((1 + (setup + 1) * 512 + offset)) "$1" | head -c $((length - 4)) | xz -dc --single-stream
}

unpack() {	# PACKAGE TREE
	(cd "$out" && "$apt" deb "$1")
	dpkg-deb -x "$out/$1"_*.deb "$2"
}

image() {
	"$apt" need xz-utils kmod
	"$apt" update
	package=$(behind linux-image-amd64)
	echo "  KERNEL  $package" >&2
	release=${package#linux-image-}
	rm -rf "$out/tree" "$out"/linux-image-*.deb
	mkdir -p "$out"
	unpack "$package" "$out/tree"
	rm -rf "$out/modules"
	mv "$out/tree/lib/modules" "$out/modules"
	cp "$out/tree/boot/vmlinuz-$release" "$out/vmlinuz"
	cp "$out/tree/boot/config-$release" "$out/config"
	unwrap "$out/vmlinuz" > "$out/vmlinux"
	rm -rf "$out/root" && mkdir -p "$out/root/lib" && ln -s ../../modules "$out/root/lib/modules"
	depmod -b "$out/root" "$release"
	dpkg-deb -f "$out/$package"_*.deb Version > "$out/version"
	rm -rf "$out/tree" "$out"/linux-image-*.deb
	echo "$release" > "$out/release"
}

# The headers refer to each other below /usr/src and /usr/lib: point them into our tree.
headers() {
	release=$(cat "$out/release")
	echo "  HEADERS $release" >&2
	"$apt" need gcc make libelf1 bc
	rm -rf "$out/headers"
	common=linux-headers-${release%-amd64}-common
	for p in "linux-headers-$release" "$common" linux-kbuild-6.1; do
		unpack "$p" "$out/headers"
		rm "$out/$p"_*.deb
	done
	src=$(readlink -f "$out")/headers/usr/src
	sed -i "s|/usr/src/|$src/|g" "$src/linux-headers-$release/Makefile"
	ln -sfn "linux-headers-$release" "$src/build"
	touch "$out/headers/.done"
}

"$1"
