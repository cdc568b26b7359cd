#!/bin/bash
# SPDX-License-Identifier: MIT
# only in full
# The loads of files on an ext4 that lies on a volume, in the image: the table of POSIX claims, files changed in all ways
# beside snapshots of the volume, a tree that comes and goes. Then e2fsck judges the ext4 and zdb the pool.
set -e
. "$TOP/tests/interop/lib.sh"
seconds=${LOAD_SECONDS:-10}
export PATH=$PATH:/usr/sbin
for tool in mkfs.ext4 e2fsck; do
	command -v $tool > /dev/null || skip "needs $tool"
done
truncate -s 256M ext4
mkfs.ext4 -q -F -b 4096 -I 1024 -O ^metadata_csum_seed ext4
gzip -f -1 ext4
modules=$TOP/build/third_party/kernel/modules
mapfile -t ko < <(find "$modules"/ -name ext4.ko -o -name jbd2.ko -o -name mbcache.ko -o -name crc16.ko)
sed "s/@SECONDS@/$seconds/" "$TOP/tests/loads/guest" > guest.sh
"$TOP/tests/vm/run" -m 768 -t $((seconds * 2 + 500)) -a noimport -d "$PWD/pool:768M" -d "$PWD/copy:256M" \
	guest.sh ext4.gz "$TOP/build/tests/loads/posix" "$TOP/build/tests/loads/fsx" "${ko[@]}"
e2fsck -fn copy || fail "the file system on the volume is damaged"
mkdir vdevs && ln pool vdevs/pool
[ ! -e "$openzfs/tools/versions" ] || judge_zdb vdevs tank
