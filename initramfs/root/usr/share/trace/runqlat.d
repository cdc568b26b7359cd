#!/usr/sbin/dtrace -qs
/* How long threads that could run waited for a CPU (ns) */

rawtp:::sched_wakeup { woken[args[0]->pid] = timestamp; }
rawtp:::sched_switch /woken[args[2]->pid]/
{
	@["ns"] = quantize(timestamp - woken[args[2]->pid]);
	woken[args[2]->pid] = 0;
}
