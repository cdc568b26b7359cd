#!/bin/bash
# SPDX-License-Identifier: MIT
# What trace costs and promises around its programs.
. "$TOP/tests/applet/lib.sh"
trace -qn 'BEGIN { exit(0); }' > /dev/null 2>&1 || { echo "this kernel or user may not load eBPF"; exit 77; }
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# Every record of a ring that is read many times round arrives, in order. dd is our own word for a loop.
trace -q -b 256k -x switchrate=1ms -o numbers -c 'dd if=/dev/zero of=/dev/null bs=1 count=30000 status=none' -n '
	syscall::write:entry /pid == $target && arg0 == 1 && arg2 == 1/ { printf("%d\n", n++); }' 2> drops
if [ -s drops ]; then	# what is lost is told
	lost=$(sed -nE 's/.* ([0-9]+) drops? on CPU.*/\1/p' drops | awk '{ n += $1 } END { print n + 0 }')
	[ "$((lost + $(grep -c . numbers)))" = 30000 ] || fail "drops and records are not all: $(cat drops)"
else
	cmp <(seq 0 29999) <(grep . numbers) || fail "records are missing or out of order"
fi

# An idle session is small, with the kernel's types too where they can be mapped.
peak() {
	local pid kb
	timeout 20 trace -qn "$1" > /dev/null 2>&1 &
	pid=$!
	for _ in $(seq 50); do
		kb=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(pgrep -P $pid)/status" 2> /dev/null)
		grep -q bpf-map "/proc/$(pgrep -P $pid)/maps" 2> /dev/null && break
		sleep 0.1
	done
	sleep 0.2
	kb=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(pgrep -P $pid)/status")
	kill $pid
	wait $pid
	echo "${kb:-0}"
}
for d in 'END { printf("x"); }' 'syscall:::entry { @[execname] = count(); }'; do
	kb=$(peak "$d")
	[ "$kb" -gt 0 ] && [ "$kb" -le 4096 ] || fail "$kb KiB for $d"
done
# ring keeps the newest records, fill the oldest, whatever the buffers hold.  Each processor has its own:
# one that moved to another would go on where there is room.
policy() {
	trace -q -x bufpolicy="$1" -b 1k -o "$1" -c 'taskset 1 dd if=/dev/zero of=/dev/null bs=1 count=5000 status=none' -n '
		syscall::write:entry /pid == $target && arg0 == 1 && arg2 == 1/ { printf("%d\n", ++n); }' 2> /dev/null
	grep . "$1" > kept
	[ "$(wc -l < kept)" -gt 5 ] && [ "$(wc -l < kept)" -lt 5000 ] || fail "bufpolicy=$1 kept $(wc -l < kept) records"
	cmp -s kept <(seq "$(head -n 1 kept)" "$(tail -n 1 kept)") || fail "bufpolicy=$1: a gap"
}
policy ring
[ "$(tail -n 1 kept)" = 5000 ] || fail "bufpolicy=ring ends with $(tail -n 1 kept)"
policy fill
[ "$(head -n 1 kept)" = 1 ] || fail "bufpolicy=fill begins with $(head -n 1 kept)"

# A picture is whole: its root is every sample, and it needs nothing outside.
trace -q --flame f.svg --folded f.txt --heatmap h.svg -x aggrate=20ms -o counts -n '
	syscall::write:entry /pid == $target && arg2 == 1/ { @[execname, ustack(3)] = count(); @n = count(); self->t = timestamp; }
	syscall::write:return /self->t/ { @h = quantize(timestamp - self->t); self->t = 0; }
	END { printa("%@d\n", @n); }' -c 'dd if=/dev/zero of=/dev/null bs=1 count=2000 status=none' 2> /dev/null
total=$(grep -m 1 . counts)
[ "$total" -gt 0 ] || fail "nothing was counted"
[ "$(awk '{ n += $NF } END { print n }' f.txt)" = "$total" ] || fail "folded lines are not all samples"
grep -q '^dd;.* [0-9]*$' f.txt || fail "folded lines: $(head -n 2 f.txt)"
grep -qF "<title>all ($(printf "%'d" "$total" | LC_ALL=C sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta') samples, 100.00%)" f.svg ||
	fail "the root of the picture is not all samples"
for f in f.svg h.svg; do
	! sed 's|http://www.w3.org/2000/svg||' "$f" | grep -q 'http\|href\|<image\|@import' || fail "$f looks outside"
	tail -n 1 "$f" | grep -q '^</svg>$' || fail "$f is not whole"
