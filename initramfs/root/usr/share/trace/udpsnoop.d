#!/usr/sbin/dtrace -qs
/* Datagrams */

udp:::send, udp:::receive
{
	printf("%-8s %-16s %s:%d -> %s:%d %d bytes\n", probename, execname, args[2]->ip_saddr, args[4]->udp_sport,
	    args[2]->ip_daddr, args[4]->udp_dport, args[4]->udp_length - 8);
}
