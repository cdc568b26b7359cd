/* SPDX-License-Identifier: MIT */
/*
 * The first boot: from empty disks to SmartOS's layout.
 *
 * Order, and what a power cut leaves: the pool, then the datasets, then their files; /usbkey/config is
 * written last. A machine whose pool lacks it asks again, and setup_apply takes up what is there, so a
 * cut first boot is repeated, not repaired.
 */
#include "smartbox/machine/setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/core/spawn.h"
#include "smartbox/core/json.h"
#include "smartbox/fs/client.h"
#include "smartbox/fs/nvlist.h"
#include "smartbox/machine/password.h"
#include "smartbox/machine/sysconfig.h"

/* --- answers ---------------------------------------------------------------------------------- */

/* Where each string of the JSON object goes. */
static const struct answer_key {
	const char *key;
	size_t offset, size;
} answer_keys[] = {
#define KEY(k, member)                                                                             \
	{                                                                                          \
		k, offsetof(struct setup_answers, member), sizeof(((struct setup_answers *)0)->member) \
	}
    KEY("pool", pool),
    KEY("layout", layout),
    KEY("hostname", hostname),
    KEY("root_password_hash", password_hash),
    KEY("admin_nic", admin_nic),
    KEY("admin_ip", admin_ip),
    KEY("admin_netmask", admin_netmask),
    KEY("admin_gateway", admin_gateway),
    KEY("dns_resolvers", dns_resolvers),
#undef KEY
};

static int
take_string(const char *key, const json_t *value, struct setup_answers *a, struct err *e)
{
	const char *s = json_string_value(value);

	for (size_t i = 0; i < sizeof(answer_keys) / sizeof(*answer_keys); i++) {
		const struct answer_key *k = &answer_keys[i];

		if (strcmp(key, k->key) != 0)
			continue;
		if (s == NULL)
			return (err_set(e, EINVAL, "%s: must be a string", key));
		if (strlen(s) >= k->size || strchr(s, '\n') != NULL)
			return (err_set(e, EINVAL, "%s: at most %zu bytes, one line", key, k->size - 1));
		memcpy((char *)a + k->offset, s, strlen(s) + 1);
		return (0);
	}
	return (err_set(e, EINVAL, "%s: no such answer", key));
}

static int
add_disk(struct setup_answers *a, const char *name, struct err *e)
{
	if (a->ndisks == SETUP_DISKS_MAX)
		return (err_set(e, E2BIG, "disks: at most %d", SETUP_DISKS_MAX));
	if (*name == '\0' || strlen(name) + 6 > SETUP_WORD)
		return (err_set(e, EINVAL, "disks: '%s' is no disk", name));
	(void)snprintf(a->disks[a->ndisks++], SETUP_WORD, "%s%s", *name == '/' ? "" : "/dev/", name);
	return (0);
}

static int
add_all_disks(struct setup_answers *a, struct err *e)
{
	struct setup_disk disks[SETUP_DISKS_MAX];
	int n, rc = 0;

	if ((n = setup_disks(disks, e)) < 0)
		return (n);
	for (int i = 0; i < n && rc == 0; i++)
		if (!disks[i].used || a->force)
			rc = add_disk(a, disks[i].path, e);
	return (rc);
}

static int
take_disks(const json_t *value, struct setup_answers *a, struct err *e)
{
	const json_t *item;
	size_t i;
	int rc = 0;

	if (json_is_string(value) && strcmp(json_string_value(value), "all") == 0)
		return (add_all_disks(a, e));
	if (!json_is_array(value))
		return (err_set(e, EINVAL, "disks: must be a list of names, or \"all\""));
	for (i = 0; rc == 0 && i < json_array_size(value); i++) {
		item = json_array_get(value, i);
		if (!json_is_string(item))
			return (err_set(e, EINVAL, "disks: a name is a string"));
		rc = add_disk(a, json_string_value(item), e);
	}
	return (rc);
}

bool
setup_is_address(const char *text)
{
	unsigned char addr[16];

	return (*text == '\0' || strcmp(text, "dhcp") == 0 || inet_pton(AF_INET, text, addr) == 1 ||
	    inet_pton(AF_INET6, text, addr) == 1);
}

static int
check_answers(struct setup_answers *a, struct err *e)
{
	if (a->ndisks == 0)
		return (err_set(e, EINVAL, "disks: none; name one or more, or \"all\""));
	if (*a->layout == '\0')
		(void)snprintf(a->layout, sizeof(a->layout), "%s", a->ndisks > 1 ? "mirror" : "stripe");
	if (strcmp(a->layout, "mirror") != 0 && strcmp(a->layout, "stripe") != 0)
		return (err_set(e, EINVAL, "layout: '%s' is not one of stripe, mirror", a->layout));
	if (strcmp(a->layout, "mirror") == 0 && a->ndisks < 2)
		return (err_set(e, EINVAL, "layout: a mirror needs two disks or more"));
	if (!setup_is_address(a->admin_ip))
		return (err_set(e, EINVAL, "admin_ip: '%s' is neither dhcp nor an IP address", a->admin_ip));
	if (*a->admin_netmask != '\0' && sysconfig_mask_bits(a->admin_netmask) < 0)
		return (err_set(e, EINVAL, "admin_netmask: '%s' is no netmask", a->admin_netmask));
	return (0);
}

