#!/bin/bash
# SPDX-License-Identifier: MIT
# Checksums and parities beside a copy of the same bytes, on this machine: tests/bench/sums.sh

. "$TOP/tests/bench/lib.sh"
header "sums ($(uname -m), one processor)" memcpy
"$TOP/build/tests/bench/sums" | awk -F: '{
	printf "%-34s %10.4g %10.4g %-6s %6.2f\n", $1, $2, $3, "MiB/s", $2 / $3
}'
