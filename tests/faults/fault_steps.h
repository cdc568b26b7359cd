/* SPDX-License-Identifier: MIT */
/* The scripted history of the fault tests. */
#ifndef SMARTBOX_FAULT_STEPS_H
#define SMARTBOX_FAULT_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/poolops.h"
#include "smartbox/fs/spa.h"

struct world {
	struct spa *spa;
	struct pool_session *session;
};

struct step {
	const char *name;
	int (*run)(struct world *w, struct err *e);
	bool is_several; /* commands in one: cut short, some of them are done */
	const char *only; /* in the layout of this name; NULL: in all that are not alone */
};
extern const struct step steps[];
extern const size_t nsteps;

void world_open(struct world *w); /* w->spa is there */
void world_close(struct world *w); /* without a last sync */
/* Do a step and make it durable. */
int world_step(struct world *w, const struct step *st, struct err *e);
/* What all datasets and snapshots hold, as one number. */
uint64_t world_fingerprint(struct spa *spa);
/* The fingerprint after a step that is done elsewhere (in a child). */
uint64_t world_after(struct world *w, const struct step *st);

#endif
