#!/bin/sh
# SPDX-License-Identifier: MIT
# In the rig: the walkthrough with a virtual machine of brand kvm; see tests/vm/vmadm_walkthrough_of_a_kvm_machine.sh.
. ./rig_lib.sh
rig_up
mkdir -p /usbkey
echo admin_nic=stub0 >> /usbkey/config
vnc_up

legacy() { # UUID FILE: a manifest of the kind that old SmartOS wrote
	cat <<- END
		{ "name": "$2", "version": "1.0", "type": "zvol", "cpu_type": "host", "description": "a disk",
		  "published_at": "2026-01-01T00:00:00.000Z", "os": "linux", "image_size": 8,
		  "files": [ { "path": "$2", "sha1": "$(digest -a sha1 "$2")", "size": $(wc -c < "$2") } ],
		  "requirements": { "networks": [ { "name": "net0", "description": "public" } ] }, "disk_driver": "virtio",
		  "nic_driver": "virtio", "uuid": "$1", "creator_uuid": "352971aa-31ba-496c-9ade-a379feaecd52",
		  "vendor_uuid": "352971aa-31ba-496c-9ade-a379feaecd52", "creator_name": "sdc", "platform_type": "smartos",
		  "cloud_name": "sdc", "urn": "sdc:sdc:ubuntu:1.0", "created_at": "2026-01-01T00:00:00.000Z",
		  "updated_at": "2026-01-01T00:00:00.000Z" }
	END
}

# --- an image, as somebody else has made it
ubuntu=1f5b9a34-8f1a-4b59-a0d0-3c4b5c1f9a01
must zfs create -V 8M zones/seed
must dd if=talk.img of=/dev/zvol/rdsk/zones/seed bs=1M conv=fsync 2> /dev/null
must zfs snapshot zones/seed@image
zfs send zones/seed@image | gzip > ubuntu.zvol.gz || fail "send"
must zfs destroy -r zones/seed
legacy $ubuntu ubuntu.zvol.gz > ubuntu.dsmanifest
must imgadm install -m ubuntu.dsmanifest -f ubuntu.zvol.gz

# --- the machine
cat > vmspec.json <<- END
	{ "brand": "kvm", "alias": "ubuntu1", "vcpus": 1, "autoboot": false, "ram": 2048, "resolvers": [ "9.9.9.9" ],
	  "disks": [ { "image_uuid": "$ubuntu", "boot": true, "model": "virtio" } ],
	  "nics": [ { "nic_tag": "admin", "model": "virtio", "ip": "dhcp", "primary": 1 } ] }
END
vmadm create -f vmspec.json || die "create"
vm=$(vmadm lookup -1 alias=ubuntu1)
must vmadm update "$vm" alias=name
gives "KVM:2048:stopped:name" vmadm list -p -o type,ram,state,alias
echo '{"set_customer_metadata":{"opsys":"ubuntu"}}' > meta.json
vmadm update "$vm" < meta.json || fail "update from standard input"
gives ubuntu sh -c "vmadm get $vm | json customer_metadata.opsys"
console_of "$vm" con
must vmadm start "$vm"
wait_for 60 "talk: from the disk" con || die "no boot"
gives /run/smartbox/vm/$vm.vnc sh -c "vmadm info $vm vnc | json vnc.socket"
# TCP comes while it runs; without a password for this host alone.
must vmadm update "$vm" vnc_port=5901
gives 127.0.0.1:5901:1 sh -c "vmadm info $vm vnc | json -a -d: vnc.host vnc.port vnc.display"
must vmadm update "$vm" vnc_password=geheim
gives 0.0.0.0:5901:geheim sh -c "vmadm info $vm vnc | json -a -d: vnc.host vnc.port vnc.password"
refuses "at most 8 characters" vmadm update "$vm" vnc_password=ninechars
must vmadm stop "$vm" -t 60
wait_for 5 "talk: button" con
gives stopped sh -c "vmadm get $vm | json state"

