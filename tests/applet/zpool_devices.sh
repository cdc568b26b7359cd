#!/bin/bash
# SPDX-License-Identifier: MIT
# zpool's commands for devices: what they do to a pool in use, and what they refuse.

. "$TOP/tests/tools/pools.sh"
R=$PWD/root
truncate -s 96M a b c d e
truncate -s 64M short

shape() { zpool status "$1" | sed -n '/^config/,/^errors/p' | sed -n '4,$p' | sed '$d' | awk 'NF { print $1, $2 }' |
	sed "s|$PWD/||" | tr '\n' ';'; }

zpool create -R "$R" tp "$PWD/a" || fail "create"
head -c 5M /dev/urandom > "$R/tp/file"
sum=$(sha256sum < "$R/tp/file")

# --- attach, detach ---
refused 1 "cannot attach $PWD/short to $PWD/a: device is too small" zpool attach tp "$PWD/a" "$PWD/short"
refused 1 "cannot attach $PWD/b to nosuch: no such device in pool" zpool attach tp nosuch "$PWD/b"
refused 1 "cannot detach $PWD/a: only applicable to mirror and replacing vdevs" zpool detach tp "$PWD/a"
zpool attach -w tp "$PWD/a" "$PWD/b" || fail "attach"
is "a mirror" "$(shape tp)" "tp ONLINE;mirror-0 ONLINE;a ONLINE;b ONLINE;"
zpool status tp | grep -q 'scan: resilvered .* with 0 errors on' || fail "the resilver in status"

# --- offline, online ---
zpool offline tp "$PWD/a" || fail "offline"
is "offline" "$(shape tp)" "tp DEGRADED;mirror-0 DEGRADED;a OFFLINE;b ONLINE;"
refused 1 "cannot offline $PWD/b: no valid replicas" zpool offline tp "$PWD/b"
head -c 3M /dev/urandom > "$R/tp/second"
refused 1 "cannot detach $PWD/b: no valid replicas" zpool detach tp "$PWD/b"
zpool export tp && zpool import -d . -R "$R" tp || fail "export and import"
is "offline after an import" "$(shape tp)" "tp DEGRADED;mirror-0 DEGRADED;a OFFLINE;b ONLINE;"
zpool online tp "$PWD/a" && zpool wait -t resilver tp || fail "online"
zpool detach tp "$PWD/b" || fail "detach"
is "a single device" "$(shape tp)" "tp ONLINE;a ONLINE;"

# --- replace ---
zpool replace -w tp "$PWD/a" "$PWD/c" || fail "replace"
is "replaced" "$(shape tp)" "tp ONLINE;c ONLINE;"
zpool labelclear "$PWD/a" 2> /dev/null && fail "the old device kept its label"

# --- add, remove, spares ---
refused 1 "invalid vdev specification
use '-f' to override the following errors:
mismatched replication level: pool uses file and new vdev is mirror" zpool add tp mirror "$PWD/a" "$PWD/b"
zpool attach -w tp "$PWD/c" "$PWD/a" || fail "attach again"
zpool add tp log "$PWD/d" spare "$PWD/e" || fail "add log and spare"
is "log and spare" "$(shape tp)" "tp ONLINE;mirror-0 ONLINE;c ONLINE;a ONLINE;logs ;d ONLINE;spares ;e AVAIL;"
zpool remove tp "$PWD/d" || fail "remove log"
refused 1 "cannot remove $PWD/c: operation not supported on this type of vdev; only inactive hot spares, cache and log \
devices can be removed, sides of a mirror detached" zpool remove tp "$PWD/c"
zpool offline -f tp "$PWD/a" || fail "fault"
for ((i = 0; i < 50; i++)); do zpool status tp | grep -q INUSE && break; sleep 0.2; done
zpool wait -t resilver tp
is "the spare stepped in" "$(shape tp)" \
	"tp DEGRADED;mirror-0 DEGRADED;c ONLINE;spare-1 DEGRADED;a FAULTED;e ONLINE;spares ;e INUSE;"
zpool clear tp || fail "clear"
for ((i = 0; i < 50; i++)); do zpool status tp | grep -q AVAIL && break; sleep 0.2; done
is "the spare is back" "$(shape tp)" "tp ONLINE;mirror-0 ONLINE;c ONLINE;a ONLINE;spares ;e AVAIL;"
zpool remove tp "$PWD/e" || fail "remove spare"
old=$(zpool get -Hpo value guid tp)
zpool reguid tp && [ "$(zpool get -Hpo value guid tp)" != "$old" ] || fail "reguid"

# --- trim, upgrade ---
before=$(stat -c %b c)
rm "$R/tp/second"; for ((i = 0; i < 4; i++)); do touch "$R/tp/tick"; zpool sync; rm "$R/tp/tick"; zpool sync; done
zpool trim -w tp || fail "trim"
[ "$(stat -c %b c)" -lt "$before" ] || fail "a trim gave nothing back: $before and $(stat -c %b c) blocks"
refused 1 "cannot trim 'nosuch': no such device in pool" zpool trim tp nosuch
zpool upgrade tp | grep -q "Enabled on 'tp'" || fail "upgrade"

# --- scrub ---
zpool scrub -w tp || fail "scrub"
is "all well" "$(zpool status -x)" "all pools are healthy"
is "the file" "$(sha256sum < "$R/tp/file")" "$sum"
zpool export tp && zpool import -d . -R "$R" tp && zpool scrub -w tp || fail "import at the end"
is "all well after an import" "$(zpool status -x tp)" "pool 'tp' is healthy"
zpool destroy tp
zpool create -n tq "$PWD/a" special mirror "$PWD/b" "$PWD/c" spare "$PWD/d" > plan || fail "plan"
is "a plan" "$(sed "s|$PWD/||" plan)" "would create 'tq' with the following layout:

	tq
	  a
	special
	  mirror
	    b
	    c
	spares
	  d"
zpool create -f -R "$R" tq "$PWD/a" special mirror "$PWD/b" "$PWD/c" || fail "create with special"
seq 20000 > "$R/tq/numbers"; zpool sync
zpool list -v tq > list
awk -v m="mirror-1" '$1 == m { exit $3 == "0" || $3 == "-" }' list || { cat list; fail "nothing is on the special devices"; }
zpool export tq
verdict
