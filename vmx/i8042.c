/* SPDX-License-Identifier: MIT */
/*
 * The 8042 keyboard controller with a keyboard and a three-button mouse with a wheel, and port 0x92.
 *
 *	keyboard --set 2--> [queue] --translate to set 1--+--> output buffer (port 0x60) --> IRQ 1
 *	mouse ------------> [queue] ----------------------+                            --> IRQ 12
 *
 * One output buffer; the keyboard's queue goes first.  Everything is bounded: what does not fit into a
 * queue is lost, as on a real keyboard.
 *
 * Facts: IBM PS/2 Technical Reference, keyboard and auxiliary device controller; scan code set 2.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/vmx/isa.h"

enum { QUEUE = 64 };
enum { ST_OUT = 1, ST_SYSTEM = 4, ST_COMMAND = 8, ST_UNLOCKED = 16, ST_AUX = 0x20 };
enum { CTL_KBD_IRQ = 1, CTL_AUX_IRQ = 2, CTL_SYSTEM = 4, CTL_KBD_OFF = 16, CTL_AUX_OFF = 32,
	CTL_XLATE = 64 };
enum { ACK = 0xfa, AGAIN = 0xfe };

struct ps2_queue {
	uint8_t byte[QUEUE];
	uint32_t first, len;
};

struct i8042 {
	struct device dev;
	struct i8042_state {
		uint8_t control, command, out, has_out, out_is_aux, outport;
		uint8_t kbd_command, kbd_enabled, kbd_set, break_seen;
		uint8_t aux_command, aux_enabled, aux_id, aux_rate[3], aux_resolution, aux_scaling;
		uint8_t aux_remote, aux_buttons;
		uint8_t reserved[4];
		struct ps2_queue kbd, aux;
	} s;
};

/* ---- queues and the output buffer ---- */

static void
queue_put(struct ps2_queue *q, uint8_t b)
{
	if (q->len < QUEUE)
		q->byte[(q->first + q->len++) % QUEUE] = b;
}

static uint8_t
queue_get(struct ps2_queue *q)
{
	uint8_t b = q->byte[q->first];

	q->first = (q->first + 1) % QUEUE;
	q->len--;
	return (b);
}

/* Scan code set 2 to set 1, for codes below 0x90: 0 where set 1 has none. */
static const uint8_t set1_of[0x90] = {
    [0x01] = 0x43, [0x03] = 0x3f, [0x04] = 0x3d, [0x05] = 0x3b, [0x06] = 0x3c, [0x07] = 0x58,
    [0x09] = 0x44, [0x0a] = 0x42, [0x0b] = 0x40, [0x0c] = 0x3e, [0x0d] = 0x0f, [0x0e] = 0x29,
    [0x11] = 0x38, [0x12] = 0x2a, [0x13] = 0x70, [0x14] = 0x1d, [0x15] = 0x10, [0x16] = 0x02,
    [0x1a] = 0x2c, [0x1b] = 0x1f, [0x1c] = 0x1e, [0x1d] = 0x11, [0x1e] = 0x03, [0x1f] = 0x5b,
    [0x21] = 0x2e, [0x22] = 0x2d, [0x23] = 0x20, [0x24] = 0x12, [0x25] = 0x05, [0x26] = 0x04,
    [0x27] = 0x5c, [0x29] = 0x39, [0x2a] = 0x2f, [0x2b] = 0x21, [0x2c] = 0x14, [0x2d] = 0x13,
    [0x2e] = 0x06, [0x2f] = 0x5d, [0x31] = 0x31, [0x32] = 0x30, [0x33] = 0x23, [0x34] = 0x22,
    [0x35] = 0x15, [0x36] = 0x07, [0x3a] = 0x32, [0x3b] = 0x24, [0x3c] = 0x16, [0x3d] = 0x08,
    [0x3e] = 0x09, [0x41] = 0x33, [0x42] = 0x25, [0x43] = 0x17, [0x44] = 0x18, [0x45] = 0x0b,
    [0x46] = 0x0a, [0x49] = 0x34, [0x4a] = 0x35, [0x4b] = 0x26, [0x4c] = 0x27, [0x4d] = 0x19,
    [0x4e] = 0x0c, [0x51] = 0x73, [0x52] = 0x28, [0x54] = 0x1a, [0x55] = 0x0d, [0x58] = 0x3a,
    [0x59] = 0x36, [0x5a] = 0x1c, [0x5b] = 0x1b, [0x5d] = 0x2b, [0x61] = 0x56, [0x64] = 0x79,
    [0x66] = 0x0e, [0x67] = 0x7b, [0x69] = 0x4f, [0x6a] = 0x7d, [0x6b] = 0x4b, [0x6c] = 0x47,
    [0x70] = 0x52, [0x71] = 0x53, [0x72] = 0x50, [0x73] = 0x4c, [0x74] = 0x4d, [0x75] = 0x48,
    [0x76] = 0x01, [0x77] = 0x45, [0x78] = 0x57, [0x79] = 0x4e, [0x7a] = 0x51, [0x7b] = 0x4a,
    [0x7c] = 0x37, [0x7d] = 0x49, [0x7e] = 0x46, [0x83] = 0x41, [0x84] = 0x54,
};

