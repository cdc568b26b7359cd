#!/bin/sh
# SPDX-License-Identifier: MIT
# Run with OpenZFS's own module: it imports the demo's pool, reads it, scrubs it.
set -e
zpool import -f -N -d /dev -R /mnt zones
zfs mount zones/var
grep -q 'for the judges' /mnt/var/judged
zpool scrub -w zones
zpool status zones
zpool status zones | grep -q 'errors: No known data errors'
! zpool status zones | grep -qE '(vda|vdb) +ONLINE +[0-9]+ +[0-9]+ +[1-9]'
zpool export zones
