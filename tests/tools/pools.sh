# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Pools on file vdevs in the scratch folder of a test; sourced. Every command has a time limit, so that a
# hung mount fails the test instead of the run. At the end whatever still serves here is killed.
#
#	is WHAT GOT WANT          compare, complain, go on
#	refused RC TEXT COMMAND   the command fails with that status and exactly that on stderr
#	poold_pid POOL            the keeper of the pool; killed, its server goes with it: a crash
#	poold_server POOL         the server, its child; killed, the keeper starts another: a pause
#	verdict                   end the test: 0 when nothing complained

[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
[ -c /dev/fuse ] || { echo "needs /dev/fuse"; exit 77; }
export SMARTBOX_RUN=$PWD/run TZ=UTC
failures=0

fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
is() { [ "$2" = "$3" ] || { fail "$1"; diff <(echo "$3") <(echo "$2"); }; }
verdict() { [ "$failures" = 0 ]; exit; }
zpool() { timeout -s KILL 60 "$(type -P zpool)" "$@"; }
zfs() { timeout -s KILL 60 "$(type -P zfs)" "$@"; }

refused() {
	local want=$1 text=$2 got rc
	shift 2
	got=$("$@" 2>&1 > /dev/null)
	rc=$?
	[ $rc = "$want" ] || fail "$*: exit status $rc, not $want"
	is "$*: its message" "$got" "$text"
}

# Who holds the lock file: its inode in /proc/locks.
poold_pid() {
	local inode
	inode=$(stat -c %i "$SMARTBOX_RUN/pool/$1.lock" 2> /dev/null) || return 1
	awk -v inode="$inode" '$6 ~ ":" inode "$" { print $5; exit }' /proc/locks
}

poold_server() { pgrep -P "$(poold_pid "$1")"; }

pools_end() {
	local lock pid point
	for lock in "$SMARTBOX_RUN"/pool/*.lock; do
		pid=$(poold_pid "$(basename "$lock" .lock)")
		[ -z "$pid" ] || kill -9 "$pid"
	done
	awk -v here="$PWD/" '$3 == "fuse.zfs" && index($2, here) == 1 { print $2 }' /proc/mounts | tac |
		while read -r point; do umount -l "$point"; done
}
trap pools_end EXIT
