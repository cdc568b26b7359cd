#!/bin/sh
# SPDX-License-Identifier: MIT
# In the rig: a disk of debootstrap and GRUB boots through SeaBIOS from a volume to its login; what a user does then.
. ./rig_lib.sh
rig_up
echo '{ "brand": "kvm", "alias": "debian", "vcpus": 2, "autoboot": false, "ram": 320, "cpu_type": "host",
	"disks": [ { "size": 480, "model": "virtio", "boot": true } ],
	"nics": [ { "nic_tag": "stub0", "model": "virtio", "ip": "10.77.0.2", "netmask": "255.255.255.0", "primary": 1 } ] }' |
	vmadm create || die "create"
vm=$(vmadm lookup -1 alias=debian)
must dd if=/dev/vdb of=/dev/zvol/rdsk/zones/$vm-disk0 bs=1M conv=fsync 2> /dev/null

type_line() { echo "$*" >&3; }
log_in() { # FILE: from GRUB to a shell
	wait_for 60 "GRUB of the disk" "$1" || { cat "$1"; die "GRUB"; }
	say "GRUB"
	wait_for 900 "guest login:" "$1" || { cat "$1"; die "no login"; }
	say "login"
	type_line root
	wait_for 120 "root@guest" "$1" || { cat "$1"; die "no shell"; }
	type_line "stty -echo"
}
answers() { # SECONDS WANT COMMAND: what the guest prints after it
	type_line "echo 'answer''>'\$($3)'<'"
	wait_for "$1" "answer>$2<" con || tail -n 5 con
}

console_of "$vm" con
must vmadm start "$vm"
say "start"
log_in con
answers 60 2 nproc
answers 60 "$vm" "cat /sys/class/dmi/id/product_uuid"
answers 60 " 0% packet loss" "ping -c 3 10.77.0.1 | grep -o ' 0% packet loss'"
ping -c 3 -W 10 10.77.0.2 > /dev/null || fail "no ping in"
./ld-linux-x86-64.so.2 --library-path . ./iperf3 -s > iperf.log 2>&1 &
sleep 2
answers 120 done "iperf3 -c 10.77.0.1 -t 8 -f m > /iperf && iperf3 -R -c 10.77.0.1 -t 8 -f m >> /iperf && echo done"
type_line "grep -h receiver /iperf | sed 's/^/iperf: /'"
answers 300 clean "fio --name=f --filename=/fio --size=24M --rw=randrw --bs=16k --ioengine=libaio --iodepth=8 --direct=1 --verify=crc32c --verify_state_save=0 > /fio.log 2>&1 && echo clean"
type_line "sed -n 's/.*\\(read\\|write\\): IOPS/fio: \\1/p' /fio.log"
answers 60 synced "sync; echo synced"
say "measured"
grep -E "^(iperf|fio):" con

# Reboot: asked for by the button, done by its init; then a reset, and the button once more.
: > con
must vmadm reboot "$vm"
say "rebooted"
log_in con
answers 60 "/fio" "ls /fio"
must vmadm stop "$vm" -t 300
say "stopped"
gives stopped sh -c "vmadm get $vm | json state"
must zpool export zones
[ $failures = 0 ]
