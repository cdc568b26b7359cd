#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The recipes of /usr/share/trace under loads whose numbers are known: recipes.sh FOLDER
#
# Each runs while a load does something countable, and what it printed is compared with that.  Runs in the image
# (busybox) as well as on any machine; what a machine lacks (kprobes, a pool) is skipped by name.

dir=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0

ok() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "FAILED: $*"; sed 's/^/      /' out err | head -n 12; }
skip() { echo "skipped: $*"; }

# A program of that name, so that its events can be told from all others.
program() { printf '#!/bin/sh\n%s\n' "$2" > "$1"; chmod 755 "$1"; }
# recipe NAME COMMAND [ARG...]: out = what it printed while COMMAND ran
recipe() {
	_name=$1 _cmd=$2
	shift 2
	timeout -s KILL 40 dtrace -qs "$dir/$_name.d" "$@" -c "$_cmd" > out 2> err
}
# equal WHAT GOT WANT, between WHAT GOT LOW HIGH
equal() { if [ "$2" = "$3" ]; then ok; else bad "$1: $2, expected $3"; fi; }
between() { if [ "${2:-0}" -ge "$3" ] && [ "${2:-0}" -le "$4" ]; then ok; else bad "$1: $2, expected $3..$4"; fi; }

# --- processes and files ---

cp /bin/busybox prog-one 2> /dev/null || cp /bin/true prog-one # busybox complains of the name, and ends
program load 'for i in 1 2 3 4 5; do ./prog-one true > /dev/null 2>&1; done; ./no-such-prog 2> /dev/null; exit 0'
recipe execsnoop ./load
equal "execsnoop: programs" "$(grep -c ' \./prog-one$' out)" 5
equal "execsnoop: failures are not shown" "$(grep -c no-such-prog out)" 0
recipe exitsnoop ./load
equal "exitsnoop: programs" "$(grep -c '^prog-one .* exited$' out)" 5
program load 'for i in 1 2 3; do cat file > /dev/null; done; cat missing-file 2> /dev/null; rmdir file 2> /dev/null; exit 0'
echo x > file
recipe opensnoop ./load
equal "opensnoop: opens" "$(grep -c ' 0 file$' out)" 3
equal "opensnoop: the error" "$(grep -c ' -1  *2 missing-file$' out)" 1
recipe errsnoop ./load
equal "errsnoop: the error" "$(grep -cE '^rmdir +rmdir +20 +1$' out)" 1
program load 'touch f1 f2 f3; rm f1; rm -f f2 f3; mkdir d; rmdir d'
recipe unlinksnoop ./load
equal "unlinksnoop: names" "$(grep -cE ' 0 (f1|f2|f3|d)$' out)" 4
program load 'ls -d file > /dev/null; ls -d absent-xyz > /dev/null 2>&1; exit 0'
recipe statsnoop ./load
between "statsnoop: what is missing" "$(grep -c ' 2 absent-xyz$' out)" 1 4
program load 'trap "" USR1; for i in 1 2 3 4; do kill -USR1 $$; done'
recipe killsnoop ./load
between "killsnoop: signals" "$(grep -c ' 10 load$' out)" 0 4

# --- system calls and bytes ---

# Under a name that no other dd of the machine has.
if cp /bin/busybox busybox-dd 2> /dev/null; then dd="./busybox-dd dd"; else cp "$(command -v dd)" busybox-dd; dd=./busybox-dd; fi
n=3000
load="$dd if=/dev/zero of=/dev/null bs=512 count=$n"
calls() { awk -v c="$1" '$1 == c { print $2 }' out; }
recipe syscount "$load"
between "syscount: writes" "$(calls write)" $n $((n + 4000))
recipe sysproc "$load"
between "sysproc: calls of dd" "$(calls busybox-dd)" $((2 * n)) $((2 * n + 120))
recipe syszone "$load"
between "syszone: writes" "$(awk 'NF > 2 && $(NF-1) == "write" { n += $NF } END { print n + 0 }' out)" $n $((n + 4000))
recipe systime "$load"
between "systime: reads of dd (us)" "$(awk '$1 == "busybox-dd" && $2 == "read" { print $3 }' out)" 50 10000000
recipe rwbytes "$load"
between "rwbytes: written by dd" "$(awk '$1 == "busybox-dd" { print $3 }' out)" $((512 * n)) $((512 * n + 200))
between "rwbytes: read by dd" "$(awk '$1 == "busybox-dd" { print $2 }' out)" $((512 * n)) $((512 * n + 20000))
recipe zoneio "$load"
between "zoneio: written" "$(awk 'NR > 1 { n += $3 } END { print n + 0 }' out)" $((512 * n)) 2000000000
recipe rwsize "$load"
between "rwsize: writes of 512" "$(awk '/^ +busybox-dd +write/ { on = 1 } on && $1 == 512 { print $NF; exit }' out)" $n $n
recipe syslat "$load" write
between "syslat: writes" "$(awk '/\|/ { n += $NF } END { print n }' out)" $n $((n + 4000))
# Its own count, read by the shell itself: what is counted behind that is the shell's end.
program pages 'x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do x=$x$x; done
read -r line < /proc/$$/stat; set -- $line; echo ${10} > faults; exit 0'
recipe faults ./pages
between "faults: of the process by its own count" "$(awk '$1 == "pages" { print $2 }' out)" "$(($(cat faults) - 40))" $(($(cat faults) + 40))

