/* SPDX-License-Identifier: MIT */
/* machine/kmod: names, aliases and loading order. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/machine/kmod.h"

static void
write_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", test_dir(), name);
	f = fopen(path, "w");
	CHECK(f != NULL);
	CHECK(fputs(text, f) >= 0);
	CHECK(fclose(f) == 0);
}

static struct kmod *
sample_index(void)
{
	struct kmod *k = NULL;

	write_file("modules.dep", "kernel/fs/fuse/fuse.ko:\n"
				  "kernel/fs/fuse/virtiofs.ko: kernel/fs/fuse/fuse.ko kernel/v/virtio.ko "
				  "kernel/v/virtio_ring.ko\n"
				  "kernel/v/virtio.ko: kernel/v/virtio_ring.ko\n"
				  "kernel/v/virtio_ring.ko:\n"
				  "kernel/n/net-one.ko: kernel/gone.ko\n");
	write_file("modules.alias", "# Aliases\n"
				    "alias fs-fuse fuse\n"
				    "alias virtio:d0000001Av* virtiofs\n"
				    "alias pci:v00001AF4d*sv* virtio\n"
				    "alias broken\n");
	CHECK_EQ(kmod_open(test_dir(), &k, NULL), 0);
	return (k);
}

static int
collect(const char *path, void *arg)
{
	strcat(arg, path);
	strcat(arg, " ");
	return (0);
}

TEST(kmod_lists_the_farthest_dependency_first)
{
	struct kmod *k = sample_index();
	char got[256] = "";

	CHECK_EQ(kmod_resolve(k, "virtiofs", collect, got, NULL), 0);
	CHECK_STR(got, "kernel/v/virtio_ring.ko kernel/v/virtio.ko kernel/fs/fuse/fuse.ko "
		       "kernel/fs/fuse/virtiofs.ko ");
	kmod_close(k);
}

TEST(kmod_matches_aliases_as_patterns)
{
	struct kmod *k = sample_index();
	char got[256] = "";

	CHECK_EQ(kmod_resolve(k, "pci:v00001AF4d00001000sv00001AF4", collect, got, NULL), 0);
	CHECK_STR(got, "kernel/v/virtio_ring.ko kernel/v/virtio.ko ");
	kmod_close(k);
}

TEST(kmod_takes_dash_and_underscore_for_one_letter)
{
	struct kmod *k = sample_index();
	char got[256] = "";

	CHECK_EQ(kmod_resolve(k, "virtio-ring", collect, got, NULL), 0);
	CHECK_STR(got, "kernel/v/virtio_ring.ko ");
	kmod_close(k);
}

TEST(kmod_names_a_dependency_that_is_missing)
{
	struct kmod *k = sample_index();
	struct err e = ERR_INIT;
	char got[256] = "";

	CHECK_EQ(kmod_resolve(k, "net_one", collect, got, &e), -ENOENT);
	CHECK(strstr(e.msg, "kernel/gone.ko") != NULL);
	kmod_close(k);
}

TEST(kmod_refuses_an_unknown_name)
{
	struct kmod *k = sample_index();
	char got[256] = "";

	CHECK_EQ(kmod_resolve(k, "nothing", collect, got, NULL), -ENOENT);
	kmod_close(k);
}

TEST(kmod_open_says_when_a_kernel_has_no_modules)
{
	struct kmod *k = NULL;

	CHECK_EQ(kmod_open("/nonexistent", &k, NULL), -ENOENT);
}