# --- installing from a CD on an empty disk
must vmadm update "$vm" qemu_extra_opts="-k de"
echo '{"add_disks":[{"size":15000,"model":"virtio"}]}' | vmadm update "$vm" || fail "an empty disk"
gives 15000 sh -c "vmadm get $vm | json disks.1.size"
refuses "Cannot find disk: /centos.iso" vmadm start "$vm" order=cd,once=d cdrom=/centos.iso,ide
gives stopped sh -c "vmadm get $vm | json state"
must cp centos.iso /zones/$vm/root/
: > con
must vmadm start "$vm" order=cd,once=d cdrom=/centos.iso,ide
wait_for 60 "talk: from the CD" con
echo "host: keys"
wait_for 100 "talk: key y" con
wait_for 30 "talk: key a" con
! grep -q "key z" con || fail "the keyboard is not a German one"
echo "host: abuse"
wait_for 120 "talk: key b" con
must vmadm update "$vm" vnc_password=new,pw
gives 0 sh -c "tr '\\0' '\\n' < /proc/$(vmadm get $vm | json pid)/cmdline | grep -c geheim; true"
echo "host: other password"
wait_for 60 "talk: key c" con
must vmadm update "$vm" vnc_port=-1
gives "" sh -c "vmadm info $vm vnc | json vnc.port"
echo "host: closed"

# A reset: once=d is over, the disk is next; so it is after a reboot, which has no CD any more.
must vmadm reset "$vm"
wait_for 60 "talk: from the disk" con
gives 1 sh -c "vmadm info $vm | json cpus | grep -c CPU"
pid=$(vmadm get "$vm" | json pid)
: > con
must vmadm reboot "$vm"
wait_for 60 "talk: button" con
wait_for 60 "talk: from the disk" con
[ "$(vmadm get "$vm" | json pid)" != "$pid" ] || fail "reboot kept the process"
gives true sh -c "vmadm get $vm | json autoboot"
must vmadm kill -s KILL "$vm"
i=0
while [ "$(vmadm get "$vm" | json state)" != stopped ] && [ $i -lt 20 ]; do sleep 1; i=$((i + 1)); done
gives stopped sh -c "vmadm get $vm | json state"
kill $console

# --- its disk becomes an image, and a machine
mine=5e5a0c3a-7d0c-4f0e-9c47-0f3f5c3c1a11
must zfs snapshot "zones/$vm-disk0@image"
zfs send "zones/$vm-disk0@image" | gzip > x.zvol.gz || fail "send"
legacy $mine x.zvol.gz > x.dsmanifest
must imgadm install -m x.dsmanifest -f x.zvol.gz
gives "$mine x.zvol.gz 1.0 linux zvol" sh -c "imgadm list -H -o uuid,name,version,os,type | grep $mine | tr -s ' '"
must zfs destroy "zones/$vm-disk0@image"
sed "s/$ubuntu/$mine/; s/ubuntu1/two/; s/2048/128/" vmspec.json > two.json
vmadm create -f two.json || fail "create from the image"
two=$(vmadm lookup -1 alias=two)
gives "zones/$mine@final" zfs get -H -o value origin "zones/$two-disk0"
must dd of=/dev/zvol/rdsk/zones/$two-disk0 if=centos.iso bs=64k seek=10 conv=fsync 2> /dev/null
console_of "$two" con2
must vmadm start "$two"
wait_for 60 "talk: from the disk" con2
must vmadm sysrq "$two" nmi
picture "$two" talk

# --- snapshots of it, by brand kvm and by bhyve
try_snapshots() { # UUID DISK
	was=$(head -c 1048576 "$2" | sha256sum)
	must vmadm create-snapshot "$1" clean
	refuses "already exists" vmadm create-snapshot "$1" clean
	must vmadm stop "$1" -F
	must dd if=/dev/urandom of="$2" bs=64k count=4 seek=4 conv=fsync 2> /dev/null
	must vmadm rollback-snapshot "$1" clean
	gives running sh -c "vmadm get $1 | json state"
	gives "$was" sh -c "head -c 1048576 $2 | sha256sum"
	must vmadm delete-snapshot "$1" clean
	refuses "No snapshot named" vmadm rollback-snapshot "$1" clean
}
try_snapshots "$two" /dev/zvol/rdsk/zones/$two-disk0
kill $console
echo "{\"brand\":\"bhyve\",\"alias\":\"three\",\"ram\":128,\"vcpus\":2,\"disks\":[{\"image_uuid\":\"$mine\",\"boot\":true,\"model\":\"virtio\"}]}" |
	vmadm create || fail "bhyve"
