/* SPDX-License-Identifier: MIT */
/*
 * The table of machine properties.
 *
 * Facts: vmadm(8)'s public manual and its tests; where the manual and the program differ, the
 * program.  Columns are those of struct prop.  Memory is MiB, quota GiB, in payloads and output.
 *
 * Brand letters: J joyent, M joyent-minimal, B builder, L lx, K kvm, H bhyve.
 */
#include "smartbox/machine/prop.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/json.h"
#include "smartbox/core/uuid.h"

#define OS "JMBL"
#define KH "KH"
#define NO_MAX INT64_MAX
#define MIB_MAX ((int64_t)1 << 40)

/* --- checks that a type cannot say ------------------------------------------------------------ */

static const char *
check_mac(const json_t *v)
{
	const char *s = json_string_value(v);
	int n = 0;

	for (int i = 0; i < 6; i++) {
		int len = 0;

		while (len < 2 && isxdigit((unsigned char)s[n + len]))
			len++;
		n += len;
		if (len == 0 || s[n] != (i < 5 ? ':' : '\0'))
			return ("must be six hex octets with colons");
		n++;
	}
	return (NULL);
}

static bool
is_ip(const char *s, int *family)
{
	unsigned char raw[16];

	*family = strchr(s, ':') != NULL ? AF_INET6 : AF_INET;
	return (inet_pton(*family, s, raw) == 1);
}

/* "10.0.0.1/24", "fd00::1/64" */
static bool
is_cidr(const char *s, bool prefix_needed)
{
	char addr[64];
	const char *slash = strchr(s, '/');
	size_t n = slash != NULL ? (size_t)(slash - s) : strlen(s);
	int family;
	char *end;
	long bits;

	if (n >= sizeof(addr) || (slash == NULL && prefix_needed))
		return (false);
	memcpy(addr, s, n);
	addr[n] = '\0';
	if (!is_ip(addr, &family))
		return (false);
	if (slash == NULL)
		return (true);
	bits = strtol(slash + 1, &end, 10);
	return (isdigit((unsigned char)slash[1]) && *end == '\0' &&
	    bits >= (family == AF_INET ? 8 : 0) && bits <= (family == AF_INET ? 32 : 128));
}

/* Visit the words of a list, array or comma string; the first verdict ends it. */
static const char *
each_word(const json_t *v, const char *(*check)(const char *word))
{
	char word[256];
	const char *s = json_string_value(v), *bad = NULL;
	size_t i;
	json_t *item;

	if (s == NULL) {
		json_array_foreach((json_t *)(uintptr_t)v, i, item)
			if (json_is_string(item) && (bad = check(json_string_value(item))) != NULL)
				break;
		return (bad);
	}
	while (*s != '\0' && bad == NULL) {
		size_t n = strcspn(s, ",");

		if (n >= sizeof(word))
			return ("has a word that is too long");
		memcpy(word, s, n);
		word[n] = '\0';
		bad = check(word);
		s += n + (s[n] == ',');
	}
	return (bad);
}

static const char *
word_ips(const char *w)
{
	if (strcmp(w, "dhcp") == 0 || strcmp(w, "addrconf") == 0 || is_cidr(w, true))
		return (NULL);
	return ("must be addresses with a prefix length (10.0.0.2/24), dhcp or addrconf");
}

static const char *
word_ip4(const char *w)
{
	int family;

	return (is_ip(w, &family) && family == AF_INET ? NULL : "must be IPv4 addresses");
}

static const char *
word_ip(const char *w)
{
	int family;

	return (is_ip(w, &family) ? NULL : "must be IPv4 or IPv6 addresses");
}

static const char *
word_cidr(const char *w)
{
	return (is_cidr(w, false) ? NULL : "must be addresses or networks (10.0.0.0/24)");
}

static const char *
word_namespace(const char *w)
{
	return (*w != '\0' && w[strspn(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                                  "0123456789._-")] == '\0'
	        ? NULL
	        : "must be words of letters, digits, '.', '_', '-'");
}

static const char *
check_ips(const json_t *v)
{
	if (json_array_size(v) > 20)
		return ("must be at most 20 addresses");
	return (each_word(v, word_ips));
}

static const char *
check_gateways(const json_t *v)
{
	return (each_word(v, word_ip4));
}

static const char *
check_resolvers(const json_t *v)
{
	return (each_word(v, word_ip));
}

