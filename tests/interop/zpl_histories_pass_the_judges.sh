# SPDX-License-Identifier: MIT
#
# A filesystem after thousands of random operations of ours: zdb finds nothing to object; OpenZFS's
# module mounts it and lists the very same names, attributes and contents; what it then changes, we
# list as it does.
. "$TOP/tests/interop/lib.sh"

unit=$TOP/build/tests/unit
[ -x "$unit" ] || skip "no $unit (make check-unit)"

ours() {	# FOLDER FILE
	LISTED_POOL=$PWD/$1 LISTING=$PWD/$2.raw "$unit" zpl_lists_a_pool_for_outside_judges > log 2>&1 ||
		{ cat log; fail "we cannot list $1"; }
	LC_ALL=C sort "$2.raw" > "$2"
}

mkdir -p pool
SEED=${SEED:-7} JUDGED_POOL=$PWD/pool "$unit" zpl_random_history_is_left_for_outside_judges > log 2>&1 ||
	{ cat log; fail "the history"; }
judge_zdb pool t || fail "zdb objects"
openzfs zdb -e -p pool -d t > log 2>&1 || { cat log; fail "zdb -d objects"; }
openzfs zdb -e -p pool -dddd t/fs > log 2>&1 || { tail log; fail "zdb -dddd objects"; }
! grep -iE 'sa_?hdr.*(bad|invalid)|failed to' log || fail "zdb cannot read some attributes"
ours pool ours1
[ "$(wc -l < ours1)" -gt 20 ] || fail "the history left hardly anything"

cat > look <<'END'
set -e
zpool import -d /vdevs -N t
zfs set mountpoint=/mnt/fs t/fs
mkdir -p /mnt/fs
zfs mount t/fs || mount -t zfs -o zfsutil t/fs /mnt/fs
cd /mnt/fs
list() {
	find . -mindepth 1 | while IFS= read -r f; do
		what=
		[ -L "$f" ] && what=$(readlink "$f")
		[ ! -L "$f" ] && [ -f "$f" ] && what=$(sha256sum < "$f" | cut -d' ' -f1)
		echo "$f|$(stat -c '%f|%u|%g|%h|%s|%Y|%t:%T' "$f")|$what"
	done
}
echo LISTING1
list
echo LISTING-END
# Now changes of its own, on our layouts: attributes, sizes, names, blocks.
find . -type f | head -n 20 | while IFS= read -r f; do
	chmod 0640 "$f"; echo appended >> "$f"; chown 12:34 "$f"
done
find . -type d | head -n 10 | while IFS= read -r d; do
	chmod 0750 "$d"; echo new > "$d/made_by_openzfs"; ln -s target "$d/link_by_openzfs"
done
find . -type f | tail -n 10 | while IFS= read -r f; do rm -f "$f"; done
for i in $(seq 300); do echo $i > "$i-a_name_long_enough_that_this_table_becomes_fat_in_the_end"; done
sync
echo LISTING2
list
echo LISTING-END
cd /
zpool scrub -w t
zpool status t | grep -q 'No known data errors'
zpool export t
END
judge_openzfs_vm look pool/vdev > vm.log 2>&1 || { tail -n 40 vm.log; fail "the module objects"; }
listing() { tr -d '\r' < vm.log | sed -n "/^LISTING$1\$/,/^LISTING-END\$/p" | grep '^\./' | LC_ALL=C sort; }
listing 1 > theirs1
listing 2 > theirs2
diff theirs1 ours1 > d || { head d; fail "OpenZFS sees another filesystem than we wrote"; }
judge_zdb pool t || fail "zdb objects to what the module left"
ours pool ours2
diff theirs2 ours2 > d || { head d; fail "we see another filesystem than OpenZFS left"; }
echo "$(wc -l < ours1) and $(wc -l < ours2) objects agree"
exit 0
