#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In one machine: a pool of ours, served by us, and a pool of OpenZFS's, served by its module. Every kind of
# stream goes from each to the other; what arrives is compared file by file; both end with clean scrubs.
. "$TOP/tests/interop/lib.sh"

cat > both <<'END'
set -u
O="smartbox zfs" Z="/opt/openzfs/bin/zfs" bad=0
mkdir -p /m /o
mount -t tmpfs -o size=900m tmpfs /m
truncate -s 300M /m/od; truncate -s 300M /m/zd
smartbox zpool create -f -O compression=lz4 -R /o o /m/od || exit 1
zpool create -f -O compression=lz4 -O mountpoint=none z /m/zd || exit 1
fail() { echo "FAILED: $*"; bad=1; }
fill() {	# FOLDER N
	mkdir -p $1/d$2
	for i in 1 2 3; do
		yes "$2 $i" | head -c $((i * 60000)) > $1/d$2/text$i
		head -c $((i * 30000)) /dev/urandom > $1/d$2/noise$i
	done
	head -c 1500000 /dev/urandom > $1/d$2/large; : > $1/d$2/empty
	ln $1/d$2/text1 $1/d$2/hard; ln -s text1 $1/d$2/link
	truncate -s 2M $1/d$2/sparse; echo end >> $1/d$2/sparse; chmod 600 $1/d$2/text2; chown 7:8 $1/d$2/text3
}
change() {	# FOLDER N: d<N> comes, some of d<N-1> goes
	old=$1/d$(($2 - 1))
	fill $1 $2; rm $old/text1; mv $old/text2 $1/d$2/moved; echo more >> $old/noise3; truncate -s 10 $old/large
}
tree() {	# FOLDER
	# Mount points of children look different on both sides: they are left out.
	(cd $1 && find . \( -path ./.zfs -o -path ./c \) -prune -o -print | sort | xargs stat -c '%n|%f|%u|%g|%h|%Y|%Z' &&
		find . \( -path ./.zfs -o -path ./c \) -prune -o -type f -print | sort | xargs sha256sum)
}
zmount() { mkdir -p /zm/$1; mount -t zfs -o zfsutil z/$1 /zm/$1 || mount -t zfs z/$1 /zm/$1; }
same() {	# WHAT FILE FOLDER
	tree $3 > /m/got; cmp -s $2 /m/got || { fail "$1"; diff $2 /m/got | head -5; }
}

# two filesystems with two states each
$O create -o recordsize=1M o/f || exit 1
$Z create -o recordsize=1M -o xattr=sa -o dnodesize=auto z/f && zmount f || exit 1
fill /o/o/f 1; fill /zm/f 1
$O snapshot o/f@1 && $Z snapshot z/f@1 || exit 1
change /o/o/f 2; change /zm/f 2
$O snapshot o/f@2 && $Z snapshot z/f@2 || exit 1
tree /o/o/f > /m/o2; tree /zm/f > /m/z2
echo "filled"

n=0
for opts in '' -L -e -c -Lec -w -p; do
	n=$((n + 1))
	$O send $opts o/f@1 | $Z receive -u z/t$n && $O send $opts -i @1 o/f@2 | $Z receive -u z/t$n && zmount t$n || fail "ours to theirs: $opts"
	same "ours to theirs: $opts" /m/o2 /zm/t$n
	$Z send $opts z/f@1 | $O receive o/t$n && $Z send $opts -i @1 z/f@2 | $O receive o/t$n || fail "theirs to ours: $opts"
	same "theirs to ours: $opts" /m/z2 /o/o/t$n
	# and back home
	$O send $opts o/t$n@1 | $Z receive -u z/b$n && $O send $opts -i @1 o/t$n@2 | $Z receive -u z/b$n && zmount b$n || fail "back to theirs: $opts"
	same "there and back: $opts" /m/z2 /zm/b$n
	umount /zm/b$n; umount /zm/t$n; $Z destroy -r z/b$n; $Z destroy -r z/t$n; $O destroy -r o/t$n
	echo "options '$opts' done"
done

# recursive with a clone, then an increment of it
$O clone o/f@1 o/f/c && fill /o/o/f/c 5 && $O snapshot -r o/f@3 || fail clone
tree /o/o/f > /m/o3
$O send -R o/f@3 | $Z receive -u z/r && zmount r || fail "-R to theirs"
same "-R to theirs" /m/o3 /zm/r
[ "$($Z get -Ho value origin z/r/c)" = z/r@1 ] || fail "origin of the clone in theirs"
change /o/o/f 3; $O snapshot -r o/f@4; tree /o/o/f > /m/o4
umount /zm/r; $O send -R -I @3 o/f@4 | $Z receive -u -F z/r && zmount r || fail "-R -I to theirs"
same "-R -I to theirs" /m/o4 /zm/r
$Z clone z/f@1 z/f/c && $Z snapshot -r z/f@3 || fail "their clone"
tree /zm/f > /m/z3
$Z send -R z/f@3 | $O receive o/r || fail "-R to ours"
same "-R to ours" /m/z3 /o/o/r/.zfs/snapshot/3
[ "$($O get -Ho value origin o/r/c)" = o/r@1 ] || fail "origin of the clone in ours"
change /zm/f 3; $Z snapshot -r z/f@4; tree /zm/f > /m/z4
$Z send -R -I @3 z/f@4 | $O receive -F o/r || fail "-R -I to ours"
same "-R -I to ours" /m/z4 /o/o/r
echo "recursive done"

# bookmarks
$Z bookmark z/f@3 z/f#b && $Z send -i z/f#b z/f@4 | cat > /dev/null || fail "their bookmark"
$O bookmark o/f@3 o/f#b && $O send o/f@3 | $Z receive -u z/bm && $O send -i o/f#b o/f@4 | $Z receive -u -F z/bm && zmount bm || fail "our bookmark to theirs"
same "from our bookmark" /m/o4 /zm/bm

# cut and resumed, each token read by the other
$O send -c o/f@4 | head -c 1000000 | $Z receive -u -s z/cut 2>/dev/null && fail "a cut stream is taken by theirs"
token=$($Z get -Ho value receive_resume_token z/cut)
$O send -t $token | $Z receive -u -s z/cut && zmount cut || fail "our send does not go on from their token"
same "resumed in theirs" /m/o4 /zm/cut
$Z send -Lec z/f@4 | head -c 1000000 | $O receive -s o/cut 2>/dev/null && fail "a cut stream is taken by ours"
token=$($O get -Ho value receive_resume_token o/cut)
$Z send -t $token | $O receive -s o/cut || fail "their send does not go on from our token"
same "resumed in ours" /m/z4 /o/o/cut

smartbox zpool export o || fail "export of ours"
zpool scrub -w z; zpool status z | grep -q 'No known data errors' || fail "scrub of theirs"
mkdir -p /v && mv /m/od /v && zpool import -d /v -N o && zpool scrub -w o && zpool status o | grep -q 'No known data errors' || fail "OpenZFS scrubs ours"
zpool export o; zpool export z
zdb -e -p /v -bcc o > /m/zdb 2>&1 || { fail "zdb of ours"; tail -5 /m/zdb; }
[ $bad = 0 ]
END
build_overlay || fail "no overlay"
{ echo '#!/bin/sh'; echo '. /opt/openzfs/env'; cat both; } > script
VM_OVERLAY=$openzfs/overlay.cpio "$TOP/tests/vm/run" -m 2048 -t 560 -a noimport script || fail "see above"
exit 0
