/* SPDX-License-Identifier: MIT */
/*
 * imgadm: images, from servers and files to datasets.
 *
 * Ordinary messages go to stdout, errors to stderr as "imgadm CMD: error (Code): message", as SmartOS
 * has them.  Exit codes: 0 done, 1 failed, 2 usage, 3 the image is not installed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartbox/core/applet.h"
#include "smartbox/core/json.h"
#include "smartbox/core/spawn.h"
#include "smartbox/core/uuid.h"
#include "smartbox/machine/image.h"
#include "smartbox/machine/imgsrc.h"
#include "smartbox/machine/manifest.h"
#include "imgadm_impl.h"

static const char imgadm_usage[] = "";

APPLET(imgadm, "manage images for zones");

struct imgadm {
	struct machine m;
	const char *cmd;
};

/* --- messages --------------------------------------------------------------------------------- */

static void
say(void *arg, const char *text)
{
	const struct imgadm *im = arg;

	if (strncmp(text, "warning: ", 9) == 0)
		(void)fprintf(stderr, "imgadm %s: %s\n", im->cmd, text);
	else
		(void)printf("%s\n", text);
	(void)fflush(stdout);
}

static void
imgadm_init(struct imgadm *im, const char *cmd)
{
	memset(im, 0, sizeof(*im));
	machine_init(&im->m);
	im->cmd = cmd;
	im->m.say = say;
	im->m.say_arg = im;
}

static int
fail(const struct imgadm *im, const char *code, const struct err *e)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "imgadm %s: error (%s): %s\n", im->cmd, code, e->msg);
	return (strcmp(code, "ImageNotInstalled") == 0 || strcmp(code, "OriginNotInstalled") == 0 ? 3 : 1);
}

static int
fail_text(const struct imgadm *im, const char *code, const char *fmt, const char *word)
{
	struct err e = ERR_INIT;

	(void)snprintf(e.msg, sizeof(e.msg), fmt, word);
	return (fail(im, code, &e));
}

/* One UUID behind the options. */
static int
uuid_argument(const struct imgadm *im, int argc, char **argv, const char **uuid)
{
	if (optind >= argc)
		return (applet_usage("missing the image's UUID"));
	if (optind + 1 < argc)
		return (applet_usage("unexpected argument '%s'", argv[optind + 1]));
	if (!uuid_is_valid(argv[optind]))
		return (fail_text(im, "InvalidUUID", "invalid uuid: \"%s\"", argv[optind]));
	*uuid = argv[optind];
	return (0);
}

static bool
set_pool(struct imgadm *im, const char *pool)
{
	return (snprintf(im->m.pool, sizeof(im->m.pool), "%s", pool) < (int)sizeof(im->m.pool));
}

/* --- sources ---------------------------------------------------------------------------------- */

static const char *
extra_words(const json_t *src)
{
	return (json_bool(src, "insecure", false) ? " (insecure)" : "");
}

static int
add_source(struct imgadm *im, json_t *sources, const char *type, const char *url, bool insecure,
    bool force)
{
	struct err e = ERR_INIT;
	json_t *src;

	if (imgsrc_new(type, url, insecure, &src, &e) != 0)
		return (fail(im, "ConfigError", &e));
	url = json_str(src, "url", "");
	if (json_find(sources, "url", url) >= 0) {
		(void)printf("Already have \"%s\" image source \"%s\"%s, no change\n", type, url,
		    extra_words(src));
		json_decref(src);
		return (0);
	}
	if (!force && imgsrc_ping(src, &e) != 0) {
		json_decref(src);
		return (fail(im, "SourcePing", &e));
	}
	(void)json_array_append(sources, src);
	if (imgsrc_save(&im->m, sources, &e) != 0) {
		json_decref(src);
		return (fail(im, "ConfigError", &e));
	}
	(void)printf("Added \"%s\" image source \"%s\"%s\n", type, url, extra_words(src));
	json_decref(src);
	return (0);
}

