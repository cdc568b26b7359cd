#!/bin/sh
# SPDX-License-Identifier: MIT
# In the rig: Debian's installer boots from its CD beside an empty disk; its screen is looked at from outside.
. ./rig_lib.sh
rig_up
vnc_up
echo '{ "brand": "kvm", "alias": "installer", "autoboot": false, "ram": 800, "cpu_type": "host", "vcpus": 1,
	"vnc_port": 5901, "vnc_password": "geheim", "disks": [ { "size": 15000, "model": "virtio", "boot": true } ],
	"nics": [ { "nic_tag": "stub0", "model": "virtio", "ip": "dhcp", "primary": 1 } ] }' | vmadm create || die "create"
vm=$(vmadm lookup -1 alias=installer)
mv installer.iso /zones/$vm/root/ || die "no room for the CD"
console_of "$vm" con
must vmadm start "$vm" order=cd,once=d cdrom=/installer.iso,ide
say "start"
wait_for 60 ISOLINUX con
say "ISOLINUX"
echo "host: screen"
sleep 1200 # until whoever looks has seen enough
