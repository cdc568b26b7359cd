# SPDX-License-Identifier: MIT
#
# A pool with a checkpoint of ours, whatever was freed after it, is one that OpenZFS checks, writes and can
# rewind; a discard leaves nothing behind; and a rewind of ours gives the files of that time.
. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
: "${LONG:=}"
build_judge || { echo "the judge does not build"; exit 1; }

sums() { (cd "root/$1" && find . -type f -exec sha256sum {} + | sort -k 2); }

# Much comes, goes and changes.
churn() {
	local i
	for ((i = 0; i < 40; i++)); do head -c $((RANDOM * 12)) /dev/urandom > "root/$1/f$((RANDOM % 30))"; done
	rm -f "root/$1/f$((RANDOM % 30))" "root/$1/f$((RANDOM % 30))"
	zpool sync "$1"
}

# pool NAME TYPE DEVICES
pool() {
	local name=$1 type=$2 n=$3 i devs=() before
	mkdir "$name" && cd "$name" || return
	for ((i = 0; i < n; i++)); do truncate -s 128M "d$i"; devs+=("$PWD/d$i"); done
	zpool create -R "$PWD/root" "$name" $type "${devs[@]}" || { fail "create $name"; return; }
	churn "$name"
	zfs create "$name/sub" && cp root/"$name"/f* "root/$name/sub/"
	before=$(sums "$name")
	zpool checkpoint "$name" || fail "checkpoint"
	refused 1 "cannot checkpoint '$name': checkpoint exists" zpool checkpoint "$name"
	refused 1 "cannot detach $PWD/d0: checkpoint exists" zpool detach "$name" "$PWD/d0"
	zpool status "$name" | grep -q '^checkpoint: created .*, consumes ' || fail "checkpoint in status"
	churn "$name"
	zfs snapshot "$name@s" && zfs destroy -r "$name/sub"
	churn "$name"
	[ "$(zpool get -Hpo value checkpoint "$name")" -gt 1000000 ] || fail "the checkpoint keeps nothing"
	zpool export "$name"
	judge_zdb . "$name" || fail "zdb objects to $name with a checkpoint"
	openzfs zdb -e -p . -k -bcc "$name" > log 2>&1 || { tail -5 log; fail "zdb objects to the checkpoint"; }
	mkdir copy && cp --sparse=always d? copy/
	judge_libzpool -w "$name" copy/d* > log 2>&1 || { cat log; fail "OpenZFS objects to $name with a checkpoint"; }
	mv copy/d? . # goes on here with what OpenZFS wrote
	zpool import -d . -R "$PWD/root" "$name" || { fail "import $name"; return; }
	churn "$name"
	zpool scrub -w "$name"
	zpool export "$name"
	cp --sparse=always d? copy/
	zpool import -d . -R "$PWD/root" "$name" || { fail "import $name"; return; }
	zpool checkpoint -d "$name" || fail "discard"
	refused 1 "cannot discard checkpoint in '$name': checkpoint does not exist" zpool checkpoint -d "$name"
	is "what it keeps" "$(zpool get -Hpo value checkpoint "$name")" "-"
	churn "$name"
	zpool export "$name"
	judge_zdb . "$name" || fail "zdb objects to $name without the checkpoint"
	mv copy/d? .
	zpool import --rewind-to-checkpoint -o readonly=on -d . -R "$PWD/root" "$name" || fail "look at the checkpoint"
	is "the files of $name, read-only" "$(sums "$name")" "$before"
	zpool export "$name"
	zpool import --rewind-to-checkpoint -d . -R "$PWD/root" "$name" || fail "rewind"
	is "the files of $name" "$(sums "$name")" "$before"
	churn "$name"
	zpool scrub -w "$name"
	is "$name is well" "$(zpool status -x "$name")" "pool '$name' is healthy"
	zpool export "$name"
	judge_zdb . "$name" || fail "zdb objects to $name after the rewind"
	judge_libzpool -w "$name" d* > log 2>&1 || { cat log; fail "OpenZFS objects to $name after the rewind"; }
	cd .. && rm -r "$name"
}

pool one "" 1
[ -z "$LONG" ] || pool z1 raidz 3 # LONG=1: more of the same
verdict
