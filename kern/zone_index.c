/* SPDX-License-Identifier: MIT */
/*
 * The index of zones, <etc>/zones/index, and the table of id ranges beside it.
 *
 *	# comment
 *	name:state:zonepath:uuid:brand:iptype:did
 *
 * The first four fields are SmartOS's; the others repeat what the XML says, so that a listing of
 * thousands of zones reads one file.  A field that contains ':' is written in double quotes.  Lines of
 * the zone "global" are kept like comments.  Writers hold the lock, change a copy in memory and
 * replace the file (core/file.h), so that after a power cut it is the old or the new one.
 *
 * <etc>/zones/ranges gives each zone one slot: ids BASE_SLOT + slot times 65,536.  The lowest slot
 * is above what distributions give to users, the last one below systemd's reserved ids.  A freed slot
 * is taken again only when all later ones were used: files that a removed zone left somewhere do
 * not become the next zone's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/buf.h"
#include "smartbox/core/file.h"
#include "smartbox/core/units.h"
#include "zone_impl.h"

enum {
	INDEX_MAX = 16 << 20,
	FIELDS = 7,
	FIRST_SLOT = 0x1000, /* id 0x10000000 */
	LAST_SLOT = 0x6ffe,  /* id 0x6ffe0000 */
	SLOTS = LAST_SLOT - FIRST_SLOT + 1,
};

int
zone_etc_path(const struct zone_env *env, const char *leaf, const char *suffix, char out[PATH_MAX],
    struct err *e)
{
	if (snprintf(out, PATH_MAX, "%s/zones/%s%s", env->etc, leaf, suffix) >= PATH_MAX)
		return (err_set(e, ENAMETOOLONG, "%s: path too long", leaf));
	return (0);
}

int
zone_index_lock(const struct zone_env *env, struct err *e)
{
	char path[PATH_MAX];
	int rc;

	if ((rc = zone_etc_path(env, "", "", path, e)) != 0 ||
	    (rc = file_mkdirs(path, 0755, e)) != 0 ||
	    (rc = zone_etc_path(env, ".lock", "", path, e)) != 0)
		return (rc);
	return (file_lock(path, false, false, e));
}

/* --- reading --- */

/* Cut the next field out of *p, in place; quotes are dropped.  NULL at the end of the line. */
static char *
next_field(char **p)
{
	char *s = *p, *end;

	if (s == NULL)
		return (NULL);
	if (*s == '"' && (end = strchr(s + 1, '"')) != NULL && (end[1] == ':' || end[1] == '\0')) {
		*p = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
		return (s + 1);
	}
	end = s + strcspn(s, ":");
	*p = *end == ':' ? end + 1 : NULL;
	*end = '\0';
	return (s);
}

struct zone_info *
zone_index_add(struct zone_index *ix, const char *name)
{
	struct zone_info *zi;

	if (ix->n == ix->cap) {
		size_t cap = ix->cap != 0 ? ix->cap * 2 : 16;

		if ((zi = realloc(ix->zones, cap * sizeof(*zi))) == NULL)
			return (NULL);
		ix->zones = zi;
		ix->cap = cap;
	}
	zi = &ix->zones[ix->n++];
	memset(zi, 0, sizeof(*zi));
	zi->id = -1;
	(void)snprintf(zi->name, sizeof(zi->name), "%s", name);
	return (zi);
}

/* 0 taken, 1 keep the line as it is, -EINVAL not understood, -ENOMEM. */
static int
parse_line(struct zone_index *ix, char *line)
{
	char *f[FIELDS], *p = line;
	struct zone_info *zi;
	enum zone_state state;
	uint64_t did = 0;

	for (int i = 0; i < FIELDS; i++)
		f[i] = next_field(&p);
	if (f[2] == NULL || zone_state_parse(f[1], &state) != 0 || state > ZONE_INSTALLED ||
	    zone_name_check(f[0], NULL) != 0 || zone_index_find(ix, f[0]) != NULL)
		return (-EINVAL);
	if ((zi = zone_index_add(ix, f[0])) == NULL || (zi->zonepath = strdup(f[2])) == NULL)
		return (-ENOMEM);
	zi->state = state;
	if (f[3] != NULL && uuid_is_valid(f[3]))
		memcpy(zi->uuid, f[3], UUID_STRLEN + 1);
	(void)snprintf(zi->brand, sizeof(zi->brand), "%s", f[4] != NULL ? f[4] : "");
	zi->exclusive_ip = f[5] == NULL || strcmp(f[5], "shared") != 0;
	if (f[6] != NULL && units_parse_u64(f[6], 0, UINT32_MAX, &did, NULL) == 0)
		zi->did = (uint32_t)did;
	return (0);
}

static bool
is_kept_line(const char *line)
{
	return (*line == '#' || *line == '\0' || strncmp(line, "global:", 7) == 0);
}

