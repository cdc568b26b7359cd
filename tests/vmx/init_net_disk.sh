#!/bin/sh
# SPDX-License-Identifier: MIT
# The init of a guest: network up, its disk read, written and read again, then pings; what it found goes to the
# first serial port. It powers off when the button is pressed.
PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for m in /lib/*.ko; do insmod $m; done
exec > /dev/console 2>&1
for e in /dev/input/event*; do
	(head -c 24 "$e" > /dev/null && echo "guest: button" && poweroff -f) &
done
echo "guest: Linux $(uname -r), $(grep -c ^processor /proc/cpuinfo) cpus"
ip link set lo up
ip link set eth0 up
ip addr add 10.77.0.2/24 dev eth0
dd if=/dev/vda bs=1M count=4 2> /dev/null | sha256sum | cut -c1-16 | sed 's/^/guest: disk /'
dd if=/dev/vda of=/dev/vda bs=1M count=4 seek=8 conv=fsync 2> /dev/null
echo "guest: copied"
ping -c 3 -W 10 10.77.0.1 > /tmp/p && echo "guest: ping out works" || { cat /tmp/p; cat /proc/interrupts; }
ping -c 1 -s 20000 -W 10 10.77.0.1 > /dev/null && echo "guest: large ping works"
dd if=/dev/hwrng bs=16 count=1 2> /dev/null | wc -c | sed 's/^/guest: random /'
# A file over TCP both ways: checksum and segmentation are left to whoever can do them.
mkfifo /tmp/never
exec 3<> /tmp/never
nc 10.77.0.1 7001 <&3 | sha256sum | cut -c1-16 | sed 's/^/guest: got /'
dd if=/dev/vda bs=1M count=4 2> /dev/null | nc 10.77.0.1 7002
echo "guest: ready"
sleep 600
poweroff -f
