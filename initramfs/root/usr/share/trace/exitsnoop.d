#!/usr/sbin/dtrace -qs
/* Processes as they end: how long they lived and why they ended */

BEGIN { printf("%-16s %6s %6s %10s %s\n", "COMMAND", "PID", "PPID", "LIVED(ms)", "WHY"); }

proc:::start { born[pid] = timestamp; }
proc:::exit
{
	this->ms = born[pid] ? (timestamp - born[pid]) / 1000000 : 0;
	printf("%-16s %6d %6d %10d %s\n", execname, pid, ppid, this->ms,
	    args[0] == CLD_EXITED ? "exited" : args[0] == CLD_KILLED ? "killed" : "dumped");
	born[pid] = 0;
}