static const char *
check_allowed_ips(const json_t *v)
{
	if (json_array_size(v) > 13)
		return ("must be at most 13 entries");
	return (each_word(v, word_cidr));
}

static const char *
check_namespaces(const json_t *v)
{
	return (each_word(v, word_namespace));
}

static const char *
check_ip(const json_t *v)
{
	const char *s = json_string_value(v);
	int family;

	if (strcmp(s, "dhcp") == 0 || strcmp(s, "addrconf") == 0 || is_ip(s, &family))
		return (NULL);
	return ("must be an IP address, dhcp or addrconf");
}

static const char *
check_ip4(const json_t *v)
{
	return (word_ip4(json_string_value(v)) == NULL ? NULL : "must be an IPv4 address");
}

static const char *
check_netmask(const json_t *v)
{
	struct in_addr a;
	uint32_t host;

	if (inet_pton(AF_INET, json_string_value(v), &a) == 1) {
		host = ~ntohl(a.s_addr);
		if ((host & (host + 1)) == 0 && host != UINT32_MAX)
			return (NULL);
	}
	return ("must be a contiguous netmask (255.255.255.0)");
}

static const char *
check_nic_tag(const json_t *v)
{
	const char *s = json_string_value(v);

	for (const char *p = s; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("_/", *p) == NULL)
			return ("must consist of letters, digits, '_' and '/'");
	return (s[0] != '\0' ? NULL : "must not be empty");
}

static const char *
check_primary(const json_t *v)
{
	return (json_is_false(v) || (json_is_string(v) && strcmp(json_string_value(v), "true") != 0 &&
	                                strcmp(json_string_value(v), "1") != 0)
	        ? "can only be set to true"
	        : NULL);
}

static const char *
check_recsize(const json_t *v)
{
	int64_t n = json_is_integer(v) ? json_integer_value(v) : strtoll(json_string_value(v), NULL, 10);

	return (n == 0 || (n & (n - 1)) == 0 ? NULL : "must be a power of 2 from 512 to 131072, or 0");
}

static const char *
check_hostname(const json_t *v)
{
	const char *s = json_string_value(v);
	size_t n = strlen(s);

	if (n > 63)
		return ("must be at most 63 characters");
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && strchr("-._", s[i]) == NULL)
			return ("must consist of letters, digits, '-', '.' and '_'");
	return (NULL);
}

static const char *
check_target(const json_t *v)
{
	return (json_string_value(v)[0] == '/' ? NULL : "must be an absolute path");
}

static const char *
check_vnc_password(const json_t *v)
{
	return (strlen(json_string_value(v)) <= 8 ? NULL : "must be at most 8 characters");
}

static const char *
check_disk_path(const json_t *v)
{
	const char *s = json_string_value(v), *p = s;

	while ((p = strstr(p, "/..")) != NULL && p[3] != '\0' && p[3] != '/')
		p++;
	return (s[0] == '/' && p == NULL ? NULL : "must be an absolute path without '..'");
}

/* "order=cd,once=d" */
const char *
prop_boot_order_wrong(const char *s)
{
	static const char letters[] = "cdn", why[] = "must be order=LETTERS[,once=LETTERS] of c, d and n";
	size_t n;

	if (strncmp(s, "order=", 6) != 0 || (n = strspn(s + 6, letters)) == 0 || n > 8)
		return (why);
	s += 6 + n;
	if (*s == '\0')
		return (NULL);
	if (strncmp(s, ",once=", 6) != 0 || (n = strspn(s + 6, letters)) == 0 || n > 8)
		return (why);
	return (s[6 + n] == '\0' ? NULL : why);
}

static const char *
check_boot(const json_t *v)
{
	return (prop_boot_order_wrong(json_string_value(v)));
}

/* Destination: gateway.  SmartOS's nics[N] and macs[M] gateways are not known here. */
static const char *
check_routes(const json_t *v)
{
	const char *dst;
	json_t *gw;

	json_object_foreach((json_t *)(uintptr_t)v, dst, gw)
		if (!is_cidr(dst, false) || strchr(dst, ':') != NULL || !json_is_string(gw) ||
		    word_ip4(json_string_value(gw)) != NULL)
			return ("must be IPv4 destinations with IPv4 gateways ({\"10.1.0.0/16\": "
			        "\"10.0.0.9\"})");
	return (NULL);
}

/* --- the tables ------------------------------------------------------------------------------- */

