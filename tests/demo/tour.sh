# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the demo's two boots share: a transcript that stops at the first thing that is not as promised.

step() { printf '\n=== %s\n' "$*"; }
die() { printf 'DEMO FAILED: %s\n' "$*"; exit 1; }

# run COMMAND...: shown as typed, output as it comes; must succeed
run() {
	printf '# %s\n' "$*"
	"$@" || die "status $? of: $*"
}

# shows PATTERN COMMAND...: the output must match
shows() {
	pattern=$1
	shift
	printf '# %s\n' "$*"
	"$@" > /tmp/shown 2>&1 || { cat /tmp/shown; die "status $? of: $*"; }
	cat /tmp/shown
	grep -qE -- "$pattern" /tmp/shown || die "no '$pattern' in the output"
}

# fails COMMAND...: must not succeed
fails() {
	printf '# %s\n' "$*"
	! "$@" || die "should have failed: $*"
}

uuid_of() { vmadm lookup -1 alias="$1"; }
