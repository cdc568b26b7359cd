/* SPDX-License-Identifier: MIT */
/*
 * Intel 82540EM on a tap device.
 *
 *	TDT written --> kick --> TDH..TDT: context | data descriptors --> frame --EOP--> tap
 *	tap --> frame --filter--> RDH..RDT buffers --> DD, interrupt
 *
 * A frame is put together in a buffer of ours, so that nothing of it changes any more when it is looked
 * at.  Checksums and segmentation go to the tap by its virtio_net header; what the header cannot say (the
 * IP checksum, lengths of a frame to be segmented) is written into the copy.  To the guest frames come
 * whole and with their checksums: the tap is told to hand over nothing else.  A frame that finds no room
 * waits in our buffer and those behind it in the tap's queue.
 *
 * Registers are words of one array; those with consequences are in reg_write, those that are plain storage
 * in a table, the rest read zero and ignore writes.  The link is always up.
 *
 * Invariants:
 *  1. tx_len <= FRAME_MAX; a frame that grows beyond is dropped at its end.
 *  2. A kick works through at most BATCH descriptors, then lets others have the lock and comes back.
 *  3. Ring indices are taken modulo the ring's length where they are used.
 *
 * Facts: Intel, "PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual", 3, 5.6, 8, 13;
 * Marvell 88E1011 for the PHY's registers 16, 17 and 20.
 */
#include "smartbox/vmx/e1000.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "smartbox/vmx/iothread.h"
#include "smartbox/vmx/pci.h"

enum { BAR_REGS = 0, BAR_IO = 1, REGS_SIZE = 0x20000, REGS = 0x6000 };
enum { HEADER = 12, FRAME_MAX = 65536, FRAME_MIN = 60, FCS = 4, BATCH = 256, DESC = 16 };
enum { TAP_NEEDS_CSUM = 1, TAP_TCP4 = 1, TAP_TCP6 = 4 };

enum reg {
	CTRL = 0x0000,
	STATUS = 0x0008,
	EECD = 0x0010,
	EERD = 0x0014,
	MDIC = 0x0020,
	ICR = 0x00c0,
	ICS = 0x00c8,
	IMS = 0x00d0,
	IMC = 0x00d8,
	RCTL = 0x0100,
	TCTL = 0x0400,
	RDBAL = 0x2800,
	RDBAH = 0x2804,
	RDLEN = 0x2808,
	RDH = 0x2810,
	RDT = 0x2818,
	TDBAL = 0x3800,
	TDBAH = 0x3804,
	TDLEN = 0x3808,
	TDH = 0x3810,
	TDT = 0x3818,
	STATS = 0x4000,
	STATS_END = 0x4100,
	MTA = 0x5200,
	RAL = 0x5400,
	RAH = 0x5404,
	RA_END = 0x5480,
};
enum { CTRL_RESET = 1 << 26, CTRL_PHY_RESET = 1U << 31, STATUS_UP = 0x83 };
enum { CAUSE_TX = 1, CAUSE_TX_EMPTY = 2, CAUSE_RX_MIN = 0x10, CAUSE_RX = 0x80 };
enum { RCTL_ON = 2, RCTL_ALL = 8, RCTL_ALL_MULTICAST = 16, RCTL_LONG = 32, RCTL_BROADCAST = 1 << 15,
	RCTL_NO_FCS = 1 << 26, LONG = 1518 };
enum { TCTL_ON = 2 };
enum { EE_CLOCK = 1, EE_SELECT = 2, EE_IN = 4, EE_OUT = 8, EE_REQUEST = 0x40, EE_GRANT = 0x80, EE_PRESENT = 0x100 };
enum { EE_WORDS = 64, EE_SUM = 0xbaba };
enum { TX_EOP = 1, TX_SUM = 4, TX_REPORT = 8, TX_EXTENDED = 0x20, TX_TAG = 0x40, TX_SEGMENT = 4 /* of data */ };
enum { RX_DONE = 1, RX_EOP = 2, RX_NO_SUM = 4 };
enum { POPT_IP = 1, POPT_TCP = 2 };

