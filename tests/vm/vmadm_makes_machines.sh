#!/bin/sh
# SPDX-License-Identifier: MIT
# vm: -m 512 -t 300 -d 512M -d 512M
# vmadm and imgadm on a real pool: a machine from an image, its links, limits, snapshots; and nothing is
# left of what failed.

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
die() { fail "$@"; exit 1; }
must() { "$@" || fail "status $? of: $*"; }
gives() { # WANT COMMAND...
	want=$1
	shift
	got=$("$@" 2>&1) || { fail "status $? of: $* ($got)"; return; }
	[ "$got" = "$want" ] || fail "$*: '$got', expected '$want'"
}
refuses() { # PART-OF-MESSAGE COMMAND...
	part=$1
	shift
	got=$("$@" 2>&1) && { fail "should have failed: $*"; return; }
	case $got in *"$part"*) ;; *) fail "$*: '$got' does not say '$part'" ;; esac
}
field() { vmadm get "$1" | json "$2"; }

modprobe -q fuse
zpool create -f zones mirror vda vdb || die "no pool"
img=01b2c898-945f-11e1-a523-af1afbe22822

# An image of busybox alone.
mkdir -p r/bin r/sbin r/etc r/proc r/sys r/dev r/tmp r/root r/var
cp /bin/busybox r/bin/
for a in sh ls cat id hostname ip ping sleep echo kill sync true mkdir rm test ps; do ln -s busybox r/bin/$a; done
printf '#!/bin/sh\ntrap "exit 0" TERM PWR\nwhile :; do sleep 1 & wait $!; done\n' > r/sbin/init
chmod 755 r/sbin/init
echo 'root:x:0:0:root:/root:/bin/sh' > r/etc/passwd
tar -C r -czf image.tgz . || fail tar
manifest() {
	cat <<- END
		{ "v": 2, "uuid": "$img", "name": "box", "version": "1", "type": "lx-dataset", "os": "linux",
		  "files": [ { "sha256": "$1", "size": $(wc -c < image.tgz), "compression": "gzip" } ] }
	END
}
manifest 0000000000000000000000000000000000000000000000000000000000000000 > wrong.json
refuses "checksum" imgadm install -m wrong.json -f image.tgz
refuses "does not exist" zfs list zones/$img
manifest "$(digest -a sha256 image.tgz)" > box.json
imgadm install -m box.json -f image.tgz || die "no image"
gives "$img" imgadm list -H -o uuid
gives "$img" imgadm list -H -o uuid clones=0

# What fails leaves nothing.
before=$(zfs list -H -o name -t all -r zones)
refuses "Invalid nic tag" vmadm create <<- END
	{ "image_uuid": "$img", "nics": [ { "nic_tag": "nosuch0", "ips": [ "dhcp" ] } ] }
END
refuses "cannot boot the new zone" vmadm create <<- END
	{ "image_uuid": "$img", "init_name": "/no/such/init" }
END
gives "" vmadm lookup
gives "$before" zfs list -H -o name -t all -r zones
gives "" find /etc/zones -name '*.xml'

must dladm create-etherstub stub0
machine() { # ALIAS IP
	vmadm create <<- END || die "create $1"
		{ "alias": "$1", "image_uuid": "$img", "max_physical_memory": 64, "max_lwps": 50, "quota": 1,
		  "resolvers": [ "10.0.0.53" ], "dns_domain": "example.com", "customer_metadata": { "k": "v" },
		  "routes": { "10.9.0.0/16": "10.0.0.99" },
		  "nics": [ { "nic_tag": "stub0", "ips": [ "$2/24" ], "gateways": [ "10.0.0.254" ] } ] }
	END
}
machine web 10.0.0.1
machine db 10.0.0.2
web=$(vmadm lookup -1 alias=web) db=$(vmadm lookup -1 alias=db)
gives running field "$web" state
gives 1 field "$web" quota
gives v field "$web" customer_metadata.k
[ "$(vmadm list -p -o alias state=running | wc -l)" = 2 ] || fail "two run"
refuses "Conflict detected" vmadm create <<- END
	{ "image_uuid": "$img", "nics": [ { "nic_tag": "stub0", "ips": [ "10.0.0.2/24" ] } ] }
END

# Inside.
gives 0 zlogin "$web" id -u
gives "$web" zlogin "$web" hostname
gives "search example.com
nameserver 10.0.0.53" zlogin "$web" cat /etc/resolv.conf
must zlogin "$db" ping -c 2 -w 10 10.0.0.1
zlogin "$web" ip route | grep -q '^default via 10.0.0.254' || fail "no default route"
zlogin "$web" ip route | grep -q '^10.9.0.0/16 via 10.0.0.99' || fail "no route of the payload"

# Snapshots.
must zlogin "$web" 'echo precious > /root/notes'
must vmadm create-snapshot "$web" good
must zlogin "$web" rm /root/notes
must vmadm rollback-snapshot "$web" good
gives precious zlogin "$web" cat /root/notes
gives good field "$web" snapshots.0.name
must vmadm delete-snapshot "$web" good
refuses "No snapshot named" vmadm delete-snapshot "$web" good

# Update, stop, start, reboot.
must vmadm update "$web" alias=www quota=2
gives 2147483648 zfs get -Hp -o value quota "zones/$web"
must vmadm update "$web" max_lwps=60
gives 60 cat "/sys/fs/cgroup/zones/$web.zone/pids.max"
must vmadm update "$web" <<- 'END'
	{ "set_tags": { "role": "front" }, "add_nics": [ { "nic_tag": "stub0", "ips": [ "10.0.1.1/24" ] } ] }
END
gives "$web" vmadm lookup tags.role=front
must vmadm reboot "$web"
zlogin "$web" ip addr show dev net1 | grep -q 'inet 10.0.1.1/24' || fail "the second nic is missing"
must vmadm stop "$web" -F
gives stopped field "$web" state
gives false field "$web" autoboot
must vmadm start "$web"
gives running field "$web" state
must vmadm kill -s KILL "$db"

# Delete.
refuses "dependent clones" imgadm delete $img
must vmadm delete "$web"
must vmadm delete "$db"
gives "" vmadm lookup

# A create that is killed at any moment: after recovery the machine is there whole, or not at all.
echo "{ \"image_uuid\": \"$img\", \"autoboot\": false }" > cut.json
for delay in 0.05 0.1 0.2 0.3 0.4 0.6; do
	vmadm create -f cut.json &
	pid=$!
	sleep $delay
	kill -9 $pid 2> /dev/null
	wait $pid
	must vmadm recover
	for vm in $(vmadm lookup); do
		gives stopped field "$vm" state
		must zfs list -H -o name "zones/$vm"
		must vmadm delete "$vm"
	done
	gives "$before" zfs list -H -o name -t all -r zones
	gives "" find /etc/zones -name '*.xml'
done

must imgadm delete $img
gives "zones" zfs list -H -o name -t all -r zones
must zpool export zones
[ "$failures" = 0 ]
