/* SPDX-License-Identifier: MIT */
/* The dispatcher's view of the applet table. */
#ifndef CORE_APPLET_IMPL_H
#define CORE_APPLET_IMPL_H

#include "smartbox/core/applet.h"

size_t applet_count(void);
const struct applet *applet_at(size_t i);
/* Make `a` the current applet, answer a lone -h or --help, else run it. */
int applet_run(const struct applet *a, int argc, char **argv);
/* What applet_version says. */
void applet_set_version(const char *v);

#endif
