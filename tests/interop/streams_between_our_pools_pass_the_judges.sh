#!/bin/bash
# SPDX-License-Identifier: MIT
# Streams from one of our pools to another, with every option; holds, bookmarks, promote, diff; streams
# that are cut and resumed. At the end zdb counts every block and every feature of both pools.

. "$TOP/tests/interop/lib.sh"
. "$TOP/tests/tools/pools.sh"
R=$PWD/root
export LC_ALL=C

tree() { (cd "$1" && find . -path ./.zfs -prune -o -printf '%y|%m|%U|%G|%n|%T@|%l|%P\n' | sort; find . -path ./.zfs -prune -o -type f -print0 | sort -z | xargs -0r sha256sum); }
snap() { echo "$R/$1/.zfs/snapshot/$2"; }
same() {	# FS FS SNAP: the snapshot is the same in both
	diff <(tree "$(snap "$1" "$3")") <(tree "$(snap "$2" "$3")") > diffs || { fail "$1@$3 is not $2@$3"; head -5 diffs; }
	is "guid of $2@$3" "$(zfs get -Ho value guid "$2@$3")" "$(zfs get -Ho value guid "$1@$3")"
}

truncate -s 512M da db
zpool create -O compression=lz4 -R "$R" a "$PWD/da" && zpool create -R "$R" b "$PWD/db" || fail "zpool create"
zfs create a/f && zfs create -o recordsize=1M -o compression=zstd a/f/big && zfs create -o recordsize=4k -o user:x=y a/f/small || fail create
fill() {	# FOLDER SEED
	mkdir -p "$1/d$2" && for i in 1 2 3 4 5 6 7 8; do
		yes "$2 $i" | head -c $((i * 70000)) > "$1/d$2/text$i"
		head -c $((i * 9000)) /dev/urandom > "$1/d$2/noise$i"
	done
	truncate -s 3M "$1/d$2/sparse" && echo x >> "$1/d$2/sparse"
	ln -s target "$1/d$2/link"; ln "$1/d$2/text1" "$1/d$2/hard"; : > "$1/d$2/empty"
	setfattr -n user.long -v "$(head -c 1500 /dev/zero | tr '\0' v)" "$1/d$2/text2" 2> /dev/null
}
for d in f f/big f/small; do fill "$R/a/$d" 1; done
head -c 5000000 /dev/urandom > "$R/a/f/big/five"
zfs snapshot -r a/f@s1 || fail "snapshot"
for d in f f/big f/small; do rm -r "$R/a/$d/d1/text3" "$R/a/$d/d1/noise4"; fill "$R/a/$d" 2; echo more >> "$R/a/$d/d1/text1"; mv "$R/a/$d/d1/text5" "$R/a/$d/d2/moved"; truncate -s 100 "$R/a/$d/d1/text8"; done
zfs snapshot -r a/f@s2; rm -r "$R/a/f/d1"; fill "$R/a/f" 3; zfs snapshot -r a/f@s3

