#!/usr/sbin/dtrace -qs
/* Page faults by program: all, and those that had to read */

vminfo:::as_fault { @all[execname] = count(); }
vminfo:::maj_fault { @major[execname] = count(); }
END { printf("%-16s %9s %9s\n", "COMMAND", "FAULTS", "MAJOR"); printa("%-16s %@9d %@9d\n", @all, @major); }
