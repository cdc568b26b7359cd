/* SPDX-License-Identifier: MIT */
/*
 * machine/vm*: machines without running zones: what is stored comes back, and a create, update or
 * delete that fails or is cut leaves the old state or the new one (invariants of vm_create.c).
 */
#include "smartbox/machine/vm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_datasets.h"
#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/machine/image.h"
#include "test.h"

#define IMG "01b2c898-945f-11e1-a523-af1afbe22822"
#define VM1 "11111111-2222-4333-8444-555555555555"

struct world {
	struct machine m;
	struct fake f;
	struct err e;
	char said[1024];
};

static void
hear(void *arg, const char *text)
{
	struct world *w = arg;

	(void)snprintf(w->said, sizeof(w->said), "%s", text);
}

static json_t *
parse(const char *text)
{
	json_t *j = NULL;
	struct err e = ERR_INIT;

	if (json_parse("test", text, strlen(text), &j, &e) != 0)
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	return (j);
}

static void
make_dirs(const char *root, const char *below)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", root, below);
	CHECK_EQ(file_mkdirs(path, 0755, NULL), 0);
}

/* A pool with one image that has an /etc. */
static void
world_init(struct world *w)
{
	json_t *manifest = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "v", 2, "uuid", IMG, "name", "base",
	    "version", "1", "type", "lx-dataset", "os", "linux");

	memset(w, 0, sizeof(*w));
	fake_machine(&w->m, &w->f);
	w->m.say = hear;
	w->m.say_arg = w;
	CHECK_EQ(fake_datasets.create(&w->f, "zones/" IMG, NULL, NULL), 0);
	make_dirs(w->f.dir, "zones/" IMG "/root/etc");
	CHECK_EQ(image_set_manifest(&w->m, manifest, NULL, NULL), 0);
	CHECK_EQ(fake_datasets.snapshot(&w->f, "zones/" IMG "@final", NULL), 0);
	json_decref(manifest);
	w->f.ops = 0;
}

static int
create(struct world *w, const char *text)
{
	json_t *payload = parse(text);
	char uuid[UUID_STRLEN + 1];
	int rc = vm_create(&w->m, payload, uuid, &w->e);

	json_decref(payload);
	return (rc);
}

static int
update(struct world *w, const char *text)
{
	json_t *payload = parse(text);
	int rc = vm_update(&w->m, VM1, payload, &w->e);

	json_decref(payload);
	return (rc);
}

static void
check_ok(struct world *w, int rc)
{
	if (rc != 0)
		test_fail(__FILE__, __LINE__, "%s", w->e.msg);
}

static size_t
count(struct world *w)
{
	json_t *all;
	size_t n;

	CHECK_EQ(vm_load_all(&w->m, 0, &all, &w->e), 0);
	n = json_array_size(all);
	json_decref(all);
	return (n);
}

static json_t *
load(struct world *w)
{
	json_t *vm = NULL;

	check_ok(w, vm_load(&w->m, VM1, VM_ALL, &vm, &w->e));
	return (vm);
}

#define BASIC                                                                                      \
	"{\"uuid\":\"" VM1 "\",\"image_uuid\":\"" IMG "\",\"autoboot\":false,\"brand\":\"lx\","      \
	"\"alias\":\"web: one\",\"ram\":512,\"quota\":\"20\",\"max_lwps\":300,\"cpu_cap\":150,"       \
	"\"resolvers\":[\"8.8.8.8\",\"::1\"],\"tags\":{\"role\":\"db\",\"n\":3},"                      \
	"\"customer_metadata\":{\"k\":\"v\"}}"

