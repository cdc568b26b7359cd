#!/bin/bash
# SPDX-License-Identifier: MIT
# zpool: what the listings show of every kind of device, what wait waits for, and odds and ends of its options.

. "$TOP/tests/tools/pools.sh"
R=$PWD/root
truncate -s 128M a b c d e f

is "version" "$(zpool version)" "zfs-smartbox-$("$TOP/build/smartbox" -V | sed -n 's/^smartbox //p')"
is "version, as an option" "$(zpool --version)" "$(zpool version)"
zpool create -f -R "$R" tv mirror "$PWD/a" "$PWD/b" log "$PWD/c" cache "$PWD/d" spare "$PWD/e" special "$PWD/f" ||
	fail "create"

# --- list -v: each class has a title ---
# Columns without the numbers that depend on what was written.
shape() { sed -E 's/ +/ /g; s/ [0-9.]+[KM%]?( |$)/ N\1/g; s/ [0-9.]+[KM%]?( |$)/ N\1/g; s/ 1.00x / R /; s/ $//'; }
is "list -v" "$(zpool list -v | shape)" "NAME SIZE ALLOC FREE CKPOINT EXPANDSZ FRAG CAP DEDUP HEALTH ALTROOT
tv N N N - - N N R ONLINE $R
 mirror-0 N N N - - N N - ONLINE
 $PWD/a N - - - - - - - ONLINE
 $PWD/b N - - - - - - - ONLINE
special - - - - - - - - -
 $PWD/f N N N - - N N - ONLINE
logs - - - - - - - - -
 $PWD/c N N N - - N N - ONLINE
cache - - - - - - - - -
 $PWD/d N - - - - - - - ONLINE
spare - - - - - - - - -
 $PWD/e N - - - - - - - AVAIL"
is "titles stand where names do" "$(zpool list -v | grep -c '^logs *     -      -      -        -         -      -      -      -         -$')" 1
is "by guid" "$(zpool list -vgH | cut -f2 | sed -n 3p)" "$(zpool status -g tv | awk 'NR > 6 && ++n == 2 { print $1 }')"
is "the time before it" "$(zpool list -T u | sed -n 1p | tr -d 0-9)" ""
refused 2 "zpool: -T takes 'd' or 'u'
usage: zpool list $(zpool -h | sed -n 's/^  list //p')" zpool list -T x
is "iostat -v has the titles too" "$(zpool iostat -v tv | awk '$2 == "-" && $7 == "-" { print $1 }' | tr '\n' ' ')" \
	"special logs cache "
is "cache devices have counters in status, spares have none" \
	"$(zpool status tv | awk '/cache$/ { on = 1; next } on { print $2, $3 }' | sed -n '1p;3p')" "ONLINE 0
AVAIL "

# --- status -D ---
is "nothing shared" "$(zpool status -D tv | tail -n 2)" "
 dedup: no DDT entries"
zfs create -o dedup=on -o compression=off -o recordsize=4k tv/d || fail "create with dedup"
{ tr '\0' x < /dev/zero | head -c 64K; } > "$R/tv/d/same" && zpool sync
is "what is shared" "$(zpool status -D tv | sed -n '/^ dedup/,$p' | sed 's/, size.*//')" " dedup: DDT entries 1

bucket              allocated                       referenced          
______   ______________________________   ______________________________
refcnt   blocks   LSIZE   PSIZE   DSIZE   blocks   LSIZE   PSIZE   DSIZE
------   ------   -----   -----   -----   ------   -----   -----   -----
    16        1      4K      4K      4K       16     64K     64K     64K
 Total        1      4K      4K      4K       16     64K     64K     64K"

# --- wait ---
zpool wait tv && zpool wait -t scrub,trim,discard,free,initialize,replace,remove,resilver tv || fail "wait"
is "wait with an interval" "$(zpool wait tv 1)" \
	"  DISCARD    FREE  INITIALIZE  REPLACE  REMOVE  RESILVER   SCRUB    TRIM
        0       0           0        0       0         0       0       0"
is "for programs" "$(zpool wait -Hp -t scrub,trim tv 1)" "0	0"
refused 2 "zpool: invalid activity 'sleep'
usage: zpool wait $(zpool -h | sed -n 's/^  wait //p')" zpool wait -t sleep tv
refused 2 "zpool: too many arguments
usage: zpool wait $(zpool -h | sed -n 's/^  wait //p')" zpool wait tv 1 2
refused 1 "cannot open 'nosuch': no such pool" zpool wait nosuch

# --- add ---
truncate -s 128M g
refused 1 "invalid 'ashift=99999999999999999999' property: only values between 9 and 16 are allowed" \
	zpool add -n -o ashift=99999999999999999999 tv "$PWD/g"
refused 2 "zpool: missing '=' for -o option
usage: zpool add $(zpool -h | sed -n 's/^  add //p')" zpool add -n -o ashift tv "$PWD/g"
is "what would be, by guid" "$(zpool add -nfg tv "$PWD/g" | sed -E 's/[0-9]{8,}/GUID/')" "would update 'tv' to the following configuration:

	tv
	  GUID
	    GUID
	    GUID
	  $PWD/g
	special
	  GUID
	logs
	  GUID
	cache
	  GUID
	spares
	  GUID"

