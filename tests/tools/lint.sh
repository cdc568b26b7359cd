#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What a reviewer should not have to say: licence lines, spaces, long lines, functions out of hand, calls
# that nobody should use, shell scripts that do not parse; then cppcheck where it is installed.

cd "$(dirname "$0")/../.." || exit 1
bad=0
complain() { [ -z "$2" ] || { sed "s|\$|	<- $1|" <<< "$2"; bad=$((bad + $(wc -l <<< "$2"))); }; }

mapfile -t c < <(git ls-files '*.c' '*.h')
mapfile -t all < <(git ls-files | grep -vE '^LICENSE$|corpus/|\.(png|bin|zst|gz|xz|bz2)$')
mapfile -t sh < <(git ls-files | while read -r f; do head -c 20 "$f" 2>/dev/null | grep -qaE '^#!/bin/(ba)?sh' && echo "$f"; done)

complain "no SPDX line" "$(grep -L 'SPDX-License-Identifier' "${c[@]}")"
complain "space at the end of a line" "$(grep -nIE '[ 	]+$' "${all[@]}" | grep -vE '\.md:|^tests/applet/' | cut -c1-120)"
complain "indented by spaces" "$(grep -nE '^ {8}' "${c[@]}" | cut -c1-120)"
complain "longer than 100 columns" "$(for f in "${c[@]}"; do
	expand "$f" | awk -v f="$f" 'length($0) > 110 && !/^[ \t]*[{"]/ && !/"/ { print f ":" NR }'; done)"
complain "use a bounded or checked call" \
	"$(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|mktemp|tmpnam)\(' "${c[@]}" |
		grep -vE '^(tests|initramfs|kern/module)/' | cut -c1-120)"
complain "session or machine names do not belong here" "$(grep -nIE '(^|[^a-z])/work/' "${all[@]}" | grep -v 'tests/tools/lint.sh' | cut -c1-120)"
complain "does not parse" "$(for f in "${sh[@]}"; do bash -n "$f" 2>&1; done)"
complain "a function above 150 lines" "$(for f in "${c[@]}"; do
	awk -v f="$f" '/^\{/ { s = NR } /^\}/ { if (s && NR - s > 150) print f ":" s; s = 0 }' "$f"; done)"

if [ -n "${CPPCHECK:-}" ] || command -v cppcheck > /dev/null; then
	out=$(cppcheck -q -j2 --std=c11 --enable=warning,portability --inline-suppr -Iinclude \
		--suppress=missingInclude --suppress=missingIncludeSystem --suppress=nullPointerOutOfMemory \
		--suppress=nullPointerArithmeticOutOfMemory --template='{file}:{line}: {id}: {message}' \
		core fs kern net machine vmx trace applets 2>&1 | grep -vE '^kern/module/|: (syntaxError|unknownMacro|preprocessorErrorDirective|internalError):')
	[ -z "$out" ] || sed 's/^/advice: /' <<< "$out"	# it is often wrong: it does not fail the run
fi
[ "$bad" = 0 ] || { echo "lint: $bad complaints"; exit 1; }
echo "lint: ${#c[@]} C files, ${#sh[@]} scripts, nothing to say"
