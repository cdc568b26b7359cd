#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Bytes of the binary per folder and per library, from the linker's map, against the last commit.
#
# The last commit's numbers are build/size/COMMIT; where they are missing, that commit is built in a
# scratch worktree, once. A file of our own counts for its folder, an archive's member for the archive.

set -eu
cd "$(dirname "$0")/../.."

# What the map places into the file: "  .text.foo  0xADDRESS  0xSIZE  OBJECT" below the output sections that
# are loaded, name and numbers on one line or on two. Prints "GROUP BYTES".
summarise() {	# MAP
	awk '
	function add(size, object,   group) {
		if (object ~ /\/lib\/lib[^\/]*\.a\(|lib[^\/]*\.a\(/) {
			group = object; sub(/\.a\(.*/, "", group); sub(/.*\/lib/, "", group)
			group = "lib" group
		} else if (object ~ /obj\//) {
			group = object; sub(/.*obj\//, "", group); sub(/\/[^\/]*$/, "", group)
		} else
			group = "start"
		total[group] += strtonum(size)
	}
	/^Linker script and memory map/ { on = 1 }
	/^\.(debug|comment|symtab|strtab)/ { skip = 1 }
	/^\.(text|rodata|data|init_array|eh_frame|bss|tdata|tbss|got|dynamic|rela)/ { skip = 0 }
	/^\.bss|^\.tbss/ { skip = 1 }
	!on || skip { next }
	/^ \.[^ ]+ +0x[0-9a-f]+ +0x[0-9a-f]+ / { add($3, $4); next }
	/^ \.[^ ]+$/ { pending = 1; next }
	pending && /^ +0x[0-9a-f]+ +0x[0-9a-f]+ / { add($2, $3) }
	{ pending = 0 }
	END { for (g in total) if (total[g] > 0) print g, total[g] }' "$1" | sort -k2,2nr
}

measure() {	# FOLDER -> GROUP BYTES lines, then the files
	summarise "$1/build/smartbox.unstripped.map"
	echo "= $(stat -c %s "$1/build/smartbox")"
	[ ! -e "$1/build/initramfs.cpio.zst" ] || echo "=image $(stat -c %s "$1/build/initramfs.cpio.zst")"
	[ ! -e "$1/build/vmlinuz" ] || echo "=kernel $(stat -c %s "$1/build/vmlinuz")"
}

last=$(git rev-parse --short=12 HEAD)
mkdir -p build/size
if [ ! -e "build/size/$last" ]; then
	if git diff --quiet HEAD; then
		measure . > "build/size/$last"
	else
		tree=build/size/tree
		git worktree prune
		git worktree add -q --force --detach "$tree" HEAD
		mkdir -p "$tree/build" && ln -sfn "$(readlink -f build/third_party)" "$tree/build/third_party"
		if make -s -C "$tree" all > /dev/null 2>&1; then measure "$tree" > "build/size/$last"; fi
		git worktree remove --force "$tree"
	fi
fi
touch "build/size/$last"

measure . | awk '
	NR == FNR { old[$1] = $2; next }
	function line(name, bytes, key) {
		printf "%-22s %9d", name, bytes
		if (key in old && old[key] != bytes) printf "  %+d", bytes - old[key]
		print ""
	}
	$1 == "=" { line("binary, stripped", $2, "="); binary = $2; next }
	$1 == "=image" { line("image", $2, $1); image = $2; next }
	$1 == "=kernel" { line("kernel", $2, $1); kernel = $2; next }
	{ line("  " $1, $2, $1) }
	END {
		printf "budget: binary %.2f of 4.00 MiB", binary / 1048576
		if (image) printf "; kernel and image %.2f of 16.00 MiB", (kernel + image) / 1048576
		print ""
		exit binary > 4194304 || kernel + image > 16777216
	}' "build/size/$last" -
