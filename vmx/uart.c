/* SPDX-License-Identifier: MIT */
/*
 * 16550A serial port.
 *
 * What a guest's probing looks at is all here: scratch, FIFO bits in IIR, loopback of modem lines
 * and data, the transmitter interrupt when it is enabled on an empty transmitter.  There is no baud
 * rate: a byte is out when the chr has taken it.  A full chr shows as a busy transmitter, so the
 * guest waits and nothing is lost; the chr tells when there is room again.
 *
 * Facts: National PC16550D data sheet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/vmx/isa.h"

enum { R_DATA, R_IER, R_IIR_FCR, R_LCR, R_MCR, R_LSR, R_MSR, R_SCR };
enum { IER_RX = 1, IER_TX = 2, IER_LINE = 4, IER_MODEM = 8 };
enum { LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 16 };
enum { LSR_DATA = 1, LSR_OVERRUN = 2, LSR_THRE = 0x20, LSR_IDLE = 0x40 };
enum { IIR_NONE = 1, IIR_TX = 2, IIR_RX = 4, IIR_LINE = 6, IIR_MODEM = 0, IIR_FIFO = 0xc0 };
enum { FIFO = 16 };

struct uart {
	struct device dev;
	struct uart_state {
		uint8_t ier, lcr, mcr, scr, dll, dlm, fcr;
		uint8_t lsr;	 /* overrun alone; the rest is derived */
		uint8_t tx_empty_event; /* transmitter interrupt waits */
		uint8_t modem_delta;
		uint8_t rx_first, rx_len;
		uint8_t rx[FIFO];
		uint32_t reserved;
	} s;
	unsigned irq;
	struct chr *chr;
};

static uint8_t
modem_lines(const struct uart *u)
{
	uint8_t m = u->s.mcr;

	if ((m & MCR_LOOP) == 0)
		return (0xb0); /* carrier, ready, clear to send */
	return ((uint8_t)((m & MCR_RTS) << 3 | (m & MCR_DTR) << 5 | (m & MCR_OUT1) << 4 |
	    (m & MCR_OUT2) << 4));
}

static bool
tx_ready(const struct uart *u)
{
	return (u->chr == NULL || chr_room(u->chr) > 0);
}

static uint8_t
iir(const struct uart *u)
{
	if ((u->s.ier & IER_LINE) != 0 && (u->s.lsr & LSR_OVERRUN) != 0)
		return (IIR_LINE);
	if ((u->s.ier & IER_RX) != 0 && u->s.rx_len > 0)
		return (IIR_RX);
	if ((u->s.ier & IER_TX) != 0 && u->s.tx_empty_event && tx_ready(u))
		return (IIR_TX);
	if ((u->s.ier & IER_MODEM) != 0 && u->s.modem_delta)
		return (IIR_MODEM);
	return (IIR_NONE);
}

