#!/bin/sh
# SPDX-License-Identifier: MIT
# The init of a guest on a disk of its own: says what it has on the first serial port and waits for the button.
PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for m in /lib/*.ko; do insmod $m; done
exec > /dev/ttyS0 2>&1 < /dev/ttyS0
for e in /dev/input/event*; do
	case $(cat "/sys/class/input/${e##*/}/device/name") in
	*Button*) (head -c 24 "$e" > /dev/null && poweroff -f) & ;;
	esac
done
# The driver asks a mouse what it is and waits for milliseconds: too short on a processor that others have.
i=0
until grep -q Mouse /sys/class/input/input*/name || [ $i = 5 ]; do
	sleep 2
	i=$((i + 1))
	grep -q Mouse /sys/class/input/input*/name || { rmmod psmouse && insmod /lib/*psmouse.ko; }
done
# A keyboard and a mouse, as those who sit before the screen have them.
(while read -r line; do echo "guest: typed $line"; done < /dev/tty1) &
hexdump -v -e '"guest: mouse" 3/1 " %d" "\n"' < /dev/input/mice &
echo "what the screen shows" > /dev/tty1
ip link set eth0 up
ip addr add 10.77.0.2/24 dev eth0
echo "guest: $(grep -c ^processor /proc/cpuinfo) cpus, $(ls -d /sys/block/vd* | wc -l) disks, mac $(cat /sys/class/net/eth0/address)"
ping -c 2 -W 10 10.77.0.1 > /dev/null && echo "guest: ping out works"
echo "guest: $(cat /sys/class/dmi/id/sys_vendor), serial $(cat /sys/class/dmi/id/product_serial), uuid $(cat /sys/class/dmi/id/product_uuid)"
# Metadata, as the guest tools of SmartOS ask for it: two keys, and one that is put ("x" is "[]", in a frame).
stty -F /dev/ttyS1 raw -echo
exec 6<> /dev/ttyS1
for key in opsys sdc:alias nothing; do
	echo "GET $key" >&6
	read -r answer <&6
	[ "$answer" != SUCCESS ] || { read -r answer <&6; read -r dot <&6; }
	echo "guest: metadata $key is $answer"
done
echo "V2 25 670e6e92 00000001 PUT ZUE9PSBXMTA9" >&6
read -r answer <&6
echo "guest: put ${answer##* }"
echo "guest: ready"
disk() { # through all caches and back
	dd if=/dev/urandom of=/tmp/x bs=64k count=16 2> /dev/null
	dd if=/tmp/x of=/dev/vdb bs=64k conv=fsync 2> /dev/null
	echo 3 > /proc/sys/vm/drop_caches
	[ "$(dd if=/dev/vdb bs=64k count=16 2> /dev/null | sha256sum)" = "$(sha256sum < /tmp/x)" ] && echo "guest: disk same"
}
while read -r line; do
	echo "guest: heard $line"
	[ "$line" != disk ] || disk
done
sleep 600