# --- CPUs ---

# Time on CPUs and how many times it was given one, by the scheduler's own count. Each time of n seconds has 997 n samples,
# cut or rounded up; what a virtual machine was not run itself it cannot sample, so only the upper bound is one.
program spin 'i=0; while [ $i -lt 150000 ]; do i=$((i + 1)); done; read -r run wait times < /proc/$$/schedstat; echo $run $times > ran'
recipe zonecpu ./spin
want=$(awk '{ print int($1 * 997 / 1e9) }' ran)
between "zonecpu: samples" "$(awk 'NF > 2 && $(NF-1) == "spin" { print $NF }' out)" $((want * 3 / 10 - 30)) $((want + $(awk '{ print $2 }' ran) + 10))
recipe stacks ./spin
between "stacks: those of spin" "$(grep -c '^ *spin *$' out)" 1 100000
recipe hotuser ./spin
between "hotuser: samples" "$(awk 'NF == 2 { n += $2 } END { print n + 0 }' out)" 10 100000
recipe hotkernel "dd if=/dev/zero of=/dev/null bs=1M count=3000"
between "hotkernel: samples" "$(awk '{ n += $NF } END { print n + 0 }' out)" 5 1000000
if command -v taskset > /dev/null && [ "$(grep -c ^processor /proc/cpuinfo)" -gt 1 ]; then
	recipe cpuwalk "taskset 2 ./spin" spin
	equal "cpuwalk: one CPU" "$(awk '/\|/ && $NF > 0 { print $1 }' out | tr '\n' ' ')" "1 "
fi
program sleeper 'for i in 1 2 3 4 5; do sleep 0.1; done; sed -n "s/^voluntary_ctxt_switches:[^0-9]*//p" /proc/$$/status > voluntary'
recipe switches ./sleeper
between "switches: slept, by its own count" "$(awk '$1 == "sleeper" { print $2 }' out)" "$(cat voluntary)" $(($(cat voluntary) + 40))
program sleeper 'exec sleep 1'
recipe offcpu ./sleeper
between "offcpu: the second of sleep (us)" "$(awk '$1 == "sleep" { print $2 }' out)" 990000 8000000
recipe runqlat ./load
between "runqlat: waits" "$(awk '/\|/ { n += $NF } END { print n + 0 }' out)" 1 100000000
recipe intrs "sleep 0.2"
ok # a quiet machine has none

# --- network ---

if ip link set lo up 2> /dev/null || [ -e /proc/net/tcp ]; then
	if command -v bash > /dev/null; then
		printf '%s\n' 'for i in 1 2 3; do (echo > /dev/tcp/127.0.0.1/9) 2> /dev/null; done; for i in 1 2; do echo hello > /dev/udp/127.0.0.1/9; done; exit 0' > net
		recipe tcpconnect "bash net"
		equal "tcpconnect: connections" "$(grep -c ' 127.0.0.1  *9$' out)" 3
		recipe tcpstate "bash net"
		equal "tcpstate: asked and refused" "$(grep -cE ':9 (7 -> 2|2 -> 7)$' out)" 6
		recipe udpsnoop "bash net"
		equal "udpsnoop: datagrams sent" "$(grep -c '^send .* -> 127.0.0.1:9 6 bytes$' out)" 2
		recipe ipbytes "bash net"
		between "ipbytes: sent" "$(awk '/^send .* lo .*127/ { print $NF }' out)" $((3 * 40 + 2 * 14)) 100000000
	fi
	if command -v python3 > /dev/null; then
		cat > pair.py <<'P'
import socket, threading
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(8)
for i in range(4):
	c = socket.create_connection(s.getsockname()); d, _ = s.accept(); d.close(); c.close()
P
		recipe tcpaccept "python3 pair.py"
		between "tcpaccept: connections" "$(grep -c '^127.0.0.1 .*127.0.0.1 ' out)" 4 40
	fi
fi

# --- files by function, pools: where there are such ---

if dtrace -ln 'fbt::vfs_read:entry' > /dev/null 2>&1; then
	recipe filetop "$dd if=file of=copy bs=1"
	between "filetop: bytes written" "$(awk '$1 == "write" && $2 == "busybox-dd" && $3 ~ /copy$/ { print $4 }' out)" 2 2
	recipe vfslat "$dd if=file of=copy bs=1"
	grep -q open out && ok || bad "vfslat shows no opens"
else
	skip "filetop, vfslat: no kprobes"
fi
if command -v zpool > /dev/null && [ -n "$RECIPES_POOL" ]; then
	program pools 'for i in 1 2 3; do zfs set test:n=$i '"$RECIPES_POOL"'; zpool sync '"$RECIPES_POOL"'; done'
	recipe txglat ./pools
	between "txglat: groups" "$(grep -c "$RECIPES_POOL *txg" out)" 3 40
fi
echo "recipes: $passed checks passed, $failed failed"
[ "$failed" = 0 ]
