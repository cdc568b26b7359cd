/* SPDX-License-Identifier: MIT */
/* The same from a drive on the SATA controller, with a disk beside it.
 * needs: /usr/share/seabios/bios-256k.bin
 * iso: cd
 * disk: d 16
 * vmx: -b /usr/share/seabios/bios-256k.bin -m 16M -o d -d @/d,ahci -d @/cd,ahci,cd -s none -S stdio
 * expect: booted
 * expect: no emulation
 * expect: CD001
 */
#include "bios_boots_a_cd.S"
