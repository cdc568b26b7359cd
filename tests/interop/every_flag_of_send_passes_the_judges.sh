#!/bin/bash
# SPDX-License-Identifier: MIT
# The table of streams: every set of -L, -e, -c of every kind of dataset, whole, from a snapshot, from a bookmark
# and from a clone's origin. OpenZFS's code (in user space) makes streams of the same pool: ours are the same,
# record for record. It receives ours, we receive its, and every file of every snapshot is as it was.
# STREAM_TABLE=all: all eight sets.

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
R=$PWD/root
export LC_ALL=C

end() { fail "$1"; exit 1; }
tree() { (cd "$1" && find . -path ./.zfs -prune -o -printf '%y|%m|%U|%G|%n|%T@|%l|%P\n' | sort; find . -path ./.zfs -prune -o -type f -print0 | sort -z | xargs -0r sha256sum; getfattr -Rhd . 2> /dev/null | sha256sum); }
run_judge() {	# LIST POOL FILE
	build_judge || return 1
	LD_LIBRARY_PATH=$openzfs_libs timeout -s KILL 120 "$TOP/build/tests/zpool_judge" -s "$1" "$2" "$3" > judged 2>&1 ||
		{ tail -3 judged; return 1; }
}

truncate -s 400M da db dc
zpool create -O compression=lz4 -R "$R" a "$PWD/da" || fail "zpool create"
zfs create a/plain && zfs create -o recordsize=1M -o compression=zstd a/large || fail create
zfs create -o recordsize=4k -o compression=gzip -o dnodesize=2k a/small || fail create
fill() {	# FOLDER SEED
	# Nothing of one block above 128K: without -L those end in a WRITE that OpenZFS's receiver asserts on.
	local i
	mkdir -p "$1/d$2" && for i in 1 2 3 4 5; do
		yes "$2 $i" | head -c $((i * 25000)) > "$1/d$2/text$i"
		head -c $((i * 20000)) /dev/urandom > "$1/d$2/noise$i"
		yes "tiny $i" | head -c $((i * 900)) > "$1/d$2/tiny$i"
	done
	truncate -s 3M "$1/d$2/sparse" && echo x >> "$1/d$2/sparse"; ln -s target "$1/d$2/link"; : > "$1/d$2/empty"
	setfattr -n user.long -v "$(head -c 1500 /dev/zero | tr '\0' v)" "$1/d$2/text2" 2> /dev/null
}
for d in plain large small; do fill "$R/a/$d" 1; done
head -c 2500000 /dev/urandom > "$R/a/large/whole"
zfs snapshot -r a@s1 && for d in plain large small; do zfs bookmark a/$d@s1 a/$d#b1; done || fail snapshot
for d in plain large small; do
	rm -r "$R/a/$d/d1/text3" "$R/a/$d/d1/noise4"; fill "$R/a/$d" 2
	echo more >> "$R/a/$d/d1/text1"; mv "$R/a/$d/d1/text5" "$R/a/$d/d2/moved"; truncate -s 100 "$R/a/$d/d1/noise5"
	zfs clone a/$d@s1 a/$d-clone && fill "$R/a/$d-clone" 3 || fail clone
done
zfs snapshot -r a@s2 || fail snapshot
for d in plain large small; do tree "$R/a/$d/.zfs/snapshot/s1" > $d-s1; tree "$R/a/$d/.zfs/snapshot/s2" > $d-s2; tree "$R/a/$d-clone/.zfs/snapshot/s2" > $d-clone-s2; done

