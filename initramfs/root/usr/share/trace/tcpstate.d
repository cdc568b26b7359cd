#!/usr/sbin/dtrace -qs
/* States of connections as they change */

tcp:::state-change
{
	printf("%s:%d %s:%d %d -> %d\n", args[3]->tcps_laddr, args[3]->tcps_lport, args[3]->tcps_raddr,
	    args[3]->tcps_rport, args[5]->tcps_state, args[4]);
}
