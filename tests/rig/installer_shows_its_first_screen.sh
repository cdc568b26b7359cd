#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's installer boots under vmadm from its CD, in a graphical mode, to the question for a language; seen by VNC.
set -u
. "$TOP/tests/vmx/viewer.sh"
need python3 openssl
"$TOP/tests/vmx/installer" installer.iso || exit $?
rig -k -m 1900 -d 20G -t 1300 -a noimport "$TOP/tests/vmx/rig_installer.sh" "$TOP/tests/vmx/rig_lib.sh" installer.iso
said "host: screen" || failed=1
# What newt draws: a grey box on blue, wherever the letters are.
until [ -n "$failed" ]; do
	kill -0 "$rig" 2> /dev/null || { echo "FAILED: no screen"; failed=1; break; }
	sleep 10
	shot --zrle --password geheim > seen 2>&1 || { cat seen; continue; }
	"$TOP/tests/vmx/pictures" shot.ppm . > seen
	grep -qE " 0000aa:[2-9][0-9].* aaaaaa:[1-9][0-9]" seen && break
done
cat seen
cp -f shot.png "${KEEP_PICTURES:-.}/installer.png"
# The bar in the list of languages goes down when the key does.
before=$(sha256sum < shot.ppm)
[ -n "$failed" ] || shot --zrle --password geheim --key 0xff54 || failed=1
[ "$(sha256sum < shot.ppm)" != "$before" ] || { echo "FAILED: the key did nothing"; failed=1; }
kill "$rig" 2> /dev/null
wait "$rig"
grep -v '^qemu-system' out
[ -z "$failed" ]
