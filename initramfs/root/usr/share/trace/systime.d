#!/usr/sbin/dtrace -qs
/* Where time in system calls goes, by program and call */

syscall:::entry { self->t = timestamp; }
syscall:::return /self->t/
{
	@[execname, probefunc] = sum(timestamp - self->t);
	self->t = 0;
}
END
{
	normalize(@, 1000);
	printf("%-16s %-24s %12s\n", "COMMAND", "CALL", "TIME(us)");
	printa("%-16s %-24s %@12d\n", @);
}
