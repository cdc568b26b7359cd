#!/bin/bash
# SPDX-License-Identifier: MIT
# Pools that OpenZFS made, imported and mounted here: the listing is OpenZFS's, every file and snapshot
# is as the manifest says (type, mode, owner, links, time to the nanosecond, size, target, content). One
# without features is written too, and the judges find nothing to object to what we left.

. "$TOP/tests/interop/lib.sh"
fixture plain
fixture pmirror
fixture nofeat
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

as_manifest() {	# FOLDER MANIFEST
	[ -d "$1" ] || { fail "$1 is missing"; return; }
	diff <(sed -n '/^## sha256/q; /^##/!p' "$2" | sort -t'|' -k9) <(entries "$1") > out ||
		{ fail "$(basename "$2"): entries"; head -n 10 out; }
	diff <(sed -n '/^## sha256/,/^## xattr/{/^##/!p}' "$2" | sort -k2) <(sums "$1") > out ||
		{ fail "$(basename "$2"): content"; head -n 10 out; }
}

datasets() {	# POOL: every manifest that the fixture has
	local m name
	for m in "$F/$1"/*.manifest; do
		name=$(basename "$m" .manifest)
		if [[ $name == *@* ]]; then
			as_manifest "$(zfs get -Ho value mountpoint "$1/${name%@*}")/.zfs/snapshot/${name#*@}" "$m"
		else
			as_manifest "$(zfs get -Ho value mountpoint "$1/$name")" "$m"
		fi
	done
}

for pool in plain pmirror nofeat; do
	is "$pool: the list, without an import" "$(zfs -e "$pool" list -Hp -t all -o "$columns" | facts $pool)" \
		"$(facts $pool < "$F/$pool/list.txt")"
	zpool import -d "$pool" -o readonly=on -R "$R" $pool || fail "import of $pool"
	is "$pool: its status" "$(zpool status $pool | grep -E '^( *pool| *state|errors)')" \
		"$(grep -E '^( *pool| *state|errors)' "$F/$pool/status.txt")"
	datasets $pool
	zpool export $pool || fail "export of $pool"
done

zpool import -d nofeat -R "$R" nofeat || fail "import for writing"
zfs snapshot nofeat/fs@ours || fail "snapshot"
cp -r "$TOP/docs" "$R$(zfs get -Ho value mountpoint nofeat/fs | sed "s|^$R||")/ours" || fail "write"
zfs clone nofeat/fs@ours nofeat/clone || fail "clone"
zpool export nofeat || fail "export after writing"
zpool import -d nofeat -R "$R" nofeat || fail "import again"
diff -r "$TOP/docs" "$(zfs get -Ho value mountpoint nofeat/fs)/ours" || fail "what was written"
zfs rollback nofeat/fs@ours || fail "rollback"
zpool export nofeat
judge_zdb nofeat nofeat || fail "zdb"
judge_libzpool -w nofeat nofeat/nofeat-0 || fail "OpenZFS"
verdict
