/* SPDX-License-Identifier: MIT */
/*
 * MC146818 real-time clock and its 128 bytes of CMOS.
 *
 * The clock shows the host's UTC plus an offset that the guest sets by writing the time.  Firmware
 * reads memory sizes and the number of processors from CMOS; they are made from the board at each
 * reset.  The periodic interrupt is not given: every guest that we boot takes its ticks from the PIT, the
 * APIC or kvm-clock.  Update-ended and alarm interrupts come once a second from the event loop.
 *
 * Facts: Motorola MC146818A data sheet; CMOS memory bytes as SeaBIOS reads them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "smartbox/core/loop.h"
#include "smartbox/vmx/isa.h"

enum { SECONDS = 0, S_ALARM, MINUTES, M_ALARM, HOURS, H_ALARM, WEEKDAY, DAY, MONTH, YEAR };
enum { REG_A = 10, REG_B, REG_C, REG_D, CENTURY = 0x32 };
enum { B_24H = 2, B_BINARY = 4, B_UIE = 0x10, B_AIE = 0x20, B_PIE = 0x40, B_SET = 0x80 };
enum { C_UF = 0x10, C_AF = 0x20, C_IRQ = 0x80 };
enum { RTC_IRQ = 8 };

struct rtc {
	struct device dev;
	struct rtc_state {
		uint8_t index;
		uint8_t reserved[7];
		int64_t offset_s; /* guest's time - host's */
		uint8_t cmos[128];
	} s;
	unsigned cpus;
};

static uint8_t
encode(const struct rtc *r, unsigned v)
{
	return ((uint8_t)((r->s.cmos[REG_B] & B_BINARY) != 0 ? v : v / 10 << 4 | v % 10));
}

static unsigned
decode(const struct rtc *r, uint8_t v)
{
	return ((r->s.cmos[REG_B] & B_BINARY) != 0 ? v : (v >> 4) * 10U + (v & 15U));
}

static uint8_t
encode_hour(const struct rtc *r, unsigned h)
{
	if ((r->s.cmos[REG_B] & B_24H) != 0)
		return (encode(r, h));
	return ((uint8_t)(encode(r, h % 12 == 0 ? 12 : h % 12) | (h >= 12 ? 0x80 : 0)));
}

static unsigned
decode_hour(const struct rtc *r, uint8_t v)
{
	if ((r->s.cmos[REG_B] & B_24H) != 0)
		return (decode(r, v));
	return (decode(r, v & 0x7f) % 12 + ((v & 0x80) != 0 ? 12 : 0));
}

static void
guest_time(struct rtc *r, struct tm *tm)
{
	time_t t = (time_t)(board_wall(r->dev.board) + r->s.offset_s);

	if (gmtime_r(&t, tm) == NULL)
		memset(tm, 0, sizeof(*tm));
}

/* The time registers as they are now. */
static void
time_show(struct rtc *r)
{
	uint8_t *c = r->s.cmos;
	struct tm tm;

	if ((c[REG_B] & B_SET) != 0)
		return;
	guest_time(r, &tm);
	c[SECONDS] = encode(r, (unsigned)tm.tm_sec % 60);
	c[MINUTES] = encode(r, (unsigned)tm.tm_min);
	c[HOURS] = encode_hour(r, (unsigned)tm.tm_hour);
	c[WEEKDAY] = encode(r, (unsigned)tm.tm_wday + 1);
	c[DAY] = encode(r, (unsigned)tm.tm_mday);
	c[MONTH] = encode(r, (unsigned)tm.tm_mon + 1);
	c[YEAR] = encode(r, (unsigned)tm.tm_year % 100);
	c[CENTURY] = encode(r, (unsigned)(tm.tm_year + 1900) / 100 % 100);
}

/* The guest wrote the time registers: keep the difference. */
static void
time_take(struct rtc *r)
{
	const uint8_t *c = r->s.cmos;
	struct tm tm = {
	    .tm_sec = (int)decode(r, c[SECONDS]),
	    .tm_min = (int)decode(r, c[MINUTES]),
	    .tm_hour = (int)decode_hour(r, c[HOURS]),
	    .tm_mday = (int)decode(r, c[DAY]),
	    .tm_mon = (int)decode(r, c[MONTH]) - 1,
	    .tm_year = (int)(decode(r, c[CENTURY]) * 100 + decode(r, c[YEAR])) - 1900,
	};

	r->s.offset_s = (int64_t)timegm(&tm) - board_wall(r->dev.board);
}

static void
rtc_update(struct rtc *r)
{
	uint8_t *c = r->s.cmos;

	if ((c[REG_C] & c[REG_B] & (B_UIE | B_AIE | B_PIE)) != 0)
		c[REG_C] |= C_IRQ;
	board_irq(r->dev.board, RTC_IRQ, 0, (c[REG_C] & C_IRQ) != 0);
}

static bool
is_time(unsigned i)
{
	return (i == CENTURY || (i <= YEAR && i != S_ALARM && i != M_ALARM && i != H_ALARM));
}

