# SPDX-License-Identifier: MIT
#
# Random histories of writes, snapshots, clones, rollbacks, renames and destroys, made by us: zdb finds no
# leak and every refcount right; OpenZFS goes on with the pool: it writes, destroys a third of what is there (its
# accounts then still hold, say we), then all of it.
. "$TOP/tests/interop/lib.sh"

unit=$TOP/build/tests/unit
[ -x "$unit" ] || skip "no $unit (make check-unit)"
build_judge || fail "the judge does not build"

history() {
	local seed=$1 features=$2 d=h$1$2
	mkdir -p "$d"
	SEED=$seed JUDGED_POOL=$PWD/$d/vdev ${features:+env JUDGED_NOFEAT=1} "$unit" \
		dsl_random_history_is_left_for_outside_judges > log 2>&1 || { cat log; fail "history $seed"; }
	judge_zdb "$d" tank || fail "zdb objects to history $seed $features"
	openzfs zdb -e -p "$d" -d tank > log 2>&1 || { grep -v '^Dataset' log; fail "zdb -d, $seed $features"; }
	LD_LIBRARY_PATH=$openzfs_libs "$TOP/build/tests/zpool_judge" -w -d 3 tank "$PWD/$d/vdev" ||
		fail "OpenZFS cannot go on with history $seed $features"
	JUDGED_BACK=$PWD/$d "$unit" dsl_accounts_are_exact_after_outside_changes ||
		fail "accounts differ after OpenZFS destroyed a part, $seed $features"
	judge_zdb "$d" tank || fail "zdb objects after OpenZFS destroyed a part, $seed $features"
	LD_LIBRARY_PATH=$openzfs_libs "$TOP/build/tests/zpool_judge" -d 1 tank "$PWD/$d/vdev" ||
		fail "OpenZFS cannot destroy history $seed $features"
	judge_zdb "$d" tank || fail "zdb objects after OpenZFS destroyed all, $seed $features"
	rm -r "$d"
}

# HISTORIES=10 for a longer look.
for ((seed = 1; seed <= ${HISTORIES:-1}; seed++)); do
	history $seed ''
	history $seed nofeat
done

# A pool that OpenZFS made, history by us, and back.
fixture nofeat
JUDGED_GO_ON=$PWD/nofeat "$unit" dsl_random_history_in_a_pool_of_openzfs_is_left_for_judges || fail "nofeat"
judge_zdb nofeat nofeat || fail "zdb objects to nofeat after our history"
LD_LIBRARY_PATH=$openzfs_libs "$TOP/build/tests/zpool_judge" -d 3 nofeat "$PWD"/nofeat/* ||
	fail "OpenZFS cannot go on with nofeat"
JUDGED_BACK=$PWD/nofeat "$unit" dsl_accounts_are_exact_after_outside_changes || fail "accounts of nofeat"
judge_zdb nofeat nofeat || fail "zdb objects to nofeat at the end"
exit 0
