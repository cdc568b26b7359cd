#!/usr/sbin/dtrace -qs
/* Bytes on the network, by direction and addresses */

ip:::send, ip:::receive { @[probename, args[3]->if_name, args[2]->ip_saddr, args[2]->ip_daddr] = sum(args[2]->ip_plength); }
END { printa("%-8s %-10s %-24s %-24s %@12d\n", @); }
