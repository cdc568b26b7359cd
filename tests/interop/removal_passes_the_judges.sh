# SPDX-License-Identifier: MIT
#
# A top-level with data leaves a pool: in the midst of it, cancelled, killed and finished, the pool is one
# that OpenZFS checks (also which parts of the mappings nobody needs any more), writes and goes on with;
# the files stay what they were.
. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
: "${LONG:=}"
unit=$TOP/build/tests/unit
[ -x "$unit" ] || skip "no $unit (make check-unit)"
build_judge || { echo "the judge does not build"; exit 1; }

sums() { (cd root && find . -type f -exec sha256sum {} + | sort -k 2); }
removal() { zpool status "$1" | grep -A 2 '^remove: '; }

# Much comes, goes and changes.
churn() {
	local i
	for ((i = 0; i < 40; i++)); do head -c $((RANDOM * 12)) /dev/urandom > "root/$1/f$((RANDOM % 60))"; done
	rm -f "root/$1/f$((RANDOM % 60))" "root/$1/f$((RANDOM % 60))"
	zpool sync "$1"
}

# As OpenZFS sees the pool at rest; its copies are left in copy/ when "$2" asks for what it wrote.
judges() {
	zpool export "$1" || fail "export"
	judge_zdb . "$1" || fail "zdb objects: $2"
	judge_libzpool -w "$1" d* > log 2>&1 || { cat log; fail "OpenZFS objects: $2"; }
}
back() { zpool import -d . -R "$PWD/root" "$1" || fail "import $1: $2"; }

# pool NAME TYPE DEVICES WIDTH: WIDTH devices make a top-level, the second one leaves
pool() {
	local name=$1 type=$2 n=$3 width=$4 i vdevs=() before leaving
	mkdir "$name" && cd "$name" || return
	for ((i = 0; i < n; i++)); do
		truncate -s 512M "d$i"
		[ -z "$type" ] || [ $((i % width)) != 0 ] || vdevs+=("$type")
		vdevs+=("$PWD/d$i")
	done
	leaving=$PWD/d1
	[ -z "$type" ] || leaving=$type-1
	zpool create -O compression=off -R "$PWD/root" "$name" "${vdevs[@]}" || { fail "create $name"; return; }
	churn "$name" && churn "$name"
	zfs create "$name/sub" && cp root/"$name"/f* "root/$name/sub/" && zfs snapshot -r "$name@s"
	head -c 60000000 /dev/urandom > "root/$name/big"
	churn "$name"
	before=$(sums)
	refused 1 "cannot cancel removal: there are no removals to cancel" zpool remove -s "$name"
	zpool remove -n "$name" "$leaving" | grep -q "^Memory that will be used after removing $leaving: [0-9]" ||
		fail "the estimate"

	# Used, exported and killed while it goes on.
	zpool remove "$name" "$leaving" || fail "remove"
	rm root/"$name"/f[0-9] "root/$name/sub"/f[1-3]*
	before=$(sums)
	zpool export "$name" && back "$name" "in the midst"
	kill -9 "$(poold_pid "$name")"
	zpool wait -t remove "$name"
	removal "$name" | grep -q "^remove: Removal of vdev 1 copied .*completed on" || { zpool status "$name"; fail "its end in status"; }
	is "files after the removal" "$(sums)" "$before"
	! zpool status "$name" | grep -q "$leaving\|indirect" || fail "it is still shown"

	# What was moved is freed, overwritten, destroyed; nothing is lost, nothing leaks.
	churn "$name"
	zfs destroy -r "$name@s" && rm "root/$name/sub"/f*
	zpool scrub -w "$name"
	zpool sync "$name"
	is "$name is well" "$(zpool status -x "$name")" "pool '$name' is healthy"
	judges "$name" "after frees from what was moved"

	# The next leaves, with what the first one left on it.
	back "$name" "before the second removal"
	leaving=$PWD/d0
	[ -z "$type" ] || leaving=$type-0
	before=$(sums)
	zpool remove -w "$name" "$leaving" || fail "the second removal"
	is "files after the second removal" "$(sums)" "$before"
	zpool export "$name"
	back "$name" "after two removals"
	is "files after an import" "$(sums)" "$before"
	churn "$name"
	zfs destroy -r "$name/sub"
	zpool sync "$name"
	judges "$name" "after two removals"
	cd .. && rm -r "$name"
}

# half WHAT [WIDTH]: what the unit tests leave in the midst of a removal, or after one
half() {
	mkdir half && JUDGED_WHAT=$1 JUDGED_WIDTH=$2 JUDGED_POOL=$PWD/half "$unit" \
		removal_is_left_for_outside_judges > log 2>&1 || { cat log; fail "$1 $2"; return; }
	judge_zdb half tank || fail "zdb objects: $1 $2"
	judge_libzpool -w tank half/* > log 2>&1 || { cat log; fail "OpenZFS objects: $1 $2"; }
	rm -r half
}

half half 2
half condensed
pool one "" 4 1
[ -z "$LONG" ] || { half half; half cancelled; half removed; pool two mirror 8 2; } # LONG=1: more of the same
verdict
