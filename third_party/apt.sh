#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Debian as the source of everything that is not ours: libraries' sources, the image's kernel, the
# tools that judge us. Nothing here is installed; it is downloaded below build/ and unpacked there.
#
# A private apt configuration adds deb-src and contrib to the machine's own mirrors, so that the
# machine's configuration is never touched. Integrity is apt's: signed indices, hashed files.
#
#   apt.sh update                    fetch the indices, once
#   apt.sh source PACKAGE UPSTREAM   download and unpack a source package into the current folder;
#                                    prints its Debian version; refuses another upstream version
#   apt.sh deb PACKAGE...            download binary packages and what they depend on exactly as
#                                    named into the current folder
#   apt.sh need PACKAGE...           install tools on this machine, only those that are missing

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
apt=$top/build/third_party/apt

say() { echo "apt.sh: $*" >&2; }
die() { say "$@"; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Rewrite the machine's own entries: the release's suites, with sources, with contrib.
# Reads deb822 stanzas and one-line entries alike, writes deb822.
mirror_stanzas() {
	codename=$1
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -e "$f" ] || continue
		awk -v RS= -v FS='\n' -v code="$codename" '
		function field(name,   i) {
			for (i = 1; i <= NF; i++)
				if (tolower($i) ~ "^" tolower(name) ":") {
					sub(/^[^:]*:[ \t]*/, "", $i); return $i
				}
			return ""
		}
		{
			if (tolower(field("Enabled")) == "no") next
			n = split(field("Suites"), s, /[ \t]+/); suites = ""
			for (i = 1; i <= n; i++)
				if (s[i] == code || s[i] == code "-updates" || s[i] == code "-security")
					suites = suites " " s[i]
			if (suites == "" || (" " field("Components") " ") !~ / main /) next
			print "Types: deb deb-src\nURIs: " field("URIs") "\nSuites:" suites
			print "Components: main contrib"
			if ((k = field("Signed-By")) != "") print "Signed-By: " k
			print ""
		}' "$f"
	done
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
	awk -v code="$codename" '
		$1 == "deb" {
			opt = ""; i = 2
			if ($i ~ /^\[/) {
				do opt = opt " " $i; while ($(i++) !~ /\]$/)
			}
			uri = $i; suite = $(i + 1)
			if (suite != code && suite != code "-updates" && suite != code "-security") next
			if ((" " $0 " ") !~ / main /) next
			print "Types: deb deb-src\nURIs: " uri "\nSuites: " suite
			print "Components: main contrib"
			if (match(opt, /signed-by=[^] ]*/))
				print "Signed-By: " substr(opt, RSTART + 10, RLENGTH - 10)
			print ""
		}'
}

configure() {
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/etc/parts"
	mirror_stanzas "$codename" > "$apt/etc/debian.sources.new"
	[ -s "$apt/etc/debian.sources.new" ] || die "no mirror of Debian $codename in this machine's apt sources"
	mv "$apt/etc/debian.sources.new" "$apt/etc/parts/debian.sources"
	cat > "$apt/apt.conf" <<-CONF
	Dir::Etc::SourceList "/dev/null";
	Dir::Etc::SourceParts "$apt/etc/parts";
	Dir::State "$apt/state";
	Dir::State::status "/var/lib/dpkg/status";
	Dir::Cache "$apt/cache";
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	Acquire::Retries "3";
	CONF
}

update() {
	[ -e "$apt/updated" ] && [ "${1:-}" != -f ] && return 0
	mkdir -p "$apt"
	configure
	say "reading the package indices"
	APT_CONFIG=$apt/apt.conf apt-get -qq update || die "apt-get update failed"
	touch "$apt/updated"
}

# Run under the private configuration; when a version has left the mirror, refresh once and retry.
private() {
	APT_CONFIG=$apt/apt.conf "$@" && return 0
	update -f
	APT_CONFIG=$apt/apt.conf "$@"
}

source_package() {
	package=$1 upstream=$2
	private apt-get -qq source --download-only "$package" >&2
	# shellcheck disable=SC2012
	dsc=$(ls -t "$package"_*.dsc | head -n 1)
	version=$(sed -n 's/^Version: //p' "$dsc" | head -n 1)
	have=$(echo "$version" | sed 's/^[0-9]*://; s/-[^-]*$//')
	[ "$have" = "$upstream" ] ||
		die "$package: Debian has $have, this tree was tested with $upstream (see third_party/)"
	rm -rf src
	dpkg-source --no-check -x "$dsc" src >/dev/null 2>&1 || die "$package: cannot unpack $dsc"
	echo "$version"
}

need() {
	missing=
	for p in "$@"; do
		dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	say "installing$missing"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086
	as_root apt-get -qq install -y --no-install-recommends $missing >/dev/null 2>&1 || {
		as_root apt-get -qq update
		as_root apt-get -qq install -y --no-install-recommends $missing >/dev/null
	}
}

lock() {
	mkdir -p "$apt"
	exec 9>"$apt/lock"
	flock 9
}

cmd=${1:-}
[ $# -gt 0 ] && shift
case $cmd in
update) lock; update "$@" ;;
source) lock; update; source_package "$@" ;;
deb) lock; update; private apt-get -qq download "$@" ;;
need) need "$@" ;;
*) die "usage: apt.sh update | source PACKAGE UPSTREAM | deb PACKAGE... | need PACKAGE..." ;;
esac
