#!/usr/sbin/dtrace -qs
/* System calls by zone and name */

syscall:::entry { @[zonename, probefunc] = count(); }
END { printf("%-16s %-32s %9s\n", "ZONE", "CALL", "COUNT"); printa("%-16s %-32s %@9d\n", @); }
