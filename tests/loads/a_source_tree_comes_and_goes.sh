#!/bin/bash
# SPDX-License-Identifier: MIT
# only in full
# A kernel's source tree (LOAD_TREE: of that archive) is unpacked, compared, copied, compared and removed; then its
# space is there again.

. "$TOP/tests/loads/lib.sh"
tree=${LOAD_TREE:-}
if [ -z "$tree" ]; then
	deb=$TOP/build/third_party/loads
	mkdir -p "$deb"
	[ -e "$deb"/tree.tar ] || (cd "$deb" && "$TOP/third_party/apt.sh" deb linux-source-6.1 && dpkg-deb -x linux-source-*.deb . &&
		xz -dc usr/src/linux-source-*.tar.xz > tree.tar.new && mv tree.tar.new tree.tar && rm -rf usr linux-source-*.deb) ||
		skip "no kernel sources to be had"
	tree=$deb/tree.tar
fi
start tt 4096
zfs create -o compression=lz4 tt/a && zfs create -o recordsize=1M -o atime=off tt/b || fail "create"
empty=$(zfs get -Hpo value referenced tt/a)

unpack() { nice -n 5 timeout -s KILL 1200 tar -C "$1" -xf "$tree"; }
same() { nice -n 5 timeout -s KILL 1200 tar -C "$1" -df "$tree"; }

unpack "$R/tt/a" && same "$R/tt/a" || fail "unpacked, compared"
nice -n 5 timeout -s KILL 1200 cp -a "$R/tt/a/." "$R/tt/b/" && same "$R/tt/b" || fail "copied, compared"
zfs snapshot tt/a@full
zpool export tt && zpool import -d vdevs -R "$R" tt || fail "export, import"
same "$R/tt/a" || fail "compared after an import"
nice -n 5 timeout -s KILL 1200 find "$R/tt/a" -mindepth 1 -delete || fail "removed"
same "$R/tt/a/.zfs/snapshot/full" || fail "the snapshot's"
zfs destroy tt/a@full
zpool sync tt
is "the space is there again" "$(($(zfs get -Hpo value referenced tt/a) - empty < 262144))" 1
finished tt
