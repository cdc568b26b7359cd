#!/usr/sbin/dtrace -qs
/* Files by bytes read and written (needs kprobes): best with --top */

vfs:::read, vfs:::write /args[1] > 0/ { @[probename, execname, args[0]->fi_pathname] = sum(args[1]); }
