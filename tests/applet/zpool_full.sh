#!/bin/bash
# SPDX-License-Identifier: MIT
# A full pool still deletes; small blocks of files go to special devices when that is wanted, until those
# are three quarters full.

. "$TOP/tests/tools/pools.sh"
R=$PWD/root
truncate -s 96M a b
zpool create -O compression=off -R "$R" tp "$PWD/a" || fail "create"
head -c 200M /dev/urandom > "$R/tp/big" 2> /dev/null && fail "200M fit into 96M"
for ((i = 0; i < 200; i++)); do head -c 3000 /dev/urandom > "$R/tp/s$i" 2> /dev/null || break; done
zpool sync
zfs snapshot tp@full 2> /dev/null
rm "$R/tp/big" || fail "a delete in a full pool"
zpool sync
zfs destroy tp@full 2> /dev/null; zpool sync; zpool sync; zpool sync
echo there > "$R/tp/again" || fail "a write after the delete"
[ "$(zfs get -Hpo value available tp)" -gt 30000000 ] || fail "the space did not come back"
zpool scrub -w tp
is "health" "$(zpool status -x tp)" "pool 'tp' is healthy"
zpool export tp

special() { zpool list -vHp ts | awk -v d="$PWD/b" '$1 == d { print $3 }'; }
zpool create -f -O compression=off -R "$R" ts "$PWD/a" special "$PWD/b" || fail "create with special"
zfs set recordsize=64K ts
head -c 8M /dev/urandom > "$R/ts/one"; zpool sync
[ "$(special)" -lt 2000000 ] || fail "data on the special device: $(special)"
zfs set special_small_blocks=32K ts
head -c 8M /dev/urandom > "$R/ts/two"; zpool sync
[ "$(special)" -lt 2000000 ] || fail "large blocks on the special device: $(special)"
zfs set special_small_blocks=64K ts
head -c 8M /dev/urandom > "$R/ts/three"; zpool sync
[ "$(special)" -gt 8000000 ] || fail "small blocks not on the special device: $(special)"
is "three" "$(stat -c %s "$R/ts/three")" 8388608
zpool scrub -w ts
is "health of ts" "$(zpool status -x ts)" "pool 'ts' is healthy"
zpool export ts
verdict
