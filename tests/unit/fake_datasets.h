/* SPDX-License-Identifier: MIT */
/*
 * A struct datasets for tests: names and properties in memory, files below a scratch folder.  Any
 * single changing operation can be made to fail, or everything from one on, as after a power cut.
 */
#ifndef SMARTBOX_TEST_FAKE_DATASETS_H
#define SMARTBOX_TEST_FAKE_DATASETS_H

#include <jansson.h>

#include "smartbox/machine/machine.h"

struct fake {
	char dir[256];	 /* dataset NAME is mounted at dir/NAME */
	json_t *props;	 /* dataset or snapshot -> object of properties */
	unsigned ops;	 /* changing operations so far */
	unsigned fail_at;   /* this one fails, counted from 1; 0: none */
	unsigned dead_from; /* this one and all later fail; 0: none */
};

extern const struct datasets fake_datasets;

/* A machine whose files are all below test_dir(), with the pool "zones". */
void fake_machine(struct machine *m, struct fake *f);
void fake_free(struct fake *f);
bool fake_has(const struct fake *f, const char *dataset);

#endif
