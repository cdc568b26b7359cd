/* SPDX-License-Identifier: MIT */
/*
 * Symbols that were stripped from a program and live elsewhere: in a file named by its build id, in
 * one named by its .gnu_debuglink (which has the file's CRC), or in its own .gnu_debugdata, an ELF
 * file packed by xz that has only what .dynsym lacks.  They are added to those that the program
 * has.
 *
 * Names: "Separate Debug Files" and "MiniDebugInfo" of GDB's manual.
 */
#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sym_user.h"

enum { UNPACKED_MAX = 256 << 20 };

/* --- where it may be --------------------------------------------------------------------------- */

static bool
by_build_id(const struct elf *f, const char *root, struct elf *out)
{
	enum { HEAD = 16 }; /* sizes, type, "GNU" */
	char path[400];
	size_t len = 0, n;
	const unsigned char *note = (const void *)elf_section(f, ".note.gnu.build-id", &len, NULL);

	if (note == NULL || len < HEAD + 4 || len > HEAD + 64)
		return (false);
	n = (size_t)snprintf(path, sizeof(path), "%s/usr/lib/debug/.build-id/%02x/", root, note[HEAD]);
	for (size_t i = HEAD + 1; i < len && n + 16 < sizeof(path); i++)
		n += (size_t)snprintf(path + n, sizeof(path) - n, "%02x", note[i]);
	(void)snprintf(path + n, sizeof(path) - n, ".debug");
	return (elf_open(path, out, NULL) == 0);
}

static bool
right_file(const char *path, uint32_t crc, struct elf *out)
{
	if (elf_open(path, out, NULL) != 0)
		return (false);
	if (crc32(0, (const Bytef *)out->data, (uInt)out->len) == crc)
		return (true);
	elf_close(out);
	return (false);
}

static bool
by_link(const struct elf *f, const char *root, const char *path, struct elf *out)
{
	static const char *const places[] = {"%s%.*s/%s", "%s%.*s/.debug/%s",
	    "%s/usr/lib/debug%.*s/%s"};
	const char *slash = strrchr(path, '/');
	char candidate[600];
	size_t len = 0, name;
	const char *link = elf_section(f, ".gnu_debuglink", &len, NULL);
	uint32_t crc;

	if (link == NULL || slash == NULL || (name = strnlen(link, len)) == len ||
	    ((name + 4) & ~3ul) + 4 > len || strchr(link, '/') != NULL)
		return (false);
	memcpy(&crc, link + ((name + 4) & ~3ul), 4);
	for (int i = 0; i < 3; i++) {
		(void)snprintf(candidate, sizeof(candidate), places[i], root, (int)(slash - path), path,
		    link);
		if (right_file(candidate, crc, out))
			return (true);
	}
	return (false);
}

/* What the stream gives, in a buffer that doubles. */
static bool
unpack_all(lzma_stream *xz, uint8_t **data, size_t *len)
{
	size_t cap = 0;
	lzma_ret rc = LZMA_OK;

	*len = 0;
	while (rc == LZMA_OK) {
		if (xz->avail_out == 0) {
			size_t more = cap == 0 ? 1 << 18 : cap * 2;
			uint8_t *v = more <= UNPACKED_MAX ? realloc(*data, more) : NULL;

			if (v == NULL)
				return (false);
			*data = v;
			xz->next_out = v + *len;
			xz->avail_out = more - *len;
			cap = more;
		}
		rc = lzma_code(xz, LZMA_FINISH);
		*len = cap - xz->avail_out;
	}
	return (rc == LZMA_STREAM_END);
}

static bool
unpack(const struct elf *f, struct elf *out)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	size_t packed = 0, len = 0;
	uint8_t *data = NULL;
	bool ok;

	xz.next_in = (const void *)elf_section(f, ".gnu_debugdata", &packed, NULL);
	xz.avail_in = packed;
	if (xz.next_in == NULL || packed == 0 ||
	    lzma_stream_decoder(&xz, 64 << 20, 0) != LZMA_OK)
		return (false);
	ok = unpack_all(&xz, &data, &len);
	lzma_end(&xz);
	if (!ok) {
		free(data);
		return (false);
	}
	return (elf_parse((char *)data, len, out, NULL) == 0);
}

/* --- adding it --------------------------------------------------------------------------------- */

static bool
merge(struct elf *f, struct elf *debug)
{
	size_t n = f->nsyms + debug->nsyms;
	struct elf_sym *v = malloc((n + 1) * sizeof(*v));

	if (v == NULL)
		return (false);
	if (f->nsyms != 0)
		memcpy(v, f->syms, f->nsyms * sizeof(*v));
	if (debug->nsyms != 0)
		memcpy(v + f->nsyms, debug->syms, debug->nsyms * sizeof(*v));
	free(f->syms);
	f->syms = v;
	f->nsyms = n;
	elf_sort(f);
	return (true);
}

void
elf_add_debug(struct elf *f, const char *root, const char *path)
{
	struct elf *debug;
	size_t len = 0;

	if (f->debug != NULL || (elf_section(f, ".symtab", &len, NULL) != NULL && len > 0) ||
	    (debug = calloc(1, sizeof(*debug))) == NULL)
		return;
	if (((root != NULL && (by_build_id(f, root, debug) || by_link(f, root, path, debug))) ||
	    unpack(f, debug)) &&
	    merge(f, debug)) {
		f->debug = debug; /* the names are its */
		return;
	}
	elf_close(debug);
	free(debug);
}
