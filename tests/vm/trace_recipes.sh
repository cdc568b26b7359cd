#!/bin/sh
# SPDX-License-Identifier: MIT
# vm: -d 256M -a noimport -t 600
# files: tests/trace/recipes.sh
# The recipes in the image, on its kernel with kprobes and a pool.
set -e
zpool create -f tracepool /dev/vda
RECIPES_POOL=tracepool
export RECIPES_POOL
sh ./recipes.sh /usr/share/trace
