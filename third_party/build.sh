#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build one library from Debian's source package: build.sh FLAVOUR NAME
#
# FLAVOUR is `musl` (what the binary links) or `host` (glibc, for the sanitized tests). A recipe
# third_party/NAME.sh sets PACKAGE and UPSTREAM (and NEEDS, libraries that must be there first) and defines build(), which runs in the unpacked
# source and calls the helpers below. Results: build/third_party/{include,lib} or
# build/third_party/host/{include,lib}, and NAME.version holding the exact Debian version.
#
# A result is complete or absent: everything is made in a scratch folder, then moved into place.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
flavour=$1 name=$2
tp=$top/build/third_party
case $flavour in
musl) out=$tp CC=musl-gcc ;;
host) out=$tp/host CC=gcc ;;
*) echo "build.sh: unknown flavour '$flavour'" >&2; exit 2 ;;
esac
work=$tp/work/$flavour-$name
src=$tp/src/$name
AR=ar
CFLAGS="-O2 -g1 -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong -fvisibility=hidden \
	-fno-strict-aliasing -ffile-prefix-map=$work=/$name -isystem $top/build/uapi"
[ "$flavour" = musl ] || CFLAGS="-O2 -g1 -fPIE -ffile-prefix-map=$work=/$name"

# compile ARCHIVE [-flag...] SOURCE...: the sources, and nothing else, into one archive
compile() {
	archive=$1 flags= objs=
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		-*) flags="$flags $1" ;;
		*)
			obj=$(echo "$1" | tr / _).o
			# shellcheck disable=SC2086
			$CC $CFLAGS -w $flags -c "$1" -o "$obj"
			objs="$objs $obj" ;;
		esac
		shift
	done
	rm -f "$work/stage/lib/$archive"
	# shellcheck disable=SC2086
	$AR crD "$work/stage/lib/$archive" $objs
}

# headers [-d SUBDIR] FILE...
headers() {
	dir=$work/stage/include
	if [ "$1" = -d ]; then
		dir=$dir/$2
		shift 2
	fi
	mkdir -p "$dir"
	cp "$@" "$dir/"
}

fetch() {
	mkdir -p "$src"
	(
		cd "$src"
		flock 8
		[ -e "version-$UPSTREAM" ] && exit 0
		"$top/third_party/apt.sh" source "$PACKAGE" "$UPSTREAM" > version.new
		mv version.new "version-$UPSTREAM"
	) 8>"$src/lock"
}

# shellcheck disable=SC1090
. "$top/third_party/$name.sh"
[ "$flavour" = musl ] || [ -z "${MUSL_ONLY:-}" ] || exit 0
echo "  LIB     $name ($flavour)" >&2
fetch
rm -rf "$work"
mkdir -p "$work" "$out/include" "$out/lib"
cp -a "$src/src/." "$work/"
cd "$work"
mkdir -p stage/include stage/lib
set +e
(set -e; build) > build.log 2>&1	# "build || ..." would switch -e off inside
rc=$?
set -e
if [ $rc != 0 ]; then
	tail -n 30 build.log >&2
	echo "build.sh: $name failed, see $work/build.log" >&2
	exit 1
fi
cp -a stage/include/. "$out/include/"
for a in stage/lib/*.a; do
	mv "$a" "$out/lib/.new-${a##*/}"
	mv "$out/lib/.new-${a##*/}" "$out/lib/${a##*/}"
done
cp "$src/version-$UPSTREAM" "$out/lib/$name.version"
cd "$top"
rm -rf "$work"
