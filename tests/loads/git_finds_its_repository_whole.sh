#!/bin/bash
# SPDX-License-Identifier: MIT
# A repository is cloned, checked out, packed anew and checked by git, which hashes every object; again after an export.

. "$TOP/tests/loads/lib.sh"
wants git
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1
git config --global safe.directory '*'
git config --global user.name t && git config --global user.email t@localhost
origin=$TOP
git -C "$origin" rev-parse -q --verify HEAD > /dev/null || skip "the tree is no repository"
start tg 2048
zfs create -o compression=lz4 tg/w || fail "create"
w=$R/tg/w/clone
git() { timeout -s KILL 600 nice -n 5 "$(type -P git)" "$@"; }

depth=()
[ -n "$full" ] || depth=(--depth 25)
git clone -q --no-local "${depth[@]}" "file://$origin" "$w" || fail "clone"
git -C "$w" fsck --full || fail "fsck"
git -C "$w" status --short | grep . && fail "the work tree differs"
for ((i = 1; i <= 20; i++)); do
	echo "$i" > "$w/file$i" && git -C "$w" add . && git -C "$w" commit -qm "$i" || fail "commit $i"
done
git -C "$w" checkout -q HEAD~20 && git -C "$w" checkout -q - || fail "checkout"
[ -z "$full" ] || git -C "$w" repack -qadf || fail "repack"
git -C "$w" gc -q --prune=now || fail "gc"
git -C "$w" fsck --full --strict || fail "fsck after gc"
judged tg
git -C "$w" fsck --full || fail "fsck after an export"
git -C "$w" status --short | grep . && fail "the work tree differs after an export"
finished tg
