/* SPDX-License-Identifier: MIT */
/* What is in this binary: generated from git and third_party/ by the Makefile (build/version.c). */
#ifndef SMARTBOX_CORE_VERSION_H
#define SMARTBOX_CORE_VERSION_H

extern const char smartbox_version[];	/* "0.1-12-gabcdef" */
extern const char smartbox_libraries[]; /* a line each: "zlib 1.2.13 (Debian 1:1.2.13.dfsg-1)\n" */

#endif
