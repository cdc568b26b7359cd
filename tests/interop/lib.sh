# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Outside judges for pools, as shell functions; sourced by tests/interop/*.sh. Each judge prints what it
# found and returns 0 only when it has nothing to object. Pools are file vdevs.
#
#	judge_zdb FOLDER POOL             zdb -e -bcc: every checksum, leaks, space maps; reads only
#	judge_libzpool [-r] [-w] POOL FILE...  OpenZFS in user space imports, with -r resilvers, scrubs, with
#	                                  -w writes, exports
#	                                  COPIES of the files; then zdb judges what it left
#	judge_grub DATASET PATH LOCAL FILE...   GRUB's reader finds LOCAL's bytes at /PATH of DATASET
#	judge_openzfs_vm SCRIPT FILE...   OpenZFS's kernel module in the VM: SCRIPT runs with the vdevs FILE
#	                                  in /vdevs (`zpool import -d /vdevs`); `zfs`, `zpool`, `zdb` are
#	                                  OpenZFS's; what it writes is in the FILEs afterwards
#
#	partitioned_disk FILE MIB         an empty disk with one partition: OpenZFS's zpool wants udev to
#	                                  partition a whole disk, and the guest has none
#	openzfs TOOL ARGS...              run zdb, zstream, ztest, zhack of Debian's OpenZFS
#	fixture NAME                      unpack a pool of $SHARED/fixtures into ./NAME/, or skip the test
#	skip WHY                          end the test as skipped
#	fail WHAT                         end the test as failed

: "${TOP:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${SHARED:=$(readlink -m "$TOP/../shared")}"
openzfs=$TOP/build/third_party/openzfs
openzfs_libs=$openzfs/tools/lib/x86_64-linux-gnu:$openzfs/tools/usr/lib/x86_64-linux-gnu

skip() { echo "$*"; exit 77; }
fail() { echo "FAIL: $*"; exit 1; }

openzfs() {
	local tool
	for tool in "$openzfs/tools"/{sbin,usr/sbin,usr/bin,bin}/"$1"; do
		[ -x "$tool" ] || continue
		shift
		LD_LIBRARY_PATH=$openzfs_libs "$tool" "$@"
		return
	done
	echo "openzfs: no tool $1" >&2
	return 127
}

