/* SPDX-License-Identifier: MIT */
/* Nic tags; see the header. */
#include "smartbox/machine/nictag.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "smartbox/machine/sysconfig.h"

static bool
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (*list != '\0') {
		size_t len = strcspn(list, ",");

		if (len == n && strncmp(list, word, n) == 0)
			return (true);
		list += len + (list[len] == ',');
	}
	return (false);
}

/* A card by its MAC address, or any link by its name. */
static const struct link *
link_by_word(const struct link_list *l, const char *word)
{
	struct mac_addr mac;

	if (mac_parse(word, &mac, NULL) != 0)
		return (link_find(l, NULL, word));
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].class == LINK_PHYS && memcmp(&l->v[i].mac, &mac, sizeof(mac)) == 0)
			return (&l->v[i]);
	return (NULL);
}

static const struct link *
tag_in_config(const struct machine *m, const struct link_list *l, const char *tag)
{
	char path[PATH_MAX], key[64];
	const struct link *found = NULL;
	const char *value;
	struct sysconfig *c;

	(void)snprintf(path, sizeof(path), "%s/config", m->usbkey);
	if (sysconfig_load(path, &c, NULL) != 0)
		return (NULL);
	(void)snprintf(key, sizeof(key), "%s_nic", tag);
	if ((value = sysconfig_get(c, key)) != NULL)
		found = link_by_word(l, value);
	else if ((value = sysconfig_get(c, "etherstub")) != NULL && has_word(value, tag))
		found = link_find(l, NULL, tag);
	sysconfig_free(c);
	return (found);
}

int
nictag_link(const struct machine *m, const char *tag, char link[LINK_NAME_MAX], struct err *e)
{
	struct link_list l = {NULL, 0};
	const struct link *found;
	int rc;

	if ((rc = link_list(&l, e)) != 0)
		return (rc);
	if ((found = link_find(&l, NULL, tag)) == NULL || found->class == LINK_VNIC)
		found = tag_in_config(m, &l, tag);
	if (found != NULL)
		memcpy(link, found->name, LINK_NAME_MAX);
	else
		rc = err_set(e, ENOENT, "Invalid nic tag \"%s\"", tag);
	link_list_free(&l);
	return (rc);
}