TEST(vm_create_stores_what_the_payload_says)
{
	struct world w;
	json_t *vm;
	char path[600], *text;
	size_t len;

	world_init(&w);
	check_ok(&w, create(&w, BASIC));
	vm = load(&w);
	CHECK_STR(json_str(vm, "alias", ""), "web: one");
	CHECK_STR(json_str(vm, "state", ""), "stopped");
	CHECK_STR(json_str(vm, "zone_state", ""), "installed");
	CHECK_STR(json_str(vm, "type", ""), "LX");
	CHECK_STR(json_str(vm, "zonename", ""), VM1);
	CHECK_STR(json_str(vm, "zpool", ""), "zones");
	CHECK_EQ(json_int(vm, "max_physical_memory", 0), 512);
	CHECK_EQ(json_int(vm, "ram", 0), 512);
	CHECK_EQ(json_int(vm, "max_swap", 0), 512);
	CHECK_EQ(json_int(vm, "tmpfs", 0), 512);
	CHECK_EQ(json_int(vm, "quota", 0), 20);
	CHECK_EQ(json_int(vm, "max_lwps", 0), 300);
	CHECK_EQ(json_int(vm, "cpu_cap", 0), 150);
	CHECK_EQ(json_int(vm, "cpu_shares", 0), 100);
	CHECK_EQ(json_bool(vm, "autoboot", true), false);
	CHECK_STR(json_string_value(json_path(vm, "resolvers.1")), "::1");
	CHECK_STR(json_string_value(json_path(vm, "tags.role")), "db");
	CHECK_EQ(json_integer_value(json_path(vm, "tags.n")), 3);
	CHECK_STR(json_string_value(json_path(vm, "customer_metadata.k")), "v");
	json_decref(vm);
	(void)snprintf(path, sizeof(path), "%s/zones/" VM1 "/root/etc/resolv.conf", w.f.dir);
	CHECK_EQ(file_read(path, 4096, &text, &len, NULL), 0);
	CHECK_STR(text, "nameserver 8.8.8.8\nnameserver ::1\n");
	free(text);
	fake_free(&w.f);
}

TEST(vm_create_refuses_what_cannot_be)
{
	struct world w;

	world_init(&w);
	CHECK_EQ(create(&w, "{\"image_uuid\":\"" VM1 "\"}"), -EINVAL);
	CHECK_STR(w.e.msg, "Invalid value(s) for: image_uuid (image " VM1
	                   " is not installed, see imgadm list)");
	CHECK_EQ(create(&w, "{\"brand\":\"bhyve\",\"disks\":[{\"size\":10}]}"), -EINVAL);
	CHECK_STR(w.e.msg, "missing .model option for disk: {\"size\":10}");
	CHECK_EQ(create(&w, "{\"brand\":\"bhyve\",\"disks\":[{\"size\":10,\"model\":\"ide\"}]}"), -EINVAL);
	CHECK_EQ(create(&w, "{\"brand\":\"kvm\",\"disks\":[{\"model\":\"ide\"}]}"), -EINVAL);
	CHECK_EQ(create(&w, "{\"brand\":\"kvm\",\"disks\":[{\"model\":\"ide\",\"size\":1,\"boot\":true},"
	                    "{\"model\":\"ide\",\"size\":1,\"boot\":true}]}"), -EINVAL);
	CHECK_EQ(create(&w, "{\"image_uuid\":\"" IMG "\",\"zpool\":\"tank\"}"), -EINVAL);
	CHECK_STR(w.e.msg, "Invalid value(s) for: zpool (\"tank\" must be the name of an imported pool)");
	CHECK_EQ(create(&w, "{\"image_uuid\":\"" IMG "\",\"nics\":[{\"nic_tag\":\"nosuch0\","
	                    "\"ips\":[\"dhcp\"]}]}"), -ENOENT);
	CHECK_STR(w.e.msg, "Invalid nic tag \"nosuch0\"");
	check_ok(&w, create(&w, BASIC));
	CHECK_EQ(create(&w, BASIC), -EEXIST);
	CHECK_STR(w.e.msg, "VM with UUID " VM1 " already exists");
	CHECK_EQ(count(&w), 1);
	fake_free(&w.f);
}

