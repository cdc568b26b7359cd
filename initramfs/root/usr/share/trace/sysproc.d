#!/usr/sbin/dtrace -qs
/* System calls by program */

syscall:::entry { @[execname] = count(); }
END { printf("%-16s %9s\n", "COMMAND", "COUNT"); printa("%-16s %@9d\n", @); }
