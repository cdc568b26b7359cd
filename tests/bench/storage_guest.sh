#!/bin/sh
# SPDX-License-Identifier: MIT
# In the guest: the pool engine beside OpenZFS's kernel module; a disk each, the same commands.

set -e
cd /test
. ./lib.sh
. /opt/openzfs/env

# Two programs that run the one's and the other's commands: ours zfs list, theirs zfs list.
printf '#!/bin/sh\nPATH=/usr/sbin:/sbin:/usr/bin:/bin exec "$@"\n' > ours
printf '#!/bin/sh\nPATH=/opt/openzfs/bin exec "$@"\n' > theirs
chmod +x ours theirs
PATH=/test:$PATH
: "${MIB:=96}" "${SNAPS:=10000}" "${ROWS:=}"

ours zpool create -f -o ashift=12 -O compression=lz4 -O atime=off -m /ours ours /dev/vda
theirs zpool create -f -o ashift=12 -O compression=lz4 -O atime=off -m /theirs theirs /dev/vdb1

# Only a fresh import reads from the disk; both caches are empty then.
ours_fresh() { ours zpool export ours; ours zpool import ours; }
theirs_fresh() { theirs zpool export theirs; theirs zpool import theirs; }

ours_seqwrite() { io seqwrite /ours/big "$MIB"; }
theirs_seqwrite() { io seqwrite /theirs/big "$MIB"; }
ours_seqread() { ours_fresh; io seqread /ours/big "$MIB"; }
theirs_seqread() { theirs_fresh; io seqread /theirs/big "$MIB"; }
ours_randread() { ours_fresh; io randread /ours/big 2000; }
theirs_randread() { theirs_fresh; io randread /theirs/big 2000; }
ours_fsync() { io fsync /ours/small 100; }
theirs_fsync() { io fsync /theirs/small 100; }
ours_create() { mkdir "/ours/d$1"; io create "/ours/d$1" 500; }
theirs_create() { mkdir "/theirs/d$1"; io create "/theirs/d$1" 500; }

# A whole stream of the file, from a cold cache to nowhere; and into a new filesystem from memory.
speed() { awk -v mib="$MIB" '{ print mib / $1 }'; }
# Through a pipe: OpenZFS cannot write to /dev/null on this kernel.
ours_send() { ours_fresh; io time sh -c "ours zfs send ours@stream | cat > /dev/null" | speed; }
theirs_send() { theirs_fresh; io time sh -c "theirs zfs send theirs@stream | cat > /dev/null" | speed; }
ours_receive() { io time sh -c "ours zfs receive -u ours/r$1 < /tmp/stream" | speed; }
theirs_receive() { io time sh -c "theirs zfs receive -u theirs/r$1 < /tmp/stream" | speed; }
make_streams() {
	for p in ours theirs; do
		[ -e "/$p/big" ] || io seqwrite "/$p/big" "$MIB" > /dev/null
		"$p" zfs snapshot "$p@stream"
	done
	theirs zfs send theirs@stream > /tmp/stream
}

ours_snap() { io time ours zfs snapshot "ours@s$1"; }
theirs_snap() { io time theirs zfs snapshot "theirs@s$1"; }
ours_clone() { io time ours zfs clone ours@s1 "ours/c$1"; }
theirs_clone() { io time theirs zfs clone theirs@s1 "theirs/c$1"; }

# One snapshot of each of 100 datasets a command, as a backup tool does.
cat > batch << 'END'
#!/bin/sh
# batch OWNER POOL COUNT
i=0
while [ $i -lt $(($3 / 100)) ]; do
	"$1" zfs snapshot -r "$2/many@m$i" || exit 1
	i=$((i + 1))
done
END
chmod +x batch
make_many() { # OWNER POOL
	"$1" zfs create "$2/many"
	i=1
	while [ $i -lt 100 ]; do
		"$1" zfs create "$2/many/d$i"
		i=$((i + 1))
	done
}
each_ms() { awk -v n="$SNAPS" '{ print $1 * 1000 / n }'; }
ours_batch() { io time batch ours ours "$SNAPS" | each_ms; }
theirs_batch() { io time batch theirs theirs "$SNAPS" | each_ms; }
ours_list() { io time ours zfs list -H -t snapshot -o name,used,refer -r ours/many; }
theirs_list() { io time theirs zfs list -H -t snapshot -o name,used,refer -r theirs/many; }

header "storage (QEMU, $(nproc) CPUs)" OpenZFS
wanted() { case $1 in *"$ROWS"*) ;; *) return 1 ;; esac; }
row() { ! wanted "$1" || compare "$@"; }
row "sequential write, $MIB MiB" MiB/s more ours_seqwrite theirs_seqwrite
[ -e /ours/big ] || { ours_seqwrite; theirs_seqwrite; } > /dev/null
row "sequential read" MiB/s more ours_seqread theirs_seqread
row "random read of 4 KiB" op/s more ours_randread theirs_randread
row "write of 4 KiB and fsync" op/s more ours_fsync theirs_fsync
row "create a file of 4 KiB" op/s more ours_create theirs_create
if wanted "zfs send" || wanted "zfs receive"; then
	make_streams
	row "zfs send" MiB/s more ours_send theirs_send
	row "zfs receive" MiB/s more ours_receive theirs_receive
fi
if wanted "zfs snapshot" || wanted "zfs clone"; then
	row "zfs snapshot" s less ours_snap theirs_snap
	row "zfs clone" s less ours_clone theirs_clone
fi
if wanted "a snapshot, 100 a command" || wanted "zfs list of $SNAPS snapshots"; then
	make_many ours ours
	make_many theirs theirs
	rounds=$ROUNDS ROUNDS=1
	compare "a snapshot, 100 a command" ms less ours_batch theirs_batch
	ROUNDS=$rounds
	row "zfs list of $SNAPS snapshots" s less ours_list theirs_list
fi
ours zpool export ours
theirs zpool export theirs
