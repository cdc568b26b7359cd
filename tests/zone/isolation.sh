# SPDX-License-Identifier: MIT
# What root of a zone cannot do. Each attempt is made outside too, where it must work if it harms nobody.
. "${ZONE_LIB:-./lib.sh}"

mkdir shared && echo public > shared/file
new_zone cell 'add fs; set dir=/shared; set special='"$PWD"'/shared; set type=lofs; add options ro; end'
new_zone other
cp "$PROBE" z/cell/root/bin/probe

"$PROBE" -l > /dev/null &
outside=$!
zoneadm -z cell boot || fail "boot of cell"
zoneadm -z other boot || fail "boot of other"
zlogin cell probe $outside > inside.txt 2>&1
"$PROBE" -c $outside > outside.txt 2>&1
kill $outside
rm -rf /tmp/probe.??????

# What each attempt must have come to; alternatives are for kernels without the thing.
while read -r name want; do
	got=$(sed -n "s/^$name //p" inside.txt)
	case "|$want|" in
	*"|$got|"*) ;;
	*) fail "inside: $name: '$got', expected $want" ;;
	esac
	case $(sed -n "s/^$name //p" outside.txt) in
	'' | ok) ;;
	*) fail "outside: $name: $(sed -n "s/^$name //p" outside.txt): the attempt proves nothing" ;;
	esac
done << 'END'
node_block EPERM
node_mem EPERM
node_on_own_tmpfs EPERM
mount_ext4 EPERM|ENODEV
mount_proc EPERM
mount_sysfs EPERM
mount_cgroup1 refused
mount_debugfs EPERM|ENODEV
unmask EINVAL
unmount_proc_sys EINVAL
unmount_proc EINVAL
remount_sys EPERM
remount_proc_sys EPERM
core_pattern masked
sysrq masked
kcore masked
kallsyms masked
kmsg masked
dev_mem ENOENT
dev_kmsg ENOENT
write_sysctl EACCES|EROFS
write_sys EROFS
init_root EACCES
init_exe EACCES
init_mem EACCES
init_ptrace EPERM
kill_outside ESRCH
pidfd_outside ESRCH|EINVAL
ptrace_outside ESRCH
unshare_user EPERM
clone_user EPERM
foreign_id EINVAL
af_alg EAFNOSUPPORT
af_vsock EAFNOSUPPORT
af_packet ok
clock_set EPERM
time_adjust EPERM
kernel_log EPERM
io_port EPERM
swap EPERM
module_load EPERM
module_fd EPERM
module_unload EPERM
kexec EPERM
session_keyring EPERM
key_add EPERM
bpf_map EPERM
perf EPERM
uffd EPERM
uring ENOSYS
by_handle EPERM
persona EPERM
acct_on EPERM
clone3_call ENOSYS
unknown_call ENOSYS
inject_input EPERM
abstract_socket ECONNREFUSED
own_limits EACCES|ENOENT
upper_cgroup ENOENT|EACCES
chroot_escape contained
call_i386 killed
call_x32 killed
leaked_descriptors none
inherited_caps none
END

# --- files ---
is "a read-only lofs can be read" "$(zlogin cell 'cat /shared/file')" public
is "not written" "$(zlogin cell 'echo x > /shared/file' 2>&1 | grep -c 'Read-only')" 1
is "nor made writable" "$(zlogin cell 'mount -o remount,bind,rw /shared' > /dev/null 2>&1; echo $?)" 1
is "nor unmounted" "$(zlogin cell 'umount /shared' > /dev/null 2>&1; echo $?)" 1
is "files of the global zone's users are nobody's" "$(zlogin cell 'busybox stat -c %u /shared/file')" 65534
is "the zonepath is private" "$(stat -c %a z/cell)" 700

# --- the two zones: own ids, own ipc, own network ---
base() { sed -n 's/^base //p' "run/zone/$1.state"; }
[ "$(base cell)" != "$(base other)" ] || fail "two zones share ids"
init=$(sed -n 's/^init \([0-9]*\).*/\1/p' run/zone/cell.state)
is "its root is the first of its ids" "$(sed -n 's/^Uid:.\([0-9]*\).*/\1/p' "/proc/$init/status")" "$(base cell)"
zlogin cell 'echo mine > /dev/shm/x'
is "/dev/shm is apart" "$(zlogin other 'ls /dev/shm')" ""
is "abstract names and ports are apart" "$(zlogin cell 'ip link' | grep -c ': ')" 1

# --- entering: what a zone sees of it ---
is "the supervisor's binary is sealed" "$("$PROBE" -s "/proc/$(zoned_of cell)/exe")" sealed
printf '#!/proc/self/exe\n' > z/cell/root/bin/trap && chmod 755 z/cell/root/bin/trap
sed -i 's|^root:.*|root:x:0:0:root:/root:/bin/trap|' z/cell/root/etc/passwd
before=$(md5sum < "$(command -v zlogin)")
zlogin cell true > /dev/null 2>&1
is "a shell that executes the entering program gets the sealed copy" \
	"$(md5sum < "$(command -v zlogin)")" "$before"
[ $failures = 0 ]
