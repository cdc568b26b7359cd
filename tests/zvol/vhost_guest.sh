#!/bin/sh
# SPDX-License-Identifier: MIT
# In a guest of QEMU whose disk is a volume through vhost-user: vda.
set -e
cat /sys/block/vda/serial; echo
[ "$(blockdev --getsize64 /dev/vda)" = 33554432 ]
[ "$(cat /sys/block/vda/queue/discard_max_bytes)" -gt 0 ]
[ "$(cat /sys/block/vda/cache_type 2> /dev/null || cat /sys/block/vda/queue/write_cache)" = "write back" ]
ls -d /sys/block/vda/mq/1 > /dev/null || { echo "one queue only"; exit 1; }
./load /dev/vda 32 "${SEED:-3}" 12
dd if=/dev/zero of=/dev/vda bs=1M count=8 conv=fsync 2> /dev/null
echo "the guest was here" | dd of=/dev/vda bs=512 conv=sync,fsync 2> /dev/null
