#!/bin/bash
# SPDX-License-Identifier: MIT
# filesystem_limit and snapshot_limit: what is counted, through create, clone, snapshot, rename and destroy; OpenZFS
# reads the counts and goes on with them.

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
R=$PWD/root
mkdir vdevs
truncate -s 128M vdevs/a
zpool create -R "$R" -O mountpoint=none li "$PWD/vdevs/a" || fail "create"
zfs create -p li/a/b/c && zfs snapshot -r li/a@one || fail "tree"
counts() { zfs get -Ho value,source filesystem_count,snapshot_count "$1" | xargs; }
is "nobody counts" "$(counts li/a)" "none default none default"
zfs set filesystem_limit=10 snapshot_limit=100 li/a || fail "set"
is "limits" "$(zfs get -Ho value,source filesystem_limit,snapshot_limit li/a | xargs)" "10 local 100 local"
is "counted" "$(counts li/a)" "2 local 3 local"
is "below too" "$(counts li/a/b)" "1 local 2 local"
is "not above" "$(counts li)" "none default none default"
zfs create li/a/d && zfs clone li/a/b/c@one li/a/e && zfs snapshot li/a/e@two li/a/d@x || fail "more"
is "more" "$(counts li/a)" "4 local 5 local"
zfs rename li/a/b/c li/a/d/c || fail "rename"
is "moved from" "$(counts li/a/b)" "0 local 1 local"
is "moved to" "$(counts li/a/d)" "1 local 2 local"
zfs destroy li/a/d@x && zfs destroy -r li/a/e || fail "destroy"
is "less" "$(counts li/a)" "3 local 3 local"
zfs create li/new && is "a new one counts" "$(counts li/new)" "0 local 0 local"
is "feature" "$(zpool get -Ho value feature@filesystem_limits li)" active

# Delegated permissions: kept in the pool, shown by name.
zfs allow -s @basic create,mount li/a && zfs allow 0 snapshot,@basic li/a && zfs allow -l -g 0 hold,destroy li/a &&
	zfs allow -d -e send li/a && zfs allow -c compression li/a && zfs allow -l root rename li/a || fail "allow"
is "allow" "$(zfs allow li/a/b)" "---- Permissions on li/a ---------------------------------------------
Permission sets:
	@basic create,mount
Create time permissions:
	compression
Local permissions:
	user root rename
	group root destroy,hold
Descendent permissions:
	everyone send
Local+Descendent permissions:
	user root @basic,snapshot"
zfs unallow -l -g root destroy li/a && zfs unallow root li/a && zfs unallow -s @basic li/a || fail "unallow"
is "unallow" "$(zfs allow li/a | tr -d '\n')" "---- Permissions on li/a ---------------------------------------------Create time permissions:	compressionLocal permissions:	group root holdDescendent permissions:	everyone send"
zfs allow -u 0 create li/a/d/c && zfs destroy -r li/a/d/c || fail "destroy with permissions"
# This zdb does not know the tables behind the table: none may be left for it.
zfs unallow -c li/a && zfs unallow -g root li/a && zfs unallow -e li/a || fail "unallow all"
is "nothing" "$(zfs allow li/a)" ""
zpool export li || fail "export"
judge_zdb vdevs li || fail "zdb"
openzfs zdb -e -p vdevs -d li > log 2>&1 || { grep -v '^Dataset' log; fail "zdb -d: refcounts"; }
cp vdevs/a judged
LD_LIBRARY_PATH=$openzfs_libs "$TOP/build/tests/zpool_judge" -w -d 2 li "$PWD/judged" > /dev/null || fail "OpenZFS destroys a part"
mkdir j && mv judged j/ && openzfs zdb -e -p j -d li > log 2>&1 || { grep -v '^Dataset' log; fail "zdb -d afterwards"; }
verdict
