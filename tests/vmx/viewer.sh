# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Out here, beside a rig: a VNC client from another host. The machine's port 5901 in the rig is $port of this machine.
#
#	rig OPTIONS SCRIPT FILE...   tests/vm/run in the background; what it says goes to ./out
#	said TEXT                    wait until it has said the line TEXT; false when it has ended
#	shot [OPTIONS]               tests/vmx/vncshot: keys, and a picture in ./shot.ppm
#	expect PART COMMAND...       PART is in what the command prints
failed=
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export QEMU_ARGS="-netdev user,id=vnc,restrict=on,net=10.9.0.0/24,hostfwd=tcp:127.0.0.1:$port-10.9.0.15:5901"
QEMU_ARGS+=" -device virtio-net-pci,netdev=vnc,romfile=,mac=52:54:00:00:00:99"

need() {
	for t in "$@"; do
		command -v "$t" > /dev/null || { echo "needs $t"; exit 77; }
	done
}
rig() {
	: > out
	"$TOP/tests/vm/run" "$@" > out 2>&1 &
	rig=$!
}
said() {
	until grep -q "^$1$" out; do
		kill -0 "$rig" 2> /dev/null || return 1
		sleep 0.2
	done
}
shot() { timeout -s KILL 60 "$TOP/tests/vmx/vncshot" "tcp:127.0.0.1:$port" shot.ppm "$@"; }
expect() {
	local want=$1 got
	shift
	got=$("$@" 2>&1) || true
	[[ $got == *"$want"* ]] || { echo "FAILED: $*: '$got', expected '$want'"; failed=1; }
}
