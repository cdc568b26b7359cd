/* SPDX-License-Identifier: MIT */
/*
 * The nics of a machine: from what payloads say to what is stored.
 *
 * Stored form: interface and mac always there, addresses only in ips, gateways only in gateways,
 * exactly one nic with primary.  Old forms (ip, netmask, gateway) are taken in and shown, never
 * stored.
 *
 * Generated MAC addresses begin with 90:b8:d0, as SmartOS's do, and are stored at once: an address
 * that changed at each boot would be a new machine to every switch and lease.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/json.h"
#include "smartbox/machine/nictag.h"
#include "vm_impl.h"

static void
each(json_t *nics, void (*fn)(json_t *nic))
{
	size_t i;
	json_t *nic;

	json_array_foreach(nics, i, nic)
		fn(nic);
}

/* --- taking in -------------------------------------------------------------------------------- */

static int
prefix_of(const char *netmask)
{
	struct in_addr a;

	return (inet_pton(AF_INET, netmask, &a) == 1 ? __builtin_popcount(a.s_addr) : -1);
}

static void
take_ip(json_t *nic)
{
	const char *ip = json_str(nic, "ip", ""), *mask = json_str(nic, "netmask", "");
	json_t *ips = json_object_get(nic, "ips");
	char cidr[80];

	if (!json_is_array(ips)) {
		ips = json_array();
		(void)json_object_set_new(nic, "ips", ips);
	}
	if (strchr(ip, '.') != NULL && prefix_of(mask) >= 0)
		(void)snprintf(cidr, sizeof(cidr), "%s/%d", ip, prefix_of(mask));
	else
		(void)snprintf(cidr, sizeof(cidr), "%s%s", ip, strchr(ip, ':') != NULL ? "/64" : "");
	if (ip[0] != '\0' && json_array_size(ips) == 0)
		(void)json_array_append_new(ips, json_string(cidr));
	(void)json_object_del(nic, "ip");
	(void)json_object_del(nic, "netmask");
}

static void
take_gateway(json_t *nic)
{
	const char *gw = json_str(nic, "gateway", "");

	if (gw[0] != '\0' && json_array_size(json_object_get(nic, "gateways")) == 0)
		(void)json_object_set_new(nic, "gateways", json_pack("[s]", gw));
	(void)json_object_del(nic, "gateway");
}

static void
take_mac(json_t *nic)
{
	const char *text = json_str(nic, "mac", "");
	struct mac_addr mac = {{0x90, 0xb8, 0xd0}};
	char full[18];

	if (text[0] == '\0')
		random_bytes(mac.b + 3, 3);
	else if (mac_parse(text, &mac, NULL) != 0)
		return; /* payload_check has refused it */
	mac_format(full, &mac, true);
	(void)json_object_set_new(nic, "mac", json_string(full));
}

static void
take_flags(json_t *nic)
{
	if (json_bool(nic, "dhcp_server", false))
		(void)json_object_set_new(nic, "allow_dhcp_spoofing", json_true());
	(void)json_object_del(nic, "dhcp_server");
	if (json_int(nic, "vlan_id", 0) == 0)
		(void)json_object_del(nic, "vlan_id");
	if (!json_bool(nic, "primary", false))
		(void)json_object_del(nic, "primary");
}

static void
take_nic(json_t *nic)
{
	take_ip(nic);
	take_gateway(nic);
	take_mac(nic);
	take_flags(nic);
}

static void
give_names(json_t *nics, const char *brand)
{
	const char *prefix = strcmp(brand, "lx") == 0 ? "eth" : "net";
	size_t i;
	json_t *nic;

	json_array_foreach(nics, i, nic) {
		char name[16];

		if (json_str(nic, "interface", "")[0] != '\0')
			continue;
		for (int n = 0; n < 1000; n++) {
			(void)snprintf(name, sizeof(name), "%s%d", prefix, n);
			if (json_find(nics, "interface", name) < 0)
				break;
		}
		(void)json_object_set_new(nic, "interface", json_string(name));
	}
}

static int
one_primary(json_t *nics, struct err *e)
{
	size_t i, n = 0;
	json_t *nic;

	json_array_foreach(nics, i, nic)
		n += json_bool(nic, "primary", false);
	if (n > 1)
		return (err_set(e, EINVAL, "payload specifies more than 1 primary NIC"));
	if (n == 0 && json_array_size(nics) > 0)
		(void)json_object_set_new(json_array_get(nics, 0), "primary", json_true());
	return (0);
}

/* --- conflicts -------------------------------------------------------------------------------- */

/* "10.0.0.1/24" and "10.0.0.1/16" are one address. */
static bool
same_ip(const char *a, const char *b)
{
	size_t n = strcspn(a, "/");

	return (strchr(a, '/') != NULL && n == strcspn(b, "/") && strncmp(a, b, n) == 0);
}

static bool
share_ip(const json_t *a, const json_t *b)
{
	json_t *x = json_object_get(a, "ips"), *y = json_object_get(b, "ips"), *v, *w;
	size_t i, k;

	json_array_foreach(x, i, v)
		json_array_foreach(y, k, w)
			if (same_ip(json_string_value(v), json_string_value(w)))
				return (true);
	return (false);
}

