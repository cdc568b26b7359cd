/* SPDX-License-Identifier: MIT */
/* The written forms of a configuration in zonecfg's language. */
#ifndef KERN_ZONECFG_TEXT_H
#define KERN_ZONECFG_TEXT_H

#include "smartbox/core/buf.h"
#include "zonecfg_impl.h"

/* `info`: all of it; only resources that match(); one resource. */
void zonecfg_info(const struct zonecfg *c, struct buf *out);
void zonecfg_info_res(const struct zonecfg_res *r, struct buf *out);
bool zonecfg_info_prop(const struct zonecfg *c, const char *prop, struct buf *out);
/* `export`: commands that make this configuration again. */
void zonecfg_export(const struct zonecfg *c, struct buf *out);

/* Words, in place: the next blank-separated one of *p, quotes resolved; NULL at the end. */
char *zonecfg_word(char **p, struct err *e);
/* The rest of the line as one value: quotes around it and blanks at its ends are dropped. */
char *zonecfg_rest(char *p, struct err *e);
/* Cut the next command (up to ';', a newline or the end) out of *p, in place; NULL at the end. */
char *zonecfg_next_command(char **p);
/* "(name=N,value=V)"; in place. */
int zonecfg_name_value(char *text, char **name, char **value, struct err *e);

#endif
