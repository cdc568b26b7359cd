/* SPDX-License-Identifier: MIT */
/* Allocations that fail at will: malloc and its kin are wrapped when this program is linked. */
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

#endif