static bool
same_member(const json_t *a, const json_t *b, const char *key)
{
	const char *s = json_str(a, key, "");

	return (s[0] != '\0' && strcmp(s, json_str(b, key, "")) == 0);
}

static bool
same_network(const json_t *a, const json_t *b)
{
	return (same_member(a, b, "nic_tag") && json_int(a, "vlan_id", 0) == json_int(b, "vlan_id", 0));
}

static int
check_twins(const json_t *nics, struct err *e)
{
	size_t i, k;
	json_t *a, *b;

	json_array_foreach((json_t *)(uintptr_t)nics, i, a)
		json_array_foreach((json_t *)(uintptr_t)nics, k, b) {
			if (k <= i)
				continue;
			if (same_member(a, b, "mac"))
				return (err_set(e, EINVAL,
				    "Cannot add multiple NICs with the same MAC: %s",
				    json_str(a, "mac", "")));
			if (same_member(a, b, "interface"))
				return (err_set(e, EINVAL,
				    "Cannot add multiple NICs with the same interface: %s",
				    json_str(a, "interface", "")));
			if (same_network(a, b) && share_ip(a, b))
				return (err_set(e, EINVAL,
				    "Cannot add multiple NICs with the same IP: %s",
				    json_string_value(json_array_get(json_object_get(a, "ips"), 0))));
		}
	return (0);
}

static bool
nics_conflict(const json_t *mine, const json_t *theirs)
{
	size_t i, k;
	json_t *a, *b;

	json_array_foreach((json_t *)(uintptr_t)mine, i, a)
		json_array_foreach((json_t *)(uintptr_t)theirs, k, b)
			if (same_member(a, b, "mac") || (same_network(a, b) && share_ip(a, b)))
				return (true);
	return (false);
}

static int
check_others(const struct machine *m, const json_t *vm, struct err *e)
{
	json_t *all, *other;
	size_t i;
	int rc = vm_load_all(m, 0, &all, e);

	if (rc != 0)
		return (rc);
	json_array_foreach(all, i, other) {
		if (same_member(vm, other, "uuid") ||
		    strcmp(json_str(other, "state", ""), "failed") == 0)
			continue;
		if (nics_conflict(json_object_get(vm, "nics"), json_object_get(other, "nics"))) {
			rc = err_set(e, EEXIST,
			    "Conflict detected with another vm, please check the MAC, IP, and VRID "
			    "(VM %s)", json_str(other, "uuid", "-"));
			break;
		}
	}
	json_decref(all);
	return (rc);
}

int
vm_nics_normalize(json_t *nics, const char *brand, struct err *e)
{
	int rc;

	each(nics, take_nic);
	give_names(nics, brand);
	if ((rc = one_primary(nics, e)) != 0)
		return (rc);
	return (check_twins(nics, e));
}

int
vm_nics_check(const struct machine *m, const json_t *vm, struct err *e)
{
	json_t *nics = json_object_get(vm, "nics"), *nic;
	char link[LINK_NAME_MAX];
	size_t i;
	int rc;

	json_array_foreach(nics, i, nic)
		if ((rc = nictag_link(m, json_str(nic, "nic_tag", ""), link, e)) != 0)
			return (rc);
	return (json_array_size(nics) > 0 ? check_others(m, vm, e) : 0);
}

/* --- showing ---------------------------------------------------------------------------------- */

static void
show_ip(json_t *nic, const char *cidr)
{
	const char *slash = strchr(cidr, '/');
	char mask[INET_ADDRSTRLEN];
	struct in_addr a;
	long bits;

	if (slash == NULL) {
		(void)json_object_set_new(nic, "ip", json_string(cidr));
		return;
	}
	bits = strtol(slash + 1, NULL, 10);
	a.s_addr = htonl(bits <= 0 ? 0 : bits >= 32 ? UINT32_MAX : ~(UINT32_MAX >> bits));
	(void)json_object_set_new(nic, "ip", json_stringn(cidr, (size_t)(slash - cidr)));
	(void)json_object_set_new(nic, "netmask", json_string(inet_ntop(AF_INET, &a, mask, sizeof(mask))));
}

static void
show_nic(json_t *nic)
{
	json_t *ips = json_object_get(nic, "ips"), *gateways = json_object_get(nic, "gateways"), *v;
	size_t i;

	if (ips == NULL)
		(void)json_object_set_new(nic, "ips", ips = json_array());
	json_array_foreach(ips, i, v)
		if (strchr(json_string_value(v), ':') == NULL &&
		    strcmp(json_string_value(v), "addrconf") != 0) {
			show_ip(nic, json_string_value(v));
			break;
		}
	if (json_array_size(gateways) > 0)
		(void)json_object_set(nic, "gateway", json_array_get(gateways, 0));
}

void
vm_nics_show(json_t *nics)
{
	each(nics, show_nic);
}
