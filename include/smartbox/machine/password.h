/* SPDX-License-Identifier: MIT */
/*
 * Passwords as /etc/shadow keeps them: "$6$SALT$HASH", the SHA-512 scheme of crypt(5).
 */
#ifndef SMARTBOX_MACHINE_PASSWORD_H
#define SMARTBOX_MACHINE_PASSWORD_H

#include "smartbox/core/err.h"

enum { PASSWORD_HASH_SIZE = 128, PASSWORD_MAX = 256 };

/*
 * salt: up to 16 letters of [./0-9A-Za-z]; NULL takes a fresh one.
 * -EINVAL a password above PASSWORD_MAX bytes.
 */
int password_hash(const char *password, const char *salt, char hash[PASSWORD_HASH_SIZE],
    struct err *e);

#endif
