#!/bin/bash
# SPDX-License-Identifier: MIT
# The pool engine beside OpenZFS's module, in one VM, in turns: tests/bench/storage.sh
# SNAPS=, MIB=, ROUNDS= change its size.

. "$(dirname "$0")/../interop/lib.sh"
build_overlay || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
musl-gcc -O2 -static -o "$work/io" "$TOP/tests/bench/io.c" || exit 1
cat > "$work/storage" <<-END
	export SNAPS=${SNAPS:-10000} MIB=${MIB:-96} ROUNDS=${ROUNDS:-3}
	exec sh ./storage_guest.sh
END
partitioned_disk "$work/peer" 1536
VM_OVERLAY=$openzfs/overlay.cpio "$TOP/tests/vm/run" -t 1500 -m 1536 -d 1536M -d "$work/peer" "$work/storage" \
	"$TOP/tests/bench/storage_guest.sh" "$TOP/tests/bench/lib.sh" "$work/io"
