/* SPDX-License-Identifier: MIT */
/* SIGTERM to the monitor presses the power button: a status bit and line 9; the guest then powers off by itself.
 * host: for i in $(seq 200); do sleep 0.05; grep -qs ready said && break; done; kill -TERM $(pgrep -P $(cat pid))
 * expect: ready
 * expect: ok the button
 * expect: ok line 9
 */
#include "guest.h"

static volatile u32 lines;

static void
line9(u64 v)
{
	(void)v;
	lines++;
	outw(0x600, 0x100); /* the status goes, and the line with it */
	pic_eoi(9);
}

int
main(void)
{
	pic_init(1 << 9);
	on_interrupt(41, line9);
	outw(0x604, 1);
	outw(0x602, 0x100);
	put("ready\n");
	while (!lines)
		wait_interrupt();
	check("the button", (inw(0x600) & 0x100) == 0);
	check("line 9", lines == 1);
	return (0);
}
