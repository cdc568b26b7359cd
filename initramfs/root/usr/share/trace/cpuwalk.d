#!/usr/sbin/dtrace -qs
/* Which CPUs a program runs on: cpuwalk.d NAME */

profile-997 /execname == $$1/ { @ = lquantize(cpu, 0, 64, 1); }
