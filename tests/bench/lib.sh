# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Measuring two things side by side, in the guest's busybox shell.
#
#	header WHAT PEER
#	compare NAME UNIT BETTER OURS PEER	run the functions OURS and PEER in turns, ROUNDS times each;
#						each prints one number. Prints the medians and the ratio:
#						above 1 is good for us. BETTER is more or less.

: "${ROUNDS:=3}"

median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

compare() {
	: > /tmp/bench.ours
	: > /tmp/bench.peer
	round=1
	while [ $round -le "$ROUNDS" ]; do
		"$4" $round >> /tmp/bench.ours || exit 1
		"$5" $round >> /tmp/bench.peer || exit 1
		round=$((round + 1))
	done
	echo "$(median < /tmp/bench.ours) $(median < /tmp/bench.peer)" |
	awk -v name="$1" -v unit="$2" -v better="$3" '{
		printf "%-34s %10.4g %10.4g %-6s %6.2f\n", name, $1, $2, unit,
		    better == "more" ? $1 / $2 : $2 / $1
	}'
}

header() { printf '%-34s %10s %10s %-6s %6s\n' "$1" smartbox "$2" unit ratio; }
