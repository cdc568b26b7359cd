#!/bin/bash
# SPDX-License-Identifier: MIT
# zpool import -F goes back behind a txg that cannot be imported, and says so; -T to a txg; -n writes nothing.

. "$TOP/tests/tools/pools.sh"
R=$PWD/root
truncate -s 96M a
zpool create -R "$R" tp "$PWD/a" || fail "create"
echo first > "$R/tp/first"; zpool sync
sleep 1.1
zpool set comment=x tp
txg=$(zpool history -i tp | grep -o 'txg:[0-9]*' | tail -1 | cut -d: -f2)
[ -n "$txg" ] || fail "no txg in the history"
sleep 1.1
echo second > "$R/tp/second"; zpool sync
zpool export tp
sum=$(sha256sum < a)
is "a dry run" "$(zpool import -Fn -d . tp)" ""
is "the device after a dry run" "$(sha256sum < a)" "$sum"
zpool import -n -d . tp 2> /dev/null; is "-n alone" $? 2

zpool import -T "$txg" -d . -R "$R" tp > told || fail "import -T"
grep -q '^Pool tp returned to its state as of ' told || fail "what import -T says: $(cat told)"
is "the file of that time" "$(cat "$R/tp/first")" "first"
[ ! -e "$R/tp/second" ] || fail "what was written later is there"
echo third > "$R/tp/third"
zpool scrub -w tp
is "health after a rewind" "$(zpool status -x tp)" "pool 'tp' is healthy"
zpool export tp && zpool import -d . -R "$R" tp || fail "import again"
is "what was written after it" "$(cat "$R/tp/third")" "third"
zpool checkpoint tp && rm "$R/tp/third" && zpool export tp
zpool import --rewind-to-checkpoint -d . -R "$R" tp || fail "rewind to the checkpoint"
is "what the checkpoint kept" "$(cat "$R/tp/third")" "third"
zpool export tp
refused 1 "cannot import 'tp': checkpoint does not exist" zpool import --rewind-to-checkpoint -d . tp
verdict
