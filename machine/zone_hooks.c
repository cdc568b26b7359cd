/* SPDX-License-Identifier: MIT */
/*
 * The hooks of a zone's boot: what kern/, which knows no datasets and no links, asks machine/ to do.
 *
 *	config_up    mount the zone's dataset; write the guest files that are maintained
 *	net_up       for each net resource a vnic over its nic tag, moved into the zone's network
 *	             namespace under its own name, with its addresses and routes
 *	program      kvm and bhyve: the monitor with everything it needs open (machine/vm_hvm.c)
 *	net_down     remove the ports that the host still holds
 *
 * A zone made by zonecfg alone has no nic tag: its global-nic, or without one its physical, names a
 * link; addresses come from `address` and `defrouter`.  Zones made by vmadm have pairs instead: ips,
 * gateways, primary.
 *
 * Names and addresses are the zone's business after boot (its root may change them); what it may send
 * is decided at the port that stays outside.
 */
#include "smartbox/machine/zone_hooks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/json.h"
#include "smartbox/machine/nictag.h"
#include "vm_impl.h"

/* --- words ------------------------------------------------------------------------------------ */

typedef int word_fn(const char *word, void *arg, struct err *e);

static int
each_word(const char *list, word_fn *fn, void *arg, struct err *e)
{
	char word[128];
	int rc = 0;

	while (list != NULL && *list != '\0' && rc == 0) {
		size_t n = strcspn(list, ",");

		if (n >= sizeof(word))
			return (err_set(e, EINVAL, "'%.20s...' is too long", list));
		memcpy(word, list, n);
		word[n] = '\0';
		if (n > 0)
			rc = fn(word, arg, e);
		list += n + (list[n] == ',');
	}
	return (rc);
}

/* --- links ------------------------------------------------------------------------------------ */

struct nic {
	const struct zone_hook_args *a;
	const struct zonecfg_res *r;
	const char *dev;
	bool primary;
};

static int
add_address(const char *word, void *arg, struct err *e)
{
	struct nic *n = arg;

	if (strcmp(word, "dhcp") == 0 || strcmp(word, "addrconf") == 0)
		return (0); /* the zone's own client asks */
	return (addr_add(n->a->netns, n->dev, word, e));
}

static int
add_gateway(const char *word, void *arg, struct err *e)
{
	struct nic *n = arg;
	int rc = route_add(n->a->netns, NULL, word, e);

	return (rc == -EEXIST ? 0 : rc);
}

/* SmartOS gives the default route to the primary nic; others' gateways count when there is none. */
static int
configure(struct nic *n, struct err *e)
{
	const char *ips = zonecfg_res_pair(n->r, "ips"), *gw = zonecfg_res_pair(n->r, "gateways");
	int rc;

	if (ips == NULL)
		ips = zonecfg_res_get(n->r, "address");
	if (gw == NULL)
		gw = zonecfg_res_get(n->r, "defrouter");
	if ((rc = each_word(ips, add_address, n, e)) != 0 ||
	    (rc = addr_up(n->a->netns, n->dev, e)) != 0)
		return (rc);
	return (n->primary ? each_word(gw, add_gateway, n, e) : 0);
}

static int
make_vnic(const struct machine *m, const struct nic *n, struct err *e)
{
	const char *tag = zonecfg_res_get(n->r, "global-nic"), *mac = zonecfg_res_get(n->r, "mac-addr");
	const char *vlan = zonecfg_res_get(n->r, "vlan-id"), *mtu = zonecfg_res_pair(n->r, "mtu");
	struct vnic_spec s = {.name = n->dev, .zone = zonecfg_name(n->a->cfg), .zone_id = n->a->id,
	    .netns = n->a->netns};
	char over[LINK_NAME_MAX];
	struct mac_addr addr;
	int rc;

	if ((rc = nictag_link(m, tag != NULL ? tag : n->dev, over, e)) != 0)
		return (rc);
	if (mac != NULL && (rc = mac_parse(mac, &addr, e)) != 0)
		return (rc);
	s.over = over;
	s.mac = mac != NULL ? &addr : NULL;
	s.vid = vlan != NULL ? (unsigned)strtoul(vlan, NULL, 10) : 0;
	s.mtu = mtu != NULL ? (uint32_t)strtoul(mtu, NULL, 10) : 0;
	return (vnic_create(&s, e));
}

