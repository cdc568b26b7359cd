/* SPDX-License-Identifier: MIT */
/* Calling the poold of a pool; see the header for the contract. */
#include "smartbox/fs/client.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool_wire.h"
#include "smartbox/core/buf.h"
#include "smartbox/fs/dsl.h"
#include "smartbox/fs/names.h"
#include "smartbox/fs/poolops.h"

enum { ASK_MAX = 4 };

static int
connect_alive(const char *pool, struct err *e)
{
	int fd = wire_connect(pool, e);

	if (fd != -ECONNREFUSED || pool_restart(pool, e) != 0)
		return (fd);
	return (wire_connect(pool, e));
}

struct listener {
	pool_tell_fn *tell; /* NULL: there are no messages before the answer */
	void *arg;
	int *got; /* a descriptor that comes with the answer, or -1; NULL: none is expected */
};

/* The answer, and what comes before it. */
static int
await_answer(int fd, const struct listener *l, struct nvlist **answer, struct err *e)
{
	int rc;

	if (l != NULL && l->got != NULL)
		return (wire_recv_fd(fd, WIRE_ANSWER_MAX, answer, l->got, e));
	while ((rc = wire_recv(fd, WIRE_ANSWER_MAX, answer, e)) == 0 && !nv_has(*answer, "rc")) {
		if (l != NULL && l->tell != NULL)
			l->tell(l->arg, *answer);
		nv_free(*answer);
		*answer = NULL;
	}
	return (rc);
}

static int
exchange(int fd, const char *op, const struct nvlist *args, int passed, const struct listener *l,
    struct nvlist **out, struct err *e)
{
	struct nvlist *request = args != NULL ? nv_dup(args) : nv_new(), *answer = NULL;
	int rc;

