/* SPDX-License-Identifier: MIT */
/*
 * What `vmadm info` shows of a kvm or bhyve machine: partly its configuration, partly what the monitor
 * answers on its control socket.  The members are those that QEMU's monitor gave under SmartOS, as far as
 * there is something true to say.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/json.h"
#include "smartbox/machine/prop.h"
#include "vm_impl.h"

struct ask {
	const struct machine *m;
	const char *name; /* the zone's */
	const json_t *vm, *live;
	json_t *out;
	char vnc_path[PATH_MAX];
};

static json_t *
info_block(const struct ask *a)
{
	json_t *list = json_array(), *disks = json_object_get(a->vm, "disks"), *d;
	size_t i;

	json_array_foreach(disks, i, d) {
		char name[24];

		(void)snprintf(name, sizeof(name), "%s%zu", json_str(d, "model", "virtio"), i);
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b, s:{s:s, s:b, s:s}}", "device",
		    name, "type", strcmp(json_str(d, "media", "disk"), "cdrom") == 0 ? "cdrom" : "hd",
		    "locked", 0, "removable", 0, "inserted", "file", json_str(d, "path", ""), "ro", 0, "drv",
		    "raw"));
	}
	return (list);
}

static json_t *
info_chardev(const struct ask *a)
{
	(void)a;
	return (json_pack("[{s:s, s:s}, {s:s, s:s}]", "label", "monitor", "filename", "unix,server", "label",
	    "serial0", "filename", "zone console"));
}

static json_t *
info_cpus(const struct ask *a)
{
	json_t *list = json_array();

	for (json_int_t i = 0; i < json_int(a->live, "cpus", 0); i++)
		(void)json_array_append_new(list,
		    json_pack("{s:I, s:b}", "CPU", i, "current", i == 0));
	return (list);
}

static json_t *
info_kvm(const struct ask *a)
{
	(void)a;
	return (json_pack("{s:b, s:b}", "enabled", 1, "present", 1));
}

static json_t *
info_live(const struct ask *a, const char *member, json_t *none)
{
	json_t *v = json_object_get(a->live, member);

	if (v == NULL)
		return (none);
	json_decref(none);
	return (json_incref(v));
}

static json_t *
info_pci(const struct ask *a)
{
	enum { PCI_MAX = 65536 };
	char *text = malloc(PCI_MAX);
	json_t *list = NULL;

	if (text != NULL && vm_hvm_command(a->m, a->name, "pci", text, PCI_MAX, NULL) == 0)
		list = json_loads(text, 0, NULL);
	free(text);
	return (list != NULL ? list : json_array());
}

static json_t *
info_blockstats(const struct ask *a)
{
	return (info_live(a, "blockstats", json_array()));
}

static json_t *
info_spice(const struct ask *a)
{
	(void)a;
	return (json_object());
}

static json_t *
info_status(const struct ask *a)
{
	(void)a;
	return (json_pack("{s:b, s:b, s:b, s:s}", "hwsetup", 1, "singlestep", 0, "running", 1, "status",
	    "running"));
}

static json_t *
info_version(const struct ask *a)
{
	(void)a;
	return (json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "micro", 0, "minor", 0, "major", 0, "package",
	    "smartbox vmx"));
}

static void
add_password(const struct ask *a, json_t *v)
{
	const char *password = json_str(a->vm, "vnc_password", "");

	if (password[0] != '\0')
		(void)json_object_set_new(v, "password", json_string(password));
}

static json_t *
info_vnc(const struct ask *a)
{
	json_t *v = info_live(a, "vnc", json_object());

	(void)json_object_set_new(v, "socket", json_string(a->vnc_path));
	add_password(a, v);
	return (v);
}

static const struct {
	const char *name;
	bool bhyve;
	json_t *(*get)(const struct ask *a);
} types_known[] = {{"block", false, info_block}, {"blockstats", false, info_blockstats},
    {"chardev", false, info_chardev}, {"cpus", false, info_cpus}, {"kvm", false, info_kvm},
    {"pci", false, info_pci}, {"spice", false, info_spice}, {"status", false, info_status},
    {"version", false, info_version}, {"vnc", true, info_vnc}};