three=$(vmadm lookup -1 alias=three)
console_of "$three" con3
gives running sh -c "vmadm get $three | json state"
try_snapshots "$three" /dev/zvol/rdsk/zones/$three/disk0
gives "vnc" sh -c "vmadm info $three | sed -n 's/^  \"\\(.*\\)\": {/\\1/p'"
refuses "unknown info type" vmadm info "$three" block
refuses "only allowed when state is 'stopped'" vmadm update "$three" <<- END
	{ "update_disks": [ { "path": "/dev/zvol/rdsk/zones/$three/disk0", "size": 16 } ] }
END
must vmadm stop "$three" -t 60
grep -q "talk: from the disk" con3 || fail "bhyve did not boot"
kill $console
must vmadm update "$three" ram=256 vcpus=1
gives 256:1 sh -c "vmadm get $three | json -a -d: ram vcpus"
vmadm update "$three" <<- END || fail "a larger disk"
	{ "update_disks": [ { "path": "/dev/zvol/rdsk/zones/$three/disk0", "size": 16, "compression": "lz4" } ] }
END
gives 16777216 zfs get -Hp -o value volsize "zones/$three/disk0"
gives lz4 sh -c "vmadm get $three | json disks.0.compression"
refuses "would be lost" vmadm update "$three" <<- END
	{ "update_disks": [ { "path": "/dev/zvol/rdsk/zones/$three/disk0", "size": 8 } ] }
END

# --- what is wrong or hostile
before=$(zfs list -H -o name -t all -r zones)
wrong() { # MEMBERS MESSAGE: a payload that makes nothing
	echo "{ \"brand\": \"kvm\", \"autoboot\": false, $1 }" > wrong.json
	refuses "$2" vmadm create -f wrong.json
}
wrong '"ram": -1' "must be an integer"
wrong '"ram": 99999999999999' "must be an integer"
wrong '"ram": 1e300' "must be an integer"
wrong '"vcpus": 65' "from 1 to 64"
wrong '"disks": [ { "size": -5, "model": "virtio" } ]' "must be an integer"
wrong '"disks": [ { "size": 8, "model": "virtio", "path": "/dev/zvol/rdsk/zones/'$vm'-disk0" } ]' "unless you set nocreate"
wrong '"disks": [ { "path": "/../../etc/shadow", "media": "cdrom", "model": "ide" } ]' "without '..'"
wrong '"boot": "order=xyz"' "must be order="
wrong '"vnc_port": 70000' "must be an integer"
gives "$before" zfs list -H -o name -t all -r zones
cannot_start() { # WORD MESSAGE
	refuses "$2" vmadm start "$two" "$1"
	gives stopped sh -c "vmadm get $two | json state"
}
must vmadm stop "$two" -F
ln -s /../../../../etc/passwd "/zones/$two/root/out"
ln -s /zones/$vm/root/centos.iso "/zones/$two/root/other"
mkfifo "/zones/$two/root/fifo"
mkdir "/zones/$two/root/dir"
cannot_start cdrom=/missing.iso,ide "Cannot find disk"
cannot_start cdrom=/zones/$vm/root/centos.iso,ide "Cannot find disk"
cannot_start cdrom=/../$vm/root/centos.iso,ide "without '..'"
cannot_start cdrom=/out,ide "Cannot find disk"
cannot_start cdrom=/other,ide "Cannot find disk"
cannot_start cdrom=/fifo,ide "neither a file nor a volume"
cannot_start cdrom=/dir,ide "neither a file nor a volume"
cannot_start disk=/dev/zvol/../../etc/passwd,virtio "without '..'"
cannot_start disk=/dev/zvol/rdsk/zones,virtio "Cannot find disk"
cannot_start cdrom=centos.iso,ide "begins with /"
cannot_start cdrom=/centos.iso "a model is needed"
cannot_start order=x "must be order="
cannot_start order=cd,once= "must be order="
for v in $(vmadm lookup); do must vmadm delete "$v"; done
must imgadm delete $mine
must imgadm delete $ubuntu
must zpool export zones
[ $failures = 0 ]