#define COMPRESSION                                                                                \
	"on|off|gzip|gzip-1|gzip-2|gzip-3|gzip-4|gzip-5|gzip-6|gzip-7|gzip-8|gzip-9|lz4|lzjb|zle"

/* clang-format off */
const struct prop nic_props[] = {
    /* name, type, create, update, header, width, store, key, min, max, allowed, def, flags, about, check */
    {"allow_dhcp_spoofing", PROP_BOOL, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "may answer and ask DHCP for others", NULL, NULL},
    {"allow_ip_spoofing", PROP_BOOL, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "may send from any IP address", NULL, NULL},
    {"allow_mac_spoofing", PROP_BOOL, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "may send from any MAC address", NULL, NULL},
    {"allow_restricted_traffic", PROP_BOOL, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "may send frames that are neither IPv4, IPv6 nor ARP", NULL, NULL},
    {"allow_unfiltered_promisc", PROP_BOOL, KH, KH, NULL, 0, STORE_NET, NULL, 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "sees all frames of its link", NULL, NULL},
    {"allowed_dhcp_cids", PROP_LIST, "JMBLK", "JMBLK", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "DHCP client ids it may use", NULL, NULL},
    {"allowed_ips", PROP_LIST, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "further addresses it may send from", check_allowed_ips, NULL},
    {"blocked_outgoing_ports", PROP_LIST, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "ports that no packet may go to", NULL, NULL},
    {"dhcp_server", PROP_BOOL, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "the same as allow_dhcp_spoofing", NULL, NULL},
    {"gateway", PROP_STRING, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "the first of gateways", check_ip4, NULL},
    {"gateways", PROP_LIST, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "IPv4 default gateways", check_gateways, NULL},
    {"interface", PROP_STRING, "*", "*", NULL, 0, STORE_NET, "physical", 0, 0, NULL, NULL, 0,
     "name of the link in the zone; net0, net1, ... (lx: eth0, ...)", NULL, NULL},
    {"ip", PROP_STRING, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "the first IPv4 address, with netmask", check_ip, NULL},
    {"ips", PROP_LIST, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "addresses with prefix length, dhcp, addrconf", check_ips, NULL},
    {"mac", PROP_STRING, "*", "*", NULL, 0, STORE_NET, "mac-addr", 0, 0, NULL, NULL, 0,
     "made from 90:b8:d0 when absent; names the nic in updates", check_mac, NULL},
    {"model", PROP_STRING, KH, KH, NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0, "device model", NULL, NULL},
    {"mtu", PROP_INT, "*", "*", NULL, 0, STORE_NET, NULL, 576, 9000, NULL, NULL, 0, "bytes", NULL, NULL},
    {"netmask", PROP_STRING, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "of ip", check_netmask, NULL},
    {"network_uuid", PROP_UUID, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0, "kept, not used", NULL, NULL},
    {"nic_tag", PROP_STRING, "*", "*", NULL, 0, STORE_NET, "global-nic", 0, 0, NULL, NULL, PROP_REQUIRED,
     "the nic tag, etherstub or link below it", check_nic_tag, NULL},
    {"primary", PROP_BOOL, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, PROP_HIDE_FALSE,
     "gives default route and resolvers; the first nic when none says so", check_primary, NULL},
    {"vlan_id", PROP_INT, "*", "*", NULL, 0, STORE_NET, "vlan-id", 0, 4095, NULL, NULL, 0, "802.1Q tag", NULL, NULL},
    {"vrrp_primary_ip", PROP_STRING, "*", "*", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "address of another nic of this machine", check_ip4, NULL},
    {"vrrp_vrid", PROP_INT, "*", "*", NULL, 0, STORE_NET, NULL, 0, 255, NULL, NULL, 0,
     "VRRP virtual router id", NULL, NULL},
    {NULL, PROP_STRING, NULL, NULL, NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, 0, NULL, NULL, NULL},
};

