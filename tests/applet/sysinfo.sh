#!/bin/bash
# SPDX-License-Identifier: MIT
# sysinfo: JSON with SmartOS's keys, and assignments that a shell takes.

failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

sysinfo > info.json || fail "sysinfo ends with $?"
[ "$(json -f info.json 'CPU Online Count')" = "$(nproc)" ] || fail "CPU Online Count"
[ "$(json -f info.json Hostname)" = "$(uname -n)" ] || fail "Hostname"
[ "$(json -f info.json 'MiB of Memory')" = $(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) / 1024)) ] ||
	fail "MiB of Memory"
json -f info.json -o json 'MiB of Memory' | grep -q '^"' || fail "numbers are strings, as in SmartOS"
[ "$(json -f info.json Setup)" = false ] || [ "$(json -f info.json Zpool)" = zones ] || fail "Setup without a pool"
sysinfo -p > info.sh || fail "sysinfo -p ends with $?"
(. ./info.sh && [ "$Hostname" = "$(uname -n)" ] && [ -n "$CPU_Total_Cores" ]) || fail "assignments"
[ -z "$(sysinfo -u)" ] || fail "-u prints something"
sysinfo -x > /dev/null 2>&1
[ $? = 2 ] || fail "an unknown option is a usage mistake"
[ "$failures" = 0 ]
