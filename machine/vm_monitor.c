/* SPDX-License-Identifier: MIT */
/*
 * Talking to the monitor of a running kvm or bhyve machine, on its control socket <run>/vm/NAME.ctl:
 * a line there, a line back (vmx/vm_control.c); one descriptor may go with it.
 *
 * VNC's TCP socket is made here, by root in the host's network: the monitor has no network of its own
 * and is given the socket, when it starts or later.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartbox/core/fdpass.h"
#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "vm_impl.h"

int
vm_hvm_path(const struct machine *m, const char *name, const char *suffix, char *buf, size_t size,
    struct err *e)
{
	int n = snprintf(buf, size, "%s/vm/%s.%s", m->zenv.run, name, suffix);

	return (n >= 0 && (size_t)n < size ? 0 : err_set(e, ENAMETOOLONG, "the path of a socket of %s is "
	    "too long", name));
}

int
vm_hvm_socket(const struct machine *m, const char *name, const char *suffix, struct sockaddr_un *sun,
    struct err *e)
{
	int fd, rc;

	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((rc = vm_hvm_path(m, name, suffix, sun->sun_path, sizeof(sun->sun_path), e)) != 0)
		return (rc);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return (err_sys(e, errno, "socket"));
	return (fd);
}

static int
monitor_connect(const struct machine *m, const char *name, struct err *e)
{
	struct sockaddr_un sun;
	int fd = vm_hvm_socket(m, name, "ctl", &sun, e);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return (fd);
	(void)close(fd);
	return (err_sys(e, errno, "cannot reach the monitor"));
}

/* A line and, with it, a descriptor (-1: none). */
static int
send_line(int to, const char *line, int fd)
{
	ssize_t len = (ssize_t)strlen(line);

	return (fd_send(to, line, (size_t)len, &fd, fd >= 0, 0) == len ? 0 : -EIO);
}

static int
command_with(const struct machine *m, const char *name, const char *command, int give, char *answer,
    size_t size, struct err *e)
{
	int fd = monitor_connect(m, name, e), rc;
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return (fd);
	rc = send_line(fd, command, give);
	while (rc == 0 && have < size - 1 && (n = read(fd, answer + have, size - 1 - have)) > 0)
		have += (size_t)n;
	answer[have] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	(void)close(fd);
	if (rc != 0 || have == 0)
		return (err_set(e, EIO, "the monitor does not answer"));
	return (strncmp(answer, "error: ", 7) == 0 ? err_set(e, EINVAL, "%s", answer + 7) : 0);
}

int
vm_hvm_command(const struct machine *m, const char *name, const char *command, char *answer,
    size_t size, struct err *e)
{
	return (command_with(m, name, command, -1, answer, size, e));
}

/* The picture on the display, as a PPM file. */
int
vm_hvm_picture(const struct machine *m, const char *name, const char *path, struct err *e)
{
	enum { PICTURE_MAX = 3 * 2560 * 1600 + 64 };
	char *bytes = malloc(PICTURE_MAX);
	size_t have = 0;
	ssize_t n;
	int fd, rc;

	if (bytes == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((fd = rc = monitor_connect(m, name, e)) < 0)
		goto out;
	rc = io_send_full(fd, "screenshot", 10);
	while (rc >= 0 && have < PICTURE_MAX && (n = read(fd, bytes + have, PICTURE_MAX - have)) > 0)
		have += (size_t)n;
	(void)close(fd);
	if (rc >= 0 && (have < 2 || memcmp(bytes, "P6", 2) != 0))
		rc = err_set(e, EIO, "the monitor gave no picture");
	if (rc >= 0)
		rc = file_replace(path, bytes, have, 0600, e);
out:
	free(bytes);
	return (rc < 0 ? rc : 0);
}

/* --- VNC ---------------------------------------------------------------------------------------- */

/* Without a password only this host may connect. */
int
vm_hvm_vnc_socket(const json_t *vm, struct err *e)
{
	json_int_t port = json_int(vm, "vnc_port", -1);
	bool open = json_str(vm, "vnc_password", "")[0] != '\0';
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(open ? INADDR_ANY : INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, rc;

	if (fd < 0)
		return (err_sys(e, errno, "socket"));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 && listen(fd, 8) == 0)
		return (fd);
	rc = err_sys(e, errno, "vnc_port %lld", (long long)port);
	(void)close(fd);
	return (rc);
}

int
vm_hvm_display(const struct machine *m, const char *name, const json_t *vm, struct err *e)
{
	char line[64], answer[128];
	int fd, rc;

	(void)snprintf(line, sizeof(line), "vnc %.8s\n", json_str(vm, "vnc_password", ""));
	if ((rc = vm_hvm_command(m, name, line, answer, sizeof(answer), e)) != 0 ||
	    json_int(vm, "vnc_port", -1) < 0)
		return (rc);
	if ((fd = vm_hvm_vnc_socket(vm, e)) < 0)
		return (fd);
	rc = command_with(m, name, "vnc-listen", fd, answer, sizeof(answer), e);
	(void)close(fd);
	return (rc);
}
