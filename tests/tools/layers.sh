#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The folders are the architecture: fail on every include that points upwards or sideways.
#
#   applets -> machine -> {fs,kern,net,vmx,trace} -> core; the five in the middle never see one another.

cd "$(dirname "$0")/../.." || exit 1
declare -A below=(
	[core]="core"
	[fs]="core fs" [kern]="core kern" [net]="core net" [vmx]="core vmx" [trace]="core trace"
	[machine]="core fs kern net vmx trace machine"
	[applets]="core fs kern net vmx trace machine applets"
)
bad=0 seen=0

check() {	# layer file
	local line inc folder
	while IFS=: read -r line inc; do
		folder=${inc#smartbox/}
		folder=${folder%%/*}
		if [[ " ${below[$1]} " != *" $folder "* ]]; then
			echo "$2:$line: $1/ must not include $inc"
			bad=$((bad + 1))
		fi
	done < <(sed -nE 's/^[ \t]*#[ \t]*include[ \t]*"(smartbox\/[^"]+)".*/\1/p;t;s/^[ \t]*#[ \t]*include[ \t]*"(\.\.\/[^"]+)".*/\1/p' "$2" |
		while read -r i; do echo "$(grep -nF "\"$i\"" "$2" | head -n 1 | cut -d: -f1):$i"; done)
	seen=$((seen + 1))
}

prints() {	# only applets and main speak, read argv, exit
	grep -nE '(^|[^a-zA-Z0-9_])(printf|puts|putchar|perror|exit)[ \t]*\(' "$1" | grep -vE '^[0-9]+:[ \t]*(\*|/\*|//)' |
		sed "s|^|$1:|; s|\$|\t<- only applets/ and core\/main.c print or exit|"
}

for layer in "${!below[@]}"; do
	while read -r f; do check "$layer" "$f"; done < <(find "$layer" "include/smartbox/$layer" \
		-path kern/module -prune -o -name '*.[ch]' -print 2>/dev/null)
done
speech=$(for f in core/*.c fs/*.c kern/*.c net/*.c vmx/*.c trace/*.c machine/*.c; do
	case $f in core/main.c | core/applet.c) continue ;; esac; [ -e "$f" ] && prints "$f"
done)
[ -n "$speech" ] && { echo "$speech"; bad=$((bad + 1)); }
[ "$bad" = 0 ] || { echo "layers: $bad violations"; exit 1; }
echo "layers: $seen files, no violation"
