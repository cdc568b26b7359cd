#!/usr/sbin/dtrace -qs
/* System calls that fail, by program, call and error */

syscall:::return /errno != 0/ { @[execname, probefunc, errno] = count(); }
END { printf("%-16s %-24s %5s %9s\n", "COMMAND", "CALL", "ERRNO", "COUNT"); printa("%-16s %-24s %5d %@9d\n", @); }
