/* SPDX-License-Identifier: MIT */
/*
 * The properties of machines: one table, and the checks that follow from it.
 *
 * Every property that vmadm knows is a row: name, type, which brands may carry it at create and at
 * update, how it is listed, where it is stored, which values are allowed.  Validation, defaults,
 * storage, list columns and docs/vmadm-properties.md all read this one table.
 */
#ifndef SMARTBOX_MACHINE_PROP_H
#define SMARTBOX_MACHINE_PROP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartbox/core/err.h"

enum prop_type {
	PROP_STRING,
	PROP_INT,
	PROP_BOOL,
	PROP_UUID,
	PROP_LIST,    /* array of words, or one string with commas */
	PROP_FLAT,    /* object of strings, numbers, booleans */
	PROP_OBJECTS, /* array of objects with a table of their own */
	PROP_ZPOOL,
	PROP_DATE,    /* read-only ones */
};

/* Where a value lives between commands. */
enum prop_store {
	STORE_NONE,   /* used once, or computed */
	STORE_ATTR,   /* zone configuration, attr `key` */
	STORE_BASE64, /* same, base64: free text */
	STORE_ZONE,   /* zone configuration, global property `key` */
	STORE_COUNT,  /* rctl through its alias `key`, as it is */
	STORE_MIB,    /* rctl through its alias `key`: MiB here, bytes there */
	STORE_QUOTA,  /* dataset property: GiB here */
	STORE_ZFS,    /* dataset property `key` */
	STORE_FILE,   /* config/`key` below the zonepath */
	STORE_NET,    /* zone configuration: net resources */
	STORE_FS,     /* zone configuration: fs resources */
};

enum {
	PROP_REQUIRED = 1, /* at create */
	PROP_READONLY = 2, /* shown, never taken */
	PROP_HIDE_FALSE = 4, /* absent when it has the value in `def` */
};

struct prop {
	const char *name;
	enum prop_type type;
	const char *create; /* brand letters J M B L K H, "*" all, "" none */
	const char *update;
	const char *header; /* list column; NULL: cannot be listed */
	int width;
	enum prop_store store;
	const char *key;
	int64_t min; /* PROP_INT; of lists: none */
	int64_t max;
	const char *allowed; /* PROP_STRING: "a|b|c"; NULL: anything */
	const char *def;     /* default as text; NULL: none, or computed */
	unsigned flags;
	const char *about; /* for the documents; one phrase */
	/* Says what is wrong, or NULL. */
	const char *(*check)(const json_t *v);
	const struct prop *members; /* PROP_OBJECTS */
};

/* Ends with a NULL name. */
extern const struct prop vm_props[];
extern const struct prop nic_props[];
extern const struct prop fs_props[];
extern const struct prop disk_props[];

const struct prop *prop_find(const struct prop *table, const char *name);
/* "order=cd,once=d": NULL when it is one, else what it must be.  Letters: c disk, d CD, n network. */
const char *prop_boot_order_wrong(const char *s);
/* 'J' for "joyent"; 0 for an unknown brand. */
char brand_letter(const char *brand);
bool brands_include(const char *brands, char letter);
const char *prop_type_name(enum prop_type t);
/* The brands that exist, for messages: "joyent, joyent-minimal, ...". */
const char *brand_words(void);

enum payload_action { PAYLOAD_CREATE, PAYLOAD_UPDATE };

/*
 * The verdict on a payload: names as vmadm validate shows them ("nics.0.ip"), and one sentence that
 * gives for each what was wrong and what is allowed.
 */
struct verdict {
	json_t *bad_values;	    /* arrays of strings */
	json_t *bad_properties;
	json_t *missing_properties;
	struct err why;		    /* the sentence; empty when all is well */
};

/*
 * Check the payload (borrowed).  pool_exists may be NULL.  -EINVAL when anything is bad; the verdict
 * is filled in either case and freed with verdict_free.
 */
int payload_check(const json_t *payload, enum payload_action action, const char *brand,
    bool (*pool_exists)(void *ctx, const char *pool), void *ctx, struct verdict *v);
void verdict_free(struct verdict *v);

/*
 * Bring every value into its type's own form: "512" becomes 512, "a,b" an array, "true" a boolean.
 * What no brand of this kind may carry is removed; *dropped (may be NULL) gets the names, a new array.
 * Call only after payload_check.
 */
void payload_coerce(json_t *payload, enum payload_action action, const char *brand,
    json_t **dropped);

#endif
