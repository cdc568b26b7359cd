/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail and blocks that are damaged at will: malloc and its kin, and
 * checksum_compute, are wrapped when this program is linked.
 */
#ifndef SMARTBOX_FAULT_ALLOC_H
#define SMARTBOX_FAULT_ALLOC_H

#include <stdint.h>

/* From now on count allocations, and let number n (from 0) fail. */
void fault_alloc_at(uint64_t n);
/* Count no more; how many there were. */
uint64_t fault_alloc_off(void);
/* Around what a test does for itself. */
void fault_alloc_pause(void);
void fault_alloc_go_on(void);

/*
 * From now on count checksums; before number n is computed flip a few bits of the data, so that damage gets a
 * valid checksum.  Which bits follows from n.
 */
void fault_flip_at(uint64_t n);
uint64_t fault_flip_off(void);

#endif
