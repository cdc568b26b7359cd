/* SPDX-License-Identifier: MIT */
/* Hashes that only checksums of blocks use. */
#ifndef FS_CHECKSUM_IMPL_H
#define FS_CHECKSUM_IMPL_H

#include <stddef.h>
#include <stdint.h>

/* fs/skein.c */
void skein_512_256_mac(const uint8_t key[32], const void *data, size_t len, uint8_t digest[32]);
/* fs/edonr.c; the format uses the first 32 bytes */
void edonr_512_mac(const uint8_t salt[32], const void *data, size_t len, uint8_t digest[64]);
/* fs/blake3.c */
void blake3_mac(const uint8_t key[32], const void *data, size_t len, uint8_t digest[32]);

#endif
