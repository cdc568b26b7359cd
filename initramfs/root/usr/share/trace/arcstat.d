#!/usr/sbin/dtrace -qs
/* Hits and misses of the cache, every second */

zfs:::arc-hit { hits++; }
zfs:::arc-miss { misses++; }
tick-1s /hits + misses/
{
	printf("%Y %9d hits %9d misses %3d%%\n", walltimestamp, hits, misses, 100 * hits / (hits + misses));
	hits = 0;
	misses = 0;
}
