# SPDX-License-Identifier: MIT
# A zone lives: boots, is entered, reboots and halts by command and by itself, outlives its supervisor.
. "${ZONE_LIB:-./lib.sh}"

new_zone one 'add attr; set name=tmpfs; set type=uint; set value=8; end'

# --- boot, enter ---
truncate -s 64M disk && zpool create -m "$PWD/mnt" other "$PWD/disk" || fail "a pool"
zoneadm -z one boot || fail "boot"
is "state after boot" "$(state_of one)" running
is "a filesystem that was mounted when it booted is not in use by it" "$(zpool destroy other 2>&1)" ""
is "booting twice says so, and is no failure" "$(zoneadm -z one boot 2>&1; echo $?)" \
	"zoneadm: zone 'one': is already running.
0"
is "exit status" "$(zlogin one 'exit 7'; echo $?)" 7
is "death by signal" "$(zlogin one 'kill -9 $$' 2> /dev/null; echo $?)" 137
is "standard input and output" "$(echo hello | zlogin one cat)" hello
is "standard error is apart" "$(zlogin one 'echo x >&2' 2> /dev/null)" ""
is "host name" "$(zlogin one hostname)" one
is "zone name inside" "$(zlogin one cat /dev/zone/name)" one
is "user" "$(zlogin one 'id -u')" 0
is "another user" "$(zlogin -l user one 'id -u; id -G; pwd')" "1000
1000 2000
/tmp"
is "an unknown user" "$(zlogin -l nobody one true 2>&1; echo $?)" "zlogin: nobody: No such file or directory
1"
is "environment" "$(zlogin one 'echo $HOME $USER $LOGNAME $SHELL $SMARTBOX_RUN')" "/root root root /bin/sh"
is "safe mode needs no password file" \
	"$(mv z/one/root/etc/passwd p; zlogin -S one 'echo in'; mv p z/one/root/etc/passwd)" in
is "a terminal of the zone" "$(printf 'tty; exit 3\n' | zlogin -i -Q one sh | grep -c '^/dev/pts/[0-9]')" 1
is "-n" "$(echo no | zlogin -n one cat)" ""
is "only the zone's processes are seen" "$(zlogin one 'ls -d /proc/[0-9]*' | wc -l)" 2
is "/tmp is as large as configured" "$(zlogin one 'mount' | grep -c '/tmp type tmpfs.*size=8192k')" 1

# --- files keep small ids on disk ---
zlogin one 'echo data > /root/f; chown 1000:1000 /root/f 2> /dev/null || busybox chown 1000:1000 /root/f'
id=1000
[ -z "$SHIFT" ] || id=$((id + $(base_of one)))
is "ids on disk" "$(stat -c '%u:%g' z/one/root/root/f)" "$id:$id"

# --- reboot and halt, from outside and from inside ---
before=$(id_of one)
zoneadm -z one reboot || fail "reboot"
is "state after reboot" "$(state_of one)" running
[ "$(id_of one)" != "$before" ] || fail "a boot gets a new id"
before=$(id_of one)
zlogin one 'busybox reboot -f' > /dev/null 2>&1
i=0
while case $(id_of one) in "$before" | -) [ $i -lt 50 ] ;; *) false ;; esac; do
	sleep 0.1
	i=$((i + 1))
done
wait_for running one
[ "$(id_of one)" != "$before" ] || fail "reboot(2) inside did not reboot the zone"
zlogin one 'busybox poweroff -f' > /dev/null 2>&1
wait_for installed one
is "data is still there" "$(cat z/one/root/root/f)" data

# --- ready ---
zoneadm -z one ready || fail "ready"
is "ready has an id" "$(zoneadm list -n)" one
is "but cannot be entered" "$(zlogin one true 2>&1)" \
	"zlogin: zone 'one': zone is not running; currently in state 'ready'."
