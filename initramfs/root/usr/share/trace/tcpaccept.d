#!/usr/sbin/dtrace -qs
/* Connections as they come in */

BEGIN { printf("%-24s %6s %-24s %6s\n", "LOCAL", "PORT", "REMOTE", "PORT"); }
tcp:::accept-established
{
	printf("%-24s %6d %-24s %6d\n", args[3]->tcps_laddr, args[3]->tcps_lport, args[3]->tcps_raddr, args[3]->tcps_rport);
}