static int
delete_source(struct imgadm *im, json_t *sources, const char *url)
{
	struct err e = ERR_INIT;
	char clean[1024];
	json_int_t at;
	const char *type;

	if (imgsrc_clean_url("imgapi", url, clean, sizeof(clean), &e) != 0)
		return (fail(im, "ConfigError", &e));
	if ((at = json_find(sources, "url", clean)) < 0) {
		(void)printf("Do not have image source \"%s\", no change\n", clean);
		return (0);
	}
	type = json_str(json_array_get(sources, (size_t)at), "type", "imgapi");
	(void)printf("Deleted \"%s\" image source \"%s\"%s\n", type, clean,
	    extra_words(json_array_get(sources, (size_t)at)));
	(void)json_array_remove(sources, (size_t)at);
	return (imgsrc_save(&im->m, sources, &e) != 0 ? fail(im, "ConfigError", &e) : 0);
}

static int
list_sources(const json_t *sources, bool verbose, bool as_json)
{
	size_t i;
	json_t *src;

	if (as_json) {
		json_print(stdout, sources);
		return (0);
	}
	if (verbose && json_array_size(sources) > 0)
		(void)printf("%-40s  %-6s  %s\n", "URL", "TYPE", "INSECURE");
	json_array_foreach((json_t *)(uintptr_t)sources, i, src) {
		if (verbose)
			(void)printf("%-40s  %-6s  %s\n", json_str(src, "url", ""),
			    json_str(src, "type", ""), json_bool(src, "insecure", false) ? "true" : "false");
		else
			(void)printf("%s\n", json_str(src, "url", ""));
	}
	return (0);
}

static int
check_sources(const json_t *sources)
{
	size_t i;
	json_t *src;

	if (json_array_size(sources) > 0)
		(void)printf("%-40s  %-6s  %-5s  %s\n", "URL", "TYPE", "OK", "ERROR");
	json_array_foreach((json_t *)(uintptr_t)sources, i, src) {
		struct err e = ERR_INIT;
		bool ok = imgsrc_ping(src, &e) == 0;

		(void)printf("%-40s  %-6s  %-5s  %s\n", json_str(src, "url", ""),
		    json_str(src, "type", ""), ok ? "true" : "false", ok ? "-" : e.msg);
	}
	return (0);
}

/* "URL TYPE [insecure]", '#' comments. */
static int
parse_source_line(char *line, json_t *sources, struct err *e)
{
	char *save = NULL, *url, *type, *flag;
	json_t *src;
	int rc;

	line[strcspn(line, "#\n")] = '\0';
	if ((url = strtok_r(line, " \t", &save)) == NULL)
		return (0);
	type = strtok_r(NULL, " \t", &save);
	flag = strtok_r(NULL, " \t", &save);
	rc = imgsrc_new(type != NULL ? type : "imgapi", url, flag != NULL && strcmp(flag, "insecure") == 0,
	    &src, e);
	if (rc == 0)
		(void)json_array_append_new(sources, src);
	return (rc);
}

static int
write_sources(FILE *f, const json_t *sources)
{
	size_t i;
	json_t *src;

	(void)fprintf(f, "# Image sources, one a line: URL TYPE [insecure]\n");
	json_array_foreach((json_t *)(uintptr_t)sources, i, src)
		(void)fprintf(f, "%s %s%s\n", json_str(src, "url", ""), json_str(src, "type", ""),
		    json_bool(src, "insecure", false) ? " insecure" : "");
	return (fflush(f) == 0 ? 0 : -errno);
}

static int
run_editor(const char *path, struct err *e)
{
	const char *editor = getenv("EDITOR");
	const char *argv[] = {editor != NULL && editor[0] != '\0' ? editor : "vi", path, NULL};
	struct spawn s = SPAWN_INIT;
	int status, rc;
	pid_t pid;

	s.argv = argv;
	s.fd[0] = -2;
	if ((rc = spawn_start(&s, &pid, e)) != 0 || (rc = spawn_wait(pid, -1, &status, e)) != 0)
		return (rc);
	return (status == 0 ? 0 : err_set(e, EIO, "'%s' ended with status %d", argv[0], status));
}

