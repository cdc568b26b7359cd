/* SPDX-License-Identifier: MIT */
/* The context of images and machines, and its small helpers. */
#include "smartbox/machine/machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
from_env(char *buf, size_t size, const char *var, const char *def)
{
	const char *v = getenv(var);

	(void)snprintf(buf, size, "%s", v != NULL && v[0] != '\0' ? v : def);
}

void
machine_init(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	zone_env_init(&m->zenv);
	from_env(m->var, sizeof(m->var), "SMARTBOX_VAR", "/var");
	from_env(m->usbkey, sizeof(m->usbkey), "SMARTBOX_USBKEY", "/usbkey");
	from_env(m->pool, sizeof(m->pool), "SMARTBOX_POOL", "zones");
	m->ds = &datasets_pools;
}

void
machine_say(const struct machine *m, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (m->say == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	m->say(m->say_arg, text);
}

int
machine_mountpoint(const struct machine *m, const char *dataset, char *buf, size_t size,
    struct err *e)
{
	int rc = m->ds->get(m->ds_ctx, dataset, "mountpoint", buf, size, e);

	if (rc != 0)
		return (rc);
	if (buf[0] != '/')
		return (err_set(e, ENOENT, "dataset '%s' has no mount point ('%s')", dataset, buf));
	return (0);
}
