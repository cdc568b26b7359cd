/* SPDX-License-Identifier: MIT */
/* machine/password: what `openssl passwd -6` says. */
#include "test.h"

#include "smartbox/machine/password.h"

TEST(password_hash_agrees_with_openssl)
{
	char h[PASSWORD_HASH_SIZE];

	CHECK_EQ(password_hash("Hello world!", "saltstring", h, NULL), 0);
	CHECK_STR(h, "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnI"
		       "FNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1");
}

TEST(password_hash_takes_passwords_longer_than_a_digest)
{
	char h[PASSWORD_HASH_SIZE];

	/* openssl passwd -6 -salt ab on 100 letters x */
	CHECK_EQ(password_hash("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		     "ab", h, NULL),
	    0);
	CHECK_STR(h, "$6$ab$Dl9IhjoQKEbFzT0mHUojnmKfO/iaqCONKYMJae6A6BamPi8p5W8x7BIsEQTkgeX2qGN0TnWVc1L7jgOlphKFW.");
}

TEST(password_hash_salts_afresh)
{
	char a[PASSWORD_HASH_SIZE], b[PASSWORD_HASH_SIZE];

	CHECK_EQ(password_hash("", NULL, a, NULL), 0);
	CHECK_EQ(password_hash("", NULL, b, NULL), 0);
	CHECK(strcmp(a, b) != 0);
}