static bool
any_primary(const struct zonecfg *c)
{
	struct zonecfg_res *r = NULL;

	while ((r = zonecfg_res_next(c, "net", r)) != NULL)
		if (zonecfg_res_pair(r, "primary") != NULL)
			return (true);
	return (false);
}

/* routes.json: {destination: gateway}; a destination without prefix is one host. */
static int
add_routes(const struct zone_hook_args *a, struct err *e)
{
	const char *zonepath = zonecfg_get(a->cfg, "zonepath"), *dst;
	json_t *routes = vm_file_load(zonepath != NULL ? zonepath : "", "routes.json"), *gw;
	int rc = 0;

	json_object_foreach(routes, dst, gw) {
		char cidr[64];

		(void)snprintf(cidr, sizeof(cidr), "%s%s", dst, strchr(dst, '/') != NULL ? "" : "/32");
		if (rc == 0 && json_is_string(gw) &&
		    (rc = route_add(a->netns, cidr, json_string_value(gw), e)) != 0)
			rc = rc == -EEXIST ? 0 : err_wrap(e, "route to '%s'", dst);
	}
	json_decref(routes);
	return (rc);
}

static const char *
brand_of(const struct zone_hook_args *a)
{
	const char *brand = zonecfg_get(a->cfg, "brand");

	return (brand != NULL ? brand : "");
}

static int
program(const struct zone_hook_args *a, const char *bootargs, void *ctx, struct zone_program *out,
    struct err *e)
{
	return (vm_brand_is_hvm(brand_of(a)) ? vm_hvm_program(ctx, a, bootargs, out, e) : 0);
}

static int
net_up(const struct zone_hook_args *a, void *ctx, struct err *e)
{
	const struct machine *m = ctx;
	bool chosen = any_primary(a->cfg);
	struct zonecfg_res *r = NULL;

	if (vm_brand_is_hvm(brand_of(a)))
		return (0); /* its program gets taps */
	/* Ports that a crash of the host's tools left would be in the way. */
	(void)vnic_delete_zone(zonecfg_name(a->cfg), NULL, NULL);
	while ((r = zonecfg_res_next(a->cfg, "net", r)) != NULL) {
		struct nic n = {a, r, zonecfg_res_get(r, "physical"),
		    !chosen || zonecfg_res_pair(r, "primary") != NULL};
		int rc = n.dev == NULL ? err_set(e, EINVAL, "net without physical") : make_vnic(m, &n, e);

		if (rc == 0)
			rc = configure(&n, e);
		if (rc != 0)
			return (err_wrap(e, "nic '%s'", n.dev != NULL ? n.dev : "-"));
	}
	return (add_routes(a, e));
}

static void
net_down(const struct zone_hook_args *a, void *ctx)
{
	(void)ctx;
	(void)vnic_delete_zone(zonecfg_name(a->cfg), NULL, NULL);
}

/* --- datasets and files ----------------------------------------------------------------------- */

static int
mount_dataset(const struct machine *m, const struct zonecfg *c, struct err *e)
{
	char dataset[VM_DATASET_MAX];
	bool there = false;
	int rc;

	vm_dataset(c, m, dataset, sizeof(dataset));
	if (!m->ds->pool_is_imported(m->ds_ctx, m->pool))
		return (0); /* a zone on some other file system */
	if ((rc = m->ds->exists(m->ds_ctx, dataset, &there, e)) != 0 || !there)
		return (rc);
	rc = m->ds->mount(m->ds_ctx, dataset, e);
	return (rc == -EBUSY || rc == -EEXIST || rc == -EALREADY ? 0 : rc);
}

static int
config_up(const struct zone_hook_args *a, void *ctx, struct err *e)
{
	const struct machine *m = ctx;
	json_t *vm;
	int rc;

	if ((rc = mount_dataset(m, a->cfg, e)) != 0)
		return (err_wrap(e, "cannot mount the zone's dataset"));
	if ((vm = json_object()) == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	if ((rc = vm_conf_load(a->cfg, vm, e)) == 0 && json_bool(vm, "maintain_resolvers", false))
		rc = vm_guest_write(zonecfg_get(a->cfg, "zonepath"), vm, false, e);
	json_decref(vm);
	return (rc);
}

void
machine_zone_hooks(struct machine *m, struct zone_hooks *out)
{
	out->config_up = config_up;
	out->net_up = net_up;
	out->program = program;
	out->net_down = net_down;
	out->ctx = m;
}
