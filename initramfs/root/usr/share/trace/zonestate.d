#!/usr/sbin/dtrace -qs
/* Zones as they change their state */

zone:::state-change { printf("%Y %s: %s -> %s\n", walltimestamp, copyinstr(arg0), copyinstr(arg1), copyinstr(arg2)); }
