# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the loads share: a pool on files with its filesystems mounted, judged in the end. Sourced.
#
#	start POOL [MIB]          a pool of two mirrored files in ./vdevs, mounted below $R
#	judged POOL               export it; zdb finds no leak and (LOAD_FULL) OpenZFS scrubs and writes on; import
#	finished POOL             the same without the import, and the verdict
#	load TOOL ARGS...         one of ours (build/tests/loads), niced, with a time limit
#	wants TOOL...             or the test is skipped
#
# LOAD_SECONDS is how long one load goes on, LOAD_FULL is set in `make check-loads`. `make check` leaves out those
# with a line "# only in full".

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
export LC_ALL=C PATH=$PATH:/usr/sbin
R=$PWD/root
seconds=${LOAD_SECONDS:-3} full=${LOAD_FULL:-}
SEED=${SEED:-$((RANDOM << 15 | RANDOM))}
echo "SEED=$SEED"

wants() {
	local tool
	for tool in "$@"; do
		command -v "$tool" > /dev/null || skip "needs $tool"
	done
}

load() {
	local tool=$1
	shift
	timeout -s KILL $((seconds * 10 + 300)) nice -n 5 "$TOP/build/tests/loads/$tool" "$@"
}

start() {
	mkdir vdevs
	truncate -s "${2:-1024}M" vdevs/a vdevs/b
	zpool create -R "$R" "$1" mirror "$PWD/vdevs/a" "$PWD/vdevs/b" || { fail "create"; verdict; }
}

exported() {
	timeout -s KILL 120 zpool export "$1" || { fail "export"; verdict; }
	judge_zdb vdevs "$1" || fail "zdb"
	[ -z "$full" ] || judge_libzpool -w "$1" vdevs/a vdevs/b || fail "OpenZFS"
}

judged() {
	exported "$1"
	zpool import -d vdevs -R "$R" "$1" || { fail "import"; verdict; }
}

finished() {
	exported "$1"
	verdict
}
