#!/bin/sh
# SPDX-License-Identifier: MIT
# In the rig: vmadm and a machine of brand kvm, from create to delete.
. ./rig_lib.sh
rig_up
vnc_up

# What is wrong makes nothing.
before=$(zfs list -H -o name -t all -r zones)
refuses "missing .model option for disk" vmadm create <<- END
	{ "brand": "kvm", "disks": [ { "size": 100 } ] }
END
refuses "is not a valid disk model" vmadm create <<- END
	{ "brand": "kvm", "disks": [ { "size": 100, "model": "nvme" } ] }
END
gives "$before" zfs list -H -o name -t all -r zones

cat > vmspec.json <<- END
	{ "brand": "kvm", "alias": "ubuntu1", "vcpus": 1, "autoboot": false, "ram": 160, "resolvers": [ "9.9.9.9" ],
	  "cpu_type": "host", "disks": [ { "size": 32, "boot": true, "model": "virtio" }, { "size": 16, "model": "virtio" } ],
	  "nics": [ { "nic_tag": "stub0", "model": "virtio", "ip": "dhcp", "primary": 1 } ] }
END
vmadm create -f vmspec.json || die "create"
vm=$(vmadm lookup -1 alias=ubuntu1)
gives "KVM:160:stopped:ubuntu1" vmadm list -p -o type,ram,state,alias
gives "/dev/zvol/rdsk/zones/$vm-disk0" sh -c "vmadm get $vm | json disks.0.path"
gives 32 sh -c "vmadm get $vm | json disks.0.size"
gives 1184 sh -c "vmadm get $vm | json max_physical_memory"
must vmadm update "$vm" alias=name
must vmadm update "$vm" vnc_password=secret
gives secret sh -c "vmadm get $vm | json vnc_password"
echo '{"set_customer_metadata":{"opsys":"ubuntu"}}' > meta.json
vmadm update "$vm" < meta.json || fail "update from standard input"
gives ubuntu sh -c "vmadm get $vm | json customer_metadata.opsys"
gives "$vm" vmadm lookup alias=name

# The disk is filled from outside, as the walkthrough does.
must dd if=disk.img of=/dev/zvol/rdsk/zones/$vm-disk0 bs=1M conv=fsync 2> /dev/null
console_of "$vm" con
must vmadm start "$vm"
wait_for 60 "SYSLINUX" con || { cat con; die "firmware"; }
gives running sh -c "vmadm get $vm | json state"
wait_for 170 "guest: ready" con || { cat con; die "the guest"; }
grep -q "guest: 1 cpus, 2 disks, mac $(vmadm get "$vm" | json nics.0.mac)" con || fail "what the guest has"
grep -q "guest: ping out works" con || fail "no ping out"
grep -q "guest: Joyent, serial $vm, uuid $vm" con || fail "who the guest thinks it is"
must ping -c 2 -W 10 10.77.0.2 > /dev/null
grep -q "guest: metadata opsys is ubuntu" con || fail "customer_metadata"
grep -q "guest: metadata sdc:alias is name" con || fail "sdc:alias"
grep -q "guest: metadata nothing is NOTFOUND" con || fail "what is not there"
grep -q "guest: put T0s=" con || fail "the guest could not put"
gives "[]" sh -c "vmadm get $vm | json customer_metadata.x"
echo "hello" >&3
wait_for 20 "guest: heard hello" con
gives true sh -c "vmadm info $vm kvm | json kvm.enabled"
gives 0 sh -c "vmadm info $vm | json cpus.0.CPU"
gives /run/smartbox/vm/$vm.vnc sh -c "vmadm info $vm vnc | json vnc.socket"
must vmadm update "$vm" vnc_port=5901
gives "vga blk3 net5" sh -c "vmadm info $vm pci | sed -n 's/.*\"qdev_id\": \"\(vga\|blk3\|net5\)\".*/\1/p' | xargs"
echo "host: keys"
wait_for 60 "guest: typed hello, screen" con
wait_for 60 "guest: mouse 8 5 2" con || cat con
wait_for 10 "guest: mouse 9 0 0" con
must vmadm sysrq "$vm" screenshot
gives P6 head -c 2 "/zones/$vm/root/tmp/vm.ppm"
must vmadm sysrq "$vm" nmi
# poold is killed: the next request of the disk waits for the next poold, and nothing is lost.
kill -KILL $(pidof poold)
echo "disk" >&3
wait_for 60 "guest: disk same" con
gives running sh -c "vmadm info $vm status | json status.status"
refuses "unknown info type: what" vmadm info "$vm" what
refuses "already 'running'" sh -c "vmadm start $vm && false"
refuses "only allowed when state is 'stopped'" vmadm update "$vm" <<- END
	{ "add_disks": [ { "size": 8, "model": "virtio" } ] }
