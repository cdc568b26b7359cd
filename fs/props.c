/* SPDX-License-Identifier: MIT */
/*
 * The table of native dataset properties, and their values as text.
 *
 * One row is all there is to know about a property without a pool.  The order is that of
 * "zfs get all".  Choices: the words that may be typed, each with its number on disk; the first
 * word of a number is the one that is printed.
 */
#include "smartbox/fs/props.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/core/units.h"
#include "smartbox/fs/dsl.h"

#define FS DSL_FILESYSTEM
#define VOL DSL_VOLUME
#define SNAP DSL_SNAPSHOT
#define MARK DSL_BOOKMARK
#define HEADS (FS | VOL)
#define ALL (FS | VOL | SNAP)

static const struct prop_choice on_off[] = {{"off", 0}, {"on", 1}, {NULL, 0}};
static const struct prop_choice checksums[] = {{"on", 1}, {"off", 2}, {"fletcher2", 6},
    {"fletcher4", 7}, {"sha256", 8}, {"noparity", 10}, {"sha512", 11}, {"skein", 12}, {"edonr", 13},
    {"blake3", 14}, {NULL, 0}};
#define ZSTD(level) ((level) << 7 | 16)
static const struct prop_choice compressions[] = {{"on", 1}, {"off", 2}, {"lzjb", 3}, {"gzip", 10},
    {"gzip-6", 10}, {"gzip-1", 5}, {"gzip-2", 6}, {"gzip-3", 7}, {"gzip-4", 8}, {"gzip-5", 9},
    {"gzip-7", 11}, {"gzip-8", 12}, {"gzip-9", 13}, {"zle", 14}, {"lz4", 15}, {"zstd", 16},
    {"zstd-1", ZSTD(1)}, {"zstd-2", ZSTD(2)}, {"zstd-3", ZSTD(3)}, {"zstd-4", ZSTD(4)},
    {"zstd-5", ZSTD(5)}, {"zstd-6", ZSTD(6)}, {"zstd-7", ZSTD(7)}, {"zstd-8", ZSTD(8)},
    {"zstd-9", ZSTD(9)}, {"zstd-10", ZSTD(10)}, {"zstd-11", ZSTD(11)}, {"zstd-12", ZSTD(12)},
    {"zstd-13", ZSTD(13)}, {"zstd-14", ZSTD(14)}, {"zstd-15", ZSTD(15)}, {"zstd-16", ZSTD(16)},
    {"zstd-17", ZSTD(17)}, {"zstd-18", ZSTD(18)}, {"zstd-19", ZSTD(19)}, {"zstd-fast", ZSTD(103)},
    {"zstd-fast-1", ZSTD(103)}, {"zstd-fast-2", ZSTD(104)}, {"zstd-fast-3", ZSTD(105)},
    {"zstd-fast-4", ZSTD(106)}, {"zstd-fast-5", ZSTD(107)}, {"zstd-fast-6", ZSTD(108)},
    {"zstd-fast-7", ZSTD(109)}, {"zstd-fast-8", ZSTD(110)}, {"zstd-fast-9", ZSTD(111)},
    {"zstd-fast-10", ZSTD(112)}, {"zstd-fast-20", ZSTD(113)}, {"zstd-fast-30", ZSTD(114)},
    {"zstd-fast-40", ZSTD(115)}, {"zstd-fast-50", ZSTD(116)}, {"zstd-fast-60", ZSTD(117)},
    {"zstd-fast-70", ZSTD(118)}, {"zstd-fast-80", ZSTD(119)}, {"zstd-fast-90", ZSTD(120)},
    {"zstd-fast-100", ZSTD(121)}, {"zstd-fast-500", ZSTD(122)}, {"zstd-fast-1000", ZSTD(123)},
    {NULL, 0}};
