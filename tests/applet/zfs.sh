#!/bin/bash
# SPDX-License-Identifier: MIT
# zfs: datasets come, change and go; exact output, exact refusals.

. "$TOP/tests/tools/pools.sh"
R=$PWD/root
truncate -s 256M disk
refused 0 "no datasets available" zfs list
refused 1 "cannot create 'tz/a': no such pool 'tz'" zfs create tz/a
zpool create -R "$R" tz "$PWD/disk" || fail "zpool create"

# --- create ---
zfs create tz/a || fail "create"
zfs create -p -o compression=lz4 -o user:word=hello tz/b/c/d || fail "create -p"
refused 1 "cannot create 'tz/a': dataset already exists" zfs create tz/a
zfs create -p tz/a || fail "create -p of what is there"
is "version" "$(zfs version)" "zfs-smartbox-$("$TOP/build/smartbox" -V | sed -n 's/^smartbox //p')"
is "a dry run" "$(zfs create -nv -o atime=off tz/dry)" "would create tz/dry
	atime=off"
is "a dry run with parents, for programs" "$(zfs create -nPp -o atime=off tz/dry/run)" \
	"create_ancestors	tz/dry/run
create	tz/dry/run
property	atime	off"
is "a dry run of a volume" "$(zfs create -nP -b 8k -V 1000000 tz/dry)" "create	tz/dry
property	volblocksize	8192
property	volsize	1007616
property	refreservation	$(zfs create -nP -b 8k -V 1007616 tz/dry | sed -n 's/.*refreservation	//p')"
is "a dry run of a sparse volume" "$(zfs create -nvs -V 1M tz/dry)" "would create tz/dry
	volsize=1048576"
is "a dry run makes nothing" "$(zfs list -Ho name -r tz | grep -c dry)" 0
refused 1 "cannot create 'tz/x/y': parent does not exist" zfs create -n tz/x/y
refused 1 "cannot create 'tz/x': 'atime' must be one of 'on | off', not 'wrong'" zfs create -n -o atime=wrong tz/x
is "create tells" "$(zfs create -v tz/told)" "create tz/told"
zfs destroy tz/told || fail "destroy what was told"
refused 2 "zfs: '-u' can only be used when creating a filesystem
usage: zfs create $(zfs -h | sed -n 's/^  create //p')" zfs create -u -V 1M tz/x
refused 1 "cannot create 'tz/x/y': parent does not exist" zfs create tz/x/y
refused 1 "cannot create 'tz/%': invalid character '%' in name" zfs create tz/%
refused 1 "cannot create 'tz/a@b': snapshot delimiter '@' is not expected here" zfs create tz/a@b
is "all names" "$(zfs list -Ho name)" "tz
tz/a
tz/b
tz/b/c
tz/b/c/d"
is "the heading" "$(zfs list | head -n 1 | tr -s ' ')" "NAME USED AVAIL REFER MOUNTPOINT"
is "one with its mount point" "$(zfs list -Ho name,mountpoint tz/b/c/d)" "tz/b/c/d	$R/tz/b/c/d"
is "mounted" "$(zfs mount | awk '{print $1}' | sort | tr '\n' ' ')" "tz tz/a tz/b tz/b/c tz/b/c/d "
refused 1 "cannot open 'tz/nosuch': dataset does not exist" zfs list tz/nosuch
is "by path" "$(zfs list -Ho name "$R/tz/b/c")" tz/b/c
is "depth" "$(zfs list -Ho name -d 1 tz)" "tz
tz/a
tz/b"
is "sorted backwards" "$(zfs list -Ho name -S name | head -n 1)" tz/b/c/d

# --- properties ---
is "local and inherited" "$(zfs get -r -Ho name,value,source compression tz/b/c)" "tz/b/c	off	default
tz/b/c/d	lz4	local"
is "a user property" "$(zfs get -Ho value,source user:word tz/b/c/d)" "hello	local"
zfs set compression=lz4 quota=64M tz/a || fail "set of two"
is "exact" "$(zfs get -Hpo value quota tz/a)" 67108864
is "in short" "$(zfs get quota tz/a)" "NAME  PROPERTY  VALUE  SOURCE
tz/a  quota     64M    local"
zfs inherit compression tz/a || fail "inherit"
is "inherited again" "$(zfs get -Ho value,source compression tz/a)" "off	default"
refused 1 "'quota' property cannot be inherited
use 'zfs set quota=none' to clear" zfs inherit quota tz/a
refused 2 "zfs: bad property list: invalid property 'nosuch'
usage: zfs get $(zfs -h | sed -n 's/^  get //p')" zfs get nosuch tz
zfs set compression=nosuch tz/a 2> /dev/null && fail "an impossible value was taken"
is "set -> local" "$(zfs get -s local -Ho property all tz/a)" quota
dd if=/dev/zero of="$R/tz/a/big" bs=1M count=80 2> err && fail "a quota was not enforced"
rm -f "$R/tz/a/big"
zfs set quota=none tz/a
is "all about a dataset starts with" "$(zfs get -Ho property all tz/a | head -n 3 | tr '\n' ' ')" "type creation used "

