#!/bin/sh
# SPDX-License-Identifier: MIT
# In the guest: what an fsync costs, here and with OpenZFS's kernel module; a disk and a log disk each.

set -e
cd /test
. ./lib.sh
. /opt/openzfs/env

printf '#!/bin/sh\nPATH=/usr/sbin:/sbin:/usr/bin:/bin exec "$@"\n' > ours
printf '#!/bin/sh\nPATH=/opt/openzfs/bin exec "$@"\n' > theirs
chmod +x ours theirs
PATH=/test:$PATH
: "${N:=400}"

ours zpool create -f -o ashift=12 -O compression=lz4 -O atime=off -m /ours ours /dev/vda
theirs zpool create -f -o ashift=12 -O compression=lz4 -O atime=off -m /theirs theirs /dev/vdb1

ours_fsync() { io fsync /ours/small "$N"; }
theirs_fsync() { io fsync /theirs/small "$N"; }
ours_groups() { io groups /ours "$N"; }
theirs_groups() { io groups /theirs "$N"; }

header "fsync (QEMU, $(nproc) CPUs)" OpenZFS
compare "write of 4 KiB and fsync" op/s more ours_fsync theirs_fsync
compare "the same, 8 writers at once" op/s more ours_groups theirs_groups
ours zpool add -f ours log /dev/vdc
theirs zpool add -f theirs log /dev/vdd1
compare "to a log device" op/s more ours_fsync theirs_fsync
compare "to a log device, 8 writers" op/s more ours_groups theirs_groups
ours zpool export ours
theirs zpool export theirs
