/* SPDX-License-Identifier: MIT */
/*
 * Pulled transfers on libcurl's multi interface.
 *
 * curl pushes, callers here pull.  Between the two stands one chunk: curl's write callback copies
 * what arrived into `chunk` when that is empty and asks for a pause otherwise; http_read takes from
 * the chunk, lifts the pause and lets curl run.  So at most one of curl's buffers (16 KiB) is held,
 * however slow the reader is, and TCP slows the server down.
 */
#include "smartbox/machine/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/json.h"

struct http {
	CURLM *multi;
	CURL *easy;
	char *chunk;
	size_t len;
	size_t pos;
	bool paused;
	bool done;
	CURLcode result;
	char error[CURL_ERROR_SIZE];
};

static size_t
on_data(char *data, size_t one, size_t n, void *arg)
{
	struct http *h = arg;

	(void)one;
	if (h->pos < h->len) {
		h->paused = true;
		return (CURL_WRITEFUNC_PAUSE);
	}
	free(h->chunk);
	h->pos = h->len = 0;
	if ((h->chunk = malloc(n > 0 ? n : 1)) == NULL)
		return (CURL_WRITEFUNC_ERROR);
	memcpy(h->chunk, data, n);
	h->len = n;
	return (n);
}

static int
set_options(struct http *h, const char *url, bool insecure)
{
	CURL *c = h->easy;
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(c, CURLOPT_URL, url);
	rc |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
	rc |= curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	rc |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	rc |= curl_easy_setopt(c, CURLOPT_MAXREDIRS, 5L);
	rc |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	rc |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 30L);
	rc |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	rc |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, 60L);
	rc |= curl_easy_setopt(c, CURLOPT_USERAGENT, "imgadm (smartbox)");
	rc |= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error);
	rc |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	rc |= curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	if (insecure) {
		rc |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		rc |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return (rc == CURLE_OK ? 0 : -EINVAL);
}

static int
transfer_error(const struct http *h, struct err *e)
{
	const char *url = "";

	(void)curl_easy_getinfo(h->easy, CURLINFO_EFFECTIVE_URL, &url);
	return (err_set(e, h->result == CURLE_FILE_COULDNT_READ_FILE ? ENOENT : EIO, "%s: %s", url,
	    h->error[0] != '\0' ? h->error : curl_easy_strerror(h->result)));
}

static void
take_result(struct http *h)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left)) != NULL)
		if (msg->msg == CURLMSG_DONE) {
			h->done = true;
			h->result = msg->data.result;
		}
}

/* Run until there are bytes or the transfer is over. */
static int
pump(struct http *h, struct err *e)
{
	int running;

	while (h->pos == h->len && !h->done) {
		if (h->paused) {
			h->paused = false;
			(void)curl_easy_pause(h->easy, CURLPAUSE_CONT);
			if (h->pos < h->len)
				break;
		}
		if (curl_multi_perform(h->multi, &running) != CURLM_OK)
			return (err_set(e, EIO, "the transfer library failed"));
		take_result(h);
		if (h->pos == h->len && !h->done)
			(void)curl_multi_poll(h->multi, NULL, 0, 1000, NULL);
	}
	return (h->done && h->result != CURLE_OK && h->pos == h->len ? transfer_error(h, e) : 0);
}

static int
slurp(struct http *h, size_t max, struct buf *b, struct err *e)
{
	char part[16384];
	ssize_t n;

	while ((n = http_read(h, part, sizeof(part), e)) > 0) {
		if (b->len + (size_t)n > max)
			return (err_set(e, EFBIG, "the answer is larger than %zu bytes", max));
		buf_add(b, part, (size_t)n);
	}
	return (buf_failed(b) ? err_set(e, ENOMEM, "out of memory") : (int)n);
}

/* IMGAPI's error bodies are {code, message}. */
static int
status_error(struct http *h, long status, const char *url, struct err *e)
{
	struct buf b = BUF_INIT;
	json_t *j = NULL;
	int rc;

	if (slurp(h, 65536, &b, NULL) == 0 && b.data != NULL &&
	    json_parse("answer", b.data, b.len, &j, NULL) == 0 && json_is_object(j))
		rc = err_set(e, status == 404 ? ENOENT : EIO, "%s: %s (HTTP status %ld, %s)", url,
		    json_str(j, "message", "error"), status, json_str(j, "code", "no code"));
	else
		rc = err_set(e, status == 404 ? ENOENT : EIO, "%s: HTTP status %ld", url, status);
	json_decref(j);
	buf_free(&b);
	return (rc);
}

int
http_open(const char *url, bool insecure, struct http **out, struct err *e)
{
	struct http *h = calloc(1, sizeof(*h));
	long status = 0;
	int rc;

	if (h == NULL)
		return (err_set(e, ENOMEM, "out of memory"));
	h->multi = curl_multi_init();
	h->easy = curl_easy_init();
	if (h->multi == NULL || h->easy == NULL || set_options(h, url, insecure) != 0 ||
	    curl_multi_add_handle(h->multi, h->easy) != CURLM_OK) {
		rc = err_set(e, ENOMEM, "cannot start the transfer library");
		goto fail;
	}
	if ((rc = pump(h, e)) != 0)
		goto fail;
	(void)curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 300) {
		rc = status_error(h, status, url, e);
		goto fail;
	}
	*out = h;
	return (0);
fail:
	http_close(h);
	return (rc);
}

int64_t
http_length(const struct http *h)
{
	curl_off_t n = -1;

	(void)curl_easy_getinfo(h->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n);
	return (n);
}

ssize_t
http_read(struct http *h, void *buf, size_t len, struct err *e)
{
	size_t n;
	int rc;

	if ((rc = pump(h, e)) != 0)
		return (rc);
	n = h->len - h->pos < len ? h->len - h->pos : len;
	if (n > 0)
		memcpy(buf, h->chunk + h->pos, n);
	h->pos += n;
	return ((ssize_t)n);
}

void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	if (h->multi != NULL && h->easy != NULL)
		(void)curl_multi_remove_handle(h->multi, h->easy);
	curl_easy_cleanup(h->easy);
	if (h->multi != NULL)
		(void)curl_multi_cleanup(h->multi);
	free(h->chunk);
	free(h);
}

int
http_get(const char *url, bool insecure, size_t max, char **body, size_t *len, struct err *e)
{
	struct buf b = BUF_INIT;
	struct http *h;
	int rc;

	if ((rc = http_open(url, insecure, &h, e)) != 0)
		return (rc);
	rc = slurp(h, max, &b, e);
	http_close(h);
	if (rc != 0) {
		buf_free(&b);
		return (rc);
	}
	buf_add(&b, "", 0);
	*len = b.len;
	*body = buf_take(&b);
	return (*body != NULL ? 0 : err_set(e, ENOMEM, "out of memory"));
}