/* The last context descriptor: where the headers of the coming frames are. */
struct e1000_context {
	uint8_t ipcss, ipcso;
	uint16_t ipcse;
	uint8_t tucss, tucso;
	uint16_t tucse;
	uint16_t mss;
	uint8_t header, command; /* length of all headers; 1 TCP, 2 IPv4 */
};

struct e1000 {
	struct pci_fn pci;
	struct e1000_state {
		uint32_t reg[REGS / 4];
		uint16_t phy[32];
		uint16_t eeprom[EE_WORDS];
		uint32_t io_address;
		uint8_t ee_count, ee_pos; /* bits in; bits of ee_word that are out */
		uint16_t ee_command;
		struct e1000_context ctx;
		uint8_t tx_options, tx_segment, tx_drop, reserved;
		uint32_t tx_len;
		uint8_t tx[FRAME_MAX];
	} s;
	uint8_t mac[6];
	int tap, kick_fd;
	struct watch *watch;
	struct iothread *io;
	bool watching, offload;
	uint8_t rx[HEADER + FRAME_MAX]; /* the frame that waits: rx_len bytes with the tap's header */
	size_t rx_len;
};

static uint32_t *
reg(struct e1000 *d, unsigned at)
{
	return (&d->s.reg[at / 4]);
}

/* ---- interrupts ---- */

static void
intr_update(struct e1000 *d)
{
	pci_intx(&d->pci, (*reg(d, ICR) & *reg(d, IMS)) != 0);
}

static void
cause(struct e1000 *d, uint32_t bits)
{
	*reg(d, ICR) |= bits;
	intr_update(d);
}

static uint32_t
cause_take(struct e1000 *d)
{
	uint32_t bits = *reg(d, ICR);

	*reg(d, ICR) = 0;
	intr_update(d);
	return (bits);
}

/* ---- EEPROM: MAC address, identity, checksum; read by word or bit by bit ---- */

static void
eeprom_fill(struct e1000 *d)
{
	uint16_t *w = d->s.eeprom, sum = 0;

	memset(w, 0, sizeof(d->s.eeprom));
	for (unsigned i = 0; i < 3; i++)
		w[i] = (uint16_t)(d->mac[2 * i] | d->mac[2 * i + 1] << 8);
	w[0x0a] = 0x4400; /* the signature of a valid EEPROM */
	w[0x0b] = 0x1100;
	w[0x0c] = 0x1af4;
	w[0x0d] = 0x100e;
	w[0x0e] = 0x8086;
	for (unsigned i = 0; i < EE_WORDS - 1; i++)
		sum = (uint16_t)(sum + w[i]);
	w[EE_WORDS - 1] = (uint16_t)(EE_SUM - sum);
}

/* A rising clock: a start bit, two of the opcode and six of the address go in, then words come out. */
static void
eeprom_clock(struct e1000 *d, bool in)
{
	struct e1000_state *s = &d->s;
	uint16_t word;

	if (s->ee_count < 9) {
		if (s->ee_count == 0 && !in)
			return;
		s->ee_command = (uint16_t)(s->ee_command << 1 | in);
		s->ee_count++;
		return;
	}
	if ((s->ee_command >> 6 & 3) != 2)
		return;
	word = s->eeprom[(s->ee_command + s->ee_pos / 16) % EE_WORDS];
	*reg(d, EECD) &= ~(uint32_t)EE_OUT;
	*reg(d, EECD) |= (word >> (15 - s->ee_pos % 16) & 1) != 0 ? EE_OUT : 0;
	s->ee_pos++;
}

static void
eecd_write(struct e1000 *d, uint32_t v)
{
	uint32_t old = *reg(d, EECD);

	*reg(d, EECD) = (old & EE_OUT) | EE_PRESENT | (v & (EE_CLOCK | EE_SELECT | EE_IN | EE_REQUEST)) |
	    ((v & EE_REQUEST) != 0 ? EE_GRANT : 0);
	if ((v & EE_SELECT) == 0) {
		d->s.ee_count = d->s.ee_pos = 0;
		d->s.ee_command = 0;
	} else if ((v & EE_CLOCK) != 0 && (old & EE_CLOCK) == 0 && (old & EE_SELECT) != 0) {
		eeprom_clock(d, (v & EE_IN) != 0);
	}
}