END
# What holds the machine: a zone of its own, no root, no capability, caps.
pid=$(vmadm get "$vm" | json pid)
gives "" ls -A /proc/$pid/root/
grep -q '^CapEff:.0000000000000000$' /proc/$pid/status || fail "capabilities"
grep -q '^Seccomp:.2$' /proc/$pid/status || fail "no filter"
grep -q '^NoNewPrivs:.1$' /proc/$pid/status || fail "new privileges"
[ "$(stat -c %u /proc/$pid)" -ge 65536 ] || fail "not in the zone's ids"
gives $((1184 * 1048576)) cat "/sys/fs/cgroup/zones/$vm.zone/memory.max"
kill $console
must vmadm create-snapshot "$vm" good
gives "zones/$vm-disk1@vmsnap-good" zfs list -H -o name -t snapshot "zones/$vm-disk1@vmsnap-good"
must vmadm delete-snapshot "$vm" good
refuses "does not exist" zfs list "zones/$vm-disk1@vmsnap-good"

# The power button, then nothing of it runs.
must vmadm stop "$vm" -t 60
gives stopped sh -c "vmadm get $vm | json state"
[ ! -e /proc/$pid ] || fail "the monitor is still there"
gives "" sh -c "pidof vmx-metadata; true"
must vmadm update "$vm" <<- END
	{ "add_disks": [ { "size": 8, "model": "virtio" } ], "remove_disks": [ "/dev/zvol/rdsk/zones/$vm-disk1" ] }
END
gives 8 sh -c "vmadm get $vm | json disks.1.size"
refuses "does not exist" zfs list "zones/$vm-disk1"

# An image of its disk, as the walkthrough makes one, and a machine from it.
sum=$(head -c 1048576 "/dev/zvol/rdsk/zones/$vm-disk0" | sha256sum)
must zfs snapshot "zones/$vm-disk0@image"
zfs send "zones/$vm-disk0@image" | gzip -1 > x.zvol.gz || fail "send"
img=5e5a0c3a-7d0c-4f0e-9c47-0f3f5c3c1a11
cat > x.dsmanifest <<- END
	{ "name": "ubuntu", "version": "1.0", "type": "zvol", "cpu_type": "host", "description": "one of ours",
	  "published_at": "2026-01-01T00:00:00Z", "os": "linux", "image_size": 32,
	  "files": [ { "path": "x.zvol.gz", "sha1": "$(digest -a sha1 x.zvol.gz)", "size": $(wc -c < x.zvol.gz) } ],
	  "requirements": { "networks": [ { "name": "net0", "description": "public" } ] }, "disk_driver": "virtio",
	  "nic_driver": "virtio", "uuid": "$img", "creator_uuid": "352971aa-31ba-496c-9ade-a379feaecd52",
	  "creator_name": "sdc", "urn": "sdc:sdc:ubuntu:1.0" }
END
must imgadm install -m x.dsmanifest -f x.zvol.gz
must zfs destroy "zones/$vm-disk0@image"
echo "{\"brand\":\"kvm\",\"alias\":\"two\",\"autoboot\":false,\"disks\":[{\"image_uuid\":\"$img\",\"boot\":true,\"model\":\"virtio\"}]}" |
	vmadm create || fail "create from the image"
two=$(vmadm lookup -1 alias=two)
gives 32 sh -c "vmadm get $two | json disks.0.size"
gives "zones/$img@final" zfs get -H -o value origin "zones/$two-disk0"
gives "$sum" sh -c "head -c 1048576 /dev/zvol/rdsk/zones/$two-disk0 | sha256sum"
must vmadm delete "$two"
must imgadm delete $img
must vmadm delete "$vm"
gives "$before" zfs list -H -o name -t all -r zones
must zpool export zones
[ $failures = 0 ]
