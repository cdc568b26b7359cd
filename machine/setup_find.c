/* SPDX-License-Identifier: MIT */
/* The first boot: which disks there are, and where somebody left answers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/machine/setup.h"

static const char answers_magic[] = "#smartbox-answers\n";
static const char answers_name[] = "smartbox.json";

enum { ANSWERS_MAX = 64 * 1024, LOOK_BYTES = 256 * 1024 };

static void
read_attribute(const char *disk, const char *name, char *buf, size_t size)
{
	char path[512], *text;
	size_t len;

	*buf = '\0';
	(void)snprintf(path, sizeof(path), "/sys/block/%s/%s", disk, name);
	if (file_read(path, 4096, &text, &len, NULL) != 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	while (len > 0 && (len = strlen(text)) > 0 && text[len - 1] == ' ')
		text[len - 1] = '\0';
	(void)snprintf(buf, size, "%s", text);
	free(text);
}

/* Whole disks only; what is in RAM or stands on other devices is none. */
static bool
is_disk(const char *name)
{
	static const char *const others[] = {
	    "loop", "ram", "zram", "sr", "fd", "dm-", "md", "nbd", "zd", "ublk", ".", NULL};

	for (const char *const *o = others; *o != NULL; o++)
		if (strncmp(name, *o, strlen(*o)) == 0)
			return (false);
	return (true);
}

/* Does the disk carry something? Anything but zeros where labels, tables and superblocks begin. */
static bool
is_used(const char *path)
{
	unsigned char *bytes = calloc(1, LOOK_BYTES);
	bool used = true;
	int fd;

	if (bytes != NULL && (fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
		if (io_read_full(fd, bytes, LOOK_BYTES) == 0)
			used = bytes[0] != 0 || memcmp(bytes, bytes + 1, LOOK_BYTES - 1) != 0;
		(void)close(fd);
	}
	free(bytes);
	return (used);
}

static int
compare_disks(const void *a, const void *b)
{
	return (strcmp(((const struct setup_disk *)a)->path, ((const struct setup_disk *)b)->path));
}

int
setup_disks(struct setup_disk disks[SETUP_DISKS_MAX], struct err *e)
{
	char sectors[32];
	struct dirent *d;
	int n = 0;
	DIR *dir;

	if ((dir = opendir("/sys/block")) == NULL)
		return (err_sys(e, errno, "/sys/block"));
	while (n < SETUP_DISKS_MAX && (d = readdir(dir)) != NULL) {
		if (!is_disk(d->d_name) || strlen(d->d_name) + 6 > SETUP_WORD)
			continue;
		read_attribute(d->d_name, "size", sectors, sizeof(sectors));
		disks[n].bytes = strtoull(sectors, NULL, 10) * 512;
		if (disks[n].bytes == 0)
			continue;
		(void)snprintf(disks[n].path, SETUP_WORD, "/dev/%s", d->d_name);
		read_attribute(d->d_name, "device/model", disks[n].model, sizeof(disks[n].model));
		disks[n].used = is_used(disks[n].path);
		n++;
	}
	(void)closedir(dir);
	qsort(disks, (size_t)n, sizeof(*disks), compare_disks);
	return (n);
}

/* --- answers ---------------------------------------------------------------------------------- */

static int
answers_from_text(const char *name, const char *text, size_t len, struct setup_answers *out,
    struct err *e)
{
	json_t *j;
	int rc;

	if ((rc = json_parse(name, text, len, &j, e)) != 0)
		return (rc);
	if ((rc = setup_answers_from_json(j, out, e)) != 0)
		rc = err_wrap(e, "%s", name);
	json_decref(j);
	return (rc);
}

static int
answers_from_file(const char *path, struct setup_answers *out, struct err *e)
{
	char *text;
	size_t len;
	int rc;

	if ((rc = file_read(path, ANSWERS_MAX, &text, &len, e)) != 0)
		return (rc);
	rc = answers_from_text(path, text, len, out, e);
	free(text);
	return (rc);
}

/* A disk that holds nothing but the answers, behind a line that says so. */
static int
answers_from_raw(const char *path, struct setup_answers *out, struct err *e)
{
	const size_t magic = sizeof(answers_magic) - 1;
	char *text;
	ssize_t n;
	int fd, rc = -ENOENT;

	if ((text = calloc(1, ANSWERS_MAX + 1)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
		n = read(fd, text, ANSWERS_MAX);
		if (n > (ssize_t)magic && memcmp(text, answers_magic, magic) == 0)
			rc = answers_from_text(path, text + magic, strlen(text + magic), out, e);
		(void)close(fd);
	}
	free(text);
	return (rc);
}

/* A stick or a CD with a file on it. */
static int
answers_from_medium(const char *path, struct setup_answers *out, struct err *e)
{
	static const char dir[] = "/run/answers";
	static const char *const types[] = {"vfat", "iso9660", NULL};
	char file[64];
	int rc = -ENOENT;

	(void)mkdir(dir, 0700);
	(void)snprintf(file, sizeof(file), "%s/%s", dir, answers_name);
	for (const char *const *t = types; rc == -ENOENT && *t != NULL; t++) {
		if (mount(path, dir, *t, MS_RDONLY | MS_SILENT | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			NULL) != 0)
			continue;
		rc = answers_from_file(file, out, e);
		(void)umount2(dir, MNT_DETACH);
	}
	(void)rmdir(dir);
	return (rc);
}

static int
answers_from_devices(struct setup_answers *out, struct err *e)
{
	char path[300];
	struct dirent *d;
	int rc = -ENOENT;
	DIR *dir;

	if ((dir = opendir("/sys/class/block")) == NULL)
		return (-ENOENT);
	while (rc == -ENOENT && (d = readdir(dir)) != NULL) {
		if (!is_disk(d->d_name) && strncmp(d->d_name, "sr", 2) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "/dev/%s", d->d_name);
		if ((rc = answers_from_raw(path, out, e)) == -ENOENT)
			rc = answers_from_medium(path, out, e);
	}
	(void)closedir(dir);
	return (rc);
}

int
setup_answers_find(const char *hint, struct setup_answers *out, struct err *e)
{
	int rc;

	if (hint != NULL && *hint != '\0') {
		if ((rc = answers_from_raw(hint, out, e)) == -ENOENT)
			rc = answers_from_file(hint, out, e);
		return (rc == -ENOENT ? err_set(e, EINVAL, "answers=%s: no such file", hint) : rc);
	}
	if ((rc = answers_from_file("/etc/answers.json", out, e)) != -ENOENT)
		return (rc);
	if ((rc = answers_from_devices(out, e)) != -ENOENT)
		return (rc);
	return (err_set(e, ENOENT, "no answers"));
}
