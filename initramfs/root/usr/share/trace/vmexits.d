#!/usr/sbin/dtrace -qs
/* Why virtual CPUs came out to the machine, by reason (KVM_EXIT_...) */

vmx:::exit { @[pid, arg0, arg1] = count(); }
END { printf("%8s %5s %7s %9s\n", "VM", "VCPU", "REASON", "COUNT"); printa("%8d %5d %7d %@9d\n", @); }
