#!/bin/bash
# SPDX-License-Identifier: MIT
# host
#
# A machine with two empty disks and a disk of answers makes its pool by itself; files written then, the
# host name, a link and the password are there after a clean reboot and after a power cut.
set -eu
cd "${TMP:-$(mktemp -d)}"
run=$TOP/tests/vm/run

truncate -s 512M a b
cat > answers <<'END'
#smartbox-answers
{ "disks": ["vda", "vdb"], "hostname": "first", "root_password": "secret",
  "admin_ip": "10.1.2.3", "admin_netmask": "255.255.255.0" }
END
truncate -s 64K answers

cat > first <<'END'
#!/bin/sh
set -eu
zpool list -H -o name,health
zfs list -H -o name,mountpoint
[ "$(zpool list -H -o name,health)" = "zones	ONLINE" ]
for d in config:/etc/zones usbkey:/usbkey opt:/opt var:/var cores:/cores; do
	grep -q " ${d#*:} " /proc/mounts || { echo "nothing is mounted on ${d#*:}"; exit 1; }
	[ "$(zfs get -H -o value mountpoint "zones/${d%%:*}")" = "${d#*:}" ]
done
[ "$(hostname)" = first ]
grep -q '^root:\$6\$' /etc/shadow
ip addr show | grep -q 10.1.2.3/24
dladm create-etherstub stub0
dd if=/dev/urandom of=/opt/file bs=64k count=64 2>/dev/null
sha256sum /opt/file > /var/sum
END
cat > second <<'END'
#!/bin/sh
set -eu
[ "$(hostname)" = first ]
dladm show-etherstub | grep -q stub0
sha256sum -c /var/sum
echo again | dd of=/opt/again conv=fsync 2>/dev/null
# The power goes now: no export, no unmount.
echo b > /proc/sysrq-trigger
sleep 60
END
cat > third <<'END'
#!/bin/sh
set -eu
sha256sum -c /var/sum
[ "$(cat /opt/again)" = again ]
zpool status zones
END
"$run" -m 384 -d a -d b -d answers first
"$run" -m 384 -d a -d b second && exit 1
"$run" -m 384 -d a -d b third
