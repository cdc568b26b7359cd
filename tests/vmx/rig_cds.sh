#!/bin/sh
# SPDX-License-Identifier: MIT
# In the rig: CDs that the world boots from, under a machine of vmadm's with an empty disk of 15000 MiB.
. ./rig_lib.sh
rig_up
echo '{ "brand": "kvm", "alias": "cds", "autoboot": false, "ram": 128, "cpu_type": "host",
	"disks": [ { "size": 15000, "model": "virtio", "boot": true } ],
	"nics": [ { "nic_tag": "stub0", "model": "virtio", "ip": "dhcp", "primary": 1 } ] }' | vmadm create || die "create"
vm=$(vmadm lookup -1 alias=cds)
gives 15000 sh -c "vmadm get $vm | json disks.0.size"
cp memtest.iso ipxe.iso /zones/$vm/root/ || die "no room for the CDs"
cat > udhcpd.conf <<- 'END'
	start 10.77.0.20
	end 10.77.0.29
	interface host0
	lease_file leases
	pidfile udhcpd.pid
	option subnet 255.255.255.0
END
: > leases
udhcpd -f udhcpd.conf > dhcp.log 2>&1 &

must vmadm start "$vm" order=cd,once=d cdrom=/ipxe.iso,ide
say "ipxe starts"
wait_for 120 "sending ACK to 10.77.0.2" dhcp.log
say "ipxe has an address"
sleep 3
picture "$vm" ipxe
must vmadm stop "$vm" -F
must vmadm start "$vm" order=cd,once=d cdrom=/memtest.iso,ide
say "memtest starts"
sleep 60
picture "$vm" memtest
# It does not look at the button: it is off when the time is over.
must vmadm stop "$vm" -t 5
gives stopped sh -c "vmadm get $vm | json state"
say "end"
cat dhcp.log
must vmadm delete "$vm"
[ $failures = 0 ]