static void
eerd_write(struct e1000 *d, uint32_t v)
{
	*reg(d, EERD) = v & ~0x10U;
	if ((v & 1) != 0)
		*reg(d, EERD) = (v & 0xff00) | 0x10 | (uint32_t)d->s.eeprom[(v >> 8) % EE_WORDS] << 16;
}

/* ---- the PHY behind MDIC ---- */

static void
phy_reset(struct e1000 *d)
{
	static const struct {
		uint8_t reg;
		uint16_t value;
	} power_on[] = {{0, 0x1140}, {1, 0x796d}, {2, 0x0141}, {3, 0x0c20}, {4, 0x0de1}, {5, 0x45e1},
	    {6, 0x0001}, {9, 0x0e00}, {10, 0x3c00}, {15, 0x3000}, {16, 0x0360}, {17, 0xac00}, {20, 0x0d60}};

	memset(d->s.phy, 0, sizeof(d->s.phy));
	for (size_t i = 0; i < sizeof(power_on) / sizeof(power_on[0]); i++)
		d->s.phy[power_on[i].reg] = power_on[i].value;
}

/* Identity and status stand; a reset and the start of negotiation are over at once. */
static void
phy_write(struct e1000 *d, unsigned r, uint16_t v)
{
	static const uint32_t fixed = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 10 | 1 << 15 | 1 << 17;

	if (r == 0 && (v & 0x8000) != 0)
		phy_reset(d);
	else if (r == 0)
		d->s.phy[0] = v & 0x7dff;
	else if ((fixed >> r & 1) == 0)
		d->s.phy[r] = v;
}

static void
mdic_write(struct e1000 *d, uint32_t v)
{
	unsigned r = v >> 16 & 31, op = v >> 26 & 3;

	v &= ~(1U << 28 | 1U << 30);
	if ((v >> 21 & 31) != 1)
		v |= 1U << 30; /* nobody at that address */
	else if (op == 1)
		phy_write(d, r, (uint16_t)v);
	else if (op == 2)
		v = (v & 0xffff0000) | d->s.phy[r];
	*reg(d, MDIC) = v | 1U << 28;
}

/* ---- rings ---- */

static uint32_t
ring_len(struct e1000 *d, unsigned len_reg)
{
	return ((*reg(d, len_reg) & 0xfff80) / DESC);
}

static uint64_t
ring_at(struct e1000 *d, unsigned base_reg, uint32_t i)
{
	return ((uint64_t)*reg(d, base_reg + 4) << 32 | (*reg(d, base_reg) & ~15U)) + (uint64_t)DESC * i;
}

/* ---- transmit ---- */

static uint32_t
sum_of(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (len % 2 != 0)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (sum);
}

static void
put_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Insert at `to` the checksum of [from, end). */
static void
insert_sum(uint8_t *f, size_t len, size_t from, size_t end, size_t to)
{
	if (end > len || from >= end || to + 2 > len)
		return;
	put_be16(f + to, ~sum_of(f + from, end - from, 0) & 0xffff);
}

/*
 * Before segmentation the driver leaves lengths out: of the IP header, and of the pseudo header's
 * sum in the TCP checksum.  The host wants both.
 */
static bool
segment_lengths(struct e1000 *d, uint8_t h[HEADER])
{
	const struct e1000_context *c = &d->s.ctx;
	uint8_t *f = d->s.tx;
	uint32_t len = d->s.tx_len, ip = c->ipcss, tcp = c->tucss, hdr = c->header;
	bool v4 = (c->command & 2) != 0;

	if ((c->command & 1) == 0 || c->mss == 0 || hdr > len || tcp < ip + (v4 ? 20U : 40U) ||
	    tcp + 20 > hdr || c->tucso != tcp + 16)
		return (false);
	put_be16(f + tcp + 16, sum_of(f + tcp + 16, 2, len - tcp));
	if (v4)
		put_be16(f + ip + 2, len - ip);
	else
		put_be16(f + ip + 4, len - ip - 40);
	if (len <= hdr + c->mss)
		return (true);
	h[1] = v4 ? TAP_TCP4 : TAP_TCP6;
	memcpy(h + 2, &(uint16_t){(uint16_t)hdr}, 2);
	memcpy(h + 4, &c->mss, 2);
	return (true);
}

