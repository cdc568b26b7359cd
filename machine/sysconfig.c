/* SPDX-License-Identifier: MIT */
/*
 * The machine's own configuration, /usbkey/config.
 *
 * The file is kept as its lines, so that comments and keys of others survive a change of ours.
 */
#include "smartbox/machine/sysconfig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"
#include "smartbox/core/spawn.h"
#include "smartbox/net/link.h"

enum { SYSCONFIG_MAX = 1 << 20 };

struct line {
	char *key;   /* NULL: a comment or an empty line, in value */
	char *value; /* without quotes */
};

struct sysconfig {
	struct line *lines;
	size_t n;
};

static int
append_line(struct sysconfig *c, const char *key, size_t key_len, const char *value, size_t value_len)
{
	struct line *bigger;

	if ((bigger = reallocarray(c->lines, c->n + 1, sizeof(*bigger))) == NULL)
		return (-ENOMEM);
	c->lines = bigger;
	c->lines[c->n].key = key != NULL ? strndup(key, key_len) : NULL;
	c->lines[c->n].value = strndup(value, value_len);
	if (c->lines[c->n].value == NULL || (key != NULL && c->lines[c->n].key == NULL)) {
		free(c->lines[c->n].key);
		free(c->lines[c->n].value);
		return (-ENOMEM);
	}
	c->n++;
	return (0);
}

static int
parse_line(struct sysconfig *c, const char *line, size_t len, unsigned number, struct err *e)
{
	const char *eq = memchr(line, '=', len), *value;
	size_t value_len;
	int rc;

	if (len == 0 || *line == '#') {
		rc = append_line(c, NULL, 0, line, len);
	} else if (eq == NULL || eq == line) {
		return (err_set(e, EINVAL, "line %u is not KEY=VALUE", number));
	} else {
		value = eq + 1;
		value_len = len - (size_t)(value - line);
		if (value_len >= 2 && (*value == '"' || *value == '\'') && value[value_len - 1] == *value) {
			value++;
			value_len -= 2;
		}
		rc = append_line(c, line, (size_t)(eq - line), value, value_len);
	}
	return (rc != 0 ? err_set(e, ENOMEM, "out of memory") : 0);
}

int
sysconfig_parse(const char *text, struct sysconfig **out, struct err *e)
{
	struct sysconfig *c;
	unsigned number = 0;
	size_t len;
	int rc;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	while (*text != '\0') {
		len = strcspn(text, "\n");
		if ((rc = parse_line(c, text, len, ++number, e)) != 0) {
			sysconfig_free(c);
			return (rc);
		}
		text += len + (text[len] == '\n');
	}
	*out = c;
	return (0);
}

int
sysconfig_load(const char *path, struct sysconfig **out, struct err *e)
{
	char *text;
	size_t len;
	int rc;

	if ((rc = file_read(path, SYSCONFIG_MAX, &text, &len, e)) != 0)
		return (rc);
	if ((rc = sysconfig_parse(text, out, e)) != 0)
		rc = err_wrap(e, "%s", path);
	free(text);
	return (rc);
}

int
sysconfig_save(const struct sysconfig *c, const char *path, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int rc;

	if ((f = open_memstream(&text, &len)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	for (size_t i = 0; i < c->n; i++)
		(void)fprintf(f, "%s%s%s\n", c->lines[i].key != NULL ? c->lines[i].key : "",
		    c->lines[i].key != NULL ? "=" : "", c->lines[i].value);
	rc = fclose(f) != 0 ? err_set(e, ENOMEM, "out of memory") :
			      file_replace(path, text, len, 0600, e);
	free(text);
	return (rc);
}

void
sysconfig_free(struct sysconfig *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->lines[i].key);
		free(c->lines[i].value);
	}
	free(c->lines);
	free(c);
}

static struct line *
find_line(const struct sysconfig *c, const char *key)
{
	for (size_t i = c->n; i > 0; i--)
		if (c->lines[i - 1].key != NULL && strcmp(c->lines[i - 1].key, key) == 0)
			return (&c->lines[i - 1]);
	return (NULL);
}

const char *
sysconfig_get(const struct sysconfig *c, const char *key)
{
	const struct line *l = find_line(c, key);

	return (l != NULL ? l->value : NULL);
}

