#!/usr/sbin/dtrace -qs
/* Segments that are sent again */

tcp:::retransmit { @[args[3]->tcps_raddr, args[3]->tcps_rport] = count(); }
