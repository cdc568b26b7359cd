/* SPDX-License-Identifier: MIT */
/* vmadm's listings (vmadm_list.c), for vmadm.c. */
#ifndef APPLETS_VMADM_IMPL_H
#define APPLETS_VMADM_IMPL_H

#include <jansson.h>
#include <stdbool.h>

#include "smartbox/core/err.h"
#include "smartbox/machine/machine.h"

struct vm_filter {
	char key[256];
	const char *value;
	bool regex;
};

#define VM_MAX_FILTERS 32

struct vm_query {
	struct vm_filter filter[VM_MAX_FILTERS];
	int nfilters;
};

/* Parse KEY=VALUE and KEY=~REGEX; what: "filter" or "lookup", for the message. */
int vm_query_parse(char *const *args, int n, const char *what, struct vm_query *q, struct err *e);
/* What of the machines the query looks at (VM_FILES, ...). */
unsigned vm_query_needs(const struct vm_query *q);
/* A new array with the machines that match all filters. */
int vm_query_run(const struct vm_query *q, const json_t *vms, json_t **out, struct err *e);

struct vm_list_opts {
	const char *fields; /* -o */
	const char *sort;   /* -s */
	bool parsable;
	bool header;
};

/* -EINVAL names the field that cannot be listed. */
int vm_list_check(const struct vm_list_opts *o, unsigned *needs, struct err *e);
void vm_list_print(json_t *vms, const struct vm_list_opts *o);

#endif
