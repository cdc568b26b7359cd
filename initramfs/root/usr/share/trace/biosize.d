#!/usr/sbin/dtrace -qs
/* Sizes of block input and output, by program */

io:::start { @[execname] = quantize(args[0]->b_bcount); }
