/* SPDX-License-Identifier: MIT */
/*
 * What a pool should hold, in plain memory: the oracle of the crash tests.
 *
 * A model is a value: copying it is taking a picture of the expected contents. Operations are values
 * too, made from a seed for a model in which they are possible. They are applied to models and pools by
 * code that shares nothing but the operation itself.
 */
#ifndef SMARTBOX_CRASH_POOL_MODEL_H
#define SMARTBOX_CRASH_POOL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"
#include "smartbox/fs/spa.h"

enum { MODEL_FS = 5, MODEL_FILES = 6, MODEL_SNAPS = 10 };

struct model_file {
	bool used;
	uint32_t seed, size; /* the bytes are a function of the seed */
};
struct model_fs {
	bool used, is_volume; /* a volume's files are places on it */
	uint64_t quota;
	unsigned id;
	int origin; /* index of the snapshot it is a clone of, or -1 */
	struct model_file file[MODEL_FILES];
};
struct model_snap {
	bool used, is_volume;
	unsigned id, fs; /* index of its filesystem */
	struct model_file file[MODEL_FILES];
};
struct model {
	unsigned next_id;
	struct model_fs fs[MODEL_FS];
	struct model_snap snap[MODEL_SNAPS];
};

enum op_kind { OP_WRITE, OP_UNLINK, OP_CREATE, OP_DESTROY, OP_SNAPSHOT, OP_DESTROY_SNAP, OP_CLONE,
	OP_ROLLBACK, OP_SET, OP_CREATE_VOLUME, OP_SNAPSHOT_ALL, OP_RENAME, OP_KINDS };

struct op {
	enum op_kind kind;
	unsigned fs, slot; /* filesystem; file, snapshot or new filesystem */
	uint32_t seed, size;
	unsigned id; /* of what it makes */
};

/* An operation that is possible in m. */
struct op model_choose(const struct model *m, uint64_t *rnd);
void model_apply(struct model *m, const struct op *op);
void op_describe(const struct op *op, char *buf, size_t size);

/* Do it and make it durable: 0 or -errno. Takes and gives back the pool's lock. */
int pool_apply(struct spa *spa, const struct model *m, const struct op *op, struct err *e);
/* Does the pool hold what m says, no more and no less? why: the first difference. */
bool pool_equals(struct spa *spa, const struct model *m, char *why, size_t size);
/*
 * Every block that is reachable (all datasets, snapshots, lists of what is to be freed) is allocated
 * exactly where it is, and nothing else is. The pool was just opened: nothing is dirty or deferred.
 */
bool pool_space_is_exact(struct spa *spa, char *why, size_t size);

#endif
