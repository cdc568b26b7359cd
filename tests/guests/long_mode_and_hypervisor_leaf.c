/* SPDX-License-Identifier: MIT */
/* CPUID tells of long mode and of KVM, and of no virtualization inside.
 * expect: ok long mode
 * expect: ok under KVM
 * expect: ok no nesting
 */
#include "guest.h"

int
main(void)
{
	u32 r[4];

	cpuid(0x80000001, 0, r);
	check("long mode", (r[3] >> 29 & 1) != 0);
	cpuid(0x40000000, 0, r);
	check("under KVM", r[1] == 0x4b4d564b && r[2] == 0x564b4d56);
	cpuid(1, 0, r);
	check("no nesting", (r[2] >> 5 & 1) == 0 && (r[2] >> 31) == 1);
	return (0);
}
