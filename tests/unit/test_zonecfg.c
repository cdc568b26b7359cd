/* SPDX-License-Identifier: MIT */
/* Zone configurations: the object, its XML, its files, the index and the id ranges. */
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "smartbox/core/file.h"
#include "smartbox/kern/zone.h"
#include "smartbox/kern/zonecfg.h"

static struct zonecfg *
sample(const char *name)
{
	struct zonecfg *c;
	struct zonecfg_res *r;
	char path[128];

	CHECK_EQ(zonecfg_new(name, &c, NULL), 0);
	(void)snprintf(path, sizeof(path), "/zones/%s", name);
	CHECK_EQ(zonecfg_set(c, "zonepath", path, NULL), 0);
	CHECK_EQ(zonecfg_set(c, "bootargs", "-m verbose & <quiet> \"x\"", NULL), 0);
	CHECK_EQ(zonecfg_set(c, "max-lwps", "2000", NULL), 0);
	CHECK_EQ(zonecfg_set(c, "max-physical-memory", "1G", NULL), 0);
	CHECK_EQ(zonecfg_set(c, "cpu-cap", "150", NULL), 0);
	CHECK_EQ(zonecfg_res_add(c, "net", &r, NULL), 0);
	CHECK_EQ(zonecfg_res_set(r, "physical", "net0", NULL), 0);
	CHECK_EQ(zonecfg_res_set(r, "mac-addr", "2:8:20:A:B:C", NULL), 0);
	CHECK_EQ(zonecfg_res_set_pair(r, "ip", "10.0.0.5", NULL), 0);
	CHECK_EQ(zonecfg_res_set_pair(r, "primary", "true", NULL), 0);
	CHECK_EQ(zonecfg_res_add(c, "fs", &r, NULL), 0);
	CHECK_EQ(zonecfg_res_set(r, "dir", "/data", NULL), 0);
	CHECK_EQ(zonecfg_res_set(r, "special", "/export//data/", NULL), 0);
	CHECK_EQ(zonecfg_res_set(r, "type", "lofs", NULL), 0);
	CHECK_EQ(zonecfg_res_append(r, "ro", NULL), 0);
	CHECK_EQ(zonecfg_res_append(r, "nosuid", NULL), 0);
	CHECK_EQ(zonecfg_set_attr(c, "owner", "string", "a 'b' c", NULL), 0);
	return (c);
}

static char *
xml_of(const struct zonecfg *c)
{
	struct buf b = BUF_INIT;

	zonecfg_format_xml(c, &b);
	CHECK(!buf_failed(&b));
	return (buf_take(&b));
}

TEST(zonecfg_xml_reads_back_what_it_wrote)
{
	struct zonecfg *c = sample("alpha"), *d;
	char *a = xml_of(c), *b;

	CHECK_EQ(zonecfg_parse_xml("alpha.xml", a, strlen(a), &d, NULL), 0);
	b = xml_of(d);
	CHECK_STR(b, a);
	CHECK_STR(zonecfg_get(d, "bootargs"), "-m verbose & <quiet> \"x\"");
	CHECK_STR(zonecfg_get(d, "max-lwps"), "2000");
	CHECK_STR(zonecfg_get(d, "max-physical-memory"), "1073741824");
	CHECK_STR(zonecfg_res_get(zonecfg_res_next(d, "capped-cpu", NULL), "ncpus"), "1.50");
	CHECK_STR(zonecfg_res_get(zonecfg_res_next(d, "net", NULL), "mac-addr"),
	    "02:08:20:0a:0b:0c");
	CHECK_STR(zonecfg_res_pair(zonecfg_res_next(d, "net", NULL), "ip"), "10.0.0.5");
	CHECK_STR(zonecfg_res_list(zonecfg_res_next(d, "fs", NULL), 1), "nosuid");
	CHECK_STR(zonecfg_attr(d, "owner"), "a 'b' c");
	CHECK_EQ(zonecfg_verify(d, NULL), 0);
	free(a);
	free(b);
	zonecfg_free(c);
	zonecfg_free(d);
}

TEST(zonecfg_capped_resources_are_views_of_rctls)
{
	struct zonecfg *c = sample("alpha");
	struct zonecfg_res *r = zonecfg_res_next(c, "capped-memory", NULL);

	CHECK(r != NULL);
	CHECK_EQ(zonecfg_res_set(r, "swap", "2G", NULL), 0);
	CHECK_STR(zonecfg_get(c, "max-swap"), "2147483648");
	CHECK_STR(zonecfg_res_get(r, "physical"), "1073741824");
	CHECK_EQ(zonecfg_clear(c, "max-physical-memory", NULL), 0);
	CHECK(zonecfg_res_get(r, "physical") == NULL);
	CHECK_EQ(zonecfg_clear(c, "max-swap", NULL), 0);
	CHECK(zonecfg_res_next(c, "capped-memory", NULL) == NULL);
	r = zonecfg_res_next(c, "capped-cpu", NULL);
	zonecfg_res_remove(c, r);
	CHECK(zonecfg_get(c, "cpu-cap") == NULL);
	zonecfg_free(c);
}

