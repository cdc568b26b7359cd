#!/usr/sbin/dtrace -qs
/* Transaction groups of pools: how long each took to be synced */

zfs:::txg-sync-start { self->t = timestamp; }
zfs:::txg-sync-done /self->t/
{
	printf("%Y %-16s txg %d %d us\n", walltimestamp, copyinstr(arg0), arg1, (timestamp - self->t) / 1000);
	@[copyinstr(arg0), "us"] = quantize((timestamp - self->t) / 1000);
	self->t = 0;
}
