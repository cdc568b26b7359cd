#!/bin/bash
# SPDX-License-Identifier: MIT
# host
#
# Typed on the serial console: the wizard refuses what is no address, makes the machine, gives a login
# that takes the new password, and does not ask again, neither then nor after a reboot.
set -eu
cd "${TMP:-$(mktemp -d)}"
truncate -s 512M disk0.img disk1.img
exec 9>"${TMPDIR:-/tmp}/smartbox-vm.lock"
flock 9

boot() {
	seen=
	coproc VM { DISKS=$PWD MEMORY=512 exec timeout -s KILL 240 "$TOP/tests/vm/shell" 2>&1; }
}

# Read the console until it shows $1; what it showed is in $seen.
expect() {
	local c
	while [[ $seen != *"$1"* ]]; do
		IFS= read -r -t 120 -n 1 -d '' -u "${VM[0]}" c ||
			{ echo "the console never showed '$1', but:"; printf '%s' "$seen" | tail -n 30; kill "$VM_PID"; exit 1; }
		seen+=$c
	done
	seen=${seen#*"$1"}
}

# Answer ($2, and enter) to the question $1.
answer() { expect "$1"; printf '%s\r' "$2" >&"${VM[1]}"; }

login() {
	answer "login:" root
	answer "Password:" secret
	expect "#"
}

power_off() {
	printf 'poweroff\r' >&"${VM[1]}"
	wait "$VM_PID" || { echo "the machine ended with $?"; exit 1; }
}

boot
answer "Name of this machine" typed
answer "Address" 300.1.2.3
expect "'300.1.2.3' is not an address."
answer "Address" 10.9.8.7
answer "Netmask" ""
answer "Gateway" ""
answer "Resolvers" ""
answer "Password of root" secret
answer "Again" secret
answer "Disks of the pool" "vda vda"
expect "vda is named twice."
answer "Disks of the pool" ""
answer "Type yes" yes
expect "setup: done"
login
printf 'hostname; zpool list -H -o name,health; cat /proc/net/fib_trie | grep -c 10.9.8.7\r' >&"${VM[1]}"
expect typed
expect $'zones\tONLINE'
power_off

boot
login
[[ $seen != *"Name of this machine"* ]]
power_off
