#!/usr/sbin/dtrace -qs
/* Files that are asked about (stat and its kin) */

BEGIN { printf("%-16s %6s %4s %s\n", "COMMAND", "PID", "ERR", "PATH"); }

syscall::newstat:entry, syscall::newlstat:entry { self->path = arg0; }
syscall::newfstatat:entry, syscall::statx:entry { self->path = arg1; }
syscall::newstat:return, syscall::newlstat:return, syscall::newfstatat:return, syscall::statx:return /self->path/
{
	printf("%-16s %6d %4d %s\n", execname, pid, errno, copyinstr(self->path));
	self->path = 0;
}
