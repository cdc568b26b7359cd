# SPDX-License-Identifier: MIT
#
# Pools with redundancy that we made and filled: OpenZFS reads every block, finds every parity column right
# (its scrub recomputes them) and goes on writing.
. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
build_judge || { echo "the judge does not build"; exit 1; }

# pool NAME SECTOR TYPE DEVICES
pool() {
	local name=$1 ashift=$2 type=$3 n=$4 i devs=()
	mkdir "$name"
	for ((i = 0; i < n; i++)); do
		truncate -s 128M "$name/d$i"
		devs+=("$PWD/$name/d$i")
	done
	zpool create -o ashift="$ashift" -R "$PWD/root" -O compression=lz4 "$name" "$type" "${devs[@]}" ||
		{ fail "create $name"; return; }
	# Blocks of every length, so that stripes of every width and short columns occur.
	for i in 1 500 513 3000 9000 70000 131072 140000 1000000; do
		head -c "$i" /dev/urandom > "$PWD/root/$name/noise$i"
		yes "line $i" | head -c "$i" > "$PWD/root/$name/text$i"
	done
	zfs snapshot "$name@a" && rm "$PWD/root/$name/noise9000" || fail "snapshot of $name"
	zpool export "$name" || { fail "export $name"; return; }
	judge_zdb "$name" "$name" || fail "zdb objects to $name"
	judge_libzpool -w "$name" "${devs[@]}" > log 2>&1 || { cat log; fail "OpenZFS objects to $name"; }
	rm -r "$name"
}

pool m2 12 mirror 2
pool z1 9 raidz1 3
pool z2 12 raidz2 5
pool z3 9 raidz3 6
verdict