TEST(zonecfg_dup_is_equal_and_apart)
{
	struct zonecfg *c = sample("alpha"), *d;
	char *a = xml_of(c), *b;

	CHECK_EQ(zonecfg_dup(c, &d, NULL), 0);
	b = xml_of(d);
	CHECK_STR(b, a);
	CHECK_EQ(zonecfg_set(d, "cpu-cap", "50", NULL), 0);
	CHECK_STR(zonecfg_get(c, "cpu-cap"), "150");
	free(a);
	free(b);
	zonecfg_free(c);
	zonecfg_free(d);
}

static void
refuses(const char *prop, const char *value, const char *msg)
{
	struct zonecfg *c = sample("alpha");
	struct err e = ERR_INIT;

	CHECK_EQ(zonecfg_set(c, prop, value, &e), -EINVAL);
	CHECK_STR(e.msg, msg);
	zonecfg_free(c);
}

TEST(zonecfg_set_names_the_property_and_what_was_wrong)
{
	refuses("zonepath", "zones/x", "zonepath: 'zones/x' is not an absolute path");
	refuses("zonepath", "/zones/../x", "zonepath: '/zones/../x' contains '.' or '..'");
	refuses("autoboot", "yes", "autoboot: 'yes' is not one of true, false");
	refuses("ip-type", "both", "ip-type: 'both' is not one of exclusive, shared");
	refuses("zonename", "global", "zonename: global: reserved zone name");
	refuses("nonsense", "1", "unknown property 'nonsense'");
	refuses("max-lwps", "0", "max-lwps: must be at least 1");
}

static void
verify_refuses(struct zonecfg *c, const char *msg)
{
	struct err e = ERR_INIT;

	CHECK(zonecfg_verify(c, &e) != 0);
	CHECK_STR(e.msg, msg);
	zonecfg_free(c);
}

TEST(zonecfg_verify_finds_what_contradicts)
{
	struct zonecfg *c = sample("alpha");
	struct zonecfg_res *r;

	CHECK_EQ(zonecfg_res_add(c, "fs", &r, NULL), 0);
	CHECK_EQ(zonecfg_res_set(r, "dir", "/data/", NULL), 0);
	CHECK_EQ(zonecfg_res_set(r, "special", "/x", NULL), 0);
	CHECK_EQ(zonecfg_res_set(r, "type", "lofs", NULL), 0);
	verify_refuses(c, "a fs resource with dir '/data' already exists");
	c = sample("alpha");
	CHECK_EQ(zonecfg_res_add(c, "net", &r, NULL), 0);
	verify_refuses(c, "net: required property 'physical' is missing");
	c = sample("alpha");
	CHECK_EQ(zonecfg_res_add(c, "net", &r, NULL), 0);
	CHECK_EQ(zonecfg_res_set(r, "physical", "net1", NULL), 0);
	CHECK_EQ(zonecfg_res_set_pair(r, "primary", "true", NULL), 0);
	verify_refuses(c, "net 'net0' and 'net1' are both primary");
	c = sample("alpha");
	CHECK_EQ(zonecfg_set_attr(c, "zonex", "string", "v", NULL), 0);
	verify_refuses(c, "attr 'zonex': names starting with 'zone' are reserved");
}

static void
xml_refuses(const char *text, const char *msg)
{
	struct zonecfg *c = NULL;
	struct err e = ERR_INIT;

	CHECK(zonecfg_parse_xml("t.xml", text, strlen(text), &c, &e) != 0);
	CHECK_STR(e.msg, msg);
}

TEST(zonecfg_xml_errors_say_the_line)
{
	xml_refuses("", "t.xml:1: unexpected end");
	xml_refuses("<zone name=\"a\"\nzonepath='/a'>", "t.xml:2: unexpected end");
	xml_refuses("<!DOCTYPE zone [<!ENTITY x SYSTEM \"file:///etc/shadow\">]>\n<zone/>",
	    "t.xml:1: a declaration that is not supported");
	xml_refuses("<zone name=\"&x;\"/>", "t.xml:1: unknown entity");
	xml_refuses("<zone name='a' zonepath='/a'>\n<bogus/></zone>",
	    "t.xml:2: unknown element 'bogus'");
	xml_refuses("<zone name='a'/>", "t.xml: zone element without name or zonepath");
	xml_refuses("<zone name='a' zonepath='/a'>\n\n<device/></zone>",
	    "t.xml:3: device: required property 'match' is missing");
}

