/* SPDX-License-Identifier: MIT */
/*
 * The server's half of the remote framebuffer protocol (VNC), without sockets: bytes in, bytes out.
 */
#ifndef SMARTBOX_VMX_RFB_H
#define SMARTBOX_VMX_RFB_H

#include "smartbox/core/buf.h"
#include "smartbox/vmx/vga.h"

struct rfb;

struct rfb_ops {
	int (*frame)(void *arg, struct vga_frame *f); /* what the screen shows now */
	/* A key by its number in scan code set 1; 0x80 is added to those with the prefix e0. */
	void (*key)(void *arg, uint8_t code, bool down);
	/* Movement since the last call; buttons: 1 left, 2 right, 4 middle. */
	void (*pointer)(void *arg, int dx, int dy, int dz, unsigned buttons);
};

struct rfb_config {
	const struct rfb_ops *ops;
	void *arg;
	const char *name;     /* of the desktop */
	const char *password; /* NULL or "": none is asked for; at most 8 characters count */
	const char *keymap;   /* "en-us" (NULL), "de", "fr", "en-gb"; others as en-us */
	const char *refusal;  /* why nobody may come in; NULL: welcome */
};

/* NULL: out of memory.  What the configuration points to is borrowed. */
struct rfb *rfb_new(const struct rfb_config *c);
void rfb_free(struct rfb *r); /* lets go of keys that are still down; NULL is fine */
/* -EPROTO, -EACCES (a wrong password), -ENOMEM: send what there is to send, then hang up. */
int rfb_input(struct rfb *r, const uint8_t *bytes, size_t len);
bool rfb_is_in(const struct rfb *r); /* it has logged in and seen the screen's size */
/*
 * Some 30 times a second: an update, if one was asked for, there is something new, and the last one
 * is gone.
 */
int rfb_tick(struct rfb *r);
/* What is to be sent; take n bytes off its front with rfb_sent. */
const struct buf *rfb_output(const struct rfb *r);
void rfb_sent(struct rfb *r, size_t n);

/* vmx/keymap.c: the key that makes a keysym, as in rfb_ops.key; 0: none. */
uint8_t keymap_code(const char *keymap, uint32_t keysym);
/* vmx/des.c: one block with an 8-byte key (parity bits are not looked at). */
void des_encrypt(const uint8_t key[8], const uint8_t in[8], uint8_t out[8]);

#endif
