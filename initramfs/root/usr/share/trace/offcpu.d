#!/usr/sbin/dtrace -qs
/* Time off the CPU by program and kernel stack */

rawtp:::sched_switch /args[1]->pid != 0/ { out[args[1]->pid] = timestamp; @where[execname, stack(8)] = count(); }
rawtp:::sched_switch /out[args[2]->pid]/
{
	@us[stringof(args[2]->comm)] = sum((timestamp - out[args[2]->pid]) / 1000);
	out[args[2]->pid] = 0;
}
END
{
	printf("%-16s %12s\n", "COMMAND", "OFF-CPU(us)");
	printa("%-16s %@12d\n", @us);
	trunc(@where, 10);
}
