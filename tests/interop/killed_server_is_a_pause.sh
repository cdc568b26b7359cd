#!/bin/bash
# SPDX-License-Identifier: MIT
# The server of a pool is killed KILLS times at random moments, some of them while it takes over: no program
# sees an error or anything that it did not write. In the end the pool is clean to zdb and OpenZFS, and after
# an export and an import every file is as it was. SEED repeats the moments, as far as a machine can.

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
R=$PWD/root kills=${KILLS:-30} seed=${SEED:-$RANDOM} stop=$PWD/stop
echo "SEED=$seed KILLS=$kills"
gcc -O1 -Wall -Wextra -Werror -o load "$TOP/tests/interop/takeover_load.c" || fail "the load does not compile"
mkdir vdevs
truncate -s 512M vdevs/a vdevs/b
zpool create -R "$R" tk mirror "$PWD/vdevs/a" "$PWD/vdevs/b" && zfs create -o xattr=sa tk/a &&
	zfs create -o sync=always tk/s && zfs create -o recordsize=16k -o compression=lz4 tk/c || fail "create"

# name, kind and place, times, owner and mode of all, and a sum of all contents
listing() {
	(cd "$R" && find tk -printf '%p %y %m %U:%G %n %T@ %l\n' | sort &&
		find tk -type f -print0 | sort -z | xargs -0 -r sha256sum)
}

pids=()
load() { timeout -s KILL $((kills * 3 + 60)) ./load "$1" "$R/tk/$2" "$((seed + ${#pids[@]}))" "$stop" & pids+=($!); }
load files a/files
load files c/files
load files s/files
load names a/names
load names c/names
load open a/open
load map c/map
load append a/append
load append s/append
load locks c/locks

# Commands that only look wait as well.
commands() {
	while [ ! -e "$stop" ]; do
		timeout -s KILL 60 zfs list -Ho name,used tk/a > /dev/null || return 1
	done
}
commands & pids+=($!)

RANDOM=$((seed % 32768)) done=0
while [ "$done" -lt "$kills" ]; do
	sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
	pid=$(poold_server tk) && kill -9 "$pid" 2> /dev/null && done=$((done + 1))
	# A server that lived long enough gives the test its meaning; every eighth is killed on its way.
	[ $((RANDOM % 8)) != 0 ] || continue
	timeout -s KILL 20 stat -f "$R/tk" > /dev/null || fail "after $done kills: no server"
	kill -0 "${pids[@]}" 2> /dev/null || { fail "after $done kills: a program ended"; break; }
done
touch "$stop"
for pid in "${pids[@]}"; do wait "$pid" || fail "a program saw something"; done
echo "$done kills"
[ ! -s run/pool/tk.log ] || fail "the server says: $(cat run/pool/tk.log)"
listing > before
zpool export tk || fail "export"
zpool import -d "$PWD/vdevs" -R "$R" tk || fail "import"
listing > after
cmp before after || { fail "files changed by export and import"; diff before after | head; }
echo "$(wc -l < before) lines of listing, the same after an import"
zpool export tk || fail "export"
judge_zdb vdevs tk || fail "zdb"
judge_libzpool tk vdevs/a vdevs/b || fail "OpenZFS"
verdict
