#!/usr/sbin/dtrace -qs
/* System calls by name */

syscall:::entry { @[probefunc] = count(); }
END { printf("%-32s %9s\n", "CALL", "COUNT"); printa("%-32s %@9d\n", @); }
