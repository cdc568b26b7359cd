#!/bin/sh
# SPDX-License-Identifier: MIT
# In the rig: a hostile guest under a jailed monitor for SECONDS_ (20), begun again whenever it ends itself.
failures=0 rounds=0 end=$(($(date +%s) + ${SECONDS_:-20}))
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

modprobe -q tun
head -c 32768 /dev/urandom > canary
cp canary canary.was
echo 'not for guests' > secret
chmod 600 secret
dmesg > before
chmod 711 .
while [ "$(date +%s)" -lt $end ]; do
	rounds=$((rounds + 1))
	head -c 1048576 /dev/zero > d
	cp d i
	cp d c
	cp d s
	timeout -s KILL $((end - $(date +%s) + 5)) vmx run -k hostile -a "0.$rounds" -c 2 -m 64M -d d -d i,ide -d c,cd -d s,ahci -r -B -x file:con \
		-y 3,v -G vgabios-stdvga.bin -n tap0 -n tap1,e1000 -V vnc -C ctl -s file:said -j 12345 > out 2> err &
	vm=$!
	i=0
	while [ $i -lt 40 ] && kill -0 $vm 2> /dev/null && [ "$(date +%s)" -lt $end ]; do
		[ $i != 10 ] || { ip link set tap0 up; ip link set tap1 up; } 2> /dev/null
		sleep 0.2
		i=$((i + 1))
	done
	monitor=$(pidof vmx)
	for p in $monitor; do
		grep -q '^CapEff:.*0000000000000000$' /proc/$p/status && grep -q '^Uid:.12345' /proc/$p/status ||
			[ ! -e /proc/$p ] || grep -q '^Name:.timeout' /proc/$p/status || fail "the monitor has more rights than it should"
		kill -TERM $p 2> /dev/null
		sleep 0.2
		kill -TERM $p 2> /dev/null
	done
	wait $vm
	status=$?
	# 0 it powered off, 1 KVM could not go on with it, 3 we ended it
	case $status in
	0 | 1 | 3) ;;
	*) fail "round $rounds: the monitor ended with status $status: $(cat err)" ;;
	esac
	[ $status = 1 ] && cat err
	[ "$(stat -c %s d)" = 1048576 ] && [ "$(stat -c %s i)" = 1048576 ] || fail "a disk changed its size"
	[ "$(sha256sum < c)" = "$(head -c 1048576 /dev/zero | sha256sum)" ] || fail "the CD was written"
done
echo "$rounds rounds"
cmp canary canary.was || fail "a file of the host changed"
dmesg > after
diff before after | grep -iE 'bug|oops|warning|segfault|general protection|rcu|hung' && fail "the host's kernel noticed"
[ $failures = 0 ]
