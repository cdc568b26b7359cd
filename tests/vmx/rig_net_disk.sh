#!/bin/sh
# SPDX-License-Identifier: MIT
# In the rig: a kernel under our vmx, with a disk, a tap and the jail. NIC may add ",vhost".
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

modprobe -q tun
dd if=/dev/urandom of=disk bs=1M count=16 2> /dev/null
sum=$(head -c 4194304 disk | sha256sum | cut -c1-16)
head -c 3000000 disk > file

vmx run -c 2 -m 160M -k vmlinuz -i initrd -d disk -n ${NIC:-tap0} -r -B -s file:said -C ctl ${JAIL:--j 12345} -v \
	-a "console=ttyS0 quiet panic=-1 tsc=reliable" &
vm=$!
# The tap is there when vmx has made it.
i=0
while [ $i -lt 100 ] && [ ! -e /sys/class/net/tap0 ]; do
	sleep 0.1
	i=$((i + 1))
done
ip addr add 10.77.0.1/24 dev tap0 || fail "no tap"
ip link set tap0 up
mkfifo never
exec 3<> never # an input without an end: nc leaves at the end of either side
nc -l -p 7001 < file &
nc -l -p 7002 <&3 > back &
i=0
while [ $i -lt 150 ] && ! grep -q "guest: ready" said 2> /dev/null && kill -0 $vm 2> /dev/null; do
	sleep 1
	i=$((i + 1))
done
ping -c 3 -W 10 10.77.0.2 > /dev/null || fail "no ping in"
grep -q "guest: button" said && fail "the button was pressed too early"
kill -TERM $vm
wait $vm || fail "status $? of vmx"
cat said
grep -q "guest: button" said || fail "the button did not arrive"
grep -q "guest: ping out works" said || fail "no ping out"
grep -q "guest: large ping works" said || fail "no large ping"
grep -q "guest: disk $sum" said || fail "the disk read wrong"
grep -q "guest: random 16" said || fail "no random numbers"
grep -q "guest: got $(sha256sum < file | cut -c1-16)" said || fail "the file came wrong"
[ "$(tail -c 8388608 disk | head -c 4194304 | sha256sum | cut -c1-16)" = "$sum" ] || fail "the disk was written wrong"
[ "$(sha256sum < back | cut -c1-16)" = "$sum" ] || fail "what the guest sent came wrong"
[ $failures = 0 ]
