#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What must not grow with the number of things, on this machine and beside itself: tests/bench/scale.sh
# SNAPS= (a multiple of 100) and CLONES= change its size.

. "$TOP/tests/tools/pools.sh"
. "$TOP/tests/bench/lib.sh"
: "${SNAPS:=100000}" "${CLONES:=4000}"
musl-gcc -O2 -static -o io "$TOP/tests/bench/io.c" || exit 1
seconds() { ./io time "$@"; }
row() { printf '%-34s %10.4g %10.4g %-6s %6.2f\n' "$@"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'; }
truncate -s 8G disk
header "scale" "goal"

# --- memory of an idle daemon: right after import, and after work and a quiet time ---
rss_mib() {
	local inode p
	inode=$(stat -c %i "$SMARTBOX_RUN/pool/tz.lock")
	p=$(awk -v i=":$inode" '$2 == "FLOCK" && index($6, i) { print $5; exit }' /proc/locks)
	awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$p/status"
}
zpool create -O compression=lz4 -R "$PWD/root" tz "$PWD/disk" || exit 1
./io seqwrite root/tz/big 256 > /dev/null && mkdir root/tz/d && ./io create root/tz/d 2000 > /dev/null
sleep "${QUIET:-45}"
rss=$(rss_mib)
row "idle poold after work" "$rss" 16 MiB "$(ratio 16 "$rss")"
zpool export tz && zpool import -R "$PWD/root" -d "$PWD" tz || exit 1
rss=$(rss_mib)
row "idle poold after import" "$rss" 16 MiB "$(ratio 16 "$rss")"

# --- clones ---
zfs snapshot tz@origin
clones() { # FIRST LAST: seconds each, made and mounted one by one
	local i start=$EPOCHREALTIME
	for ((i = $1; i <= $2; i++)); do zfs clone tz@origin "tz/c$i" || exit 1; done
	awk -v a="$start" -v b="$EPOCHREALTIME" -v n=$(($2 - $1 + 1)) 'BEGIN { print (b - a) / n * 1000 }'
}
first=$(clones 1 50)
clones 51 $((CLONES - 50)) > /dev/null
last=$(clones $((CLONES - 49)) "$CLONES")
row "clone number $CLONES, beside the first" "$last" "$first" ms "$(ratio "$first" "$last")"
list=$(seconds zfs list -H -o name,used,refer)
row "zfs list of $CLONES clones" "$list" 0.5 s "$(ratio 0.5 "$list")"
zpool destroy -f tz

# --- snapshots ---
rm disk && truncate -s 8G disk
zpool create -O canmount=off -R "$PWD/root" tz "$PWD/disk" && zfs create tz/many || exit 1
for ((i = 1; i < 100; i++)); do zfs create "tz/many/d$i"; done
start=$EPOCHREALTIME
for ((i = 0; i < SNAPS / 100; i++)); do zfs snapshot -r "tz/many@m$i" || exit 1; done
each=$(awk -v a="$start" -v b="$EPOCHREALTIME" -v n="$SNAPS" 'BEGIN { print (b - a) / n * 1000 }')
row "a snapshot, 100 a command" "$each" 1 ms "$(ratio 1 "$each")"
list=$(seconds zfs list -H -t snapshot -o name,used,refer -r tz/many)
row "zfs list of $SNAPS snapshots" "$list" 0.5 s "$(ratio 0.5 "$list")"
zpool destroy -f tz
