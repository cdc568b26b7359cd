# SPDX-License-Identifier: MIT
#
# zpool split makes two whole pools of mirrors, with a log device or without: both have all files, and OpenZFS
# takes both.
. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
build_judge || { echo "the judge does not build"; exit 1; }

sums() { (cd "root/$1" && find . -type f -exec sha256sum {} + | sort -k 2); }

truncate -s 96M a0 a1 b0 b1 l s
zpool create -R "$PWD/root" old mirror "$PWD/a0" "$PWD/a1" mirror "$PWD/b0" "$PWD/b1" log "$PWD/l" || fail "create"
for ((i = 0; i < 30; i++)); do head -c $((RANDOM * 20)) /dev/urandom > "root/old/f$i"; done
sync root/old/f1
zfs create old/sub && cp root/old/f? root/old/sub/ && zfs snapshot old/sub@s
before=$(sums old)
zpool add old spare "$PWD/s"
refused 1 "cannot split 'old': pool already exists" zpool split old old
is "a plan" "$(zpool split -n old new "$PWD/a0" | sed "s|$PWD/||")" "would create 'new' with the following layout:

	new
	  a0
	  b1"
zpool split -o comment=half -R "$PWD/root" old new "$PWD/a0" || fail "split"
is "what is left" "$(zpool status old | awk '/ONLINE/ && $1 ~ /\/|mirror/ { print $1 }' | sed "s|$PWD/||" | tr '\n' ' ')" "a1 b0 l "
is "the new pool" "$(zpool status new | awk '/ONLINE/ && $1 ~ /\/|mirror/ { print $1 }' | sed "s|$PWD/||" | tr '\n' ' ')" "a0 b1 "
is "the files of the old pool" "$(sums old)" "$before"
is "the files of the new pool" "$(sums new)" "$before"
is "its comment" "$(zpool get -Ho value comment new)" "half"
[ "$(zpool get -Hpo value guid old)" != "$(zpool get -Hpo value guid new)" ] || fail "one guid"
refused 1 "Unable to split new: Source pool must be composed only of mirrors" zpool split new third
for p in old new; do
	rm "root/$p/f2" && echo more > "root/$p/more"
	zpool scrub -w "$p"
	is "$p is well" "$(zpool status -x "$p")" "pool '$p' is healthy"
	zpool export "$p"
	judge_zdb . "$p" || fail "zdb objects to $p"
done
zpool import -d . -o readonly=on -R "$PWD/root" old && zpool export old || fail "import old"
mkdir new && mv a0 b1 new/
judge_libzpool -w new new/a0 new/b1 > log 2>&1 || { cat log; fail "OpenZFS objects to new"; }
judge_libzpool -w old a1 b0 l > log 2>&1 || { cat log; fail "OpenZFS objects to old"; }
verdict
