#!/bin/bash
# SPDX-License-Identifier: MIT
# The stressors of stress-ng for files, each with its own checks: one after the other, then many at once.

. "$TOP/tests/loads/lib.sh"
wants stress-ng
all=(access chdir chmod chown copy-file dentry dir dirdeep dirmany dup fallocate fcntl file-ioctl filename flock fpunch
	fsize fstat handle hdd inotify io iomix lease link locka lockf lockofd mknod open rename seek sendfile
	symlink sync-file touch utime xattr mmap aio aiol)
few=(copy-file dentry fallocate fpunch hdd iomix link rename xattr)
start ts 2048
zfs create -o acltype=posix -o xattr=sa ts/one && zfs create -o compression=lz4 -o recordsize=16k ts/all || fail "create"

stress() {	# FOLDER OPTIONS...
	local folder=$1
	shift
	timeout -s KILL $((seconds * 10 + 120)) nice -n 5 stress-ng --temp-path "$folder" --verify --seed "$SEED" \
		"$@" > log 2>&1 && ! grep -q 'fail:\|error:' log || { fail "stress-ng $*"; tail -n 20 log; }
}

if [ -n "$full" ]; then
	for s in "${all[@]}"; do stress "$R/ts/one" "--$s" 2 -t $((seconds / 10 + 1)); done
fi
options=()
for s in "${few[@]}"; do options+=("--$s" 1); done
stress "$R/ts/all" "${options[@]}" -t "$seconds"
is "nothing stayed" "$(find "$R/ts/one" "$R/ts/all" -mindepth 1 | head)" ""
finished ts