static uint8_t
cmos_read(struct rtc *r)
{
	unsigned i = r->s.index;
	uint8_t v;

	if (is_time(i))
		time_show(r);
	v = r->s.cmos[i];
	if (i == REG_C) {
		r->s.cmos[REG_C] = 0;
		rtc_update(r);
	}
	return (v);
}

static void
cmos_write(struct rtc *r, uint8_t v)
{
	unsigned i = r->s.index;

	switch (i) {
	case REG_A:
		r->s.cmos[i] = v & 0x7f;
		return;
	case REG_B:
		time_show(r);
		if ((r->s.cmos[REG_B] & B_SET) != 0 && (v & B_SET) == 0)
			time_take(r);
		r->s.cmos[REG_B] = v;
		rtc_update(r);
		return;
	case REG_C:
	case REG_D:
		return;
	}
	if (is_time(i))
		time_show(r);
	r->s.cmos[i] = v;
	if (is_time(i) && (r->s.cmos[REG_B] & B_SET) == 0)
		time_take(r);
}

static uint64_t
rtc_read(struct device *d, uint64_t off, unsigned size)
{
	struct rtc *r = (struct rtc *)d;

	(void)size;
	return (off == 0 ? 0xff : cmos_read(r));
}

static void
rtc_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct rtc *r = (struct rtc *)d;

	if (off == 0) {
		r->s.index = v & 0x7f; /* bit 7 masks NMI */
		if (size == 2)
			cmos_write(r, (uint8_t)(v >> 8));
	} else {
		cmos_write(r, (uint8_t)v);
	}
}

static const struct bus_ops rtc_ops = {rtc_read, rtc_write};

static bool
alarm_matches(const struct rtc *r)
{
	const uint8_t *c = r->s.cmos;

	return ((c[S_ALARM] >= 0xc0 || c[S_ALARM] == c[SECONDS]) &&
	    (c[M_ALARM] >= 0xc0 || c[M_ALARM] == c[MINUTES]) &&
	    (c[H_ALARM] >= 0xc0 || c[H_ALARM] == c[HOURS]));
}

static void
rtc_tick(struct loop *l, void *arg)
{
	struct rtc *r = arg;

	(void)l;
	(void)pthread_mutex_lock(&r->dev.lock);
	if ((r->s.cmos[REG_B] & (B_UIE | B_AIE)) != 0) {
		time_show(r);
		r->s.cmos[REG_C] |= C_UF | (alarm_matches(r) ? C_AF : 0);
		rtc_update(r);
	}
	(void)pthread_mutex_unlock(&r->dev.lock);
}

void
rtc_attach(struct device *rtc, struct loop *l)
{
	(void)loop_timer(l, 1000, 1000, rtc_tick, rtc);
}

static void
put16(uint8_t *c, uint64_t v)
{
	if (v > 0xffff)
		v = 0xffff;
	c[0] = (uint8_t)v;
	c[1] = (uint8_t)(v >> 8);
}

static void
sizes_show(struct rtc *r)
{
	uint64_t low = gmem_low_top(r->dev.board->mem), high;
	uint8_t *c = r->s.cmos;

	high = gmem_high_top(r->dev.board->mem) - GMEM_HIGH;
	put16(c + 0x15, 640);
	put16(c + 0x17, (low - (1 << 20)) >> 10);
	put16(c + 0x30, (low - (1 << 20)) >> 10);
	put16(c + 0x34, low > (16 << 20) ? (low - (16 << 20)) >> 16 : 0);
	c[0x5b] = (uint8_t)(high >> 16);
	c[0x5c] = (uint8_t)(high >> 24);
	c[0x5d] = (uint8_t)(high >> 32);
	c[0x5f] = (uint8_t)(r->cpus - 1);
}

static void
rtc_reset(struct device *d)
{
	struct rtc *r = (struct rtc *)d;
	int64_t offset = r->s.offset_s; /* a clock does not stop for a reset */

	memset(&r->s, 0, sizeof(r->s));
	r->s.offset_s = offset;
	r->s.cmos[REG_A] = 0x26;
	r->s.cmos[REG_B] = B_24H;
	r->s.cmos[REG_D] = 0x80;
	sizes_show(r);
	rtc_update(r);
}

static int
rtc_loaded(struct device *d, struct err *e)
{
	struct rtc *r = (struct rtc *)d;

	if (r->s.index > 127)
		return (err_set(e, EINVAL, "%s: index %u", d->name, r->s.index));
	rtc_update(r);
	return (0);
}

static const struct device_class rtc_class = {
    .kind = "rtc",
    .version = 1,
    .state = {DEVICE_STATE(struct rtc, s)},
    .reset = rtc_reset,
    .loaded = rtc_loaded,
};

int
rtc_new(struct board *b, unsigned cpus, struct err *e)
{
	struct rtc *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	r->cpus = cpus;
	if ((rc = board_add(b, &r->dev, &rtc_class, "rtc", e)) != 0)
		return (rc);
	if (bus_add(b->pio, 0x70, 2, &r->dev, &rtc_ops) != 0)
		return (err_set(e, EEXIST, "port 0x70 is taken"));
	return (0);
}
