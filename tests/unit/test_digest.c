/* SPDX-License-Identifier: MIT */
/* machine/digest: the names and the published test vectors ("abc", FIPS 180, RFC 1321). */
#include "smartbox/machine/digest.h"

#include <errno.h>

#include "test.h"

static void
check_abc(const char *name, const char *want)
{
	struct digest *d;
	char hex[DIGEST_HEX_MAX];

	CHECK_EQ(digest_new(name, &d, NULL), 0);
	digest_add(d, "a", 1);
	digest_add(d, "bc", 2);
	digest_hex(d, hex);
	digest_free(d);
	CHECK_STR(hex, want);
	CHECK_EQ(digest_hex_len(name), strlen(want));
}

TEST(digest_matches_the_published_vectors)
{
	check_abc("md5", "900150983cd24fb0d6963f7d28e17f72");
	check_abc("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d");
	check_abc("SHA256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_abc("sha512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	                    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(digest_new_names_the_unknown_algorithm_and_the_known_ones)
{
	struct digest *d;
	struct err e = ERR_INIT;

	CHECK_EQ(digest_new("crc32", &d, &e), -EINVAL);
	CHECK_STR(e.msg, "unknown digest 'crc32', allowed are md5, sha1, sha224, sha256, sha384, sha512");
	CHECK(digest_canonical("Sha1") != NULL);
	CHECK(digest_canonical("crc32") == NULL);
	CHECK_EQ(digest_hex_len("crc32"), 0);
}
