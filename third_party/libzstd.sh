# libzstd: zstd and zstd-fast compression of datasets, .zst images. One thread, no dictionaries builder,
# no legacy formats.
PACKAGE=libzstd UPSTREAM=1.5.4+dfsg2

build() {
	compile libzstd.a -Ilib -Ilib/common -DZSTD_LEGACY_SUPPORT=0 -DXXH_NAMESPACE=ZSTD_ \
		lib/common/*.c lib/compress/*.c lib/decompress/*.c lib/decompress/*.S
	headers lib/zstd.h lib/zstd_errors.h
}