/* Replies (0xaa, 0xee, 0xfa, 0xfe) and prefixes pass as they are. */
static uint8_t
to_set1(struct i8042 *k, uint8_t b)
{
	uint8_t v = b < 0x90 && set1_of[b] != 0 ? set1_of[b] : b;

	if (k->s.break_seen && b < 0x90)
		v |= 0x80;
	k->s.break_seen = 0;
	return (v);
}

static void
lines_update(struct i8042 *k)
{
	bool kbd = k->s.has_out && !k->s.out_is_aux && (k->s.control & CTL_KBD_IRQ) != 0;
	bool aux = k->s.has_out && k->s.out_is_aux && (k->s.control & CTL_AUX_IRQ) != 0;

	board_irq(k->dev.board, 1, 0, kbd);
	board_irq(k->dev.board, 12, 0, aux);
}

static void
out_set(struct i8042 *k, uint8_t b, bool aux)
{
	k->s.out = b;
	k->s.has_out = 1;
	k->s.out_is_aux = aux;
}

/* Fill the output buffer from a queue if it is free. */
static void
pump(struct i8042 *k)
{
	bool xlate = (k->s.control & CTL_XLATE) != 0;

	while (!k->s.has_out && k->s.kbd.len > 0 && (k->s.control & CTL_KBD_OFF) == 0) {
		uint8_t b = queue_get(&k->s.kbd);

		if (xlate && b == 0xf0)
			k->s.break_seen = 1;
		else
			out_set(k, xlate ? to_set1(k, b) : b, false);
	}
	if (!k->s.has_out && k->s.aux.len > 0 && (k->s.control & CTL_AUX_OFF) == 0)
		out_set(k, queue_get(&k->s.aux), true);
	lines_update(k);
}

/* ---- the keyboard ---- */

static void
kbd_defaults(struct i8042 *k, bool enabled)
{
	k->s.kbd_enabled = enabled;
	k->s.kbd_set = 2;
	k->s.kbd_command = 0;
}

static void
kbd_argument(struct i8042 *k, uint8_t b)
{
	uint8_t cmd = k->s.kbd_command;

	k->s.kbd_command = 0;
	queue_put(&k->s.kbd, ACK);
	if (cmd != 0xf0)
		return;
	if (b == 0)
		queue_put(&k->s.kbd, k->s.kbd_set);
	else if (b <= 3)
		k->s.kbd_set = b;
}

static void
kbd_byte(struct i8042 *k, uint8_t b)
{
	if (k->s.kbd_command != 0 && b < 0xe0) {
		kbd_argument(k, b);
		return;
	}
	k->s.kbd_command = 0;
	if (b == 0xee) {
		queue_put(&k->s.kbd, 0xee);
		return;
	}
	queue_put(&k->s.kbd, b >= 0xed ? ACK : AGAIN);
	switch (b) {
	case 0xed:
	case 0xf0:
	case 0xf3:
		k->s.kbd_command = b;
		break;
	case 0xf2:
		queue_put(&k->s.kbd, 0xab);
		queue_put(&k->s.kbd, 0x83);
		break;
	case 0xf4:
		k->s.kbd_enabled = 1;
		break;
	case 0xf5:
		kbd_defaults(k, false);
		break;
	case 0xf6:
		kbd_defaults(k, true);
		break;
	case 0xff:
		kbd_defaults(k, true);
		queue_put(&k->s.kbd, 0xaa);
		break;
	}
}

/* ---- the mouse ---- */

static void
aux_defaults(struct i8042 *k)
{
	k->s.aux_enabled = k->s.aux_remote = k->s.aux_scaling = 0;
	k->s.aux_rate[2] = 100;
	k->s.aux_resolution = 2;
	k->s.aux_command = 0;
}

static void
aux_rate(struct i8042 *k, uint8_t rate)
{
	uint8_t *r = k->s.aux_rate;

	r[0] = r[1];
	r[1] = r[2];
	r[2] = rate;
	if (r[0] == 200 && r[1] == 100 && r[2] == 80)
		k->s.aux_id = 3; /* the knock that a wheel mouse knows */
}

