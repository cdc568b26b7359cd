#!/usr/sbin/dtrace -qs
/* Stacks of what runs, 97 times a second (for --flame, --folded) */

profile-97 { @[execname, stack(), ustack()] = count(); }
