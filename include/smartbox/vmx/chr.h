/* SPDX-License-Identifier: MIT */
/*
 * A character stream between a serial device and the host: bounded both ways.
 *
 * Output goes into a ring that the event loop writes out.  When the ring is full the device is told
 * so (chr_room), and shows its guest a busy transmitter: the guest waits, the vCPU does not.  While
 * nobody listens on a socket output is dropped: an absent reader must not stop a guest.
 * Input is read only as fast as the device takes it.
 */
#ifndef SMARTBOX_VMX_CHR_H
#define SMARTBOX_VMX_CHR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/vmx/vmx.h"

struct chr;
struct loop;

struct chr_client {
	/* From the loop's thread: take up to len bytes, return how many. */
	size_t (*input)(void *arg, const uint8_t *bytes, size_t len);
	/* Output moved: there is room again.  May be NULL. */
	void (*room)(void *arg);
	void *arg;
};

/* Descriptors are owned.  l may be NULL: output is kept for chr_take, input comes by chr_feed. */
int chr_new(const struct vmx_char *c, struct loop *l, struct chr **out, struct err *e);
void chr_free(struct chr *c); /* NULL is fine */
void chr_connect(struct chr *c, const struct chr_client *client); /* the device's side */
/* Any thread; returns bytes taken, fewer than len when full. c NULL: taken, dropped. */
size_t chr_write(struct chr *c, const void *bytes, size_t len);
size_t chr_room(struct chr *c);
void chr_kick_input(struct chr *c); /* any thread: the device can take input again */
void chr_drain(struct chr *c, int timeout_ms); /* the end: write out what is left */

size_t chr_take(struct chr *c, void *buf, size_t len);
size_t chr_feed(struct chr *c, const void *bytes, size_t len);

#endif