done
[ "$(grep -o '<title>[^<]*: [0-9]* at' h.svg | awk '{ n += $(NF - 1) } END { print n }')" = "$total" ] ||
	fail "the heat map is not all samples"

# The live view shows intervals.
timeout -s INT 2 trace -qn 'tick-10ms { @["tick"] = count(); }' --top=0.5 > top 2> /dev/null
[ "$(grep -c '^trace: .* every 0.5 s' top)" -ge 2 ] || fail "no live view: $(cat top)"

# Numbers of probes are those of a listing of everything.
id=$(trace -l | awk '$2 == "profile" && $NF == "tick-100" { print $1 }')
trace -li "$id" | grep -q ' tick-100$' || fail "-i $id is not tick-100"

# Who reads no more, and what has no more room, ends the tracing.
timeout 20 trace -n 'syscall:::entry' 2> /dev/null | head -n 1 > /dev/null
[ "${PIPESTATUS[0]}" = 0 ] || fail "a reader that left: status ${PIPESTATUS[0]}"
out=$(timeout 20 trace -qn 'syscall:::entry { printf("%s\n", execname); }' -o /dev/full 2>&1)
[ "$?: $out" = "1: trace: failed to write to output: No space left on device" ] || fail "a full file: $out"

# Functions of what a process forks: with -x follow.
cc -O1 -o forks -x c - << 'C' || fail "cc"
#include <sys/wait.h>
#include <unistd.h>
__attribute__((noinline)) int work(int n) { __asm__ volatile("" : : "r"(n) : "memory"); return (n); }
int
main(void)
{
	(void)work(1);
	if (fork() == 0) {
		(void)work(2);
		if (fork() == 0) {
			(void)work(3);
			_exit(0);
		}
		(void)wait(0);
		_exit(0);
	}
	(void)wait(0);
	return (0);
}
C
d='pid$target:a.out:work:entry { printf("%d\n", arg0); }'
[ "$(trace -qn "$d" -c ./forks | grep . | tr '\n' ' ')" = "1 " ] || fail "without follow: $(trace -qn "$d" -c ./forks)"
[ "$(trace -qx follow -n "$d" -c ./forks | grep . | tr '\n' ' ')" = "1 2 3 " ] || fail "follow: $(trace -qx follow -n "$d" -c ./forks)"

# The command line of what runs: 80 characters, one blank between arguments.
printf '%s\n' 'sleep 0.01' "sh -c 'exit 0' one 'two words'" "sh -c 'exit 0' $(printf '%0100d' 0)" > lines
got=$(trace -qn 'proc:::exec-success /progenyof($target)/ { printf("%s\n", curpsinfo->pr_psargs); }' -c 'sh lines' | grep .)
[ "$got" = "sleep 0.01
sh -c exit 0 one two words
sh -c exit 0 $(printf '%066d' 0)" ] || fail "pr_psargs: $got"

# Symbols that were stripped: in a linked file, packed in the program itself, for stacks and for pid probes.
cc -O1 -fno-omit-frame-pointer -o full -x c - << 'C' || fail "cc"
#include <sys/syscall.h>
#include <unistd.h>
static __attribute__((noinline)) long hidden(int n) { long r = syscall(SYS_getppid, n); usleep(20000); return (r); }
int main(void) { long s = 0; for (int i = 0; i < 5; i++) s += hidden(i); return (s == 7); }
C
cp full linked && objcopy --only-keep-debug full linked.debug && strip -s linked && objcopy --add-gnu-debuglink=linked.debug linked
cp full packed && strip -s packed && objcopy --strip-debug full small && xz small && objcopy --add-section .gnu_debugdata=small.xz packed
cp full stripped && strip -s stripped
for f in full linked packed; do
	timeout 20 trace -qn 'syscall::getppid:entry /pid == $target/ { ustack(4); exit(0); }' -c ./$f | grep -q "$f\`main" ||
		fail "stack of $f"
	[ "$(timeout 20 trace -qn 'pid$target:a.out:hidden:entry { n++; } END { printf("%d", n); }' -c ./$f | tr -d '\n')" = 5 ] ||
		fail "pid probes of $f"
done
timeout 20 trace -qn 'syscall::getppid:entry /pid == $target/ { ustack(4); exit(0); }' -c ./stripped | grep -q 'stripped`0x' ||
	fail "stack of a stripped program"
[ "$failures" = 0 ]
