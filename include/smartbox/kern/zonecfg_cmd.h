/* SPDX-License-Identifier: MIT */
/*
 * The command language of zonecfg: one session edits one zone.
 */
#ifndef SMARTBOX_KERN_ZONECFG_CMD_H
#define SMARTBOX_KERN_ZONECFG_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "smartbox/core/err.h"
#include "smartbox/kern/zone.h"
#include "smartbox/kern/zonecfg.h"

struct zonecfg_session;

struct zonecfg_io {
	void (*print)(const char *text, size_t len, void *ctx);
	/* A yes/no question; NULL when there is nobody to ask (then -F is needed). */
	bool (*ask)(const char *question, void *ctx);
	void *ctx;
};

/* The zone need not exist yet (`create` makes it).  env and io are borrowed. */
int zonecfg_session_new(const struct zone_env *env, const char *name, const struct zonecfg_io *io,
    struct zonecfg_session **out, struct err *e);
void zonecfg_session_free(struct zonecfg_session *s);

/*
 * Execute a text: commands separated by ';' or newlines.  0 go on, 1 `exit` was given,
 * -errno with a sentence;
 * what came before the failing command stays done in the session.
 */
int zonecfg_session_line(struct zonecfg_session *s, const char *line, struct err *e);
/* The end of input: commit what was changed.  An open resource is an error. */
int zonecfg_session_finish(struct zonecfg_session *s, struct err *e);

/* Is there a configuration, on disk or created? */
bool zonecfg_session_has_zone(const struct zonecfg_session *s);
/* "zonecfg:NAME> " or "zonecfg:NAME:RES> ". */
void zonecfg_session_prompt(const struct zonecfg_session *s, char *buf, size_t size);

/* What `help` prints. */
const char *zonecfg_help(void);

#endif
