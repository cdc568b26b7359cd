#!/bin/bash
# SPDX-License-Identifier: MIT
# zpool: what it prints, what it refuses, and that a pool comes back as it was left.

. "$TOP/tests/tools/pools.sh"
R=$PWD/root
truncate -s 128M a b c d
truncate -s 1M small

is "no pools" "$(zpool list)" "no pools available"
is "no pools, scripted" "$(zpool list -H)" ""
refused 0 "no pools available" zpool status
refused 0 "no pools available to import" zpool import -d .

# --- create ---
refused 1 "cannot create 'mirror': name is reserved" zpool create mirror "$PWD/a"
refused 1 "cannot create '1a': name must begin with a letter" zpool create 1a "$PWD/a"
refused 1 "cannot create 'a/b': invalid character '/' in pool name
use 'zfs create' to create a dataset" zpool create a/b "$PWD/a"
refused 1 "cannot open 'nosuch': no such device in /dev
must be a full path or shorthand device name" zpool create tp nosuch
refused 1 "cannot resolve path '$PWD/nosuch'" zpool create tp "$PWD/nosuch"
refused 1 "invalid vdev specification: mirror requires at least 2 devices" zpool create tp mirror "$PWD/a"
refused 1 "invalid vdev specification
use '-f' to override the following errors:
mismatched replication level: both file and mirror vdevs are present" \
	zpool create tp "$PWD/c" mirror "$PWD/a" "$PWD/b"
refused 2 "zpool: missing vdev specification
usage: zpool create $(zpool -h | sed -n 's/^  create //p')" zpool create tp
is "a dry run" "$(zpool create -n tp mirror "$PWD/a" "$PWD/b")" "would create 'tp' with the following layout:

	tp
	  mirror
	    $PWD/a
	    $PWD/b"
mkdir -p "$R/tp" && touch "$R/tp/inside"
refused 1 "mountpoint '$R/tp' exists and is not empty
use '-m' option to provide a different default" zpool create -R "$R" tp "$PWD/a"
rm "$R/tp/inside"
zpool create -R "$R" -o comment=first -O compression=lz4 tp mirror "$PWD/a" "$PWD/b" || fail "create"
refused 1 "cannot create 'tp': pool already exists" zpool create tp "$PWD/c"
refused 1 "invalid vdev specification
the following errors must be manually repaired:
$PWD/a is part of active pool 'tp'" zpool create -f tq "$PWD/a"
refused 1 "cannot create 'tq': $PWD/small: $(zpool create tq "$PWD/small" 2>&1 | sed "s|.*$PWD/small: ||")" \
	zpool create tq "$PWD/small"

# --- show ---
is "the list's heading" "$(zpool list | head -n 1)" \
	"NAME   SIZE  ALLOC   FREE  CKPOINT  EXPANDSZ   FRAG    CAP  DEDUP    HEALTH  ALTROOT"
is "a list" "$(zpool list -Ho name,size,health,altroot)" "tp	112M	ONLINE	$R"
is "size is allocated and free" "$(zpool list -Hpo size,allocated,free | awk '{print $1 - $2 - $3}')" 0
is "status" "$(zpool status tp)" "  pool: tp
 state: ONLINE
