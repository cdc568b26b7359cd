#!/bin/bash
# SPDX-License-Identifier: MIT
# Files that are written, punched, mapped, copied and cut at random keep their bytes (tests/loads/fsx.c), with every
# size of records, while snapshots come and go and the pool is scrubbed; and after an export too.

. "$TOP/tests/loads/lib.sh"
start tx
kinds=(512 8k 128k 1M)
for r in "${kinds[@]}"; do
	zfs create -o "recordsize=$r" tx/$r || fail "create $r"
done
zfs set compression=lz4 tx/8k && zfs set compression=zstd copies=2 tx/1M && zfs set checksum=sha512 tx/128k || fail "set"

pids=()
for r in "${kinds[@]}"; do
	load fsx "$R/tx/$r/f" "$seconds" "$SEED" & pids+=($!)
done
for ((i = 0; i < seconds; i++)); do
	zfs snapshot -r "tx@$i" || fail "snapshot"
	[ $i -lt 2 ] || zfs destroy -r "tx@$((i - 2))" || fail "destroy"
	[ $((i % 5)) != 1 ] || zpool scrub tx 2> /dev/null
	sleep 1
done
for p in "${pids[@]}"; do wait "$p" || fail "fsx (SEED=$SEED)"; done
(cd "$R/tx" && sha256sum */f) > sums
zpool scrub -w tx
is "no errors" "$(zpool status tx | grep ^errors)" "errors: No known data errors"
judged tx
(cd "$R/tx" && sha256sum --quiet -c "$OLDPWD/sums") || fail "after the export"
finished tx