static int
edit_sources(struct imgadm *im, const json_t *sources)
{
	char path[] = "/tmp/imgadm-sources-XXXXXX", line[2048];
	struct err e = ERR_INIT;
	json_t *edited = json_array();
	FILE *f;
	int fd = mkstemp(path), rc;

	if (fd < 0 || (f = fdopen(fd, "r+")) == NULL)
		return (fail_text(im, "FileSystem", "cannot create '%s'", path));
	(void)write_sources(f, sources);
	(void)fclose(f);
	rc = run_editor(path, &e);
	if (rc == 0 && (f = fopen(path, "re")) != NULL) {
		while (rc == 0 && fgets(line, sizeof(line), f) != NULL)
			rc = parse_source_line(line, edited, &e);
		(void)fclose(f);
	}
	(void)unlink(path);
	if (rc == 0 && json_equal(edited, sources))
		(void)printf("Image sources unchanged\n");
	else if (rc == 0 && (rc = imgsrc_save(&im->m, edited, &e)) == 0)
		(void)printf("Image sources changed\n");
	json_decref(edited);
	return (rc == 0 ? 0 : fail(im, "ConfigError", &e));
}

struct source_opts {
	const char *add, *del, *type;
	bool edit, check, verbose, json, insecure, force;
};

static int
parse_source_opts(int argc, char **argv, struct source_opts *o)
{
	int c, modes;

	while ((c = applet_getopt(argc, argv, "a:cd:efjkt:v")) != -1)
		switch (c) {
		case 'a': o->add = optarg; break;
		case 'c': o->check = true; break;
		case 'd': o->del = optarg; break;
		case 'e': o->edit = true; break;
		case 'f': o->force = true; break;
		case 'j': o->json = true; break;
		case 'k': o->insecure = true; break;
		case 't': o->type = optarg; break;
		case 'v': o->verbose = true; break;
		default: return (2);
		}
	modes = (o->add != NULL) + (o->del != NULL) + o->edit + o->check;
	if (modes > 1)
		return (applet_usage("only one of -a, -c, -d, -e may be given"));
	if (optind < argc)
		return (applet_usage("unexpected argument '%s'", argv[optind]));
	return (0);
}

static int
do_sources(int argc, char **argv)
{
	struct source_opts o = {.type = "imgapi"};
	struct err e = ERR_INIT;
	struct imgadm im;
	json_t *sources;
	int rc;

	imgadm_init(&im, "sources");
	if ((rc = parse_source_opts(argc, argv, &o)) != 0)
		return (rc);
	if (imgsrc_load(&im.m, &sources, &e) != 0)
		return (fail(&im, "ConfigError", &e));
	if (o.add != NULL)
		rc = add_source(&im, sources, o.type, o.add, o.insecure, o.force);
	else if (o.del != NULL)
		rc = delete_source(&im, sources, o.del);
	else if (o.edit)
		rc = edit_sources(&im, sources);
	else if (o.check)
		rc = check_sources(sources);
	else
		rc = list_sources(sources, o.verbose, o.json);
	json_decref(sources);
	return (rc);
}

/* --- listings --------------------------------------------------------------------------------- */

static int
print_listing(struct imgadm *im, json_t *entries, const struct list_opts *o)
{
	struct err e = ERR_INIT;

	if (imgadm_print_list(entries, o, &e) != 0)
		return (fail(im, "InvalidArgument", &e));
	return (0);
}

static int
do_list(int argc, char **argv)
{
	struct list_opts o;
	struct err e = ERR_INIT;
	struct imgadm im;
	json_t *images;
	int rc;

	imgadm_init(&im, "list");
	if ((rc = imgadm_list_opts(argc, argv, &o)) != 0)
		return (rc);
	if (image_list(&im.m, &images, &e) != 0)
		return (fail(&im, "InternalError", &e));
	rc = print_listing(&im, images, &o);
	json_decref(images);
	return (rc);
}

static bool
has_uuid(const json_t *entries, const char *uuid)
{
	size_t i;
	json_t *entry;

	json_array_foreach((json_t *)(uintptr_t)entries, i, entry)
		if (strcmp(json_str(json_object_get(entry, "manifest"), "uuid", ""), uuid) == 0)
			return (true);
	return (false);
}

