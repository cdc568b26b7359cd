/* SPDX-License-Identifier: MIT */
/*
 * The control socket: a line in, a line out, then the connection ends.
 *
 *	stop   press the power button		reset  as the button on the case
 *	nmi    to every vCPU			kill   end now
 *	info   {"cpus":..,"ram":..,"exits":..,"resets":..,"balloon":..,"vnc":{..}}
 *	pci	what is on the bus
 *	screenshot   the display as a picture: P6, width, height, 255, then three bytes a pixel
 *	vnc PASSWORD	what VNC's clients have to know from now on (nothing: nothing), and TCP is closed
 *	vnc-listen	with a descriptor: a TCP socket for VNC
 *
 * Answers are "ok", "error: ..." or the info.  Whoever can open the socket's path may do all of it:
 * permissions of the path are the access control.  A client is read once, at most LINE bytes, so that
 * none can hold the loop.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/fdpass.h"
#include "smartbox/vmx/vga.h"
#include "vm_impl.h"

enum { LINE = 64, ANSWER = 512, PICTURE_WAIT_S = 2 };

static void
say_info(struct vm *vm, char *out)
{
	struct device *balloon = board_find(vm->board, "balloon");
	char vnc[160] = "";
	uint64_t exits = 0;

	if (vm->vnc_port != 0)
		(void)snprintf(vnc, sizeof(vnc), ",\"vnc\":{\"host\":\"%s\",\"port\":%u,\"display\":%d}",
		    vm->vnc_host, vm->vnc_port, (int)vm->vnc_port - 5900);

	for (unsigned i = 0; i < vm->c.cpus; i++)
		exits += vcpu_exits(vm->cpu[i].vcpu);
	(void)snprintf(out, ANSWER,
	    "{\"cpus\":%u,\"ram\":%llu,\"exits\":%llu,\"resets\":%llu,\"balloon\":%u%s}\n", vm->c.cpus,
	    (unsigned long long)vm->c.ram, (unsigned long long)exits,
	    (unsigned long long)vm->resets, balloon != NULL ? vballoon_actual(balloon) : 0, vnc);
}

static void
do_stop(struct vm *vm)
{
	pm_power_button(board_find(vm->board, "pm"));
}

static void
do_reset(struct vm *vm)
{
	vm_request(vm, VM_RESET);
}

static void
do_kill(struct vm *vm)
{
	vm_request(vm, VM_KILL);
}

static void
do_nmi(struct vm *vm)
{
	/* KVM holds a vCPU's lock while it runs: only its own thread can do this without waiting. */
	for (unsigned i = 0; i < vm->c.cpus; i++) {
		atomic_store(&vm->cpu[i].nmi, 1);
		vcpu_kick(vm->cpu[i].vcpu);
	}
}

/* A line, and the descriptor that came with it or -1. */
struct request {
	char line[LINE + 1];
	int fd;
};

static int
do_vnc(struct vm *vm, struct request *q)
{
	const char *password = q->line + strcspn(q->line, " ");

	vm_vnc_password(vm, password + (*password == ' '));
	vm_vnc_listen(vm, -1);
	return (0);
}

static int
do_vnc_listen(struct vm *vm, struct request *q)
{
	if (q->fd < 0)
		return (-EBADF);
	vm_vnc_listen(vm, q->fd);
	q->fd = -1;
	return (0);
}

static const struct {
	const char *name;
	void (*run)(struct vm *vm);
	int (*run_with)(struct vm *vm, struct request *q);
} commands[] = {{"stop", do_stop, NULL}, {"reset", do_reset, NULL}, {"kill", do_kill, NULL},
    {"nmi", do_nmi, NULL}, {"vnc", NULL, do_vnc}, {"vnc-listen", NULL, do_vnc_listen}};
enum { NCOMMANDS = sizeof(commands) / sizeof(commands[0]) };

static bool
first_word_is(const char *line, const char *word)
{
	size_t n = strlen(word);

	return (strncmp(line, word, n) == 0 && (line[n] == '\0' || line[n] == ' '));
}

