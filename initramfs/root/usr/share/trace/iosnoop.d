#!/usr/sbin/dtrace -qs
/* Block input and output as it is done: device, block, bytes, microseconds */

BEGIN { printf("%-10s %-2s %10s %8s %8s\n", "DEVICE", "RW", "BLOCK", "BYTES", "US"); }
io:::start
{
	t[args[0]->b_addr] = timestamp;
	size[args[0]->b_addr] = args[0]->b_bcount;
	block[args[0]->b_addr] = args[0]->b_blkno;
}
io:::done /t[args[0]->b_addr]/
{
	this->b = args[0]->b_addr;
	printf("%-10s %-2s %10d %8d %8d\n", args[1]->dev_statname, args[0]->b_flags & B_WRITE ? "W" : "R",
	    block[this->b], size[this->b], (timestamp - t[this->b]) / 1000);
	t[this->b] = 0; size[this->b] = 0; block[this->b] = 0;
}
