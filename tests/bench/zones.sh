#!/bin/bash
# SPDX-License-Identifier: MIT
# Zones beside crun, in one VM, in turns: from nothing to a running first process, and away again.
# ROUNDS= changes how often.

. "$(dirname "$0")/../interop/lib.sh"
"$TOP/third_party/apt.sh" need crun
build_overlay || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
musl-gcc -O2 -static -o "$work/io" "$TOP/tests/bench/io.c" || exit 1

# crun and what it is linked to, beside OpenZFS's tools in the guest.
mkdir -p "$work/crun/lib"
cp "$(command -v crun)" "$work/crun/crun"
ldd "$work/crun/crun" | sed -nE 's/.*(=> |^[ \t]*)(\/[^ ]+).*/\2/p' | while read -r lib; do
	cp -L "$lib" "$work/crun/lib/"
done
{
	printf '%s\n' "dir /opt/crun 755" "dir /opt/crun/lib 755"
	(cd "$work/crun" && find . -type f -printf "file /opt/crun/%P $work/crun/%P 755\n")
} | "$TOP/build/initramfs/mkcpio" > "$work/crun.cpio"
cat "$openzfs/overlay.cpio" "$work/crun.cpio" > "$work/overlay.cpio" # the kernel unpacks both

# Both boot the same root: busybox and a first process that waits.
mkdir -p "$work/root"/{bin,sbin,etc,dev,proc,sys,tmp,root}
cp /bin/busybox "$work/root/bin/"
ln -s busybox "$work/root/bin/sh"
printf '#!/bin/sh\nexec /bin/busybox sleep 100000\n' > "$work/root/sbin/init"
chmod 755 "$work/root/sbin/init"
tar -C "$work/root" --numeric-owner --owner=0 --group=0 -czf "$work/root.tar.gz" .
echo "export ROUNDS=${ROUNDS:-9}; exec sh ./zones_guest.sh" > "$work/zones"
chmod 755 "$work/zones"
partitioned_disk "$work/peer" 1024
VM_OVERLAY=$work/overlay.cpio "$TOP/tests/vm/run" -t 900 -m 1024 -d 1G -d "$work/peer" "$work/zones" \
	"$TOP/tests/bench/zones_guest.sh" "$TOP/tests/bench/lib.sh" "$work/io" "$work/root.tar.gz"
