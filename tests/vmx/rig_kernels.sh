#!/bin/sh
# SPDX-License-Identifier: MIT
# In the rig: Debian's two kernels boot directly to an init, on 1, 2 and 4 processors; one reboots first.
. ./rig_lib.sh
boot() { # KERNEL PROCESSORS MORE...: to the power-off
	k=$1 c=$2
	shift 2
	vmx run -c "$c" -m 192M -k "$k" -i initrd -r -B -j 12345 -v -s file:said -a "console=ttyS0 quiet panic=-1" "$@" ||
		fail "status $? of $k on $c processors"
	cat said
	grep -q "guest: .* on $c processors" said && ! grep "guest: .* processors" said | grep -qv " on $c " || fail "$k on $c processors did not come to its init"
	say "$k $c"
	rm -f said
}
dd if=/dev/zero of=mark bs=64k count=1 2> /dev/null
boot vmlinuz-stock 2 -d mark 2> log
cat log
grep -q "1 resets" log || fail "the guest could not reboot"
boot vmlinuz-cloud 4
boot vmlinuz-cloud 1
[ $failures = 0 ]
