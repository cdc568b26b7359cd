/* SPDX-License-Identifier: MIT */
/*
 * VNC on sockets: clients of the display, on a thread of their own.
 *
 *	listening socket(s) -> client: descriptor, struct rfb, a watch
 *	timer, 30 times a second while there are clients: rfb_tick, then write what fits
 *
 * A client that does not read keeps one picture in its buffer and gets no further one; a connection
 * beyond the fourth is closed.  Nothing of it runs on the vCPUs' or the disks' threads.
 *
 * A PS/2 mouse moves, it does not jump: the pointer's way is sent in steps, and the guest's
 * acceleration may make it drift from the client's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/vmx/rfb.h"
#include "vm_impl.h"

enum { CLIENTS = 4, TICK_MS = 33, CHUNK = 16384 };

struct vm_vnc;

struct client {
	struct vm_vnc *vnc;
	int fd;
	struct rfb *rfb;
	struct watch *watch;
	bool ending; /* hang up when the output is gone */
};

struct vm_vnc {
	struct vm *vm;
	struct loop *loop;
	struct device *vga, *i8042;
	struct client client[CLIENTS];
	unsigned nclients;
	struct watch *timer;
};

/* ---- what a session asks of the machine ---- */

static int
frame(void *arg, struct vga_frame *f)
{
	return (vga_render(((struct vm_vnc *)arg)->vga, f));
}

static void
press(void *arg, uint8_t code, bool down)
{
	i8042_key_xt(((struct vm_vnc *)arg)->i8042, code, down);
}

static int
part(int d)
{
	return (d < -127 ? -127 : d > 127 ? 127 : d);
}

/* Down is negative on a PS/2 mouse. */
static void
move(void *arg, int dx, int dy, int dz, unsigned buttons)
{
	struct vm_vnc *v = arg;

	do {
		int x = part(dx), y = part(dy);

		i8042_mouse(v->i8042, x, -y, dz, buttons);
		dx -= x;
		dy -= y;
		dz = 0;
	} while (dx != 0 || dy != 0);
}

static const struct rfb_ops ops = {frame, press, move};

/* ---- clients ---- */

static void
client_close(struct client *c)
{
	struct vm_vnc *v = c->vnc;

	watch_remove(c->watch);
	rfb_free(c->rfb);
	(void)close(c->fd);
	c->rfb = NULL;
	if (--v->nclients == 0) {
		watch_remove(v->timer);
		v->timer = NULL;
	}
}

/* Write what the socket takes; false when the client is gone. */
static bool
client_write(struct client *c)
{
	const struct buf *out = rfb_output(c->rfb);

	while (out->len > 0) {
		ssize_t n = send(c->fd, out->data, out->len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			client_close(c);
			return (false);
		}
		rfb_sent(c->rfb, (size_t)n);
	}
	if (c->ending && out->len == 0) {
		client_close(c);
		return (false);
	}
	watch_events(c->watch, LOOP_READ | (out->len > 0 ? LOOP_WRITE : 0));
	return (true);
}

static void
client_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct client *c = arg;
	uint8_t bytes[CHUNK];
	ssize_t n;

	(void)l;
	if ((events & LOOP_WRITE) != 0 && !client_write(c))
		return;
	if ((events & ~(unsigned)LOOP_WRITE) == 0)
		return;
	n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	if (!c->ending && rfb_input(c->rfb, bytes, (size_t)n) != 0)
		c->ending = true;
	(void)client_write(c);
}

static void
tick(struct loop *l, void *arg)
{
	struct vm_vnc *v = arg;

	(void)l;
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &v->client[i];

		if (c->rfb == NULL || c->ending)
			continue;
		if (rfb_tick(c->rfb) != 0)
			c->ending = true;
		(void)client_write(c);
	}
}

static struct client *
client_free_slot(struct vm_vnc *v)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (v->client[i].rfb == NULL)
			return (&v->client[i]);
	return (NULL);
}

static void
client_open(struct vm_vnc *v, int fd)
{
	const struct rfb_config cfg = {&ops, v, v->vm->c.name != NULL ? v->vm->c.name : "vmx",
	    v->vm->c.vnc_password, v->vm->c.keymap};
	struct client *c = client_free_slot(v);

	if (c == NULL || (c->rfb = rfb_new(&cfg)) == NULL) {
		(void)close(fd);
		return;
	}
	c->vnc = v;
	c->fd = fd;
	c->ending = false;
	c->watch = loop_fd(v->loop, fd, LOOP_READ, client_ready, c);
	if (v->nclients++ == 0)
		v->timer = loop_timer(v->loop, TICK_MS, TICK_MS, tick, v);
	(void)client_write(c);
}

static void
arrived(struct loop *l, int fd, unsigned events, void *arg)
{
	int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)l;
	(void)events;
	if (s >= 0)
		client_open(arg, s);
}

/* Where clients from other hosts are to connect: said in `info`. */
static void
note_address(struct vm *vm, int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if (getsockname(fd, (struct sockaddr *)&sin, &len) != 0 || sin.sin_family != AF_INET)
		return;
	(void)inet_ntop(AF_INET, &sin.sin_addr, vm->vnc_host, sizeof(vm->vnc_host));
	vm->vnc_port = ntohs(sin.sin_port);
}

/* ---- life ---- */

int
vm_vnc_new(struct vm *vm, struct iothread *io, struct err *e)
{
	struct vm_vnc *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	v->vm = vm;
	v->loop = iothread_loop(io);
	v->vga = board_find(vm->board, "vga");
	v->i8042 = board_find(vm->board, "i8042");
	vm->vnc = v;
	for (unsigned i = 0; i < VMX_MAX_VNC; i++) {
		if (vm->c.vnc_fd[i] < 0)
			continue;
		note_address(vm, vm->c.vnc_fd[i]);
		if (loop_fd(v->loop, vm->c.vnc_fd[i], LOOP_READ, arrived, v) == NULL)
			return (err_set(e, EINVAL, "the VNC socket cannot be watched"));
	}
	return (0);
}

/* The thread has ended. */
void
vm_vnc_free(struct vm_vnc *v)
{
	if (v == NULL)
		return;
	for (unsigned i = 0; i < CLIENTS; i++)
		if (v->client[i].rfb != NULL)
			client_close(&v->client[i]);
	free(v);
}