/* The first source that has an image wins; one that fails does not stop the others. */
static int
collect_avail(struct imgadm *im, const json_t *sources, json_t *all)
{
	json_t *src, *list, *manifest;
	size_t i, k;
	int rc = 0;

	json_array_foreach((json_t *)(uintptr_t)sources, i, src) {
		struct err e = ERR_INIT;

		if (imgsrc_list(src, &list, &e) != 0) {
			rc = fail(im, "ClientError", &e);
			continue;
		}
		json_array_foreach(list, k, manifest)
			if (!has_uuid(all, json_str(manifest, "uuid", "")))
				(void)json_array_append_new(all, json_pack("{s:O, s:s}", "manifest", manifest,
				    "source", json_str(src, "url", "")));
		json_decref(list);
	}
	return (rc);
}

static int
do_avail(int argc, char **argv)
{
	struct list_opts o;
	struct err e = ERR_INIT;
	struct imgadm im;
	json_t *sources, *all = json_array();
	int rc, bad;

	imgadm_init(&im, "avail");
	if ((rc = imgadm_list_opts(argc, argv, &o)) != 0)
		return (rc);
	if (imgsrc_load(&im.m, &sources, &e) != 0)
		return (fail(&im, "ConfigError", &e));
	bad = collect_avail(&im, sources, all);
	rc = print_listing(&im, all, &o);
	json_decref(sources);
	json_decref(all);
	return (rc != 0 ? rc : bad);
}

/* --- one image -------------------------------------------------------------------------------- */

static int
do_show(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *uuid;
	struct imgadm im;
	json_t *sources, *manifest, *source;
	int rc;

	imgadm_init(&im, "show");
	if (applet_getopt(argc, argv, "") != -1)
		return (2);
	if ((rc = uuid_argument(&im, argc, argv, &uuid)) != 0)
		return (rc);
	if (imgsrc_load(&im.m, &sources, &e) != 0)
		return (fail(&im, "ConfigError", &e));
	if (imgsrc_find(&im.m, sources, uuid, &manifest, &source, &e) != 0) {
		json_decref(sources);
		return (fail(&im, "ImageNotFound", &e));
	}
	json_print(stdout, manifest);
	json_decref(manifest);
	json_decref(sources);
	return (0);
}

static int
collect_snapshot(const struct dataset_row *row, void *arg)
{
	if (strchr(row->name, '@') != NULL)
		(void)json_array_append_new(arg, json_string(row->name));
	return (0);
}

static void
add_children(struct imgadm *im, const char *uuid, json_t *entry)
{
	json_t *snaps = json_array();
	char dataset[256];

	(void)snprintf(dataset, sizeof(dataset), "%s/%s", im->m.pool, uuid);
	(void)im->m.ds->list(im->m.ds_ctx, dataset, collect_snapshot, snaps, NULL);
	(void)json_object_set_new(entry, "children", json_pack("{s:o, s:O}", "snapshots", snaps, "clones",
	    json_object_get(entry, "cloneNames")));
}

static int
do_get(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *uuid;
	struct imgadm im;
	bool children = false;
	json_t *entry;
	int c, rc;

	imgadm_init(&im, "get");
	while ((c = applet_getopt(argc, argv, "P:r")) != -1)
		if (c == 'r')
			children = true;
		else if (c != 'P' || !set_pool(&im, optarg))
			return (2);
	if ((rc = uuid_argument(&im, argc, argv, &uuid)) != 0)
		return (rc);
	if (image_get(&im.m, uuid, &entry, &e) != 0)
		return (fail(&im, e.code == ENOENT ? "ImageNotInstalled" : "InternalError", &e));
	if (children)
		add_children(&im, uuid, entry);
	(void)json_object_del(entry, "clones");
	(void)json_object_del(entry, "cloneNames");
	json_print(stdout, entry);
	json_decref(entry);
	return (0);
}

