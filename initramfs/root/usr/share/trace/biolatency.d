#!/usr/sbin/dtrace -qs
/* How long block input and output takes (us), by device */

io:::start { t[args[0]->b_addr] = timestamp; }
io:::done /t[args[0]->b_addr]/
{
	@[args[1]->dev_statname, "us"] = quantize((timestamp - t[args[0]->b_addr]) / 1000);
	t[args[0]->b_addr] = 0;
}