static bool
ask_offloads(struct e1000 *d, uint8_t h[HEADER])
{
	const struct e1000_context *c = &d->s.ctx;
	uint16_t start = c->tucss, off = (uint16_t)(c->tucso - c->tucss);

	if (d->s.tx_segment && !segment_lengths(d, h))
		return (false);
	if ((d->s.tx_options & POPT_IP) != 0) {
		if (c->ipcso + 2U <= d->s.tx_len)
			put_be16(d->s.tx + c->ipcso, 0);
		insert_sum(d->s.tx, d->s.tx_len, c->ipcss, c->ipcse + 1U, c->ipcso);
	}
	if ((d->s.tx_options & POPT_TCP) == 0)
		return (h[1] == 0);
	if (c->tucso < c->tucss || c->tucso + 2U > d->s.tx_len)
		return (false);
	h[0] = TAP_NEEDS_CSUM;
	memcpy(h + 6, &start, 2);
	memcpy(h + 8, &off, 2);
	return (true);
}

/* The tag of a virtual LAN goes in behind the addresses; what the header points to moves with it. */
static void
offloads_move(uint8_t h[HEADER], uint16_t by)
{
	uint16_t header, start;

	memcpy(&header, h + 2, 2);
	memcpy(&start, h + 6, 2);
	header = (uint16_t)(header + (h[1] != 0 ? by : 0));
	start = (uint16_t)(start + (h[0] != 0 ? by : 0));
	memcpy(h + 2, &header, 2);
	memcpy(h + 6, &start, 2);
}

/* A whole frame; one that makes no sense is dropped, as a switch would. */
static void
frame_send(struct e1000 *d, const uint8_t *last)
{
	bool tagged = (last[11] & TX_TAG) != 0;
	uint8_t h[HEADER] = {0}, tag[4] = {0x81, 0, last[15], last[14]};
	struct iovec iov[4] = {{h, HEADER}, {d->s.tx, 12}, {tag, tagged ? 4 : 0}, {d->s.tx + 12, 0}};

	if (!d->s.tx_drop && d->s.tx_len >= 14 && ask_offloads(d, h)) {
		if (tagged)
			offloads_move(h, 4);
		if (d->s.tx_len < FRAME_MIN) {
			memset(d->s.tx + d->s.tx_len, 0, FRAME_MIN - d->s.tx_len);
			d->s.tx_len = FRAME_MIN;
		}
		iov[3].iov_len = d->s.tx_len - 12;
		(void)!writev(d->tap, iov, 4); /* a full tap drops */
	}
	d->s.tx_len = 0;
	d->s.tx_drop = d->s.tx_options = d->s.tx_segment = 0;
}

static void
frame_add(struct e1000 *d, uint64_t addr, uint32_t len)
{
	if (len > FRAME_MAX - d->s.tx_len ||
	    gmem_read(d->pci.dev.board->mem, addr, d->s.tx + d->s.tx_len, len) != 0) {
		d->s.tx_drop = 1;
		return;
	}
	d->s.tx_len += len;
}

static void
context_take(struct e1000 *d, const uint8_t *t)
{
	struct e1000_context *c = &d->s.ctx;

	memcpy(c, t, 8); /* the first eight bytes are laid out alike */
	c->command = t[11];
	c->header = t[13];
	memcpy(&c->mss, t + 14, 2);
}

