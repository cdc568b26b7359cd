#!/bin/bash
# SPDX-License-Identifier: MIT
# Every stream that OpenZFS made (but the encrypted one) is received; the datasets are as the manifests
# say, carry the guids of the stream, and zdb finds nothing to object to the pool.

. "$TOP/tests/interop/lib.sh"
S=$SHARED/fixtures/streams
ls "$S"/*.zst > /dev/null 2>&1 || skip "no fixtures $S (set SHARED=)"
. "$TOP/tests/tools/pools.sh"
R=$PWD/root
export LC_ALL=C

entries() {	# the first part of a manifest
	(cd "$1" && find . -mindepth 1 -path ./.zfs -prune -o -mindepth 1 \
		-printf '%y|%m|%U|%G|%n|%T@|%s|%l|%P\n') |
		awk -F'|' -v OFS='|' '$1 == "d" { $5 = $7 = "-" } 1' | sort -t'|' -k9
}
sums() { (cd "$1" && find . -path ./.zfs -prune -o -type f -print0 | xargs -0r sha256sum | sort -k2); }
as_manifest() {	# DATASET@SNAP MANIFEST
	local dir
	dir=$(zfs get -Ho value mountpoint "${1%@*}")/.zfs/snapshot/${1#*@}
	[ -d "$dir" ] || { fail "$1: $dir is missing"; return; }
	diff <(sed -n '/^## sha256/q; /^##/!p' "$2" | sort -t'|' -k9) <(entries "$dir") > out ||
		{ fail "$1: entries"; head -n 10 out; }
	diff <(sed -n '/^## sha256/,/^## xattr/{/^##/!p}' "$2" | sort -k2) <(sums "$dir") > out ||
		{ fail "$1: content"; head -n 10 out; }
}
stream() { zstd -dc "$S/$1.zfs.zst"; }
guid() { zfs get -Hpo value guid "$1"; }

truncate -s 512M disk
zpool create -O compression=lz4 -R "$R" t "$PWD/disk" || fail "zpool create"
stream fs@a | zfs receive t/fs || fail "fs@a"
as_manifest t/fs@a "$S/fs@a.manifest"
is "its guid" "$(guid t/fs@a)" "$(printf %u 0x52e740c10c9b063b)"
stream fs@a-b | zfs receive t/fs || fail "fs@a-b"
as_manifest t/fs@b "$S/fs@b.manifest"
as_manifest t/fs@a "$S/fs@a.manifest"
is "its guid" "$(guid t/fs@b)" "$(printf %u 0xf37908f904e4eef3)"
stream clone-from-origin@c | zfs receive t/clone || fail "clone-from-origin"
is "the clone's origin" "$(zfs get -Ho value origin t/clone)" t/fs@a
as_manifest t/clone@c "$S/clone@c.manifest"
stream fs-R@b | zfs receive t/r || fail "fs-R@b"
as_manifest t/r@a "$S/fs@a.manifest"
as_manifest t/r@b "$S/fs@b.manifest"
is "received properties" "$(zfs get -Ho value,source user:prop t/r)" "hello	received"
stream fs-Lec@b | zfs receive t/lec || fail "fs-Lec@b"
as_manifest t/lec@b "$S/fs@b.manifest"
stream big-Lec@s | zfs receive t/biglec || fail "big-Lec@s"
as_manifest t/biglec@s "$S/big.manifest"
stream big@s | zfs receive t/big || fail "big@s"
as_manifest t/big@s "$S/big.manifest"
stream fs@a | zfs receive t/bm || fail "fs@a again"
stream fs-bookmark-b | zfs receive t/bm || fail "fs-bookmark-b"
as_manifest t/bm@b "$S/fs@b.manifest"
stream fs-props@a | zfs receive -x user:prop t/props || fail "fs-props@a"
as_manifest t/props@a "$S/fs@a.manifest"
is "-x" "$(zfs get -Ho value,source user:prop t/props)" "-	-"
stream v28fs@s | zfs receive t/v28 || fail "v28fs@s"
as_manifest t/v28@s "$S/v28fs@s.manifest"
stream vol@v | zfs receive t/vol || fail "vol@v"
is "the volume's size" "$(zfs get -Hpo value volsize t/vol)" 25165824
refused 1 "cannot receive new filesystem stream: raw (encrypted) streams are not supported by this version" \
	zfs receive t/enc < <(stream enc-raw@s)
is "nothing is left of it" "$(zfs list -Ho name t/enc 2> /dev/null)" ""

# What we send of it is what we got, but for what depends on the pool.
for s in t/fs@a t/fs@b; do zfs send $s | openzfs zstream dump > out 2>&1 || { fail "zstream dump $s"; tail -3 out; }; done
zpool export t || fail "export"
judge_zdb "$PWD" t || fail "zdb"
verdict
