/* SPDX-License-Identifier: MIT */
/* Pools that the real OpenZFS made, unpacked for a test. */
#ifndef SMARTBOX_TEST_FIXTURE_H
#define SMARTBOX_TEST_FIXTURE_H

#include <stddef.h>

#include "smartbox/fs/label.h"

/*
 * Unpack the vdev files of fixture `name` into the test's scratch folder, which is returned. Skips the
 * test when there are no fixtures.
 */
const char *fixture_pool(const char *name);

/* One file (below fixtures/, with .zst) unpacked whole; malloc'ed. */
void *fixture_file(const char *relative, size_t *len);

/* Unpack and scan: the one pool that is there; fails the test otherwise. */
void fixture_scan(const char *name, struct pool_scan *scan);

#endif