const struct prop fs_props[] = {
    {"options", PROP_LIST, OS, OS, NULL, 0, STORE_FS, NULL, 0, 0, NULL, NULL, 0, "mount options", NULL, NULL},
    {"raw", PROP_STRING, OS, OS, NULL, 0, STORE_FS, "raw", 0, 0, NULL, NULL, 0, "raw device", NULL, NULL},
    {"source", PROP_STRING, OS, OS, NULL, 0, STORE_FS, "special", 0, 0, NULL, NULL, PROP_REQUIRED,
     "what is mounted: a path in the global zone", NULL, NULL},
    {"target", PROP_STRING, OS, OS, NULL, 0, STORE_FS, "dir", 0, 0, NULL, NULL, PROP_REQUIRED,
     "where in the zone; names the entry in updates", check_target, NULL},
    {"type", PROP_STRING, OS, OS, NULL, 0, STORE_FS, "type", 0, 0, NULL, NULL, PROP_REQUIRED,
     "file system type, such as lofs", NULL, NULL},
    {NULL, PROP_STRING, NULL, NULL, NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, 0, NULL, NULL, NULL},
};

const struct prop disk_props[] = {
    {"block_size", PROP_INT, KH, "", NULL, 0, STORE_NET, NULL, 512, 131072, NULL, NULL, 0, "bytes, power of 2; default 8192", NULL, NULL},
    {"boot", PROP_BOOL, KH, KH, NULL, 0, STORE_NET, NULL, 0, 0, NULL, "false", PROP_HIDE_FALSE, "boot from this disk", NULL, NULL},
    {"compression", PROP_STRING, KH, KH, NULL, 0, STORE_NET, NULL, 0, 0, COMPRESSION, NULL, 0, "of the volume", NULL, NULL},
    {"dangerous_allow_shrink", PROP_BOOL, "", KH, NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, 0, "a smaller size cuts off the end", NULL, NULL},
    {"image_size", PROP_INT, KH, "", NULL, 0, STORE_NET, NULL, 1, MIB_MAX, NULL, NULL, 0, "MiB, of the image", NULL, NULL},
    {"image_uuid", PROP_UUID, KH, "", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0, "zvol image that it is a clone of", NULL, NULL},
    {"media", PROP_STRING, KH, KH, NULL, 0, STORE_NET, NULL, 0, 0, "disk|cdrom", "disk", 0, "kind", NULL, NULL},
    {"model", PROP_STRING, KH, KH, NULL, 0, STORE_NET, NULL, 0, 0, "virtio|scsi|ide|ahci|nvme", NULL, 0, "device model", NULL, NULL},
    {"nocreate", PROP_BOOL, KH, "", NULL, 0, STORE_NET, NULL, 0, 0, NULL, "false", PROP_HIDE_FALSE, "path is there already and stays ours to keep", NULL, NULL},
    {"path", PROP_STRING, KH, KH, NULL, 0, STORE_NET, "match", 0, 0, NULL, NULL, 0, "of the volume; names the disk in updates", check_disk_path, NULL},
    {"refreservation", PROP_INT, KH, KH, NULL, 0, STORE_NET, NULL, 0, MIB_MAX, NULL, NULL, 0, "MiB; 0: a sparse volume", NULL, NULL},
    {"size", PROP_INT, KH, KH, NULL, 0, STORE_NET, NULL, 1, MIB_MAX, NULL, NULL, 0, "MiB of an empty disk; update_disks makes it larger", NULL, NULL},
    {"zpool", PROP_ZPOOL, KH, "", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0, "pool of the volume", NULL, NULL},
    {NULL, PROP_STRING, NULL, NULL, NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, 0, NULL, NULL, NULL},
};