config:

	$(printf '%-*s  STATE     READ WRITE CKSUM' $((${#PWD} + 6)) NAME)
	$(printf '%-*s  ONLINE       0     0     0' $((${#PWD} + 6)) tp)
	$(printf '%-*s  ONLINE       0     0     0' $((${#PWD} + 6)) '  mirror-0')
	    $PWD/a  ONLINE       0     0     0
	    $PWD/b  ONLINE       0     0     0

errors: No known data errors"
is "healthy pools" "$(zpool status -x)" "all pools are healthy"
is "a healthy pool" "$(zpool status -x tp)" "pool 'tp' is healthy"
is "get" "$(zpool get comment,failmode,readonly tp)" "NAME  PROPERTY  VALUE  SOURCE
tp    comment   first  local
tp    failmode  wait   default
tp    readonly  off    -"
refused 2 "zpool: bad property list: invalid property 'nosuch'
usage: zpool get $(zpool -h | sed -n 's/^  get //p')" zpool get nosuch tp
refused 1 "cannot open 'tq': no such pool" zpool list tq
zpool set failmode=continue tp || fail "set"
is "what was set" "$(zpool get -Ho value,source failmode tp)" "continue	local"
refused 1 "cannot set property for 'tp': 'failmode' must be one of 'wait | continue | panic'" \
	zpool set failmode=never tp
refused 1 "cannot set property for 'tp': 'size' is readonly" zpool set size=1 tp

# --- export and import ---
echo kept > "$R/tp/file"
sleep 60 < "$R/tp/file" & user=$!
sleep 0.2
refused 1 "cannot unmount '$R/tp': pool or dataset is busy" zpool export tp
kill $user
wait $user 2> /dev/null
zpool sync tp || fail "sync"
zpool export tp || fail "export"
refused 1 "cannot open 'tp': no such pool" zpool export tp
is "nothing mounted" "$(grep -c "$R" /proc/mounts)" 0
is "what could be imported" "$(zpool import -d . | sed 's/id: .*/id: N/')" "   pool: tp
     id: N
  state: ONLINE
 action: The pool can be imported using its name or numeric identifier.
 config:

	$(printf '%-*s  ONLINE' $((${#PWD} + 6)) tp)
	$(printf '%-*s  ONLINE' $((${#PWD} + 6)) '  mirror-0')
	    $PWD/a  ONLINE
	    $PWD/b  ONLINE"
refused 1 "cannot import 'tq': no such pool available" zpool import -d . tq
refused 1 "invalid vdev specification
use '-f' to override the following errors:
$PWD/a is part of exported pool 'tp'" zpool create tq "$PWD/a"
zpool import -d . -o readonly=on -R "$R" tp || fail "import read-only"
is "the file, read-only" "$(cat "$R/tp/file")" kept
touch "$R/tp/new" 2> /dev/null && fail "a read-only pool was written"
refused 1 "cannot create 'tp/x': pool is read-only" zfs create tp/x
zpool export tp || fail "export of a read-only pool"
id=$(zpool import -d . | awk '/id:/ { print $2 }')
zpool import -d . -N -R "$R" "$id" tr || fail "import by number under another name"
is "its name" "$(zpool list -Ho name)" tr
is "not mounted" "$(zfs get -Ho value mounted tr)" no
zfs mount -a || fail "mount -a"
is "the file after the rename" "$(cat "$R/tr/file")" kept
refused 1 "cannot import 'tr': a pool with that name is already created/imported,
and no additional pools with that name were found" zpool import -d . tr
zpool history tr | grep -q "^[-0-9]*\.[0-9:]* zpool create -R $R -o comment=first" || fail "history: $(zpool history tr)"
zpool export -a || fail "export -a"

# --- a device is lost ---
mkdir away && mv b away/
zpool import -d . | grep -q "^  state: DEGRADED" || fail "a lost device in the list: $(zpool import -d .)"
zpool import -d . -R "$R" tr || fail "import without one side"
is "degraded" "$(zpool list -Ho health)" DEGRADED
is "the file from one side" "$(cat "$R/tr/file")" kept
zpool destroy tr || fail "destroy"
mv away/b b
is "a destroyed pool is not offered" "$(zpool import -d . 2>&1)" "no pools available to import"
zpool import -d . -D | grep -q "(DESTROYED)" || fail "import -D"

# --- scrub ---
zpool create -f -R "$R" tsc mirror "$PWD/a" "$PWD/b" || fail "create for a scrub"
head -c 3000000 /dev/urandom > "$R/tsc/file"
zpool sync tsc
refused 1 "cannot cancel scrubbing tsc: there is no active scrub" zpool scrub -s tsc
refused 2 "zpool: missing pool name argument
usage: zpool scrub $(zpool -h | sed -n 's/^  scrub //p')" zpool scrub
dd if=/dev/urandom of="$PWD/a" bs=1M seek=4 count=40 conv=notrunc status=none
zpool scrub -w tsc || fail "scrub"
zpool status tsc | grep -q "  scan: scrub repaired [1-9].* with 0 errors on" || fail "status: $(zpool status tsc)"
zpool scrub -w tsc || fail "second scrub"
zpool status tsc | grep -q "  scan: scrub repaired 0B in .* with 0 errors on" || fail "status: $(zpool status tsc)"
zpool destroy tsc || fail "destroy after scrub"

# --- stripes, no features, all at once ---
zpool create -f -d -R "$R" -m none ts "$PWD/c" "$PWD/d" || fail "create of a stripe"
is "two devices" "$(zpool list -Ho size ts)" 224M
zpool export ts
zpool import -a -d . -R "$R" || fail "import -a"
is "the stripe is back" "$(zpool list -Ho name)" ts
zpool destroy ts
zpool labelclear "$PWD/c" && zpool labelclear "$PWD/d" || fail "labelclear"
verdict
