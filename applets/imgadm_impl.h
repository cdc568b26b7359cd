/* SPDX-License-Identifier: MIT */
/* What imgadm.c takes from its other files: listings (imgadm_list.c), create. */
#ifndef APPLETS_IMGADM_IMPL_H
#define APPLETS_IMGADM_IMPL_H

#include <jansson.h>
#include <stdbool.h>

#include "smartbox/core/err.h"
#include "smartbox/machine/machine.h"

struct list_opts {
	const char *fields; /* -o */
	const char *sort;   /* -s */
	bool json, no_header;
	char **filters; /* FIELD=VALUE, FIELD=~TEXT */
	int nfilters;
};

/* imgadm_create.c */
int imgadm_create(struct machine *m, int argc, char **argv);

/* Parse list's and avail's options; 0, or the exit code of a usage mistake. */
int imgadm_list_opts(int argc, char **argv, struct list_opts *o);
/* Filter, sort and print entries {manifest, ...}; -EINVAL for a bad filter. */
int imgadm_print_list(json_t *entries, const struct list_opts *o, struct err *e);

#endif
