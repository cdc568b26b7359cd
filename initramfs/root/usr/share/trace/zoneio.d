#!/usr/sbin/dtrace -qs
/* Bytes read and written, by zone */

sysinfo:::readch { @r[zonename] = sum(arg0); }
sysinfo:::writech { @w[zonename] = sum(arg0); }
END { printf("%-16s %14s %14s\n", "ZONE", "READ", "WRITTEN"); printa("%-16s %@14d %@14d\n", @r, @w); }
