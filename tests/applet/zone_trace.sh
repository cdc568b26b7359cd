#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/zone/trace.sh on this machine's kernel.

export ZONE_LIB=$TOP/tests/zone/lib.sh FUNCS=$PWD/funcs TRACE_BINARY=$TOP/build/smartbox
command -v musl-gcc > /dev/null || { echo "needs musl-gcc"; exit 77; }
[ -f /sys/fs/cgroup/cgroup.procs ] || [ -f /sys/fs/cgroup/unified/cgroup.procs ] ||
	{ echo "needs cgroup v2"; exit 77; }
musl-gcc -static -g -O1 -fno-omit-frame-pointer -o "$FUNCS" "$TOP/tests/zone/funcs.c" || exit 1
. "$TOP/tests/zone/trace.sh"
