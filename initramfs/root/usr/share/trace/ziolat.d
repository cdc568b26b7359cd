#!/usr/sbin/dtrace -qs
/* Reads of pools from their devices (ns), by pool */

zfs:::zio-read-start { self->t = timestamp; }
zfs:::zio-read-done /self->t/
{
	@[copyinstr(arg0), "ns"] = quantize(timestamp - self->t);
	self->t = 0;
}
