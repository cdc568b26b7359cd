#!/usr/sbin/dtrace -qs
/* How long operations on files take (ns; needs kprobes) */

vfs:::read, vfs:::write, vfs:::open, vfs:::fsync, vfs:::readdir { @[probename, args[0]->fi_fs] = quantize(args[2]); }