static void
aux_status(struct i8042 *k)
{
	queue_put(&k->s.aux, (uint8_t)(k->s.aux_enabled << 5 | k->s.aux_scaling << 4 |
	    k->s.aux_remote << 6 | k->s.aux_buttons));
	queue_put(&k->s.aux, k->s.aux_resolution);
	queue_put(&k->s.aux, k->s.aux_rate[2]);
}

static void
aux_packet(struct i8042 *k, int dx, int dy, int dz)
{
	uint8_t b = (uint8_t)(8 | (k->s.aux_buttons & 7) | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0));
	unsigned need = k->s.aux_id == 3 ? 4 : 3;

	if (QUEUE - k->s.aux.len < need)
		return;
	queue_put(&k->s.aux, b);
	queue_put(&k->s.aux, (uint8_t)dx);
	queue_put(&k->s.aux, (uint8_t)dy);
	if (need == 4)
		queue_put(&k->s.aux, (uint8_t)dz);
}

static void
aux_byte(struct i8042 *k, uint8_t b)
{
	uint8_t cmd = k->s.aux_command;

	k->s.aux_command = 0;
	queue_put(&k->s.aux, ACK);
	if (cmd == 0xf3) {
		aux_rate(k, b);
		return;
	}
	if (cmd == 0xe8) {
		k->s.aux_resolution = b & 3;
		return;
	}
	switch (b) {
	case 0xe6: k->s.aux_scaling = 0; break;
	case 0xe7: k->s.aux_scaling = 1; break;
	case 0xe9: aux_status(k); break;
	case 0xe8:
	case 0xf3: k->s.aux_command = b; break;
	case 0xea: k->s.aux_remote = 0; break;
	case 0xeb: aux_packet(k, 0, 0, 0); break;
	case 0xf0: k->s.aux_remote = 1; break;
	case 0xf2: queue_put(&k->s.aux, k->s.aux_id); break;
	case 0xf4: k->s.aux_enabled = 1; break;
	case 0xf5: k->s.aux_enabled = 0; break;
	case 0xf6: aux_defaults(k); break;
	case 0xff:
		aux_defaults(k);
		k->s.aux_id = 0;
		queue_put(&k->s.aux, 0xaa);
		queue_put(&k->s.aux, 0);
		break;
	}
}

/* ---- the controller ---- */

static void
outport_set(struct i8042 *k, uint8_t v)
{
	k->s.outport = v;
	if ((v & 1) == 0)
		board_event(k->dev.board, BOARD_RESET);
}

static void
controller_command(struct i8042 *k, uint8_t c)
{
	switch (c) {
	case 0x20: out_set(k, k->s.control, false); break;
	case 0xa7: k->s.control |= CTL_AUX_OFF; break;
	case 0xa8: k->s.control &= (uint8_t)~CTL_AUX_OFF; break;
	case 0xa9:
	case 0xab: out_set(k, 0, false); break; /* interface test: good */
	case 0xaa: out_set(k, 0x55, false); break;
	case 0xad: k->s.control |= CTL_KBD_OFF; break;
	case 0xae: k->s.control &= (uint8_t)~CTL_KBD_OFF; break;
	case 0xc0: out_set(k, 0xa0, false); break;
	case 0xd0: out_set(k, k->s.outport, false); break;
	case 0x60:
	case 0xd1:
	case 0xd2:
	case 0xd3:
	case 0xd4: k->s.command = c; return;
	default:
		if (c >= 0xf0 && (c & 1) == 0)
			board_event(k->dev.board, BOARD_RESET);
	}
	k->s.command = 0;
}

static void
data_byte(struct i8042 *k, uint8_t b)
{
	uint8_t c = k->s.command;

	k->s.command = 0;
	switch (c) {
	case 0x60: k->s.control = b; break;
	case 0xd1: outport_set(k, b); break;
	case 0xd2: out_set(k, b, false); break;
	case 0xd3: out_set(k, b, true); break;
	case 0xd4: aux_byte(k, b); break;
	default:
		k->s.control &= (uint8_t)~CTL_KBD_OFF; /* talking to it switches it on */
		kbd_byte(k, b);
	}
}

static uint64_t
data_read(struct device *d, uint64_t off, unsigned size)
{
	struct i8042 *k = (struct i8042 *)d;
	uint8_t v = k->s.out;

	(void)off;
	(void)size;
	k->s.has_out = 0;
	lines_update(k); /* let the line fall, or the next byte makes no edge */
	pump(k);
	return (v);
}

