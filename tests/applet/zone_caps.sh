#!/bin/bash
# SPDX-License-Identifier: MIT
# A cap whose controller this machine's cgroup v2 lacks is refused in one line; it is never dropped.
export ZONE_LIB=$TOP/tests/zone/lib.sh
. "$ZONE_LIB"
for cg in /sys/fs/cgroup /sys/fs/cgroup/unified; do
	[ -f $cg/cgroup.controllers ] && break
done
[ -f $cg/cgroup.controllers ] || skip "needs cgroup v2"
grep -qw pids $cg/cgroup.controllers && skip "this cgroup v2 has all controllers"
new_zone capped 'set max-lwps=30'
is "the refusal" "$(zoneadm -z capped boot 2>&1; echo $?)" "zoneadm: zone 'capped': max-lwps: this kernel's \
cgroup v2 has no 'pids' controller (mounted as version 1?)
1"
is "nothing is left" "$(state_of capped)" installed
[ $failures = 0 ]