static void
answer(struct vm *vm, struct request *q, char *out)
{
	int rc = 0;

	if (strcmp(q->line, "info") == 0) {
		say_info(vm, out);
		return;
	}
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (!first_word_is(q->line, commands[i].name))
			continue;
		if (commands[i].run != NULL)
			commands[i].run(vm);
		else
			rc = commands[i].run_with(vm, q);
		(void)snprintf(out, ANSWER, "%s\n", rc == 0 ? "ok" : "error: a descriptor is missing");
		return;
	}
	(void)snprintf(out, ANSWER, "error: no such command\n");
}

static int
send_all(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return (-EPIPE);
		p += n;
		len -= (size_t)n;
	}
	return (0);
}

static int
send_rows(int fd, const struct vga_frame *f)
{
	uint8_t row[3 * VGA_MAX_WIDTH];
	int rc = 0;

	for (unsigned y = 0; y < f->h && rc == 0; y++) {
		for (unsigned x = 0; x < f->w; x++) {
			uint32_t p = f->px[(size_t)y * f->w + x];

			row[3 * x] = (uint8_t)(p >> 16);
			row[3 * x + 1] = (uint8_t)(p >> 8);
			row[3 * x + 2] = (uint8_t)p;
		}
		rc = send_all(fd, row, 3UL * f->w);
	}
	return (rc);
}

static void
pci_list(struct vm *vm, int fd)
{
	struct buf b = BUF_INIT;

	vm_info_pci(vm, &b);
	if (!buf_failed(&b))
		(void)send_all(fd, b.data, b.len);
	buf_free(&b);
}

/* A client that does not read it in time gets part of it: the main thread has other things to do. */
static void
screenshot(struct vm *vm, int fd)
{
	static const char none[] = "error: the machine has no display\n";
	struct device *vga = board_find(vm->board, "vga");
	struct vga_frame f = {NULL, 0, 0, 0};
	char head[32];

	if (vga == NULL || vga_render(vga, &f) != 0) {
		(void)send_all(fd, none, sizeof(none) - 1);
		return;
	}
	(void)snprintf(head, sizeof(head), "P6 %u %u 255\n", f.w, f.h);
	if (send_all(fd, head, strlen(head)) == 0)
		(void)send_rows(fd, &f);
	vga_frame_free(&f);
}

/* Read once; false when nothing came. */
static bool
request_read(int fd, struct request *q)
{
	ssize_t n = fd_recv(fd, q->line, LINE, &q->fd, 1, MSG_DONTWAIT);

	if (n <= 0)
		return (false);
	q->line[n] = '\0';
	q->line[strcspn(q->line, "\r\n")] = '\0';
	return (true);
}

static void
client_ready(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vm *vm = arg;
	const struct timeval wait = {PICTURE_WAIT_S, 0};
	char out[ANSWER];
	struct request q;

	(void)l;
	(void)events;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (request_read(fd, &q)) {
		if (strcmp(q.line, "screenshot") == 0) {
			screenshot(vm, fd);
		} else if (strcmp(q.line, "pci") == 0) {
			pci_list(vm, fd);
		} else {
			answer(vm, &q, out);
			(void)!send(fd, out, strlen(out), MSG_NOSIGNAL | MSG_DONTWAIT);
		}
		if (q.fd >= 0)
			(void)close(q.fd);
	}
	watch_remove(vm->control_client);
	vm->control_client = NULL;
	(void)close(fd);
}

/* One client at a time: the next waits in the socket's queue, or is turned away. */
static void
client_new(struct loop *l, int fd, unsigned events, void *arg)
{
	struct vm *vm = arg;
	int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (s < 0)
		return;
	if (vm->control_client == NULL)
		vm->control_client = loop_fd(l, s, LOOP_READ, client_ready, vm);
	else
		(void)close(s);
}

int
vm_control(struct vm *vm, struct err *e)
{
	if (vm->c.control_fd < 0)
		return (0);
	if (loop_fd(vm->loop, vm->c.control_fd, LOOP_READ, client_new, vm) == NULL)
		return (err_set(e, EINVAL, "the control socket cannot be watched"));
	return (0);
}
