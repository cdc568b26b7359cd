# SPDX-License-Identifier: MIT
#
# Devices come and go while a pool is written: at every stage, also half-way through a replacement or with a
# device that lacks data, OpenZFS imports what we left, finishes the resilver, scrubs clean and goes on
# writing; and we finish what OpenZFS left.
. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
: "${LONG:=}"
build_judge || { echo "the judge does not build"; exit 1; }

# Files that come, change and go until the file `stop` is there.
load() {
	local i=0
	while [ ! -e stop ]; do
		i=$((i + 1))
		head -c $((RANDOM * 20)) /dev/urandom > "root/$1/f$((i % 24))"
		[ $((i % 7)) != 0 ] || rm -f "root/$1/f$((RANDOM % 24))"
	done
}

sums() { (cd "root/$1" && find . -type f -exec sha256sum {} + | sort -k 2); }

# stage NAME [-r]: export, let the judges see it, import again
stage() {
	local name=$1 before after
	shift
	touch stop && wait
	before=$(sums "$name")
	zpool export "$name" || { fail "export $name"; return; }
	judge_zdb . "$name" || fail "zdb objects to $name"
	judge_libzpool "$@" -w "$name" d* > log 2>&1 || { cat log; fail "OpenZFS objects to $name"; }
	zpool import -d . -R "$PWD/root" "$name" || { fail "import $name"; return; }
	after=$(sums "$name")
	is "the files of $name" "$after" "$before"
	rm -f stop
	load "$name" &
}

# pool NAME TYPE DEVICES
pool() {
	local name=$1 type=$2 n=$3 i devs=()
	mkdir "$name" && cd "$name" || return
	for ((i = 0; i < n; i++)); do
		truncate -s 128M "d$i"
		devs+=("$PWD/d$i")
	done
	zpool create -R "$PWD/root" "$name" $type "${devs[@]}" || { fail "create $name"; return; }
	load "$name" &
	sleep 0.5
	zpool offline "$name" "$PWD/d0" || fail "offline"
	sleep 0.5
	touch stop && wait && rm stop
	zpool export "$name"
	# A side is away: OpenZFS must not believe it. (Healthy it is not: only zdb may judge.)
	judge_zdb . "$name" || fail "zdb objects to $name with a side offline"
	zpool import -d . -R "$PWD/root" "$name" || fail "import with a side offline"
	zpool online "$name" "$PWD/d0" || fail "online"
	load "$name" &
	stage "$name" -r
	zpool wait -t resilver "$name"
	is "$name is well" "$(zpool status -x "$name")" "pool '$name' is healthy"
	truncate -s 128M dnew
	zpool replace "$name" "$PWD/d1" "$PWD/dnew" || fail "replace"
	zpool wait -t replace "$name"
	touch stop && wait && rm stop
	grep -q 'd1 ' <<< "$(zpool status "$name")" && fail "the old device stayed"
	zpool scrub -w "$name"
	is "$name is well again" "$(zpool status -x "$name")" "pool '$name' is healthy"
	zpool export "$name"
	judge_zdb . "$name" || fail "zdb objects to $name after the replacement"
	rm d1
	judge_libzpool -w "$name" d* > log 2>&1 || { cat log; fail "OpenZFS objects to the result $name"; }
	cd ..
	rm -r "$name"
}

# half LAYOUT: a replacement that was left half-way, to a block
half() {
	mkdir half && JUDGED_LAYOUT=$1 JUDGED_POOL=$PWD/half \
		"$TOP/build/tests/unit" vdev_half_replaced_is_left_for_outside_judges > log 2>&1 ||
		{ cat log; fail "a half replaced device in a $1"; return; }
	openzfs zdb -e -p half -C tank | grep -q "type: 'replacing'" || fail "nothing is being replaced"
	judge_zdb half tank || fail "zdb objects to a half replaced device in a $1"
	LD_LIBRARY_PATH=$openzfs_libs timeout 300 "$TOP/build/tests/zpool_judge" -r -w tank "$PWD"/half/* > log 2>&1 ||
		{ cat log; fail "OpenZFS cannot finish in a $1"; }
	openzfs zdb -e -p half -C tank | grep -q "replacing\|half/d1'" && fail "the old device stayed in a $1"
	judge_zdb half tank || fail "zdb objects to what OpenZFS finished in a $1"
	rm -r half
}

half mirror
half raidz
[ -z "$LONG" ] || pool m2 mirror 2 # LONG=1: more of the same
pool z2 raidz2 4
verdict
