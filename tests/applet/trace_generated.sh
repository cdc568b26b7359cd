#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs made by chance load; TRACE_PROGRAMS= says how many, SEED= repeats.
trace -qn 'BEGIN { exit(0); }' > /dev/null 2>&1 || { echo "this kernel or user may not load eBPF"; exit 77; }
exec "$TOP/tests/trace/generated.sh" "${TRACE_PROGRAMS:-100}" ${SEED:+"$SEED"}
