#!/bin/bash
# SPDX-License-Identifier: MIT
# The pool engine beside OpenZFS's module, in one VM, in turns: tests/bench/storage.sh
# SNAPS=, MIB=, ROUNDS= change its size, CPUS= the machine's processors; ROWS= is a part of the names of the
# rows to measure. With CPUS=1 the figures depend less on what else runs here: where the emulated processors of a
# machine wait for one another, they wait until this machine runs the other one's thread.

. "$(dirname "$0")/../interop/lib.sh"
build_overlay || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
musl-gcc -O2 -static -o "$work/io" "$TOP/tests/bench/io.c" || exit 1
cat > "$work/storage" <<-END
	export SNAPS=${SNAPS:-10000} MIB=${MIB:-96} ROUNDS=${ROUNDS:-3} ROWS="${ROWS:-}"
	exec sh ./storage_guest.sh
END
partitioned_disk "$work/peer" 1536
VM_OVERLAY=$openzfs/overlay.cpio "$TOP/tests/vm/run" -c "${CPUS:-2}" -t 1500 -m 1536 -d 1536M -d "$work/peer" "$work/storage" \
	"$TOP/tests/bench/storage_guest.sh" "$TOP/tests/bench/lib.sh" "$work/io"
