#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/zone/lifecycle.sh on this machine's kernel. Caps are tested in a VM, where cgroup v2 has controllers.

export ZONE_LIB=$TOP/tests/zone/lib.sh
[ -f /sys/fs/cgroup/cgroup.procs ] || [ -f /sys/fs/cgroup/unified/cgroup.procs ] ||
	{ echo "needs cgroup v2"; exit 77; }
. "$TOP/tests/zone/lifecycle.sh"
