#!/bin/sh
# The companion module: registers a pid namespace as a zone, tells its tasks' zone id, forgets a zone
# whose init has ended, and unloads cleanly.
# vm: -a noimport
set -eu
fail() { echo "FAIL: $*"; dmesg | tail -n 20; exit 1; }

modprobe smartbox
p=/proc/smartbox
[ "$(cat $p/self)" = 0 ] || fail "the global zone is not 0"
[ -z "$(cat $p/zones)" ] || fail "zones before any was registered"

mkfifo /run/go
# A pid namespace with an init that sleeps; the pid seen from here is the child of unshare.
unshare -m -p -f sh -c 'mount -t proc proc /proc; cat /proc/smartbox/self; read x < /run/go; cat /proc/smartbox/self; (sleep 1000 & sleep 1000)' > /run/inside 2>&1 &
parent=$!
sleep 1
init=$(cat /proc/$parent/task/$parent/children)
init=${init%% *}
[ -n "$init" ] || fail "no init"

echo "7 web $init" > $p/register
[ "$(cat $p/zones)" = "7 web $init" ] || fail "zones: $(cat $p/zones)"
grep -qx "$init 7" $p/tasks || fail "init's zone: $(grep "^$init " $p/tasks)"
grep -qx "1 0" $p/tasks || fail "process 1 is not global"
echo > /run/go
sleep 1
[ "$(sed -n 1p /run/inside)" = 0 ] || fail "zone id before registration: $(cat /run/inside)"
[ "$(sed -n 2p /run/inside)" = 7 ] || fail "zone id from inside: $(cat /run/inside)"
[ "$(grep -c ' 7$' $p/tasks)" -ge 2 ] || fail "the zone's children are not in it"

# Orders that must be refused.
for order in "7 other $init" "8 web $init" "9 again $init" "0 zero $init" "5 glob 1" "5 a/b $init" "x" \
	"5 gone 99999" "-12"; do
	! (echo "$order" > $p/register) 2>/dev/null || fail "accepted: $order"
done
[ "$(cat $p/zones)" = "7 web $init" ] || fail "a refused order changed the list"

kill -9 "$init"
sleep 1
[ -z "$(cat $p/zones)" ] || fail "a dead zone is listed"

rmmod smartbox
[ ! -e $p ] || fail "files stay after unloading"
# Load and unload with zones registered, under readers.
for i in 1 2 3 4 5 6 7 8 9 10; do
	modprobe -q smartbox
	unshare -p -f sleep 1000 &
	parent=$!
	sleep 0.1
	init=$(cat /proc/$parent/task/$parent/children)
	echo "$i z$i ${init%% *}" > $p/register
	(while cat $p/tasks $p/zones; do :; done) > /dev/null 2>&1 &
	rmmod smartbox || fail "busy"
	kill -9 ${init%% *}
done
wait
! dmesg | grep -E 'BUG:|WARNING:|Oops|refcount_t|rcu.*stall' || fail "the kernel complains"
echo "module: ok"
