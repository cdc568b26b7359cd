#!/bin/sh
# SPDX-License-Identifier: MIT
# In the guest: volumes as block devices. Files: load, ext4.gz, the modules of ext4. vda: the pool's disk,
# vdb: gets a copy of the volume in the end.

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
must() { "$@" || fail "status $? of: $*"; }
gives() { # WANT COMMAND...
	want=$1
	shift
	got=$("$@" 2>&1) || { fail "status $? of: $* ($got)"; return; }
	[ "$got" = "$want" ] || fail "$*: '$got', expected '$want'"
}
refuses() { # PART-OF-MESSAGE COMMAND...
	part=$1
	shift
	got=$("$@" 2>&1) && { fail "should have failed: $*"; return; }
	case $got in *"$part"*) ;; *) fail "$*: '$got' does not say '$part'" ;; esac
}
size() { blockdev --getsize64 "$1"; }
absent() { [ ! -e "$1" ] && [ ! -L "$1" ] || fail "$1 is still there"; }
poold_pid() {
	for p in /proc/[0-9]*; do
		case $(tr '\0' ' ' < "$p/cmdline" 2> /dev/null) in *poold*) echo "${p#/proc/}" ;; esac
	done
}

for m in crc16 mbcache jbd2 ext4; do insmod ./$m.ko 2> /dev/null || modprobe -q $m; done
modprobe -q fuse
zpool create -f tank vda || { fail "no pool"; exit 1; }

echo "== make, write, mount"
must zfs create -V 64M -b 8k tank/v
gives 67108864 size /dev/zvol/tank/v
gives 67108864 size /dev/zvol/dsk/tank/v
gives 67108864 size /dev/zvol/rdsk/tank/v
gunzip < ext4.gz | dd of=/dev/zvol/rdsk/tank/v bs=64k conv=fsync 2> /dev/null || fail "dd"
mkdir -p /mnt/e
must mount -t ext4 -o discard /dev/zvol/tank/v /mnt/e
must cp -r /etc /bin/busybox /mnt/e/
must sync

echo "== in use"
refuses "in use" zfs destroy tank/v
refuses "in use" zpool export tank
must zfs snapshot tank/v@one
must rm -r /mnt/e/etc
must umount /mnt/e

echo "== snapshots, clones, names"
absent /dev/zvol/tank/v@one
must zfs set snapdev=visible tank/v
gives 67108864 size /dev/zvol/tank/v@one
gives 1 blockdev --getro /dev/zvol/tank/v@one
must zfs clone tank/v@one tank/c
must mount -t ext4 /dev/zvol/tank/c /mnt/e
must cmp -s /bin/busybox /mnt/e/busybox
[ -d /mnt/e/etc ] || fail "the clone lacks what the snapshot had"
must umount /mnt/e
must zfs rename tank/c tank/d
absent /dev/zvol/tank/c
must mount -t ext4 /dev/zvol/rdsk/tank/d /mnt/e
must umount /mnt/e
must zfs destroy tank/d
absent /dev/zvol/tank/d
must zfs rollback tank/v@one
must mount -t ext4 /dev/zvol/tank/v /mnt/e
[ -d /mnt/e/etc ] || fail "rolled back, but not seen"
must umount /mnt/e
must zfs set snapdev=hidden tank/v
absent /dev/zvol/tank/v@one

echo "== sizes, modes"
must zfs create -s -V 1G tank/sparse
gives 0 zfs get -Hpo value refreservation tank/sparse
must zfs set volsize=2G tank/sparse
gives 2147483648 size /dev/zvol/tank/sparse
must zfs set volmode=none tank/sparse
absent /dev/zvol/tank/sparse
must zfs inherit volmode tank/sparse
gives 2147483648 size /dev/zvol/tank/sparse
must zfs set readonly=on tank/sparse
dd if=/dev/zero of=/dev/zvol/tank/sparse bs=4k count=1 conv=fsync 2> /dev/null && fail "wrote on a read-only volume"
must zfs set readonly=off tank/sparse
must zfs destroy tank/sparse

echo "== load"
must zfs create -V 32M -b 16k tank/load
must ./load /dev/zvol/tank/load 32 "${SEED:-1}" 15
before=$(zfs get -Hpo value referenced tank/load)
blkdiscard /dev/zvol/tank/load 2> /dev/null || dd if=/dev/zero of=/dev/zvol/tank/load bs=1M count=32 conv=fsync 2> /dev/null
must zpool sync tank
[ "$(zfs get -Hpo value referenced tank/load)" -lt "$before" ] || fail "discarding freed nothing"

echo "== poold's server, then keeper and server killed under load"
./load /dev/zvol/tank/load 32 7 25 &
load=$!
sleep 3
for p in $(poold_pid); do
	case " $(poold_pid | tr '\n' ' ')" in *" $(awk '$1 == "PPid:" { print $2 }' /proc/$p/status) "*) server=$p ;; esac
done
kill -9 $server
sleep 5
[ $(poold_pid | wc -l) = 2 ] || fail "nobody started a server again"
kill -9 $(poold_pid)
sleep 1
must zfs list -H -o name tank/load
wait $load || fail "the load saw poold die"

echo "== the end"
must dd if=/dev/zvol/tank/v of=/dev/vdb bs=1M conv=fsync 2> /dev/null
must zpool export tank
absent /dev/zvol/tank
grep -l smartbox /sys/block/nbd*/backend 2> /dev/null && fail "a device was left behind"
must zpool import tank
gives 67108864 size /dev/zvol/rdsk/tank/v
must cmp -s -n 67108864 /dev/zvol/tank/v /dev/vdb
must zpool export tank
[ $failures = 0 ]
