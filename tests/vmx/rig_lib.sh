# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the rig: what the scripts about machines share.
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
die() { fail "$@"; cat /run/smartbox/zone/*.log 2> /dev/null; exit 1; }
must() { "$@" || fail "status $? of: $*"; }
gives() { # WANT COMMAND...
	want=$1
	shift
	got=$("$@" 2>&1) || { fail "status $? of: $* ($got)"; return; }
	[ "$got" = "$want" ] || fail "$*: '$got', expected '$want'"
}
refuses() { # PART-OF-MESSAGE COMMAND...
	part=$1
	shift
	got=$("$@" 2>&1) && { fail "should have failed: $*"; return; }
	case $got in *"$part"*) ;; *) fail "$*: '$got' does not say '$part'" ;; esac
}
wait_for() { # SECONDS TEXT FILE
	i=0
	while [ $i -lt "$1" ]; do
		grep -q "$2" "$3" 2> /dev/null && return 0
		sleep 1
		i=$((i + 1))
	done
	fail "no '$2' in $1 seconds"
	return 1
}
gone() { # SECONDS PID: it ends by then
	i=0
	while [ $i -lt "$1" ] && [ -e "/proc/$2" ]; do
		sleep 1
		i=$((i + 1))
	done
	[ ! -e "/proc/$2" ]
}
say() { echo "$(cut -d' ' -f1 /proc/uptime): $*"; }

# A pool on the first disk, a nic tag with the host on it, machines' consoles in con.NAME.
rig_up() {
	modprobe -q fuse
	modprobe -q nbd
	zpool create -f zones vda || die "no pool"
	must dladm create-etherstub stub0
	must dladm create-vnic -l stub0 host0
	ip addr add 10.77.0.1/24 dev host0
	ip link set host0 up
}
# The machine's console goes to a file; what is written to descriptor 3 goes to the machine.
console_of() { # UUID FILE
	[ -p keys ] || mkfifo keys
	exec 3<> keys
	vmadm console "$1" <&3 > "$2" &
	console=$!
}
# A picture of its display, for who runs this: tests/vmx/pictures takes them out of the output.
picture() { # UUID NAME
	must vmadm sysrq "$1" screenshot
	echo "picture $2 $(gzip -9 < "/zones/$1/root/tmp/vm.ppm" | base64 | tr -d '\n')"
}
# Where a port of the host's leads to: port 5901 of 10.9.0.15 (tests/vmx/viewer.sh).
vnc_up() {
	for d in /sys/class/net/*; do
		[ "$(cat "$d/address")" = 52:54:00:00:00:99 ] || continue
		ip link set "${d##*/}" up
		ip addr add 10.9.0.15/24 dev "${d##*/}"
	done
}
