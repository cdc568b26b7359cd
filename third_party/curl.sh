# curl: http, https and file for imgadm. Everything else is configured out.
PACKAGE=curl UPSTREAM=7.88.1
NEEDS=mbedtls

build() {
	./configure CC="$CC" CFLAGS="$CFLAGS -w" CPPFLAGS="-I$out/include" LDFLAGS="-L$out/lib" \
		--disable-shared --enable-static --disable-dependency-tracking --disable-silent-rules \
		--with-mbedtls="$out" --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt \
		--without-zlib --without-zstd --without-brotli --without-libpsl --without-libidn2 \
		--without-nghttp2 --without-librtmp --without-libssh2 --without-libgsasl \
		--enable-http --enable-file --disable-ftp --disable-ldap --disable-ldaps --disable-rtsp \
		--enable-proxy --disable-dict --disable-telnet --disable-tftp --disable-pop3 \
		--disable-imap --disable-smb --disable-smtp --disable-gopher --disable-mqtt \
		--disable-manual --disable-sspi --disable-ntlm --disable-ntlm-wb --disable-tls-srp \
		--disable-unix-sockets --disable-cookies --disable-doh --disable-mime --disable-netrc \
		--disable-dateparse --disable-progress-meter --disable-alt-svc --disable-hsts \
		--disable-headers-api --disable-get-easy-options --disable-threaded-resolver \
		--disable-aws --disable-libcurl-option --disable-crypto-auth --disable-verbose
	make -C lib -j2 AUTOCONF=: AUTOMAKE=: AUTOHEADER=: ACLOCAL=: V=1
	cp lib/.libs/libcurl.a stage/lib/
	headers -d curl include/curl/*.h
}
