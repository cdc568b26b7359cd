/* SPDX-License-Identifier: MIT */
/* A PVH guest prints a line and powers off.
 * expect: hello
 */
#include "guest.h"

int
main(void)
{
	put("hello\n");
	return (0);
}