	if (request == NULL || nv_add_str(request, "op", op) != 0) {
		nv_free(request);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	rc = wire_send_fd(fd, request, passed, e);
	nv_free(request);
	if (rc == 0)
		rc = await_answer(fd, l, &answer, e);
	if (rc == -EPIPE)
		return (err_set(e, EPIPE, "the pool's server died before it answered"));
	if (rc != 0)
		return (rc);
	rc = wire_result(answer, out, e);
	nv_free(answer);
	return (rc);
}

/* A server that dies has a successor: what only looks is asked again, what changes might be done twice. */
static int
call(const char *dataset, const char *op, const struct nvlist *args, int passed,
    const struct listener *l, struct nvlist **out, struct err *e)
{
	char pool[DSL_NAME_MAX];
	int fd, rc;

	if (out != NULL)
		*out = NULL;
	if ((size_t)snprintf(pool, sizeof(pool), "%.*s", (int)name_pool_length(dataset), dataset) >=
	    sizeof(pool))
		return (err_set(e, ENAMETOOLONG, "name is too long"));
	for (int asked = 1;; asked++) {
		if ((fd = connect_alive(pool, e)) < 0)
			return (fd);
		rc = exchange(fd, op, args, passed, l, out, e);
		(void)close(fd);
		if ((rc != -EPIPE && rc != -ECONNRESET) || l != NULL || poolops_changes(op) != 0 ||
		    asked == ASK_MAX)
			return (rc);
		if (e != NULL)
			*e = (struct err)ERR_INIT;
	}
}

int
pool_call(const char *dataset, const char *op, const struct nvlist *args, struct nvlist **out,
    struct err *e)
{
	return (call(dataset, op, args, -1, NULL, out, e));
}

int
pool_stream(const char *dataset, const char *op, const struct nvlist *args, int fd,
    pool_tell_fn *tell, void *arg, struct nvlist **out, struct err *e)
{
	struct listener l = {tell, arg, NULL};

	return (call(dataset, op, args, fd, &l, out, e));
}

bool
pool_is_imported(const char *name)
{
	char path[256];

	return (wire_path(path, sizeof(path), name, ".sock", NULL) == 0 && access(path, F_OK) == 0);
}

static bool
is_socket_name(const char *file, size_t *stem)
{
	size_t n = strlen(file);

	*stem = n - 5;
	return (n > 5 && strcmp(file + n - 5, ".sock") == 0);
}

static int
compare_strings(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

/* Texts one after the other in b, n of them: an array that frees with one free(). */
static char **
one_block(const struct buf *b, size_t n)
{
	char **v = malloc((n + 1) * sizeof(*v) + b->len), *text;

	if (v == NULL)
		return (NULL);
	text = (char *)(v + n + 1);
	if (b->len != 0)
		memcpy(text, b->data, b->len);
	for (size_t i = 0; i < n; i++, text += strlen(text) + 1)
		v[i] = text;
	v[n] = NULL;
	qsort(v, n, sizeof(*v), compare_strings);
	return (v);
}

int
pool_names(char ***names, struct err *e)
{
	struct buf b = BUF_INIT;
	struct dirent *de;
	size_t n = 0, stem;
	char dir[256];
	DIR *d;
	int rc;

	if ((rc = wire_dir(dir, sizeof(dir), e)) != 0)
		return (rc);
	d = opendir(dir);
	while (d != NULL && (de = readdir(d)) != NULL) {
		if (!is_socket_name(de->d_name, &stem))
			continue;
		buf_add(&b, de->d_name, stem);
		buf_add(&b, "", 1);
		n++;
	}
	if (d != NULL)
		(void)closedir(d);
	*names = buf_failed(&b) ? NULL : one_block(&b, n);
	buf_free(&b);
	return (*names == NULL ? err_set(e, ENOMEM, "out of memory") : 0);
}

/*
 * Building arguments: a failed addition is remembered, so that a shorthand reads like the request
 * it makes.
 */
struct args {
	struct nvlist *nv;
	bool failed;
};

static struct args
args_new(const char *key, const char *value)
{
	struct args a = {nv_new(), false};

	a.failed = a.nv == NULL || nv_add_str(a.nv, key, value) != 0;
	return (a);
}

static void
args_str(struct args *a, const char *key, const char *value)
{
	a->failed = a->failed || nv_add_str(a->nv, key, value) != 0;
}

static void
args_flag(struct args *a, const char *key, bool set)
{
	if (set)
		a->failed = a->failed || nv_add_boolean(a->nv, key) != 0;
}

static void
args_props(struct args *a, const struct nvlist *props)
{
	if (props != NULL)
		a->failed = a->failed || nv_add_nvlist(a->nv, "props", props) != 0;
}

/* Something that worked but for the mounting is a failure to a caller that wants the files. */
static int
args_call(struct args *a, const char *dataset, const char *op, struct err *e)
{
	struct nvlist *out = NULL;
	int rc = a->failed ? err_set(e, ENOMEM, "out of memory") :
	    pool_call(dataset, op, a->nv, &out, e);

	if (rc == 0 && nv_has(out, "not_mounted"))
		rc = err_set(e, EIO, "%s", nv_str_or(out, "not_mounted", ""));
	nv_free(out);
	nv_free(a->nv);
	return (rc);
}

int
fs_create(const char *name, const struct nvlist *props, bool parents, struct err *e)
{
	struct args a = args_new("name", name);

	args_props(&a, props);
	args_flag(&a, "parents", parents);
	return (args_call(&a, name, "fs.create", e));
}

int
fs_create_volume(const char *name, uint64_t bytes, bool sparse, const struct nvlist *props,
    struct err *e)
{
	struct args a = args_new("name", name);

	args_props(&a, props);
	args_flag(&a, "sparse", sparse);
	a.failed = a.failed || nv_add_u64(a.nv, "volsize", bytes) != 0;
	return (args_call(&a, name, "fs.create", e));
}

int
fs_destroy(const char *name, bool recursive, struct err *e)
{
	const char *at = strchr(name, '@');
	char fs[DSL_NAME_MAX];
	struct args a;

	if (at == NULL) {
		a = args_new("name", name);
		args_flag(&a, "recursive", recursive);
		return (args_call(&a, name, "fs.destroy", e));
	}
	(void)snprintf(fs, sizeof(fs), "%.*s", (int)(at - name), name);
	a = args_new("name", fs);
	args_str(&a, "snaps", at + 1);
	args_flag(&a, "recursive", recursive);
	return (args_call(&a, fs, "fs.destroy_snaps", e));
}

int
fs_snapshot(const char *const *names, size_t n, const struct nvlist *props, struct err *e)
{
	struct args a = {nv_new(), false};

	if (n == 0)
		return (err_set(e, EINVAL, "no snapshot named"));
	a.failed = a.nv == NULL || nv_add_str_array(a.nv, "names", names, n) != 0;
	args_props(&a, props);
	return (args_call(&a, names[0], "fs.snapshot", e));
}

int
fs_clone(const char *snapshot, const char *name, const struct nvlist *props, struct err *e)
{
	struct args a = args_new("origin", snapshot);

	args_str(&a, "name", name);
	args_props(&a, props);
	return (args_call(&a, name, "fs.clone", e));
}

int
fs_rollback(const char *snapshot, bool destroy_newer, struct err *e)
{
	struct args a = args_new("name", snapshot);

	args_flag(&a, "recursive", destroy_newer);
	return (args_call(&a, snapshot, "fs.rollback", e));
}

int
fs_rename(const char *from, const char *to, struct err *e)
{
	struct args a = args_new("from", from);

	args_str(&a, "to", to);
	return (args_call(&a, from, "fs.rename", e));
}

/* One row, one column of fs.list. */
static int
get_cell(const char *name, const char *prop, struct nvlist **out, const char **cell, struct err *e)
{
	struct args a = {nv_new(), false};
	const void *rows;
	size_t len;
	int rc;

	*out = NULL;
	a.failed = a.nv == NULL || nv_add_str_array(a.nv, "columns", &prop, 1) != 0 ||
	    nv_add_str_array(a.nv, "roots", &name, 1) != 0 || nv_add_u64(a.nv, "depth", 0) != 0;
	args_flag(&a, "raw", true);
	rc = a.failed ? err_set(e, ENOMEM, "out of memory") :
	    pool_call(name, "fs.list", a.nv, out, e);
	nv_free(a.nv);
	if (rc != 0)
		return (rc);
	if (nv_get_bytes(*out, "rows", &rows, &len) != 0 || len < 2)
		return (err_set(e, ENOENT, "dataset does not exist"));
	*cell = (const char *)rows + 1; /* behind the type letter */
	return (0);
}

int
fs_exists(const char *name, bool *exists, struct err *e)
{
	struct nvlist *out;
	const char *cell;
	int rc = get_cell(name, "name", &out, &cell, e);

	nv_free(out);
	if (rc != 0 && rc != -ENOENT)
		return (rc);
	*exists = rc == 0;
	return (0);
}

int
fs_get(const char *name, const char *prop, char *buf, size_t size, struct err *e)
{
	struct nvlist *out;
	const char *cell;
	int rc = get_cell(name, prop, &out, &cell, e);

	if (rc == 0 && strcmp(cell, "\1") == 0)
		rc = err_set(e, ENODATA, "'%s' has no property '%s'", name, prop);
	else if (rc == 0 && (size_t)snprintf(buf, size, "%s", cell) >= size)
		rc = err_set(e, EOVERFLOW, "property '%s' of '%s' is too long", prop, name);
	nv_free(out);
	return (rc);
}

int
fs_set(const char *name, const char *prop, const char *value, struct err *e)
{
	struct nvlist *props = nv_new();
	struct args a = args_new("name", name);

	a.failed = a.failed || props == NULL || nv_add_str(props, prop, value) != 0;
	if (!a.failed)
		args_props(&a, props);
	nv_free(props);
	return (args_call(&a, name, "fs.set", e));
}

int
fs_mount(const char *name, struct err *e)
{
	struct args a = args_new("name", name);

	return (args_call(&a, name, "fs.mount", e));
}

int
fs_unmount(const char *name, bool force, struct err *e)
{
	struct args a = args_new("name", name);

	args_flag(&a, "force", force);
	return (args_call(&a, name, "fs.unmount", e));
}

int
fs_vhost_user(const char *volume, bool readonly, int *fd, struct err *e)
{
	struct listener l = {NULL, NULL, fd};
	struct nvlist *args = nv_new();
	int rc;

	*fd = -1;
	if (args == NULL || nv_add_str(args, "name", volume) != 0 ||
	    (readonly && nv_add_boolean(args, "readonly") != 0))
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = call(volume, "fs.vhost_user", args, -1, &l, NULL, e)) == 0 && *fd < 0)
		rc = err_set(e, EPROTO, "the pool's server sent no descriptor");
	nv_free(args);
	return (rc);
}