static void
data_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)off;
	(void)size;
	data_byte(k, (uint8_t)v);
	pump(k);
}

static uint64_t
status_read(struct device *d, uint64_t off, unsigned size)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)off;
	(void)size;
	return ((k->s.has_out ? ST_OUT : 0) | (k->s.control & CTL_SYSTEM ? ST_SYSTEM : 0) |
	    ST_UNLOCKED | (k->s.has_out && k->s.out_is_aux ? ST_AUX : 0));
}

static void
command_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)off;
	(void)size;
	controller_command(k, (uint8_t)v);
	pump(k);
}

static uint64_t
port92_read(struct device *d, uint64_t off, unsigned size)
{
	(void)off;
	(void)size;
	return (((struct i8042 *)d)->s.outport & 2);
}

static void
port92_write(struct device *d, uint64_t off, unsigned size, uint64_t v)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)off;
	(void)size;
	k->s.outport = (uint8_t)((k->s.outport & ~2) | (v & 2)); /* A20, always on in truth */
	if ((v & 1) != 0)
		board_event(k->dev.board, BOARD_RESET);
}

static const struct bus_ops data_ops = {data_read, data_write};
static const struct bus_ops command_ops = {status_read, command_write};
static const struct bus_ops port92_ops = {port92_read, port92_write};

/* ---- from the host ---- */

void
i8042_key(struct device *d, const uint8_t *scancodes, size_t n)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)pthread_mutex_lock(&d->lock);
	if (k->s.kbd_enabled && QUEUE - k->s.kbd.len >= n) {
		for (size_t i = 0; i < n; i++)
			queue_put(&k->s.kbd, scancodes[i]);
	}
	pump(k);
	(void)pthread_mutex_unlock(&d->lock);
}

/* The table of translation, read backwards. */
static uint8_t
set2_of(uint8_t code)
{
	for (unsigned i = 1; i < sizeof(set1_of); i++)
		if (set1_of[i] == code)
			return ((uint8_t)i);
	return (0);
}

void
i8042_key_xt(struct device *d, uint8_t code, bool down)
{
	uint8_t bytes[3], n = 0, key = set2_of(code & 0x7f);

	if (key == 0)
		return;
	if ((code & 0x80) != 0)
		bytes[n++] = 0xe0;
	if (!down)
		bytes[n++] = 0xf0;
	bytes[n++] = key;
	i8042_key(d, bytes, n);
}

static int
clamp(int v)
{
	return (v < -255 ? -255 : v > 255 ? 255 : v);
}

void
i8042_mouse(struct device *d, int dx, int dy, int dz, unsigned buttons)
{
	struct i8042 *k = (struct i8042 *)d;

	(void)pthread_mutex_lock(&d->lock);
	k->s.aux_buttons = buttons & 7;
	if (k->s.aux_enabled && !k->s.aux_remote)
		aux_packet(k, clamp(dx), clamp(dy), dz);
	pump(k);
	(void)pthread_mutex_unlock(&d->lock);
}

static void
i8042_reset(struct device *d)
{
	struct i8042 *k = (struct i8042 *)d;

	memset(&k->s, 0, sizeof(k->s));
	k->s.control = CTL_SYSTEM | CTL_XLATE | CTL_KBD_IRQ;
	k->s.outport = 0xcf;
	kbd_defaults(k, true);
	aux_defaults(k);
	lines_update(k);
}

static int
i8042_loaded(struct device *d, struct err *e)
{
	struct i8042 *k = (struct i8042 *)d;

	if (k->s.kbd.first >= QUEUE || k->s.kbd.len > QUEUE || k->s.aux.first >= QUEUE ||
	    k->s.aux.len > QUEUE)
		return (err_set(e, EINVAL, "%s: queue beyond its end", d->name));
	lines_update(k);
	return (0);
}

static const struct device_class i8042_class = {
    .kind = "i8042",
    .version = 1,
    .state = {DEVICE_STATE(struct i8042, s)},
    .reset = i8042_reset,
    .loaded = i8042_loaded,
};

int
i8042_new(struct board *b, struct err *e)
{
	struct i8042 *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = board_add(b, &k->dev, &i8042_class, "i8042", e)) != 0)
		return (rc);
	if (bus_add(b->pio, 0x60, 1, &k->dev, &data_ops) != 0 ||
	    bus_add(b->pio, 0x64, 1, &k->dev, &command_ops) != 0 ||
	    bus_add(b->pio, 0x92, 1, &k->dev, &port92_ops) != 0)
		return (err_set(e, EEXIST, "the keyboard's ports are taken"));
	return (0);
}