static int
do_delete(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *uuid;
	struct imgadm im;
	int c, rc;

	imgadm_init(&im, "delete");
	while ((c = applet_getopt(argc, argv, "P:")) != -1)
		if (c != 'P' || !set_pool(&im, optarg))
			return (2);
	if ((rc = uuid_argument(&im, argc, argv, &uuid)) != 0)
		return (rc);
	if ((rc = image_delete(&im.m, uuid, &e)) != 0)
		return (fail(&im, rc == -ENOENT ? "ImageNotInstalled"
		                  : rc == -EBUSY ? "ImageHasDependentClones"
		                                 : "InternalError", &e));
	(void)printf("Deleted image %s\n", uuid);
	return (0);
}

/* --- install and import ----------------------------------------------------------------------- */

static ssize_t
read_local(void *arg, void *buf, size_t len, struct err *e)
{
	ssize_t n;

	do
		n = read(*(int *)arg, buf, len);
	while (n < 0 && errno == EINTR);
	return (n >= 0 ? n : err_sys(e, errno, "cannot read the image file"));
}

/* Already there before we asked, or made by another process while we waited. */
static int
say_installed(const json_t *manifest, bool before, const char *done)
{
	const char *uuid = json_str(manifest, "uuid", "");
	char label[256];

	manifest_label(manifest, label, sizeof(label));
	if (before)
		(void)printf("Image %s (%s %s) is already installed, skipping\n", uuid,
		    json_str(manifest, "name", "-"), json_str(manifest, "version", "-"));
	else
		(void)printf("Image %s (%s) was %s while waiting on lock\n", uuid, label, done);
	return (0);
}

static int
install_failed(struct imgadm *im, const struct err *e)
{
	(void)printf("Aborting (%s)\n", e->msg);
	return (fail(im, e->code == EBADMSG    ? "DownloadError"
	                 : e->code == ENOTSUP  ? "NotSupported"
	                 : e->code == ENOLINK  ? "OriginNotInstalled"
	                 : e->code == EEXIST   ? "ImageAlreadyExists"
	                                       : "InternalError", e));
}

static int
put_image(struct imgadm *im, const json_t *manifest, const struct image_file *file, const char *source,
    const char *done)
{
	const char *uuid = json_str(manifest, "uuid", "");
	struct err e = ERR_INIT;
	char label[256];
	int rc = image_install(&im->m, manifest, file, source, &e);

	if (rc == -EEXIST && e.code == 0)
		return (say_installed(manifest, false, done));
	if (rc != 0)
		return (install_failed(im, &e));
	manifest_label(manifest, label, sizeof(label));
	(void)printf("%c%s image %s (%s)\n", done[0] - 'a' + 'A', done + 1, uuid, label);
	return (0);
}

static int
load_manifest(struct imgadm *im, const char *path, json_t **out)
{
	struct err e = ERR_INIT;
	json_t *raw;

	if (json_parse_file(path, &raw, &e) != 0)
		return (fail(im, e.code == ENOENT ? "FileSystem" : "InvalidManifest", &e));
	if (manifest_normalize(raw, out, &e) != 0) {
		json_decref(raw);
		return (fail(im, "InvalidManifest", &e));
	}
	json_decref(raw);
	return (0);
}

static int
install_file(struct imgadm *im, const json_t *manifest, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct image_file file = {read_local, &fd};
	struct err e = ERR_INIT;
	char label[256];
	bool there = false;

	if (fd < 0) {
		(void)err_sys(&e, errno, "%s", path);
		return (fail(im, "FileSystem", &e));
	}
	if (image_is_installed(&im->m, json_str(manifest, "uuid", ""), &there, &e) != 0)
		rc = fail(im, "InternalError", &e);
	else if (there)
		rc = say_installed(manifest, true, NULL);
	else {
		manifest_label(manifest, label, sizeof(label));
		machine_say(&im->m, "Installing image %s (%s)", json_str(manifest, "uuid", ""), label);
		rc = put_image(im, manifest, &file, NULL, "installed");
	}
	(void)close(fd);
	return (rc);
}

