#!/usr/sbin/dtrace -qs
/* Files and folders that are removed */

syscall::unlink:entry, syscall::rmdir:entry { self->path = arg0; }
syscall::unlinkat:entry { self->path = arg1; }
syscall::unlink:return, syscall::rmdir:return, syscall::unlinkat:return /self->path/
{
	printf("%-12s %-16s %6d %4d %s\n", zonename, execname, pid, errno, copyinstr(self->path));
	self->path = 0;
}
