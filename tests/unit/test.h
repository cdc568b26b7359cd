/* SPDX-License-Identifier: MIT */
/*
 * The unit tests' frame: a test is its claim.
 *
 *	TEST(vnic_create_names_the_missing_link)
 *	{
 *		CHECK(vnic_create(&spec, &v, &e) == -ENODEV);
 *		CHECK_STR(e.text, "link 'e0': No such device");
 *	}
 *
 * A test registers itself before main runs. A failed CHECK prints both sides and leaves the test, the
 * others still run. Randomness comes from test_rand(), whose seed every run prints and SEED= sets.
 * Each test runs in a child process: a crash or a hang is one failure, with its name.
 */
#ifndef SMARTBOX_TEST_H
#define SMARTBOX_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct test {
	const char *name;
	const char *file;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *t);

/* End this test as failed; the message follows the file and line. Does not return. */
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* End this test as skipped, for a reason that is printed and counted. Does not return. */
_Noreturn void test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The next of a reproducible sequence that starts anew with each test. */
uint64_t test_rand(void);

/* A scratch folder of this test alone, removed afterwards. Valid until the test ends. */
const char *test_dir(void);

/* The path of a fixture below $SHARED (default ../shared), or skip the test by name. */
const char *test_fixture(const char *relative);

#define TEST(name_)                                                                                \
	static void test_##name_(void);                                                            \
	static struct test test_entry_##name_ = {#name_, __FILE__, test_##name_, NULL};            \
	__attribute__((constructor)) static void test_add_##name_(void)                            \
	{                                                                                          \
		test_register(&test_entry_##name_);                                                \
	}                                                                                          \
	static void test_##name_(void)

#define CHECK(cond_)                                                                               \
	do {                                                                                       \
		if (!(cond_))                                                                      \
			test_fail(__FILE__, __LINE__, "%s", #cond_);                               \
	} while (0)

/* Integers, signed or not up to 64 bits: says what was found and what was expected. */
#define CHECK_EQ(got_, want_)                                                                      \
	do {                                                                                       \
		int64_t got__ = (int64_t)(got_), want__ = (int64_t)(want_);                        \
		if (got__ != want__)                                                               \
			test_fail(__FILE__, __LINE__,                                              \
			    "%s is %" PRId64 " (%#" PRIx64 "), expected %" PRId64, #got_, got__,   \
			    (uint64_t)got__, want__);                                              \
	} while (0)

#define CHECK_STR(got_, want_)                                                                     \
	do {                                                                                       \
		const char *got__ = (got_), *want__ = (want_);                                     \
		if (got__ == NULL || strcmp(got__, want__) != 0)                                   \
			test_fail(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #got_,      \
			    got__ != NULL ? got__ : "(null)", want__);                             \
	} while (0)

#define CHECK_MEM(got_, want_, size_)                                                              \
	do {                                                                                       \
		if (memcmp((got_), (want_), (size_)) != 0)                                         \
			test_fail(__FILE__, __LINE__, "%s differs from %s", #got_, #want_);        \
	} while (0)

#endif
