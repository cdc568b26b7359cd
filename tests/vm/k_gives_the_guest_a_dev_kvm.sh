#!/bin/sh
# SPDX-License-Identifier: MIT
# With -k there is a /dev/kvm, made by the modules that the processor's own alias brings.
# vm: -k -a noimport
set -eu
ls -l /dev/kvm
grep -qE '^flags.* (svm|vmx)( |$)' /proc/cpuinfo
lsmod | grep -qE '^kvm_(amd|intel)'
