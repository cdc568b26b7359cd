#!/usr/sbin/dtrace -qs
/* Where the kernel spends its time, by function */

profile-997 /arg0/ { @[func(arg0)] = count(); }
END { printa("%-60a %@9d\n", @); }
