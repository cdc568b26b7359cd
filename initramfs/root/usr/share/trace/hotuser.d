#!/usr/sbin/dtrace -qs
/* Where a process spends its time, by function: hotuser.d -p PID */

profile-997 /pid == $target && arg1/ { @[ufunc(arg1)] = count(); }
