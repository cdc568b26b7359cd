#!/bin/bash
# SPDX-License-Identifier: MIT
# Deduplicated data: shared when written, counted down when freed, by us and by OpenZFS in turn. zdb checks every
# reference count against the block pointers that it finds, and that not a sector is leaked.

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
R=$PWD/root
mkdir vdevs
truncate -s 256M vdevs/a
zpool create -R "$R" -O atime=off -O compression=lz4 dd "$PWD/vdevs/a" || fail "create"
zfs create -o dedup=on -o recordsize=16k dd/on || fail "dedup=on"
zfs create -o dedup=skein,verify -o recordsize=16k dd/verify || fail "dedup=skein,verify"
zfs create -o dedup=edonr,verify -o copies=2 -o recordsize=4k dd/edonr || fail "dedup=edonr,verify"
zfs create -o dedup=sha512 dd/sha512 || fail "dedup=sha512"

head -c 1000000 /dev/urandom > noise
seq 200000 > text
for d in on verify edonr sha512; do
	for n in 1 2 3 4; do cat noise text > "$R/dd/$d/$n"; done
	zfs snapshot "dd/$d@s"
	rm "$R/dd/$d/1" && cat text > "$R/dd/$d/2"	# text at another offset: other blocks
	dd if="$R/dd/$d/4" of="$R/dd/$d/4" bs=16k count=20 conv=notrunc status=none	# the same again
done
ratio() { zpool list -Hpo dedupratio dd; }
zpool sync dd
is "shared" "$(echo "$(ratio) > 3" | bc)" 1
is "space once" "$([ "$(zpool list -Hpo allocated dd)" -lt 30000000 ] && echo yes)" yes

check() {
	zpool export dd || fail "$1: export"
	judge_zdb vdevs dd || fail "$1: zdb"
	openzfs zdb -e -p vdevs -d dd > log 2>&1 || { grep -v '^Dataset' log; fail "$1: zdb -d"; }
	[ "$1" = written ] || judge_libzpool -w dd "$PWD/vdevs/a" || fail "$1: libzpool"
	is "$1: the ratio as zdb counts it" "$(openzfs zdb -e -p vdevs -DD dd | sed -n 's/^dedup = \([0-9.]*\),.*/\1/p')" \
		"$2"
	zpool import -d vdevs -R "$R" dd || fail "$1: import"
	is "$1: the ratio again" "$(ratio)" "$2"
}
check "written" "$(ratio)"
cat noise text > want
for d in on verify edonr sha512; do
	cmp want "$R/dd/$d/3" && cmp want "$R/dd/$d/4" && cmp text "$R/dd/$d/2" || fail "content of $d"
	zfs destroy "dd/$d@s" || fail "destroy"
	rm "$R/dd/$d/3"
done
zpool sync dd; zpool sync dd
check "half freed" "$(ratio)"
for d in on verify edonr sha512; do zfs destroy -r "dd/$d" || fail "destroy"; done
zpool sync dd; zpool sync dd; zpool sync dd
is "nothing shared" "$(ratio)" 1.00
zpool export dd || fail "export"
judge_zdb vdevs dd || fail "freed: zdb"
is "no tables" "$(openzfs zdb -e -p vdevs -dddd dd 1 | grep -c DDT-sha)" 0

# A pool that OpenZFS made: we free a part of what it shared, and all.
fixture bigdir
zpool import -d bigdir -R "$R" bigdir || fail "import bigdir"
is "ratio of OpenZFS's pool" "$(zpool list -Hpo dedupratio bigdir)" "$(awk '$2 == "dedupratio" { sub("x", "", $3); print $3 }' "$SHARED/fixtures/bigdir/poolprops.txt")"
ls "$R" /m > log 2>&1
d=$(zfs get -Hro name,value dedup bigdir | awk '$2 != "off" && $2 != "-" { print $1 }' | head -n 1)
m=$(zfs get -Ho value mountpoint "$d")
is "there is something" "$(find "$m" -type f | head -n 1 | wc -l)" 1
rm "$(find "$m" -type f | sort | head -n 1)"
head -c 500000 /dev/zero | tr '\0' x > "$m/ours" && cp "$m/ours" "$m/twice"
zpool sync bigdir; zpool export bigdir || fail "export bigdir"
judge_zdb bigdir bigdir || fail "bigdir: zdb"
judge_libzpool -w bigdir "$PWD"/bigdir/* || fail "bigdir: libzpool"
verdict
