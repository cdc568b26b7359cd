#!/bin/sh
# SPDX-License-Identifier: MIT
# In a VM: the tests of zones on the image's own kernel, in a root file system without id-mapped mounts.
here=$(pwd)
export ZONE_LIB=$here/lib.sh PROBE=$here/probe FUNCS=$here/funcs BUSYBOX=/bin/busybox SHIFT=1
TRACE_BINARY=$(readlink -f "$(command -v trace)")
export TRACE_BINARY
status=0
modprobe smartbox
for t in ${ZONE_TESTS:-lifecycle isolation caps trace}; do
	mkdir "/run/$t" && cd "/run/$t" || exit 1
	if sh "$here/$t.sh"; then
		echo "ok $t"
	else
		echo "FAILED $t"
		cat run/zone/*.log
		status=1
	fi
done
exit $status