static void
uart_update(struct uart *u)
{
	bool on = iir(u) != IIR_NONE && (u->s.mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

	board_irq(u->dev.board, u->irq, u->irq, on);
}

static void
rx_put(struct uart *u, uint8_t c)
{
	if (u->s.rx_len == FIFO) {
		u->s.lsr |= LSR_OVERRUN;
		return;
	}
	u->s.rx[(u->s.rx_first + u->s.rx_len++) % FIFO] = c;
}

static uint8_t
rx_get(struct uart *u)
{
	uint8_t c;

	if (u->s.rx_len == 0)
		return (0);
	c = u->s.rx[u->s.rx_first];
	u->s.rx_first = (uint8_t)((u->s.rx_first + 1) % FIFO);
	if (--u->s.rx_len == 0 && u->chr != NULL)
		chr_kick_input(u->chr);
	return (c);
}

static void
tx_put(struct uart *u, uint8_t c)
{
	if ((u->s.mcr & MCR_LOOP) != 0)
		rx_put(u, c);
	else
		(void)chr_write(u->chr, &c, 1);
	u->s.tx_empty_event = 1;
}

static uint8_t
lsr_take(struct uart *u)
{
	uint8_t v = u->s.lsr;

	u->s.lsr = 0;
	if (u->s.rx_len > 0)
		v |= LSR_DATA;
	if (tx_ready(u))
		v |= LSR_THRE | LSR_IDLE;
	return (v);
}

static uint8_t
iir_take(struct uart *u)
{
	uint8_t v = iir(u);

	if (v == IIR_TX)
		u->s.tx_empty_event = 0;
	return (v | ((u->s.fcr & 1) != 0 ? IIR_FIFO : 0));
}

static uint8_t
reg_read(struct uart *u, unsigned reg)
{
	bool dlab = (u->s.lcr & LCR_DLAB) != 0;
	uint8_t v;

	switch (reg) {
	case R_DATA: return (dlab ? u->s.dll : rx_get(u));
	case R_IER: return (dlab ? u->s.dlm : u->s.ier);
	case R_IIR_FCR: return (iir_take(u));
	case R_LCR: return (u->s.lcr);
	case R_MCR: return (u->s.mcr);
	case R_LSR: return (lsr_take(u));
	case R_MSR:
		v = u->s.modem_delta;
		u->s.modem_delta = 0;
		return (v | modem_lines(u));
	}
	return (u->s.scr);
}

static void
fcr_set(struct uart *u, uint8_t v)
{
	if ((v & 2) != 0)
		u->s.rx_len = 0;
	if ((v & 4) != 0)
		u->s.tx_empty_event = 1;
	u->s.fcr = v & 0xc9;
}

static void
mcr_set(struct uart *u, uint8_t v)
{
	uint8_t was = modem_lines(u);

	u->s.mcr = v & 0x1f;
	if ((v & MCR_LOOP) != 0)
		u->s.modem_delta |= (uint8_t)((was ^ modem_lines(u)) >> 4);
}

static void
ier_set(struct uart *u, uint8_t v)
{
	if ((v & IER_TX) != 0 && (u->s.ier & IER_TX) == 0)
		u->s.tx_empty_event = 1;
	u->s.ier = v & 0x0f;
}

static void
reg_write(struct uart *u, unsigned reg, uint8_t v)
{
	bool dlab = (u->s.lcr & LCR_DLAB) != 0;

	switch (reg) {
	case R_DATA:
		if (dlab)
			u->s.dll = v;
		else
			tx_put(u, v);
		break;
	case R_IER:
		if (dlab)
			u->s.dlm = v;
		else
			ier_set(u, v);
		break;
	case R_IIR_FCR: fcr_set(u, v); break;
	case R_LCR: u->s.lcr = v; break;
	case R_MCR: mcr_set(u, v); break;
	case R_SCR: u->s.scr = v; break;
	}
}

static uint64_t
uart_read(struct device *d, uint64_t off, unsigned size)
{
	struct uart *u = (struct uart *)d;
	uint8_t v;

	if (size != 1)
		return (~0ULL);
	v = reg_read(u, (unsigned)off);
	uart_update(u);
	return (v);
}

static void
uart_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct uart *u = (struct uart *)d;

	if (size != 1)
		return;
	reg_write(u, (unsigned)off, (uint8_t)v);
	uart_update(u);
}

static const struct bus_ops uart_ops = {uart_read, uart_write};

/* ---- from the host ---- */

static size_t
uart_input(void *arg, const uint8_t *bytes, size_t len)
{
	struct uart *u = arg;
	size_t n = 0;

	(void)pthread_mutex_lock(&u->dev.lock);
	while (n < len && u->s.rx_len < FIFO && (u->s.mcr & MCR_LOOP) == 0)
		rx_put(u, bytes[n++]);
	uart_update(u);
	(void)pthread_mutex_unlock(&u->dev.lock);
	return (n);
}

static void
uart_room(void *arg)
{
	struct uart *u = arg;

	(void)pthread_mutex_lock(&u->dev.lock);
	uart_update(u);
	(void)pthread_mutex_unlock(&u->dev.lock);
}

static void
uart_reset(struct device *d)
{
	struct uart *u = (struct uart *)d;

	memset(&u->s, 0, sizeof(u->s));
	u->s.dll = 1; /* 115200 */
	uart_update(u);
}

static int
uart_loaded(struct device *d, struct err *e)
{
	struct uart *u = (struct uart *)d;

	if (u->s.rx_first >= FIFO || u->s.rx_len > FIFO)
		return (err_set(e, EINVAL, "%s: queue of %u bytes", d->name, u->s.rx_len));
	uart_update(u);
	return (0);
}

static const struct device_class uart_class = {
    .kind = "uart",
    .version = 1,
    .state = {DEVICE_STATE(struct uart, s)},
    .reset = uart_reset,
    .loaded = uart_loaded,
};

int
uart_new(struct board *b, const char *name, uint16_t port, unsigned irq, struct chr *c,
    struct err *e)
{
	struct uart *u = calloc(1, sizeof(*u));
	int rc;

	if (u == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	u->irq = irq;
	u->chr = c;
	if ((rc = board_add(b, &u->dev, &uart_class, name, e)) != 0)
		return (rc);
	if (c != NULL)
		chr_connect(c, &(struct chr_client){uart_input, uart_room, u});
	if (bus_add(b->pio, port, 8, &u->dev, &uart_ops) != 0)
		return (err_set(e, EEXIST, "port %#x is taken", port));
	return (0);
}