# --- what is fixed when a filesystem is made; versions; what is not here ---
refused 1 "cannot create 'tz/n': this value of 'normalization' is not supported" zfs create -o normalization=formD tz/n
refused 1 "cannot create 'tz/n': this value of 'version' is not supported" zfs create -o version=4 tz/n
zfs create -o casesensitivity=mixed tz/mixed && zfs create -o casesensitivity=insensitive tz/fold || fail "create by case"
touch "$R/tz/mixed/Name" "$R/tz/mixed/name" "$R/tz/fold/Name" "$R/tz/fold/name"
is "names that differ by case" "$(cd "$R/tz" && echo mixed/* fold/*)" "mixed/Name mixed/name fold/Name"
zfs destroy tz/mixed && zfs destroy tz/fold || fail "destroy by case"
is "no old versions" "$(zfs upgrade)" "This system is currently running ZFS filesystem version 5.

All filesystems are formatted with the current version."
is "all of this version" "$(zfs upgrade -r tz/b)" "0 filesystems upgraded
3 filesystems already at this version"
refused 1 "cannot downgrade 'tz/a' from version 5 to 4" zfs upgrade -V 4 tz/a
is "versions" "$(zfs upgrade -v | grep -c '^ [1-5]  ')" 5
refused 1 "cannot load-key: encrypted datasets are not supported" zfs load-key tz/a
refused 1 "cannot program: channel programs are not supported" zfs program tz script

# --- mounting ---
zfs unmount tz/a || fail "unmount"
refused 1 "cannot unmount 'tz/a': not currently mounted" zfs unmount tz/a
zfs mount tz/a || fail "mount"
refused 1 "cannot mount 'tz/a': filesystem already mounted" zfs mount tz/a
zfs set mountpoint=/elsewhere tz/a || fail "set mountpoint"
is "it moved" "$(zfs mount | sed -n 's|^tz/a  *||p')" "$R/elsewhere"
zfs inherit mountpoint tz/a
is "and came back" "$(zfs mount | sed -n 's|^tz/a  *||p')" "$R/tz/a"
zfs set canmount=off tz/a
refused 1 "cannot mount 'tz/a': 'canmount' property is set to 'off'" zfs mount tz/a
zfs set canmount=on mountpoint=legacy tz/a
refused 1 "cannot mount 'tz/a': legacy mountpoint
use mount(8) to mount this filesystem" zfs mount tz/a
zfs inherit mountpoint tz/a
is "mounted again with a path" "$(zfs get -Ho value mounted tz/a)" yes
zfs unmount -a && zfs mount -a || fail "unmount -a, mount -a"
is "all five" "$(zfs mount | wc -l)" 5
flags() { awk -v n="$1" '$1 == n { print $4 }' /proc/mounts | sed 's/,user_id.*//'; }
zfs unmount -u tz/a && zfs mount -flv -o ro,noatime,nosuid tz/a || fail "mount -o"
is "options for one mount" "$(flags tz/a)" ro,nosuid,noatime
zfs set exec=off tz/a
is "which stay when a property changes" "$(flags tz/a)" ro,nosuid,noexec,noatime
zfs mount -o remount,rw,strictatime tz/a || fail "remount"
is "and go with a remount" "$(flags tz/a)" rw,noexec
zfs inherit exec tz/a
refused 1 "cannot mount 'tz/a': invalid mount option 'soft'" zfs mount -o soft tz/a
refused 2 "zfs: empty mount options (-o) specified
usage: zfs mount $(zfs -h | sed -n 's/^  mount //p')" zfs mount -o '' tz/a
is "mount -v" "$(zfs mount -av)" "Mounting ZFS filesystems: (5/5)"
zfs rename -u tz/a tz/z || fail "rename -u"
is "its mount stayed" "$(zfs mount | sed -n 's|^tz/z  *||p')" "$R/tz/a"
zfs rename tz/z tz/a || fail "rename back"
refused 2 "zfs: -p and -r options are mutually exclusive
usage: zfs rename $(zfs -h | sed -n 's/^  rename //p')" zfs rename -pr tz/a@x tz/a@y

