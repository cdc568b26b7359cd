/* SPDX-License-Identifier: MIT */
/*
 * Feed a corpus to a fuzz target without a fuzzer: replay FILE|FOLDER...
 *
 * `make check` runs every target over its corpus this way, under sanitizers. Each input is also given
 * cut to half and with each of 64 spread-out bits turned, so that a small corpus still says something.
 * An input that takes longer than INPUT_TIMEOUT_S is a failure: it is named before it runs out.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_TIMEOUT_S = 20, BITS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned inputs;

static void
feed(const char *path, const uint8_t *data, size_t size)
{
	/* A copy of the exact size: reading one byte too far is seen. */
	uint8_t *copy = malloc(size != 0 ? size : 1);

	if (copy == NULL)
		exit(1);
	memcpy(copy, data, size);
	(void)fprintf(stderr, "\r%s", path);
	(void)alarm(INPUT_TIMEOUT_S);
	(void)LLVMFuzzerTestOneInput(copy, size);
	(void)alarm(0);
	free(copy);
	inputs++;
}

static void
replay_file(const char *path)
{
	uint8_t *data;
	struct stat st;
	size_t size;
	FILE *f;

	if ((f = fopen(path, "rb")) == NULL || fstat(fileno(f), &st) != 0 ||
	    (data = malloc((size_t)st.st_size + 1)) == NULL) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, (size_t)st.st_size, f);
	(void)fclose(f);
	feed(path, data, size);
	feed(path, data, size / 2);
	for (size_t i = 0; size > 0 && i < BITS; i++) {
		size_t bit = i * (size * 8 / BITS + 1) % (size * 8);

		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		feed(path, data, size);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(data);
}

static void
replay(const char *path)
{
	struct dirent **names;
	char sub[4096];
	struct stat st;
	int n;

	if (stat(path, &st) != 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	if ((n = scandir(path, &names, NULL, alphasort)) < 0) {
		perror(path);
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			(void)snprintf(sub, sizeof(sub), "%s/%s", path, names[i]->d_name);
			replay(sub);
		}
		free(names[i]);
	}
	free(names);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("\nreplay: %u inputs\n", inputs);
	return (inputs == 0);
}
