# SPDX-License-Identifier: MIT
#
# The GRUB judge, on OpenZFS's own pool without features: it finds a file's bytes, and says no to others.
. "$TOP/tests/interop/lib.sh"

fixture nofeat
manifest=$SHARED/fixtures/nofeat/fs.manifest
[ -e "$manifest" ] || skip "no $manifest"
# The first regular file with a checksum: "hash  path" lines below "## sha256".
line=$(sed -n '/^## sha256/,/^## xattr/p' "$manifest" | grep -E '^[0-9a-f]{64}' | grep -v '\\' | head -n 1)
hash=${line%% *} path=${line#*  }
path=${path#./}
grub-fstest -c 1 nofeat/* cp "(loop0)/fs@/$path" out || fail "GRUB cannot copy $path"
[ "$(sha256sum < out | cut -d' ' -f1)" = "$hash" ] || fail "GRUB reads other bytes of $path"
judge_grub fs "$path" out nofeat/* || fail "the judge refuses good bytes"
echo x >> out
judge_grub fs "$path" out nofeat/* > /dev/null 2>&1 && fail "the judge passes other bytes"
exit 0
