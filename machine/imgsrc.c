/* SPDX-License-Identifier: MIT */
/*
 * Image sources.
 *
 * <var>/imgadm/imgadm.conf is a JSON object; its "sources" array is ours, everything else in it is
 * kept as it was.  No file or no array means the default source; an empty array means none.
 *
 * What a server sends is checked like a file: a manifest that does not validate is no manifest.
 * Answers are bounded (an array of manifests by JSON_MAX_BYTES).
 */
#include "smartbox/machine/imgsrc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/file.h"
#include "smartbox/core/json.h"
#include "smartbox/machine/http.h"
#include "smartbox/machine/manifest.h"

#define URL_MAX 1024

/* --- configuration ---------------------------------------------------------------------------- */

static void
conf_path(const struct machine *m, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/imgadm/imgadm.conf", m->var);
}

static int
conf_load(const struct machine *m, json_t **out, struct err *e)
{
	char path[PATH_MAX];
	json_t *conf;
	int rc;

	conf_path(m, path, sizeof(path));
	if ((rc = json_parse_file(path, &conf, e)) == -ENOENT) {
		conf = json_object();
		rc = 0;
	}
	if (rc == 0 && !json_is_object(conf)) {
		json_decref(conf);
		rc = err_set(e, EINVAL, "%s: not an object", path);
	}
	if (rc == 0)
		*out = conf;
	return (rc);
}

int
imgsrc_load(const struct machine *m, json_t **out, struct err *e)
{
	json_t *conf, *sources;
	int rc = conf_load(m, &conf, e);

	if (rc != 0)
		return (rc);
	sources = json_object_get(conf, "sources");
	*out = json_is_array(sources)
	           ? json_deep_copy(sources)
	           : json_pack("[{s:s, s:s}]", "type", "imgapi", "url", IMGSRC_DEFAULT_URL);
	json_decref(conf);
	return (*out != NULL ? 0 : err_set(e, ENOMEM, "out of memory"));
}

int
imgsrc_save(const struct machine *m, const json_t *sources, struct err *e)
{
	char path[PATH_MAX], dir[PATH_MAX];
	json_t *conf;
	int rc;

	if ((rc = conf_load(m, &conf, e)) != 0)
		return (rc);
	(void)json_object_set(conf, "sources", (json_t *)(uintptr_t)sources);
	(void)snprintf(dir, sizeof(dir), "%s/imgadm", m->var);
	conf_path(m, path, sizeof(path));
	if ((rc = file_mkdirs(dir, 0755, e)) == 0)
		rc = json_save_file(path, conf, 0644, e);
	json_decref(conf);
	return (rc);
}

static void
drop_suffix(char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	if (n > k && strcmp(s + n - k, suffix) == 0)
		s[n - k] = '\0';
}

/* The port is at the end only of a URL without a path. */
static void
drop_default_port(char *url)
{
	if (strchr(strstr(url, "://") + 3, '/') != NULL)
		return;
	drop_suffix(url, strncmp(url, "https:", 6) == 0 ? ":443" : ":80");
}

int
imgsrc_clean_url(const char *type, const char *in, char *out, size_t size, struct err *e)
{
	int n = snprintf(out, size, "%s%s", strstr(in, "://") != NULL ? "" : "http://", in);

	if (n < 0 || (size_t)n >= size)
		return (err_set(e, EINVAL, "source URL is too long"));
	if (strncmp(out, "http://", 7) != 0 && strncmp(out, "https://", 8) != 0 &&
	    strncmp(out, "file://", 7) != 0)
		return (err_set(e, EINVAL, "source URL \"%s\": only http, https and file", in));
	while (n > 0 && out[n - 1] == '/')
		out[--n] = '\0';
	drop_default_port(out);
	n = (int)strlen(out);
	if (strcmp(type, "dsapi") == 0 && (n < 9 || strcmp(out + n - 9, "/datasets") != 0))
		return (err_set(e, EINVAL,
		    "\"dsapi\" source URL must end in \"/datasets\": \"%s\"", out));
	return (0);
}

int
imgsrc_new(const char *type, const char *url, bool insecure, json_t **out, struct err *e)
{
	char clean[URL_MAX];
	int rc;

	if (strcmp(type, "imgapi") != 0 && strcmp(type, "dsapi") != 0)
		return (err_set(e, EINVAL, "unknown source type \"%s\", allowed are imgapi, dsapi",
		    type));
	if ((rc = imgsrc_clean_url(type, url, clean, sizeof(clean), e)) != 0)
		return (rc);
	*out = json_pack("{s:s, s:s}", "type", type, "url", clean);
	if (insecure)
		(void)json_object_set_new(*out, "insecure", json_true());
	return (*out != NULL ? 0 : err_set(e, ENOMEM, "out of memory"));
}

/* --- requests --------------------------------------------------------------------------------- */

static bool
is_dsapi(const json_t *source)
{
	return (strcmp(json_str(source, "type", ""), "dsapi") == 0);
}

static bool
is_insecure(const json_t *source)
{
	const char *env = getenv("IMGADM_INSECURE");

	return (json_bool(source, "insecure", false) || (env != NULL && strcmp(env, "1") == 0));
}