int
sysconfig_set(struct sysconfig *c, const char *key, const char *value, struct err *e)
{
	struct line *l = find_line(c, key);
	char *copy;

	if (value != NULL && strchr(value, '\n') != NULL)
		return (err_set(e, EINVAL, "%s: a value is one line", key));
	if (l == NULL) {
		if (value != NULL && append_line(c, key, strlen(key), value, strlen(value)) != 0)
			return (err_set(e, ENOMEM, "out of memory"));
		return (0);
	}
	if (value == NULL) {
		free(l->key);
		free(l->value);
		memmove(l, l + 1, (size_t)(c->lines + --c->n - l) * sizeof(*l));
		return (0);
	}
	if ((copy = strdup(value)) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	free(l->value);
	l->value = copy;
	return (0);
}

int
sysconfig_mask_bits(const char *mask)
{
	struct in_addr a;
	uint32_t m;
	int bits = 0;

	if (inet_pton(AF_INET, mask, &a) != 1)
		return (-EINVAL);
	m = ntohl(a.s_addr);
	while (bits < 32 && (m & (0x80000000u >> bits)) != 0)
		bits++;
	return (bits == 32 || (m << bits) == 0 ? bits : -EINVAL);
}

/* --- applying --------------------------------------------------------------------------------- */

/* The device of "admin_nic": a MAC address or a name; without one, the first card. */
static int
find_admin_device(const char *nic, char dev[LINK_NAME_MAX], struct err *e)
{
	struct link_list list;
	struct mac_addr mac;
	bool by_mac = nic != NULL && strchr(nic, ':') != NULL;
	int rc;

	if (by_mac && (rc = mac_parse(nic, &mac, e)) != 0)
		return (rc);
	if ((rc = link_list(&list, e)) != 0)
		return (rc);
	rc = -ENODEV;
	for (size_t i = 0; rc != 0 && i < list.n; i++) {
		const struct link *l = &list.v[i];

		if (nic == NULL ? l->class == LINK_PHYS :
		    by_mac ? l->class == LINK_PHYS && memcmp(&l->mac, &mac, sizeof(mac)) == 0 :
			     strcmp(l->name, nic) == 0) {
			(void)snprintf(dev, LINK_NAME_MAX, "%s", l->dev);
			rc = 0;
		}
	}
	link_list_free(&list);
	return (rc == 0 ? 0 : err_set(e, ENODEV, "no link '%s'", nic != NULL ? nic : "of any card"));
}

/* A lease is kept by busybox's client, in the background. */
static int
start_dhcp(const char *dev, struct err *e)
{
	const char *argv[] = {"udhcpc", "-b", "-i", dev, "-s", "/usr/share/udhcpc/default.script", NULL};
	struct spawn s = SPAWN_INIT;
	pid_t pid;
	int status;

	s.argv = argv;
	s.fd[1] = s.fd[2] = -1;
	if (spawn_start(&s, &pid, e) != 0)
		return (-e->code);
	return (spawn_wait(pid, 15000, &status, e));
}

static int
apply_static(const struct sysconfig *c, const char *dev, const char *ip, struct err *e)
{
	const char *mask = sysconfig_get(c, "admin_netmask"), *gateway = sysconfig_get(c, "admin_gateway");
	char cidr[80];
	int bits = 24, rc;

	if (mask != NULL && (bits = sysconfig_mask_bits(mask)) < 0)
		return (err_set(e, EINVAL, "admin_netmask: '%s' is no netmask", mask));
	(void)snprintf(cidr, sizeof(cidr), strchr(ip, '/') != NULL ? "%s" : "%s/%d", ip, bits);
	if ((rc = addr_add(-1, dev, cidr, e)) != 0)
		return (rc);
	return (gateway != NULL ? route_add(-1, NULL, gateway, e) : 0);
}

static int
apply_admin_link(const struct sysconfig *c, struct err *e)
{
	const char *ip = sysconfig_get(c, "admin_ip");
	char dev[LINK_NAME_MAX];
	int rc;

	if (ip == NULL)
		return (0);
	if ((rc = find_admin_device(sysconfig_get(c, "admin_nic"), dev, e)) != 0 ||
	    (rc = addr_up(-1, dev, e)) != 0)
		return (rc);
	return (strcmp(ip, "dhcp") == 0 ? start_dhcp(dev, e) : apply_static(c, dev, ip, e));
}

static int
apply_resolvers(const char *list, struct err *e)
{
	char text[1024] = "";
	size_t len, used = 0;

	for (; *list != '\0'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		if (used + len + 13 > sizeof(text))
			return (err_set(e, E2BIG, "dns_resolvers: too many"));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "nameserver %.*s\n",
		    (int)len, list);
	}
	return (file_replace("/etc/resolv.conf", text, used, 0644, e));
}

int
sysconfig_apply(const struct sysconfig *c, struct err *e)
{
	const char *hostname = sysconfig_get(c, "hostname"), *dns = sysconfig_get(c, "dns_resolvers");
	int first = 0, rc;

	if (hostname != NULL && sethostname(hostname, strlen(hostname)) != 0)
		first = err_sys(e, errno, "hostname '%s'", hostname);
	if (dns != NULL && (rc = apply_resolvers(dns, first == 0 ? e : NULL)) != 0 && first == 0)
		first = rc;
	if ((rc = apply_admin_link(c, first == 0 ? e : NULL)) != 0 && first == 0)
		first = rc;
	return (first);
}