static int
parse_text(struct zone_index *ix, char *text, const char *path, struct err *e)
{
	struct buf kept = BUF_INIT;
	unsigned lineno = 0;
	int rc = 0;

	for (char *line = text, *next; rc == 0 && *line != '\0'; line = next) {
		size_t n = strcspn(line, "\n");

		next = line + n + (line[n] == '\n');
		line[n] = '\0';
		lineno++;
		if (is_kept_line(line))
			buf_printf(&kept, "%s\n", line);
		else if ((rc = parse_line(ix, line)) == -EINVAL)
			rc = err_set(e, EINVAL, "%s:%u: not an index line", path, lineno);
	}
	if (rc == 0 && kept.len != 0 && (ix->comments = buf_take(&kept)) == NULL)
		rc = -ENOMEM;
	buf_free(&kept);
	return (rc == -ENOMEM ? err_set(e, ENOMEM, "out of memory") : rc);
}

int
zone_index_read(const struct zone_env *env, struct zone_index *ix, struct err *e)
{
	char path[PATH_MAX], *text;
	int rc;

	memset(ix, 0, sizeof(*ix));
	if ((rc = zone_etc_path(env, "index", "", path, e)) != 0)
		return (rc);
	if ((rc = file_read(path, INDEX_MAX, &text, NULL, e)) != 0)
		return (rc == -ENOENT ? 0 : rc);
	rc = parse_text(ix, text, path, e);
	free(text);
	if (rc != 0)
		zone_index_free(ix);
	return (rc);
}

void
zone_index_free(struct zone_index *ix)
{
	for (size_t i = 0; i < ix->n; i++)
		free(ix->zones[i].zonepath);
	free(ix->zones);
	free(ix->comments);
	memset(ix, 0, sizeof(*ix));
}

struct zone_info *
zone_index_find(struct zone_index *ix, const char *name)
{
	for (size_t i = 0; i < ix->n; i++)
		if (strcmp(ix->zones[i].name, name) == 0)
			return (&ix->zones[i]);
	return (NULL);
}

void
zone_index_remove(struct zone_index *ix, struct zone_info *zi)
{
	size_t i = (size_t)(zi - ix->zones);

	free(zi->zonepath);
	memmove(zi, zi + 1, (ix->n - i - 1) * sizeof(*zi));
	ix->n--;
}

/* --- writing --- */

int
zone_index_write(const struct zone_env *env, const struct zone_index *ix, struct err *e)
{
	struct buf b = BUF_INIT;
	char path[PATH_MAX];
	int rc;

	if (ix->comments != NULL)
		buf_str(&b, ix->comments);
	for (size_t i = 0; i < ix->n; i++) {
		const struct zone_info *z = &ix->zones[i];
		const char *q = strchr(z->zonepath, ':') != NULL ? "\"" : "";

		buf_printf(&b, "%s:%s:%s%s%s:%s:%s:%s:%" PRIu32 "\n", z->name,
		    zone_state_name(z->state), q, z->zonepath, q, z->uuid, z->brand,
		    z->exclusive_ip ? "excl" : "shared", z->did);
	}
	if (buf_failed(&b))
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = zone_etc_path(env, "index", "", path, e)) == 0)
		rc = file_replace(path, b.data != NULL ? b.data : "", b.len, 0644, e);
	buf_free(&b);
	return (rc);
}

int
zone_event_stored(const struct zone_env *env, const char *name, enum zone_event ev, struct err *e)
{
	struct zone_index ix = {0};
	struct zone_info *zi;
	enum zone_state to;
	int lock, rc;

	if ((lock = zone_index_lock(env, e)) < 0)
		return (lock);
	if ((rc = zone_index_read(env, &ix, e)) != 0)
		goto out;
	if ((zi = zone_index_find(&ix, name)) == NULL) {
		rc = err_set(e, ENOENT, "No such zone configured");
		goto out;
	}
	if ((rc = zone_state_next(zi->state, ev, &to, e)) != 0)
		goto out;
	if (to > ZONE_INSTALLED)
		rc = err_set(e, EINVAL, "%s is not a stored state", zone_state_name(to));
	else if (to != zi->state) {
		zi->state = to;
		rc = zone_index_write(env, &ix, e);
	}
out:
	zone_index_free(&ix);
	file_unlock(lock);
	return (rc);
}

/* --- id ranges --- */

struct range {
	char name[ZONE_NAME_MAX + 1];
	unsigned slot;
};

struct ranges {
	struct range *r;
	size_t n;
	unsigned last; /* slot handed out last */
};

