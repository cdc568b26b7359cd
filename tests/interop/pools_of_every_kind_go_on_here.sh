#!/bin/bash
# SPDX-License-Identifier: MIT
# Pools that OpenZFS made of every kind of device, imported for writing here: we write, snapshot, clone, destroy and
# roll back; zdb finds no leak, OpenZFS scrubs and goes on. What we may not write is refused by name, and not touched.

. "$TOP/tests/interop/lib.sh"
pools=(pmirror prz3 stripe zil removed)
[ -z "${LONG:=}" ] || pools+=(prz1 prz2 bigdir nofeat) # LONG=1: all of them
for p in v28 crypt "${pools[@]}"; do fixture $p; done
. "$TOP/tests/tools/pools.sh"
R=$PWD/root

for pool in "${pools[@]}"; do
	zpool import -f -d $pool -R "$R" $pool || { fail "import $pool"; continue; }
	m=$(mountpoint $pool/fs)
	find "$m" -mindepth 1 -maxdepth 1 -name '[a-m]*' -exec rm -rf {} +
	cp -r "$TOP/docs" "$m/docs" && zfs snapshot $pool/fs@ours && rm "$m"/docs/*.md && cp "$TOP/README.md" "$m/docs/" || fail "$pool: write"
	zfs clone -o mountpoint=/clone $pool/fs@ours $pool/clone && cp "$TOP/README.md" "$(mountpoint $pool/clone)/" || fail "$pool: clone"
	[ $pool != bigdir ] || zfs destroy bigdir/fs@s1%s9 || fail "bigdir: destroy a range"
	zpool export $pool && zpool import -d $pool -R "$R" $pool || { fail "$pool: export, import"; continue; }
	diff -r "$TOP/docs" "$m/.zfs/snapshot/ours/docs" > log || { fail "$pool: what was written"; head -n 5 log; }
	zfs rollback $pool/fs@ours && diff -r "$TOP/docs" "$m/docs" > log || fail "$pool: rollback"
	zfs destroy $pool/clone || fail "$pool: destroy the clone"
	finish $pool
done

untouched() {	# POOL MESSAGE
	sha256sum "$1"/* > before
	refused 1 "cannot import '$1': $2: import with -o readonly=on" zpool import -d "$1" -f -R "$R" "$1"
	sha256sum --quiet -c before || fail "$1 was written"
}
untouched crypt "pool 'crypt' uses feature com.datto:encryption, which this version does not write"
zpool import -f -d crypt -o readonly=on -R "$R" crypt 2> log # the exit status tells of the mounts
is "what has no key is said to be so" "$(cat log)" "cannot mount 'crypt/enc': encrypted (feature com.datto:encryption), which this version does not read"
is "what is known of it without one" "$(zfs get -Ho value encryption,keystatus,encryptionroot,keyformat crypt/enc | tr '\n' ' ')" \
	"aes-256-gcm unavailable crypt/enc passphrase "
zpool export crypt
untouched v28 "pool version 28 is only read"
verdict
