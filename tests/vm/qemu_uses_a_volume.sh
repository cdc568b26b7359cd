#!/bin/bash
# SPDX-License-Identifier: MIT
# host
# QEMU as the client of a volume: its guest loads the disk through vhost-user, several queues, all requests; what it
# wrote is in the volume, and zdb counts every block.
. "$TOP/tests/interop/lib.sh"
command -v musl-gcc > /dev/null || skip "needs musl-gcc"
[ "$(id -u)" = 0 ] || skip "needs root"
export SMARTBOX_RUN=$PWD/run SMARTBOX_DEV=$PWD/dev
PATH=$TOP/build/bin:$PATH
mkdir -p bin dev vdevs
for a in zpool zfs zvolexec; do ln -sf "$TOP/build/smartbox" bin/$a; done
PATH=$PWD/bin:$PATH
musl-gcc -static -O2 -Wall -D_GNU_SOURCE -isystem "$TOP/build/uapi" -o load "$TOP/tests/zvol/load.c"
truncate -s 256M vdevs/disk
zpool create -f -O mountpoint=none vhost_t "$PWD/vdevs/disk" || fail "no pool"
trap 'zpool destroy -f vhost_t 2> /dev/null' EXIT
zfs create -V 32M -b 8k vhost_t/v 2> /dev/null || fail "no volume"
QEMU_ARGS="-object memory-backend-memfd,id=mem,size=256M,share=on -numa node,memdev=mem
	-chardev socket,id=vu,fd=20 -device vhost-user-blk-pci,chardev=vu,num-queues=2" \
	zvolexec vhost_t/v=20 -- "$TOP/tests/vm/run" -t 200 -a noimport "$TOP/tests/zvol/vhost_guest.sh" load ||
	fail "the guest"
[ "$(zfs get -Hpo value referenced vhost_t/v)" -gt 1000000 ] || fail "nothing is in the volume"
zfs set volsize=16M vhost_t/v || fail "resize"
zpool export vhost_t || fail "export"
trap - EXIT
if [ -e "$openzfs/tools/versions" ]; then
	judge_zdb vdevs vhost_t || fail "zdb"
	openzfs zdb -e -p vdevs -R vhost_t 0:0:200:r > /dev/null 2>&1
fi
exit 0
