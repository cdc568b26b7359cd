#!/bin/sh
# SPDX-License-Identifier: MIT
# The init of a guest: says on the console what it runs on, and powers off; with a disk that does not say so yet, it
# writes that it has been here and reboots.
PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec > /dev/console 2>&1
for m in /lib/*.ko; do insmod $m 2> /dev/null; done
echo "guest: $(cat /proc/sys/kernel/osrelease) on $(grep -c ^processor /proc/cpuinfo) processors"
if [ -b /dev/vda ] && [ "$(head -c 4 /dev/vda)" != been ]; then
	echo been | dd of=/dev/vda conv=fsync 2> /dev/null
	echo "guest: reboots"
	reboot -f
fi
poweroff -f