static int
do_install(int argc, char **argv)
{
	const char *manifest_path = NULL, *file = NULL;
	struct imgadm im;
	json_t *manifest;
	int c, rc;

	imgadm_init(&im, "install");
	while ((c = applet_getopt(argc, argv, "f:m:P:q")) != -1)
		switch (c) {
		case 'f': file = optarg; break;
		case 'm': manifest_path = optarg; break;
		case 'q': im.m.quiet = true; break;
		case 'P':
			if (set_pool(&im, optarg))
				break;
			/* FALLTHROUGH */
		default: return (2);
		}
	if (manifest_path == NULL || file == NULL)
		return (applet_usage("-m MANIFEST and -f FILE are both needed"));
	if ((rc = load_manifest(&im, manifest_path, &manifest)) != 0)
		return (rc);
	rc = install_file(&im, manifest, file);
	json_decref(manifest);
	return (rc);
}

static void
human_size(char *buf, size_t size, json_int_t bytes)
{
	(void)snprintf(buf, size, "%.1f MiB", (double)bytes / (1 << 20));
}

static int
import_from(struct imgadm *im, const json_t *manifest, const json_t *source)
{
	const char *uuid = json_str(manifest, "uuid", ""), *url = json_str(source, "url", "");
	struct imgsrc_stream *stream;
	struct err e = ERR_INIT;
	char label[256], size[32];
	int rc;

	manifest_label(manifest, label, sizeof(label));
	machine_say(&im->m, "Importing %s (%s) from \"%s\"", uuid, label, url);
	human_size(size, sizeof(size), manifest_size(manifest));
	machine_say(&im->m, "Must download and install 1 image (%s)", size);
	if (imgsrc_open(source, manifest, &stream, &e) != 0)
		return (fail(im, "DownloadError", &e));
	rc = put_image(im, manifest, &(struct image_file){imgsrc_read, stream}, url, "imported");
	imgsrc_close(stream);
	return (rc);
}

static int
import_uuid(struct imgadm *im, const json_t *sources, const char *uuid)
{
	json_t *manifest, *source, *entry;
	struct err e = ERR_INIT;
	int rc;

	if (image_get(&im->m, uuid, &entry, NULL) == 0) {
		rc = say_installed(json_object_get(entry, "manifest"), true, NULL);
		json_decref(entry);
		return (rc);
	}
	if (imgsrc_find(&im->m, sources, uuid, &manifest, &source, &e) != 0)
		return (fail(im, "ActiveImageNotFound", &e));
	rc = import_from(im, manifest, source);
	json_decref(manifest);
	return (rc);
}

static int
do_import(int argc, char **argv)
{
	json_t *sources = NULL, *given = json_array(), *src;
	struct err e = ERR_INIT;
	const char *uuid;
	struct imgadm im;
	int c, rc;

	imgadm_init(&im, "import");
	while ((c = applet_getopt(argc, argv, "P:qS:")) != -1)
		if (c == 'q')
			im.m.quiet = true;
		else if (c == 'S') {
			if (imgsrc_new("imgapi", optarg, false, &src, &e) != 0)
				return (fail(&im, "ConfigError", &e));
			(void)json_array_append_new(given, src);
		} else if (c != 'P' || !set_pool(&im, optarg))
			return (2);
	if ((rc = uuid_argument(&im, argc, argv, &uuid)) != 0)
		return (rc);
	if (json_array_size(given) > 0)
		sources = json_incref(given);
	else if (imgsrc_load(&im.m, &sources, &e) != 0)
		return (fail(&im, "ConfigError", &e));
	rc = json_array_size(sources) == 0
	         ? fail_text(&im, "NoSources", "no image sources, see %s", "imgadm sources -a")
	         : import_uuid(&im, sources, uuid);
	json_decref(sources);
	json_decref(given);
	return (rc);
}

/* --- update ----------------------------------------------------------------------------------- */

/* Count and name the members that differ. */
static int
changed_fields(const json_t *old, const json_t *new, char *names, size_t size)
{
	size_t len = 0;
	const char *key;
	json_t *v;
	int n = 0;

	json_object_foreach((json_t *)(uintptr_t)new, key, v)
		if (!json_equal(v, json_object_get(old, key)) && len < size)
			len += (size_t)snprintf(names + len, size - len, "%s%s", n++ > 0 ? ", " : "", key);
	return (n);
}