zoneadm -z one halt || fail "halt of a ready zone"
is "halted before it ran" "$(state_of one)" installed
zoneadm -z one ready || fail "ready again"
zoneadm -z one boot || fail "boot from ready"
is "running" "$(zlogin one 'echo yes')" yes

# --- shutdown asks init; rc.local's children get a signal ---
printf '#!/bin/sh\ntrap "echo stopped > /root/how; exit" TERM\nwhile :; do sleep 0.1; done\n' \
	> z/one/root/etc/rc.local
chmod 755 z/one/root/etc/rc.local
zoneadm -z one reboot || fail "reboot with rc.local"
sleep 0.3
zoneadm -z one shutdown -t 20 || fail "shutdown"
is "state after shutdown" "$(state_of one)" installed
is "processes were asked" "$(cat z/one/root/root/how)" stopped
rm -f z/one/root/etc/rc.local
zoneadm -z one boot || fail "boot after shutdown"
zoneadm -z one shutdown -r || fail "shutdown -r"
is "state after shutdown -r" "$(state_of one)" running

# --- an init of one's own, and one that is missing ---
zoneadm -z one halt
is "a missing init is named" "$(zoneadm -z one boot -- -i /no/init 2>&1; echo $?)" \
	"zoneadm: zone 'one': cannot execute /no/init: No such file or directory
1"
is "and leaves nothing" "$(state_of one) $(ls -A run/zone | grep -c 'state\|sock')" "installed 0"
printf '#!/bin/sh\necho "init $*" > /dev/console\nexec sleep 1000\n' > z/one/root/sbin/myinit
chmod 755 z/one/root/sbin/myinit
(sleep 0.5; zoneadm -z one boot -- -i /sbin/myinit -s; sleep 0.3; zoneadm -z one halt) &
console=$(sleep 4 | zlogin -C -d -Q one)
wait
is "the console saw it all" "$(echo "$console" | tr -d '\r' | grep -v '^$')" "[NOTICE: Zone booting up]
init single
[NOTICE: Zone halted]"

# --- a symlink where the supervisor mounts is no door ---
for d in proc sys dev run; do
	rm -rf "z/one/root/$d"
	ln -s /etc "z/one/root/$d"
	zoneadm -z one boot > out 2>&1 && fail "booted with a symlink at /$d"
	is "symlink at /$d" "$(cat out)" \
		"zoneadm: zone 'one': /$d in the zone's root is not a directory"
	rm "z/one/root/$d"
done

# --- the supervisor dies; the zone does not ---
zoneadm -z one boot || fail "boot after symlinks"
kill -9 "$(zoned_of one)"
is "still running" "$(state_of one)" running
is "can be entered" "$(zlogin one 'echo adopted')" adopted
is "with a terminal" "$(printf 'tty; exit\n' | zlogin -i -Q one sh | grep -c '^/dev/pts/[0-9]')" 1
zoneadm -z one halt || fail "halt of an adopted zone"
is "halted" "$(state_of one)" installed

# --- both at once: supervisor and zone ---
zoneadm -z one boot
init=$(sed -n 's/^init \([0-9]*\).*/\1/p' run/zone/one.state)
kill -9 "$(zoned_of one)" "$init"
sleep 0.2
is "a dead zone is not listed as live" "$(state_of one)" installed
zoneadm -z one boot || fail "boot over the remains"
is "which were removed" "$(zlogin one 'echo yes')" yes

# --- nothing is left behind ---
zoneadm -z one halt
sleep 0.3 # the supervisor answers, and then leaves
is "run directory" "$(ls -A run/zone | grep 'state\|sock\|\.id')" ""
is "mounts" "$(grep -c "$PWD/z" /proc/mounts)" 0
zoneadm -z one uninstall -F || fail "uninstall"
zonecfg -z one 'delete -F' || fail "delete"
is "zones at the end" "$(zoneadm list -c)" global
[ $failures = 0 ]
