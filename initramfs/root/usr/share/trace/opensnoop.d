#!/usr/sbin/dtrace -qs
/* Files as they are opened, with the descriptor or the error */

BEGIN { printf("%-12s %-16s %6s %4s %4s %s\n", "ZONE", "COMMAND", "PID", "FD", "ERR", "PATH"); }

syscall::open:entry { self->path = arg0; }
syscall::openat:entry { self->path = arg1; }
syscall::open:return, syscall::openat:return /self->path/
{
	printf("%-12s %-16s %6d %4d %4d %s\n", zonename, execname, pid, (int)arg0 < 0 ? -1 : (int)arg0, errno,
	    copyinstr(self->path));
	self->path = 0;
}
