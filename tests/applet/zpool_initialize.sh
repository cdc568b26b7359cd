#!/bin/bash
# SPDX-License-Identifier: MIT
# zpool initialize writes over the free space of devices and nothing else; trim and initialize in status.

. "$TOP/tests/tools/pools.sh"
R=$PWD/root
truncate -s 96M a b
zpool create -R "$R" tp mirror "$PWD/a" "$PWD/b" || fail "create"
head -c 5M /dev/urandom > "$R/tp/file"; zpool sync
sum=$(sha256sum < "$R/tp/file")
zpool status -it tp | grep -q "$PWD/a  *ONLINE .*  (uninitialized)  (untrimmed)$" || fail "before: $(zpool status -it tp)"
refused 1 "cannot suspend initializing '$PWD/a': there is no active initialization" zpool initialize -s tp "$PWD/a"
refused 1 "cannot initialize 'nosuch': no such device in pool" zpool initialize tp nosuch
zpool initialize -w tp "$PWD/a" || fail "initialize"
zpool status -i tp | grep -q "$PWD/a .*  (100% initialized, completed at " || fail "after: $(zpool status -i tp)"
zpool status -i tp | grep -q "$PWD/b .*  (uninitialized)$" || fail "the other one"
[ "$(stat -c %b a)" -gt 160000 ] || fail "a has $(stat -c %b a) blocks: not written over"
[ "$(stat -c %b b)" -lt 40000 ] || fail "b was written over"
od -An -tx8 -j 60M -N 64 a | grep -q deadbeefdeadbeee || fail "the pattern"
zpool initialize tp && zpool initialize -s tp
zpool export tp && zpool import -d . -R "$R" tp || fail "import"
zpool status -i tp | grep -q "$PWD/a .* initialized, " || fail "forgotten by the import"
zpool initialize -w tp; zpool events -H | grep -q sysevent.fs.zfs.initialize_finish || fail "no event of initialize"
refused 1 "cannot cancel trimming 'tp': there is no active trim" zpool trim -c tp
refused 2 "zpool: invalid value for rate
usage: zpool trim $(zpool -h | sed -n 's/^  trim //p')" zpool trim -r 0 tp
refused 2 "zpool: -r cannot be combined with the -c or -s options
usage: zpool trim $(zpool -h | sed -n 's/^  trim //p')" zpool trim -s --rate=1M tp
zpool trim -r 1M tp || fail "a slow trim"
zpool status tp | grep -q "$PWD/a .*  ([0-9]*% trimmed, started at " || fail "a trim that runs: $(zpool status tp)"
refused 1 "cannot trim '$PWD/a': currently trimming" zpool trim tp "$PWD/a"
zpool trim --suspend tp && zpool export tp && zpool import -d . -R "$R" tp || fail "suspend, import"
zpool status -t tp | grep -q "$PWD/a .*  ([0-9]*% trimmed, suspended, started at " || fail "forgotten: $(zpool status -t tp)"
zpool trim --cancel tp && zpool status -t tp | grep -q "$PWD/a .*  (untrimmed)" || fail "cancel"
zpool trim -w tp && zpool status -t tp | grep -q "$PWD/a .*  (100% trimmed, completed at " || fail "trim in status"
[ "$(stat -c %b a)" -lt 40000 ] || fail "the trim gave nothing back"
is "the file" "$(sha256sum < "$R/tp/file")" "$sum"
zpool scrub -w tp
is "health" "$(zpool status -x tp)" "pool 'tp' is healthy"
zpool status -e tp | grep -q "$PWD/a" && fail "status -e shows a device that is well"
zpool events -H | grep -q 'sysevent.fs.zfs.trim_finish' || fail "no event"

# --- autotrim ---
zpool set autotrim=on tp
head -c 16M /dev/urandom > "$R/tp/second"; zpool sync
full=$(stat -c %b a)
rm "$R/tp/second"
for ((i = 0; i < 60; i++)); do
	[ "$(stat -c %b a)" -lt $((full - 20000)) ] && break
	touch "$R/tp/tick$((i % 2))"; zpool sync; rm "$R/tp/tick$((i % 2))"; sleep 0.3
done
[ "$i" -lt 60 ] || fail "autotrim gave nothing back: $full and $(stat -c %b a) blocks"
is "the file after autotrim" "$(sha256sum < "$R/tp/file")" "$sum"
zpool scrub -w tp
is "health after autotrim" "$(zpool status -x tp)" "pool 'tp' is healthy"
zpool export tp
verdict
