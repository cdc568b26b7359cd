#!/usr/sbin/dtrace -qs
/* Interrupts by number */

rawtp:::irq_handler_entry { @[args[0], stringof(args[1]->name)] = count(); }
END { printa("%4d %-32s %@9d\n", @); }