enum { NTYPES = sizeof(types_known) / sizeof(types_known[0]) };

static int
add_type(struct ask *a, const char *name, struct err *e)
{
	bool all = strcmp(name, "all") == 0, found = all;
	bool bhyve = brand_letter(json_str(a->vm, "brand", "")) == 'H';

	for (size_t i = 0; i < NTYPES; i++) {
		if ((!all && strcmp(types_known[i].name, name) != 0) || (bhyve && !types_known[i].bhyve))
			continue;
		found = true;
		(void)json_object_set_new(a->out, types_known[i].name, types_known[i].get(a));
	}
	return (found ? 0 : err_set(e, EINVAL, "unknown info type: %s", name));
}

static int
add_types(struct ask *a, const char *types, struct err *e)
{
	char *text = strdup(types != NULL && *types != '\0' ? types : "all"), *save = NULL, *w;
	int rc = text != NULL ? 0 : err_set(e, ENOMEM, "out of memory");

	for (w = text != NULL ? strtok_r(text, ", ", &save) : NULL; w != NULL && rc == 0;
	     w = strtok_r(NULL, ", ", &save))
		rc = add_type(a, w, e);
	free(text);
	return (rc);
}

/* A running kvm or bhyve machine; its zone's name. */
static int
running_hvm(const struct machine *m, const char *uuid, json_t **vm, char name[ZONE_NAME_MAX + 1],
    struct err *e)
{
	const char *brand, *state;
	int rc;

	if ((rc = vm_zonename(m, uuid, name, e)) != 0 || (rc = vm_load(m, uuid, 0, vm, e)) != 0)
		return (rc);
	brand = json_str(*vm, "brand", "");
	state = json_str(*vm, "zone_state", "");
	if (!vm_brand_is_hvm(brand))
		rc = err_set(e, EINVAL, "no info types supported for brand \"%s\"", brand);
	else if (strcmp(state, "running") != 0 && strcmp(state, "shutting_down") != 0)
		rc = err_set(e, EINVAL, "VM %s is not running (currently: %s)", uuid,
		    json_str(*vm, "state", ""));
	if (rc != 0)
		json_decref(*vm);
	return (rc);
}

int
vm_info(const struct machine *m, const char *uuid, const char *types, json_t **out, struct err *e)
{
	char name[ZONE_NAME_MAX + 1], answer[4096];
	struct ask a = {.m = m, .name = name, .out = json_object()};
	json_t *vm, *live = NULL;
	int rc = running_hvm(m, uuid, &vm, name, e);

	if (rc == 0) {
		if ((rc = vm_hvm_command(m, name, "info", answer, sizeof(answer), e)) == 0)
			live = json_loads(answer, 0, NULL);
		a.vm = vm;
		(void)vm_hvm_path(m, name, "vnc", a.vnc_path, sizeof(a.vnc_path), NULL);
		a.live = live;
		if (rc == 0)
			rc = add_types(&a, types, e);
		json_decref(live);
		json_decref(vm);
	}
	if (rc == 0)
		*out = json_incref(a.out);
	json_decref(a.out);
	return (rc);
}

int
vm_sysrq(const struct machine *m, const char *uuid, const char *request, struct err *e)
{
	char name[ZONE_NAME_MAX + 1], answer[256], path[PATH_MAX];
	json_t *vm;
	int rc;

	if (strcmp(request, "nmi") != 0 && strcmp(request, "screenshot") != 0)
		return (err_set(e, EINVAL, "Invalid sysrq command: %s", request));
	if ((rc = running_hvm(m, uuid, &vm, name, e)) != 0)
		return (rc);
	(void)snprintf(path, sizeof(path), "%s/root/tmp/vm.ppm", json_str(vm, "zonepath", ""));
	json_decref(vm);
	if (strcmp(request, "screenshot") == 0)
		return (vm_hvm_picture(m, name, path, e));
	return (vm_hvm_command(m, name, request, answer, sizeof(answer), e));
}
