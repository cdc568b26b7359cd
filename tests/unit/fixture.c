/* SPDX-License-Identifier: MIT */
/* Pools that the real OpenZFS made, unpacked for a test. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "fixture.h"
#include "smartbox/fs/compress.h"
#include "test.h"

#define CHUNK (1u << 17)

/* Zeros are skipped, so that a vdev file takes what it holds. */
static void
put_sparse(int fd, const char *buf, size_t n, off_t *at)
{
	for (size_t i = 0; i < n; i += 4096) {
		size_t k = n - i < 4096 ? n - i : 4096;

		if (!is_all_zero(buf + i, k))
			CHECK(pwrite(fd, buf + i, k, *at + (off_t)i) == (ssize_t)k);
	}
	*at += (off_t)n;
}

static void
unpack_to(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	char *ibuf = malloc(CHUNK), *obuf = malloc(CHUNK);
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	off_t at = 0;
	ssize_t n;

	CHECK(in >= 0 && ibuf != NULL && obuf != NULL && ctx != NULL);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(out >= 0);
	while ((n = read(in, ibuf, CHUNK)) > 0) {
		ZSTD_inBuffer ib = {ibuf, (size_t)n, 0};

		/* Output may wait in the decoder when the buffer came back full. */
		for (;;) {
			ZSTD_outBuffer ob = {obuf, CHUNK, 0};
			size_t rc = ZSTD_decompressStream(ctx, &ob, &ib);

			CHECK(!ZSTD_isError(rc));
			put_sparse(out, obuf, ob.pos, &at);
			if (ib.pos == ib.size && ob.pos < ob.size)
				break;
		}
	}
	CHECK(ftruncate(out, at) == 0);
	(void)ZSTD_freeDCtx(ctx);
	(void)close(in);
	(void)close(out);
	free(ibuf);
	free(obuf);
}

const char *
fixture_pool(const char *name)
{
	static char dir[512];
	const char *shared = getenv("SHARED");
	char rel[256], from[1024], to[1024];
	struct dirent *de;
	DIR *d;

	(void)snprintf(rel, sizeof(rel), "fixtures/%s/%s-0.zst", name, name);
	(void)test_fixture(rel);
	(void)snprintf(dir, sizeof(dir), "%s/%s", test_dir(), name);
	CHECK(mkdir(dir, 0700) == 0);
	(void)snprintf(rel, sizeof(rel), "%s/fixtures/%s", shared != NULL ? shared : "../shared", name);
	CHECK((d = opendir(rel)) != NULL);
	while ((de = readdir(d)) != NULL) {
		size_t len = strlen(de->d_name);

		if (len < 5 || strcmp(de->d_name + len - 4, ".zst") != 0)
			continue;
		(void)snprintf(from, sizeof(from), "%s/%s", rel, de->d_name);
		(void)snprintf(to, sizeof(to), "%s/%.*s", dir, (int)len - 4, de->d_name);
		unpack_to(from, to);
	}
	(void)closedir(d);
	return (dir);
}

void *
fixture_file(const char *relative, size_t *len)
{
	const char *from = test_fixture(relative);
	char to[1024];
	struct stat st;
	void *buf;
	int fd;

	(void)snprintf(to, sizeof(to), "%s/file", test_dir());
	unpack_to(from, to);
	fd = open(to, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	buf = malloc((size_t)st.st_size + 1);
	CHECK(buf != NULL && read(fd, buf, (size_t)st.st_size) == st.st_size);
	(void)close(fd);
	*len = (size_t)st.st_size;
	return (buf);
}

void
fixture_scan(const char *name, struct pool_scan *scan)
{
	const char *dir = fixture_pool(name);
	struct err e = ERR_INIT;
	int rc = pool_scan(&dir, 1, scan, &e);

	if (rc != 0 || scan->npool != 1)
		test_fail(__FILE__, __LINE__, "scan of %s: %d, %zu pools: %s", name, rc, scan->npool,
		    e.msg);
}
