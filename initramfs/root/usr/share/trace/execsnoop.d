#!/usr/sbin/dtrace -qs
/* Programs as they are started: who, by whom, which file */

BEGIN { printf("%-20s %-12s %6s %6s %6s %s\n", "TIME", "ZONE", "UID", "PPID", "PID", "PROGRAM"); }

proc:::exec { self->path = copyinstr((uintptr_t)args[0]); }
proc:::exec-success /self->path != ""/
{
	printf("%-20Y %-12s %6d %6d %6d %s\n", walltimestamp, zonename, uid, ppid, pid, self->path);
	self->path = 0;
}
proc:::exec-failure { self->path = 0; }
