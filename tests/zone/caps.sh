# SPDX-License-Identifier: MIT
# Caps hold: memory, processes, CPU time. Needs cgroup v2 with its controllers.
. "${ZONE_LIB:-./lib.sh}"

group=/sys/fs/cgroup/zones/capped.zone
new_zone capped 'set max-physical-memory=48M; set max-lwps=30; set cpu-cap=20; set cpu-shares=50'
zoneadm -z capped boot || fail "boot"

is "pids.max" "$(cat $group/pids.max)" 30
is "memory.max" "$(cat $group/memory.max)" 50331648
is "cpu.max" "$(cat $group/cpu.max)" "20000 100000"
is "cpu.weight" "$(cat $group/cpu.weight)" 50

# A fork bomb ends at its cap, and the global zone does not notice.
zlogin capped 'i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i + 1)); done' > /dev/null 2>&1
[ "$(cat $group/pids.current)" -le 30 ] || fail "pids.current is $(cat $group/pids.current)"
(true) || fail "the global zone cannot fork"
zoneadm -z capped reboot || fail "reboot with 30 processes"

# Filling memory: the writer is killed, the zone is not.
zlogin capped 'dd if=/dev/zero of=/dev/shm/fill bs=1M count=200; rm -f /dev/shm/fill' > /dev/null 2>&1
[ "$(cat $group/memory.peak 2> /dev/null || echo 0)" -le 50331648 ] || fail "more memory than the cap"
[ "$(sed -n 's/^max //p' $group/memory.events)" -gt 0 ] || fail "the cap was never met"
is "the zone lives" "$(state_of capped)" running

# Two spinners, under a cap of a fifth of one CPU. The clock is read too: a slow VM is no excuse.
usage_ms() { echo $(($(sed -n 's/^usage_usec //p' $group/cpu.stat) / 1000)); }
clock_ms() { sed 's/\.\([0-9]*\) .*/\10/' /proc/uptime; }
used=$(usage_ms) start=$(clock_ms)
zlogin capped 'for i in 1 2; do while :; do :; done & done; sleep 3; kill %1 %2' > /dev/null 2>&1
used=$(($(usage_ms) - used)) elapsed=$(($(clock_ms) - start))
[ $used -le $((elapsed / 5 + elapsed / 20 + 100)) ] || fail "used $used ms of CPU in $elapsed ms"
[ $used -ge 200 ] || fail "used only $used ms of CPU in $elapsed ms"

# The limits are not the zone's to change, nor to leave.
is "no limit in sight" "$(zlogin capped 'ls /sys/fs/cgroup | grep -c "\.max$"' | head -n 1)" \
	"$(ls $group/ns | grep -c '\.max$')"
zlogin capped 'echo $$ > /sys/fs/cgroup/../cgroup.procs' > /dev/null 2>&1 && fail "a way up"
zlogin capped 'mkdir /sys/fs/cgroup/mine && echo $$ > /sys/fs/cgroup/mine/cgroup.procs' > /dev/null 2>&1
is "own groups stay below the caps" "$(cat $group/pids.max)" 30
[ $failures = 0 ]
