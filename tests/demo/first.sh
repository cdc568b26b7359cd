#!/bin/sh
# SPDX-License-Identifier: MIT
# The first boot of the demo: from two empty disks to two zones that talk, then the power goes.

cd /test || exit 1
. ./tour.sh

step "Two empty disks become a mirrored pool in SmartOS's layout"
run setup -f answers.json
shows 'mirror-0 +ONLINE' zpool status zones
shows 'zones/config' zfs list -o name,used,avail,mountpoint

step "An image: Debian 12 as debootstrap makes it"
run imgadm install -m manifest.json -f image.tar.gz
shows debian-12-minbase imgadm list

step "A network in the air and two zones on it"
run dladm create-etherstub stub0
machine() { # ALIAS IP
	cat <<- END
	{
	  "alias": "$1", "brand": "lx", "kernel_version": "6.1.0", "autoboot": true,
	  "image_uuid": "de61a000-b007-4b00-8d0c-0123456789ab",
	  "max_physical_memory": 128, "cpu_cap": 100, "max_lwps": 200, "quota": 1,
	  "resolvers": ["10.0.0.1"],
	  "nics": [{"nic_tag": "stub0", "ips": ["$2/24"], "primary": true}]
	}
	END
}
machine web 10.0.0.1 > web.json
machine db 10.0.0.2 > db.json
run cat web.json
run vmadm create -f web.json
run vmadm create -f db.json
web=$(uuid_of web) db=$(uuid_of db)
[ -n "$web" ] && [ -n "$db" ] || die "no such machines"

step "What there is now"
shows "running" vmadm list
shows "$web" zoneadm list -cv
shows "stub0" dladm show-vnic
shows "zones/$web" zfs list -t all -r -o name,used,refer zones
shows "$db" prstat -Z -c -n 5,5 1 1

step "Inside"
shows 'bookworm' zlogin "$web" cat /etc/os-release
shows '^uid=0' zlogin "$web" id
shows ' 0% packet loss' zlogin "$db" ping -c 3 -i 0.2 10.0.0.1
zlogin "$web" exit 3
[ $? = 3 ] || die "zlogin does not pass the exit status on"

step "Snapshot, damage, rollback"
run zlogin "$web" 'echo precious > /root/notes'
run vmadm create-snapshot "$web" good
run zlogin "$web" rm -rf /root/notes /var/lib/dpkg
fails zlogin "$web" cat /root/notes
run vmadm rollback-snapshot "$web" good
shows '^precious$' zlogin "$web" cat /root/notes
run zlogin "$web" test -s /var/lib/dpkg/status

step "The power goes while both zones write"
for zone in $web $db; do
	zlogin "$zone" 'i=0; while :; do i=$((i + 1)); echo $i > /root/next; sync /root/next; mv /root/next /root/count; sync /root; done' &
done
run zlogin "$web" 'echo acknowledged > /root/kept; sync /root/kept'
sleep 2
for zone in web db; do
	eval "id=\$$zone"
	printf '%s had acknowledged %s\n' "$zone" "$(zlogin "$id" cat /root/count)"
done
printf 'exit 0\n' > "$(for p in /sys/class/virtio-ports/*; do
	[ "$(cat "$p/name")" = test.status ] && echo "/dev/${p##*/}"
done)"
echo b > /proc/sysrq-trigger
sleep 60
