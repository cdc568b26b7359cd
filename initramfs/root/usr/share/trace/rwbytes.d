#!/usr/sbin/dtrace -qs
/* Bytes read and written, by program */

sysinfo:::readch { @r[execname] = sum(arg0); }
sysinfo:::writech { @w[execname] = sum(arg0); }
END { printf("%-16s %14s %14s\n", "COMMAND", "READ", "WRITTEN"); printa("%-16s %@14d %@14d\n", @r, @w); }
