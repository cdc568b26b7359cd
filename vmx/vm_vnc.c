/* SPDX-License-Identifier: MIT */
/*
 * VNC on sockets: clients of the display, on a thread of their own.
 *
 *	listening sockets -> client: descriptor, struct rfb, a watch
 *	timer, 30 times a second while there are clients: rfb_tick, then write what fits
 *	main thread (control socket): a new password, another TCP socket or none -> `next`, an eventfd
 *
 * A client that does not read keeps one picture in its buffer and gets no further one.  Nothing of it
 * runs on the vCPUs' or the disks' threads.
 *
 * Who comes by TCP may be anybody:
 *	- who has not logged in after ten seconds, and who was told to go and does not, is hung up on;
 *	- of the slots for clients, two are for the unix socket alone;
 *	- after five wrong passwords in a row nobody is let in by TCP for ten seconds, and twice as long
 *	  after each further one, five minutes at most.
 *
 * A PS/2 mouse moves, it does not jump: the pointer's way is sent in steps, and the guest's
 * acceleration may make it drift from the client's.
 *
 * Invariant: `lock` covers what both threads use: the password, remote.fd, next_fd and renewed.  Only
 * this thread closes remote.fd; the main thread may shut it down.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/vmx/rfb.h"
#include "vm_impl.h"

enum { CLIENTS = 6, REMOTE_CLIENTS = 4, TICK_MS = 33, CHUNK = 16384, PATIENCE_TICKS = 10000 / TICK_MS };
enum { WRONG_FREE = 5, PAUSE_S = 10, PAUSE_MAX_S = 300, PASSWORD = 8 };
#define NS_PER_S 1000000000ULL

struct vm_vnc;

struct client {
	struct vm_vnc *vnc;
	int fd;
	struct rfb *rfb;
	struct watch *watch;
	char password[PASSWORD + 1]; /* that it has to know */
	bool remote;
	bool ending;	/* hang up when the output is gone */
	unsigned ticks; /* since it came or was told to go */
};

struct listener {
	struct vm_vnc *vnc;
	int fd;
	bool remote;
	struct watch *watch;
};

struct vm_vnc {
	struct vm *vm;
	struct loop *loop;
	struct device *vga, *i8042;
	struct client client[CLIENTS];
	unsigned nclients;
	struct watch *timer;
	struct listener local, remote;
	unsigned wrong;		/* passwords in a row, of remote clients */
	uint64_t closed_until;	/* board_now() */

	pthread_mutex_t lock;
	char password[PASSWORD + 1];
	int next_fd;
	bool renewed;
	int wake_fd;
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

/* ---- who may come in ---- */

static void
password_was_wrong(struct vm_vnc *v)
{
	unsigned over, pause = PAUSE_S;

	if (++v->wrong < WRONG_FREE)
		return;
	for (over = v->wrong - WRONG_FREE; over > 0 && pause < PAUSE_MAX_S; over--)
		pause *= 2;
	v->closed_until = board_now(v->vm->board) + (pause < PAUSE_MAX_S ? pause : PAUSE_MAX_S) * NS_PER_S;
}

static const char *
refusal(const struct vm_vnc *v, bool remote)
{
	if (!remote || board_now(v->vm->board) >= v->closed_until)
		return (NULL);
	return ("too many wrong passwords: try again later");
}

static void
client_leaves(struct client *c)
{
	c->ending = true;
	c->ticks = 0;
}

static void
client_input(struct client *c, const uint8_t *bytes, size_t n)
{
	bool was_in = rfb_is_in(c->rfb);
	int rc = rfb_input(c->rfb, bytes, n);

	if (rc != 0)
		client_leaves(c);
	if (c->remote && rc == -EACCES)
		password_was_wrong(c->vnc);
	else if (c->remote && !was_in && rfb_is_in(c->rfb))
		c->vnc->wrong = 0;
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
	if (!c->ending)
		client_input(c, bytes, (size_t)n);
	(void)client_write(c);
}

static bool
out_of_patience(const struct client *c)
{
	return ((c->ending || !rfb_is_in(c->rfb)) && c->ticks > PATIENCE_TICKS);
}

static void
client_tick(struct client *c)
{
	c->ticks++;
	if (out_of_patience(c)) {
		client_close(c);
		return;
	}
	if (c->ending)
		return;
	if (rfb_tick(c->rfb) != 0)
		client_leaves(c);
	(void)client_write(c);
}

static void
tick(struct loop *l, void *arg)
{
	struct vm_vnc *v = arg;

	(void)l;
	for (unsigned i = 0; i < CLIENTS; i++)
		if (v->client[i].rfb != NULL)
			client_tick(&v->client[i]);
}

static struct client *
client_free_slot(struct vm_vnc *v, bool remote)
{
	struct client *slot = NULL;
	unsigned remotes = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		if (v->client[i].rfb == NULL)
			slot = &v->client[i];
		else
			remotes += v->client[i].remote;
	}
	return (remote && remotes >= REMOTE_CLIENTS ? NULL : slot);
}

static struct rfb *
session_new(struct vm_vnc *v, struct client *c, bool remote)
{
	const struct rfb_config cfg = {&ops, v, v->vm->c.name != NULL ? v->vm->c.name : "vmx", c->password,
	    v->vm->c.keymap, refusal(v, remote)};

	(void)pthread_mutex_lock(&v->lock);
	memcpy(c->password, v->password, sizeof(c->password));
	(void)pthread_mutex_unlock(&v->lock);
	return (rfb_new(&cfg));
}

