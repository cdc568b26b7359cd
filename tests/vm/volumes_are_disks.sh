#!/bin/bash
# SPDX-License-Identifier: MIT
# host
# Volumes as block devices of the image's kernel: an ext4 on one, a load of all kinds of requests, names, sizes,
# snapshots, and a poold that is killed meanwhile. Then OpenZFS's zdb and e2fsck judge what is left.
set -e
. "$TOP/tests/interop/lib.sh"
for tool in musl-gcc mkfs.ext4 e2fsck; do
	PATH=$PATH:/usr/sbin command -v $tool > /dev/null || { echo "needs $tool"; exit 77; }
done
export PATH=$PATH:/usr/sbin
musl-gcc -static -O2 -Wall -D_GNU_SOURCE -isystem "$TOP/build/uapi" -o load "$TOP/tests/zvol/load.c"
truncate -s 48M ext4
mkfs.ext4 -q -F -O ^metadata_csum_seed ext4
gzip -f -1 ext4
modules=$TOP/build/third_party/kernel/modules
mapfile -t ko < <(find "$modules"/ -name ext4.ko -o -name jbd2.ko -o -name mbcache.ko -o -name crc16.ko)
"$TOP/tests/vm/run" -m 512 -t 300 -a noimport -d "$PWD/pool:512M" -d "$PWD/copy:64M" \
	"$TOP/tests/zvol/guest.sh" load ext4.gz "${ko[@]}"
e2fsck -fn copy || fail "the file system on the volume is damaged"
mkdir vdevs && ln pool vdevs/pool
[ ! -x "$openzfs/tools/versions" ] && [ ! -e "$openzfs/tools/versions" ] || judge_zdb vdevs tank