TEST(zonecfg_xml_of_smartos_is_understood)
{
	static const char text[] =
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<!DOCTYPE zone PUBLIC \"-//Sun Microsystems Inc//DTD Zones//EN\" "
	    "\"file:///usr/share/lib/xml/dtd/zonecfg.dtd.1\">\n<!-- by hand -->\n"
	    "<zone name=\"z1\" zonepath=\"/zones/z1\" autoboot=\"true\" brand=\"lx\" "
	    "ip-type=\"exclusive\" debugid=\"7\">\n"
	    "  <dataset name=\"zones/z1/data\"/>\n"
	    "  <package name=\"SUNWold\" version=\"1\"/>\n"
	    "  <network physical=\"net0\" mac-addr=\"90:b8:d0:1:2:3\" global-nic=\"admin\">\n"
	    "    <net-attr name=\"ips\" value=\"dhcp\"/>\n  </network>\n"
	    "  <pset ncpu_min=\"1\" ncpu_max=\"2\"/>\n  <tmp_pool importance=\"4\"/>\n"
	    "  <mcap physcap=\"268435456\"/>\n"
	    "  <rctl name=\"zone.cpu-shares\"><rctl-value priv=\"privileged\" limit=\"100\" "
	    "action=\"none\"/></rctl>\n</zone>\n";
	struct zonecfg *c;
	char *out;

	CHECK_EQ(zonecfg_parse_xml("z1.xml", text, strlen(text), &c, NULL), 0);
	CHECK_STR(zonecfg_get(c, "cpu-shares"), "100");
	CHECK_STR(zonecfg_get(c, "max-physical-memory"), "268435456");
	CHECK_STR(zonecfg_res_get(zonecfg_res_next(c, "dedicated-cpu", NULL), "ncpus"), "1-2");
	CHECK_STR(zonecfg_get(c, "debugid"), "7");
	out = xml_of(c);
	CHECK(strstr(out, "<package name=\"SUNWold\" version=\"1\"/>") != NULL);
	CHECK(strstr(out, "<tmp_pool importance=\"4\"/>") != NULL);
	free(out);
	zonecfg_free(c);
}

static void
private_env(struct zone_env *env)
{
	memset(env, 0, sizeof(*env));
	(void)snprintf(env->etc, sizeof(env->etc), "%s/etc", test_dir());
	(void)snprintf(env->run, sizeof(env->run), "%s/run", test_dir());
	CHECK_EQ(file_mkdirs(env->etc, 0755, NULL), 0);
}

TEST(zonecfg_save_load_rename_delete_keep_index_and_files_in_step)
{
	struct zone_env env;
	struct zonecfg *c = sample("alpha"), *d;
	struct zone_info zi;
	struct err e = ERR_INIT;
	char path[PATH_MAX];

	private_env(&env);
	CHECK_EQ(zonecfg_save(&env, c, NULL), 0);
	CHECK_EQ(zone_info_get(&env, "alpha", &zi, NULL), 0);
	CHECK_EQ(zi.state, ZONE_CONFIGURED);
	CHECK_EQ(zi.did, 1);
	CHECK_STR(zi.uuid, zonecfg_get(c, "uuid"));
	free(zi.zonepath);
	CHECK_EQ(zonecfg_load(&env, "alpha", &d, NULL), 0);
	CHECK_EQ(zonecfg_set(d, "zonename", "beta", NULL), 0);
	CHECK_EQ(zonecfg_save(&env, d, NULL), 0);
	CHECK_EQ(zone_info_get(&env, "alpha", &zi, NULL), -ENOENT);
	CHECK_EQ(zone_info_get(&env, "beta", &zi, NULL), 0);
	free(zi.zonepath);
	(void)snprintf(path, sizeof(path), "%s/zones/alpha.xml", env.etc);
	CHECK(access(path, F_OK) != 0);
	CHECK_EQ(zone_event_stored(&env, "beta", ZONE_EV_INSTALL, NULL), 0);
	CHECK_EQ(zonecfg_delete(&env, "beta", &e), -EINVAL);
	CHECK_STR(e.msg, "delete operation is invalid for incomplete zones.");
	CHECK_EQ(zone_event_stored(&env, "beta", ZONE_EV_UNINSTALLED, NULL), 0);
	CHECK_EQ(zonecfg_delete(&env, "beta", NULL), 0);
	CHECK_EQ(zone_info_get(&env, "beta", &zi, NULL), -ENOENT);
	zonecfg_free(c);
	zonecfg_free(d);
}