static void
legacy_take(struct e1000 *d, const uint8_t *t, uint64_t addr)
{
	uint16_t len;

	memcpy(&len, t + 8, 2);
	frame_add(d, addr, len);
	if ((t[11] & TX_EOP) == 0)
		return;
	if ((t[11] & TX_SUM) != 0)
		insert_sum(d->s.tx, d->s.tx_len, t[13], d->s.tx_len, t[10]);
	frame_send(d, t);
}

static void
data_take(struct e1000 *d, const uint8_t *t, uint64_t addr)
{
	uint32_t word;

	memcpy(&word, t + 8, 4);
	if (d->s.tx_len == 0) { /* options count in a frame's first descriptor */
		d->s.tx_options = t[13];
		d->s.tx_segment = (t[11] & TX_SEGMENT) != 0;
	}
	frame_add(d, addr, word & 0xfffff);
	if ((t[11] & TX_EOP) != 0)
		frame_send(d, t);
}

/* One descriptor: loaded once, judged, and marked as done when the driver wants to know. */
static bool
tx_one(struct e1000 *d, uint64_t at)
{
	uint8_t t[DESC], done;
	uint64_t addr;

	if (gmem_read(d->pci.dev.board->mem, at, t, DESC) != 0)
		return (false);
	memcpy(&addr, t, 8);
	if ((t[11] & TX_EXTENDED) == 0)
		legacy_take(d, t, addr);
	else if ((t[10] >> 4) == 0)
		context_take(d, t);
	else
		data_take(d, t, addr);
	if ((t[11] & TX_REPORT) != 0) {
		done = t[12] | 1;
		(void)gmem_write(d->pci.dev.board->mem, at + 12, &done, 1);
		*reg(d, ICR) |= CAUSE_TX;
	}
	return (true);
}

static void
kick(struct e1000 *d)
{
	uint64_t one = 1;

	(void)!write(d->kick_fd, &one, sizeof(one));
}

static void
tx(struct e1000 *d)
{
	uint32_t n = ring_len(d, TDLEN), head = *reg(d, TDH), tail = *reg(d, TDT);

	if (n == 0 || (*reg(d, TCTL) & TCTL_ON) == 0 || head >= n || tail >= n || head == tail)
		return;
	for (unsigned i = 0; i < BATCH && head != tail; i++) {
		if (!tx_one(d, ring_at(d, TDBAL, head))) {
			head = tail;
			break;
		}
		head = (head + 1) % n;
	}
	*reg(d, TDH) = head;
	if (head != tail)
		kick(d);
	cause(d, head == tail ? CAUSE_TX_EMPTY : 0);
}

/* ---- receive ---- */

static bool
address_is_ours(struct e1000 *d, const uint8_t *to)
{
	for (unsigned at = RAL; at < RA_END; at += 8) {
		uint32_t low = *reg(d, at), high = *reg(d, at + 4);

		if ((high & 1U << 31) != 0 && memcmp(to, &low, 4) == 0 && memcmp(to + 4, &high, 2) == 0)
			return (true);
	}
	return (false);
}

static bool
frame_is_wanted(struct e1000 *d, const uint8_t *to)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255}, shift[4] = {4, 3, 2, 0};
	uint32_t rctl = *reg(d, RCTL), hash;

	if ((to[0] & 1) == 0)
		return ((rctl & RCTL_ALL) != 0 || address_is_ours(d, to));
	if (memcmp(to, all, 6) == 0 && (rctl & RCTL_BROADCAST) != 0)
		return (true);
	if ((rctl & RCTL_ALL_MULTICAST) != 0)
		return (true);
	hash = (uint32_t)((to[5] << 8 | to[4]) >> shift[rctl >> 12 & 3]) & 0xfff;
	return ((*reg(d, MTA + 4 * (hash >> 5)) >> (hash & 31) & 1) != 0);
}

static uint32_t
buffer_size(uint32_t rctl)
{
	uint32_t size = 2048U >> (rctl >> 16 & 3);

	return ((rctl & 1 << 25) != 0 && size < 2048 ? size * 16 : size);
}