fixture() {
	local f
	ls "$SHARED/fixtures/$1"/*.zst > /dev/null 2>&1 || skip "no fixture $SHARED/fixtures/$1 (set SHARED=)"
	mkdir -p "$1"
	for f in "$SHARED/fixtures/$1"/*.zst; do
		zstd -qdf --sparse "$f" -o "$1/$(basename "$f" .zst)"
	done
}

judge_zdb() {
	local out rc
	out=$(openzfs zdb -e -p "$1" -bcc "$2" 2>&1)
	rc=$?
	if [ $rc = 0 ] && grep -q 'No leaks' <<< "$out"; then
		echo "zdb: $2: no leaks, every checksum good"
		return 0
	fi
	tr '\r' '\n' <<< "$out" | grep -v '^loading' | tail -n 30
	echo "zdb: $2: exit status $rc"
	return 1
}

build_judge() {
	local judge=$TOP/build/tests/zpool_judge
	if [ ! -x "$judge" ] || [ "$TOP/tests/interop/zpool_judge.c" -nt "$judge" ]; then
		mkdir -p "$TOP/build/tests"
		gcc -O1 -g -Wall -Wextra -Werror -o "$judge.$$" "$TOP/tests/interop/zpool_judge.c" \
			-L"$openzfs/tools/lib/x86_64-linux-gnu" -l:libzpool.so.5 -l:libnvpair.so.3 \
			-Wl,--unresolved-symbols=ignore-in-shared-libs && mv "$judge.$$" "$judge"
	fi
}

judge_libzpool() {
	local write='' pool copies f rc=0
	while [[ $1 = -* ]]; do write="$write $1"; shift; done
	pool=$1
	shift
	build_judge || return 1
	copies=$(mktemp -d "${TMP:-/tmp}/judge.XXXXXX")
	for f in "$@"; do cp --sparse=always "$f" "$copies/"; done
	LD_LIBRARY_PATH=$openzfs_libs timeout 300 "$TOP/build/tests/zpool_judge" $write "$pool" "$copies"/* || rc=$?
	[ $rc != 0 ] || judge_zdb "$copies" "$pool" || rc=$?
	rm -rf "$copies"
	return $rc
}

partitioned_disk() {
	local sectors=$(($2 * 2048 - 2048)) i le=
	for i in 0 8 16 24; do le+=$(printf '\\x%02x' $((sectors >> i & 255))); done
	truncate -s "$2M" "$1"
	# An MBR entry: Linux, from sector 2048 on.
	printf '\x00\x00\x00\x00\x83\x00\x00\x00\x00\x08\x00\x00%b' "$le" |
		dd of="$1" bs=1 seek=446 conv=notrunc status=none
	printf '\x55\xaa' | dd of="$1" bs=1 seek=510 conv=notrunc status=none
}

judge_grub() {
	local dataset=$1 path=$2 local_file=$3
	shift 3
	if grub-fstest -c $# "$@" cmp "(loop0)/$dataset@/$path" "$local_file"; then
		echo "grub: /$dataset@/$path is $local_file"
	else
		echo "grub: /$dataset@/$path differs or cannot be read"
		return 1
	fi
}

# What OpenZFS needs in the guest, as an archive: its modules, its tools, glibc. Below /opt/openzfs.
build_overlay() {
	local overlay=$openzfs/overlay.cpio root=$openzfs/overlay lib tool
	[ ! -e "$overlay" ] || [ "$openzfs/modules/release" -nt "$overlay" ] || return 0
	rm -rf "$root" && mkdir -p "$root/lib" "$root/exec" "$root/bin" "$root/modules"
	for tool in zfs zpool zdb zstream; do
		cp "$(find "$openzfs/tools" -path "*bin/$tool" -type f)" "$root/exec/"
		LD_LIBRARY_PATH=$openzfs_libs ldd "$root/exec/$tool" | sed -nE 's/.*(=> |^[ \t]*)(\/[^ ]+).*/\2/p'
	done | sort -u | while read -r lib; do
		cp -L "$lib" "$root/lib/"
	done
	cp -L "$(gcc -print-file-name=libgcc_s.so.1)" "$root/lib/"
	cp "$openzfs"/modules/*.ko "$root/modules/"
	for tool in "$root/exec"/*; do
		tool=${tool##*/}
		cat > "$root/bin/$tool" <<-END
		#!/bin/sh
		exec /opt/openzfs/lib/ld-linux-x86-64.so.2 --library-path /opt/openzfs/lib /opt/openzfs/exec/$tool "\$@"
		END
		chmod 755 "$root/bin/$tool"
	done
	cat > "$root/env" <<-'END'
	# Sourced in the guest: OpenZFS's tools first, its modules loaded.
	PATH=/opt/openzfs/bin:$PATH
	for m in spl znvpair zcommon icp zavl zlua zzstd zunicode zfs; do
		insmod /opt/openzfs/modules/$m.ko || echo "openzfs: cannot load $m"
	done
	i=0; while [ ! -e /dev/zfs ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
	ln -sf /proc/self/mounts /etc/mtab
	END
	{
		echo "dir /opt 755"
		echo "dir /opt/openzfs 755"
		(cd "$root" && find . -mindepth 1 -type d -printf 'dir /opt/openzfs/%P 755\n')
		(cd "$root" && find . -type f -printf "file /opt/openzfs/%P $root/%P 755\n")
	} | "$TOP/build/initramfs/mkcpio" > "$overlay.new" && mv "$overlay.new" "$overlay"
}

# The guest has the vdevs as disks /dev/vda... A vdev that was made as a file must be a file there too
# (the module refuses a device for it): it is copied into RAM, and back at the end.
judge_openzfs_vm() {
	local script=$1 disks=() mb=768 f d=a
	local run=openzfs-vm-${script##*/}
	shift
	build_overlay || return 1
	{
		echo '#!/bin/sh'
		echo '. /opt/openzfs/env; mkdir /vdevs; back() { :; }; trap "sync; back" EXIT'
		for f in "$@"; do
			disks+=(-d "$f")
			if openzfs zdb -l "$f" 2>/dev/null | grep -q "^ *type: 'file'"; then
				mb=$((mb + $(stat -c %s "$f") / 1048576))
				echo "cat /dev/vd$d > /vdevs/${f##*/}"
				echo "set -- \"\$@\" ${f##*/}:/dev/vd$d"
			else
				echo "ln -s /dev/vd$d /vdevs/${f##*/}"
			fi
			d=$(tr a-y b-z <<< "$d")
		done
		echo 'files="$*"'
		echo 'back() { for x in $files; do dd if=/vdevs/${x%%:*} of=${x##*:} bs=1M 2>/dev/null; done; sync; }'
		cat "$script"
	} > "$run"
	VM_OVERLAY=$openzfs/overlay.cpio "$TOP/tests/vm/run" -m $mb -a noimport ${disks[@]+"${disks[@]}"} "$run"
}

mountpoint() { zfs get -Ho value mountpoint "$1"; }

# Done with a pool whose disks lie in a folder of its name: exported, all judges call it clean.
finish() {	# POOL
	zpool sync "$1"; zpool sync "$1"
	zpool export "$1" || fail "$1: export"
	judge_zdb "$1" "$1" || fail "$1: zdb"
	openzfs zdb -e -p "$1" -d "$1" > log 2>&1 || { grep -v '^Dataset' log; fail "$1: zdb -d"; }
	grep -i 'mismatch\|leaked' log && fail "$1: refcounts"
	judge_libzpool -w "$1" "$PWD/$1"/* || fail "$1: libzpool"
}
