/* SPDX-License-Identifier: MIT */
/*
 * Collecting what the machine is, from /proc, /sys, the links and the pools.
 *
 * Keys and their types are SmartOS's, since scripts read them: most numbers are strings there, and
 * "CPU Physical Cores" is the number of sockets, "CPU Total Cores" that of threads.
 */
#include "smartbox/machine/sysinfo.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/net/link.h"

#define SMALL (1u << 20)

static void
set_text(json_t *o, const char *key, const char *text)
{
	if (text != NULL && text[0] != '\0')
		(void)json_object_set_new(o, key, json_string(text));
}

static void
set_number_text(json_t *o, const char *key, unsigned long long n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", n);
	set_text(o, key, text);
}

/* A file's first line without blanks around it; false when there is none. */
static bool
first_line(const char *path, char *buf, size_t size)
{
	char *text, *s;
	size_t len;

	buf[0] = '\0';
	if (file_read(path, SMALL, &text, &len, NULL) != 0)
		return (false);
	s = text + strspn(text, " \t");
	s[strcspn(s, "\n")] = '\0';
	for (size_t n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = '\0';
	(void)snprintf(buf, size, "%s", s);
	free(text);
	return (buf[0] != '\0');
}

/* "KEY   : value" of a file such as /proc/cpuinfo; the first one. */
static bool
colon_value(const char *text, const char *key, char *buf, size_t size)
{
	const char *line = strstr(text, key), *v;

	if (line == NULL || (v = strchr(line, ':')) == NULL)
		return (false);
	v += 1 + strspn(v + 1, " \t");
	(void)snprintf(buf, size, "%.*s", (int)strcspn(v, "\n"), v);
	return (true);
}

/* --- firmware --------------------------------------------------------------------------------- */

static void
collect_dmi(json_t *o)
{
	static const struct {
		const char *key;
		const char *file;
	} map[] = {{"Manufacturer", "sys_vendor"}, {"Product", "product_name"},
	    {"HW Version", "product_version"}, {"Serial Number", "product_serial"},
	    {"SKU Number", "product_sku"}, {"HW Family", "product_family"}};
	char path[128], text[256];

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		(void)snprintf(path, sizeof(path), "/sys/class/dmi/id/%s", map[i].file);
		if (first_line(path, text, sizeof(text)))
			set_text(o, map[i].key, text);
	}
	if (first_line("/sys/class/dmi/id/product_uuid", text, sizeof(text))) {
		for (char *s = text; *s != '\0'; s++)
			*s = (char)tolower((unsigned char)*s);
		set_text(o, "UUID", text);
	}
}

/* --- processors and memory -------------------------------------------------------------------- */

/* How many different values a key has in /proc/cpuinfo. */
static unsigned
distinct(const char *text, const char *key)
{
	unsigned long seen = 0;
	char value[32];
	unsigned n = 0;

	for (const char *s = strstr(text, key); s != NULL; s = strstr(s + 1, key))
		if (colon_value(s, key, value, sizeof(value))) {
			unsigned id = (unsigned)strtoul(value, NULL, 10) % 64;

			n += (seen >> id & 1) == 0;
			seen |= 1ul << id;
		}
	return (n > 0 ? n : 1);
}

static bool
has_flag(const char *text, const char *flag)
{
	char flags[4096], padded[16];

	(void)snprintf(padded, sizeof(padded), " %s ", flag);
	if (!colon_value(text, "\nflags", flags, sizeof(flags) - 2))
		return (false);
	(void)strncat(flags, " ", sizeof(flags) - strlen(flags) - 1);
	return (strstr(flags, padded) != NULL);
}

static void
collect_cpu(json_t *o)
{
	long threads = sysconf(_SC_NPROCESSORS_ONLN);
	char value[256] = "";
	unsigned sockets;
	char *text;
	size_t len;
	bool vmx, svm;

	if (file_read("/proc/cpuinfo", 16u << 20, &text, &len, NULL) != 0)
		return;
	if (colon_value(text, "model name", value, sizeof(value)))
		set_text(o, "CPU Type", value);
	vmx = has_flag(text, "vmx");
	svm = has_flag(text, "svm");
	sockets = distinct(text, "physical id");
	set_text(o, "CPU Virtualization", vmx ? "vmx" : svm ? "svm" : "none");
	(void)json_object_set_new(o, "VM Capable", json_boolean(vmx || svm));
	(void)json_object_set_new(o, "Bhyve Capable", json_false());
	set_number_text(o, "CPU Physical Cores", sockets);
	set_number_text(o, "CPU Total Cores", (unsigned long long)threads);
	(void)json_object_set_new(o, "CPU Socket Count", json_integer(sockets));
	if (colon_value(text, "cpu cores", value, sizeof(value)))
		(void)json_object_set_new(o, "CPU Core Count",
		    json_integer((json_int_t)(strtoul(value, NULL, 10) * sockets)));
	(void)json_object_set_new(o, "CPU Online Count", json_integer(threads));
	(void)json_object_set_new(o, "CPU Count", json_integer(sysconf(_SC_NPROCESSORS_CONF)));
	free(text);
}

static void
collect_memory(json_t *o)
{
	char value[64];
	char *text;
	size_t len;

	if (file_read("/proc/meminfo", SMALL, &text, &len, NULL) != 0)
		return;
	if (colon_value(text, "MemTotal", value, sizeof(value)))
		set_number_text(o, "MiB of Memory", strtoull(value, NULL, 10) / 1024);
	free(text);
}

/* --- the system ------------------------------------------------------------------------------- */