# --- the table: our streams, and the lists for OpenZFS's code ---
sets=('-' L ec Lec)
[ -z "$STREAM_TABLE" ] || sets=('-' L e c Le Lc ec Lec)
: > sends; : > receives
for set in "${sets[@]}"; do
	opt=${set/#-/}
	for d in plain large small; do
		n=$d$opt
		zfs send ${opt:+-$opt} a/$d@s1 > $n.full && zfs send ${opt:+-$opt} -i @s1 a/$d@s2 > $n.inc &&
			zfs send ${opt:+-$opt} -i '#b1' a/$d@s2 > $n.mark &&
			zfs send ${opt:+-$opt} -i a/$d@s1 a/$d-clone@s2 > $n.clone || fail "send -$opt $d"
		for kind in full:$d@s1:- inc:$d@s2:a/$d@s1 mark:$d@s2:a/$d#b1 clone:$d-clone@s2:a/$d@s1; do
			IFS=: read -r k to from <<< "$kind"
			echo "send a/$to $from $set $PWD/$n.$k.theirs" >> sends
		done
		{
			echo "receive b/$n@s1 - - $PWD/$n.full"; echo "receive b/$n@s2 - - $PWD/$n.inc"
			echo "receive b/$n-mark@s1 - - $PWD/$n.full"; echo "receive b/$n-mark@s2 - - $PWD/$n.mark"
			echo "receive b/$n-clone@s2 b/$n@s1 - $PWD/$n.clone"
		} >> receives
	done
done
zpool export a || fail "export"
cp --sparse=always da da2
run_judge sends a "$PWD/da2" || end "OpenZFS cannot send of our pool"
different=0 all=0
# In user space OpenZFS does not say that there may be spill blocks (feature 4), hence other checksums.
records() { openzfs zstream dump -v < "$1" | grep -v 'features =\|checksum ='; }
for theirs in *.theirs; do
	# Of a large block that lies in its pointer OpenZFS sends, with -e and without -L, 1 MiB embedded for an object
	# whose blocks it says to be of 128K. Ours comes in pieces.
	case $theirs in largee*) continue ;; esac
	all=$((all + 1))
	cmp -s <(records "${theirs%.theirs}") <(records "$theirs") || { echo "${theirs%.theirs} is not OpenZFS's"; different=$((different + 1)); }
done
echo "$all streams, $((all - different)) of them OpenZFS's record for record"
is "streams that differ" $different 0

# --- OpenZFS receives ours ---
zpool create -O compression=off -R "$R" b "$PWD/db" && zpool export b || fail "zpool create"
run_judge receives b "$PWD/db" || end "OpenZFS cannot receive our streams"
judge_zdb "$PWD" b || fail "zdb of what OpenZFS received"
compare() {	# POOL
	local set opt d n s
	for set in "${sets[@]}"; do
		opt=${set/#-/}
		for d in plain large small; do
			n=$d$opt
			for s in s1 s2; do
				tree "$R/$1/$n/.zfs/snapshot/$s" | cmp -s - $d-$s || fail "$1/$n@$s is not a/$d@$s"
				tree "$R/$1/$n-mark/.zfs/snapshot/$s" | cmp -s - $d-$s || fail "$1/$n-mark@$s is not a/$d@$s"
			done
			tree "$R/$1/$n-clone/.zfs/snapshot/s2" | cmp -s - $d-clone-s2 || fail "$1/$n-clone is not a/$d-clone"
			is "origin of $1/$n-clone" "$(zfs get -Ho value origin "$1/$n-clone")" "$1/$n@s1"
		done
	done
}
zpool import -d "$PWD" -R "$R" b || end "import"
compare b
zpool export b || fail "export"

# --- we receive theirs ---
zpool create -O compression=off -R "$R" c "$PWD/dc" || fail "zpool create"
while read -r _ name origin _ file; do
	zfs receive ${origin:+$([ "$origin" = - ] || echo "-o origin=${origin/#b/c}")} "${name/#b/c}" < "$file.theirs" || fail "we cannot receive $file.theirs"
done < receives
compare c
zpool export c || fail "export"
judge_zdb "$PWD" c || fail "zdb of what we received"
judge_libzpool c "$PWD/dc" > judged || { tail -5 judged; fail "libzpool of what we received"; }
verdict
