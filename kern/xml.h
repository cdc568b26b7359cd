/* SPDX-License-Identifier: MIT */
/*
 * A pull parser for the small XML of zone configurations.
 *
 * Knows elements, quoted attributes, comments, processing instructions, a document type without an
 * internal subset, the five named entities and numeric ones below 128.  Text between elements must be
 * blank.  No external entity is ever opened.
 */
#ifndef KERN_XML_H
#define KERN_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "smartbox/core/err.h"

enum { XML_ATTRS = 24, XML_NAME = 64, XML_DEPTH = 8 };

enum xml_event { XML_START, XML_END, XML_EOF };

struct xml_attr {
	char name[XML_NAME];
	char *value; /* owned by the parser until the next call */
};

struct xml {
	const char *p, *end;
	const char *file; /* for messages */
	unsigned line;
	char name[XML_NAME]; /* of the element that started or ended */
	struct xml_attr attr[XML_ATTRS];
	size_t nattr;
	char open[XML_DEPTH][XML_NAME];
	int depth;	  /* elements open now */
	bool pending_end; /* an empty-element tag: its end comes next */
	bool seen_root;
};

void xml_init(struct xml *x, const char *file, const char *buf, size_t len);
/* The next event, or -EINVAL "FILE:LINE: what", -ENOMEM. */
int xml_next(struct xml *x, struct err *e);
const char *xml_attr(const struct xml *x, const char *name); /* NULL: not there */
void xml_fini(struct xml *x);

#endif
