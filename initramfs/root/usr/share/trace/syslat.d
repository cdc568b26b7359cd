#!/usr/sbin/dtrace -qs
/* How long a system call takes: syslat.d read (globs work) */

syscall::$1:entry { self->t = timestamp; }
syscall::$1:return /self->t/
{
	@[probefunc, "ns"] = quantize(timestamp - self->t);
	self->t = 0;
}
