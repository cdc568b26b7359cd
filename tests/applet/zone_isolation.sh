#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/zone/isolation.sh on this machine's kernel. Caps are tested in a VM, where cgroup v2 has controllers.

export ZONE_LIB=$TOP/tests/zone/lib.sh PROBE=$PWD/probe
command -v musl-gcc > /dev/null || { echo "needs musl-gcc"; exit 77; }
[ -f /sys/fs/cgroup/cgroup.procs ] || [ -f /sys/fs/cgroup/unified/cgroup.procs ] ||
	{ echo "needs cgroup v2"; exit 77; }
musl-gcc -static -O1 -D_GNU_SOURCE -o "$PROBE" "$TOP/tests/zone/probe.c" || exit 1
. "$TOP/tests/zone/isolation.sh"
