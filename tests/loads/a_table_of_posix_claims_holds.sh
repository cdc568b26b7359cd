#!/bin/bash
# SPDX-License-Identifier: MIT
# A table of claims about names, contents, owners, modes, times and attributes (tests/loads/posix*.c, which passes on
# the kernel's own filesystems) holds on ours: with access lists and without, with small and large records.

. "$TOP/tests/loads/lib.sh"
start tp
options=("-o acltype=posix -o xattr=sa")
[ -n "$full" ] || export MANY=5000
[ -z "$full" ] || options+=("" "-o recordsize=512 -o compression=lz4" "-o recordsize=1M -o dnodesize=auto" \
	"-o atime=off -o sync=always -o checksum=sha256" "-o copies=2 -o relatime=on -o compression=zstd")
for i in "${!options[@]}"; do
	# shellcheck disable=SC2086
	zfs create ${options[i]} "tp/$i" || fail "create ${options[i]}"
	load posix "$R/tp/$i" || fail "the table with '${options[i]}'"
	is "nothing stayed" "$(ls -A "$R/tp/$i")" ""
done
finished tp