# --- autoreplace: a new device in the place of one that went ---
zpool set autoreplace=on tv && zpool export tv && rm b && zpool import -d . -R "$R" tv || fail "import without a device"
zpool status tv | grep -q "$PWD/b .*UNAVAIL" || fail "a device is away: $(zpool status tv)"
truncate -s 128M b; zpool reopen tv
for ((i = 0; i < 100; i++)); do [ "$(zpool list -Ho health tv)" = ONLINE ] && break; sleep 0.2; done
zpool wait -t replace,resilver tv
is "the pool is well" "$(zpool list -Ho health tv)" ONLINE
is "it is used" "$(zpool status tv | awk -v d="$PWD/b" '$1 == d { print $2, $3, $4, $5 }')" "ONLINE 0 0 0"
zpool set autoreplace=off tv

# --- careless command lines ---
refused 2 "zpool: interval cannot be zero
usage: zpool list $(zpool -h | sed -n 's/^  list //p')" zpool list tv 0
refused 2 "zpool: count cannot be zero
usage: zpool list $(zpool -h | sed -n 's/^  list //p')" zpool list tv 1 0
refused 1 "cannot open '': missing device name" zpool add tv ''
refused 1 "invalid vdev specification: no device follows 'log'" zpool add tv log
refused 1 "invalid 'ashift=99' property: only values between 9 and 16 are allowed" \
	zpool attach -o ashift=99 tv "$PWD/a" "$PWD/g"
refused 1 "cannot create 'tw': bad alternate root 'root'" zpool create -R root tw "$PWD/g"
refused 1 "bad alternate root 'root'" zpool import -R root tw
refused 1 "cannot open 'tv/d': invalid character '/' in pool name
use 'zfs destroy' to destroy a dataset" zpool destroy tv/d
refused 1 "zpool: invalid character (shown as '?') in argument 'a?b'" zpool list $'a\033b'

# --- labels ---
refused 1 "$PWD/a is a member (ACTIVE) of pool \"tv\". Offline the disk first to clear its label." \
	zpool labelclear -f "$PWD/a"
zpool export tv
refused 1 "use '-f' to override the following error:
$PWD/a is a member of exported pool \"tv\"" zpool labelclear "$PWD/a"
refused 1 "failed to read label from $PWD/g" zpool labelclear "$PWD/g"

zpool import -d . -R "$R" -o readonly=on tv || fail "import to read"
refused 1 "$PWD/a is a member (ACTIVE) of pool \"tv\". Offline the disk first to clear its label." \
	zpool labelclear -f "$PWD/a"
refused 1 "invalid vdev specification
the following errors must be manually repaired:
$PWD/a is part of active pool 'tv'" zpool create -f tx "$PWD/a"
zpool create -R "$R" ty "$PWD/g" || fail "create"
refused 1 "invalid vdev specification
the following errors must be manually repaired:
$PWD/a is part of active pool 'tv'" zpool attach -f ty "$PWD/g" "$PWD/a"
zpool destroy ty; zpool labelclear "$PWD/g"; zpool export tv

# --- import ---
zpool import -d . -R "$R" -o ro,noatime tv || fail "import with options for the mounts"
is "they are" "$(awk '$1 == "tv/d" { print $4 }' /proc/mounts | sed 's/,user_id.*//')" ro,noatime
zpool export tv
zpool create -f -R "$R" tw "$PWD/a" && zpool export tw || fail "create of one device"
# A cache file: an nvlist from names to configurations; here the one of a label, which ends in some zeros.
dd if=a bs=16 skip=1024 count=7100 status=none | tail -c +5 > label
used=$(od -An -v -t x1 -w4 label | awk '$0 != " 00 00 00 00" { n = NR } END { print 4 * n }')
word() { printf "$(printf '\\%03o' $(($1 >> 24)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"; }
for zeros in 8 12 16 20 24 28 32; do
	size=$((used + zeros))
	{
		printf '\1\1\0\0\0\0\0\0\0\0\0\1'
		word $((24 + size)) && word $((24 + size))
		printf '\0\0\0\2tw\0\0\0\0\0\23\0\0\0\1'
		head -c $size label
		head -c 8 /dev/zero
	} > cache
	zpool import -c cache > found 2> /dev/null && break
done
is "a list by a cache file" "$(head -n 1 found)" "   pool: tw"
(cd / && zpool import -c "$OLDPWD/cache" -R "$R" -f tw) || fail "import by a cache file"
is "it is there" "$(zpool list -Ho name)" tw
zpool export tw
: > empty
refused 1 "failed to parse cache file 'empty': name-value list: 0 bytes" zpool import -c empty
refused 2 "zpool: -c is incompatible with -d
usage: zpool import $(zpool -h | sed -n 's/^  import //p')" zpool import -c cache -d .
refused 2 "zpool: -l is incompatible with -N
usage: zpool import $(zpool -h | sed -n 's/^  import //p')" zpool import -lN tv
zpool labelclear -f "$PWD/a" || fail "labelclear -f"
verdict
