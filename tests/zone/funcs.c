/* SPDX-License-Identifier: MIT */
/* A program of a zone: three calls of a function; or, as "funcs nonsense", bad words to the door of tracing. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

__attribute__((noinline)) int
work(int n)
{
	__asm__ volatile("" : : "r"(n) : "memory");
	return (n + 1);
}

static void
say(const void *text, size_t len)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "/dev/zone/trace"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[64];

	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
		(void)!write(s, text, len);
		(void)shutdown(s, SHUT_WR);
		while (read(s, buf, sizeof(buf)) > 0)
			continue;
	}
	(void)close(s);
}

int
main(int argc, char **argv)
{
	static char big[4096];
	unsigned head[4] = {0x31435254, 0xffffffff, 'n', 0xffffffff};

	for (int i = 0; argc == 1 && i < 3; i++)
		(void)work(7);
	if (argc == 1 || strcmp(argv[1], "nonsense") != 0)
		return (0);
	say("", 0);
	say("hello", 5);
	say(head, sizeof(head)); /* a length of 4 GiB */
	head[1] = 8;
	say(head, sizeof(head)); /* an item longer than the request */
	head[1] = 16;
	head[2] = 'p';
	head[3] = 8;
	say(head, sizeof(head));
	memset(big, 'n', sizeof(big));
	memcpy(big, head, sizeof(head));
	say(big, sizeof(big));
	return (0);
}
