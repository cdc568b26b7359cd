# SPDX-License-Identifier: MIT
#
# The judges themselves: each passes a pool that OpenZFS made and objects to a damaged copy of it. A judge
# that cannot say no proves nothing.
. "$TOP/tests/interop/lib.sh"

fixture pmirror
fixture plain

judge_zdb pmirror pmirror || fail "zdb refuses a good mirror"
judge_libzpool -w pmirror pmirror/* || fail "libzpool refuses a good mirror"
judge_zdb plain plain || fail "zdb refuses a good disk"

# Overwrite a stretch behind the labels of the only disk: metadata has other copies, data has not.
dd if=/dev/urandom of=plain/plain-0 bs=1M seek=5 count=24 conv=notrunc status=none
judge_zdb plain plain > log 2>&1 && fail "zdb passes a damaged disk"
judge_libzpool plain plain/* > log 2>&1 && fail "libzpool passes a damaged disk"

# A mirror heals, but libzpool's scrub must have counted the errors.
dd if=/dev/urandom of=pmirror/pmirror-1 bs=1M seek=5 count=24 conv=notrunc status=none
judge_libzpool pmirror pmirror/* > log 2>&1 && fail "libzpool does not count a mirror's errors"
grep -q 'errors 0 0 [1-9]' log || fail "no checksum error was counted"
exit 0