static bool
is_unwanted(const struct zonecfg *c)
{
	(void)c;
	return (true);
}

static bool
is_template(const struct zonecfg *c)
{
	(void)c;
	return (false);
}

TEST(zonecfg_sweep_takes_unwanted_files_without_a_line_in_the_index_only)
{
	struct zone_env env;
	struct zonecfg *c = sample("alpha");
	char kept[PATH_MAX], stray[PATH_MAX], *text;
	size_t n;

	private_env(&env);
	CHECK_EQ(zonecfg_save(&env, c, NULL), 0);
	(void)snprintf(kept, sizeof(kept), "%s/zones/alpha.xml", env.etc);
	(void)snprintf(stray, sizeof(stray), "%s/zones/stray.xml", env.etc);
	CHECK_EQ(file_read(kept, 1 << 20, &text, &n, NULL), 0);
	CHECK_EQ(file_replace(stray, text, n, 0644, NULL), 0);
	CHECK_EQ(zonecfg_sweep(&env, is_template, NULL), 0);
	CHECK_EQ(access(stray, F_OK), 0);
	CHECK_EQ(zonecfg_sweep(&env, is_unwanted, NULL), 1);
	CHECK(access(stray, F_OK) != 0);
	CHECK_EQ(access(kept, F_OK), 0);
	free(text);
	zonecfg_free(c);
}

TEST(zonecfg_save_refuses_a_taken_name_and_a_moved_installed_zone)
{
	struct zone_env env;
	struct zonecfg *a = sample("alpha"), *b = sample("alpha");
	struct err e = ERR_INIT;

	private_env(&env);
	CHECK_EQ(zonecfg_save(&env, a, NULL), 0);
	CHECK_EQ(zonecfg_save(&env, b, &e), -EEXIST);
	CHECK_EQ(zone_event_stored(&env, "alpha", ZONE_EV_ATTACH, NULL), 0);
	CHECK_EQ(zonecfg_set(a, "zonepath", "/elsewhere", NULL), 0);
	CHECK_EQ(zonecfg_save(&env, a, &e), -EINVAL);
	CHECK_STR(e.msg, "zonepath cannot be changed: the zone is installed");
	zonecfg_free(a);
	zonecfg_free(b);
}

TEST(zone_index_keeps_foreign_lines_and_quoted_paths)
{
	static const char text[] = "# hand made\nglobal:installed:/\n"
				   "old:installed:/zones/old:\n"
				   "q:configured:\"/zones/a:b\":"
				   "11111111-2222-4333-8444-555555555555:lx:shared:9\n";
	struct zone_env env;
	struct zone_list l;
	char path[PATH_MAX], *after;

	private_env(&env);
	(void)snprintf(path, sizeof(path), "%s/zones", env.etc);
	CHECK_EQ(file_mkdirs(path, 0755, NULL), 0);
	(void)snprintf(path, sizeof(path), "%s/zones/index", env.etc);
	CHECK_EQ(file_replace(path, text, strlen(text), 0644, NULL), 0);
	CHECK_EQ(zone_list_all(&env, &l, NULL), 0);
	CHECK_EQ(l.n, 2);
	CHECK_STR(zone_list_find(&l, "q")->zonepath, "/zones/a:b");
	CHECK_EQ(zone_list_find(&l, "q")->did, 9);
	CHECK_EQ(zone_list_find(&l, "q")->exclusive_ip, false);
	zone_list_free(&l);
	CHECK_EQ(zone_event_stored(&env, "old", ZONE_EV_UNINSTALL, NULL), 0);
	CHECK_EQ(file_read(path, 4096, &after, NULL, NULL), 0);
	CHECK_STR(after, "# hand made\nglobal:installed:/\nold:incomplete:/zones/old:::excl:0\n"
			 "q:configured:\"/zones/a:b\":11111111-2222-4333-8444-555555555555:lx:"
			 "shared:9\n");
	free(after);
}

TEST(zone_ranges_are_disjoint_stable_and_not_reused_at_once)
{
	struct zone_env env;
	uint32_t a, b, c, again;

	private_env(&env);
	CHECK_EQ(zone_range_get(&env, "a", &a, NULL), 0);
	CHECK_EQ(zone_range_get(&env, "b", &b, NULL), 0);
	CHECK_EQ(a, 0x10000000);
	CHECK_EQ(b, a + ZONE_IDS);
	CHECK_EQ(zone_range_get(&env, "a", &again, NULL), 0);
	CHECK_EQ(again, a);
	CHECK_EQ(zone_range_release(&env, "b", NULL), 0);
	CHECK_EQ(zone_range_get(&env, "c", &c, NULL), 0);
	CHECK_EQ(c, b + ZONE_IDS);
}