static int
update_image(struct imgadm *im, const json_t *sources, const json_t *entry, bool dry)
{
	const json_t *old = json_object_get(entry, "manifest");
	const char *uuid = json_str(old, "uuid", "");
	json_t *manifest, *source;
	struct err e = ERR_INIT;
	char names[512] = "";
	int n;

	if (imgsrc_find(&im->m, sources, uuid, &manifest, &source, &e) != 0) {
		machine_say(&im->m, "warning: Could not find image %s in image sources (skipping)", uuid);
		return (0);
	}
	n = changed_fields(old, manifest, names, sizeof(names));
	if (n > 0 && !dry && image_set_manifest(&im->m, manifest, json_str(source, "url", NULL), &e) != 0) {
		json_decref(manifest);
		return (fail(im, "FileSystem", &e));
	}
	if (n > 0 && json_object_get(old, "name") == NULL)
		(void)printf("Added manifest info for image %s from \"%s\"\n", uuid,
		    json_str(source, "url", ""));
	else if (n > 0)
		(void)printf("Updated %d manifest field%s for image %s from \"%s\": %s\n", n,
		    n == 1 ? "" : "s", uuid, json_str(source, "url", ""), names);
	json_decref(manifest);
	return (0);
}

static int
do_update(int argc, char **argv)
{
	json_t *sources, *images, *entry;
	struct err e = ERR_INIT;
	struct imgadm im;
	bool dry = false;
	size_t i;
	int c, rc = 0;

	imgadm_init(&im, "update");
	while ((c = applet_getopt(argc, argv, "n")) != -1)
		if (c != 'n')
			return (2);
		else
			dry = true;
	if (imgsrc_load(&im.m, &sources, &e) != 0)
		return (fail(&im, "ConfigError", &e));
	if (image_list(&im.m, &images, &e) != 0) {
		json_decref(sources);
		return (fail(&im, "InternalError", &e));
	}
	json_array_foreach(images, i, entry) {
		const char *uuid = json_str(json_object_get(entry, "manifest"), "uuid", "");
		bool wanted = optind == argc;

		for (int k = optind; k < argc; k++)
			wanted |= strcmp(argv[k], uuid) == 0;
		if (wanted)
			rc |= update_image(&im, sources, entry, dry);
	}
	json_decref(images);
	json_decref(sources);
	return (rc);
}

static int
do_create(int argc, char **argv)
{
	struct imgadm im;

	imgadm_init(&im, "create");
	return (imgadm_create(&im.m, argc, argv));
}

/* --- commands --------------------------------------------------------------------------------- */

#define LIST_ARGS "[-H] [-j] [-o FIELD,...] [-s FIELD,...] [FIELD=VALUE]..."

static const struct subcmd commands[] = {
    {"sources", do_sources, "[-v] [-j] | -a URL [-t TYPE] [-k] [-f] | -d URL | -e | -c",
    "list, add, delete, edit or check image sources"},
    {"avail", do_avail, LIST_ARGS, "list the images of all sources"},
    {"list", do_list, LIST_ARGS, "list installed images"},
    {"show", do_show, "UUID", "the manifest of an image in the sources"},
    {"get", do_get, "[-r] [-P POOL] UUID", "an installed image; -r with snapshots and clones"},
    {"import", do_import, "[-q] [-P POOL] [-S URL]... UUID", "download and install an image"},
    {"install", do_install, "[-q] [-P POOL] -m MANIFEST -f FILE", "install an image from files"},
    {"create", do_create, "[-i] [-q] [-c none|gzip|bzip2] [--max-origin-depth N] [-m MANIFEST] [-o PATH] UUID [FIELD=VALUE]...",
    "make an image of a stopped machine"},
    {"delete", do_delete, "[-P POOL] UUID", "remove an image"},
    {"update", do_update, "[-n] [UUID]...", "refresh the manifests of installed images"},
    {"available", do_avail, LIST_ARGS, "same as avail"},
    {"info", do_get, "[-r] [-P POOL] UUID", "same as get"},
    {"destroy", do_delete, "[-P POOL] UUID", "same as delete"},
    {NULL, NULL, NULL, NULL},
};

static int
imgadm_main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)puts("imgadm 3.9.0 (smartbox)");
		return (0);
	}
	return (subcmd_run(commands, argc, argv));
}