int
setup_answers_from_json(const json_t *j, struct setup_answers *a, struct err *e)
{
	const json_t *value;
	const char *key;
	int rc = 0;

	*a = (struct setup_answers){.pool = SETUP_POOL};
	if (!json_is_object(j))
		return (err_set(e, EINVAL, "answers: must be a JSON object"));
	a->force = json_is_true(json_object_get(j, "force"));
	json_object_foreach((json_t *)(uintptr_t)j, key, value) {
		if (strcmp(key, "disks") == 0)
			rc = take_disks(value, a, e);
		else if (strcmp(key, "root_password") == 0 && json_is_string(value))
			rc = password_hash(json_string_value(value), NULL, a->password_hash, e);
		else if (strcmp(key, "force") != 0)
			rc = take_string(key, value, a, e);
		if (rc != 0)
			return (rc);
	}
	return (check_answers(a, e));
}

/* --- applying --------------------------------------------------------------------------------- */

static const struct layout_dataset {
	const char *name, *mountpoint;
} layout_datasets[] = {
    {"config", "/etc/zones"}, {"usbkey", "/usbkey"}, {"opt", "/opt"}, {"var", "/var"}, {"cores", "/cores"},
};

/* Run `zpool create`: the operator could have typed the same. */
static int
create_pool(const struct setup_answers *a, struct err *e)
{
	const char *args[SETUP_DISKS_MAX + 8];
	struct spawn s = SPAWN_INIT;
	size_t n = 0;
	int status, rc;
	pid_t pid;

	args[n++] = "create";
	if (a->force)
		args[n++] = "-f";
	args[n++] = a->pool;
	if (strcmp(a->layout, "mirror") == 0)
		args[n++] = "mirror";
	for (unsigned i = 0; i < a->ndisks; i++)
		args[n++] = a->disks[i];
	args[n] = NULL;
	if ((rc = spawn_self("zpool", args, &s, &pid, e)) != 0 ||
	    (rc = spawn_wait(pid, -1, &status, e)) != 0)
		return (rc);
	return (status == 0 ? 0 : err_set(e, EIO, "zpool create %s failed", a->pool));
}

static int
create_dataset(const char *pool, const struct layout_dataset *d, struct err *e)
{
	struct nvlist *props = NULL;
	char name[SETUP_WORD * 2];
	bool exists = false;
	int rc;

	(void)snprintf(name, sizeof(name), "%s/%s", pool, d->name);
	if ((rc = fs_exists(name, &exists, e)) != 0 || exists)
		return (rc);
	if ((props = nv_new()) == NULL || nv_add_str(props, "mountpoint", d->mountpoint) != 0)
		rc = err_set(e, ENOMEM, "out of memory");
	else
		rc = fs_create(name, props, false, e);
	nv_free(props);
	return (rc);
}

static int
write_shadow(const char *hash, struct err *e)
{
	char text[512];
	int n;

	n = snprintf(text, sizeof(text), "root:%s:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n", hash);
	return (file_replace("/usbkey/shadow", text, (size_t)n, 0600, e));
}

static int
write_config(const struct setup_answers *a, struct err *e)
{
	const struct {
		const char *key, *value;
	} pairs[] = {
	    {"hostname", a->hostname}, {"admin_nic", a->admin_nic}, {"admin_ip", a->admin_ip},
	    {"admin_netmask", a->admin_netmask}, {"admin_gateway", a->admin_gateway},
	    {"dns_resolvers", a->dns_resolvers}};
	struct sysconfig *c;
	int rc;

	if ((rc = sysconfig_parse("", &c, e)) != 0)
		return (rc);
	for (size_t i = 0; rc == 0 && i < sizeof(pairs) / sizeof(*pairs); i++)
		if (*pairs[i].value != '\0')
			rc = sysconfig_set(c, pairs[i].key, pairs[i].value, e);
	if (rc == 0)
		rc = sysconfig_save(c, SYSCONFIG_PATH, e);
	sysconfig_free(c);
	return (rc);
}

/* The system's password file is the pool's, once there is one. */
static void
link_shadow(void)
{
	if (access("/usbkey/shadow", R_OK) == 0)
		(void)symlink("/usbkey/shadow", "/etc/shadow");
}

int
setup_apply(const struct setup_answers *a, void (*say)(const char *what), struct err *e)
{
	int rc;

	if (!pool_is_imported(a->pool)) {
		say("creating the pool");
		if ((rc = create_pool(a, e)) != 0)
			return (rc);
	}
	say("creating datasets");
	for (size_t i = 0; i < sizeof(layout_datasets) / sizeof(*layout_datasets); i++)
		if ((rc = create_dataset(a->pool, &layout_datasets[i], e)) != 0)
			return (rc);
	if ((rc = setup_settle(e)) != 0)
		return (rc);
	say("writing the configuration");
	if (*a->password_hash != '\0' && (rc = write_shadow(a->password_hash, e)) != 0)
		return (rc);
	link_shadow();
	return (write_config(a, e));
}

bool
setup_is_finished(void)
{
	return (access(SYSCONFIG_PATH, R_OK) == 0);
}

int
setup_settle(struct err *e)
{
	static const char *const folders[] = {"/var/log", "/var/tmp", "/var/run", "/var/imgadm",
	    "/usbkey/dladm", "/opt/bin"};
	int rc;

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if ((rc = file_mkdirs(folders[i], 0755, e)) != 0)
			return (rc);
	if (chmod("/var/tmp", 01777) != 0)
		return (err_sys(e, errno, "/var/tmp"));
	link_shadow();
	return (0);
}
