#!/bin/bash
# SPDX-License-Identifier: MIT
# A pool whose device takes no more writes waits, is looked at meanwhile, and goes on after zpool clear.

. "$TOP/tests/tools/pools.sh"
R=$PWD/root
mkdir small
mount -t tmpfs -o size=6M tmpfs small || { echo "needs to mount a tmpfs"; exit 77; }
end_small() { pools_end; sleep 0.1; umount -l small; }
trap end_small EXIT

truncate -s 256M small/dev
zpool create -R "$R" tp "$PWD/small/dev" || fail "create"
echo first > "$R/tp/first"
zpool sync
is "failmode" "$(zpool get -Ho value,source failmode tp)" "wait	default"

# The medium is full: the writes of the next sync fail, whatever the pool thinks.
head -c 1M /dev/urandom > "$R/tp/big"
for ((i = 0; i < 8; i++)); do cat "$R/tp/big" /proc/uptime; done > "$R/tp/bigger" &
writer=$!
timeout 100 "$(type -P zpool)" sync tp &
for ((i = 0; i < 100; i++)); do [ "$(zpool get -Ho value health tp)" = SUSPENDED ] && break; sleep 0.1; done
is "health" "$(zpool list -Ho health tp)" "SUSPENDED"
zpool status tp | grep -q "state: SUSPENDED" || fail "state in status"
zpool status -x | grep -q "zpool clear" || fail "advice"
is "the datasets, meanwhile" "$(zfs list -Ho name)" "tp"
refused 1 "cannot create snapshot 'tp@no': pool I/O is currently suspended
no snapshots were created" zfs snapshot tp@no
refused 1 "cannot export 'tp': pool I/O is currently suspended" zpool export tp
refused 1 "cannot clear errors for 'tp': I/O error" zpool clear tp
zpool events -H | grep -q ereport.fs.zfs.io_failure || fail "no event io_failure"
mount -o remount,size=400M small
zpool clear tp || fail "clear"
wait "$writer" || fail "the writer saw an error"
wait
is "the file that was there" "$(cat "$R/tp/first")" "first"
is "length of the file of that time" "$(($(stat -c %s "$R/tp/bigger") > 8388608))" 1
zpool wait -t resilver tp
is "health afterwards" "$(zpool get -Ho value health tp)" "ONLINE"
sum=$(sha256sum < "$R/tp/bigger")
zpool export tp && zpool import -d small -R "$R" tp || fail "import"
is "the file after an import" "$(sha256sum < "$R/tp/bigger")" "$sum"
zpool scrub -w tp
is "all is well" "$(zpool status -x tp)" "pool 'tp' is healthy"

# failmode=continue: who writes is told; force lets go of the pool, which is then as of its last txg
zpool set failmode=continue tp || fail "set failmode"
before=$(du -m small/dev | cut -f1)
mount -o remount,size=$((before + 2))M small
cp "$R/tp/bigger" "$R/tp/second" 2> /dev/null &
for ((i = 0; i < 100; i++)); do [ "$(zpool get -Ho value health tp)" = SUSPENDED ] && break; sleep 0.1; done
wait
touch "$R/tp/third" 2> /dev/null && fail "a change of a suspended pool with failmode=continue"
zpool export -f tp || fail "export -f"
mount -o remount,size=400M small
zpool import -f -d small -R "$R" tp || fail "import after export -f"
is "the file in the end" "$(sha256sum < "$R/tp/bigger")" "$sum"

# failmode=wait: who reads what only a lost device has waits for it too
zpool set failmode=wait tp && zpool export tp || fail "failmode=wait"
cp small/dev kept
zpool import -d small -R "$R" tp || fail "import before the loss"
: > small/dev
sha256sum < "$R/tp/bigger" > read 2> read.err &
reader=$!
for ((i = 0; i < 100; i++)); do [ "$(zpool get -Ho value health tp)" = SUSPENDED ] && break; sleep 0.1; done
is "health when nothing can be read" "$(zpool list -Ho health tp)" "SUSPENDED"
refused 1 "cannot clear errors for 'tp': I/O error" zpool clear tp
kill -0 "$reader" || fail "the reader did not wait"
cat kept > small/dev && zpool clear tp || fail "clear when the device is back"
wait "$reader" || fail "the reader saw an error: $(cat read.err)"
is "what it read" "$(cat read)" "$sum"
is "health when it is back" "$(zpool list -Ho health tp)" "ONLINE"
is "nothing was lost" "$(zpool status -v tp | tail -n 1)" "errors: No known data errors"
: > small/dev
cat "$R/tp/second" > /dev/null 2>&1 &
reader=$!
for ((i = 0; i < 100; i++)); do [ "$(zpool get -Ho value health tp)" = SUSPENDED ] && break; sleep 0.1; done
zpool export -f tp || fail "export -f under a reader"
wait "$reader" && fail "a reader whose pool was given up read something"
cat kept > small/dev && zpool import -f -d small -R "$R" tp || fail "import after the loss"
is "the file after the loss" "$(sha256sum < "$R/tp/bigger")" "$sum"

# --- events ---
zpool events > list
head -1 list | grep -q '^TIME  *CLASS$' || fail "header of events"
grep -Eq '^[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{4} [0-9:]{8}\.[0-9]{9} sysevent\.fs\.zfs\.pool_import$' list || fail "an event"
zpool set comment=x tp
zpool events -v tp | grep -q '        history_internal_name = "set"' || fail "events -v"
zpool events -c | grep -Eq '^cleared [0-9]+ events$' || fail "events -c"
is "no events" "$(zpool events -H)" ""
zpool events -c tp 2> /dev/null; is "events -c of one pool" $? 2
zpool export tp
verdict
