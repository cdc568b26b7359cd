#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Make the guest image of the demo and of the tests: Debian by debootstrap, as a tar with its manifest.
#
#	tests/demo/image.sh [FOLDER]	FOLDER/image.tar.gz, FOLDER/manifest.json (default build/guest)
#
# Made once. Needs root, as debootstrap does.

set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$top/build/guest}
[ ! -e "$out/manifest.json" ] || exit 0

"$top/third_party/apt.sh" need debootstrap
# The machine's own mirror, as its apt knows it.
mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' |
	awk '$2 == "bookworm" { print $1; exit }')
[ -n "$mirror" ] || { echo "image.sh: no mirror of Debian bookworm in this machine's apt sources" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/smartbox-guest.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
root=$work/root
sudo=$([ "$(id -u)" = 0 ] || echo sudo)
$sudo debootstrap --variant=minbase --include=iputils-ping,iproute2 bookworm "$root" "$mirror" > "$work/log" 2>&1 || {
	tail -n 20 "$work/log"
	exit 1
}
# What a guest does not need, and what would tell of this machine.
$sudo sh -c "rm -rf $root/var/cache/apt/* $root/var/lib/apt/lists/* $root/usr/share/doc/* $root/usr/share/locale/* \
	$root/usr/share/man/* $root/var/log/*; : > $root/etc/hostname; : > $root/etc/resolv.conf; \
	: > $root/etc/apt/sources.list"
$sudo tar -C "$root" --numeric-owner --sort=name -czf "$out/image.tar.gz" .
cat > "$out/manifest.json.new" <<-END
	{
	  "v": 2,
	  "uuid": "de61a000-b007-4b00-8d0c-0123456789ab",
	  "owner": "00000000-0000-0000-0000-000000000000",
	  "name": "debian-12-minbase",
	  "version": "20261121",
	  "description": "Debian 12, made by debootstrap",
	  "state": "active",
	  "disabled": false,
	  "public": true,
	  "published_at": "2026-11-21T00:00:00Z",
	  "type": "lx-dataset",
	  "os": "linux",
	  "files": [
	    {
	      "sha1": "$(sha1sum < "$out/image.tar.gz" | cut -d' ' -f1)",
	      "size": $(stat -c %s "$out/image.tar.gz"),
	      "compression": "gzip"
	    }
	  ],
	  "requirements": { "brand": "lx" }
	}
END
mv "$out/manifest.json.new" "$out/manifest.json"