/* Fill one descriptor's buffer with a piece of the frame. */
static void
rx_piece(struct e1000 *d, uint64_t at, const uint8_t *piece, uint32_t len, bool last)
{
	struct gmem *mem = d->pci.dev.board->mem;
	uint8_t tail[8] = {0};
	uint16_t n = (uint16_t)len;
	uint64_t addr;

	if (gmem_read(mem, at, &addr, 8) != 0)
		return;
	(void)gmem_write(mem, addr, piece, len);
	memcpy(tail, &n, 2);
	tail[4] = (uint8_t)(RX_DONE | RX_NO_SUM | (last ? RX_EOP : 0));
	(void)gmem_write(mem, at + 8, tail, 8);
}

/* The waiting frame into the ring; false: not enough buffers yet. */
static bool
rx_frame(struct e1000 *d)
{
	uint32_t rctl = *reg(d, RCTL), size = buffer_size(rctl), n = ring_len(d, RDLEN);
	uint32_t head = *reg(d, RDH), tail = *reg(d, RDT), len = (uint32_t)d->rx_len - HEADER;
	uint8_t *f = d->rx + HEADER;

	if (!frame_is_wanted(d, f) || (len > LONG && (rctl & RCTL_LONG) == 0))
		return (true);
	if (n == 0 || head >= n || tail >= n)
		return (false);
	while (len < FRAME_MIN)
		f[len++] = 0;
	if ((rctl & RCTL_NO_FCS) == 0) {
		memset(f + len, 0, FCS); /* nobody looks at it, but it is counted */
		len += FCS;
	}
	if ((uint64_t)((tail + n - head) % n) * size < len)
		return (false);
	for (uint32_t done = 0; done < len; done += size) {
		uint32_t part = len - done < size ? len - done : size;

		rx_piece(d, ring_at(d, RDBAL, head), f + done, part, done + part == len);
		head = (head + 1) % n;
	}
	*reg(d, RDH) = head;
	*reg(d, ICR) |= CAUSE_RX;
	return (true);
}

static void
tap_watch(struct e1000 *d, bool on)
{
	if (d->watch != NULL && d->watching != on) {
		d->watching = on;
		watch_events(d->watch, on ? LOOP_READ : 0);
	}
}

static void
rx(struct e1000 *d)
{
	bool on = (*reg(d, RCTL) & RCTL_ON) != 0, room = true;

	for (unsigned i = 0; i < BATCH && room; i++) {
		if (d->rx_len == 0) {
			ssize_t got = read(d->tap, d->rx, HEADER + FRAME_MAX - FCS);

			if (got < HEADER + 14)
				break;
			d->rx_len = (size_t)got;
		}
		room = !on || rx_frame(d); /* a receiver that is off hears nothing */
		if (room)
			d->rx_len = 0;
	}
	if (!room)
		*reg(d, ICR) |= CAUSE_RX_MIN;
	tap_watch(d, room);
	intr_update(d);
}

/* ---- threads ---- */

static void
kicked(struct loop *l, int fd, unsigned events, void *arg)
{
	struct e1000 *d = arg;
	uint64_t n;

	(void)l;
	(void)events;
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	(void)pthread_mutex_lock(&d->pci.dev.lock);
	tx(d);
	if (d->rx_len != 0)
		rx(d);
	(void)pthread_mutex_unlock(&d->pci.dev.lock);
}

static void
tap_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct e1000 *d = arg;

	(void)l;
	(void)fd;
	(void)events;
	(void)pthread_mutex_lock(&d->pci.dev.lock);
	rx(d);
	(void)pthread_mutex_unlock(&d->pci.dev.lock);
}

void
e1000_poll(struct device *dev)
{
	(void)pthread_mutex_lock(&dev->lock);
	tx((struct e1000 *)dev);
	rx((struct e1000 *)dev);
	(void)pthread_mutex_unlock(&dev->lock);
}

static void
ring_moved(struct e1000 *d)
{
	if (d->io != NULL) {
		kick(d);
		return;
	}
	tx(d);
	if (d->rx_len != 0)
		rx(d);
}

/* ---- registers ---- */

