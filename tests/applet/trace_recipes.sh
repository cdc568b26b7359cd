#!/bin/bash
# SPDX-License-Identifier: MIT
# The recipes of /usr/share/trace, on this machine's kernel.
trace -qn 'BEGIN { exit(0); }' > /dev/null 2>&1 || { echo "this kernel or user may not load eBPF"; exit 77; }
for f in "$TOP"/initramfs/root/usr/share/trace/*.d; do
	args=()
	! grep -q '\$1' "$f" || args=(read)
	errors=$(dtrace -qes "$f" "${args[@]}" 2>&1 > /dev/null) || [[ $errors == *CONFIG_KPROBES* ]] || { echo "$f: $errors"; exit 1; }
	grep -qw "$(basename "$f")" "$TOP/docs/trace-recipes.md" || { echo "docs/trace-recipes.md does not name $(basename "$f")"; exit 1; }
done
exec sh "$TOP/tests/trace/recipes.sh" "$TOP/initramfs/root/usr/share/trace"