/*
 * BASE/PATH; a "?channel=..." of the base goes behind the path.
 */
static int
make_url(const json_t *source, const char *path, char *buf, size_t size, struct err *e)
{
	const char *base = json_str(source, "url", ""), *query = strchr(base, '?');
	int len = query != NULL ? (int)(query - base) : (int)strlen(base);
	int n = snprintf(buf, size, "%.*s%s%s", len, base, path, query != NULL ? query : "");

	if (n < 0 || (size_t)n >= size)
		return (err_set(e, EINVAL, "URL is too long"));
	return (0);
}

static int
get_json(const json_t *source, const char *path, json_t **out, struct err *e)
{
	char url[2 * URL_MAX];
	char *body = NULL;
	size_t len;
	int rc;

	if ((rc = make_url(source, path, url, sizeof(url), e)) != 0)
		return (rc);
	if ((rc = http_get(url, is_insecure(source), JSON_MAX_BYTES, &body, &len, e)) != 0)
		return (rc);
	rc = json_parse(url, body, len, out, e);
	free(body);
	return (rc);
}

int
imgsrc_ping(const json_t *source, struct err *e)
{
	json_t *answer = NULL;
	int rc;

	/* dsapi's /ping is beside /datasets; its listing is as good a sign of life. */
	rc = get_json(source, is_dsapi(source) ? "" : "/ping", &answer, e);
	if (rc == 0 && !is_dsapi(source) && !json_bool(answer, "imgapi", false))
		rc = err_set(e, EPROTO, "%s is not an IMGAPI: its ping has no \"imgapi\": true",
		    json_str(source, "url", ""));
	json_decref(answer);
	return (rc);
}

int
imgsrc_list(const json_t *source, json_t **out, struct err *e)
{
	json_t *answer = NULL, *list, *item, *manifest;
	size_t i;
	int rc = get_json(source, is_dsapi(source) ? "" : "/images", &answer, e);

	if (rc == 0 && !json_is_array(answer))
		rc = err_set(e, EPROTO, "%s: the list of images is no array",
		    json_str(source, "url", ""));
	if (rc == 0) {
		list = json_array();
		json_array_foreach(answer, i, item)
			if (manifest_normalize(item, &manifest, NULL) == 0)
				(void)json_array_append_new(list, manifest);
		*out = list;
	}
	json_decref(answer);
	return (rc);
}

int
imgsrc_get(const json_t *source, const char *uuid, json_t **out, struct err *e)
{
	json_t *answer = NULL;
	char path[64];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", is_dsapi(source) ? "" : "/images", uuid);
	if ((rc = get_json(source, path, &answer, e)) == 0)
		rc = manifest_normalize(answer, out, e);
	if (rc == 0 && strcmp(json_str(*out, "uuid", ""), uuid) != 0) {
		json_decref(*out);
		rc = err_set(e, EPROTO, "%s answered with another image",
		    json_str(source, "url", ""));
	}
	json_decref(answer);
	return (rc);
}

int
imgsrc_find(const struct machine *m, const json_t *sources, const char *uuid, json_t **manifest,
    json_t **source, struct err *e)
{
	json_t *src;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)sources, i, src) {
		struct err why = ERR_INIT;
		int rc = imgsrc_get(src, uuid, manifest, &why);

		if (rc == 0 && strcmp(json_str(*manifest, "state", "active"), "active") == 0) {
			*source = src;
			return (0);
		}
		if (rc == 0)
			json_decref(*manifest);
		else if (rc != -ENOENT)
			machine_say(m, "warning: %s", why.msg);
	}
	return (err_set(e, ENOENT, "image \"%s\" was not found in image sources", uuid));
}

/* --- files ------------------------------------------------------------------------------------ */

struct imgsrc_stream {
	struct http *http;
};

int
imgsrc_open(const json_t *source, const json_t *manifest, struct imgsrc_stream **out, struct err *e)
{
	const char *uuid = json_str(manifest, "uuid", "");
	char path[64], url[2 * URL_MAX];
	struct imgsrc_stream *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	(void)snprintf(path, sizeof(path), "%s/%s/file", is_dsapi(source) ? "" : "/images", uuid);
	if ((rc = make_url(source, path, url, sizeof(url), e)) == 0)
		rc = http_open(url, is_insecure(source), &s->http, e);
	if (rc == 0 && manifest_size(manifest) >= 0 && http_length(s->http) >= 0 &&
	    http_length(s->http) != manifest_size(manifest))
		rc = err_set(e, EBADMSG, "%s: Content-Length is %lld, the manifest says %lld", url,
		    (long long)http_length(s->http), (long long)manifest_size(manifest));
	if (rc != 0) {
		imgsrc_close(s);
		return (rc);
	}
	*out = s;
	return (0);
}

ssize_t
imgsrc_read(void *stream, void *buf, size_t len, struct err *e)
{
	struct imgsrc_stream *s = stream;

	return (http_read(s->http, buf, len, e));
}

void
imgsrc_close(struct imgsrc_stream *s)
{
	if (s == NULL)
		return;
	http_close(s->http);
	free(s);
}