static void
client_open(struct vm_vnc *v, int fd, bool remote)
{
	struct client *c = client_free_slot(v, remote);
	int one = 1;

	if (c == NULL || (c->rfb = session_new(v, c, remote)) == NULL) {
		(void)close(fd);
		return;
	}
	if (remote) /* a client whose host has vanished is noticed */
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	c->vnc = v;
	c->fd = fd;
	c->remote = remote;
	c->ending = false;
	c->ticks = 0;
	c->watch = loop_fd(v->loop, fd, LOOP_READ, client_ready, c);
	if (v->nclients++ == 0)
		v->timer = loop_timer(v->loop, TICK_MS, TICK_MS, tick, v);
	(void)client_write(c);
}

static void
arrived(struct loop *l, int fd, unsigned events, void *arg)
{
	struct listener *a = arg;
	int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)l;
	(void)events;
	if (s >= 0)
		client_open(a->vnc, s, a->remote);
}

static bool
is_remote(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return (getsockname(fd, (struct sockaddr *)&ss, &len) == 0 && ss.ss_family != AF_UNIX);
}

/* ---- what the control socket changes ---- */

/* On our thread: the other TCP socket, or none. */
static void
renew(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vm_vnc *v = arg;
	uint64_t n;
	int old;

	(void)events;
	(void)!read(fd, &n, sizeof(n));
	(void)pthread_mutex_lock(&v->lock);
	old = v->renewed ? v->remote.fd : -1;
	if (v->renewed)
		v->remote.fd = v->next_fd;
	v->renewed = false;
	v->next_fd = -1;
	fd = v->remote.fd;
	(void)pthread_mutex_unlock(&v->lock);
	watch_remove(v->remote.watch);
	if (old >= 0)
		(void)close(old);
	v->remote.watch = fd >= 0 ? loop_fd(l, fd, LOOP_READ, arrived, &v->remote) : NULL;
}

/* Where clients from other hosts are to connect: said in `info`. */
static void
note_address(struct vm *vm, int fd)
{
	struct sockaddr_in sin = {.sin_port = 0};
	socklen_t len = sizeof(sin);

	vm->vnc_port = 0;
	if (fd < 0 || getsockname(fd, (struct sockaddr *)&sin, &len) != 0 || sin.sin_family != AF_INET)
		return;
	(void)inet_ntop(AF_INET, &sin.sin_addr, vm->vnc_host, sizeof(vm->vnc_host));
	vm->vnc_port = ntohs(sin.sin_port);
}

void
vm_vnc_password(struct vm *vm, const char *password)
{
	struct vm_vnc *v = vm->vnc;

	if (v == NULL)
		return;
	(void)pthread_mutex_lock(&v->lock);
	(void)snprintf(v->password, sizeof(v->password), "%.*s", PASSWORD, password);
	(void)pthread_mutex_unlock(&v->lock);
}

void
vm_vnc_listen(struct vm *vm, int fd)
{
	struct vm_vnc *v = vm->vnc;
	uint64_t one = 1;

	if (v == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	(void)pthread_mutex_lock(&v->lock);
	if (v->next_fd >= 0)
		(void)close(v->next_fd);
	if (v->remote.fd >= 0) /* its port is free when we return, whenever the other thread comes to it */
		(void)shutdown(v->remote.fd, SHUT_RDWR);
	v->next_fd = fd;
	v->renewed = true;
	(void)pthread_mutex_unlock(&v->lock);
	note_address(vm, fd);
	(void)!write(v->wake_fd, &one, sizeof(one));
}

/* ---- life ---- */

/* The configuration's sockets: a unix socket and one for TCP, in any order. */
static int
listen_first(struct vm_vnc *v, int *fd, struct err *e)
{
	struct listener *a = is_remote(*fd) ? &v->remote : &v->local;

	if (a->fd >= 0)
		return (err_set(e, EINVAL, "two VNC sockets of one kind"));
	a->fd = *fd;
	*fd = -1;
	if (a->remote)
		note_address(v->vm, a->fd);
	a->watch = loop_fd(v->loop, a->fd, LOOP_READ, arrived, a);
	return (a->watch != NULL ? 0 : err_set(e, EINVAL, "the VNC socket cannot be watched"));
}

static struct vm_vnc *
vnc_alloc(struct vm *vm, struct iothread *io)
{
	struct vm_vnc *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return (NULL);
	v->vm = vm;
	v->loop = iothread_loop(io);
	v->vga = board_find(vm->board, "vga");
	v->i8042 = board_find(vm->board, "i8042");
	v->local = (struct listener){v, -1, false, NULL};
	v->remote = (struct listener){v, -1, true, NULL};
	v->next_fd = -1;
	(void)pthread_mutex_init(&v->lock, NULL);
	v->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return (v);
}

int
vm_vnc_new(struct vm *vm, struct iothread *io, struct err *e)
{
	struct vm_vnc *v = vnc_alloc(vm, io);
	int rc = 0;

	if (v == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	vm->vnc = v;
	if (v->wake_fd < 0 || loop_fd(v->loop, v->wake_fd, LOOP_READ, renew, v) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	vm_vnc_password(vm, vm->c.vnc_password != NULL ? vm->c.vnc_password : "");
	for (unsigned i = 0; i < VMX_MAX_VNC && rc == 0; i++)
		if (vm->c.vnc_fd[i] >= 0)
			rc = listen_first(v, &vm->c.vnc_fd[i], e);
	return (rc);
}

static void
close_there(int fd)
{
	if (fd >= 0)
		(void)close(fd);
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
	close_there(v->local.fd);
	close_there(v->remote.fd);
	close_there(v->next_fd);
	close_there(v->wake_fd);
	(void)pthread_mutex_destroy(&v->lock);
	free(v);
}
