#!/bin/bash
# SPDX-License-Identifier: MIT
# Pools that OpenZFS made with all its features, imported for writing here: clones with livelists, bookmarks that add
# up what was freed, every checksum and compression. We write, snapshot, destroy and roll back; zdb counts every
# feature and finds no leak, OpenZFS scrubs and goes on.

. "$TOP/tests/interop/lib.sh"
for p in plain mix; do fixture $p; done
. "$TOP/tests/tools/pools.sh"
R=$PWD/root

zpool import -d plain -R "$R" plain || fail "import plain"
is "no livelists" "$(zpool get -Ho value feature@livelist plain)" enabled
m=$(mountpoint plain/fs)
cp -r "$TOP/docs" "$m/docs" && rm -r "$(find "$m" -mindepth 1 -maxdepth 1 -type d | sort | head -n 1)" || fail "write"
cp -r "$TOP/docs" "$(mountpoint plain/clone)/" || fail "write the clone"
zfs snapshot plain/fs@ours plain/clone@ours && rm -r "$m/docs" && zfs snapshot plain/fs@later || fail "snapshots"
zfs destroy plain/fs@b && zfs destroy plain/fs@ours || fail "destroy snapshots"
zfs rollback plain/fs@later || fail "rollback"
b=$(zfs list -Ho name -t bookmark -r plain | head -n 1)
is "a bookmark that adds up" "$(zpool get -Ho value feature@bookmark_written plain)" active
zfs destroy "$b" || fail "destroy the bookmark"
is "not any more" "$(zpool get -Ho value feature@bookmark_written,feature@bookmark_v2 plain | xargs)" "enabled enabled"
zfs promote plain/clone && zfs promote plain/fs && zfs destroy -r plain/clone || fail "destroy the clone"
finish plain

zpool import -d mix -R "$R" mix || fail "import mix"
zfs list -Ho name -r mix | while read -r d; do
	m=$(mountpoint "$d")
	[ ! -d "$m" ] || cp "$TOP/docs/worklog.md" "$m/"
done
finish mix

verdict
