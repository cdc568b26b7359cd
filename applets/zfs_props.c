/* SPDX-License-Identifier: MIT */
/*
 * The table of properties that zfs get prints when it is asked for nothing, and the commands of OpenZFS
 * that are refused by name: what they work on is not here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartbox/fs/props.h"
#include "zfs_impl.h"

static const struct {
	const char *name, *edit, *values;
} others[] = {
	{"userused@...", "NO", "<size>"}, {"groupused@...", "NO", "<size>"}, {"projectused@...", "NO", "<size>"},
	{"userobjused@...", "NO", "<count>"}, {"groupobjused@...", "NO", "<count>"},
	{"projectobjused@...", "NO", "<count>"},
	{"userquota@...", "YES", "<size> | none"}, {"groupquota@...", "YES", "<size> | none"},
	{"projectquota@...", "YES", "<size> | none"}, {"userobjquota@...", "YES", "<count> | none"},
	{"groupobjquota@...", "YES", "<count> | none"}, {"projectobjquota@...", "YES", "<count> | none"},
	{"written@<snap>", "NO", "<size>"}, {"written#<bookmark>", "NO", "<size>"},
};

static int
by_name(const void *a, const void *b)
{
	const struct fs_prop *const *p = a, *const *q = b;
	int order = ((*q)->attr & PROP_READONLY) - ((*p)->attr & PROP_READONLY);

	return (order != 0 ? order : strcmp((*p)->name, (*q)->name));
}

void
zfs_print_props(void)
{
	const struct fs_prop *row[256];
	size_t n = 0;

	while (n < sizeof(row) / sizeof(row[0]) && fs_prop_at(n) != NULL) {
		row[n] = fs_prop_at(n);
		n++;
	}
	qsort(row, n, sizeof(row[0]), by_name);
	fprintf(stderr, "\nThe following properties are supported:\n\n");
	fprintf(stderr, "\t%-21s  %-4s  %-7s  %s\n\n", "PROPERTY", "EDIT", "INHERIT", "VALUES");
	for (size_t i = 0; i < n; i++) {
		fprintf(stderr, "\t%-21s  %4s  %7s  %s\n", row[i]->name,
		    row[i]->attr & PROP_READONLY ? "NO" : "YES", row[i]->attr & PROP_INHERIT ? "YES" : "NO",
		    row[i]->values != NULL ? row[i]->values : "-");
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		fprintf(stderr, "\t%-21s  %4s  %7s  %s\n", others[i].name, others[i].edit, "NO", others[i].values);
	fprintf(stderr, "\nSizes are specified in bytes with standard units such as K, M, G, etc.\n"
	    "User-defined properties can be specified by using a name containing a colon (:).\n");
}

/* --- what is not here ------------------------------------------------------------------------- */

static const struct {
	const char *command, *why;
} refused[] = {
	{"load-key", "encrypted datasets are not supported"},
	{"unload-key", "encrypted datasets are not supported"},
	{"change-key", "encrypted datasets are not supported"},
	{"program", "channel programs are not supported"},
	{"redact", "redaction is not supported"},
	{"share", "nothing is shared by this system: use the server's own configuration"},
	{"unshare", "nothing is shared by this system: use the server's own configuration"},
	{"jail", "zones take datasets by zonecfg (add dataset)"},
	{"unjail", "zones take datasets by zonecfg (add dataset)"},
	{"zone", "zones take datasets by zonecfg (add dataset)"},
	{"unzone", "zones take datasets by zonecfg (add dataset)"},
};

int
zfs_refused(int argc, char **argv)
{
	(void)argc;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (strcmp(argv[0], refused[i].command) == 0)
			return (applet_fail_bare(NULL, "cannot %s: %s", argv[0], refused[i].why));
	}
	return (2);
}