# --- access times ---
echo x > "$R/tz/a/read"
touch -d '2020-01-01 00:00:00' "$R/tz/a/read"
touch -ad '2020-01-02 00:00:00' "$R/tz/a/read"
once() { zfs unmount tz/a && zfs mount tz/a && cat "$R/tz/a/read" > /dev/null && stat -c %x "$R/tz/a/read" | cut -c1-10; }
is "off: left" "$(zfs set atime=off tz/a; once)" 2020-01-02
is "relative: a day has passed" "$(zfs set atime=on tz/a; once)" "$(date +%F)"
read_at() { once > /dev/null; stat -c %X "$R/tz/a/read"; }
touch -d '2020-01-01 00:00:00' "$R/tz/a/read" && touch -ad '-1 hours' "$R/tz/a/read" && then=$(stat -c %X "$R/tz/a/read")
sleep 0.1
[ "$(zfs set relatime=off tz/a; read_at)" -gt "$then" ] || fail "strict: every read changes the access time"
zfs inherit relatime tz/a; zfs inherit atime tz/a

# --- waiting ---
zfs wait tz/a && zfs wait -t deleteq tz/a || fail "wait"
refused 2 "zfs: invalid activity 'sleep'
usage: zfs wait $(zfs -h | sed -n 's/^  wait //p')" zfs wait -t sleep tz/a
refused 1 "cannot open 'tz/nosuch': dataset does not exist" zfs wait tz/nosuch
exec 7> "$R/tz/a/open" && rm "$R/tz/a/open"
timeout 1 "$(type -P zfs)" wait tz/a && fail "an open file without a name is waited for"
exec 7>&-
zfs wait tz/a || fail "wait for a file that was closed"

# --- snapshots ---
echo one > "$R/tz/a/f"
zfs snapshot tz/a@1 || fail "snapshot"
echo two > "$R/tz/a/f"
zfs snapshot -r tz@2 || fail "snapshot -r"
echo three > "$R/tz/a/f"
zfs snapshot tz/a@3 tz/b@3 || fail "two snapshots"
refused 1 "cannot create snapshot 'tz/a@3': dataset already exists
no snapshots were created" zfs snapshot tz/a@3
is "in order of age" "$(zfs list -t snapshot -Ho name tz/a)" "tz/a@1
tz/a@2
tz/a@3"
is "a named one is shown without -t" "$(zfs list -Ho name tz/a@1)" tz/a@1
is "inside" "$(cat "$R/tz/a/.zfs/snapshot/1/f")" one
refused 1 "cannot rollback to 'tz/a@1': more recent snapshots or bookmarks exist
use '-r' to force deletion of the following snapshots and bookmarks:
tz/a@3
tz/a@2" zfs rollback tz/a@1
echo four > "$R/tz/a/f"
zfs rollback tz/a@3 || fail "rollback"
is "rolled back while mounted" "$(cat "$R/tz/a/f")" three
zfs clone tz/a@2 tz/clone || fail "clone"
is "the clone" "$(cat "$R/tz/clone/f") $(zfs get -Ho value origin tz/clone)" "two tz/a@2"
refused 1 "cannot destroy 'tz/a@2': snapshot has dependent clones
use '-R' to destroy the following datasets:
tz/clone" zfs destroy tz/a@2
refused 1 "cannot destroy 'tz/b': filesystem has children
use '-r' to destroy the following datasets:
$(zfs list -t all -Hro name tz/b | sed 1d)" zfs destroy tz/b
is "a dry run names what goes" "$(zfs destroy -nv tz/a@1%3 2>&1 | head -n 1)" "cannot destroy 'tz/a@1': snapshot has dependent clones"
zfs rollback -R tz/a@1 || fail "rollback -R"
is "back at the start" "$(cat "$R/tz/a/f")" one
is "the clone is gone" "$(zfs list -Ho name tz/clone 2>&1)" "cannot open 'tz/clone': dataset does not exist"
for i in 2 3 4 5; do zfs snapshot tz/a@$i; done
is "a range, dry" "$(zfs destroy -nv tz/a@2%4 | head -n 3)" "would destroy tz/a@2
would destroy tz/a@3
would destroy tz/a@4"
zfs destroy tz/a@2%3,5 || fail "destroy of a range and a list"
is "what is left" "$(zfs list -t snapshot -Ho name tz/a | tr '\n' ' ')" "tz/a@1 tz/a@4 "
refused 1 "could not find any snapshots to destroy; check snapshot names." zfs destroy tz/a@nosuch

