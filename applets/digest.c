/* SPDX-License-Identifier: MIT */
/* digest: message digests of files, as illumos prints them. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/machine/digest.h"

static const char digest_usage[] =
    "usage: digest [-v] -a ALGORITHM [FILE]...\n"
    "       digest -l\n"
    "Print the message digest of files, or of standard input.\n"
    "  -a ALGORITHM  md5, sha1, sha224, sha256, sha384 or sha512\n"
    "  -l            list the algorithms\n"
    "  -v            name algorithm and file even for a single one\n";

APPLET(digest, "print message digests of files");

static int
list_algorithms(void)
{
	for (const char *const *n = digest_names(); *n != NULL; n++)
		(void)puts(*n);
	return (0);
}

static void
print_digest(const char *algo, const char *file, const char *hex, bool verbose, bool many)
{
	if (verbose)
		(void)printf("%s (%s) = %s\n", algo, file, hex);
	else if (many)
		(void)printf("(%s) = %s\n", file, hex);
	else
		(void)printf("%s\n", hex);
}

static int
digest_file(const char *algo, const char *file, bool verbose, bool many)
{
	int fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, rc;
	char hex[DIGEST_HEX_MAX];
	struct err e = ERR_INIT;

	if (fd < 0) {
		(void)err_sys(&e, errno, "%s", file);
		return (applet_fail_plain(&e));
	}
	rc = digest_fd(algo, fd, hex, &e);
	if (file != NULL)
		(void)close(fd);
	if (rc != 0)
		return (applet_fail(&e, "%s", file != NULL ? file : "standard input"));
	print_digest(algo, file != NULL ? file : "stdin", hex, verbose, many);
	return (0);
}

static int
digest_main(int argc, char **argv)
{
	const char *algo = NULL;
	bool verbose = false;
	int c, rc = 0;

	while ((c = applet_getopt(argc, argv, "a:lv")) != -1) {
		if (c == '?')
			return (2);
		if (c == 'l')
			return (list_algorithms());
		if (c == 'v')
			verbose = true;
		else if ((algo = digest_canonical(optarg)) == NULL)
			return (applet_usage("unknown algorithm '%s', see digest -l", optarg));
	}
	if (algo == NULL)
		return (applet_usage("no algorithm given (-a)"));
	if (optind == argc)
		return (digest_file(algo, NULL, verbose, false));
	for (int i = optind; i < argc; i++)
		rc |= digest_file(algo, argv[i], verbose, argc - optind > 1);
	return (rc);
}
