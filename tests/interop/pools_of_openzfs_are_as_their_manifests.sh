#!/bin/bash
# SPDX-License-Identifier: MIT
# Every pool that OpenZFS made, imported and mounted here: the listing is OpenZFS's, every file and snapshot is as the
# manifest says (type, mode, owner, links, time to the nanosecond, size, target, content, extended attributes, access
# lists), every volume has its sum. So is the log of one that was not exported, and the state that a checkpoint kept.

. "$TOP/tests/interop/lib.sh"
pools=(plain pmirror prz1 prz2 prz3 stripe mix bigdir removed zil nofeat v28)
for p in "${pools[@]}"; do fixture $p; done
. "$TOP/tests/tools/pools.sh"
F=$SHARED/fixtures R=$PWD/root
export LC_ALL=C

# The pool's own use changes at an export, and with it what is available: not compared.
columns=name,type,used,available,refer,written,usedbydataset,usedbysnapshots,usedbychildren
columns+=,usedbyrefreservation,logicalused,logicalreferenced,compressratio
facts() { awk -F'\t' -v OFS='\t' -v p="$1" '{ $4 = "" } $1 == p { $3 = $9 = $11 = $13 = "" } 1' | sort; }

entries() {	# the first part of a manifest
	(cd "$1" && find . -mindepth 1 -path ./.zfs -prune -o -mindepth 1 \
		-printf '%y|%m|%U|%G|%n|%T@|%s|%l|%P\n') |
		awk -F'|' -v OFS='|' '$1 == "d" { $5 = $7 = "-" } 1' | sort -t'|' -k9
}
sums() { (cd "$1" && find . -path ./.zfs -prune -o -type f -print0 | xargs -0r sha256sum | sort -k2); }
# A line per attribute: FILE NAME=VALUE; what getfattr calls "# file:" comes first.
flat() { awk '/^# file: / { f = substr($0, 9); next } NF && !/^## / { print f " " $0 }' | sort; }
attributes() { (cd "$1" && find . -mindepth 1 -path ./.zfs -prune -o -mindepth 1 -printf '%P\0' |
	xargs -0r getfattr -h -d -m - -e hex 2> /dev/null) | flat; }
lists() { (cd "$1" && getfacl -R -s -n . 2> /dev/null) | sed 's|^# file: \./|# file: |' | flat | grep -v ' #'; }
part() { sed -n "/^## $2/,/^## /{/^##/!p}" "$1"; }

# compare WHAT WANT GOT: the texts in two files
compare() { diff "$2" "$3" > out || { fail "$1"; cut -c 1-200 out | head -n 10; }; }

as_manifest() {	# FOLDER MANIFEST; REPLAYED: what a log does again has the time of now
	local times=cat
	[ -d "$1" ] || { fail "$1 is missing"; return; }
	[ -z "$REPLAYED" ] || times="cut -d| -f1-5,7-"
	compare "$2: entries" <(sed -n '/^## sha256/q; /^##/!p' "$2" | sort -t'|' -k9 | $times) <(entries "$1" | $times)
	compare "$2: content" <(part "$2" sha256 | sort -k2) <(sums "$1")
	! command -v getfattr > /dev/null || compare "$2: attributes" \
		<(part "$2" xattr | flat | grep -v "${REPLAYED:-^$}") <(attributes "$1" | grep -v "${REPLAYED:-^$}")
	! command -v getfacl > /dev/null || [ -z "$(part "$2" acl)" ] || compare "$2: access lists" \
		<(part "$2" acl | flat | grep -v ' #') <(lists "$1")
}

datasets() {	# POOL: every manifest that the fixture has
	local m name
	for m in "$F/$1"/*.manifest; do
		[ -e "$m" ] || continue
		name=$(basename "$m" .manifest)
		case $name in
		*-at-checkpoint) continue ;;
		*@*) as_manifest "$(zfs get -Ho value mountpoint "$1/${name%@*}")/.zfs/snapshot/${name#*@}" "$m" ;;
		*) as_manifest "$(zfs get -Ho value mountpoint "$1/$name")" "$m" ;;
		esac
	done
}

looked_at() {	# POOL IMPORT-OPTIONS...
	local pool=$1
	shift
	zpool import -d $pool -o readonly=on -R "$R" "$@" $pool || { fail "import of $pool"; return 1; }
	[ ! -e "$F/$pool/status.txt" ] ||
		is "$pool: its status" "$(zpool status $pool | grep -E '^( *pool| *state|errors)')" \
		"$(grep -E '^( *pool| *state|errors)' "$F/$pool/status.txt")"
}

for pool in "${pools[@]}"; do
	# What "removed" says of itself was asked before its last txg: zdb agrees with us, not with its list.
	[ ! -e "$F/$pool/list.txt" ] || [ $pool = removed ] ||
		is "$pool: the list, without an import" "$(zfs -e "$pool" list -Hp -t all -o "$columns" | facts $pool)" \
		"$(facts $pool < "$F/$pool/list.txt")"
	looked_at $pool || continue
	[ $pool = zil ] || datasets $pool
	zpool export $pool || fail "export of $pool"
done

zpool import -d mix -o readonly=on -R "$R" mix || fail "import of mix"
while read -r sum path; do
	[ "$(sha256sum < "$(zfs get -Ho value mountpoint "mix/${path%/*}")/${path##*/}")" = "$sum  -" ] || fail "mix/$path"
done < "$F/mix/sha256sums"
zpool export mix

# The log is applied where it can be written; an attribute's value that OpenZFS did not log is not there.
zpool import -f -d zil -R "$R" zil || fail "import of zil"
REPLAYED='user\.zil' datasets zil
zpool export zil
verdict