static int
ranges_read(const struct zone_env *env, struct ranges *rs, struct err *e)
{
	char path[PATH_MAX], *text, *save = NULL;
	size_t lines = 1;
	int rc;

	*rs = (struct ranges){NULL, 0, SLOTS - 1};
	if ((rc = zone_etc_path(env, "ranges", "", path, e)) != 0)
		return (rc);
	if ((rc = file_read(path, INDEX_MAX, &text, NULL, e)) != 0) {
		if (rc != -ENOENT)
			return (rc);
		text = calloc(1, 1);
	}
	for (const char *p = text; p != NULL && *p != '\0'; p++)
		lines += *p == '\n';
	if (text == NULL || (rs->r = calloc(lines + 1, sizeof(*rs->r))) == NULL) {
		free(text);
		return (err_set(e, ENOMEM, "out of memory"));
	}
	for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
		struct range *r = &rs->r[rs->n];

		if (sscanf(l, "last %u", &rs->last) == 1)
			continue;
		rs->n += sscanf(l, "zone %u %63s", &r->slot, r->name) == 2 && r->slot < SLOTS;
	}
	free(text);
	return (0);
}

static int
ranges_write(const struct zone_env *env, const struct ranges *rs, struct err *e)
{
	struct buf b = BUF_INIT;
	char path[PATH_MAX];
	int rc;

	buf_printf(&b, "# slots of 65536 ids from %u; written by smartbox\nlast %u\n",
	    FIRST_SLOT * ZONE_IDS, rs->last);
	for (size_t i = 0; i < rs->n; i++)
		if (rs->r[i].name[0] != '\0')
			buf_printf(&b, "zone %u %s\n", rs->r[i].slot, rs->r[i].name);
	if (buf_failed(&b))
		rc = err_set(e, ENOMEM, "out of memory");
	else if ((rc = zone_etc_path(env, "ranges", "", path, e)) == 0)
		rc = file_replace(path, b.data, b.len, 0644, e);
	buf_free(&b);
	return (rc);
}

static struct range *
ranges_find(struct ranges *rs, const char *name)
{
	for (size_t i = 0; i < rs->n; i++)
		if (strcmp(rs->r[i].name, name) == 0)
			return (&rs->r[i]);
	return (NULL);
}

/* The next slot behind the last one that nobody has. */
static int
pick_slot(struct ranges *rs, unsigned *slot)
{
	unsigned char *used = calloc(1, SLOTS);
	int rc = -ENOSPC;

	if (used == NULL)
		return (-ENOMEM);
	for (size_t i = 0; i < rs->n; i++)
		used[rs->r[i].slot] = 1;
	for (unsigned i = 1; i <= SLOTS && rc != 0; i++) {
		*slot = (rs->last + i) % SLOTS;
		if (!used[*slot])
			rc = 0;
	}
	free(used);
	return (rc);
}

static int
allocate(const struct zone_env *env, struct ranges *rs, const char *name, unsigned *slot,
    struct err *e)
{
	struct range *r = &rs->r[rs->n]; /* ranges_read left room for one */
	int rc = pick_slot(rs, slot);

	if (rc == -ENOSPC)
		return (err_set(e, ENOSPC, "all %u ranges of user ids are taken", (unsigned)SLOTS));
	if (rc != 0)
		return (err_set(e, ENOMEM, "out of memory"));
	r->slot = rs->last = *slot;
	(void)snprintf(r->name, sizeof(r->name), "%s", name);
	rs->n++;
	return (ranges_write(env, rs, e));
}

int
zone_range_get(const struct zone_env *env, const char *name, uint32_t *base, struct err *e)
{
	struct ranges rs = {0};
	const struct range *r;
	unsigned slot = 0;
	int lock, rc;

	if ((rc = zone_name_check(name, e)) != 0)
		return (rc);
	if ((lock = zone_index_lock(env, e)) < 0)
		return (lock);
	if ((rc = ranges_read(env, &rs, e)) == 0) {
		if ((r = ranges_find(&rs, name)) != NULL)
			slot = r->slot;
		else
			rc = allocate(env, &rs, name, &slot, e);
	}
	free(rs.r);
	file_unlock(lock);
	if (rc == 0)
		*base = (FIRST_SLOT + slot) * ZONE_IDS;
	return (rc);
}

/* `to` NULL: forget it. */
static int
ranges_change(const struct zone_env *env, const char *from, const char *to, struct err *e)
{
	struct ranges rs = {0};
	struct range *r;
	int lock, rc;

	if ((lock = zone_index_lock(env, e)) < 0)
		return (lock);
	rc = ranges_read(env, &rs, e);
	if (rc == 0 && (r = ranges_find(&rs, from)) != NULL) {
		(void)snprintf(r->name, sizeof(r->name), "%s", to != NULL ? to : "");
		rc = ranges_write(env, &rs, e);
	}
	free(rs.r);
	file_unlock(lock);
	return (rc);
}

int
zone_range_release(const struct zone_env *env, const char *name, struct err *e)
{
	return (ranges_change(env, name, NULL, e));
}

int
zone_range_rename(const struct zone_env *env, const char *from, const char *to, struct err *e)
{
	return (ranges_change(env, from, to, e));
}