const struct prop vm_props[] = {
    {"alias", PROP_STRING, "*", "*", "ALIAS", 10, STORE_BASE64, "alias", 0, 0, NULL, NULL, 0, "a name for people", NULL, NULL},
    {"archive_on_delete", PROP_BOOL, "*", "*", NULL, 0, STORE_ATTR, "archive-on-delete", 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "keep logs of a deleted machine", NULL, NULL},
    {"autoboot", PROP_BOOL, "*", "*", "AUTOBOOT", 8, STORE_ZONE, "autoboot", 0, 0, NULL, "true", 0,
     "start when the host boots; start sets it, stop clears it", NULL, NULL},
    {"bhyve_extra_opts", PROP_STRING, "H", "H", NULL, 0, STORE_ATTR, "bhyve-extra-opts", 0, 0, NULL, NULL, 0,
     "kept, not used", NULL, NULL},
    {"billing_id", PROP_STRING, "*", "*", "BILLING_ID", 36, STORE_ATTR, "billing-id", 0, 0, NULL,
     "00000000-0000-0000-0000-000000000000", 0, "kept, not used", NULL, NULL},
    {"boot", PROP_STRING, KH, KH, NULL, 0, STORE_ATTR, "boot", 0, 0, NULL, NULL, 0, "boot order: order=cd", check_boot, NULL},
    {"boot_timestamp", PROP_DATE, "", "", "BOOT_TIMESTAMP", 24, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY,
     "of a running machine", NULL, NULL},
    {"bootrom", PROP_STRING, "H", "H", NULL, 0, STORE_ATTR, "bootrom", 0, 0, NULL, NULL, 0, "bios; uefi is not there yet", NULL, NULL},
    {"brand", PROP_STRING, "*", "", "BRAND", 14, STORE_ZONE, "brand", 0, 0, NULL, "joyent", 0,
     "joyent and lx run Linux images here", NULL, NULL},
    {"cpu_cap", PROP_INT, "*", "*", "CPU_CAP", 7, STORE_COUNT, "cpu-cap", 0, 102400, NULL, NULL, 0,
     "percent of one CPU; 0: no cap", NULL, NULL},
    {"cpu_shares", PROP_INT, "*", "*", "CPU_SHARE", 9, STORE_COUNT, "cpu-shares", 0, 65535, NULL, "100", 0,
     "weight against other machines", NULL, NULL},
    {"cpu_type", PROP_STRING, "K", "K", "CPU_TYPE", 8, STORE_ATTR, "cpu-type", 0, 0, "qemu64|host", NULL, 0, "virtual CPU", NULL, NULL},
    {"create_timestamp", PROP_DATE, "", "", "CREATE_TIMESTAMP", 24, STORE_ATTR, "create-timestamp", 0, 0, NULL, NULL, PROP_READONLY,
     "when it was created", NULL, NULL},
    {"customer_metadata", PROP_FLAT, "*", "", NULL, 0, STORE_FILE, "metadata.json", 0, 0, NULL, NULL, 0,
     "for the guest; changed with set_ and remove_", NULL, NULL},
    {"delegate_dataset", PROP_BOOL, OS, "", NULL, 0, STORE_NONE, NULL, 0, 0, NULL, "false", 0,
     "give the zone a dataset of its own", NULL, NULL},
    {"disk_driver", PROP_STRING, KH, KH, NULL, 0, STORE_ATTR, "disk-driver", 0, 0, NULL, NULL, 0, "default of disks.*.model", NULL, NULL},
    {"disks", PROP_OBJECTS, KH, "", NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, 0, "disks", NULL, disk_props},
    {"dns_domain", PROP_STRING, OS, OS, "DOMAIN", 32, STORE_ATTR, "dns-domain", 0, 0, NULL, "local", 0,
     "search domain in the zone", check_hostname, NULL},
    {"do_not_inventory", PROP_BOOL, "*", "*", "DNI", 5, STORE_ATTR, "do-not-inventory", 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "hidden from central management", NULL, NULL},
    {"docker", PROP_BOOL, "ML", "ML", "DOCKER", 6, STORE_ATTR, "docker", 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "a docker container", NULL, NULL},
    {"exit_status", PROP_INT, "", "", "EXIT", 4, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "of the last init", NULL, NULL},
    {"exit_timestamp", PROP_DATE, "", "", "EXIT_TIMESTAMP", 24, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY,
     "when the last init ended", NULL, NULL},
    {"filesystems", PROP_OBJECTS, OS, "", NULL, 0, STORE_FS, NULL, 0, 0, NULL, NULL, 0,
     "further file systems; changed with add_, update_, remove_", NULL, fs_props},
    {"firewall_enabled", PROP_BOOL, "*", "*", "FIREWALL_ENABLED", 16, STORE_ATTR, "firewall-enabled", 0, 0, NULL, "false", 0,
     "firewall rules apply", NULL, NULL},
    {"flexible_disk_size", PROP_INT, "H", "H", "FLEX_DISK_SIZE", 14, STORE_ATTR, "flexible-disk-size", 1, MIB_MAX, NULL, NULL, 0, "MiB", NULL, NULL},
    {"fs_allowed", PROP_LIST, OS, OS, NULL, 0, STORE_ZONE, "fs-allowed", 0, 0, NULL, NULL, 0,
     "file system types the zone may mount", NULL, NULL},
    {"hostname", PROP_STRING, "*", "*", "HOSTNAME", 32, STORE_ATTR, "hostname", 0, 0, NULL, NULL, 0,
     "host name in the zone; its zonename when absent", check_hostname, NULL},
    {"hvm", PROP_BOOL, "", "", "HVM", 5, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "a virtual machine, not a zone", NULL, NULL},
    {"image_uuid", PROP_UUID, "*", "", "IMAGE_UUID", 36, STORE_ATTR, "dataset-uuid", 0, 0, NULL, NULL, 0,
     "the image its root is a clone of; required but for kvm and bhyve", NULL, NULL},
    {"indestructible_delegated", PROP_BOOL, "*", "*", "INDESTR_DATA", 12, STORE_ATTR, "indestructible-delegated", 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "refuse to delete the delegated dataset", NULL, NULL},
    {"indestructible_zoneroot", PROP_BOOL, "*", "*", "INDESTR_ROOT", 12, STORE_ATTR, "indestructible-zoneroot", 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "refuse to delete the machine", NULL, NULL},
    {"init_name", PROP_STRING, OS, OS, NULL, 0, STORE_ATTR, "init-name", 0, 0, NULL, NULL, 0,
     "first process of the zone", check_target, NULL},
    {"internal_metadata", PROP_FLAT, "*", "", NULL, 0, STORE_FILE, "metadata.json", 0, 0, NULL, NULL, 0,
     "from the operator, read-only for the guest", NULL, NULL},
    {"internal_metadata_namespaces", PROP_LIST, "*", "*", NULL, 0, STORE_ATTR, "internal-metadata-namespaces", 0, 0, NULL, NULL, 0,
     "prefixes whose metadata is internal", check_namespaces, NULL},
    {"kernel_version", PROP_STRING, "L", "L", NULL, 0, STORE_ATTR, "kernel-version", 0, 0, NULL, NULL, 0,
     "kept; lx zones run on the host's own Linux kernel", NULL, NULL},
    {"last_modified", PROP_DATE, "", "", NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "of the configuration", NULL, NULL},
    {"limit_priv", PROP_LIST, "*", "*", NULL, 0, STORE_ZONE, "limitpriv", 0, 0, NULL, "default", 0,
     "privileges of the zone", NULL, NULL},
    {"maintain_resolvers", PROP_BOOL, OS, OS, NULL, 0, STORE_ATTR, "maintain-resolvers", 0, 0, NULL, "false", PROP_HIDE_FALSE,
     "rewrite /etc/resolv.conf at each boot", NULL, NULL},
    {"max_locked_memory", PROP_INT, "*", "*", "MAX_LOCKED", 10, STORE_MIB, "max-locked-memory", 1, MIB_MAX, NULL, NULL, 0,
     "MiB; default max_physical_memory", NULL, NULL},
    {"max_lwps", PROP_INT, "*", "*", "MAX_LWP", 7, STORE_COUNT, "max-lwps", 1, 4194304, NULL, "2000", 0,
     "threads", NULL, NULL},
    {"max_msg_ids", PROP_INT, "*", "*", NULL, 0, STORE_COUNT, "max-msg-ids", 0, 16777216, NULL, "4096", 0,
     "System V message queues", NULL, NULL},
    {"max_physical_memory", PROP_INT, "*", "*", "MAX_PHYS", 8, STORE_MIB, "max-physical-memory", 16, MIB_MAX, NULL, "256", 0,
     "MiB", NULL, NULL},
    {"max_sem_ids", PROP_INT, "*", "*", NULL, 0, STORE_COUNT, "max-sem-ids", 0, 16777216, NULL, "4096", 0,
     "System V semaphore sets", NULL, NULL},
    {"max_shm_ids", PROP_INT, "*", "*", NULL, 0, STORE_COUNT, "max-shm-ids", 0, 16777216, NULL, "4096", 0,
     "System V shared memory segments", NULL, NULL},
    {"max_shm_memory", PROP_INT, "*", "*", NULL, 0, STORE_MIB, "max-shm-memory", 0, MIB_MAX, NULL, NULL, 0,
     "MiB; default max_physical_memory", NULL, NULL},
    {"max_swap", PROP_INT, "*", "*", "MAX_SWAP", 8, STORE_MIB, "max-swap", 1, MIB_MAX, NULL, NULL, 0,
     "MiB; default max_physical_memory, at least 256", NULL, NULL},
    {"mdata_exec_timeout", PROP_INT, OS, "", NULL, 0, STORE_NONE, NULL, 0, 86400, NULL, "300", 0,
     "seconds", NULL, NULL},
    {"nic_driver", PROP_STRING, KH, KH, NULL, 0, STORE_ATTR, "nic-driver", 0, 0, NULL, NULL, 0, "default of nics.*.model", NULL, NULL},
    {"nics", PROP_OBJECTS, "*", "", NULL, 0, STORE_NET, NULL, 0, 0, NULL, NULL, 0,
     "links; changed with add_, update_, remove_", NULL, nic_props},
    {"nowait", PROP_BOOL, OS, "", NULL, 0, STORE_NONE, NULL, 0, 0, NULL, "false", 0, "do not wait for the first boot", NULL, NULL},
    {"owner_uuid", PROP_STRING, "*", "*", "OWNER_UUID", 36, STORE_ATTR, "owner-uuid", 0, 0, NULL,
     "00000000-0000-0000-0000-000000000000", 0, "kept, not used", NULL, NULL},
    {"package_name", PROP_STRING, "JMBLK", "JMBLK", "PACKAGE_NAME", 32, STORE_ATTR, "package-name", 0, 0, NULL, NULL, 0, "kept, not used", NULL, NULL},
    {"package_version", PROP_STRING, "JMBLK", "JMBLK", "PACKAGE_VER", 11, STORE_ATTR, "package-version", 0, 0, NULL, NULL, 0, "kept, not used", NULL, NULL},
    {"pid", PROP_INT, "", "", "PID", 6, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "of init, in the global zone", NULL, NULL},
    {"quota", PROP_INT, "*", "*", "QUOTA", 5, STORE_QUOTA, "quota", 0, 1048576, NULL, "10", 0,
     "GiB; 0: none", NULL, NULL},
    {"qemu_extra_opts", PROP_STRING, "K", "K", "QEMU_EXTRA_OPTS", 15, STORE_BASE64, "qemu-extra-opts", 0, 0, NULL, NULL, 0,
     "-k LANGUAGE is heeded", NULL, NULL},
    {"qemu_opts", PROP_STRING, "K", "K", NULL, 0, STORE_BASE64, "qemu-opts", 0, 0, NULL, NULL, 0, "kept, not used", NULL, NULL},
    {"ram", PROP_INT, "*", "*", "RAM", 7, STORE_NONE, NULL, 16, MIB_MAX, NULL, "256", 0,
     "MiB; of zones the same as max_physical_memory", NULL, NULL},
    {"resolvers", PROP_LIST, "*", "*", NULL, 0, STORE_ATTR, "resolvers", 0, 0, NULL, NULL, 0,
     "name servers", check_resolvers, NULL},
    {"restart_init", PROP_BOOL, OS, OS, NULL, 0, STORE_ATTR, "restart-init", 0, 0, NULL, "true", PROP_HIDE_FALSE,
     "start init again when it ends", NULL, NULL},
    {"routes", PROP_FLAT, "*", "", NULL, 0, STORE_FILE, "routes.json", 0, 0, NULL, NULL, 0,
     "destination: gateway, for all boots; changed with set_ and remove_", check_routes, NULL},
    {"snapshots", PROP_OBJECTS, "", "", NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY,
     "made by create-snapshot", NULL, NULL},
    {"spice_opts", PROP_STRING, "K", "K", NULL, 0, STORE_BASE64, "spice-opts", 0, 0, NULL, NULL, 0, "kept, not used", NULL, NULL},
    {"spice_password", PROP_STRING, "K", "K", NULL, 0, STORE_BASE64, "spice-password", 0, 0, NULL, NULL, 0, "kept, not used", NULL, NULL},
    {"spice_port", PROP_INT, "K", "K", NULL, 0, STORE_ATTR, "spice-port", -1, 65535, NULL, NULL, 0, "kept, not used", NULL, NULL},
    {"state", PROP_STRING, "", "", "STATE", 16, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "state", NULL, NULL},
    {"tags", PROP_FLAT, "*", "", NULL, 0, STORE_FILE, "tags.json", 0, 0, NULL, NULL, 0,
     "changed with set_ and remove_", NULL, NULL},
    {"tmpfs", PROP_INT, OS, OS, "TMPFS", 5, STORE_ATTR, "tmpfs", 0, MIB_MAX, NULL, NULL, 0,
     "MiB of /tmp; default max_physical_memory, 0: none", NULL, NULL},
    {"type", PROP_STRING, "", "", "TYPE", 4, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "OS, LX, KVM or BHYVE", NULL, NULL},
    {"uuid", PROP_UUID, "*", "", "UUID", 36, STORE_ZONE, "uuid", 0, 0, NULL, NULL, 0, "made when absent", NULL, NULL},
    {"vcpus", PROP_INT, KH, KH, "VCPUS", 5, STORE_ATTR, "vcpus", 1, 64, NULL, "1", 0, "virtual CPUs", NULL, NULL},
    {"vga", PROP_STRING, "K", "K", NULL, 0, STORE_ATTR, "vga", 0, 0, "cirrus|std|vmware|qxl|xenfb", NULL, 0, "std is what there is", NULL, NULL},
    {"virtio_txburst", PROP_INT, "K", "K", NULL, 0, STORE_ATTR, "virtio-txburst", 0, 65536, NULL, NULL, 0, "kept, not used", NULL, NULL},
    {"virtio_txtimer", PROP_INT, "K", "K", NULL, 0, STORE_ATTR, "virtio-txtimer", 0, 1000000000, NULL, NULL, 0, "kept, not used", NULL, NULL},
    {"vnc_password", PROP_STRING, KH, KH, NULL, 0, STORE_BASE64, "vnc-password", 0, 0, NULL, NULL, 0, "at most 8 characters", check_vnc_password, NULL},
    {"vnc_port", PROP_INT, KH, KH, NULL, 0, STORE_ATTR, "vnc-port", -1, 65535, NULL, NULL, 0, "-1 off, 0 any", NULL, NULL},
    {"zfs_filesystem", PROP_STRING, "", "", NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "root dataset", NULL, NULL},
    {"zfs_io_priority", PROP_INT, "*", "*", "IO_PRIORITY", 11, STORE_COUNT, "zfs-io-priority", 0, 1024, NULL, "100", 0,
     "weight of disk work", NULL, NULL},
    {"zfs_root_compression", PROP_STRING, "*", "*", NULL, 0, STORE_ZFS, "compression", 0, 0, COMPRESSION, NULL, 0,
     "of the root dataset", NULL, NULL},
    {"zfs_root_recsize", PROP_INT, "*", "*", NULL, 0, STORE_ZFS, "recordsize", 0, 131072, NULL, NULL, 0,
     "of the root dataset; bytes, power of 2", check_recsize, NULL},
    {"zone_state", PROP_STRING, "", "", "ZONE_STATE", 10, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "state of the zone", NULL, NULL},
    {"zoneid", PROP_INT, "", "", "ZONEID", 6, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "of this boot", NULL, NULL},
    {"zonedid", PROP_INT, "", "", NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "permanent number", NULL, NULL},
    {"zonename", PROP_STRING, "*", "", "ZONENAME", 12, STORE_NONE, NULL, 0, 0, NULL, NULL, 0, "name of the zone; default uuid", NULL, NULL},
    {"zonepath", PROP_STRING, "", "", "ZONEPATH", 40, STORE_NONE, NULL, 0, 0, NULL, NULL, PROP_READONLY, "/POOL/ZONENAME", NULL, NULL},
    {"zpool", PROP_ZPOOL, "*", "", "ZPOOL", 12, STORE_NONE, NULL, 0, 0, NULL, "zones", 0, "an imported pool", NULL, NULL},
    {NULL, PROP_STRING, NULL, NULL, NULL, 0, STORE_NONE, NULL, 0, 0, NULL, NULL, 0, NULL, NULL, NULL},
};
/* clang-format on */

const struct prop *
prop_find(const struct prop *table, const char *name)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return (table);
	return (NULL);
}

char
brand_letter(const char *brand)
{
	static const struct {
		const char *name;
		char letter;
	} brands[] = {{"joyent", 'J'}, {"joyent-minimal", 'M'}, {"builder", 'B'}, {"lx", 'L'},
	    {"kvm", 'K'}, {"bhyve", 'H'}};

	for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
		if (strcmp(brands[i].name, brand) == 0)
			return (brands[i].letter);
	return ('\0');
}

const char *
brand_words(void)
{
	return ("joyent, joyent-minimal, builder, lx, kvm, bhyve");
}

bool
brands_include(const char *brands, char letter)
{
	return (strcmp(brands, "*") == 0 || strchr(brands, letter) != NULL);
}

const char *
prop_type_name(enum prop_type t)
{
	static const char *const names[] = {"string", "integer", "boolean", "uuid", "list",
	    "flat object", "array of objects", "zpool", "date"};

	return (names[t]);
}