TEST(vm_create_says_which_properties_it_drops)
{
	struct world w;

	world_init(&w);
	check_ok(&w, create(&w, "{\"image_uuid\":\"" IMG "\",\"autoboot\":false,\"frobnicate\":1}"));
	CHECK_STR(w.said, "warning: ignoring property 'frobnicate'");
	fake_free(&w.f);
}

static void
check_nothing_left(struct world *w)
{
	CHECK_EQ(count(w), 0);
	CHECK(!fake_has(&w->f, "zones/" VM1));
	CHECK(fake_has(&w->f, "zones/" IMG "@final"));
}

TEST(vm_create_that_fails_at_any_step_leaves_nothing)
{
	struct world w;
	int rc = -1;

	world_init(&w);
	for (unsigned at = 1; rc != 0; at++) {
		CHECK(at < 20);
		w.f.ops = 0;
		w.f.fail_at = at;
		if ((rc = create(&w, BASIC)) != 0)
			check_nothing_left(&w);
	}
	CHECK_EQ(count(&w), 1);
	fake_free(&w.f);
}

TEST(vm_create_that_is_cut_is_removed_or_whole_after_recovery)
{
	for (unsigned at = 1; at < 6; at++) {
		struct world w;

		world_init(&w);
		w.f.dead_from = at;
		(void)create(&w, BASIC);
		w.f.dead_from = 0;
		CHECK(vm_recover(&w.m, &w.e) >= 0);
		if (count(&w) == 0)
			check_nothing_left(&w);
		else {
			json_t *vm = load(&w);

			CHECK_STR(json_str(vm, "state", ""), "stopped");
			json_decref(vm);
		}
		CHECK_EQ(vm_recover(&w.m, &w.e), 0);
		fake_free(&w.f);
	}
}

#define KVM                                                                                                  \
	"{\"brand\":\"kvm\",\"uuid\":\"" VM1 "\",\"autoboot\":false,\"ram\":512,\"disks\":["                 \
	"{\"size\":100,\"model\":\"virtio\",\"boot\":true},{\"size\":7,\"model\":\"virtio\"}]}"

TEST(vm_create_of_a_kvm_machine_makes_its_volumes_and_delete_takes_them)
{
	struct world w;
	json_t *vm, *disk;

	world_init(&w);
	check_ok(&w, create(&w, KVM));
	CHECK(fake_has(&w.f, "zones/" VM1 "-disk0") && fake_has(&w.f, "zones/" VM1 "-disk1"));
	vm = load(&w);
	CHECK_STR(json_str(vm, "type", ""), "KVM");
	CHECK_EQ(json_int(vm, "ram", 0), 512);
	CHECK_EQ(json_int(vm, "max_physical_memory", 0), 1536);
	disk = json_array_get(json_object_get(vm, "disks"), 1);
	CHECK_STR(json_str(disk, "path", ""), "/dev/zvol/rdsk/zones/" VM1 "-disk1");
	CHECK_EQ(json_int(disk, "size", 0), 7);
	CHECK_STR(json_str(disk, "media", ""), "disk");
	json_decref(vm);
	check_ok(&w, update(&w, "{\"ram\":1024,\"remove_disks\":[\"/dev/zvol/rdsk/zones/" VM1 "-disk0\"],"
	                        "\"add_disks\":[{\"size\":9}]}"));
	CHECK(!fake_has(&w.f, "zones/" VM1 "-disk0"));
	CHECK(fake_has(&w.f, "zones/" VM1 "-disk2")); /* never the name of a volume that was just there */
	vm = load(&w);
	CHECK_EQ(json_int(vm, "max_physical_memory", 0), 2048);
	CHECK_EQ(json_array_size(json_object_get(vm, "disks")), 2);
	json_decref(vm);
	check_ok(&w, vm_delete(&w.m, VM1, &w.e));
	CHECK(!fake_has(&w.f, "zones/" VM1 "-disk1") && !fake_has(&w.f, "zones/" VM1 "-disk2"));
	CHECK_EQ(count(&w), 0);
	fake_free(&w.f);
}

