#!/bin/bash
# SPDX-License-Identifier: MIT
# The server of a pool is replaced by a newer program, crashes, and cannot go on: open files go on, too, or
# it ends with a clear word.

. "$TOP/tests/tools/pools.sh"
R=$PWD/root
mkdir vdevs && truncate -s 128M vdevs/a && zpool create -R "$R" tk "$PWD/vdevs/a" || fail "create"
keeper=$(poold_pid tk) server=$(poold_server tk)

# The server ended, and another one serves.
successor() {
	local i
	for ((i = 0; i < 500; i++)); do
		[ "$(poold_server tk)" = "$server" ] || break
		sleep 0.02
	done
	timeout -s KILL 20 stat -f "$R/tk" > /dev/null || fail "$1: nobody serves"
	[ "$(poold_server tk)" != "$server" ] || fail "$1: the server is the same one"
	server=$(poold_server tk)
}

echo one > "$R/tk/f"
exec 5<> "$R/tk/f" 6<> "$R/tk/gone"
rm "$R/tk/gone"

# Another program takes over from the one that runs.
cp "$TOP/build/smartbox" newer
timeout -s KILL 30 ./newer poold -r tk || fail "poold -r"
successor "poold -r"
is "the keeper is the same process" "$(poold_pid tk)" "$keeper"
is "it runs the other program" "$(readlink "/proc/$keeper/exe")" "$PWD/newer"
is "so does the server" "$(readlink "/proc/$server/exe")" "$PWD/newer"
read -r line <&5
is "an open file is read on" "$line" one
echo two >&5
echo three >&6
is "and written on" "$(cat "$R/tk/f")" "$(printf 'one\ntwo')"
is "a file without a name too" "$(cat /proc/self/fd/6)" three

# SIGHUP to the keeper: the program that has its name now.
kill -HUP "$keeper"
successor SIGHUP
is "a command finds the new server" "$(zfs list -Ho name)" tk

# A crash is a pause, too; more than five in a minute are the end.
for n in 1 2 3 4 5; do
	kill -SEGV "$server"
	successor "crash $n"
	is "crash $n" "$(cat /proc/self/fd/6)" three
done
kill -SEGV "$server"
for ((i = 0; i < 500; i++)); do kill -0 "$keeper" 2> /dev/null || break; sleep 0.02; done
kill -0 "$keeper" 2> /dev/null && fail "the keeper goes on for ever"
is "the mount is dead" "$(LC_ALL=C timeout -s KILL 20 stat -f "$R/tk" 2>&1 | grep -c "not connected")" 1
grep -q "its server crashed 6 times in 60 s (signal 11); giving up" run/pool/tk.log || fail "no word of it"
exec 5>&- 6>&-
is "a command starts it anew" "$(zfs list -Ho name)" tk
is "with its files" "$(cat "$R/tk/f")" "$(printf 'one\ntwo')"

# A pool that cannot be opened again: an error, no endless loop.
keeper=$(poold_pid tk)
mv vdevs/a vdevs/away
kill -9 "$(poold_server tk)"
for ((i = 0; i < 500; i++)); do kill -0 "$keeper" 2> /dev/null || break; sleep 0.02; done
kill -0 "$keeper" 2> /dev/null && fail "the keeper tries for ever"
grep -q "it cannot be opened again; giving up" run/pool/tk.log || fail "no word of that"
is "the mount is dead then" "$(LC_ALL=C timeout -s KILL 20 stat -f "$R/tk" 2>&1 | grep -c "not connected")" 1
mv vdevs/away vdevs/a
is "the device is back" "$(zfs list -Ho name)" tk
zpool export tk || fail "export"
is "nothing is left" "$(ls run/pool)" "$(printf 'tk.lock\ntk.log\ntk.restart')"
verdict
