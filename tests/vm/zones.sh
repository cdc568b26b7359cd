#!/bin/bash
# SPDX-License-Identifier: MIT
# host
# Zones on the image's kernel: their life, their isolation, their caps.
set -e
command -v musl-gcc > /dev/null || { echo "needs musl-gcc"; exit 77; }
musl-gcc -static -O1 -D_GNU_SOURCE -o probe "$TOP/tests/zone/probe.c"
musl-gcc -static -g -O1 -fno-omit-frame-pointer -o funcs "$TOP/tests/zone/funcs.c"
exec "$TOP/tests/vm/run" -m 512 -t 600 -a noimport "$TOP/tests/zone/guest.sh" probe funcs \
	"$TOP"/tests/zone/{lib,lifecycle,isolation,caps,trace}.sh
