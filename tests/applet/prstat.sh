#!/bin/bash
# SPDX-License-Identifier: MIT
# prstat: layout, choice, order and exit codes.

failures=0
fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}
is() { [ "$2" = "$3" ] || { fail "$1"; diff <(echo "$3") <(echo "$2"); }; }

sleep 60 & one=$!
sleep 60 & two=$!
trap 'kill $one $two' EXIT

header='   PID USERNAME  SIZE   RSS STATE  PRI NICE      TIME  CPU PROCESS/NLWP'
out=$(prstat -p "$one,$two" 1 1) || fail "exit status"
is "the header" "$(head -n 1 <<< "$out")" "$header"
is "two processes, by pid when equal" "$(sed -n '2,3p' <<< "$out" | awk '{print $1, $10}')" \
	"$(printf '%s sleep/1\n' "$one" "$two")"
grep -qE '^Total: 2 processes, 2 lwps, load averages: [0-9.]+, [0-9.]+, [0-9.]+$' <<< "$out" ||
	fail "the total line: $out"
awk 'length($0) > 80 { exit 1 }' <<< "$out" || fail "wider than 80 columns"

is "the number of lines is bounded" "$(prstat -n 1 -p "$one,$two" 1 1 | grep -c sleep/)" 1
is "an ascending order is the descending one backwards" \
	"$(prstat -S rss -p "$one,$two" 1 1 | sed '1d;$d' | awk '{print $1}' | tac)" \
	"$(prstat -s rss -p "$one,$two" 1 1 | sed '1d;$d' | awk '{print $1}')"
is "two reports" "$(prstat -p "$one" 1 2 | grep -c '^Total')" 2
is "users" "$(prstat -t -p "$one,$two" 1 1 | awk 'NR == 2 {print $1, $2}')" "2 $(id -un)"
is "the header of users" "$(prstat -t -p "$one" 1 1 | head -n 1)" \
	' NPROC USERNAME  SWAP   RSS MEMORY      TIME  CPU'
is "zones" "$(prstat -Z -p "$one,$two" 1 1 | sed -n '/^ZONEID/{n;p}' | awk '{print $1, $2, $NF}')" \
	"0 2 global"
is "another user has none of them" "$(prstat -u 12345 -p "$one" 1 1 | grep -c sleep/)" 0
is "an unknown zone has none" "$(prstat -z nosuch 1 1 | tail -n 1 | cut -d, -f1)" "Total: 0 processes"

refused() {
	local want=$1 got rc
	shift
	got=$(prstat "$@" 2>&1)
	rc=$?
	is "prstat $*" "$rc $got" "2 $want
run 'prstat -h' for help"
}
refused "prstat: invalid sort key 'x'; there are: cpu, pri, rss, size, time" -s x
refused "prstat: illegal argument -- 0" 0
refused "prstat: illegal argument -- x" -n x
refused "prstat: illegal argument -- 1a" -p 1a
refused "prstat: -a, -t and -Z exclude one another" -a -Z
is "an unknown user" "$(prstat -u nosuch 2>&1) $?" "prstat: unknown user 'nosuch' 1"
[ "$failures" = 0 ]