TEST(vm_create_of_a_kvm_machine_that_fails_at_any_step_leaves_nothing)
{
	struct world w;
	int rc = -1;

	world_init(&w);
	for (unsigned at = 1; rc != 0; at++) {
		CHECK(at < 30);
		w.f.ops = 0;
		w.f.fail_at = at;
		if ((rc = create(&w, KVM)) == 0)
			break;
		check_nothing_left(&w);
		CHECK(!fake_has(&w.f, "zones/" VM1 "-disk0") && !fake_has(&w.f, "zones/" VM1 "-disk1"));
	}
	fake_free(&w.f);
}

TEST(vm_recover_never_destroys_a_foreign_dataset)
{
	struct world w;

	world_init(&w);
	CHECK_EQ(fake_datasets.create(&w.f, "zones/" VM1, NULL, NULL), 0);
	CHECK(create(&w, BASIC) < 0);
	CHECK(fake_has(&w.f, "zones/" VM1));
	CHECK_EQ(count(&w), 0);
	CHECK_EQ(vm_recover(&w.m, &w.e), 0);
	CHECK(fake_has(&w.f, "zones/" VM1));
	fake_free(&w.f);
}

TEST(vm_delete_that_is_cut_is_finished_by_recovery)
{
	struct world w;

	world_init(&w);
	check_ok(&w, create(&w, BASIC));
	w.f.dead_from = 1;
	w.f.ops = 0;
	CHECK(vm_delete(&w.m, VM1, &w.e) < 0);
	w.f.dead_from = 0;
	CHECK_EQ(vm_recover(&w.m, &w.e), 1);
	check_nothing_left(&w);
	fake_free(&w.f);
}

TEST(vm_delete_refuses_the_indestructible)
{
	struct world w;

	world_init(&w);
	check_ok(&w, create(&w, BASIC));
	check_ok(&w, update(&w, "{\"indestructible_zoneroot\":true}"));
	CHECK_EQ(vm_delete(&w.m, VM1, &w.e), -EPERM);
	CHECK_EQ(count(&w), 1);
	check_ok(&w, update(&w, "{\"indestructible_zoneroot\":false}"));
	check_ok(&w, vm_delete(&w.m, VM1, &w.e));
	check_nothing_left(&w);
	CHECK_EQ(vm_delete(&w.m, VM1, &w.e), -ENOENT);
	CHECK_STR(w.e.msg, "VM " VM1 " not found");
	fake_free(&w.f);
}

TEST(vm_update_changes_only_what_it_names)
{
	struct world w;
	json_t *before, *after;

	world_init(&w);
	check_ok(&w, create(&w, BASIC));
	before = load(&w);
	check_ok(&w, update(&w, "{\"alias\":\"new\",\"quota\":null,\"set_tags\":{\"x\":true},"
	                        "\"remove_tags\":[\"role\"],\"ram\":1024,\"cpu_cap\":0}"));
	after = load(&w);
	CHECK_STR(json_str(after, "alias", ""), "new");
	CHECK_EQ(json_int(after, "quota", -1), 0);
	CHECK_EQ(json_int(after, "max_physical_memory", 0), 1024);
	CHECK_EQ(json_int(after, "max_swap", 0), 1024);
	CHECK(json_object_get(after, "cpu_cap") == NULL);
	CHECK(json_is_true(json_path(after, "tags.x")));
	CHECK(json_path(after, "tags.role") == NULL);
	CHECK_EQ(json_integer_value(json_path(after, "tags.n")), 3);
	CHECK_EQ(json_int(after, "max_lwps", 0), json_int(before, "max_lwps", 1));
	CHECK(json_equal(json_object_get(after, "resolvers"), json_object_get(before, "resolvers")));
	CHECK_EQ(update(&w, "{\"quota\":-1}"), -EINVAL);
	json_decref(before);
	json_decref(after);
	fake_free(&w.f);
}

