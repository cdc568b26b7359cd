#!/usr/sbin/dtrace -qs
/* Connections as they are asked for */

BEGIN { printf("%-16s %6s %-24s %-24s %s\n", "COMMAND", "PID", "LOCAL", "REMOTE", "PORT"); }
tcp:::connect-request
{
	printf("%-16s %6d %-24s %-24s %d\n", execname, pid, args[3]->tcps_laddr, args[3]->tcps_raddr, args[3]->tcps_rport);
}
