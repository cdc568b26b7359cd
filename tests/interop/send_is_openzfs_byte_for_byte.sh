#!/bin/bash
# SPDX-License-Identifier: MIT
# Streams that we make of OpenZFS's pools are OpenZFS's own, to the byte: full, incremental, from a
# bookmark, of a clone, a volume, with large, embedded and compressed blocks, with properties, recursive.

. "$TOP/tests/interop/lib.sh"
ls "$SHARED"/fixtures/streams/*.zst > /dev/null 2>&1 || skip "no fixtures $SHARED/fixtures/streams (set SHARED=)"
fixture plain
fixture v28
failures=0

same() {	# STREAM POOL ARGS...
	local want=$SHARED/fixtures/streams/$1.zfs.zst pool=$2 name=$1
	shift 2
	timeout 60 "$TOP/build/smartbox" zfs -e "$pool" send "$@" > ours || { echo "FAILED: $name: send"; failures=$((failures + 1)); return; }
	zstd -dc "$want" | cmp - ours || { echo "FAILED: $name"; failures=$((failures + 1)); }
}

same fs@a plain plain/fs@a
same fs@a-b plain -i @a plain/fs@b
same fs-R@b plain -R plain/fs@b
same fs-Lec@b plain -L -e -c plain/fs@b
same big-Lec@s plain -Lec plain/big@s
same big@s plain plain/big@s
same fs-bookmark-b plain -i '#abk' plain/fs@b
same fs-props@a plain -p plain/fs@a
same clone-from-origin@c plain -i plain/fs@a plain/clone@c
same vol@v plain plain/vol@v
same v28fs@s v28 v28/fs@s
[ $failures = 0 ]