TEST(vm_update_that_fails_changes_nothing)
{
	struct world w;
	json_t *before, *after;

	world_init(&w);
	check_ok(&w, create(&w, BASIC));
	before = load(&w);
	w.f.ops = 0;
	w.f.fail_at = 1;
	CHECK(update(&w, "{\"alias\":\"new\",\"quota\":30}") < 0);
	w.f.fail_at = 0;
	after = load(&w);
	(void)json_object_del(before, "last_modified");
	(void)json_object_del(after, "last_modified");
	CHECK(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	fake_free(&w.f);
}

TEST(vm_filesystems_are_added_changed_and_removed_by_target)
{
	struct world w;
	json_t *vm;

	world_init(&w);
	check_ok(&w, create(&w, BASIC));
	check_ok(&w, update(&w, "{\"add_filesystems\":[{\"source\":\"/tmp\",\"target\":\"/data\","
	                        "\"type\":\"lofs\",\"options\":[\"ro\"]}]}"));
	vm = load(&w);
	CHECK_STR(json_string_value(json_path(vm, "filesystems.0.target")), "/data");
	CHECK_STR(json_string_value(json_path(vm, "filesystems.0.options.0")), "ro");
	json_decref(vm);
	CHECK_EQ(update(&w, "{\"update_filesystems\":[{\"target\":\"/x\",\"source\":\"/\"}]}"), -ENOENT);
	check_ok(&w, update(&w, "{\"remove_filesystems\":[\"/data\"]}"));
	vm = load(&w);
	CHECK(json_object_get(vm, "filesystems") == NULL);
	json_decref(vm);
	fake_free(&w.f);
}

TEST(vm_snapshots_are_listed_and_names_checked)
{
	struct world w;
	json_t *vm;

	world_init(&w);
	check_ok(&w, create(&w, BASIC));
	check_ok(&w, vm_snapshot_create(&w.m, VM1, "a-1", &w.e));
	CHECK_EQ(vm_snapshot_create(&w.m, VM1, "a-1", &w.e), -EEXIST);
	CHECK_STR(w.e.msg, "snapshot with name \"a-1\" already exists.");
	CHECK_EQ(vm_snapshot_create(&w.m, VM1, "a/b", &w.e), -EINVAL);
	CHECK_EQ(vm_snapshot_delete(&w.m, VM1, "zzz", &w.e), -ENOENT);
	CHECK_STR(w.e.msg, "No snapshot named \"zzz\" for " VM1);
	vm = load(&w);
	CHECK_STR(json_string_value(json_path(vm, "snapshots.0.name")), "a-1");
	json_decref(vm);
	check_ok(&w, vm_snapshot_delete(&w.m, VM1, "a-1", &w.e));
	fake_free(&w.f);
}

TEST(vm_files_are_never_written_through_a_guests_symlink)
{
	struct world w;
	char link[600], target[600], *text;
	size_t len;

	world_init(&w);
	check_ok(&w, create(&w, BASIC));
	(void)snprintf(target, sizeof(target), "%s/victim", test_dir());
	CHECK_EQ(file_replace(target, "safe", 4, 0644, NULL), 0);
	/* The guest points its resolver file, and then its whole /etc, at the host. */
	(void)snprintf(link, sizeof(link), "%s/zones/" VM1 "/root/etc/resolv.conf", w.f.dir);
	(void)unlink(link);
	CHECK_EQ(symlink(target, link), 0);
	check_ok(&w, update(&w, "{\"maintain_resolvers\":true,\"resolvers\":\"1.1.1.1\"}"));
	CHECK_EQ(file_read(target, 100, &text, &len, NULL), 0);
	CHECK_STR(text, "safe");
	free(text);
	CHECK_EQ(file_read(link, 100, &text, &len, NULL), 0);
	CHECK_STR(text, "nameserver 1.1.1.1\n");
	free(text);
	fake_free(&w.f);
}
