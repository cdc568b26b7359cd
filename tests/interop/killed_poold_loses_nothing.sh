#!/bin/bash
# SPDX-License-Identifier: MIT
# poold, keeper and server, is killed again and again under load, as in a crash: every file that was fsynced and every command that
# returned is there after the next command; the pool is clean to zdb and to OpenZFS in the end.

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
R=$PWD/root rounds=${ROUNDS:-12}
mkdir vdevs
truncate -s 256M vdevs/a vdevs/b
zpool create -R "$R" tk mirror "$PWD/vdevs/a" "$PWD/vdevs/b" && zfs create tk/w || fail "create"
: > sums

# Files one after the other; a sum is noted only after the fsync returned.
load() {
	local n=0 f
	while :; do
		n=$((n + 1)) f=$R/tk/w/$1.$n
		head -c $((RANDOM % 60000 + 1)) /dev/urandom > data
		timeout -s KILL 30 dd if=data of="$f" bs=64k conv=fsync status=none 2> /dev/null || return
		echo "$(sha256sum < data | cut -d' ' -f1)  $f" >> sums
	done
}

for ((round = 1; round <= rounds; round++)); do
	zfs snapshot "tk/w@$round" && zfs create "tk/r$round" || fail "round $round: a command"
	[ $((round % 3)) != 0 ] || zfs destroy "tk/r$((round - 1))" || fail "round $round: destroy"
	load "$round" &
	sleep "0.$((RANDOM % 8 + 1))"
	kill -9 "$(poold_pid tk)"
	wait
	zfs list -Ho name "tk/w@$round" "tk/r$round" > /dev/null || fail "round $round: lost a dataset"
	[ $((round % 3)) != 0 ] || ! zfs list "tk/r$((round - 1))" 2> /dev/null ||
		fail "round $round: a destroyed one is back"
done
timeout -s KILL 120 sha256sum --quiet -c sums || fail "fsynced files were lost"
echo "$(wc -l < sums) files fsynced in $rounds rounds"
zpool export tk || fail "export"
is "dead mounts are gone" "$(grep -c " $R" /proc/mounts)" 0
judge_zdb vdevs tk || fail "zdb"
judge_libzpool -w tk vdevs/a vdevs/b || fail "OpenZFS"
verdict
