#!/usr/sbin/dtrace -qs
/* Sizes of reads and writes, by program */

syscall::read:return, syscall::write:return /(int64_t)arg0 >= 0/ { @[execname, probefunc] = quantize(arg0); }
