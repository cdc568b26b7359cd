#!/usr/sbin/dtrace -qs
/* Signals: who sent which to whom */

BEGIN { printf("%-16s %6s %6s %4s %s\n", "FROM", "PID", "TO", "SIG", "COMMAND"); }
proc:::signal-send
{
	printf("%-16s %6d %6d %4d %s\n", execname, pid, args[1]->pr_pid, args[2], args[1]->pr_fname);
}
