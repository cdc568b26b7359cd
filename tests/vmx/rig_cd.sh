#!/bin/sh
# SPDX-License-Identifier: MIT
# In the rig: a CD boots, and Linux sees a disk, a CD and an e1000. CONTROLLER is ide or ahci.
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

modprobe -q tun
vmx run -m 64M -b bios-256k.bin -d ipxe.iso,${CONTROLLER:-ide},cd -o d -n tap0,e1000 -s file:said -j 12345 &
vm=$!
i=0
while [ $i -lt 100 ] && [ ! -e /sys/class/net/tap0 ]; do
	sleep 0.1
	i=$((i + 1))
done
ip addr add 10.77.0.1/24 dev tap0
ip link set tap0 up
cat > dhcp.conf <<END
start 10.77.0.50
end 10.77.0.60
interface tap0
lease_file /test/leases
pidfile /test/dhcp.pid
opt subnet 255.255.255.0
opt router 10.77.0.1
END
: > leases
./busybox udhcpd -f dhcp.conf > dhcp.log 2>&1 &
dhcp=$!
i=0
while [ $i -lt 110 ] && ! grep -q 'net0: 10\.77\.0\.5' said 2> /dev/null && kill -0 $vm 2> /dev/null; do
	sleep 1
	i=$((i + 1))
done
grep -q ISOLINUX said || fail "the CD did not boot"
grep -q 'net0: 10\.77\.0\.5' said || { fail "iPXE has no address"; cat said dhcp.log; }
echo "iPXE after $i s"
kill -KILL $vm $dhcp
wait $vm 2> /dev/null

dd if=/dev/urandom of=disk bs=1M count=16 2> /dev/null
vmx run -m 160M -k vmlinuz -i initrd -d disk,${CONTROLLER:-ide} -d ipxe.iso,${CONTROLLER:-ide},cd -n tap1,e1000 -s file:said2 -j 12345 -R \
	-a "console=ttyS0 quiet panic=-1 tsc=reliable" &
vm=$!
i=0
while [ $i -lt 100 ] && [ ! -e /sys/class/net/tap1 ]; do
	sleep 0.1
	i=$((i + 1))
done
ip addr add 10.78.0.1/24 dev tap1
ip link set tap1 up
mkfifo never
exec 3<> never # an input without an end: nc leaves at the end of either side
head -c 3000000 disk | nc -l -p 7001 &
nc -l -p 7002 <&3 > back &
i=0
while [ $i -lt 130 ] && kill -0 $vm 2> /dev/null; do
	sleep 1
	i=$((i + 1))
done
kill -KILL $vm 2> /dev/null
cat said2
sum=$(head -c 4194304 disk | sha256sum | cut -c1-16)
grep -q "guest: disk $sum" said2 || fail "the disk read wrong"
grep -q "guest: cd $(sha256sum < ipxe.iso | cut -c1-16)" said2 || fail "the CD read wrong"
grep -q "guest: mounted isolinux" said2 || fail "the CD was not mounted"
[ "$(tail -c 8388608 disk | head -c 4194304 | sha256sum | cut -c1-16)" = "$sum" ] || fail "the disk was written wrong"
grep -q "guest: ping works" said2 || fail "no ping"
grep -q "guest: got $(head -c 3000000 disk | sha256sum | cut -c1-16)" said2 || fail "the file came wrong"
[ "$(sha256sum < back | cut -c1-16)" = "$sum" ] || fail "what the guest sent came wrong"
[ $failures = 0 ]
