/* SPDX-License-Identifier: MIT */
/*
 * Keysyms to keys.
 *
 * A VNC client says which character it means; a PC's keyboard says which key went down, and the guest's own
 * layout makes a character of it.  So the same layout must be known here: a string per row of keys with what
 * stands on them, plain and with Shift.  Shift itself comes from the client as a key of its own.
 *
 * Facts: X11's keysymdef for numbers above 0xff; scan code set 1 from the PC/AT reference.
 */
#include <string.h>

#include "smartbox/vmx/rfb.h"

enum { PREFIX = 0x80 };

/* From these keys on, in order: the digits' row, then those below. */
static const uint8_t row_first[4] = {0x02, 0x10, 0x1e, 0x2c};

struct layout {
	const char *name;
	const char *plain[4], *shifted[4]; /* Latin-1 */
	uint8_t left_of_1[2], backslash[2], extra[2]; /* keys 0x29, 0x2b, 0x56: plain, shifted */
};

static const struct layout layouts[] = {
    {"en-us", {"1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"},
	{"!@#$%^&*()_+", "QWERTYUIOP{}", "ASDFGHJKL:\"", "ZXCVBNM<>?"}, {'`', '~'}, {'\\', '|'}, {'<', '>'}},
    {"en-gb", {"1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"},
	{"!\"\xa3$%^&*()_+", "QWERTYUIOP{}", "ASDFGHJKL:@", "ZXCVBNM<>?"}, {'`', 0xac}, {'#', '~'}, {'\\', '|'}},
    {"de", {"1234567890\xdf\xb4", "qwertzuiop\xfc+", "asdfghjkl\xf6\xe4", "yxcvbnm,.-"},
	{"!\"\xa7$%&/()=?`", "QWERTZUIOP\xdc*", "ASDFGHJKL\xd6\xc4", "YXCVBNM;:_"}, {'^', 0xb0}, {'#', '\''},
	{'<', '>'}},
    {"fr", {"&\xe9\"'(-\xe8_\xe7\xe0)=", "azertyuiop^$", "qsdfghjklm\xf9", "wxcvbn,;:!"},
	{"1234567890\xb0+", "AZERTYUIOP\xa8\xa3", "QSDFGHJKLM%", "WXCVBN?./\xa7"}, {0xb2, 0}, {'*', 0xb5},
	{'<', '>'}},
};

/* With AltGr where the layout has it; the client sends AltGr as a key. */
static const struct {
	const char *layout;
	uint8_t sym, code;
} third[] = {{"de", '@', 0x10}, {"de", '{', 0x08}, {"de", '[', 0x09}, {"de", ']', 0x0a}, {"de", '}', 0x0b},
    {"de", '\\', 0x0c}, {"de", '~', 0x1b}, {"de", '|', 0x56}, {"de", 0xb5, 0x32}, {"fr", '~', 0x03},
    {"fr", '#', 0x04}, {"fr", '{', 0x05}, {"fr", '[', 0x06}, {"fr", '|', 0x07}, {"fr", '`', 0x08},
    {"fr", '\\', 0x09}, {"fr", '@', 0x0b}, {"fr", ']', 0x0c}, {"fr", '}', 0x0d}};

static const struct {
	uint16_t sym;
	uint8_t code;
} special[] = {{' ', 0x39}, {0xff08, 0x0e}, {0xff09, 0x0f}, {0xfe20, 0x0f}, {0xff0d, 0x1c}, {0xff1b, 0x01},
    {0xffff, PREFIX | 0x53}, {0xff50, PREFIX | 0x47}, {0xff51, PREFIX | 0x4b}, {0xff52, PREFIX | 0x48},
    {0xff53, PREFIX | 0x4d}, {0xff54, PREFIX | 0x50}, {0xff55, PREFIX | 0x49}, {0xff56, PREFIX | 0x51},
    {0xff57, PREFIX | 0x4f}, {0xff63, PREFIX | 0x52}, {0xff7f, 0x45}, {0xff14, 0x46}, {0xff8d, PREFIX | 0x1c},
    {0xffaa, 0x37}, {0xffab, 0x4e}, {0xffad, 0x4a}, {0xffae, 0x53}, {0xff9f, 0x53}, {0xffaf, PREFIX | 0x35},
    {0xffb0, 0x52}, {0xffb1, 0x4f}, {0xffb2, 0x50}, {0xffb3, 0x51}, {0xffb4, 0x4b}, {0xffb5, 0x4c},
    {0xffb6, 0x4d}, {0xffb7, 0x47}, {0xffb8, 0x48}, {0xffb9, 0x49}, {0xff95, 0x47}, {0xff96, 0x4b},
    {0xff97, 0x48}, {0xff98, 0x4d}, {0xff99, 0x50}, {0xff9a, 0x49}, {0xff9b, 0x51}, {0xff9c, 0x4f},
    {0xff9d, 0x4c}, {0xff9e, 0x52}, {0xffe1, 0x2a}, {0xffe2, 0x36}, {0xffe3, 0x1d}, {0xffe4, PREFIX | 0x1d},
    {0xffe5, 0x3a}, {0xffe7, PREFIX | 0x5b}, {0xffe8, PREFIX | 0x5c}, {0xffe9, 0x38}, {0xffea, PREFIX | 0x38},
    {0xffeb, PREFIX | 0x5b}, {0xffec, PREFIX | 0x5c}, {0xfe03, PREFIX | 0x38}, {0xff7e, PREFIX | 0x38},
    {0xff67, PREFIX | 0x5d}, {0xffc8, 0x57}, {0xffc9, 0x58}};

static const struct layout *
layout_find(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (strcmp(layouts[i].name, name) == 0)
			return (&layouts[i]);
	return (&layouts[0]);
}

static uint8_t
special_code(uint32_t sym)
{
	if (sym >= 0xffbe && sym <= 0xffc7) /* F1 to F10 */
		return ((uint8_t)(0x3b + sym - 0xffbe));
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (special[i].sym == sym)
			return (special[i].code);
	return (0);
}

static uint8_t
row_code(const struct layout *l, uint32_t sym)
{
	for (unsigned row = 0; row < 4; row++) {
		const char *p = strchr(l->plain[row], (int)(char)sym);
		const char *s = strchr(l->shifted[row], (int)(char)sym);

		if (p != NULL)
			return ((uint8_t)(row_first[row] + (p - l->plain[row])));
		if (s != NULL)
			return ((uint8_t)(row_first[row] + (s - l->shifted[row])));
	}
	return (0);
}

static uint8_t
odd_code(const struct layout *l, uint8_t sym)
{
	if (sym == l->left_of_1[0] || sym == l->left_of_1[1])
		return (0x29);
	if (sym == l->backslash[0] || sym == l->backslash[1])
		return (0x2b);
	if (sym == l->extra[0] || sym == l->extra[1])
		return (0x56);
	for (size_t i = 0; i < sizeof(third) / sizeof(third[0]); i++)
		if (third[i].sym == sym && strcmp(third[i].layout, l->name) == 0)
			return (third[i].code);
	return (0);
}

uint8_t
keymap_code(const char *keymap, uint32_t keysym)
{
	const struct layout *l = layout_find(keymap);
	uint8_t code = special_code(keysym);

	if (code != 0 || keysym == 0 || keysym > 0xff)
		return (code);
	if ((code = row_code(l, keysym)) != 0)
		return (code);
	return (odd_code(l, (uint8_t)keysym));
}
