# SPDX-License-Identifier: MIT
# What the tests of real zones share: a private world, a root made of one static busybox, checks.
# Runs under bash here and under busybox's ash in a VM.

failures=0
export SMARTBOX_ETC=$PWD/etc SMARTBOX_RUN=$PWD/run
mkdir -p etc run z
chmod 755 .

skip() {
	echo "$*"
	exit 77
}

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# is WHAT GOT EXPECTED
is() {
	[ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"
}

# root_of ZONE: fill its root
root_of() {
	local r=z/$1/root applet
	mkdir -p $r/bin $r/sbin $r/etc $r/tmp $r/root
	cp "$BUSYBOX" $r/bin/busybox
	for applet in sh cat echo hostname id ip kill ls mkdir mknod mount ping ps sleep true umount; do
		ln -sf busybox $r/bin/$applet
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n' > $r/etc/passwd
	printf 'root:x:0:\nuser:x:1000:\nplay:x:2000:other,user\n' > $r/etc/group
}

# Where the kernel cannot map ids of this file system, the files get the zone's ids themselves, as a
# FUSE server that shifts shows them. base_of ZONE: the first of them
base_of() {
	local slot
	slot=$(sed -n "s/^zone \([0-9]*\) $1\$/\1/p" etc/zones/ranges)
	echo $((268435456 + slot * 65536))
}

shift_ids() {
	local message
	message=$(zoneadm -z "$1" boot 2>&1) && fail "$1 booted without id-mapped mounts"
	is "the refusal" "$message" "zoneadm: zone '$1': the zone root's file system has no id-mapped mounts \
on this kernel; mount it with the zone's ids (base $(base_of "$1"))"
	"$BUSYBOX" chown -hR "$(base_of "$1"):$(base_of "$1")" "z/$1/root"
}

# new_zone NAME [PROPERTY COMMANDS]: configured and installed, with a root
new_zone() {
	zonecfg -z "$1" "create; set zonepath=$PWD/z/$1; $2" || fail "zonecfg of $1"
	zoneadm -z "$1" install 2> /dev/null || fail "install of $1"
	root_of "$1"
	[ -z "$SHIFT" ] || shift_ids "$1"
}

state_of() { zoneadm -z "$1" list -p | cut -d: -f3; }
id_of() { zoneadm -z "$1" list -p | cut -d: -f1; }
zoned_of() { sed -n 's/^zoned //p' "run/zone/$1.state"; }

# wait_for STATE ZONE: at most five seconds
wait_for() {
	local i=0
	while [ $i -lt 50 ]; do
		[ "$(state_of "$2")" = "$1" ] && return 0
		sleep 0.1
		i=$((i + 1))
	done
	fail "zone $2 is $(state_of "$2"), not $1"
}

halt_all() {
	local z
	for z in $(zoneadm list -n); do
		zoneadm -z "$z" halt
	done
}
trap halt_all EXIT

BUSYBOX=${BUSYBOX:-/bin/busybox}
[ "$(id -u)" = 0 ] || skip "needs root"
[ -x "$BUSYBOX" ] || skip "needs busybox-static"