#define VERIFY 256
static const struct prop_choice dedups[] = {{"off", 2}, {"on", 1}, {"verify", 1 | VERIFY},
    {"sha256", 8}, {"sha256,verify", 8 | VERIFY}, {"sha512", 11}, {"sha512,verify", 11 | VERIFY},
    {"skein", 12}, {"skein,verify", 12 | VERIFY}, {"edonr,verify", 13 | VERIFY},
    {"blake3", 14}, {"blake3,verify", 14 | VERIFY}, {NULL, 0}};
static const struct prop_choice snapdirs[] = {{"hidden", 0}, {"visible", 1}, {NULL, 0}};
static const struct prop_choice aclmodes[] = {{"discard", 0}, {"groupmask", 2}, {"passthrough", 3},
    {"restricted", 4}, {NULL, 0}};
static const struct prop_choice aclinherits[] = {{"discard", 0}, {"noallow", 1}, {"restricted", 4},
    {"passthrough", 3}, {"passthrough-x", 5}, {NULL, 0}};
static const struct prop_choice acltypes[] = {{"off", 0}, {"posix", 1}, {"nfsv4", 2},
    {"disabled", 0}, {"noacl", 0}, {"posixacl", 1}, {NULL, 0}};
static const struct prop_choice canmounts[] = {{"off", 0}, {"on", 1}, {"noauto", 2}, {NULL, 0}};
static const struct prop_choice xattrs[] = {{"off", 0}, {"on", 1}, {"dir", 1}, {"sa", 2}, {NULL, 0}};
static const struct prop_choice copies[] = {{"1", 1}, {"2", 2}, {"3", 3}, {NULL, 0}};
static const struct prop_choice versions[] = {{"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"5", 5},
    {"current", 5}, {NULL, 0}};
static const struct prop_choice norms[] = {{"none", 0}, {"formD", 0x10}, {"formKC", 0x30 | 0x4},
    {"formC", 0x10 | 0x20}, {"formKD", 0x10 | 0x4}, {NULL, 0}};
static const struct prop_choice cases[] = {{"sensitive", 0}, {"insensitive", 1}, {"mixed", 2},
    {NULL, 0}};
static const struct prop_choice caches[] = {{"none", 0}, {"metadata", 1}, {"all", 2}, {NULL, 0}};
static const struct prop_choice logbiases[] = {{"latency", 0}, {"throughput", 1}, {NULL, 0}};
static const struct prop_choice syncs[] = {{"standard", 0}, {"always", 1}, {"disabled", 2},
    {NULL, 0}};
static const struct prop_choice dnodesizes[] = {{"legacy", 0}, {"auto", 1}, {"1k", 1024},
    {"2k", 2048}, {"4k", 4096}, {"8k", 8192}, {"16k", 16384}, {NULL, 0}};
static const struct prop_choice volmodes[] = {{"default", 0}, {"full", 1}, {"geom", 1}, {"dev", 2},
    {"none", 3}, {NULL, 0}};
static const struct prop_choice redundants[] = {{"all", 0}, {"most", 1}, {NULL, 0}};
static const struct prop_choice encryptions[] = {{"off", 0}, {"on", 1}, {"aes-128-ccm", 3},
    {"aes-192-ccm", 4}, {"aes-256-ccm", 5}, {"aes-128-gcm", 6}, {"aes-192-gcm", 7},
    {"aes-256-gcm", 8}, {NULL, 0}};
static const struct prop_choice keyformats[] = {{"none", 0}, {"raw", 1}, {"hex", 2},
    {"passphrase", 3}, {NULL, 0}};
static const struct prop_choice types[] = {{"filesystem", FS}, {"volume", VOL}, {"snapshot", SNAP},
    {"bookmark", MARK}, {NULL, 0}};

#define RO PROP_READONLY
#define INH PROP_INHERIT
#define ONCE PROP_SETONCE
#define HIDE PROP_HIDDEN
#define SIZE PROP_SIZE
#define ZNONE PROP_ZERO_NONE
#define NUM(n, a, h, attr, types_, def, values)                                                    \
	{n, a, h, PROP_NUMBER, attr, types_, def, NULL, NULL, values}
#define WORD(n, h, attr, types_, def, table, values)                                               \
	{n, NULL, h, PROP_CHOICE, attr, types_, def, NULL, table, values}
#define STR(n, h, attr, types_, def, values)                                                       \
	{n, NULL, h, PROP_STRING, attr, types_, 0, def, NULL, values}

static const struct fs_prop table[] = {
    WORD("type", "TYPE", RO, ALL | MARK, 0, types, "filesystem | volume | snapshot | bookmark"),
    NUM("creation", NULL, "CREATION", RO, ALL | MARK, 0, "<date>"),
    NUM("used", NULL, "USED", RO | SIZE, ALL, 0, "<size>"),
    NUM("available", "avail", "AVAIL", RO | SIZE, HEADS, 0, "<size>"),
    NUM("referenced", "refer", "REFER", RO | SIZE, ALL | MARK, 0, "<size>"),
    NUM("compressratio", "ratio", "RATIO", RO, ALL, 0, "<1.00x or higher if compressed>"),
    WORD("mounted", "MOUNTED", RO, FS, 0, on_off, "yes | no"),
    STR("origin", "ORIGIN", RO, HEADS, NULL, "<snapshot>"),
    NUM("quota", NULL, "QUOTA", SIZE | ZNONE, FS, 0, "<size> | none"),
    NUM("reservation", "reserv", "RESERV", SIZE | ZNONE, HEADS, 0, "<size> | none"),
    NUM("volsize", NULL, "VOLSIZE", SIZE, VOL | SNAP, 0, "<size>"),
    NUM("volblocksize", "volblock", "VOLBLOCK", SIZE | ONCE, VOL, 8192,
	"512 to 128k, power of 2"),
    NUM("recordsize", "recsize", "RECSIZE", SIZE | INH, FS, 131072, "512 to 1M, power of 2"),
    STR("mountpoint", "MOUNTPOINT", INH, FS, "/", "<path> | legacy | none"),
    STR("sharenfs", "SHARENFS", INH, FS, "off", "on | off | NFS share options"),
    WORD("checksum", "CHECKSUM", INH, HEADS, 1, checksums,
	"on | off | fletcher2 | fletcher4 | sha256 | sha512 | skein | edonr | blake3"),
    WORD("compression", "COMPRESS", INH, HEADS, 2, compressions,
	"on | off | lzjb | gzip | gzip-[1-9] | zle | lz4 | zstd | zstd-[1-19] | "
	"zstd-fast-[1-10,20,30,40,50,60,70,80,90,100,500,1000]"),
    WORD("atime", "ATIME", INH, FS, 1, on_off, "on | off"),
    WORD("devices", "DEVICES", INH, FS | SNAP, 1, on_off, "on | off"),
    WORD("exec", "EXEC", INH, FS | SNAP, 1, on_off, "on | off"),
    WORD("setuid", "SETUID", INH, FS | SNAP, 1, on_off, "on | off"),
    WORD("readonly", "RDONLY", INH, HEADS, 0, on_off, "on | off"),
    WORD("zoned", "ZONED", INH, FS, 0, on_off, "on | off"),
    WORD("snapdir", "SNAPDIR", INH, FS, 0, snapdirs, "hidden | visible"),
    WORD("aclmode", "ACLMODE", INH, FS, 0, aclmodes,
	"discard | groupmask | passthrough | restricted"),
    WORD("aclinherit", "ACLINHERIT", INH, FS, 4, aclinherits,
	"discard | noallow | restricted | passthrough | passthrough-x"),
    STR("receive_resume_token", "RESUMETOK", RO | HIDE, HEADS, NULL, "<string token>"),
    NUM("createtxg", NULL, "CREATETXG", RO, ALL | MARK, 0, NULL),
    WORD("canmount", "CANMOUNT", 0, FS, 1, canmounts, "on | off | noauto"),
    WORD("xattr", "XATTR", INH, FS | SNAP, 1, xattrs, "on | off | dir | sa"),
    WORD("copies", "COPIES", INH, HEADS, 1, copies, "1 | 2 | 3"),
    WORD("version", "VERSION", ONCE, FS | SNAP, 5, versions, "1 | 2 | 3 | 4 | 5 | current"),
    WORD("utf8only", "UTF8ONLY", ONCE, FS | SNAP, 0, on_off, "on | off"),
    WORD("normalization", "NORMALIZATION", ONCE, FS | SNAP, 0, norms,
	"none | formC | formD | formKC | formKD"),
    WORD("casesensitivity", "CASE", ONCE, FS | SNAP, 0, cases, "sensitive | insensitive | mixed"),
    WORD("vscan", "VSCAN", INH, FS, 0, on_off, "on | off"),
    WORD("nbmand", "NBMAND", INH, FS | SNAP, 0, on_off, "on | off"),
    STR("sharesmb", "SHARESMB", INH, FS, "off", "on | off | SMB share options"),
    NUM("refquota", NULL, "REFQUOTA", SIZE | ZNONE, FS, 0, "<size> | none"),
    NUM("refreservation", "refreserv", "REFRESERV", SIZE | ZNONE, HEADS, 0, "<size> | none"),
    NUM("guid", NULL, "GUID", RO, ALL | MARK, 0, NULL),
    WORD("primarycache", "PRIMARYCACHE", INH, ALL, 2, caches, "all | none | metadata"),
    WORD("secondarycache", "SECONDARYCACHE", INH, ALL, 2, caches, "all | none | metadata"),
    NUM("usedbysnapshots", "usedsnap", "USEDSNAP", RO | SIZE, HEADS, 0, "<size>"),
    NUM("usedbydataset", "usedds", "USEDDS", RO | SIZE, HEADS, 0, "<size>"),
    NUM("usedbychildren", "usedchild", "USEDCHILD", RO | SIZE, HEADS, 0, "<size>"),
    NUM("usedbyrefreservation", "usedrefreserv", "USEDREFRESERV", RO | SIZE, HEADS, 0, "<size>"),
    WORD("defer_destroy", "DEFER_DESTROY", RO, SNAP, 0, on_off, "on | off"),
    NUM("userrefs", NULL, "USERREFS", RO, SNAP, 0, "<count>"),
    WORD("logbias", "LOGBIAS", INH, HEADS, 0, logbiases, "latency | throughput"),
    NUM("objsetid", NULL, "OBJSETID", RO, ALL, 0, NULL),
    WORD("dedup", "DEDUP", INH, HEADS, 2, dedups,
	"on | off | verify | sha256[,verify] | sha512[,verify] | skein[,verify] | edonr,verify | "
	"blake3[,verify]"),
    STR("mlslabel", "MLSLABEL", INH, ALL, "none", "<sensitivity label>"),
    WORD("sync", "SYNC", INH, HEADS, 0, syncs, "standard | always | disabled"),
    WORD("dnodesize", "DNSIZE", INH, FS, 0, dnodesizes, "legacy | auto | 1k | 2k | 4k | 8k | 16k"),
    NUM("refcompressratio", "refratio", "REFRATIO", RO, ALL, 0, "<1.00x or higher if compressed>"),
    NUM("written", NULL, "WRITTEN", RO | SIZE, ALL, 0, "<size>"),
    STR("clones", "CLONES", RO, SNAP, NULL, "<dataset>[,...]"),
    NUM("logicalused", "lused", "LUSED", RO | SIZE, HEADS, 0, "<size>"),
    NUM("logicalreferenced", "lrefer", "LREFER", RO | SIZE, ALL | MARK, 0, "<size>"),
    WORD("volmode", "VOLMODE", INH, HEADS, 0, volmodes, "default | full | geom | dev | none"),
    NUM("filesystem_limit", NULL, "FSLIMIT", ZNONE, FS, UINT64_MAX, "<count> | none"),
    NUM("snapshot_limit", NULL, "SSLIMIT", ZNONE, HEADS, UINT64_MAX, "<count> | none"),
    NUM("filesystem_count", NULL, "FSCOUNT", RO | ZNONE, FS, UINT64_MAX, "<count>"),
    NUM("snapshot_count", NULL, "SSCOUNT", RO | ZNONE, HEADS, UINT64_MAX, "<count>"),
    WORD("snapdev", "SNAPDEV", INH, HEADS, 0, snapdirs, "hidden | visible"),
    WORD("acltype", "ACLTYPE", INH, FS | SNAP, 0, acltypes, "off | nfsv4 | posix"),
    STR("context", "CONTEXT", 0, ALL, "none", "<selinux context>"),
    STR("fscontext", "FSCONTEXT", 0, ALL, "none", "<selinux fscontext>"),
    STR("defcontext", "DEFCONTEXT", 0, ALL, "none", "<selinux defcontext>"),
    STR("rootcontext", "ROOTCONTEXT", 0, ALL, "none", "<selinux rootcontext>"),
    WORD("relatime", "RELATIME", INH, FS, 1, on_off, "on | off"),
    WORD("redundant_metadata", "REDUND_MD", INH, HEADS, 0, redundants, "all | most"),
    WORD("overlay", "OVERLAY", INH, FS, 1, on_off, "on | off"),
    WORD("encryption", "ENCRYPTION", ONCE, ALL, 0, encryptions,
	"on | off | aes-128-ccm | aes-192-ccm | aes-256-ccm | aes-128-gcm | aes-192-gcm | "
	"aes-256-gcm"),
    STR("encryptionroot", "ENCROOT", RO, HEADS | SNAP, NULL, "<filesystem | volume>"),
    STR("keylocation", "KEYLOCATION", 0, HEADS, "none", "prompt | <URI>"),
    WORD("keyformat", "KEYFORMAT", ONCE, HEADS, 0, keyformats, "none | raw | hex | passphrase"),
    NUM("pbkdf2iters", NULL, "PBKDF2ITERS", ONCE, HEADS, 0, "<iters>"),
    STR("keystatus", "KEYSTATUS", RO, HEADS | SNAP, NULL, "none | unavailable | available"),
    NUM("special_small_blocks", NULL, "SPECIAL_SMALL_BLOCKS", INH, FS, 0,
	"zero or 512 to 1M, power of 2"),
};
#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))

const struct fs_prop *
fs_prop_at(size_t i)
{
	return (i < TABLE_ROWS ? &table[i] : NULL);
}

const struct fs_prop *
fs_prop_find(const char *name)
{
	size_t i;

	for (i = 0; i < TABLE_ROWS; i++) {
		if (strcmp(name, table[i].name) == 0 ||
		    (table[i].alias != NULL && strcmp(name, table[i].alias) == 0))
			return (&table[i]);
	}
	return (strcmp(name, "compress") == 0 ? fs_prop_find("compression") :
		strcmp(name, "rdonly") == 0   ? fs_prop_find("readonly") :
						NULL);
}

bool
fs_prop_is_user(const char *name)
{
	const char *p;

	if (strchr(name, ':') == NULL || strlen(name) >= 256 || *name == '-')
		return (false);
	for (p = name; *p != '\0'; p++) {
		if (!(islower((unsigned char)*p) || isdigit((unsigned char)*p) ||
			strchr("-_.:+ ", *p) != NULL))
			return (false);
	}
	return (true);
}

bool
fs_prop_is_right(const struct fs_prop *p)
{
	return (p->kind == PROP_NUMBER && strcmp(p->name, "creation") != 0);
}

/* --- text to number --------------------------------------------------------------------------- */

static int
refuse(const struct fs_prop *p, const char *text, struct err *e)
{
	return (err_set(e, EINVAL, "'%s' must be one of '%s', not '%s'", p->name, p->values, text));
}

static int
parse_choice(const struct fs_prop *p, const char *text, uint64_t *value, struct err *e)
{
	const struct prop_choice *c;

	for (c = p->choices; c->word != NULL; c++) {
		if (strcmp(c->word, text) == 0) {
			*value = c->value;
			return (0);
		}
	}
	return (refuse(p, text, e));
}

static bool
is_power_between(uint64_t v, uint64_t lo, uint64_t hi)
{
	return (v >= lo && v <= hi && (v & (v - 1)) == 0);
}

static int
check_number(const struct fs_prop *p, const char *text, uint64_t v, struct err *e)
{
	bool ok = true;

	if (strcmp(p->name, "recordsize") == 0)
		ok = is_power_between(v, 512, 1 << 20);
	else if (strcmp(p->name, "volblocksize") == 0)
		ok = is_power_between(v, 512, 128 << 10);
	else if (strcmp(p->name, "special_small_blocks") == 0)
		ok = v == 0 || is_power_between(v, 512, 1 << 20);
	else if (strcmp(p->name, "volsize") == 0 && (v == 0 || v % 512 != 0))
		return (err_set(e, EINVAL, "'volsize' must be a multiple of the volume block size"));
	return (ok ? 0 : refuse(p, text, e));
}

static int
parse_number(const struct fs_prop *p, const char *text, uint64_t *value, struct err *e)
{
	int rc;

	if ((p->attr & PROP_ZERO_NONE) && strcmp(text, "none") == 0) {
		*value = p->def;
		return (0);
	}
	rc = p->attr & PROP_SIZE || strcmp(p->name, "special_small_blocks") == 0 ?
	    units_parse_size(text, value, e) :
	    units_parse_u64(text, 0, UINT64_MAX, value, e);
	if (rc != 0)
		return (err_wrap(e, "bad value for '%s'", p->name));
	return (check_number(p, text, *value, e));
}

/* Out of the alternate root, say. */
static bool
goes_up(const char *path)
{
	for (const char *p = path; (p = strstr(p, "/..")) != NULL; p++)
		if (p[3] == '/' || p[3] == '\0')
			return (true);
	return (false);
}

static int
check_string(const struct fs_prop *p, const char *text, struct err *e)
{
	bool mountpoint = strcmp(p->name, "mountpoint") == 0;

	if (strlen(text) >= (mountpoint ? 4096 : 8192))
		return (err_set(e, ENAMETOOLONG, "the value of '%s' is too long", p->name));
	if (mountpoint && strcmp(text, "none") != 0 && strcmp(text, "legacy") != 0 && *text != '/')
		return (err_set(e, EINVAL, "'mountpoint' must be an absolute path, 'none', or 'legacy'"));
	if (mountpoint && goes_up(text))
		return (err_set(e, EINVAL, "'mountpoint' must not lead upwards ('..')"));
	return (0);
}

int
fs_prop_parse(const struct fs_prop *p, const char *text, uint64_t *value, struct err *e)
{
	*value = 0;
	switch (p->kind) {
	case PROP_CHOICE:
		return (parse_choice(p, text, value, e));
	case PROP_NUMBER:
		return (parse_number(p, text, value, e));
	default:
		return (check_string(p, text, e));
	}
}

/* --- number to text --------------------------------------------------------------------------- */

static void
format_choice(const struct fs_prop *p, uint64_t value, char *buf, size_t size)
{
	const struct prop_choice *c = p->choices;

	while (c->word != NULL && c->value != value)
		c++;
	if (c->word != NULL)
		(void)snprintf(buf, size, "%s", c->word);
	else
		(void)snprintf(buf, size, "%" PRIu64, value);
}

void
fs_prop_format(const struct fs_prop *p, uint64_t value, bool raw, char *buf, size_t size)
{
	if (p->kind == PROP_CHOICE)
		format_choice(p, value, buf, size);
	else if ((p->attr & PROP_ZERO_NONE) && value == p->def && (!raw || p->def != 0))
		(void)snprintf(buf, size, "none");
	else if ((p->attr & PROP_SIZE) && !raw)
		units_format_size(buf, size, value);
	else
		units_format_u64(buf, size, value);
}