static void
regs_reset(struct e1000 *d)
{
	memset(d->s.reg, 0, sizeof(d->s.reg));
	*reg(d, STATUS) = STATUS_UP;
	*reg(d, EECD) = EE_PRESENT;
	memcpy(reg(d, RAL), d->mac, 4);
	memcpy(reg(d, RAH), d->mac + 4, 2);
	*reg(d, RAH) |= 1U << 31;
	d->s.tx_len = 0;
	d->s.tx_drop = d->s.tx_options = d->s.tx_segment = 0;
	d->rx_len = 0;
	tap_watch(d, true);
	intr_update(d);
}

static void
ctrl_write(struct e1000 *d, uint32_t v)
{
	if ((v & CTRL_RESET) != 0)
		regs_reset(d);
	if ((v & CTRL_PHY_RESET) != 0)
		phy_reset(d);
	*reg(d, CTRL) = v & ~(CTRL_RESET | CTRL_PHY_RESET);
}

/* Registers that keep what is written: first, last. */
static const struct {
	uint16_t first, last;
} storage[] = {{0x18, 0x18}, {0x28, 0x38}, {0xc4, 0xc4}, {RCTL, RCTL}, {0x170, 0x178}, {TCTL, TCTL},
    {0x410, 0x410}, {0x458, 0x458}, {0xe00, 0xe00}, {0x1000, 0x1000}, {0x2160, 0x2168},
    {RDBAL, RDBAH}, {0x2820, 0x282c}, {0x2c00, 0x2c00}, {0x3000, 0x3000}, {TDBAL, TDBAH},
    {0x3820, 0x3830}, {0x5000, 0x5000}, {MTA, 0x53fc}, {RAL, RA_END - 4}, {0x5600, 0x57fc},
    {0x5800, 0x5810}, {0x5820, 0x5820}};

static bool
is_storage(unsigned at)
{
	for (size_t i = 0; i < sizeof(storage) / sizeof(storage[0]); i++) {
		if (at >= storage[i].first && at <= storage[i].last)
			return (true);
	}
	return (false);
}

static void
reg_write(struct e1000 *d, unsigned at, uint32_t v)
{
	switch (at) {
	case CTRL: ctrl_write(d, v); return;
	case EECD: eecd_write(d, v); return;
	case EERD: eerd_write(d, v); return;
	case MDIC: mdic_write(d, v); return;
	case ICR: *reg(d, ICR) &= ~v; break;
	case ICS: *reg(d, ICR) |= v; break;
	case IMS: *reg(d, IMS) |= v; break;
	case IMC: *reg(d, IMS) &= ~v; break;
	case RDLEN:
	case TDLEN: *reg(d, at) = v & 0xfff80; return;
	case RDH:
	case TDH: *reg(d, at) = v & 0xffff; return;
	case RDT:
	case TDT:
		*reg(d, at) = v & 0xffff;
		ring_moved(d);
		return;
	default:
		if (is_storage(at))
			*reg(d, at) = v;
		if (at == RCTL || at == TCTL)
			ring_moved(d);
		return;
	}
	intr_update(d);
}

static uint32_t
reg_read(struct e1000 *d, unsigned at)
{
	if (at == ICR)
		return (cause_take(d));
	if (at == IMC || (at >= STATS && at < STATS_END))
		return (0);
	return (*reg(d, at));
}

static uint64_t
mem_read(struct device *dev, uint64_t off, unsigned size)
{
	(void)size;
	return (off < REGS ? reg_read((struct e1000 *)dev, (unsigned)off & ~3U) >> 8 * (off & 3) : 0);
}

static void
mem_write(struct device *dev, uint64_t off, unsigned size, uint64_t v)
{
	if (off < REGS && size >= 4 && off % 4 == 0)
		reg_write((struct e1000 *)dev, (unsigned)off, (uint32_t)v);
}

static const struct bus_ops mem_ops = {mem_read, mem_write};

