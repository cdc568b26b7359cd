#!/bin/sh
# SPDX-License-Identifier: MIT
# The init of a guest without virtio: an IDE disk and a CD.
PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for m in /lib/*.ko; do insmod $m; done
exec > /dev/console 2>&1
i=0
while [ $i -lt 100 ] && ! { [ -e /dev/sda ] && [ -e /dev/sr0 ]; }; do
	sleep 0.1
	i=$((i + 1))
done
busybox dmesg | grep -E 'ata[12].*(configured|max)' | sed 's/^/guest: /'
dd if=/dev/sda bs=1M count=4 2> /dev/null | sha256sum | cut -c1-16 | sed 's/^/guest: disk /'
dd if=/dev/sda of=/dev/sda bs=1M count=4 seek=8 conv=fsync 2> /dev/null
cat /dev/sr0 | sha256sum | cut -c1-16 | sed 's/^/guest: cd /'
busybox mkdir /tmp/cd
mount -t iso9660 -o ro /dev/sr0 /tmp/cd
ls /tmp/cd | grep -i -m 1 isolinux | tr A-Z a-z | sed 's/^/guest: mounted /;s/\..*//'
ip link set lo up
ip link set eth0 up
ip addr add 10.78.0.2/24 dev eth0
sleep 3
ping -c 2 -W 10 10.78.0.1 > /tmp/p && echo "guest: ping works" || { cat /tmp/p; cat /proc/interrupts; busybox dmesg | tail; }
mkfifo /tmp/never
exec 3<> /tmp/never
nc 10.78.0.1 7001 <&3 | sha256sum | cut -c1-16 | sed 's/^/guest: got /'
dd if=/dev/sda bs=1M count=4 2> /dev/null | nc 10.78.0.1 7002
sleep 1
poweroff -f
