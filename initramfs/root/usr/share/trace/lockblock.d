#!/usr/sbin/dtrace -qs
/* Time that threads were blocked by mutexes, by kernel stack */

lockstat:::adaptive-block { @ns[stack(6)] = sum(arg1); @n["blocks"] = count(); }
