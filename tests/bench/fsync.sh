#!/bin/bash
# SPDX-License-Identifier: MIT
# The intent log beside OpenZFS's, in one VM, in turns: tests/bench/fsync.sh
# N=, ROUNDS= change its size.

. "$(dirname "$0")/../interop/lib.sh"
build_overlay || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
musl-gcc -O2 -static -o "$work/io" "$TOP/tests/bench/io.c" || exit 1
cat > "$work/fsync" <<-END
	export N=${N:-400} ROUNDS=${ROUNDS:-3}
	exec sh ./fsync_guest.sh
END
partitioned_disk "$work/peer" 512
partitioned_disk "$work/peerlog" 128
VM_OVERLAY=$openzfs/overlay.cpio "$TOP/tests/vm/run" -t 500 -m 1024 -d 512M -d "$work/peer" -d 128M -d "$work/peerlog" \
	"$work/fsync" "$TOP/tests/bench/fsync_guest.sh" "$TOP/tests/bench/lib.sh" "$work/io"
