#!/usr/sbin/dtrace -qs
/* Samples of CPU by zone and program */

profile-997 /pid/ { @[zonename, execname] = count(); }
END { printf("%-16s %-16s %9s\n", "ZONE", "COMMAND", "SAMPLES"); printa("%-16s %-16s %@9d\n", @); }
