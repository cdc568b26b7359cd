#!/bin/bash
# SPDX-License-Identifier: MIT
# Every checksum with every compression, small and large records, written here: OpenZFS finds every block good and
# writes on; after that every file reads back here as it was. (blake3 is newer than this OpenZFS: only we read it.)

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
R=$PWD/root
mkdir vdevs
truncate -s 256M vdevs/a
zpool create -R "$R" -O atime=off tr "$PWD/vdevs/a" || fail "create"

# Text, zeros among it, noise; the sizes of one small block, of some, of one large and a tail.
seq 20000 > text
{ cat text; head -c 300000 /dev/zero; cat text; head -c 100000 /dev/urandom; seq 100; } > data
head -c 700 text > small

compressions="off lzjb gzip-1 gzip gzip-9 zle lz4 zstd zstd-19 zstd-fast-5 zstd-fast-1000"
checksums="off fletcher2 fletcher4 sha256 sha512 skein edonr"
i=0
for c in $compressions; do
	for k in $checksums; do
		i=$((i + 1))
		zfs create -o compression=$c -o checksum=$k -o recordsize=$((i % 2 ? 1048576 : 8192)) \
			-o copies=$((i % 3 + 1)) "tr/$i" || fail "create $c $k"
		cp data small "$R/tr/$i/" || fail "write $c $k"
	done
done
is "values" "$(zfs get -Ho value compression,checksum,recordsize,copies tr/76 | xargs)" "zstd-fast-1000 skein 8K 2"
is "feature" "$(zpool get -Ho value feature@skein,feature@edonr,feature@sha512,feature@zstd_compress,feature@large_blocks tr | xargs)" \
	"active active active active active"
# Large dnodes of every size, with attributes in them.
for s in auto 1k 4k 16k; do
	zfs create -o dnodesize=$s -o xattr=sa "tr/dn$s" || fail "dnodesize=$s"
	for n in 1 2 3 4 5 6 7 8 9; do
		: > "$R/tr/dn$s/$n"
		setfattr -n user.a -v "$(head -c 600 text | tr -d '\n')" "$R/tr/dn$s/$n"
		[ $((n % 3)) != 0 ] || rm "$R/tr/dn$s/$((n - 1))"
	done
done
is "large dnodes" "$(zpool get -Ho value feature@large_dnode tr)" active
zpool export tr || fail "export"
judge_zdb vdevs tr || fail "zdb"
is "their size" "$(openzfs zdb -e -p vdevs -dd tr/dn4k | awk '/ZFS plain file/ { print $6 }' | sort | uniq -c | xargs)" "6 4K"
openzfs zdb -e -p vdevs -d tr > log 2>&1 || { grep -v '^Dataset' log; fail "zdb -d: refcounts"; }
judge_libzpool -w tr "$PWD/vdevs/a" || fail "libzpool"

zpool import -d vdevs -R "$R" tr || fail "import"
for ((n = 1; n <= i; n++)); do
	cmp data "$R/tr/$n/data" && cmp small "$R/tr/$n/small" || fail "content of $n"
done

for s in auto 1k 4k 16k; do
	is "attributes of $s" "$(getfattr --absolute-names --only-values -n user.a "$R/tr/dn$s/9")" "$(head -c 600 text | tr -d '\n')"
done

zfs create -o checksum=blake3 tr/blake || fail "blake3"
cp data "$R/tr/blake/"
zpool export tr && zpool import -d vdevs -R "$R" tr || fail "again"
cmp data "$R/tr/blake/data" || fail "content with blake3"
is "blake3" "$(zpool get -Ho value feature@blake3 tr)" active
zfs destroy tr/blake || fail "destroy"
is "blake3 no more" "$(zpool get -Ho value feature@blake3 tr)" enabled
zpool export tr
judge_zdb vdevs tr || fail "zdb at the end"
verdict
