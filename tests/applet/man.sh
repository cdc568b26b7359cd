#!/bin/bash
# SPDX-License-Identifier: MIT
# Every applet has a man page, and the page names every option and command of the usage text.

command -v mandoc > /dev/null || { echo "needs mandoc"; exit 77; }
failures=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# The options and the subcommands that a usage text mentions, one a line.
usage_options() { grep -oE '(^|[[ |(/])--?[A-Za-z0-9][A-Za-z0-9-]*' | sed -E 's/^[[ |(\/]//' | sort -u; }
usage_commands() { sed -nE '/^commands:/,$s/^  ([a-z][a-z-]*).*/\1/p' | sort -u; }

for applet in $("$TOP/build/smartbox" --list); do
	page=$TOP/man/$applet.8
	[ -e "$page" ] || { fail "man/$applet.8 is missing"; continue; }
	errors=$(mandoc -T lint -W error "$page") || fail "man/$applet.8: $errors"
	text=$(mandoc -T ascii "$page" | col -b)
	usage=$("$applet" -h 2> /dev/null)
	[ -n "$usage" ] || fail "$applet -h prints nothing"
	for option in $(usage_options <<< "$usage"); do
		# One letter may stand in a group ([-Hp]); a long one must be there as it is.
		if [[ $option =~ ^-([A-Za-z0-9])$ ]]; then
			grep -qE -- "(^|[^A-Za-z0-9-])-[A-Za-z0-9]*${BASH_REMATCH[1]}" <<< "$text"
		elif [[ $option == --* ]]; then
			grep -qF -- "$option" <<< "$text"
		else # -Hp in the usage: each of its letters
			letters=${option#-} found=0
			for ((i = 0; i < ${#letters}; i++)); do
				grep -qE -- "(^|[^A-Za-z0-9-])-[A-Za-z0-9]*${letters:i:1}" <<< "$text" || found=1
			done
			[ $found = 0 ]
		fi || fail "man/$applet.8 does not name the option $option"
	done
	for command in $(usage_commands <<< "$usage"); do
		grep -qwF -- "$command" <<< "$text" || fail "man/$applet.8 does not name the command $command"
	done
done
# Every property that the code knows is in its page, with the values it takes, and no other.
as_listed() { sed -nE 's/^\t([a-z_0-9]+)  *(YES|NO)  *((YES|NO)  *)?([^ ].*)/\1 \5/p' | sort; }
as_in_page() { awk '/^\.It Sy / { name = $3 } /^Values: / { sub(/^Values: /, ""); sub(/\.$/, ""); print name, $0 }' "$1" | sort; }
for set in zfs zpool; do
	page=$TOP/man/${set}props.7
	errors=$(mandoc -T lint -W error "$page") || fail "$page: $errors"
	listed=$($set get 2>&1 | as_listed) written=$(as_in_page "$page" | grep -v '^feature@')
	[ $set = zfs ] || { listed=$(cut -d' ' -f1 <<< "$listed") written=$(cut -d' ' -f1 <<< "$written"); }
	[ "$(wc -l <<< "$listed")" -gt 20 ] || fail "$set get lists no properties"
	diff <(echo "$listed") <(echo "$written") || fail "$page: not what $set get lists"
done
[ "$failures" = 0 ]