# --- rename, destroy ---
zfs rename tz/a@4 tz/a@four && zfs rename tz/a tz/b/a || fail "rename"
is "its file moved too" "$(cat "$R/tz/b/a/f")" one
refused 1 "cannot open 'tz/a': dataset does not exist" zfs rename tz/a tz/e
refused 1 "cannot rename 'tz/b/a': dataset already exists" zfs rename tz/b/a tz/b/c
zfs rename -r tz@2 tz@zwei
is "renamed everywhere" "$(zfs list -t snapshot -Ho name | grep -c @zwei)" "$(zfs list -t snapshot -Ho name | grep -c '@zwei\|@2$')"
zfs destroy -r tz/b || fail "destroy -r"
is "the pool's own dataset stays" "$(zfs list -Ho name)" tz
refused 1 "cannot destroy 'tz': operation does not apply to pools
use 'zfs destroy -r tz' to destroy all datasets in the pool
use 'zpool destroy tz' to destroy the pool itself" zfs destroy tz
zfs create -V 10M -b 8K tz/vol || fail "create -V"
is "a volume" "$(zfs get -Hpo value type,volsize,volblocksize tz/vol | tr '\n' ' ')" "volume 10485760 8192 "
is "types" "$(zfs list -Ho name -t volume)" tz/vol
zfs destroy tz/vol || fail "destroy of a volume"

# --- a send that a crash ends ---
zfs create tz/live && head -c 8M /dev/urandom > "$R/tz/live/f" || fail "create what is sent"
mkfifo pipe || fail "mkfifo"
sleep 60 < pipe & holder=$!
timeout 60 "$(type -P zfs)" send tz/live > pipe 2> /dev/null &
for ((i = 0; i < 100; i++)); do zfs list -Ho name -t snapshot | grep -q zfs-send && break; sleep 0.1; done
is "what is sent is a snapshot for a while" "$(zfs list -Ho name -t snapshot | grep -c 'tz/live@zfs-send-')" 1
kill -9 "$(poold_pid tz)"; kill "$holder"; wait
is "which the next import takes away" "$(zfs list -Ho name -t snapshot | grep -c 'tz/live@zfs-send-')" 0
zfs send tz/live > /dev/null || fail "send"
is "and so does the end of a send" "$(zfs list -Ho name -t snapshot | grep -c 'tz/live@zfs-send-')" 0
zfs destroy tz/live || fail "destroy of what was sent"

# --- careless and hostile command lines ---
refused 1 "cannot create '': empty component or misplaced '@' or '#' delimiter in name" zfs create ''
refused 1 "cannot create '/': leading slash in name" zfs create /
refused 1 "zfs: invalid character (shown as '?') in argument 'tz/a?b'" zfs create $'tz/a\nb'
refused 1 "cannot create 'tz/x': out of space" zfs create -V 1E tz/x
refused 1 "cannot create 'tz/x': out of space" zfs create -o refreservation=1T tz/x
refused 1 "cannot create 'tz/x': size is greater than available space" zfs create -o reservation=1T tz/x
zfs create tz/odd && zfs snapshot tz/odd@1 || fail "create"
refused 1 "cannot create 'tz/x': size is greater than available space" zfs clone -o reservation=1T tz/odd@1 tz/x
refused 1 "cannot set property for 'tz/odd': size is greater than available space" zfs set reservation=1T tz/odd
refused 1 "cannot set property for 'tz/odd': 'mountpoint' must not lead upwards ('..')" zfs set mountpoint=/a/../.. tz/odd
refused 1 "cannot destroy 'tz/odd@,': empty component or misplaced ',' in the list of snapshots" zfs destroy tz/odd@,
refused 1 "cannot destroy 'tz@1,': empty component or misplaced ',' in the list of snapshots" zfs destroy tz@1,
is "nothing went that was not named" "$(zfs list -Ho name -t snapshot tz/odd)" tz/odd@1
refused 1 "cannot destroy '': missing dataset name" zfs destroy ''
refused 1 "cannot rename 'tz/odd': datasets must be within same pool" zfs rename tz/odd other/odd
refused 1 "tag may not be empty" zfs hold '' tz/odd@1
refused 2 "cannot open 'nopool': dataset does not exist
zfs: no snapshots were created
usage: zfs snapshot $(zfs -h | sed -n 's/^  snapshot //p')" zfs snapshot tz/odd@2 nopool@2
zfs destroy -r tz/odd || fail "destroy"

# --- without importing ---
zfs create tz/keep && echo kept > "$R/tz/keep/f" && zpool export tz || fail "export"
is "a look from outside" "$(zfs -e . list -Ho name)" "tz
tz/keep"
refused 1 "cannot create 'tz/x': pool is read-only" zfs -e . create tz/x
verdict