# --- every option, full and incremental ---
n=0
for opts in '' -L -e -c -Lec -w -p; do
	n=$((n + 1))
	for fs in f f/big f/small; do
		t=b/o$n-${fs//\//-}
		zfs send $opts a/$fs@s1 | zfs receive $t || fail "send $opts $fs"
		zfs send $opts -i @s1 a/$fs@s3 | zfs receive $t || fail "send $opts -i $fs"
		same a/$fs $t s1; same a/$fs $t s3
	done
done
zfs send -I @s1 a/f@s3 | zfs receive b/o1-f 2> /dev/null && fail "-I into what is newer"
zfs send a/f@s1 | zfs receive b/all && zfs send -I s1 a/f@s3 | zfs receive b/all || fail "-I"
same a/f b/all s2; same a/f b/all s3

# --- -F rolls back; without it a changed one is refused ---
echo changed > "$R/b/all/changed"
zfs snapshot a/f@s4
refused 1 "cannot receive incremental stream: destination b/all has been modified
since most recent snapshot" zfs receive b/all < <(zfs send -i @s3 a/f@s4)
zfs send -i @s3 a/f@s4 | zfs receive -F b/all || fail "-F"
[ ! -e "$R/b/all/changed" ] || fail "-F left a change"
same a/f b/all s4
zfs snapshot b/all@ours
zfs destroy a/f@s4; fill "$R/a/f" 4; zfs snapshot a/f@s5
zfs send -i @s3 a/f@s5 | zfs receive -F b/all || fail "-F over newer snapshots"
same a/f b/all s5
is "the snapshots" "$(zfs list -Ho name -t snapshot b/all | tr '\n' ' ')" "b/all@s1 b/all@s2 b/all@s3 b/all@s5 "
refused 1 "cannot receive new filesystem stream: destination 'b/all' exists
must specify -F to overwrite it" zfs receive b/all < <(zfs send a/f@s1)

# --- recursive, clones, renames and destroys ---
zfs clone a/f@s2 a/f/clone && fill "$R/a/f/clone" 9 && zfs snapshot -r a/f@r1 || fail "clone"
zfs send -R a/f@r1 | zfs receive -v b/tree > said || fail "-R"
grep -q "receiving full stream of a/f@s1 into b/tree@s1" said || fail "-v: $(cat said)"
same a/f b/tree r1; same a/f/clone b/tree/clone r1; same a/f/small b/tree/small s2
is "the clone's origin" "$(zfs get -Ho value origin b/tree/clone)" b/tree@s2
is "received" "$(zfs get -Ho value,source recordsize b/tree/small)" "4K	received"
zfs destroy a/f/small@s2; zfs rename a/f@s3 a/f@third; zfs rename a/f/big a/f/large; zfs destroy -r a/f/clone
fill "$R/a/f/large" 5; zfs snapshot -r a/f@r2
zfs send -R -I r1 a/f@r2 | zfs receive -F b/tree || fail "-R -I"
same a/f/large b/tree/large r2
is "after renames and destroys" "$(zfs list -Hro name -t all b/tree | sed 's/^b.tree//' | sort)" \
	"$(zfs list -Hro name -t all a/f | sed 's/^a.f//' | sort)"
zfs send a/f/small@r2 | zfs receive -d b || fail "-d"
same a/f/small b/f/small r2
zfs create b/e; zfs send a/f/small@r2 | zfs receive -e b/e || fail "-e"
zfs send a/f/small@r2 | zfs receive -o compression=gzip -x user:x -u b/opts || fail "-o -x -u"
is "-o" "$(zfs get -Ho value,source compression b/opts)" "gzip	local"
is "-u" "$(zfs get -Ho value mounted b/opts)" no

# --- cut streams ---
zfs send -Lc a/f/large@r2 > whole
size=$(stat -c %s whole)
for cut in 400 100000 $((size / 2)) $((size - 400)); do
	head -c $cut whole | zfs receive b/cut 2> /dev/null && fail "a cut stream is taken"
	zfs list b/cut > /dev/null 2>&1 && fail "a cut stream leaves a dataset"
	head -c $cut whole | zfs receive -s b/res 2> said && fail "a cut stream is taken with -s"
	for i in 1 2 3; do
		token=$(zfs get -Ho value receive_resume_token b/res 2> /dev/null)
		[ -n "$token" ] && [ "$token" != - ] || break
		zfs send -t "$token" | head -c $((size / 4 + 1000)) | zfs receive -s b/res 2> /dev/null && break
	done
	token=$(zfs get -Ho value receive_resume_token b/res 2> /dev/null)
	if [ -n "$token" ] && [ "$token" != - ]; then zfs send -t "$token" | zfs receive -s b/res || fail "resuming at $cut"; fi
	if zfs list b/res > /dev/null 2>&1; then same a/f/large b/res r2; zfs destroy -r b/res; fi
done
zfs snapshot a/f/large@r3
zfs send a/f/large@r1 | zfs receive b/inc && fill "$R/a/f/large" 7 && zfs snapshot a/f/large@r4
zfs send -i @r1 a/f/large@r4 | head -c 900000 | zfs receive -s b/inc 2> /dev/null && fail "cut increment"
token=$(zfs get -Ho value receive_resume_token b/inc)
[ "$token" != - ] || fail "no token of a cut increment"
refused 1 "cannot receive incremental stream: destination b/inc contains partially-complete state from \"zfs receive -s\"." \
	zfs receive b/inc < <(zfs send -i @r1 a/f/large@r4)
zfs send -t "$token" | zfs receive b/inc || fail "resuming an increment"
same a/f/large b/inc r4
zfs send -i @r1 a/f/large@r4 | head -c 900000 | zfs receive -s b/o1-f-big 2> /dev/null
zfs send a/f/large@r1 | head -c 900000 | zfs receive -s b/gone 2> /dev/null; zfs receive -A b/gone || fail "-A"
zfs list b/gone > /dev/null 2>&1 && fail "-A leaves the dataset"

# --- what is no snapshot: a filesystem as it is, and what was partly received, from a third place ---
zfs create a/live && fill "$R/a/live" 1 && zfs snapshot a/live@1 && fill "$R/a/live" 2
zfs send a/live | zfs receive b/live && zfs send a/live@1 | zfs receive b/live1 && zfs send -i @1 a/live | zfs receive b/live1 || fail "send of a filesystem"
for t in live live1; do diff <(tree "$R/a/live") <(tree "$(snap b/$t --head--)") > diffs || { fail "b/$t is not a/live"; head -5 diffs; }; done
is "guid of a head" "$(zfs get -Ho value guid b/live@--head--)" "$(zfs get -Ho value guid a/live)"
is "no snapshot is left" "$(zfs list -Hro name -t snapshot a/live)" a/live@1
refused 1 "Error: Unsupported flag with filesystem or bookmark." zfs send -R a/live
zfs snapshot a/live@2
for from in '' '-i @1'; do
	[ -z "$from" ] || { zfs send a/live@1 | zfs receive b/part && zfs send a/live@1 | zfs receive a/part; } || fail "base of a part"
	zfs send $from a/live@2 | head -c 700000 | zfs receive -s b/part 2> /dev/null && fail "a cut stream is taken"
	zfs send -S b/part | zfs receive -s a/part 2> /dev/null && fail "a part is taken for the whole"
	zfs send -t "$(zfs get -Ho value receive_resume_token a/part)" | zfs receive -s a/part || fail "going on from a part of a part"
	same a/live a/part 2
	zfs receive -A b/part; zfs destroy -r a/part; [ -z "$from" ] || zfs destroy -r b/part
done
refused 1 "warning: cannot send 'b/live': 'b/live' has no partially received state" zfs send -S b/live
refused 1 "cannot receive: failed to read from stream" zfs receive b/nothing < /dev/null
refused 1 "cannot receive: invalid stream (bad magic number)" zfs receive b/nothing < /bin/sh

# --- what does not fit leaves nothing; what fits of it, with -s, can be gone on with ---
zfs create -o quota=4M b/tight
refused 1 "cannot receive new filesystem stream: destination b/tight/x space quota exceeded." zfs receive b/tight/x < <(zfs send -c a/f/large@r4)
zfs list b/tight/x > /dev/null 2>&1 && fail "what does not fit leaves a dataset"
zfs send -c a/f/large@r4 2> /dev/null | zfs receive -s b/tight/x 2> /dev/null && fail "what does not fit is taken"
token=$(zfs get -Ho value receive_resume_token b/tight/x); zfs set quota=none b/tight
zfs send -t "$token" | zfs receive b/tight/x || fail "going on with more room"
same a/f/large b/tight/x r4

# --- estimates ---
is "-nP of nothing" "$(zfs snapshot a/live@3; zfs send -nP -i @2 a/live@3 | tail -1 | cut -f 2)" 624
is "-nP" "$(zfs send -nP a/f/small@r2 | cut -f 1 | tr '\n' ' ')" "full size "

# --- bookmarks, holds ---
zfs bookmark a/f/small@r1 '#mark' || fail "bookmark"
refused 1 "cannot create bookmark 'a/f/small#mark': bookmark exists" zfs bookmark a/f/small@r1 a/f/small#mark
zfs send a/f/small@r1 | zfs receive b/bm || fail "for the bookmark"
zfs destroy a/f/small@r1
zfs send -i '#mark' a/f/small@r2 | zfs receive b/bm || fail "from a bookmark"
same a/f/small b/bm r2
zfs bookmark a/f/small#mark a/f/small#copy && zfs destroy a/f/small#mark && zfs destroy a/f/small#copy || fail "destroy of bookmarks"
zfs hold -r keep a/f@r2 || fail "hold"
refused 1 "cannot destroy 'a/f@r2': dataset is busy" zfs destroy a/f@r2
refused 1 "cannot hold snapshot 'a/f@r2': tag already exists on this dataset" zfs hold keep a/f@r2
is "holds" "$(zfs holds -rH a/f@r2 | cut -f 1,2 | tr '\t\n' ' ;')" "a/f@r2 keep;a/f/large@r2 keep;a/f/small@r2 keep;"
zfs send -h a/f/small@r2 | zfs receive b/held || fail "-h"
is "a received hold" "$(zfs holds -H b/held@r2 | cut -f 2)" keep
zfs release keep b/held@r2
zfs destroy -d a/f@r2 || fail "destroy -d"
is "deferred" "$(zfs get -Ho value defer_destroy a/f@r2)" on
zfs release -r keep a/f@r2 || fail release
zfs list a/f@r2 > /dev/null 2>&1 && fail "deferred and released, and still there"
refused 1 "cannot release hold from snapshot 'a/f/small@r2': no such tag on this dataset" zfs release keep a/f/small@r2

# --- promote ---
zfs clone a/f@s2 a/c && fill "$R/a/c" 6 && zfs snapshot a/c@own && zfs clone a/f@s1 a/c1 || fail "clones"
before=$(tree "$(snap a/f s1)")
zfs promote a/c || fail "promote"
is "origin after promote" "$(zfs get -Ho value origin a/f) $(zfs get -Ho value origin a/c) $(zfs get -Ho value origin a/c1)" "a/c@s2 - a/c@s1"
is "contents after promote" "$(tree "$(snap a/c s1)")" "$before"
refused 1 "cannot promote 'a/c': not a cloned filesystem" zfs promote a/c
zfs promote a/c1 || fail "promote of the other"
zfs promote a/f || fail "promote back"
used() { zfs list -Hpo used,usedbydataset,usedbysnapshots,usedbychildren -r "$1" | awk '$1 != $2 + $3 + $4 { print "used is not its sum:", $0 }'; }
is "accounts" "$(used a)$(used b)" ""

# --- diff ---
zfs create a/diff && D=$R/a/diff && mkdir "$D/dir" && echo 1 > "$D/dir/one" && echo 2 > "$D/two" && echo 3 > "$D/with space" && zfs snapshot a/diff@a
echo 11 >> "$D/dir/one"; rm "$D/two"; mv "$D/with space" "$D/renamed"; echo 4 > "$D/four"; ln -s x "$D/dir/link"; zfs snapshot a/diff@b
is "diff" "$(zfs diff -F a/diff@a a/diff@b | sed "s|$D||" | sed "s|$D||" | sort)" "$(printf '%s\n' '+	@	/dir/link' '+	F	/four' '-	F	/two' 'M	/	/' 'M	/	/dir' 'M	F	/dir/one' 'R	F	/with\0040space -> /renamed' | sort)"
echo now > "$D/now"
is "diff to now" "$(zfs diff -H a/diff@b | sed "s|$D||" | sort)" "$(printf '+\t/now\nM\t/')"
zfs clone a/diff@a a/diffc && zfs snapshot a/diffc@c
refused 1 "$(printf 'Unable to obtain diffs: \n   Not an earlier snapshot from the same fs')" zfs diff a/diffc@c a/diff@b
zfs diff a/diff@a a/diffc@c > /dev/null || fail "diff from the origin"
is "no snapshot is left of it" "$(zfs list -Ho name -t snapshot a/diff | wc -l)" 2

# --- a rollback takes newer bookmarks along ---
zfs create a/back && zfs snapshot a/back@1 && zfs snapshot a/back@2 && zfs bookmark a/back@1 '#1' && zfs bookmark a/back@2 '#2' || fail "for the rollback"
refused 1 "cannot rollback to 'a/back@1': more recent snapshots or bookmarks exist
use '-r' to force deletion of the following snapshots and bookmarks:
a/back@2
a/back#2" zfs rollback a/back@1
zfs rollback -r a/back@1 || fail "rollback -r"
is "after it" "$(zfs list -Hro name -t all a/back | tr '\n' ' ')" "a/back a/back@1 a/back#1 "

zpool export a && zpool export b || fail "export"
for p in a b; do
	judge_zdb "$PWD" $p || fail "zdb $p"
	openzfs zdb -e -p "$PWD" -d $p > out 2>&1 || fail "zdb -d $p: $(grep -v '^Dataset\|^Verified' out | tail -5)"
done
judge_libzpool -w a "$PWD/da" > /dev/null || fail "libzpool a"
verdict