/* The same by two ports: an address, then the data. */
static uint64_t
io_read(struct device *dev, uint64_t off, unsigned size)
{
	struct e1000 *d = (struct e1000 *)dev;

	if (off == 0)
		return (d->s.io_address);
	return (off == 4 && size == 4 ? mem_read(dev, d->s.io_address & ~3U, 4) : 0);
}

static void
io_write(struct device *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct e1000 *d = (struct e1000 *)dev;

	if (off == 0 && size == 4)
		d->s.io_address = (uint32_t)v & (REGS_SIZE - 1);
	else if (off == 4 && size == 4)
		mem_write(dev, d->s.io_address & ~3U, 4, v);
}

static const struct bus_ops io_ops = {io_read, io_write};

/* ---- life ---- */

static void
e1000_reset(struct device *dev)
{
	struct e1000 *d = (struct e1000 *)dev;

	pci_fn_reset(&d->pci);
	memset(&d->s, 0, sizeof(d->s));
	eeprom_fill(d);
	phy_reset(d);
	regs_reset(d);
}

static int
e1000_loaded(struct device *dev, struct err *e)
{
	struct e1000 *d = (struct e1000 *)dev;
	int rc;

	if (d->s.tx_len > FRAME_MAX || d->s.ee_count > 9)
		return (err_set(e, EINVAL, "%s: a frame that cannot be", dev->name));
	if ((rc = pci_fn_loaded(&d->pci, e)) != 0)
		return (rc);
	d->rx_len = 0;
	intr_update(d);
	ring_moved(d);
	return (0);
}

static void
e1000_free(struct device *dev)
{
	struct e1000 *d = (struct e1000 *)dev;

	if (d->tap >= 0)
		(void)close(d->tap);
	if (d->kick_fd >= 0)
		(void)close(d->kick_fd);
	free(d);
}

static const struct device_class e1000_class = {
    .kind = "e1000",
    .version = 1,
    .state = {DEVICE_STATE(struct e1000, pci.s), DEVICE_STATE(struct e1000, s)},
    .reset = e1000_reset,
    .loaded = e1000_loaded,
    .free = e1000_free,
};

static void
pci_side(struct e1000 *d, unsigned devfn)
{
	static const struct pci_ident id = {.vendor = 0x8086, .device = 0x100e, .subvendor = 0x1af4,
	    .subsystem = 0x1100, .class_rev = 0x02000003, .pin = 1};

	pci_init(&d->pci, devfn, &id);
	pci_bar_init(&d->pci, BAR_REGS, PCI_BAR_MEM, REGS_SIZE, &mem_ops);
	pci_bar_init(&d->pci, BAR_IO, PCI_BAR_IO, 64, &io_ops);
}

static int
watches(struct e1000 *d, struct err *e)
{
	struct loop *l = iothread_loop(d->io);

	d->watch = loop_fd(l, d->tap, LOOP_READ, tap_ready, d);
	d->watching = d->watch != NULL;
	if (d->watch == NULL || loop_fd(l, d->kick_fd, LOOP_READ, kicked, d) == NULL)
		return (err_set(e, EINVAL, "the tap descriptor cannot be watched"));
	return (0);
}

int
e1000_new(struct board *b, unsigned devfn, const struct e1000_spec *s, struct iothread *io,
    struct err *e)
{
	struct e1000 *d = calloc(1, sizeof(*d));
	char name[24];
	int rc;

	if (d == NULL || (d->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
		free(d);
		(void)close(s->tap_fd);
		return (err_set(e, ENOMEM, "no room for a network card"));
	}
	d->tap = s->tap_fd;
	d->io = io;
	memcpy(d->mac, s->mac, 6);
	(void)fcntl(d->tap, F_SETFL, fcntl(d->tap, F_GETFL) | O_NONBLOCK);
	if (s->offload)
		(void)ioctl(d->tap, TUNSETOFFLOAD, 0);
	pci_side(d, devfn);
	(void)snprintf(name, sizeof(name), "net%u", devfn >> 3);
	if ((rc = pci_add(b, &d->pci, &e1000_class, name, e)) != 0 || io == NULL)
		return (rc);
	return (watches(d, e));
}
