# mbedtls: a TLS 1.2 client below curl for image servers; the digests that image manifests name.
PACKAGE=mbedtls UPSTREAM=2.28.3

build() {
	cat > include/mbedtls/config.h <<-'END'
	#ifndef MBEDTLS_CONFIG_H
	#define MBEDTLS_CONFIG_H
	#define MBEDTLS_HAVE_ASM
	#define MBEDTLS_HAVE_TIME
	#define MBEDTLS_HAVE_TIME_DATE
	#define MBEDTLS_FS_IO
	#define MBEDTLS_ENTROPY_C
	#define MBEDTLS_CTR_DRBG_C
	#define MBEDTLS_AESNI_C
	#define MBEDTLS_AES_C
	#define MBEDTLS_GCM_C
	#define MBEDTLS_CHACHA20_C
	#define MBEDTLS_POLY1305_C
	#define MBEDTLS_CHACHAPOLY_C
	#define MBEDTLS_CIPHER_C
	#define MBEDTLS_CIPHER_MODE_CBC
	#define MBEDTLS_MD_C
	#define MBEDTLS_MD5_C
	#define MBEDTLS_SHA1_C
	#define MBEDTLS_SHA256_C
	#define MBEDTLS_SHA512_C
	#define MBEDTLS_BIGNUM_C
	#define MBEDTLS_RSA_C
	#define MBEDTLS_PKCS1_V15
	#define MBEDTLS_PKCS1_V21
	#define MBEDTLS_ECP_C
	#define MBEDTLS_ECP_NIST_OPTIM
	#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
	#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
	#define MBEDTLS_ECP_DP_SECP521R1_ENABLED
	#define MBEDTLS_ECP_DP_CURVE25519_ENABLED
	#define MBEDTLS_ECDH_C
	#define MBEDTLS_ECDSA_C
	#define MBEDTLS_ASN1_PARSE_C
	#define MBEDTLS_ASN1_WRITE_C
	#define MBEDTLS_BASE64_C
	#define MBEDTLS_PEM_PARSE_C
	#define MBEDTLS_OID_C
	#define MBEDTLS_PK_C
	#define MBEDTLS_PK_PARSE_C
	#define MBEDTLS_PK_WRITE_C
	#define MBEDTLS_X509_USE_C
	#define MBEDTLS_X509_CRT_PARSE_C
	#define MBEDTLS_ERROR_C
	#define MBEDTLS_SSL_TLS_C
	#define MBEDTLS_SSL_CLI_C
	#define MBEDTLS_SSL_PROTO_TLS1_2
	#define MBEDTLS_SSL_SERVER_NAME_INDICATION
	#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
	#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
	#define MBEDTLS_SSL_ALPN
	#define MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
	#define MBEDTLS_SSL_RENEGOTIATION
	#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
	#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
	#include "mbedtls/check_config.h"
	#endif
	END
	compile libmbedtls.a -Iinclude -Ilibrary library/ssl_*.c library/debug.c
	compile libmbedx509.a -Iinclude -Ilibrary library/x509*.c
	compile libmbedcrypto.a -Iinclude -Ilibrary \
		$(ls library/*.c | grep -v -e /ssl_ -e /debug -e /x509 -e /psa_ -e /net_sockets -e /certs)
	headers -d mbedtls include/mbedtls/*.h
	headers -d psa include/psa/*.h
}
