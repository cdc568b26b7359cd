/* SPDX-License-Identifier: MIT */
/*
 * Sizes, rates, percentages and times as people write and read them.
 */
#ifndef SMARTBOX_CORE_UNITS_H
#define SMARTBOX_CORE_UNITS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "smartbox/core/err.h"

/*
 * "10", "1.5G", "128k", "64KiB", "2TB": factor 1024, any case.  -EINVAL with a sentence on rubbish,
 * -ERANGE on overflow.
 */
int units_parse_size(const char *s, uint64_t *out, struct err *e);
/* A plain decimal number with bounds; the whole string must be one. */
int units_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out, struct err *e);

void units_format_u64(char *buf, size_t size, uint64_t v); /* exact */
/* zfs's short form, at most 5 characters: "0B" "512B" "1.50K" "10.4M" "123G". */
void units_format_size(char *buf, size_t size, uint64_t bytes);
/* The same without the "B" below 1024 (zpool list, counters). */
void units_format_count(char *buf, size_t size, uint64_t n);
/* "3d04h", "1:02:03" style elapsed time for tables (seconds). */
void units_format_elapsed(char *buf, size_t size, uint64_t seconds);
/* "Sat Nov 21 10:17 2026", local time, as zfs get creation. */
void units_format_date(char *buf, size_t size, time_t t);

#endif
