# SPDX-License-Identifier: MIT
# A zone that was granted it traces its own tasks, through a broker outside, and nothing else.
. "${ZONE_LIB:-./lib.sh}"
trace -qn 'BEGIN { exit(0); }' > /dev/null 2>&1 || skip "this kernel or user may not load eBPF"

# with_trace ZONE LIMITPRIV
with_trace() {
	new_zone "$1" "set limitpriv=$2"
	cp "$TRACE_BINARY" "z/$1/root/bin/trace"
	[ -z "$SHIFT" ] || "$BUSYBOX" chown "$(base_of "$1"):$(base_of "$1")" "z/$1/root/bin/trace"
	zoneadm -z "$1" boot || fail "boot of $1"
}
with_trace tracer default,dtrace_user,dtrace_proc
with_trace plain default
with_trace calls default,dtrace_user

# in ZONE ARGUMENTS: what trace says inside
in_zone() {
	zone=$1
	shift
	zlogin "$zone" "$*" 2>&1
}

# --- who may ---
in_zone plain "trace -qn 'BEGIN { exit(0); }'" | grep -q 'CAP_BPF' || fail "a zone without the privilege: $(in_zone plain "trace -qn 'BEGIN { exit(0); }'")"
is "the door of a zone without" "$(in_zone plain 'ls /dev/zone')" "$(printf 'id\nname\nuuid')"
is "begin" "$(in_zone tracer "trace -qn 'BEGIN { printf(\"%d %s \", uid, zonename); exit(3); }'; echo \$?" | tr -d '\n')" "0 tracer 3"
is "a user who is not root" "$(zlogin -l user tracer "trace -qn 'BEGIN { exit(0); }'" 2>&1)" \
	"trace: /dev/zone/trace: Permission denied"
[ "$(in_zone tracer 'grep CapBnd /proc/self/status' | cut -c 15)" = 0 ] || fail "capabilities of the zone"

# --- its own tasks and no others: the same work outside and in another zone meanwhile ---
sh -c 'while :; do cat /dev/null; done' &
noise=$!
zlogin plain 'while :; do cat /dev/null; done' > /dev/null 2>&1 &
cat > z/tracer/root/tmp/own.sh <<'S'
i=0
while [ $i -lt 50 ]; do kill -0 $$; i=$((i + 1)); done
sleep 1
S
got=$(in_zone tracer "trace -qn 'syscall::kill:entry { @[execname, arg0 == pid] = count(); } syscall::execve:return /execname == \"cat\"/ { @cats = count(); }' -c 'sh /tmp/own.sh'")
is "system calls of the zone" "$(echo "$got" | sed '/^ *$/d' | tr -s ' ')" " sh 1 50"
got=$(in_zone tracer "trace -qn 'profile-997 { @[execname] = count(); @kernel = max(arg0); } tick-200ms { n++; } tick-1500ms { printf(\"%d ticks\\n\", n); exit(0); }'")
echo "$got" | grep -q ' cat ' && fail "samples of others: $got"
echo "$got" | grep -qE '^[5-7] ticks' || fail "ticks: $got"
case $(echo "$got" | tail -n 1 | tr -d ' ') in 0 | ticks | '' | *ticks) ;; *) fail "kernel addresses: $got" ;; esac
kill $noise

# --- processes by the zone's own numbers; functions ---
is "target" "$(in_zone tracer "trace -qn 'syscall::kill:entry /pid == \$target/ { n++; } END { printf(\"%d\", n); }' -c 'sh /tmp/own.sh'" | tr -d '\n')" 50
is "a process outside" "$(in_zone tracer "trace -qn 'BEGIN { exit(0); }' -p 99999")" "trace: failed to grab pid 99999: No such process"
is "without dtrace_proc" "$(in_zone calls "trace -qn 'BEGIN { exit(0); }' -p 1")" "trace: failed to grab pid 1: the zone lacks the privilege dtrace_proc"
if [ -x "$FUNCS" ]; then
	cp "$FUNCS" z/tracer/root/bin/funcs
	[ -z "$SHIFT" ] || "$BUSYBOX" chown "$(base_of tracer):$(base_of tracer)" z/tracer/root/bin/funcs
	is "functions" "$(in_zone tracer "trace -qn 'pid\$target:a.out:work:entry { @[probefunc, arg0] = count(); @[\"stack\", ustackdepth > 0] = count(); }' -c /bin/funcs" | sed '/^ *$/d' | tr -s ' ')" " stack 1 3
 work 7 3"
	in_zone tracer "trace -qn 'pid\$target:a.out:work:entry { ustack(); exit(0); }' -c /bin/funcs" | grep -q 'funcs`work' ||
		fail "symbols of the zone's programs: $(in_zone tracer "trace -qn 'pid\$target:a.out:work:entry { ustack(); exit(0); }' -c /bin/funcs")"
fi

# --- what it may not say: each line one program ---
while IFS= read -r d; do
	out=$(in_zone tracer "trace -qn '$d' -c true")
	case $out in
	*'not permitted in a zone'* | *'does not match any probes'* | *'failed to resolve'* | *'undefined'* | *'ot permitted in a zone'* | *'in a zone at most'* | *'incompatible with'* | *'BEGIN, END, ERROR'*) ;;
	*) fail "allowed: $d: $out" ;;
	esac
