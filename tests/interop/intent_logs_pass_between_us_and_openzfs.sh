# SPDX-License-Identifier: MIT
#
# Intent logs: one that OpenZFS left is claimed and replayed by us; one that we left is listed by zdb,
# claimed by OpenZFS in user space, replayed by its module, to the same files that we replay it to.
# Before, between and after zdb counts every block.
. "$TOP/tests/interop/lib.sh"

unit=$TOP/build/tests/unit
[ -x "$unit" ] || skip "no $unit (make check-unit)"

run() {	# TEST, with variables of the environment before it
	"$unit" "$1" > log 2>&1 || { cat log; fail "$1"; }
	grep -q '1 passed' log || { cat log; fail "$1 did not run"; }
}
ours() {	# FOLDER FILE
	LISTED_POOL=$PWD/$1 LISTING=$PWD/$2.raw run zpl_lists_a_pool_for_outside_judges
	LC_ALL=C sort "$2.raw" > "$2"
}
records() { openzfs zdb -e -p "$1" -iii "$2" 2>/dev/null | grep -c '^[[:space:]]*TX_'; }

# --- OpenZFS's log, by us
if ls "$SHARED/fixtures/zil"/*.zst > /dev/null 2>&1; then
	fixture zil
	judge_zdb zil zil || fail "the fixture"
	JUDGED_LOG=$PWD/zil run zil_log_in_a_folder_is_replayed
	judge_zdb zil zil || fail "after the claim"
	[ "$(records zil zil/fs)" -gt 40 ] || fail "the claimed log has lost records"
	JUDGED_LOG=$PWD/zil JUDGED_REPLAY=zil/fs run zil_log_in_a_folder_is_replayed
	judge_zdb zil zil || fail "after the replay"
	[ "$(records zil zil/fs)" = 0 ] || fail "records after the replay"
else
	echo "no fixture zil: its half is left out"
fi

# --- our log, by OpenZFS in user space, with data in it and beside it; then by its module
mkdir -p pool replayed beside
JUDGED_POOL=$PWD/beside JUDGED_BIAS=throughput run zil_log_is_left_for_outside_judges
judge_zdb beside t || fail "zdb objects to a log with pointers"
judge_libzpool t beside/vdev || fail "OpenZFS in user space cannot claim a log with pointers"
JUDGED_POOL=$PWD/pool JUDGED_BIAS=latency run zil_log_is_left_for_outside_judges
judge_zdb pool t || fail "zdb objects to our log"
n=$(records pool t/fs)
[ "$n" -gt 60 ] || fail "zdb sees $n records"
cp --sparse=always pool/vdev replayed/vdev
JUDGED_LOG=$PWD/replayed JUDGED_REPLAY=t/fs run zil_log_in_a_folder_is_replayed
judge_zdb replayed t || fail "zdb objects to what we replayed"
ours replayed ours
judge_libzpool t pool/vdev || fail "OpenZFS in user space cannot claim our log"

cat > look <<'END'
set -e
for which in vdev beside; do
mkdir /$which
ln -s /vdevs/$which.img /$which/vdev
zpool import -f -d /$which -N t
zfs set mountpoint=/mnt/fs t/fs
mkdir -p /mnt/fs
zfs mount t/fs || mount -t zfs -o zfsutil t/fs /mnt/fs
dmesg | grep -i 'replay' || true
cd /mnt/fs
echo LISTING-$which
find . -mindepth 1 | while IFS= read -r f; do
	what=
	[ -L "$f" ] && what=$(readlink "$f")
	[ ! -L "$f" ] && [ -f "$f" ] && what=$(sha256sum < "$f" | cut -d' ' -f1)
	echo "$f|$(stat -c '%f|%u|%g|%h|%s|%Y|%t:%T' "$f")|$what"
done
echo LISTING-END
cd /
zpool scrub -w t
zpool status t | grep -q 'No known data errors'
zpool export t
done
END
mv pool/vdev vdev.img
mv beside/vdev beside.img
judge_openzfs_vm look vdev.img beside.img > vm.log 2>&1 || { tail -n 40 vm.log; fail "the module objects"; }
! grep -i 'replay transaction error' vm.log || fail "the module cannot replay a record of ours"
# A replayed write, and a change of a directory, has the time of the replay.
without_times() { awk -F'|' -v OFS='|' '{ $7 = ""; print }' "$1"; }
for which in vdev beside; do
	tr -d '\r' < vm.log | sed -n "/^LISTING-$which\$/,/^LISTING-END\$/p" | grep '^\./' | LC_ALL=C sort > "theirs"
	diff <(without_times theirs) <(without_times ours) > d ||
		{ head d; fail "OpenZFS replays $which to other files"; }
done
mv vdev.img pool/vdev
mv beside.img beside/vdev
judge_zdb beside t || fail "zdb objects to what the module left of a log with pointers"
judge_zdb pool t || fail "zdb objects to what the module left"
echo "$n records, $(wc -l < ours) objects agree"
exit 0