static void
collect_boot_time(json_t *o)
{
	unsigned long long btime;
	const char *line;
	char *text;
	size_t len;

	if (file_read("/proc/stat", 16u << 20, &text, &len, NULL) != 0)
		return;
	if ((line = strstr(text, "\nbtime ")) != NULL && sscanf(line, " btime %llu", &btime) == 1)
		set_number_text(o, "Boot Time", btime);
	free(text);
}

/* "a=b c" -> {"a": "b", "c": "true"} */
static void
collect_boot_parameters(json_t *o)
{
	json_t *params = json_object();
	char *text, *save = NULL;
	size_t len;

	if (file_read("/proc/cmdline", SMALL, &text, &len, NULL) == 0) {
		for (char *w = strtok_r(text, " \n", &save); w != NULL; w = strtok_r(NULL, " \n", &save)) {
			char *eq = strchr(w, '=');

			if (eq != NULL)
				*eq = '\0';
			(void)json_object_set_new(params, w, json_string(eq != NULL ? eq + 1 : "true"));
		}
		free(text);
	}
	(void)json_object_set_new(o, "Boot Parameters", params);
}

static void
collect_system(json_t *o)
{
	char stamp[128];
	struct utsname un;

	if (first_line("/etc/smartbox-release", stamp, sizeof(stamp)))
		set_text(o, "Live Image", stamp);
	if (uname(&un) == 0) {
		set_text(o, "System Type", un.sysname);
		set_text(o, "Kernel Version", un.release);
		set_text(o, "Hostname", un.nodename);
	}
}

/* --- disks ------------------------------------------------------------------------------------ */

static bool
is_whole_disk(const char *name)
{
	static const char *const not_disks[] = {"loop", "ram", "zram", "nbd", "fd", "sr", "dm-", "md"};
	char path[300];

	for (size_t i = 0; i < sizeof(not_disks) / sizeof(not_disks[0]); i++)
		if (strncmp(name, not_disks[i], strlen(not_disks[i])) == 0)
			return (false);
	(void)snprintf(path, sizeof(path), "/sys/block/%s/size", name);
	return (access(path, R_OK) == 0);
}

static void
collect_disks(json_t *o)
{
	json_t *disks = json_object();
	DIR *d = opendir("/sys/block");
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL) {
		char path[300], sectors[32];

		if (de->d_name[0] == '.' || !is_whole_disk(de->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "/sys/block/%s/size", de->d_name);
		if (first_line(path, sectors, sizeof(sectors)))
			(void)json_object_set_new(disks, de->d_name, json_pack("{s:I}", "Size in GB",
			    (json_int_t)(strtoull(sectors, NULL, 10) * 512 / 1000000000)));
	}
	if (d != NULL)
		(void)closedir(d);
	(void)json_object_set_new(o, "Disks", disks);
}

/* --- links ------------------------------------------------------------------------------------ */

static json_t *
describe_link(const struct link *l)
{
	json_t *o = json_object();
	char mac[18];

	mac_format(mac, &l->mac, true);
	set_text(o, "MAC Address", mac);
	set_text(o, "Link Status", l->has_carrier ? "up" : "down");
	if (l->class == LINK_VNIC) {
		set_number_text(o, "VLAN", l->vid);
		set_text(o, "Host Interface", l->over);
	} else
		(void)json_object_set_new(o, "NIC Names", json_array());
	return (o);
}

static void
collect_links(json_t *o)
{
	json_t *cards = json_object(), *vnics = json_object();
	struct link_list l = {NULL, 0};

	if (link_list(&l, NULL) == 0)
		for (size_t i = 0; i < l.n; i++) {
			if (l.v[i].class == LINK_PHYS)
				(void)json_object_set_new(cards, l.v[i].name, describe_link(&l.v[i]));
			else if (l.v[i].class == LINK_VNIC && l.v[i].zone[0] == '\0')
				(void)json_object_set_new(vnics, l.v[i].name, describe_link(&l.v[i]));
		}
	link_list_free(&l);
	(void)json_object_set_new(o, "Network Interfaces", cards);
	(void)json_object_set_new(o, "Virtual Network Interfaces", vnics);
	(void)json_object_set_new(o, "Link Aggregations", json_object());
}

/* --- the pool --------------------------------------------------------------------------------- */

static void
collect_pool(const struct machine *m, json_t *o)
{
	char used[32] = "0", avail[32] = "0", created[32];

	(void)json_object_set_new(o, "Setup",
	    json_string(m->ds->pool_is_imported(m->ds_ctx, m->pool) ? "true" : "false"));
	if (!m->ds->pool_is_imported(m->ds_ctx, m->pool))
		return;
	set_text(o, "Zpool", m->pool);
	(void)json_object_set_new(o, "Zpool Encrypted", json_false());
	if (m->ds->get(m->ds_ctx, m->pool, "creation", created, sizeof(created), NULL) == 0)
		set_number_text(o, "Zpool Creation", strtoull(created, NULL, 10));
	(void)m->ds->get(m->ds_ctx, m->pool, "used", used, sizeof(used), NULL);
	(void)m->ds->get(m->ds_ctx, m->pool, "available", avail, sizeof(avail), NULL);
	(void)json_object_set_new(o, "Zpool Size in GiB",
	    json_integer((json_int_t)((strtoull(used, NULL, 10) + strtoull(avail, NULL, 10)) >> 30)));
}

int
sysinfo_collect(const struct machine *m, json_t **out, struct err *e)
{
	json_t *o = json_object();

	if (o == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	collect_system(o);
	collect_boot_time(o);
	collect_dmi(o);
	collect_cpu(o);
	collect_memory(o);
	collect_pool(m, o);
	collect_disks(o);
	collect_boot_parameters(o);
	collect_links(o);
	*out = o;
	return (0);
}
