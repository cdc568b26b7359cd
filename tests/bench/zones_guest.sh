#!/bin/sh
# SPDX-License-Identifier: MIT
# In the guest: vmadm beside OpenZFS's module and crun. Both clone the root's snapshot, start its first
# process in namespaces of its own with a cgroup, stop it and throw the clone away.

set -e
cd /test
. ./lib.sh
PATH=/test:$PATH
echo '{"disks": ["vda"], "hostname": "bench"}' > answers.json
setup -f answers.json > /dev/null
zfs unmount zones/opt # the peers lie below it
sha1=$(sha1sum < root.tar.gz | cut -d' ' -f1) size=$(stat -c %s root.tar.gz)
image=de61a000-b007-4b00-8d0c-00000000bbbb
cat > manifest.json << END
{"v": 2, "uuid": "$image", "owner": "00000000-0000-0000-0000-000000000000", "name": "busybox",
 "version": "1", "state": "active", "disabled": false, "public": true, "type": "lx-dataset",
 "published_at": "2026-11-21T00:00:00Z", "os": "linux",
 "files": [{"sha1": "$sha1", "size": $size, "compression": "gzip"}]}
END
imgadm install -q -m manifest.json -f root.tar.gz > /dev/null
cat > vm.json << END
{"uuid": "11111111-2222-4333-8444-555555555555", "brand": "lx", "kernel_version": "6.1.0", "alias": "b",
 "image_uuid": "$image", "max_physical_memory": 64, "quota": 1, "autoboot": true}
END
uuid=11111111-2222-4333-8444-555555555555

# The peer's names must not hide ours.
cat > theirs << 'END'
#!/bin/sh
PATH=/opt/openzfs/bin exec "$@"
END
cat > crun << 'END'
#!/bin/sh
exec /opt/crun/lib/ld-linux-x86-64.so.2 --library-path /opt/crun/lib /opt/crun/crun "$@"
END
chmod +x theirs crun
old=$PATH
. /opt/openzfs/env
PATH=$old
theirs zpool create -f -m /theirs theirs /dev/vdb1
theirs zfs create theirs/image
mkdir /theirs/image/rootfs
tar -C /theirs/image/rootfs -xzf root.tar.gz
(cd /theirs/image && crun spec && sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"\/sbin\/init"/' config.json)
theirs zfs snapshot theirs/image@final

cat > ours_up << END
#!/bin/sh
exec vmadm create -f vm.json 2> /dev/null
END
cat > ours_down << END
#!/bin/sh
exec vmadm delete $uuid 2> /dev/null
END
cat > theirs_up << 'END'
#!/bin/sh -e
theirs zfs clone theirs/image@final theirs/b
exec crun run -d -b /theirs/b b < /dev/null > /dev/null 2>&1
END
cat > theirs_down << 'END'
#!/bin/sh -e
crun delete -f b
exec theirs zfs destroy theirs/b
END
chmod +x ours_up ours_down theirs_up theirs_down

up_ours() { io time ours_up; [ "$(zoneadm -z $uuid list -p | cut -d: -f3)" = running ]; }
up_theirs() { io time theirs_up; crun state b | grep -q '"running"'; }
cycle_ours() { vmadm delete $uuid > /dev/null 2>&1; up_ours; }
cycle_theirs() { theirs_down > /dev/null 2>&1; up_theirs; }
down_ours() { io time ours_down; vmadm create -f vm.json > /dev/null 2>&1; }
down_theirs() { io time theirs_down; theirs_up > /dev/null 2>&1; }
boot_ours() { zoneadm -z $uuid halt; io time zoneadm -z $uuid boot; }
boot_theirs() { crun delete -f b; io time crun run -d -b /theirs/b b; }

header "zones (QEMU, $(nproc) CPUs)" "crun+ZFS"
ours_up > /dev/null 2>&1
theirs_up
compare "clone, create, first process runs" s less cycle_ours cycle_theirs
compare "stop and destroy" s less down_ours down_theirs
compare "boot of an installed one" s less boot_ours boot_theirs
vmadm delete $uuid > /dev/null 2>&1
theirs_down > /dev/null 2>&1
