#!/bin/bash
# SPDX-License-Identifier: MIT
# Tracing beside bpftrace: from the command to the first action, memory, what a hit costs the traced, and how many
# events a second are printed without loss.

. "$TOP/tests/bench/lib.sh"
command -v bpftrace > /dev/null || { echo "bench trace: needs bpftrace"; exit 77; }
trace -qn 'BEGIN { exit(0); }' > /dev/null 2>&1 || { echo "bench trace: this kernel or user may not load eBPF"; exit 77; }
cc -O2 -o hits -x c - <<'C' || exit 1
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
int
main(int argc, char **argv)
{
	struct timespec a, b;
	long n = argc > 1 ? atol(argv[1]) : 1000000;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / n);
	return (0);
}
C
# The kernel waits when a tracepoint is left and taken again at once: that is not what is measured.
ms() { sleep 0.1; local t=$EPOCHREALTIME; "$@" > /dev/null 2>&1; echo "$(( (${EPOCHREALTIME/./} - ${t/./}) )) 1000" | awk '{ print $1 / $2 }'; }
empty_ours() { ms trace -qn 'BEGIN { exit(0); }'; }
empty_peer() { ms bpftrace -e 'BEGIN { exit(); }'; }
count_ours() { ms trace -qn 'syscall:::entry { @[execname] = count(); } BEGIN { exit(0); }'; }
count_peer() { ms bpftrace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); } BEGIN { exit(); }'; }

# What the loop costs a call while a tracer is on, less what it costs without: nanoseconds.
with() {
	"$@" > /dev/null 2>&1 &
	local pid=$!
	sleep 2.5
	echo "$(./hits 300000) $(cat base)" | awk '{ print ($1 > $2 ? $1 - $2 : 0.1) }'
	kill -TERM $pid
	wait $pid
}
hit_ours() { ./hits 300000 > base; with trace -qn 'syscall::getppid:entry { @ = count(); }'; }
hit_peer() { ./hits 300000 > base; with bpftrace -e 'tracepoint:syscalls:sys_enter_getppid { @ = count(); }'; }
keyed_ours() { ./hits 300000 > base; with trace -qn 'syscall:::entry { @[execname] = count(); }'; }
keyed_peer() { ./hits 300000 > base; with bpftrace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'; }
peak() { awk '/^VmHWM/ { print $2 / 1024 }' "/proc/$1/status"; }
memory() { "$@" > /dev/null 2>&1 & local pid=$!; sleep 2; peak $pid; kill -TERM $pid; wait $pid; }
memory_ours() { memory trace -qn 'syscall:::entry { @[execname] = count(); }'; }
memory_peer() { memory bpftrace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'; }

header trace bpftrace
compare "start: empty BEGIN" ms less empty_ours empty_peer
compare "start: system calls by program" ms less count_ours count_peer
compare "memory: system calls by program" MiB less memory_ours memory_peer
compare "hit: count()" ns less hit_ours hit_peer
compare "hit: @[execname] = count()" ns less keyed_ours keyed_peer
# Printed, every one: what arrived and what was lost.
t=$EPOCHREALTIME
trace -q -o printed -c "$PWD/hits 1000000" -n 'syscall::getppid:entry /pid == $target/ { printf("%d\n", n++); }' 2> drops > /dev/null
us=$((${EPOCHREALTIME/./} - ${t/./}))
printf '%-34s %10.0f events/s, %d of 1000000 printed, %s\n' "records printed" \
	"$(awk -v n="$(grep -c . printed)" -v us=$us 'BEGIN { print n * 1e6 / us }')" "$(grep -c . printed)" \
	"$([ -s drops ] && tail -n 1 drops || echo 'no drops')"