done << 'END'
BEGIN { trace(curthread->pid); exit(0); }
BEGIN { trace(*(int *)0xffffffff81000000); exit(0); }
BEGIN { trace(`jiffies); exit(0); }
BEGIN { trace(stringof(0xffffffff81000000)); exit(0); }
BEGIN { trace((string)(char *)arg0); exit(0); }
syscall:::entry { trace(((struct task_struct *)arg0)->pid); }
syscall:::entry { this->p = (char *)arg0; trace(this->p[0]); }
syscall:::entry { trace(((char *)arg0)[1]); }
syscall:::entry { trace(strlen((char *)arg0)); }
syscall:::entry { trace(strjoin((char *)arg0, "x")); }
syscall:::entry { printf("%s", stringof(arg0)); }
syscall:::entry { printf("%a", arg0); }
syscall:::entry { tracemem(arg0, 64); }
syscall:::entry { print((struct task_struct *)arg0); }
syscall:::entry { stack(); }
syscall:::entry { @[stack()] = count(); }
syscall:::entry { trace(caller); }
syscall:::entry { trace(sym(arg0)); }
syscall:::entry { this->p = alloca(8); }
syscall:::entry { trace(*(int *)copyin(arg0, 4)); }
syscall:::entry { bcopy((void *)arg0, (void *)arg1, 8); }
syscall:::entry { trace(curpsinfo->pr_pid); }
syscall:::entry { trace(fds[0].fi_name); }
syscall:::entry { trace(cwd); }
syscall:::entry { trace(d_path((struct path *)arg0)); }
syscall:::entry { trace(inet_ntoa((uint32_t *)arg0)); }
syscall:::entry { trace(mutex_owned((struct mutex *)arg0)); }
syscall:::entry { x[0] = &x; }
syscall:::entry / *(int *)arg0/ { trace(1); }
syscall:::entry { @[*(long *)arg0] = count(); }
syscall:::entry { @ = sum(*(long *)arg0); }
syscall:::entry { self->x = (struct task_struct *)arg0; trace(self->x->pid); }
BEGIN { trace(copyinstr(0x400000)); exit(0); }
BEGIN { ustack(); exit(0); }
tick-10ms { trace(ucaller); exit(0); }
ERROR { trace(copyinstr(arg4)); }
BEGIN { raise(9); exit(0); }
BEGIN { system("id"); exit(0); }
BEGIN { freopen("/tmp/x"); exit(0); }
BEGIN { setopt("bufsize", "1g"); exit(0); }
syscall:::entry { copyout((void *)arg0, arg1, 4); }
fbt:::entry { trace(1); }
proc:::exec { trace(1); }
sched:::on-cpu { trace(1); }
rawtp:::sched_switch { trace(1); }
sdt:::sched_switch { trace(1); }
io:::start { trace(1); }
tcp:::send { trace(1); }
zfs:::txg-sync-start { trace(1); }
pid1:::entry { trace(1); }
#pragma D option destructive
#pragma D option bufsize=1g
END
# Declarations stand in scripts only.
for d in 'char *p; syscall:::entry { p = arg0; trace(*p); }' 'int a[4]; syscall:::entry { trace(a[arg0]); }' \
	'struct s { int a; }; struct s v; syscall:::entry { v.a = 1; trace(v.a); }' \
	'inline int peek = *(int *)arg0; syscall:::entry { trace(peek); }' \
	'struct o { int a; }; translator struct o < int T > { a = *(int *)0; }; syscall:::entry { trace(xlate <struct o> (pid).a); }'; do
	echo "$d" > z/tracer/root/tmp/script.d
	in_zone tracer 'trace -qs /tmp/script.d -c true' | grep -q 'not permitted in a zone' ||
		fail "allowed: $d: $(in_zone tracer 'trace -qs /tmp/script.d -c true')"
done
for o in '-w -n BEGIN' '-S -n BEGIN' '-z tracer -n BEGIN' '-x bpflog -n BEGIN' '-x bufsize=1g -n BEGIN' '--flame /tmp/x' '-x aggsize=1t -n BEGIN'; do
	in_zone tracer "trace $o" | grep -qi 'not permitted in a zone\|in a zone at most' || fail "allowed: $o: $(in_zone tracer "trace $o")"
done
is "a listing" "$(in_zone tracer 'trace -l' | awk 'NR > 1 { print $2 }' | sort -u | tr '\n' ' ')" "dtrace profile syscall "

# --- nonsense on the socket; an end without a word; bounds; the zone's end ---
brokers() { cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\0' ' ' | grep -o 'trace --broke[r]' | wc -l; }
settled() { n=0; while [ "$(brokers)" != 0 ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done; is "brokers left $1" "$(brokers)" 0; }
settled first
if [ -x "$FUNCS" ]; then
	in_zone tracer "funcs nonsense" > /dev/null
	is "the supervisor after nonsense" "$(in_zone tracer "trace -qn 'BEGIN { printf(\"on\"); exit(0); }'" | tr -d '\n')" on
fi
settled nonsense
zlogin tracer "trace -qn 'syscall:::entry { @[execname] = count(); }' & sleep 1; kill -9 \$!" > /dev/null 2>&1
settled killed
zlogin tracer 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do trace -qn "tick-60s { exit(0); }" & done; sleep 30' > /dev/null 2>&1 &
sleep 3
n=$(brokers)
[ "$n" = 8 ] || fail "$n tracers at once, expected 8"
zoneadm -z tracer halt || fail "halt with tracers"
settled
zoneadm -z tracer boot || fail "boot again"
is "after a boot" "$(in_zone tracer "trace -qn 'BEGIN { printf(\"on\"); exit(0); }'" | tr -d '\n')" on
[ $failures = 0 ]
