#!/usr/sbin/dtrace -qs
/* Switches of context: by will and by force */

sched:::sleep { @will[execname] = count(); }
sched:::preempt { @force[execname] = count(); }
END { printf("%-16s %9s %9s\n", "COMMAND", "SLEPT", "PREEMPTED"); printa("%-16s %@9d %@9d\n", @will, @force); }
