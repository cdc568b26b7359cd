# SPDX-License-Identifier: MIT
#
# The strongest judge, on OpenZFS's own pool: its kernel module in the VM imports, mounts, writes and
# scrubs. What it wrote is there at the next look.
. "$TOP/tests/interop/lib.sh"

fixture nofeat
cat > look <<'END'
set -e
zpool import -d /vdevs -N nofeat
zfs set mountpoint=/mnt/fs nofeat/fs
mkdir -p /mnt/fs
zfs mount nofeat/fs
ls /mnt/fs | head -n 3
echo written by the module > /mnt/fs/judged
zfs snapshot nofeat/fs@judged
zpool scrub -w nofeat
zpool status nofeat
zpool status nofeat | grep -q 'No known data errors'
zpool export nofeat
END
judge_openzfs_vm look nofeat/* || fail "the module refuses its own pool"
judge_zdb nofeat nofeat || fail "the module left damage"
openzfs zdb -e -p nofeat -d nofeat/fs@judged | grep -q 'nofeat/fs@judged' || fail "the module's snapshot is gone"
exit 0
