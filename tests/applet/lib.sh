# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the applet tests share.
#
#	check WHAT STATUS COMMAND...	compare both output streams with stdin, and the exit status
#	failures			how many of them differed; a test ends with [ "$failures" = 0 ]
#	want_filter			a sed script over what is expected (a mark for tabs, say)

failures=0
want_filter=

check() {
	local what=$1 status=$2 got want rc
	shift 2
	want=$(sed "$want_filter")
	got=$("$@" 2>&1 < /dev/null)
	rc=$?
	[ "$rc" = "$status" ] && [ "$got" = "$want" ] && return
	echo "FAILED: $what (status $rc, expected $status)"
	diff <(echo "$want") <(echo "$got")
	failures=$((failures + 1))
}
