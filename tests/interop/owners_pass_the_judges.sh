#!/bin/bash
# SPDX-License-Identifier: MIT
# Space by user, group and project of filesystems that we make: shown, limited, kept exact; zdb counts the
# features, and OpenZFS's own tables say the same after it went on writing.

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
R=$PWD/root
mkdir vdevs
truncate -s 192M vdevs/a
zpool create -R "$R" -O atime=off ow "$PWD/vdevs/a" && zfs create ow/fs || fail "create"
is "features" "$(zpool get -Ho value feature@userobj_accounting,feature@project_quota ow | xargs)" "active active"
for u in 1001 1002; do
	mkdir "$R/ow/fs/$u"
	head -c 300000 /dev/urandom > "$R/ow/fs/$u/file"
	chown -R $u:100 "$R/ow/fs/$u"
done
zpool sync ow
is "userspace" "$(zfs userspace -n ow/fs)" "\
TYPE        NAME  USED  QUOTA  OBJUSED  OBJQUOTA
POSIX User  0     512B   none        1      none
POSIX User  1001  387K   none        2      none
POSIX User  1002  387K   none        2      none"
zfs set userquota@1001=400k userobjquota@1002=3 groupquota@100=900000 ow/fs || fail "set quotas"
is "get" "$(zfs get -Ho property,value,source userquota@1001,userobjquota@1002,userused@7,userquota@root,groupquota@100 ow/fs)" "\
userquota@1001	400K	local
userobjquota@1002	3	local
userused@7	0B	local
userquota@root	none	local
groupquota@100	879K	local"
is "groupspace" "$(zfs groupspace -Hpo name,quota,objused,objquota ow/fs)" "$(printf 'root\t0\t1\t0\nusers\t900000\t4\t0')"

as() { setpriv --reuid "$1" --regid 100 --clear-groups sh -c "$2" 2>&1; }
is "below the quota" "$(as 1001 "head -c 100000 /dev/urandom > $R/ow/fs/1001/more")" ""
zpool sync ow
as 1001 "head -c 100000 /dev/urandom > $R/ow/fs/1001/again; sync $R/ow/fs/1001/again" | grep -q 'quota' || fail "over the quota"
is "one object more" "$(as 1002 ": > $R/ow/fs/1002/third")" ""
zpool sync ow
as 1002 ": > $R/ow/fs/1002/fourth" | grep -q 'quota' || fail "one object too many"
refused 1 "cannot set property for 'ow/fs': property 'userquota@nobodyhere' has an invalid user/group name" \
	zfs set userquota@nobodyhere=1G ow/fs
zfs set userquota@1001=none ow/fs || fail "unset"
is "unset" "$(zfs get -Hpo value userquota@1001 ow/fs)" 0
rm "$R"/ow/fs/1001/* && zpool sync ow
is "freed" "$(zfs userspace -Hpno name,objused ow/fs | tail -n 2)" "$(printf '1001\t1\n1002\t3')"

# Projects: what is made below belongs to it, and counts for it.
P=$R/ow/fs/proj
mkdir "$P" && zfs project -p 42 -s "$P" || fail "zfs project"
mkdir "$P/sub" && head -c 200000 /dev/urandom > "$P/sub/f" && : > "$R/ow/fs/outside"
is "project -r" "$(zfs project -r "$P" | sed "s|$P|P|")" "   42 P P
   42 P P/sub
   42 P P/sub/f"
is "project -c" "$(zfs project -c -p 43 "$P/sub/f")" "$P/sub/f - project ID is not set properly (42/43)"
zpool sync ow
is "projectspace" "$(zfs projectspace -Hpo name,objused ow/fs | tail -n 1)" "$(printf '42\t3')"
zfs set projectquota@42=100k ow/fs || fail "projectquota"
{ head -c 1000 /dev/urandom > "$P/more"; } 2>&1 | grep -q 'quota' || fail "over the project's quota"
zfs set projectquota@42=none ow/fs && mv "$R/ow/fs/outside" "$P/" && is "moved by copying" "$(zfs project "$P/outside" | sed "s|$P|P|")" "   42 P P/outside"
zfs project -C "$P/outside" || fail "project -C"
is "cleared" "$(zfs project "$P/outside" | sed "s|$P|P|")" "    0 - P/outside"
zpool export ow || fail "export"
judge_zdb vdevs ow || fail "zdb"
openzfs zdb -e -p vdevs -d ow > log 2>&1 || { grep -v '^Dataset' log; fail "zdb -d: refcounts"; }
judge_libzpool -w ow "$PWD/vdevs/a" || fail "libzpool"
# What zdb reads in the tables is what it finds in the objects.
openzfs zdb -e -p vdevs -dddd ow/fs | grep -A 30 'ZFS user/group/project used' > tables
is "OpenZFS reads the tables" "$(grep -cE 'obj-(0|3e9|3ea|64|2a) = ' tables)" 7
verdict
